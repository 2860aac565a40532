"""Whole workflows of SDK 2's objects on the embedded runtime, as those of plain requests, and nobody called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mlflowsteps.local import LocalRuntime
from tests.parity import s2
from tests.parity.harness import no_network


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # else the SDK's constructors look for credentials there


@pytest.fixture(scope="module")
def runtime() -> Iterator[LocalRuntime]:
    with LocalRuntime.temporary() as opened:
        yield opened


def sdk_session(runtime: LocalRuntime) -> Any:
    from sagemaker import Session

    return Session(boto_session=runtime.session(), default_bucket=s2.BUCKET)


# ------------------------------------------------------------------------------------------------ the tutorial, S2


def xgboost(runtime: LocalRuntime) -> Any:
    from sagemaker import image_uris
    from sagemaker.estimator import Estimator

    return Estimator(
        image_uris.retrieve("xgboost", "us-east-1", "1.7-1"),
        s2.ROLE,
        instance_count=1,
        instance_type="ml.m4.4xlarge",
        volume_size=5,
        output_path=s2.OUTPUT,
        hyperparameters=s2.HYPERPARAMETERS,
        sagemaker_session=sdk_session(runtime),
    )


def s2_objects(runtime: LocalRuntime) -> s2.Objects:
    from sagemaker.inputs import TrainingInput

    estimator = xgboost(runtime)
    data = {name: TrainingInput(s2.uri(name), content_type="text/libsvm") for name in ("train", "validation")}
    return s2.Objects(estimator, data, estimator.transformer(1, "ml.m5.large", output_path=s2.TRANSFORMED))


def test_the_tutorials_definition_is_that_of_plain_requests_but_for_the_debuggers_hook(runtime: LocalRuntime) -> None:
    objects = s2_objects(runtime)
    with no_network() as tried:
        made = s2.workflow(objects).definition.to_dict()
    assert tried == []
    hook = {"S3OutputPath": s2.OUTPUT}  # SDK 2 turns the debugger's hook on; debugger_hook_config=False turns it off
    assert list(s2.differences(made, s2.workflow(s2.plain()).definition.to_dict())) == [
        ("/States/Train Step/Parameters/DebugHookConfig", hook, None)
    ]


@pytest.mark.parametrize("dataset", s2.DATASETS)
def test_the_tutorial_gives_the_same_model_as_with_plain_requests(runtime: LocalRuntime, dataset: str) -> None:
    found = s2.parts(dataset)
    objects = s2_objects(runtime)
    predicted, answered = s2.run(objects, found)

    assert s2.rmse(predicted, found.test) < found.limit
    assert answered == pytest.approx(predicted[0], abs=1e-5)
    assert predicted == s2.run(s2.plain(), found)[0]
