"""Processing jobs: inputs, outputs, configuration, exit codes, and where they may look and write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.local.jobs.conftest import BUCKET, Bench, processing, processing_input, processing_output

COPY = """
import json, os, pathlib, sys
base = pathlib.Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
source, target = base / "processing/input", base / "processing/output"
config = json.loads((base / "config/processingjobconfig.json").read_text())
(target / "train/sub").mkdir()
(target / "train/sub/x.csv").write_text((source / "raw.csv").read_text().upper())
(target / "train/link.csv").symlink_to("/etc/hostname")
path = config["ProcessingInputs"][0]["S3Input"]["LocalPath"]
(target / "report/names.json").write_text(json.dumps([config["ProcessingJobName"], sys.argv[1:], path]))
(base / "output/message").write_text("rows=1")
"""


@pytest.mark.parametrize("mode", ["namespace", "rewritten"])
def test_inputs_go_in_and_outputs_come_out_in_both_path_modes(make_bench: Callable[..., Bench], mode: str) -> None:
    bench = make_bench(path_mode=mode)
    bench.put("code/job.py", COPY)
    bench.put("input/raw.csv", "a,b\n")
    request = processing("P-1")
    request["ProcessingInputs"].append(processing_input("raw", "input/raw.csv", "/opt/ml/processing/input"))
    request["AppSpecification"]["ContainerArguments"] = ["--depth", "3"]
    outputs = [
        processing_output("train", "/opt/ml/processing/output/train", "train"),
        processing_output("report", "/opt/ml/processing/output/report", "reports/P-1/", "Continuous"),
    ]
    job = bench.run("processing-job", request | {"ProcessingOutputConfig": {"Outputs": outputs}})

    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ProcessingJobArn"] == "arn:aws:sagemaker:us-east-1:123456789012:processing-job/p-1"
    assert job["ExitMessage"] == "rows=1"
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    assert job["LocalRun"]["PathMode"] == mode
    assert [key for key in bench.all_keys() if key.startswith(("train", "reports"))] == [
        "reports/P-1/names.json",
        "train/sub/x.csv",
    ]
    assert bench.get("train/sub/x.csv") == b"A,B\n"
    name, arguments, path = json.loads(bench.get("reports/P-1/names.json"))
    assert (name, arguments) == ("P-1", ["--depth", "3"])
    assert path.endswith("/processing/input/code")
    assert path.startswith("/opt/ml/") == (mode == "namespace")


def test_a_script_that_exits_3_fails_the_job_and_its_last_words_stand_in_the_reason(bench: Bench) -> None:
    bench.put(
        "code/job.py",
        "import sys\nprint('reading')\nprint('the column rings is missing', file=sys.stderr)\nsys.exit(3)",
    )
    job = bench.run("processing-job", processing("fails"))

    assert job["ProcessingJobStatus"] == "Failed"
    reason = job["FailureReason"]
    assert reason.startswith("AlgorithmError: See job logs for more information, exit code: 3")
    assert "the column rings is missing" in reason
    assert str(bench.manager.log_path("processing-job", "fails")) in reason
    assert len(reason) <= 1024


def test_outputs_of_a_failed_job_are_kept(bench: Bench) -> None:
    bench.put("code/job.py", "open('/opt/ml/processing/out/part.csv', 'w').write('1'); raise SystemExit(1)")
    outputs = [processing_output("o", "/opt/ml/processing/out", "out")]
    job = bench.run("processing-job", processing("fails", ProcessingOutputConfig={"Outputs": outputs}))

    assert job["ProcessingJobStatus"] == "Failed"
    assert bench.get("out/part.csv") == b"1"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("nothing/here", f'No S3 objects found under S3 URL "s3://{BUCKET}/nothing/here"'),
        ("code/job.py", "two keys become the file 'job.py'"),
    ],
)
def test_an_input_that_cannot_be_read_fails_the_job_with_its_name(bench: Bench, key: str, reason: str) -> None:
    bench.put("code/job.py", "print(1)")
    request = processing("p")
    request["ProcessingInputs"].append(processing_input("raw", key, "/opt/ml/processing/input/code"))
    job = bench.run("processing-job", request)

    assert job["ProcessingJobStatus"] == "Failed"
    assert "'raw'" in job["FailureReason"]
    assert reason in job["FailureReason"]


def test_an_output_bucket_that_does_not_exist_fails_the_job_before_anything_runs(bench: Bench) -> None:
    bench.put("code/job.py", "print('ran')")
    outputs = [processing_output("o", "/opt/ml/processing/out", "out", bucket="absent")]
    job = bench.run("processing-job", processing("p", ProcessingOutputConfig={"Outputs": outputs}))

    assert job["ProcessingJobStatus"] == "Failed"
    assert 'create_bucket(Bucket="absent")' in job["FailureReason"]
    assert bench.log("processing-job", "p") == ""


def test_a_key_that_would_leave_the_folder_fails_the_job(bench: Bench) -> None:
    bench.put("in/../../../../escaped.txt", "x")
    bench.put("code/job.py", "print('ran')")
    request = processing("p")
    request["ProcessingInputs"].append(processing_input("raw", "in/", "/opt/ml/processing/raw"))
    job = bench.run("processing-job", request)

    assert "cannot be a file in the job's folder" in job["FailureReason"]
    assert not list(bench.root.parent.rglob("escaped.txt"))


def test_a_manifest_names_the_files_of_an_input(bench: Bench) -> None:
    bench.put("code/job.py", "import os; print(sorted(os.listdir('/opt/ml/processing/raw')))")
    for name in ("a", "b", "c"):
        bench.put(f"raw/{name}.csv", name)
    bench.put("list.manifest", json.dumps([{"prefix": f"s3://{BUCKET}/raw/"}, "a.csv", "c.csv"]))
    request = processing("p")
    given = processing_input("raw", "list.manifest", "/opt/ml/processing/raw", S3DataType="ManifestFile")
    request["ProcessingInputs"].append(given)

    assert bench.run("processing-job", request)["ProcessingJobStatus"] == "Completed"
    assert "['a.csv', 'c.csv']" in bench.log("processing-job", "p")


LITERAL = 'print("before")\nopen("/opt/ml/processing/input/code/job.py").read()\nprint("ran to its end")\n'


def test_a_script_that_names_opt_ml_literally_runs_where_it_has_one(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(path_mode="namespace")
    bench.put("code/job.py", LITERAL)

    assert bench.run("processing-job", processing("p"))["ProcessingJobStatus"] == "Completed"
    assert "ran to its end" in bench.log("processing-job", "p")


def test_a_script_that_names_opt_ml_literally_is_refused_where_it_has_none(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(path_mode="rewritten")
    bench.put("code/job.py", LITERAL)
    job = bench.run("processing-job", processing("p"))

    assert job["ProcessingJobStatus"] == "Failed"
    assert "job.py, line 2" in job["FailureReason"]
    assert 'os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")' in job["FailureReason"]
    assert "before" not in bench.log("processing-job", "p")


LOOK = """
import json, os, pathlib, tempfile
files = [pathlib.Path(os.environ[name]).read_text() for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")]
print("LOOK", json.dumps([dict(os.environ), files, str(pathlib.Path.home()), tempfile.gettempdir(), os.getuid()]))
"""


def test_a_job_sees_no_secret_of_the_user_and_has_its_own_home(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONFIG_FILE", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, "a-secret")
    monkeypatch.setenv("PASSED_ON", "yes")
    bench = make_bench(pass_environment=["PASSED_ON"], region="eu-west-1")
    bench.put("code/job.py", LOOK)
    job = bench.run("processing-job", processing("p", Environment={"MINE": "1"}))

    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    line = next(line for line in bench.log("processing-job", "p").splitlines() if line.startswith("LOOK"))
    environment, files, home, temporary, uid = json.loads(line.removeprefix("LOOK"))
    assert "a-secret" not in environment.values()
    assert files == ["", ""]
    assert (environment["MINE"], environment["PASSED_ON"]) == ("1", "yes")
    assert (environment["AWS_REGION"], environment["AWS_EC2_METADATA_DISABLED"]) == ("eu-west-1", "true")
    assert uid == os.getuid()
    inside = temporary.startswith(str(bench.root / "jobs/processing-job/p/"))
    assert inside or not Path(temporary).parent.exists()  # a short link to it, gone with the job
    for folder in (home, environment["PIP_TARGET"], environment["PYTHONPATH"]):
        assert folder.startswith(str(bench.root / "jobs/processing-job/p/"))


def test_the_entrypoint_is_not_read_by_a_shell(bench: Bench) -> None:
    bench.put("code/job.py", "import sys; print(sys.argv[1:])")
    request = processing("p")
    request["AppSpecification"]["ContainerArguments"] = ["$HOME; touch x", "`id`", "a b"]
    assert bench.run("processing-job", request)["ProcessingJobStatus"] == "Completed"
    assert "['$HOME; touch x', '`id`', 'a b']" in bench.log("processing-job", "p")


def test_a_program_that_does_not_exist_fails_the_job_by_name(bench: Bench) -> None:
    bench.put("code/job.py", "")
    request = processing("p")
    request["AppSpecification"]["ContainerEntrypoint"] = ["/usr/bin/no-such-program"]
    job = bench.run("processing-job", request)
    assert "exit code: 127" in job["FailureReason"]
    assert "'/usr/bin/no-such-program' was not found" in bench.log("processing-job", "p")


def test_the_job_runs_in_a_mount_namespace_that_the_machine_does_not_see(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(path_mode="namespace")
    before = [path.name for path in Path("/opt").iterdir()]
    script = "import os; print(sorted(os.listdir('/opt'))); print(open('/etc/hosts').read())"
    bench.put("code/job.py", script)
    assert bench.run("processing-job", processing("p"))["ProcessingJobStatus"] == "Completed"
    log = bench.log("processing-job", "p")
    assert "127.0.0.1 algo-1" in log
    assert str(sorted({*before, "ml"})) in log
    assert [path.name for path in Path("/opt").iterdir()] == before


@pytest.mark.parametrize("mode", [None, "rewritten"])
def test_instances_share_the_input_and_their_outputs_are_gathered(
    make_bench: Callable[..., Bench], mode: str | None
) -> None:
    bench = make_bench(path_mode=mode)
    source = """
import json, os, pathlib
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
config = json.loads((base / "config/resourceconfig.json").read_text())
names = sorted(path.name for path in (base / "processing/in").iterdir())
(base / "processing/out" / config["current_host"]).write_text(" ".join([*config["hosts"], *names]))
"""
    bench.put("code/job.py", source)
    for name in "abc":
        bench.put(f"in/{name}", name)
    request = processing(
        "two", ProcessingOutputConfig={"Outputs": [processing_output("out", "/opt/ml/processing/out", "made")]}
    )
    request["ProcessingInputs"].append(
        processing_input("in", "in/", "/opt/ml/processing/in", S3DataDistributionType="ShardedByS3Key")
    )
    request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 2
    job = bench.run("processing-job", request)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert bench.get("made/algo-1") == b"algo-1 algo-2 a c"
    assert bench.get("made/algo-2") == b"algo-1 algo-2 b"
