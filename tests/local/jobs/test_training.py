"""Training jobs that run the user's own program or script: channels, configuration, results, failures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlflowsteps.exceptions import ServiceError
from tests.local.jobs.conftest import BUCKET, SKLEARN, Bench, channel, members, tar_gz, training

OWN = "305326993135.dkr.ecr.ap-southeast-1.amazonaws.com/team/own:1"


def own(bench: Bench, folder: Path, source: str) -> None:
    """Register a program that runs in place of the image."""
    (folder / "program.py").write_text(source)
    bench.manager.images.register("team/own", [sys.executable, str(folder / "program.py")])


LOOK = """
import json, os, pathlib, sys
base = pathlib.Path("/opt/ml")
tree = sorted(str(path.relative_to(base / "input/data")) for path in (base / "input/data").rglob("*") if path.is_file())
config = {path.name: json.loads(path.read_text()) for path in (base / "input/config").iterdir()}
(base / "model/look.json").write_text(json.dumps([tree, config, dict(os.environ), sys.argv[1:]]))
(base / "model/sub").mkdir()
(base / "model/sub/weights").write_text("w")
(base / "output/data/plot.txt").write_text("p")
print("loss: 0.5")
print("loss: 0.25")
"""


def test_a_program_finds_channels_and_configuration_and_its_results_are_kept(bench: Bench, tmp_path: Path) -> None:
    own(bench, tmp_path, LOOK)
    for key in ("in/train/a.csv", "in/train/sub/b.csv", "in/train2/c.csv", "csv/train.csv"):
        bench.put(key, key)
    request = training(
        "Own-1",
        OWN,
        channels={"folder": ("in/train", "text/csv"), "file": "csv/train.csv", "slash": "in/train/"},
        HyperParameters={"depth": "3"},
        Environment={"MINE": "1"},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    request["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": "loss: ([0-9.]+)"}]
    job = bench.run("training-job", request)

    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    files = members(bench.get("models/Own-1/output/model.tar.gz"))
    assert sorted(files) == ["look.json", "sub/weights"]
    assert members(bench.get("models/Own-1/output/output.tar.gz")) == {"plot.txt": b"p"}
    tree, config, environment, arguments = json.loads(files["look.json"])
    assert arguments == ["train"]
    assert tree == [
        "file/train.csv",
        "folder/a.csv",
        "folder/sub/b.csv",
        "folder/train2/c.csv",
        "slash/a.csv",
        "slash/sub/b.csv",
    ]
    assert config["hyperparameters.json"] == {"depth": "3"}
    assert config["inputdataconfig.json"]["folder"] == {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
        "ContentType": "text/csv",
    }
    assert config["resourceconfig.json"]["hosts"] == ["algo-1"]
    assert {"current_instance_type", "network_interface_name"} <= config["resourceconfig.json"].keys()
    assert (environment["TRAINING_JOB_NAME"], environment["MINE"]) == ("Own-1", "1")
    assert (
        environment["TRAINING_JOB_ARN"]
        == job["TrainingJobArn"]
        == ("arn:aws:sagemaker:us-east-1:123456789012:training-job/own-1")
    )
    assert [(row["MetricName"], row["Value"]) for row in job["FinalMetricDataList"]] == [("loss", 0.25)]


def test_the_description_tells_the_jobs_whole_life(bench: Bench, tmp_path: Path) -> None:
    own(bench, tmp_path, "print(1)")
    job = bench.run("training-job", training("life", OWN))

    statuses = [row["Status"] for row in job["SecondaryStatusTransitions"]]
    assert statuses == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    times = [time for row in job["SecondaryStatusTransitions"] for time in (row["StartTime"], row["EndTime"])]
    assert times == sorted(times)
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"] <= job["LastModifiedTime"]
    assert job["TrainingTimeInSeconds"] == job["BillableTimeInSeconds"] >= 1
    assert str(bench.manager.log_path("training-job", "life")) in job["SecondaryStatusTransitions"][2]["StatusMessage"]
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 300}
    assert job["EnableNetworkIsolation"] is False


def test_two_runs_of_one_program_make_the_same_archive_byte_for_byte(bench: Bench, tmp_path: Path) -> None:
    own(bench, tmp_path, "[open(f'/opt/ml/model/{name}', 'w').write(name) for name in 'cab']")
    for name in ("one", "two"):
        assert bench.run("training-job", training(name, OWN))["TrainingJobStatus"] == "Completed"
    assert bench.get("models/one/output/model.tar.gz") == bench.get("models/two/output/model.tar.gz")


def test_the_failure_file_and_the_logs_end_make_the_reason(bench: Bench, tmp_path: Path) -> None:
    source = "open('/opt/ml/output/failure', 'w').write('no column rings'); print('last words'); raise SystemExit(4)"
    own(bench, tmp_path, source)
    job = bench.run("training-job", training("f", OWN))

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"].startswith("AlgorithmError: no column rings, exit code: 4\nLog: ")
    assert job["FailureReason"].endswith("last words")
    assert "models/f/output/model.tar.gz" not in bench.all_keys()


@pytest.mark.parametrize("path", ["output/failure", "model/pipe", "output/data/pipe"])
def test_a_pipe_in_place_of_a_result_is_not_waited_for(bench: Bench, tmp_path: Path, path: str) -> None:
    own(bench, tmp_path, f"import os; os.path.exists('/opt/ml/{path}') or os.mkfifo('/opt/ml/{path}'); os._exit(1)")
    assert bench.run("training-job", training("f", OWN))["FailureReason"].startswith("AlgorithmError: Exit Code: 1")
    own(bench, tmp_path, f"import os; os.mkfifo('/opt/ml/{path}')")
    assert bench.run("training-job", training("g", OWN))["TrainingJobStatus"] == "Completed"


def test_a_model_may_be_kept_uncompressed(bench: Bench, tmp_path: Path) -> None:
    own(bench, tmp_path, "open('/opt/ml/model/w', 'w').write('w')")
    output = {"S3OutputPath": f"s3://{BUCKET}/models", "CompressionType": "NONE"}
    job = bench.run("training-job", training("plain", OWN, OutputDataConfig=output))

    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/models/plain/output/model/"
    assert bench.get("models/plain/output/model/w") == b"w"


def test_checkpoints_come_back_with_the_next_job(bench: Bench, tmp_path: Path) -> None:
    source = "open('/opt/ml/checkpoints/n', 'a').write('1')"
    own(bench, tmp_path, source)
    for name in ("c-1", "c-2"):
        request = training(name, OWN, CheckpointConfig={"S3Uri": f"s3://{BUCKET}/checkpoints"})
        assert bench.run("training-job", request)["TrainingJobStatus"] == "Completed"
    assert bench.get("checkpoints/n") == b"11"


def test_instances_share_the_objects_by_key_and_know_each_other(bench: Bench, tmp_path: Path) -> None:
    source = (
        "import json, os, socket\n"
        "host = json.load(open('/opt/ml/input/config/resourceconfig.json'))['current_host']\n"
        "socket.gethostbyname('algo-2')\n"
        "open(f'/opt/ml/model/{host}', 'w').write(' '.join(sorted(os.listdir('/opt/ml/input/data/train'))))\n"
    )
    own(bench, tmp_path, source)
    for name in "abcd":
        bench.put(f"in/{name}", name)
    request = training("two", OWN)
    request["InputDataConfig"] = [channel("train", "in/", S3DataDistributionType="ShardedByS3Key")]
    request["ResourceConfig"]["InstanceCount"] = 2
    job = bench.run("training-job", request)

    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    found = members(bench.get("models/two/output/model.tar.gz"))
    assert found == {"algo-1": b"a c", "algo-2": b"b d"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"DataSource": {"FileSystemDataSource": {}}}, "FileSystemDataSource"),
        (
            {"DataSource": {"S3DataSource": {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://data/x"}}},
            "AugmentedManifestFile",
        ),
        ({"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://absent/x"}}}, "absent"),
        ({"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "ftp://x"}}}, "'ftp://x' is no S3 URI"),
    ],
)
def test_a_channel_that_cannot_be_read_fails_the_job_clearly(
    bench: Bench, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    own(bench, tmp_path, "")
    bench.put("x", "1")
    request = training("bad", OWN, channels={"train": "x"})
    request["InputDataConfig"][0] |= change
    job = bench.run("training-job", request)

    assert job["TrainingJobStatus"] == "Failed"
    assert "'train'" in job["FailureReason"]
    assert reason in job["FailureReason"]


def test_an_image_that_nothing_answers_fails_the_job_with_the_line_to_add(bench: Bench) -> None:
    job = bench.run("training-job", training("u", "1.dkr.ecr.us-east-1.amazonaws.com/team/unknown:3"))
    assert job["TrainingJobStatus"] == "Failed"
    assert 'runtime.register_image("team/unknown", ["python", "program.py"])' in job["FailureReason"]


def test_a_callable_makes_the_command_from_the_request(bench: Bench) -> None:
    def command(request: dict) -> list[str]:
        source = f"print('depth', {request['HyperParameters']['depth']})"
        return [sys.executable, "-c", source]

    bench.manager.images.register("team/*", command)
    assert (
        bench.run("training-job", training("c", OWN, HyperParameters={"depth": "7"}))["TrainingJobStatus"]
        == "Completed"
    )
    assert "depth 7" in bench.log("training-job", "c")


SCRIPT = """
import argparse, json, os, pathlib, pickle
from sklearn.linear_model import LinearRegression
from helper import read
parser = argparse.ArgumentParser()
parser.add_argument("--fit-intercept", type=lambda text: text == "True")
parser.add_argument("-a", type=float)
parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
options = parser.parse_args()
rows = read(options.train)
model = LinearRegression(fit_intercept=options.fit_intercept).fit([row[1:] for row in rows], [row[0] for row in rows])
pickle.dump(model, open(os.path.join(options.model_dir, "model.pkl"), "wb"))
print("SM", json.dumps({name: value for name, value in os.environ.items() if name.startswith("SM_")}))
print("cwd", os.getcwd(), "a", options.a)
"""
HELPER = """
import csv, pathlib
def read(folder):
    files = sorted(pathlib.Path(folder).iterdir())
    return [[float(v) for v in row] for file in files for row in csv.reader(file.open())]
"""


@pytest.mark.parametrize("mode", ["namespace", "rewritten"])
@pytest.mark.parametrize("encoded", [True, False])
def test_a_scikit_learn_script_trains_as_in_its_container(
    make_bench: Callable[..., Bench], mode: str, encoded: bool
) -> None:
    bench = make_bench(path_mode=mode)
    bench.put("code/source.tar.gz", tar_gz({"train.py": SCRIPT, "helper.py": HELPER}))
    bench.put("in/rows.csv", "".join(f"{2 * x + 1},{x}\n" for x in range(10)))
    parameters = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": f"s3://{BUCKET}/code/source.tar.gz",
        "sagemaker_container_log_level": "20",
        "fit-intercept": "true",
        "a": "0.5",
    }
    if encoded:
        parameters = {
            name: json.dumps(text) if "." in text and text != "0.5" else text for name, text in parameters.items()
        }
    job = bench.run("training-job", training("s", SKLEARN, channels={"train": "in/"}, HyperParameters=parameters))

    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert list(members(bench.get("models/s/output/model.tar.gz"))) == ["model.pkl"]
    lines = bench.log("training-job", "s").splitlines()
    variables = json.loads(next(line for line in lines if line.startswith("SM ")).removeprefix("SM "))
    assert variables["SM_HP_FIT-INTERCEPT"] == "true"
    assert json.loads(variables["SM_HPS"]) == {"a": 0.5, "fit-intercept": True}
    assert json.loads(variables["SM_USER_ARGS"]) == ["-a", "0.5", "--fit-intercept", "True"]
    assert (variables["SM_CHANNELS"], variables["SM_CURRENT_HOST"]) == ('["train"]', "algo-1")
    assert variables["SM_MODEL_DIR"].startswith("/opt/ml") == (mode == "namespace")
    assert any(line.startswith("cwd ") and line.endswith("/code a 0.5") for line in lines)


def test_a_script_that_exits_3_says_so_as_the_toolkit_does(bench: Bench) -> None:
    script = "import sys\nprint('epoch 1')\nprint('rings: no such column', file=sys.stderr)\nsys.exit(3)\n"
    bench.put("code/source.tar.gz", tar_gz({"train.py": script}))
    parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{BUCKET}/code/source.tar.gz"}
    job = bench.run("training-job", training("s", SKLEARN, HyperParameters=parameters))

    assert job["TrainingJobStatus"] == "Failed"
    reason = job["FailureReason"]
    assert reason.startswith(
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 3\nErrorMessage "rings: no such column"'
    )
    assert str(bench.manager.log_path("training-job", "s")) in reason


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({}, "set the hyperparameter sagemaker_program"),
        (
            {"sagemaker_program": "other.py", "sagemaker_submit_directory": f"s3://{BUCKET}/source.tar.gz"},
            "the script 'other.py' is not in the source code",
        ),
        (
            {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{BUCKET}/absent.tar.gz"},
            "No S3 objects found",
        ),
    ],
)
def test_a_script_that_is_not_there_fails_the_job_with_the_fix(
    bench: Bench, parameters: dict[str, str], reason: str
) -> None:
    bench.put("source.tar.gz", tar_gz({"train.py": "print(1)"}))
    job = bench.run("training-job", training("s", SKLEARN, HyperParameters=parameters))
    assert job["TrainingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]


def test_requirements_that_are_there_are_not_installed_again(bench: Bench) -> None:
    script = "import sklearn; print('has it')"
    bench.put("source.tar.gz", tar_gz({"train.py": script, "requirements.txt": "# models\nscikit-learn>=1.0\n"}))
    parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{BUCKET}/source.tar.gz"}
    assert (
        bench.run("training-job", training("s", SKLEARN, HyperParameters=parameters))["TrainingJobStatus"]
        == "Completed"
    )
    assert "has it" in bench.log("training-job", "s")
    assert "installing" not in bench.log("training-job", "s")


def test_a_hostile_archive_of_source_code_fails_the_job_and_writes_nothing_outside(bench: Bench) -> None:
    bench.put("source.tar.gz", tar_gz({"train.py": "print('ran')", "../../../../../evil.txt": "x"}))
    parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{BUCKET}/source.tar.gz"}
    job = bench.run("training-job", training("s", SKLEARN, HyperParameters=parameters))

    assert job["TrainingJobStatus"] == "Failed"
    assert "evil.txt" in job["FailureReason"]
    assert not list(bench.root.parent.rglob("evil.txt"))
    assert "ran" not in bench.log("training-job", "s")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"TrainingJobName": "under_score"}, "Value 'under_score' at 'trainingJobName'"),
        ({"TrainingJobName": "../escape"}, "trainingJobName"),
        ({"TrainingJobName": "a" * 64}, "trainingJobName"),
        ({"HyperParameters": {str(i): "1" for i in range(101)}}, "HyperParameters holds 101 entries; at most 100"),
        ({"InputDataConfig": [channel("a", "x"), channel("a", "y")]}, "names 'a' twice"),
        ({"InputDataConfig": [channel("..", "x")]}, "channel name"),
        ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, "exactly one of TrainingImage and AlgorithmName"),
    ],
)
def test_what_the_service_refuses_is_refused_when_created(bench: Bench, changes: dict[str, object], text: str) -> None:
    with pytest.raises(ServiceError) as caught:
        bench.manager.create("training-job", training("ok", OWN) | changes)
    assert caught.value.code == "ValidationException"
    assert text in caught.value.message
    assert bench.manager.list("training-job") == []


def test_a_name_that_is_taken_is_refused_except_to_the_one_who_took_it(bench: Bench, tmp_path: Path) -> None:
    own(bench, tmp_path, "")
    arn = bench.manager.create("training-job", training("Name", OWN), origin="task-1")
    assert bench.manager.create("training-job", training("Name", OWN), origin="task-1") == arn
    for name, origin in (("Name", "task-2"), ("Name", None), ("name", "task-1x")):
        with pytest.raises(ServiceError) as caught:
            bench.manager.create("training-job", training(name, OWN), origin=origin)
        assert caught.value.code == "ResourceInUse"
        assert "steps.unique_job_name() makes a new one" in str(caught.value)
        assert arn in caught.value.message
    bench.wait("training-job", "Name")
    assert [job["TrainingJobName"] for job in bench.manager.list("training-job")] == ["Name"]
