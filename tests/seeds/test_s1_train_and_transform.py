"""Seed S1: a Lambda function seeds data, XGBoost trains, the model is saved, a batch transform predicts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from mlflowsteps import steps
from mlflowsteps.inputs import context
from mlflowsteps.local import LocalRuntime
from mlflowsteps.workflow import Workflow
from tests.seeds.conftest import ROLE, mean_rmse, read_object, rmse, start_and_wait, states_entered
from tests.seeds.data import csv, regression
from tests.seeds.published import published
from tests.seeds.test_s0_preprocess_and_train import training_request

TRAIN, TEST = regression(400), regression(100, seed=8)
TRUTH = [y for y, _ in TEST]
BASELINE = mean_rmse([y for y, _ in TRAIN], TRUTH)


def seed_data(runtime: LocalRuntime, bucket: str) -> Any:
    def seed(event: Any, lambda_context: Any) -> None:
        s3 = lambda_context.client("s3")
        s3.put_object(Bucket=bucket, Key="csv/train.csv", Body=csv(TRAIN).encode())
        s3.put_object(Bucket=bucket, Key="csv/test.csv", Body=csv(TEST, label=False).encode())

    runtime.client("s3").create_bucket(Bucket=bucket)
    return seed


def predictions(runtime: LocalRuntime, bucket: str) -> list[float]:
    return [float(line) for line in read_object(runtime, bucket, "output/test.csv.out").decode().split()]


def test_the_published_definition_runs_and_predicts_every_row(runtime: LocalRuntime) -> None:
    (definition,) = published("S1")
    bucket = "trainandbatchtransform-s3bucket-1jn1le6gadwfz"
    name = definition["States"]["Generate dataset"]["Resource"].rsplit(":", 1)[-1]
    runtime.register_function(name, seed_data(runtime, bucket))

    description = start_and_wait(runtime, definition, "published-s1")

    assert description["status"] == "SUCCEEDED", description.get("cause")
    assert states_entered(runtime, description["executionArn"]) == list(definition["States"])
    found = predictions(runtime, bucket)
    assert len(found) == len(TEST)
    assert rmse(found, TRUTH) < BASELINE


def workflow_of(runtime: LocalRuntime, bucket: str) -> Workflow:
    seed = steps.LambdaStep("Generate dataset", parameters={"FunctionName": "seed-data"})
    train = steps.TrainingStep(
        "Train",
        training_request(bucket),
        job_name=context.execution.name,
        data={"train": f"s3://{bucket}/csv/train.csv"},
    )
    save = steps.ModelStep("Save model", model=train.get_expected_model(), model_name=context.execution.name)
    transformer = {
        "TransformOutput": {"S3OutputPath": f"s3://{bucket}/output", "AssembleWith": "Line"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m4.xlarge"},
    }
    transform = steps.TransformStep(
        "Batch transform",
        transformer,
        job_name=context.execution.name,
        model_name=context.execution.name,
        data=f"s3://{bucket}/csv/test.csv",
        content_type="text/csv",
        split_type="Line",
    )
    return Workflow("TrainAndTransform", seed >> train >> save >> transform, role=ROLE, client=runtime)


def test_the_same_workflow_written_with_steps_predicts_held_back_rows(runtime: LocalRuntime) -> None:
    runtime.register_function("seed-data", seed_data(runtime, "data"))
    workflow = workflow_of(runtime, "data")
    workflow.create()

    execution = workflow.execute(name="run-1")
    output = execution.get_output(wait=True)

    assert output["TransformJobStatus"] == "Completed"
    found = predictions(runtime, "data")
    assert len(found) == len(TEST)
    assert rmse(found, TRUTH) < 0.6 * BASELINE


CHILD = """
import os, signal, sys
from mlflowsteps.local import LocalRuntime
from tests.seeds.test_s1_train_and_transform import seed_data, workflow_of

root, fifo = sys.argv[1:]
runtime = LocalRuntime(root)
runtime.register_function("seed-data", seed_data(runtime, "data"))
train = f"open({fifo!r}, 'w').close(); import signal; signal.pause()"
runtime.register_image("sagemaker-xgboost*", [sys.executable, "-c", train])
workflow = workflow_of(runtime, "data")
workflow.create()
workflow.execute(name="run-1")
open(fifo).close()  # blocks until the training job's process runs
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_execution_whose_process_was_killed_while_training_ends_as_it_should_when_reopened(tmp_path: Path) -> None:
    fifo = tmp_path / "training-runs"
    os.mkfifo(fifo)
    root = tmp_path / "runtime"
    repository = Path(__file__).resolve().parents[2]
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHILD), root, fifo], cwd=repository, timeout=120, check=False
    )
    assert child.returncode == -signal.SIGKILL

    with LocalRuntime(root) as runtime:
        runtime.register_function("seed-data", lambda event, context: None)
        client = runtime.client("stepfunctions")  # interrupted executions go on from here
        (machine,) = client.list_state_machines()["stateMachines"]
        (execution,) = client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        runtime.wait(execution["executionArn"], timeout=120)
        description = client.describe_execution(executionArn=execution["executionArn"])

        assert description["status"] == "SUCCEEDED", description.get("cause")
        entered = states_entered(runtime, execution["executionArn"])
        assert entered == ["Generate dataset", "Train", "Save model", "Batch transform"]
        assert rmse(predictions(runtime, "data"), TRUTH) < 0.6 * BASELINE
