"""The demo's workflow: prepare data, train, save, transform and deploy; copy it to begin your own.

Building it needs no AWS account, network or credentials. What stands here runs on AWS and on the embedded runtime
alike; only the role, the bucket and the client that are handed in differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlflowsteps import steps
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.workflow import Workflow

__all__ = ["SCRIPT", "build_workflow"]

SCRIPT = Path(__file__).with_name("scripts") / "transform.py"
"""The processing job's script; it is uploaded to ``s3://<bucket>/code/transform.py``."""

# SageMaker's own images, by the accounts that hold them in us-east-1. Other regions have other accounts; the embedded
# runtime looks at repository and tag only.
SKLEARN_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def build_workflow(bucket: str, role: str, client: Any = None) -> Workflow:
    """Build the workflow; nothing is created or run yet.

    Args:
        bucket: name of the S3 bucket that holds script, data, model and predictions.
        role: ARN of the IAM role that Step Functions and SageMaker act as; the embedded runtime takes any.
        client: a LocalRuntime, or boto3's Step Functions client; None: the active runtime, else boto3's.

    Returns:
        A workflow whose executions take ``JobName``, ``ModelName`` and ``EndpointName``: SageMaker wants a new name for
        every job, model and endpoint, so that each execution brings its own.
    """
    inputs = ExecutionInput(schema={"JobName": str, "ModelName": str, "EndpointName": str})

    seed = steps.LambdaStep(
        "Seed data",
        parameters={"FunctionName": "seed-data", "Payload": {"Bucket": bucket, "Key": "raw/diabetes.csv"}},
    )
    prepare = steps.ProcessingStep(
        "Prepare data",
        processor=processing_request(bucket, role),
        job_name=inputs["JobName"],
    )
    train = steps.TrainingStep(
        "Train model",
        estimator=training_request(bucket, role),
        job_name=inputs["JobName"],
    )
    save = steps.ModelStep("Save model", model=train.get_expected_model(), model_name=inputs["ModelName"])
    transform = steps.TransformStep(
        "Predict test rows",
        transformer=transform_request(bucket),
        job_name=inputs["JobName"],
        model_name=inputs["ModelName"],
        data=f"s3://{bucket}/data/test",
        content_type="text/csv",
        split_type="Line",
    )
    configure = steps.EndpointConfigStep(
        "Configure endpoint",
        endpoint_config_name=inputs["ModelName"],
        model_name=inputs["ModelName"],
        initial_instance_count=1,
        instance_type="ml.m5.large",
    )
    deploy = steps.EndpointStep(
        "Deploy endpoint",
        endpoint_name=inputs["EndpointName"],
        endpoint_config_name=inputs["ModelName"],
    )
    return Workflow(
        "DiabetesTrainTransformDeploy",
        definition=seed >> prepare >> train >> save >> transform >> configure >> deploy,
        role=role,
        execution_input=inputs,
        client=client,
    )


def processing_request(bucket: str, role: str) -> dict[str, Any]:
    """Describe the processing job in the shape of boto3's ``create_processing_job``, without its name."""
    work = "/opt/ml/processing"
    return {
        "AppSpecification": {
            "ImageUri": SKLEARN_IMAGE,
            "ContainerEntrypoint": ["python3", f"{work}/input/code/{SCRIPT.name}"],
            "ContainerArguments": ["--input", f"{work}/input/raw", "--output", f"{work}/output"],
        },
        "ProcessingInputs": [
            processing_input("code", f"s3://{bucket}/code/{SCRIPT.name}", f"{work}/input/code"),
            processing_input("raw", f"s3://{bucket}/raw/", f"{work}/input/raw"),
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": name,
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/data/{name}",
                        "LocalPath": f"{work}/output/{name}",
                        "S3UploadMode": "EndOfJob",
                    },
                }
                for name in ("train", "validation", "test", "labels")
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "RoleArn": role,
    }


def processing_input(name: str, uri: str, path: str) -> dict[str, Any]:
    """Describe one input: the objects under ``uri`` become files in the folder ``path``."""
    return {
        "InputName": name,
        "S3Input": {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"},
    }


def training_request(bucket: str, role: str) -> dict[str, Any]:
    """Describe the training job in the shape of boto3's ``create_training_job``, without its name."""
    return {
        "AlgorithmSpecification": {"TrainingImage": XGBOOST_IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {
            "objective": "reg:squarederror",
            "num_round": "200",
            "early_stopping_rounds": "20",
            "max_depth": "2",
            "eta": "0.1",
            "subsample": "0.7",
            "min_child_weight": "6",
        },
        "InputDataConfig": [csv_channel(name, f"s3://{bucket}/data/{name}/") for name in ("train", "validation")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "RoleArn": role,
    }


def csv_channel(name: str, uri: str) -> dict[str, Any]:
    """Describe one training channel: CSV files without a header, the label in the first column."""
    return {
        "ChannelName": name,
        "ContentType": "text/csv",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": uri,
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }


def transform_request(bucket: str) -> dict[str, Any]:
    """Describe the batch transform in the shape of boto3's ``create_transform_job``, without job, model and data."""
    return {
        "TransformOutput": {"S3OutputPath": f"s3://{bucket}/predictions", "Accept": "text/csv", "AssembleWith": "Line"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
    }
