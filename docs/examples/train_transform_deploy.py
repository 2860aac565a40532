"""Train, transform, deploy: the tutorial of the Data Science SDK, and an answer from its endpoint.

python docs/examples/train_transform_deploy.py     runs it on this machine
"""

from __future__ import annotations

import random
from typing import Any

from mlflowsteps.inputs import Default, ExecutionInput
from mlflowsteps.local import LocalRuntime
from mlflowsteps.steps import Choice, EndpointConfigStep, EndpointStep, ModelStep, Succeed, TrainingStep, TransformStep
from mlflowsteps.workflow import Workflow

ROLE = "arn:aws:iam::123456789012:role/workflow"
PREFIX = "s3://sagemaker-demo/DEMO-xgboost-regression"

inputs = ExecutionInput(
    schema={"JobName": str, "ModelName": str, "EndpointName": str, "Deploy": Default(bool, value=True)}
)

estimator = {
    "AlgorithmSpecification": {
        "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        "TrainingInputMode": "File",
    },
    "HyperParameters": {"objective": "reg:squarederror", "num_round": 40, "max_depth": 5, "eta": 0.2},
    "OutputDataConfig": {"S3OutputPath": f"{PREFIX}/single-xgboost"},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m4.4xlarge", "VolumeSizeInGB": 5},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "RoleArn": ROLE,
}
transformer = {
    "TransformOutput": {"S3OutputPath": f"{PREFIX}/transformed"},
    "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
}


def channel(name: str) -> dict[str, Any]:
    """One channel of the training job."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{PREFIX}/{name}"}
    return {"DataSource": {"S3DataSource": source}, "ContentType": "libsvm"}


def workflow(client: object = None) -> Workflow:
    """The workflow; nothing is asked of AWS until it is created."""
    train = TrainingStep(
        "Train Step",
        estimator=estimator,
        data={name: channel(name) for name in ("train", "validation")},
        job_name=inputs["JobName"],
    )
    save = ModelStep("Save model", model=train.get_expected_model(), model_name=inputs["ModelName"])
    transform = TransformStep(
        "Transform Input Dataset",
        transformer=transformer,
        job_name=inputs["JobName"],
        model_name=inputs["ModelName"],
        data=f"{PREFIX}/test",
        content_type="text/libsvm",
    )
    configure = EndpointConfigStep(
        "Create Endpoint Config",
        endpoint_config_name=inputs["ModelName"],
        model_name=inputs["ModelName"],
        initial_instance_count=1,
        instance_type="ml.m5.large",
    )
    deploy = EndpointStep(
        "Create Endpoint", endpoint_name=inputs["EndpointName"], endpoint_config_name=inputs["ModelName"]
    )
    wanted = Choice("Deploy?").when(inputs["Deploy"].equals(True), configure >> deploy).otherwise(Succeed("Done"))
    chain = train >> save >> transform >> wanted
    return Workflow("TrainTransformDeploy", chain, role=ROLE, execution_input=inputs, client=client)


def workflows() -> list[Workflow]:
    """Every workflow of this example."""
    return [workflow()]


def libsvm(rows: int, seed: int) -> str:
    """Rows of a label and three features."""
    draw = random.Random(seed)
    values = [[draw.random() for _ in range(3)] for _ in range(rows)]
    return "".join(f"{0.5 * a + 0.3 * b * b:.6f} 0:{a:.6f} 1:{b:.6f} 2:{c:.6f}\n" for a, b, c in values)


def main() -> tuple[float, float]:
    """Run it on this machine; gives the endpoint's answer for a row, and that row's label."""
    with LocalRuntime.temporary() as runtime:
        s3, test = runtime.client("s3"), libsvm(50, 3)
        s3.create_bucket(Bucket="sagemaker-demo")
        for name, text in {"train": libsvm(300, 1), "validation": libsvm(50, 2), "test": test}.items():
            s3.put_object(Bucket="sagemaker-demo", Key=f"DEMO-xgboost-regression/{name}", Body=text.encode())
        made = workflow(runtime)
        made.upsert()
        names = {"JobName": "regression-1", "ModelName": "regression-1", "EndpointName": "regression"}
        made.execute(inputs=names).get_output(wait=True)  # Deploy is filled in
        runtime.client("sagemaker").get_waiter("endpoint_in_service").wait(
            EndpointName="regression", WaiterConfig={"Delay": 1}
        )
        answer = runtime.client("sagemaker-runtime").invoke_endpoint(
            EndpointName="regression", ContentType="text/libsvm", Body=test.splitlines()[0].encode()
        )
        return float(answer["Body"].read()), float(test.split()[0])


if __name__ == "__main__":
    print(main())
