"""SDK 2: a step that is given one of its objects calls nobody, changes nothing, and leaves the process as it was."""

from __future__ import annotations

import os
import socket
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.endpoint
import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import DefinitionError
from mlflowsteps.steps import sagemaker as sagemaker_steps
from tests.parity.harness import BUCKET, ROLE, Wire

SWITCH = "SAGEMAKER_VALIDATE_ROLE"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("print('hello')\n")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "USER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every request that a client of botocore would send, every name looked up and every connection made."""
    made: list[str] = []

    def request(self: Any, model: Any, request_dict: Any) -> Any:
        made.append(f"{model.service_model.service_name}:{model.name}")
        raise AssertionError(made[-1])

    def refuse(*where: Any, **_: Any) -> Any:
        made.append(str(where[-1]))
        raise OSError(made[-1])

    monkeypatch.setattr(botocore.endpoint.Endpoint, "make_request", request)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return made


@cache
def session() -> Any:
    from sagemaker import Session

    return Session(boto_session=Wire().session, default_bucket=BUCKET)


@cache
def estimator() -> Any:
    from sagemaker.sklearn import SKLearn

    return SKLearn(
        "train.py",
        framework_version="1.2-1",
        role=ROLE,
        instance_type="ml.m5.large",
        hyperparameters={"a": [1, 2]},
        sagemaker_session=session(),
    )


@cache
def processor() -> Any:
    from sagemaker.sklearn import SKLearnProcessor

    return SKLearnProcessor("1.2-1", ROLE, 1, "ml.m5.large", sagemaker_session=session())


@cache
def model() -> Any:
    from sagemaker.sklearn import SKLearnModel

    return SKLearnModel("s3://b/m.tar.gz", ROLE, "train.py", framework_version="1.2-1", sagemaker_session=session())


@cache
def tuner() -> Any:
    from sagemaker.tuner import HyperparameterTuner, IntegerParameter

    metrics = [{"Name": "m", "Regex": "r"}]
    return HyperparameterTuner(estimator(), "m", {"d": IntegerParameter(1, 5)}, metrics)


@cache
def transformer() -> Any:
    from sagemaker.transformer import Transformer

    return Transformer("m", 1, "ml.m5.large", output_path="s3://o", sagemaker_session=session())


def records() -> Any:
    from sagemaker.inputs import TrainingInput

    return {"train": TrainingInput("s3://b/t", content_type="text/csv")}


def capture() -> Any:
    from sagemaker.model_monitor import DataCaptureConfig

    return DataCaptureConfig(True, destination_s3_uri="s3://b/captured", sagemaker_session=session())


MAKERS: dict[str, Callable[[], steps.State]] = {
    "TrainingStep": lambda: steps.TrainingStep("S", estimator(), "job", data=records()),
    "ProcessingStep": lambda: steps.ProcessingStep("S", processor(), "job", code="train.py"),
    "TransformStep": lambda: steps.TransformStep("S", transformer(), "job", None, "s3://d"),
    "TuningStep": lambda: steps.TuningStep("S", tuner(), "job", data=records()),
    "ModelStep": lambda: steps.ModelStep("S", model(), "job", "ml.m5.large"),
    "ModelPackageStep": lambda: steps.ModelPackageStep("S", "g", model(), ["a/b"], ["a/b"]),
    "EndpointConfigStep": lambda: steps.EndpointConfigStep(
        "S", "c", "m", 1, "ml.m5.large", data_capture_config=capture()
    ),
    "EndpointStep": lambda: steps.EndpointStep("S", "e", "c"),
    "DeployEndpointStep": lambda: steps.DeployEndpointStep("S", "e", "c"),
    "WaitForEndpointStep": lambda: steps.WaitForEndpointStep("S", "e"),
    "DeleteEndpointStep": lambda: steps.DeleteEndpointStep("S", "e"),
    "ModelPackageGroupStep": lambda: steps.ModelPackageGroupStep("S", "g"),
    "ApproveModelPackageStep": lambda: steps.ApproveModelPackageStep("S", "arn"),
    "PipelineExecutionStep": lambda: steps.PipelineExecutionStep("S", "p"),
}


def test_every_public_step_is_tried_here() -> None:
    assert set(MAKERS) == {name for name in sagemaker_steps.__all__ if name.endswith("Step")}


@pytest.mark.parametrize("name", MAKERS)
def test_making_a_step_and_its_definition_calls_nobody(name: str, calls: list[str]) -> None:
    steps.Graph(MAKERS[name]()).to_json()
    assert calls == []


def test_the_recorder_sees_a_call(calls: list[str]) -> None:
    with pytest.raises(AssertionError, match="sts:GetCallerIdentity"):
        boto3.client("sts").get_caller_identity()
    assert calls == ["sts:GetCallerIdentity"]


def held(value: Any, seen: dict[int, Any]) -> Any:
    """What an object of the SDK holds, at every depth; other objects by what they are."""
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, dict):
        return {key: held(item, seen) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [held(item, seen) for item in value]
    if type(value).__module__.startswith("sagemaker.") and hasattr(value, "__dict__"):
        seen[id(value)] = id(value)
        return (id(value), {name: held(item, seen) for name, item in vars(value).items()})
    return value if isinstance(value, str | int | float | bool | type(None)) else id(value)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("TrainingStep", estimator),
        ("ProcessingStep", processor),
        ("TransformStep", transformer),
        ("TuningStep", tuner),
        ("ModelStep", model),
    ],
)
def test_the_object_and_its_session_stay_as_they_are(name: str, make: Callable[[], Any]) -> None:
    given = make()
    before = held(given, {})
    MAKERS[name]()
    assert held(given, {}) == before


@pytest.mark.parametrize("value", [None, "true"])
@pytest.mark.parametrize("fails", [False, True])
def test_the_process_is_as_it_was_also_after_an_error(
    value: str | None, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sagemaker import Session
    from sagemaker.estimator import Estimator

    monkeypatch.delenv(SWITCH, raising=False)
    if value is not None:
        monkeypatch.setenv(SWITCH, value)
    boto3.setup_default_session()
    before = (dict(os.environ), boto3.DEFAULT_SESSION, boto3.session.Session.client, list(warnings.filters))
    if fails:
        without_bucket = Estimator("i", ROLE, 1, "ml.m5.large", sagemaker_session=Session(Wire().session))
        with pytest.raises(DefinitionError, match="default_bucket"):
            steps.TrainingStep("T", without_bucket, "job")
    else:
        MAKERS["TrainingStep"]()
    after = (dict(os.environ), boto3.DEFAULT_SESSION, boto3.session.Session.client, list(warnings.filters))
    assert after == before


def test_eight_threads_make_steps_while_another_makes_clients_of_its_own() -> None:
    expected = {name: steps.Graph(make()).to_dict() for name, make in MAKERS.items()}
    done, owners = threading.Event(), list[str]()

    def make_clients() -> None:
        while not done.is_set() or not owners:
            client = boto3.client("sts")
            owners.append(client._request_signer._credentials.access_key)

    def make_steps(name: str) -> Any:
        return name, steps.Graph(MAKERS[name]()).to_dict()

    boto3.setup_default_session()
    other = threading.Thread(target=make_clients)
    other.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            for name, found in pool.map(make_steps, list(MAKERS) * 4):
                assert found == expected[name]
    finally:
        done.set()
        other.join()
    assert set(owners) == {"USER"}
    assert type(boto3.DEFAULT_SESSION) is boto3.Session
