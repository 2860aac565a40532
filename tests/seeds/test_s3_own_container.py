"""Seed S3: a container of one's own, retried when throttled, with an alert by SNS and a Fail at the end."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import ExecutionFailed
from mlflowsteps.inputs import context, intrinsics
from mlflowsteps.local import LocalRuntime
from mlflowsteps.workflow import Workflow
from tests.seeds.conftest import (
    ROLE,
    event_types,
    mean_rmse,
    read_object,
    rmse,
    start_and_wait,
    states_entered,
)
from tests.seeds.data import csv, regression
from tests.seeds.published import published

TRAIN, TEST = regression(300), regression(100, seed=8)
BUCKET, PREFIX = "temp-305326993135", "sagemaker_bring_your_own"
TOPIC = "arn:aws:sns:ap-southeast-1:305326993135:whitespace_alerts"

# A container of one's own: least squares with a squared feature, by gradient descent; no library.
ALGORITHM = """
import csv, json, pathlib, sys
assert sys.argv[1:] == ["train"], sys.argv
folder = pathlib.Path("/opt/ml/input/data/training")
rows = [[float(v) for v in row] for file in sorted(folder.iterdir()) for row in csv.reader(file.open())]
def features(x): return [1.0, *x, x[1] * x[1]]
weights = [0.0] * len(features(rows[0][1:]))
for _ in range(400):
    slope = [0.0] * len(weights)
    for y, *x in rows:
        f = features(x)
        error = sum(w * v for w, v in zip(weights, f)) - y
        slope = [s + error * v for s, v in zip(slope, f)]
    weights = [w - 0.5 * s / len(rows) for w, s in zip(weights, slope)]
pathlib.Path("/opt/ml/model/weights.json").write_text(json.dumps(weights))
print("trained on", len(rows), "rows")
"""


def bring_your_own(runtime: LocalRuntime, folder: Path, source: str = ALGORITHM) -> None:
    script = folder / "algorithm.py"
    script.write_text(source)
    runtime.register_image("sagemaker-bring-your-own", [sys.executable, str(script)])
    s3 = runtime.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/input/data/train/train.csv", Body=csv(TRAIN).encode())


def model_error(runtime: LocalRuntime, job: str) -> float:
    import io
    import tarfile

    archive = read_object(runtime, BUCKET, f"{PREFIX}/output/models/{job}/output/model.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        member = tar.extractfile("weights.json")
        assert member is not None
        w = json.load(member)
    found = [sum(a * b for a, b in zip(w, [1.0, *x, x[1] * x[1]], strict=True)) for _, x in TEST]
    return rmse(found, [y for y, _ in TEST])


BASELINE = mean_rmse([y for y, _ in TRAIN], [y for y, _ in TEST])


def test_the_published_training_task_runs_in_the_own_container(runtime: LocalRuntime, tmp_path: Path) -> None:
    definition, _ = published("S3")
    bring_your_own(runtime, tmp_path)

    description = start_and_wait(runtime, definition, "run-1")

    assert description["status"] == "SUCCEEDED", description.get("cause")
    assert model_error(runtime, "sagemaker-bring-your-own-run-1") < 0.6 * BASELINE


def test_the_published_retry_survives_a_create_call_that_is_throttled_twice(
    runtime: LocalRuntime, tmp_path: Path
) -> None:
    _, definition = published("S3")
    bring_your_own(runtime, tmp_path)
    runtime.fail_next("sagemaker", "CreateTrainingJob", "ThrottlingException", times=2)

    description = start_and_wait(runtime, definition, "run-1")

    assert description["status"] == "SUCCEEDED", description.get("cause")
    types = event_types(runtime, description["executionArn"])
    assert types.count("TaskScheduled") == 3
    assert types.count("TaskSucceeded") == 1
    assert model_error(runtime, "sagemaker-bring-your-own-run-1") < 0.6 * BASELINE


def test_the_published_catch_publishes_an_alert_and_fails(runtime: LocalRuntime, tmp_path: Path) -> None:
    _, definition = published("S3")
    bring_your_own(runtime, tmp_path, source="import sys; print('no such column: price'); sys.exit(3)")
    alerts: list[dict[str, Any]] = []

    def publish(parameters: dict[str, Any]) -> dict[str, Any]:
        alerts.append(parameters)
        return {"MessageId": "1"}

    runtime.register_integration("sns:publish", publish)

    description = start_and_wait(runtime, definition, "run-1")

    assert description["status"] == "FAILED"
    assert states_entered(runtime, description["executionArn"]) == ["SageMakerModelTraining", "Notify Failure", "Fail"]
    assert [alert["TopicArn"] for alert in alerts] == [TOPIC]
    job = runtime.client("sagemaker").describe_training_job(TrainingJobName="sagemaker-bring-your-own-run-1")
    assert job["TrainingJobStatus"] == "Failed"
    assert "no such column: price" in job["FailureReason"]


def request() -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{PREFIX}/input/data/train/"}
    return {
        "AlgorithmSpecification": {
            "TrainingImage": "305326993135.dkr.ecr.ap-southeast-1.amazonaws.com/sagemaker-bring-your-own",
            "TrainingInputMode": "File",
        },
        "InputDataConfig": [
            {"ChannelName": "training", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{PREFIX}/output/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.c4.2xlarge", "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "RoleArn": ROLE,
    }


def alerting(train: steps.TrainingStep) -> steps.Chain:
    notify = steps.SnsPublishStep(
        "Notify Failure",
        parameters={"TopicArn": TOPIC, "Subject": "[ERROR] Training failed!", "Message": "See the log."},
    )
    notify.next(steps.Fail("Fail"))
    train.add_catch(steps.Catch(error_equals=["States.ALL"], next_step=notify))
    return steps.Chain([train])


FLAKY = f"""
import pathlib, sys
count = pathlib.Path(sys.argv.pop(1))
attempts = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(attempts))
if attempts < 3:
    sys.exit("attempt %d fails" % attempts)
{ALGORITHM}
"""


def test_a_script_that_fails_twice_succeeds_when_each_retry_has_a_job_name_of_its_own(
    runtime: LocalRuntime, tmp_path: Path
) -> None:
    bring_your_own(runtime, tmp_path, source=FLAKY)
    runtime.register_image(
        "sagemaker-bring-your-own", [sys.executable, str(tmp_path / "algorithm.py"), str(tmp_path / "count")]
    )
    name = intrinsics.format("byo-{}-{}", context.execution.name, context.state.retry_count)
    train = steps.TrainingStep("Train", request(), job_name=name)
    train.add_retry(
        steps.Retry(error_equals=["States.TaskFailed"], interval_seconds=1, max_attempts=3, backoff_rate=1.0)
    )
    workflow = Workflow("RetryTraining", alerting(train), role=ROLE, client=runtime)
    workflow.create()

    execution = workflow.execute(name="run-1")
    output = execution.get_output(wait=True)

    assert output["TrainingJobName"] == "byo-run-1-2"
    jobs = runtime.client("sagemaker").list_training_jobs(SortBy="CreationTime", SortOrder="Ascending")
    assert [(j["TrainingJobName"], j["TrainingJobStatus"]) for j in jobs["TrainingJobSummaries"]] == [
        ("byo-run-1-0", "Failed"),
        ("byo-run-1-1", "Failed"),
        ("byo-run-1-2", "Completed"),
    ]
    assert model_error(runtime, "byo-run-1-2") < 0.6 * BASELINE


def test_the_error_of_a_failed_run_names_state_error_cause_and_log(runtime: LocalRuntime, tmp_path: Path) -> None:
    bring_your_own(runtime, tmp_path, source="import sys; print('no such column: price'); sys.exit(3)")
    train = steps.TrainingStep("Train", request(), job_name=context.execution.name)
    workflow = Workflow("FailingTraining", train, role=ROLE, client=runtime)
    workflow.create()

    with pytest.raises(ExecutionFailed) as failure:
        workflow.execute(name="run-1").get_output(wait=True)

    assert failure.value.state == "Train"
    assert failure.value.error == "States.TaskFailed"
    assert "no such column: price" in str(failure.value)
    assert failure.value.log_file is not None
    assert "no such column: price" in Path(failure.value.log_file).read_text()


def test_without_an_integration_the_task_fails_with_the_line_to_add(runtime: LocalRuntime) -> None:
    alert = steps.SnsPublishStep("Notify", parameters={"TopicArn": TOPIC, "Message": "hello"})
    workflow = Workflow("Notify", alert, role=ROLE, client=runtime)
    workflow.create()

    with pytest.raises(ExecutionFailed, match=r'register_integration\("sns:publish"'):
        workflow.execute().get_output(wait=True)
