"""The old SDK's tutorial (train, save, transform, deploy) over whatever objects describe its jobs, and its data.

The tests of both SDKs and the one of plain requests build this workflow, each with objects of its own, and compare what
the states hold with ``plain``'s.
"""

from __future__ import annotations

import contextlib
import math
import random
import socket
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from unittest import mock

from mlflowsteps import steps
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.local import LocalRuntime
from mlflowsteps.workflow import Workflow
from tests.seeds.data import libsvm, regression
from tests.seeds.published import ABALONE, abalone

ROLE = "arn:aws:iam::123456789012:role/sagemaker"
BUCKET, PREFIX = "sagemaker-demo", "DEMO-xgboost-regression"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
OUTPUT, TRANSFORMED = f"s3://{BUCKET}/{PREFIX}/single-xgboost", f"s3://{BUCKET}/{PREFIX}/transformed"
STATES = ["Train Step", "Save model", "Transform Input Dataset", "Create Endpoint Config", "Create Endpoint"]
NAMES = {"JobName": "regression-1", "ModelName": "regression-1", "EndpointName": "regression-1"}
HYPERPARAMETERS: dict[str, Any] = {
    "objective": "reg:squarederror", "num_round": 50, "max_depth": 5, "eta": 0.2, "gamma": 4,
    "min_child_weight": 6, "subsample": 0.7,
}  # fmt: skip


class Parts(NamedTuple):
    """A data set in libsvm form, divided."""

    train: str
    validation: str
    test: str
    limit: float
    """What the error on the test rows stays below; always predicting the mean does not."""


class Objects(NamedTuple):
    """What describes the jobs: requests, or objects of an SDK."""

    estimator: Any
    data: Any
    transformer: Any
    model: Any = None
    """Called with the training step; None: ``get_expected_model``."""


def parts(dataset: str) -> Parts:
    """A data set divided 70/15/15: ``abalone``, or a small one that is ``made`` here."""
    lines = (
        abalone() if dataset == "abalone" else libsvm([(15 * y, x) for y, x in regression(600, seed=1)]).splitlines()
    )
    random.Random(0).shuffle(lines)
    first, second = int(0.7 * len(lines)), int(0.85 * len(lines))
    train, validation, test = (
        "\n".join(piece) + "\n" for piece in (lines[:first], lines[first:second], lines[second:])
    )
    return Parts(train, validation, test, 2.4 if dataset == "abalone" else 1.5)


def best_parts() -> Parts:
    """Abalone where it is there, else the data set made here."""
    return parts("abalone" if ABALONE.is_file() else "made")


def uri(name: str) -> str:
    """Where a part of the data lies."""
    return f"s3://{BUCKET}/{PREFIX}/{name}"


def plain() -> Objects:
    """The tutorial's jobs as plain requests."""
    estimator = {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": HYPERPARAMETERS,
        "OutputDataConfig": {"S3OutputPath": OUTPUT},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m4.4xlarge", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "RoleArn": ROLE,
    }
    data = {name: {"S3Uri": uri(name), "ContentType": "text/libsvm"} for name in ("train", "validation")}
    transformer = {
        "TransformOutput": {"S3OutputPath": TRANSFORMED},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
    }
    return Objects(estimator, data, transformer)


def workflow(objects: Objects, client: object = None) -> Workflow:
    """The tutorial's workflow of these objects."""
    inputs = ExecutionInput(schema={"JobName": str, "ModelName": str, "EndpointName": str})
    train = steps.TrainingStep("Train Step", objects.estimator, data=objects.data, job_name=inputs["JobName"])
    model = objects.model(train) if objects.model else train.get_expected_model()
    save = steps.ModelStep("Save model", model=model, model_name=inputs["ModelName"])
    transform = steps.TransformStep(
        "Transform Input Dataset",
        transformer=objects.transformer,
        job_name=inputs["JobName"],
        model_name=inputs["ModelName"],
        data=uri("test"),
        content_type="text/libsvm",
    )
    configure = steps.EndpointConfigStep(
        "Create Endpoint Config",
        endpoint_config_name=inputs["ModelName"],
        model_name=inputs["ModelName"],
        initial_instance_count=1,
        instance_type="ml.m5.large",
    )
    deploy = steps.EndpointStep(
        "Create Endpoint", endpoint_name=inputs["EndpointName"], endpoint_config_name=inputs["ModelName"]
    )
    chain = steps.Chain([train, save, transform, configure, deploy])
    return Workflow("TrainTransformDeploy", chain, role=ROLE, execution_input=inputs, client=client)


def upload(runtime: LocalRuntime, found: Parts) -> None:
    """Put the data into the local S3."""
    s3 = runtime.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for name in ("train", "validation", "test"):
        s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}", Body=getattr(found, name).encode())


def predictions(runtime: LocalRuntime, key: str = f"{PREFIX}/transformed/test.out") -> list[float]:
    """What the transform wrote."""
    body = runtime.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    return [float(value) for value in body.replace(",", "\n").split()]


@contextlib.contextmanager
def only_this_machine() -> Iterator[list[str]]:
    """Refuse connections that leave this machine; gives the list of what was tried."""
    tried: list[str] = []
    connect = socket.socket.connect

    def local(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
            tried.append(str(address))
            raise AssertionError(f"{address} was called")
        connect(self, address)

    with mock.patch.object(socket.socket, "connect", local):
        yield tried


def run(objects: Objects, found: Parts) -> tuple[list[float], float]:
    """Predictions of the transform, and the endpoint's answer for the first row, on a runtime of its own."""
    with only_this_machine() as tried:
        ended = _run(objects, found)
    assert tried == []
    return ended


def _run(objects: Objects, found: Parts) -> tuple[list[float], float]:
    with LocalRuntime.temporary() as runtime:
        upload(runtime, found)
        made = workflow(objects, runtime)
        made.create()
        output = made.execute(inputs=NAMES).get_output(wait=True)
        assert output["EndpointArn"].endswith("endpoint/regression-1")
        return predictions(runtime), answer(runtime, found.test.splitlines()[0])


def answer(runtime: LocalRuntime, row: str) -> float:
    """What the endpoint says to one row."""
    waiter = runtime.client("sagemaker").get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=NAMES["EndpointName"], WaiterConfig={"Delay": 1})
    found = runtime.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=NAMES["EndpointName"], ContentType="text/libsvm", Body=row.encode()
    )
    return float(found["Body"].read())


def rmse(found: list[float], rows: str) -> float:
    """Root mean squared error against the labels of rows in libsvm form."""
    truth = [float(line.split()[0]) for line in rows.splitlines()]
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(found, truth, strict=True)) / len(truth))


def differences(made: Any, expected: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Places at which two JSON values differ, with both values; None where there is nothing."""
    if isinstance(made, Mapping) and isinstance(expected, Mapping):
        for key in sorted({*made, *expected}):
            yield from differences(made.get(key), expected.get(key), f"{place}/{key}")
    elif isinstance(made, list) and isinstance(expected, list) and len(made) == len(expected):
        for index, (one, other) in enumerate(zip(made, expected, strict=True)):
            yield from differences(one, other, f"{place}/{index}")
    elif made != expected:
        yield place, made, expected
