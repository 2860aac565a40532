"""A container of one's own: trained, retried, watched over, with input parameters, in several variants, and hosted.

python docs/examples/own_container.py     runs each of the five workflows on this machine
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflowsteps.inputs import ExecutionInput, MapItemIndex, MapItemValue, intrinsics
from mlflowsteps.local import LocalRuntime
from mlflowsteps.steps import (
    EndpointConfigStep,
    EndpointStep,
    Fail,
    Map,
    ModelStep,
    Pass,
    Retry,
    SnsPublishStep,
    TrainingStep,
    catch_all,
    sagemaker_retry,
    unique_job_name,
)
from mlflowsteps.workflow import Workflow

ROLE = "arn:aws:iam::305326993135:role/u-SageMakerExecutionRole"
IMAGE = "305326993135.dkr.ecr.ap-southeast-1.amazonaws.com/sagemaker-bring-your-own"
TOPIC = "arn:aws:sns:ap-southeast-1:305326993135:whitespace_alerts"
BUCKET, PREFIX = "temp-305326993135", "sagemaker_bring_your_own"
DATA = f"s3://{BUCKET}/{PREFIX}/input/data/train/"


def estimator(output: Any = f"s3://{BUCKET}/{PREFIX}/output/models", instance: Any = "ml.c4.2xlarge") -> dict[str, Any]:
    """The training job's request, in the shape of boto3's ``create_training_job``."""
    return {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": output},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": instance, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 172800},
        "RoleArn": ROLE,
    }


# --- Training task


def training() -> Workflow:
    """One task that trains."""
    train = TrainingStep(
        "SageMakerModelTraining",
        estimator(),
        job_name=unique_job_name("sagemaker-bring-your-own"),
        data={"training": DATA},
    )
    return Workflow("TrainingTask", train, role=ROLE)


# --- Training task + retry + error notification + fail


def alerting() -> Workflow:
    """A task that is tried again when SageMaker is busy or the job fails, and tells somebody when that did not help."""
    notify = SnsPublishStep(
        "Notify Failure",
        parameters={
            "TopicArn": TOPIC,
            "Subject": "[ERROR] Training failed!",
            "Message": "Please check the execution of the state machine.",
        },
    )
    failed = Retry(error_equals=["States.TaskFailed"], interval_seconds=5, max_attempts=1)
    train = TrainingStep(
        "SageMakerModelTraining",
        estimator(),
        job_name=unique_job_name("byo"),  # another name at each retry: the failed job keeps its own
        data={"training": DATA},
        retry=[sagemaker_retry(), failed],
        catch=catch_all(notify >> Fail("Fail")),
    )
    return Workflow("TrainingTaskWithAlert", train, role=ROLE)


# --- Use input parameters


@dataclass
class Parameters:
    """What an execution is given; a class says types and defaults at once."""

    JobName: str
    TrainingData: str = DATA
    OutputPath: str = f"s3://{BUCKET}/{PREFIX}/output/models"
    InstanceType: str = "ml.c4.2xlarge"
    Rounds: int = 300


def with_input_parameters() -> Workflow:
    """The same task, its job, data, instance and hyperparameters given by each execution."""
    inputs = ExecutionInput(schema=Parameters)
    train = TrainingStep(
        "SageMakerModelTraining",
        estimator(inputs["OutputPath"], inputs["InstanceType"]),
        job_name=unique_job_name(inputs["JobName"]),
        data={"training": inputs["TrainingData"]},
        hyperparameters={"rounds": inputs["Rounds"]},
        retry=sagemaker_retry(),
    )
    return Workflow("TrainingTaskWithInput", train, role=ROLE, execution_input=inputs)


# --- Train multiple models


def several_models() -> Workflow:
    """A model for each variant in the input, trained at the same time; a variant that fails stops no other."""
    inputs = ExecutionInput(schema={"JobName": str, "Variants": list[dict[str, int]]})

    def one(item: MapItemValue) -> TrainingStep:
        return TrainingStep(
            "Train variant",
            estimator(),
            job_name=intrinsics.format("{}-{}", inputs["JobName"], MapItemIndex()),
            data={"training": DATA},
            hyperparameters={"rounds": item["Rounds"]},
            retry=sagemaker_retry(),
            catch=catch_all(Pass("Variant failed", result={"TrainingJobStatus": "Failed"})),
            result_selector={"TrainingJobName.$": "$.TrainingJobName", "TrainingJobStatus.$": "$.TrainingJobStatus"},
        )

    each = Map("Train all variants", iterator=one, items_path=inputs["Variants"], max_concurrency=4)
    return Workflow("TrainSeveralModels", each, role=ROLE, execution_input=inputs)


# --- Training + hosting task


def train_and_host() -> Workflow:
    """Train, save the model, and serve it at an endpoint."""
    inputs = ExecutionInput(schema={"Name": str, "Endpoint": str})
    train = TrainingStep(
        "Train", estimator(), job_name=inputs["Name"], data={"training": DATA}, retry=sagemaker_retry()
    )
    artifacts = train.output()["ModelArtifacts"]["S3ModelArtifacts"]
    model = {"PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": artifacts}, "ExecutionRoleArn": ROLE}
    save = ModelStep("Save model", model=model, model_name=inputs["Name"])
    configure = EndpointConfigStep(
        "Configure endpoint",
        endpoint_config_name=inputs["Name"],
        model_name=inputs["Name"],
        initial_instance_count=1,
        instance_type="ml.t2.medium",
    )
    host = EndpointStep("Host", endpoint_name=inputs["Endpoint"], endpoint_config_name=inputs["Name"])
    chain = train >> save >> configure >> host
    return Workflow("TrainAndHost", chain, role=ROLE, execution_input=inputs)


def workflows() -> list[Workflow]:
    """Every workflow of this example."""
    return [training(), alerting(), with_input_parameters(), several_models(), train_and_host()]


# --- Running them


def prepare(runtime: LocalRuntime) -> None:
    """Data in S3, the container in place of its image, and somebody who reads alerts."""
    draw = random.Random(7)
    rows = [[draw.random() for _ in range(3)] for _ in range(200)]
    text = "".join(f"{0.5 * a + 0.3 * b * b:.6f},{a:.6f},{b:.6f},{c:.6f}\n" for a, b, c in rows)
    s3 = runtime.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/input/data/train/train.csv", Body=text.encode())
    runtime.register_image("sagemaker-bring-your-own", [sys.executable, str(Path(__file__).with_name("container.py"))])
    runtime.register_integration("sns:publish", lambda parameters: print(parameters["Subject"]) or {"MessageId": "1"})


def run(made: Workflow, runtime: LocalRuntime, inputs: dict[str, Any]) -> Any:
    """Create and execute one of them on the runtime; gives its output."""
    here = Workflow(made.name, made.definition, made.role, execution_input=made.workflow_input, client=runtime)
    here.upsert()
    return here.execute(inputs=inputs).get_output(wait=True)


def main() -> dict[str, Any]:
    """Run all of them on this machine; gives outputs by the workflows' names, and the endpoint's answer."""
    given: dict[str, dict[str, Any]] = {
        "TrainingTaskWithInput": {"JobName": "byo-by-input", "Rounds": 20},
        "TrainSeveralModels": {"JobName": "byo-variant", "Variants": [{"Rounds": 5}, {"Rounds": 50}]},
        "TrainAndHost": {"Name": "byo-hosted", "Endpoint": "byo"},
    }
    with LocalRuntime.temporary() as runtime:
        prepare(runtime)
        found = {made.name: run(made, runtime, given.get(made.name, {})) for made in workflows()}
        runtime.client("sagemaker").get_waiter("endpoint_in_service").wait(
            EndpointName="byo", WaiterConfig={"Delay": 1}
        )
        answer = runtime.client("sagemaker-runtime").invoke_endpoint(
            EndpointName="byo", ContentType="text/csv", Body=b"0.5,0.5,0.5"
        )
        return {**found, "answer": float(answer["Body"].read())}


if __name__ == "__main__":
    print(main()["answer"], "where the rule says", 0.5 * 0.5 + 0.3 * 0.5 * 0.5)
