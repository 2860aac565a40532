"""Seed S0: a Lambda function generates data, a processing job standardises it, XGBoost trains on it."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.inputs import context
from mlflowsteps.local import LocalRuntime
from mlflowsteps.workflow import Workflow
from tests.seeds.conftest import (
    ROLE,
    load_booster,
    mean_rmse,
    read_object,
    rmse,
    start_and_wait,
    states_entered,
)
from tests.seeds.data import csv, regression
from tests.seeds.published import published

TRANSFORM = """
import csv, pathlib, statistics
source, target = pathlib.Path("/opt/ml/processing/input"), pathlib.Path("/opt/ml/processing/output/train")
rows = [[float(v) for v in row] for row in csv.reader((source / "raw.csv").open())]
columns = list(zip(*rows))
scaled = [columns[0]]
for column in columns[1:]:
    mean, deviation = statistics.fmean(column), statistics.pstdev(column)
    scaled.append([(v - mean) / deviation for v in column])
with (target / "train.csv").open("w", newline="") as file:
    csv.writer(file).writerows(zip(*scaled))
print("standardised", len(rows), "rows")
"""

TRAIN, TEST = regression(400), regression(100, seed=8)


def seed_function(runtime: LocalRuntime, bucket: str) -> Any:
    def generate(event: Any, lambda_context: Any) -> None:
        s3 = lambda_context.client("s3")
        s3.put_object(Bucket=bucket, Key="input/raw.csv", Body=csv(TRAIN).encode())
        s3.put_object(Bucket=bucket, Key="code/transform.py", Body=TRANSFORM.encode())

    runtime.client("s3").create_bucket(Bucket=bucket)
    return generate


def held_back_error(runtime: LocalRuntime, bucket: str, job: str) -> float:
    """Error of the trained model on rows it never saw, standardised as the training rows were."""
    import xgboost

    booster = load_booster(read_object(runtime, bucket, f"models/{job}/output/model.tar.gz"))
    columns = list(zip(*(x for _, x in TRAIN), strict=True))
    scales = [(statistics.fmean(c), statistics.pstdev(c)) for c in columns]
    rows = [[(v - m) / d for v, (m, d) in zip(x, scales, strict=True)] for _, x in TEST]
    return rmse(list(booster.predict(xgboost.DMatrix(rows))), [y for y, _ in TEST])


def test_the_published_definition_runs_and_its_model_beats_the_mean(runtime: LocalRuntime) -> None:
    (definition,) = published("S0")
    channel = definition["States"]["Train model (XGBoost)"]["Parameters"]["InputDataConfig"][0]
    bucket = channel["DataSource"]["S3DataSource"]["S3Uri"].removeprefix("s3://")
    channel["DataSource"]["S3DataSource"]["S3Uri"] += "/train"  # the bucket's root would train on the script as well
    name = definition["States"]["Generate dataset"]["Resource"].rsplit(":", 1)[-1]
    runtime.register_function(name, seed_function(runtime, bucket))

    description = start_and_wait(runtime, definition, "published-s0")

    assert description["status"] == "SUCCEEDED", description.get("cause")
    assert states_entered(runtime, description["executionArn"]) == list(definition["States"])
    assert held_back_error(runtime, bucket, "published-s0") < mean_rmse([y for y, _ in TRAIN], [y for y, _ in TEST])


def processing_request(bucket: str) -> dict[str, Any]:
    def source(name: str, key: str, folder: str) -> dict[str, Any]:
        s3 = {"S3Uri": f"s3://{bucket}/{key}", "LocalPath": folder, "S3DataType": "S3Prefix", "S3InputMode": "File"}
        return {"InputName": name, "S3Input": s3}

    target = {
        "S3Uri": f"s3://{bucket}/train",
        "LocalPath": "/opt/ml/processing/output/train",
        "S3UploadMode": "EndOfJob",
    }
    return {
        "AppSpecification": {
            "ImageUri": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/transform.py"],
        },
        "ProcessingInputs": [
            source("input-1", "input/raw.csv", "/opt/ml/processing/input"),
            source("code", "code/transform.py", "/opt/ml/processing/input/code"),
        ],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "train_data", "S3Output": target}]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 10}
        },
        "RoleArn": ROLE,
    }


def training_request(bucket: str, rounds: str = "40") -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {
            "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
            "TrainingInputMode": "File",
        },
        "HyperParameters": {"objective": "reg:squarederror", "eval_metric": "rmse", "num_round": rounds},
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "RoleArn": ROLE,
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "ContentType": "text/csv",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/nowhere"}},
            }
        ],
    }


def test_the_same_workflow_written_with_steps_runs_for_real(runtime: LocalRuntime) -> None:
    bucket = "features"
    runtime.register_function("generate-dataset", seed_function(runtime, bucket))
    generate = steps.LambdaStep("Generate dataset", parameters={"FunctionName": "generate-dataset"})
    standardise = steps.ProcessingStep(
        "Standardise", processor=processing_request(bucket), job_name=context.execution.name
    )
    train = steps.TrainingStep(
        "Train", training_request(bucket), job_name=context.execution.name, data={"train": f"s3://{bucket}/train/"}
    )
    workflow = Workflow("PreprocessAndTrain", generate >> standardise >> train, role=ROLE, client=runtime)
    workflow.create()

    execution = workflow.execute(name="run-1")
    output = execution.get_output(wait=True)

    assert output["ModelArtifacts"]["S3ModelArtifacts"] == "s3://features/models/run-1/output/model.tar.gz"
    assert output["TrainingJobStatus"] == "Completed"
    assert states_entered(runtime, execution.execution_arn) == ["Generate dataset", "Standardise", "Train"]
    baseline = mean_rmse([y for y, _ in TRAIN], [y for y, _ in TEST])
    assert held_back_error(runtime, bucket, "run-1") < 0.6 * baseline


def test_a_missing_object_fails_the_execution_and_names_it(runtime: LocalRuntime, tmp_path: Path) -> None:
    bucket = "features"
    runtime.client("s3").create_bucket(Bucket=bucket)
    train = steps.TrainingStep("Train", training_request(bucket), job_name=context.execution.name)
    workflow = Workflow("TrainOnNothing", train, role=ROLE, client=runtime)
    workflow.create()

    from mlflowsteps.exceptions import ExecutionFailed

    execution = workflow.execute()
    with pytest.raises(ExecutionFailed, match="s3://features/nowhere") as failure:
        execution.get_output(wait=True)
    assert failure.value.error == "States.TaskFailed"
    assert failure.value.state == "Train"
