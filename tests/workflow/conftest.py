"""The services that the common suite runs against: the embedded runtime, and boto3's client answered by Moto."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.inputs import context
from mlflowsteps.workflow import Execution, Workflow

ROLE = "arn:aws:iam::123456789012:role/workflow"
OTHER_ROLE = "arn:aws:iam::123456789012:role/other"


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds the user's own region, credentials or runtime."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "MLFLOWSTEPS_RUNTIME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def boto3_client() -> Any:
    import boto3

    return boto3.client(
        "stepfunctions", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Any]:
    from mlflowsteps.local import LocalRuntime, VirtualClock

    with LocalRuntime(tmp_path / "runtime", clock=VirtualClock()) as opened:
        yield opened


@pytest.fixture(params=["local", "boto3"])
def service(request: pytest.FixtureRequest) -> Iterator[Any]:
    """What ``client=`` is given: a LocalRuntime, or a boto3 client."""
    if request.param == "local":
        yield request.getfixturevalue("runtime")
        return
    moto = pytest.importorskip("moto")
    with moto.mock_aws():
        yield boto3_client()


def echo(name: str = "Echo", **arguments: Any) -> Workflow:
    """A workflow that passes its input on."""
    arguments.setdefault("role", ROLE)
    return Workflow(name, steps.Pass("Say"), **arguments)


def started_and_waiting(service: Any) -> Execution:
    """An execution that waits for a callback that never comes."""
    if hasattr(service, "register_function"):
        service.register_function("f", lambda event, context: None)
    payload = {"FunctionName": "f", "Payload": {"token": context.task.token}}
    task = steps.LambdaStep("Call", wait_for_callback=True, parameters=payload)
    workflow = Workflow("Waiting", task, role=ROLE, client=service)
    workflow.create()
    return workflow.execute()
