"""The seed workflows written with steps compile to the definitions that their texts publish."""

from __future__ import annotations

import re
from typing import Any

from mlflowsteps import steps
from mlflowsteps.asl.validate import validate
from mlflowsteps.inputs import context, intrinsics
from tests.seeds.published import published

S0_BUCKET = "s3://featuretransform-bucketforcodeanddata-1jn1le6gadwfz"
S0_ROLE = "arn:aws:iam::1234567890:role/SageMakerAPIExecutionRole-AIDACKCEVSQ6C2EXAMPLE"
S1_BUCKET = "s3://trainandbatchtransform-s3bucket-1jn1le6gadwfz"
S1_ROLE = "arn:aws:iam::123456789012:role/TrainAndBatchTransform-SageMakerAPIExecutionRole-Y9IX3DLF6EUO"
S3_PREFIX = "s3://temp-305326993135/sagemaker_bring_your_own"


def plain(definition: Any) -> Any:
    """A definition with its paths in one spelling: ``$['a']['b']`` as ``$.a.b``."""
    if isinstance(definition, dict):
        return {
            key: re.sub(r"\['(\w+)'\]", r".\1", value) if key.endswith(".$") else plain(value)
            for key, value in definition.items()
        }
    return [plain(item) for item in definition] if isinstance(definition, list) else definition


def training(
    image: str, output: str, instance: str, role: str, channel: str, uri: str, spread: str, **more: Any
) -> dict[str, Any]:
    source = {"S3DataDistributionType": spread, "S3DataType": "S3Prefix", "S3Uri": uri}
    return {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": output},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": instance, "VolumeSizeInGB": 30},
        "RoleArn": role,
        "InputDataConfig": [
            {"DataSource": {"S3DataSource": source}, "ChannelName": channel, "ContentType": "text/csv"}
        ],
        **more,
    }


XGBOOST = {"objective": "reg:logistic", "eval_metric": "rmse", "num_round": 5}


def s0_source(name: str, key: str, folder: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": f"{S0_BUCKET}/{key}",
            "LocalPath": folder,
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


def test_s0_preprocesses_and_trains() -> None:
    generate = steps.Task(
        "Generate dataset",
        resource="arn:aws:lambda:sa-east-1:1234567890:function:FeatureTransform-LambaForDataGeneration-17M8LX7IO9LUW",
    )
    standardise = steps.ProcessingStep(
        "Standardization: x' = (x - x̄) / σ",  # noqa: RUF001 - as published
        {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 10}
            },
            "AppSpecification": {
                "ImageUri": "737474898029.dkr.ecr.sa-east-1.amazonaws.com/sagemaker-scikit-learn:0.20.0-cpu-py3"
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 300},
            "RoleArn": S0_ROLE,
        },
        job_name=context.execution.name,
        inputs=[
            s0_source("input-1", "input/raw.csv", "/opt/ml/processing/input"),
            s0_source("code", "code/transform.py", "/opt/ml/processing/input/code"),
        ],
        outputs=[
            {
                "OutputName": "train_data",
                "S3Output": {
                    "S3Uri": f"{S0_BUCKET}/train",
                    "LocalPath": "/opt/ml/processing/output/train",
                    "S3UploadMode": "EndOfJob",
                },
            }
        ],
        container_entrypoint=["python3", "/opt/ml/processing/input/code/transform.py"],
    )
    train = steps.TrainingStep(
        "Train model (XGBoost)",
        training(
            "855470959533.dkr.ecr.sa-east-1.amazonaws.com/xgboost:latest",
            f"{S0_BUCKET}/models",
            "ml.m5.xlarge",
            S0_ROLE,
            "train",
            "s3://elsewhere",
            "ShardedByS3Key",
        ),
        job_name=context.execution.name,
        data={"train": S0_BUCKET},
        hyperparameters=XGBOOST,
    )

    definition = steps.Graph(generate >> standardise >> train).to_dict()

    assert [definition] == published("S0")
    assert validate(definition) == []


def test_s1_trains_and_transforms() -> None:
    image = "433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:latest"
    generate = steps.Task(
        "Generate dataset",
        resource="arn:aws:lambda:us-west-2:123456789012:function:TrainAndBatchTransform-SeedingFunction-17RNSOTG97HPV",
    )
    train = steps.TrainingStep(
        "Train model (XGBoost)",
        training(image, f"{S1_BUCKET}/models", "ml.m4.xlarge", S1_ROLE, "train", "s3://x", "ShardedByS3Key"),
        job_name=context.execution.name,
        data={"train": f"{S1_BUCKET}/csv/train.csv"},
        hyperparameters=XGBOOST,
    )
    save = steps.ModelStep("Save Model", train.get_expected_model(), model_name=train.output()["TrainingJobName"])
    transform = steps.TransformStep(
        "Batch transform",
        {
            "TransformOutput": {"S3OutputPath": f"{S1_BUCKET}/output"},
            "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m4.xlarge"},
        },
        job_name=context.execution.name,
        model_name=context.execution.name,
        data=f"{S1_BUCKET}/csv/test.csv",
        content_type="text/csv",
        compression_type="None",
    )

    definition = steps.Graph(generate >> train >> save >> transform).to_dict()

    assert [plain(definition)] == published("S1")
    assert validate(definition) == []


def test_s3_trains_with_an_own_container_and_tells_of_failures() -> None:
    def train() -> steps.TrainingStep:
        request = training(
            "305326993135.dkr.ecr.ap-southeast-1.amazonaws.com/sagemaker-bring-your-own",
            f"{S3_PREFIX}/output/models",
            "ml.c4.2xlarge",
            "arn:aws:iam::305326993135:role/u-SageMakerExecutionRole",
            "training",
            f"{S3_PREFIX}/input/data/train/",
            "FullyReplicated",
            HyperParameters={},
        )
        return steps.TrainingStep(
            "SageMakerModelTraining",
            request,
            job_name=intrinsics.format("sagemaker-bring-your-own-{}", context.execution.name),
            parameters={"ResourceConfig": {"VolumeSizeInGB": 10}, "StoppingCondition": {"MaxRuntimeInSeconds": 172800}},
        )

    comment = "An example to train and host SageMaker model"
    alert = steps.SnsPublishStep(
        "Notify Failure",
        parameters={
            "Subject": "[ERROR] Model Training failed!",
            "Message": "Error during model training!",
            "TopicArn": "arn:aws:sns:ap-southeast-1:305326993135:whitespace_alerts",
            "MessageAttributes": {},
        },
    )
    watched = train()
    watched.add_retry(
        steps.Retry(
            error_equals=["SageMaker.AmazonSageMakerException"], interval_seconds=1, max_attempts=5, backoff_rate=1.1
        )
    )
    watched.add_catch(steps.Catch(alert >> steps.Fail("Fail"), error_equals=["States.ALL"]))

    definitions = [steps.Graph(step, comment=comment).to_dict() for step in (train(), watched)]

    assert definitions == published("S3")
    assert [validate(definition) for definition in definitions] == [[], []]
