"""Train and transform: a Lambda function seeds data, XGBoost trains, the model is saved, a batch transform predicts.

python docs/examples/train_and_transform.py     runs it on this machine
"""

from __future__ import annotations

import random
from typing import Any

from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.local import LocalRuntime
from mlflowsteps.steps import LambdaStep, ModelStep, TrainingStep, TransformStep, unique_job_name
from mlflowsteps.workflow import Workflow

ROLE = "arn:aws:iam::123456789012:role/workflow"

inputs = ExecutionInput(schema={"Bucket": str, "Model": str})
bucket = inputs["Bucket"]

estimator = {
    "AlgorithmSpecification": {
        "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        "TrainingInputMode": "File",
    },
    "HyperParameters": {"objective": "reg:squarederror", "num_round": "30"},
    "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    "RoleArn": ROLE,
}
transformer = {
    "TransformOutput": {"S3OutputPath": f"s3://{bucket}/output", "AssembleWith": "Line"},
    "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m4.xlarge"},
}
channel = {
    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/csv/train.csv"}},
    "ContentType": "text/csv",
}


def workflow(client: object = None) -> Workflow:
    """The workflow; nothing is asked of AWS until it is created."""
    seed = LambdaStep("Generate dataset", parameters={"FunctionName": "seed-data", "Payload": {"bucket": bucket}})
    train = TrainingStep(
        "Train model",
        estimator=estimator,
        job_name=unique_job_name("train"),
        data={"train": channel},
    )
    save = ModelStep("Save model", model=train.get_expected_model(), model_name=inputs["Model"])
    transform = TransformStep(
        "Batch transform",
        transformer=transformer,
        job_name=unique_job_name("predict"),
        model_name=inputs["Model"],
        data=f"s3://{bucket}/csv/test.csv",
        content_type="text/csv",
        split_type="Line",
    )
    chain = seed >> train >> save >> transform
    return Workflow("TrainAndTransform", chain, role=ROLE, execution_input=inputs, client=client)


def workflows() -> list[Workflow]:
    """Every workflow of this example."""
    return [workflow()]


def seed_data(event: Any, context: Any) -> None:
    """The Lambda function."""
    draw = random.Random(7)
    rows = [[draw.random() for _ in range(3)] for _ in range(300)]
    lines = [f"{0.5 * a + 0.3 * b * b:.6f},{a:.6f},{b:.6f},{c:.6f}" for a, b, c in rows]
    s3 = context.client("s3")
    s3.put_object(Bucket=event["bucket"], Key="csv/train.csv", Body="\n".join(lines).encode())
    test = "\n".join(line.partition(",")[2] for line in lines[:50])
    s3.put_object(Bucket=event["bucket"], Key="csv/test.csv", Body=test.encode())


def main() -> list[float]:
    """Run it on this machine; gives the predictions."""
    with LocalRuntime.temporary() as runtime:
        s3 = runtime.client("s3")
        s3.create_bucket(Bucket="data")
        runtime.register_function("seed-data", seed_data)
        made = workflow(runtime)
        made.upsert()
        made.execute(inputs={"Bucket": "data", "Model": "first"}).get_output(wait=True)
        body = s3.get_object(Bucket="data", Key="output/test.csv.out")["Body"].read().decode()
        return [float(line) for line in body.split()]


if __name__ == "__main__":
    print(main()[:5])
