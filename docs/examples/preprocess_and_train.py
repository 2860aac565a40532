"""Preprocess and train: a Lambda function makes data, a processing job standardises it, XGBoost trains on it.

python docs/examples/preprocess_and_train.py     runs it on this machine
"""

from __future__ import annotations

import random
from typing import Any

from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.local import LocalRuntime
from mlflowsteps.steps import LambdaStep, ProcessingStep, TrainingStep, sagemaker_retry, unique_job_name
from mlflowsteps.workflow import Workflow

ROLE = "arn:aws:iam::123456789012:role/workflow"
REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
WORK = "/opt/ml/processing"

inputs = ExecutionInput(schema={"Bucket": str, "Rounds": int})
bucket = inputs["Bucket"]

SCRIPT = """
import csv, pathlib, statistics
work = pathlib.Path("/opt/ml/processing")
rows = [[float(v) for v in row] for row in csv.reader((work / "input/raw/raw.csv").open())]
label, *features = zip(*rows)
scaled = [[(v - statistics.fmean(f)) / statistics.pstdev(f) for v in f] for f in features]
with (work / "output/train.csv").open("w", newline="") as file:
    csv.writer(file).writerows(zip(label, *scaled))
"""


def source(name: str) -> dict[str, Any]:
    """One input of the processing job: the objects below a prefix become files in a folder."""
    s3 = {"S3Uri": f"s3://{bucket}/{name}/", "LocalPath": f"{WORK}/input/{name}", "S3DataType": "S3Prefix"}
    return {"InputName": name, "S3Input": {**s3, "S3InputMode": "File"}}


processor = {
    "AppSpecification": {
        "ImageUri": f"{REGISTRY}/sagemaker-scikit-learn:1.2-1-cpu-py3",
        "ContainerEntrypoint": ["python3", f"{WORK}/input/code/standardise.py"],
    },
    "ProcessingInputs": [source("raw"), source("code")],
    "ProcessingOutputConfig": {
        "Outputs": [
            {
                "OutputName": "train",
                "S3Output": {
                    "S3Uri": f"s3://{bucket}/train",
                    "LocalPath": f"{WORK}/output",
                    "S3UploadMode": "EndOfJob",
                },
            }
        ]
    },
    "ProcessingResources": {
        "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 10}
    },
    "RoleArn": ROLE,
}
estimator = {
    "AlgorithmSpecification": {"TrainingImage": f"{REGISTRY}/sagemaker-xgboost:1.7-1", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    "RoleArn": ROLE,
}
channel = {
    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/train/"}},
    "ContentType": "text/csv",
}


def workflow(client: object = None) -> Workflow:
    """The workflow; nothing is asked of AWS until it is created."""
    generate = LambdaStep(
        "Generate dataset", parameters={"FunctionName": "generate-dataset", "Payload": {"bucket": bucket}}
    )
    standardise = ProcessingStep(
        "Standardise", processor=processor, job_name=unique_job_name("standardise"), retry=sagemaker_retry()
    )
    train = TrainingStep(
        "Train model",
        estimator=estimator,
        job_name=unique_job_name("train"),
        data={"train": channel},
        hyperparameters={"objective": "reg:squarederror", "num_round": inputs["Rounds"]},
        retry=sagemaker_retry(),
    )
    return Workflow(
        "PreprocessAndTrain", generate >> standardise >> train, role=ROLE, execution_input=inputs, client=client
    )


def workflows() -> list[Workflow]:
    """Every workflow of this example."""
    return [workflow()]


def generate_dataset(event: Any, context: Any) -> None:
    """The Lambda function."""
    draw = random.Random(7)
    rows = [[draw.random() for _ in range(3)] for _ in range(300)]
    text = "".join(f"{0.5 * a + 0.3 * b * b:.6f},{a:.6f},{b:.6f},{c:.6f}\n" for a, b, c in rows)
    s3 = context.client("s3")
    s3.put_object(Bucket=event["bucket"], Key="raw/raw.csv", Body=text.encode())
    s3.put_object(Bucket=event["bucket"], Key="code/standardise.py", Body=SCRIPT.encode())


def main() -> dict[str, Any]:
    """Run it on this machine; gives the last state's output."""
    with LocalRuntime.temporary() as runtime:
        runtime.client("s3").create_bucket(Bucket="features")
        runtime.register_function("generate-dataset", generate_dataset)
        made = workflow(runtime)
        made.upsert()
        output: dict[str, Any] = made.execute(inputs={"Bucket": "features", "Rounds": 30}).get_output(wait=True)
        return output


if __name__ == "__main__":
    print(main()["ModelArtifacts"])
