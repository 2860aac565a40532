"""What the seed workflows' tests share: a runtime in a folder of the test's own, data, and readers of what came out."""

from __future__ import annotations

import io
import json
import math
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.local import LocalRuntime

ROLE = "arn:aws:iam::123456789012:role/workflow"


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[LocalRuntime]:
    with LocalRuntime(tmp_path / "runtime") as opened:
        yield opened


def rmse(predictions: Sequence[float], truth: Sequence[float]) -> float:
    assert len(predictions) == len(truth) > 0
    return math.sqrt(sum((p - t) ** 2 for p, t in zip(predictions, truth, strict=True)) / len(truth))


def mean_rmse(train: Sequence[float], truth: Sequence[float]) -> float:
    """The error of always predicting the mean of the training labels."""
    mean = sum(train) / len(train)
    return rmse([mean] * len(truth), truth)


def read_object(runtime: LocalRuntime, bucket: str, key: str) -> bytes:
    body: bytes = runtime.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def load_booster(archive: bytes) -> Any:
    """The xgboost model in a training job's model.tar.gz."""
    import xgboost

    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        member = tar.extractfile("xgboost-model")
        assert member is not None
        return xgboost.Booster(model_file=bytearray(member.read()))


def start_and_wait(runtime: LocalRuntime, definition: dict[str, Any], name: str, payload: Any = None) -> dict[str, Any]:
    """Create a machine of a published definition through the boto3 client, run it once, and describe the execution."""
    client = runtime.client("stepfunctions")
    machine = client.create_state_machine(name=f"machine-{name}", definition=json.dumps(definition), roleArn=ROLE)
    arn = client.start_execution(stateMachineArn=machine["stateMachineArn"], name=name, input=json.dumps(payload or {}))
    runtime.wait(arn["executionArn"], timeout=120)
    description: dict[str, Any] = client.describe_execution(executionArn=arn["executionArn"])
    return description


def states_entered(runtime: LocalRuntime, execution_arn: str) -> list[str]:
    """Names of the states in the order in which they were entered."""
    pages = runtime.client("stepfunctions").get_paginator("get_execution_history")
    events = [event for page in pages.paginate(executionArn=execution_arn) for event in page["events"]]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]


def event_types(runtime: LocalRuntime, execution_arn: str) -> list[str]:
    pages = runtime.client("stepfunctions").get_paginator("get_execution_history")
    return [event["type"] for page in pages.paginate(executionArn=execution_arn) for event in page["events"]]
