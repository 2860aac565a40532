"""SDK 2: what its methods return under a pipeline session is as good as the object itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.steps.sagemaker import staging
from tests.parity.harness import BUCKET, ROLE, Wire, no_network


@cache
def session(kind: str = "PipelineSession") -> Any:
    from sagemaker.workflow import pipeline_context

    return getattr(pipeline_context, kind)(boto_session=Wire().session, default_bucket=BUCKET)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a script, and no telemetry of what is called here as users call it."""
    monkeypatch.setattr("sagemaker.telemetry.telemetry_logging._send_telemetry_request", lambda *_, **__: None)
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("print('hello')\n")


@cache
def estimator(kind: str = "PipelineSession", **more: Any) -> Any:
    from sagemaker.estimator import Estimator

    return Estimator("image:1", ROLE, 1, "ml.m5.large", output_path="s3://o/p", sagemaker_session=session(kind), **more)


@cache
def sklearn() -> Any:
    from sagemaker.sklearn import SKLearn

    return SKLearn(
        "train.py", framework_version="1.2-1", role=ROLE, instance_type="ml.m5.large", sagemaker_session=session()
    )


def processor() -> Any:
    from sagemaker.processing import ScriptProcessor

    return ScriptProcessor(ROLE, "image:1", ["python3"], 1, "ml.m5.large", sagemaker_session=session())


def transformer() -> Any:
    from sagemaker.transformer import Transformer

    return Transformer("m", 1, "ml.m5.large", output_path="s3://o", sagemaker_session=session())


def tuner() -> Any:
    from sagemaker.tuner import HyperparameterTuner, IntegerParameter

    metrics = [{"Name": "m", "Regex": "r"}]
    return HyperparameterTuner(estimator(), "m", {"a": IntegerParameter(1, 5)}, metric_definitions=metrics)


def model(**more: Any) -> Any:
    from sagemaker.model import Model

    given: dict[str, Any] = {"model_data": "s3://b/m.tar.gz", **more}
    return Model("image:1", role=ROLE, sagemaker_session=session(), **given)


def pipeline_model() -> Any:
    from sagemaker.pipeline import PipelineModel

    return PipelineModel([model(), model(env={"A": "1"})], ROLE, sagemaker_session=session())


def called(method: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """What a method returns, without the SDK's remark that nothing is started."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return method(*arguments, **keywords)


def training(given: object, **more: Any) -> steps.State:
    return steps.TrainingStep("S", given, "job", **more)


def processing(given: object, **more: Any) -> steps.State:
    return steps.ProcessingStep("S", given, "job", **more)


def transform(given: object, **more: Any) -> steps.State:
    return steps.TransformStep("S", given, "job", None, **more)


def tuning(given: object, **more: Any) -> steps.State:
    return steps.TuningStep("S", given, "job", **more)


def creating(given: object, **more: Any) -> steps.State:
    return steps.ModelStep("S", given, "job", **more)


def packaging(given: object, **more: Any) -> steps.State:
    return steps.ModelPackageStep("S", "g", given, **more)


INPUTS = {"inputs": {"train": "s3://b/t"}}
CASES: dict[str, tuple[Callable[..., steps.State], Callable[[], Any], str, dict[str, Any]]] = {
    # what it is given to, the object, its method, what that is called with
    "estimator": (training, estimator, "fit", INPUTS),
    "profiled": (training, lambda: estimator(disable_profiler=True), "fit", INPUTS),
    "script": (training, sklearn, "fit", INPUTS),
    "processor": (processing, processor, "run", {"code": "train.py"}),
    "transformer": (transform, transformer, "transform", {"data": "s3://d"}),
    "tuner": (tuning, tuner, "fit", INPUTS),
    "model": (creating, model, "create", {"instance_type": "ml.m5.large"}),
    "pipeline model": (creating, pipeline_model, "create", {"instance_type": "ml.m5.large"}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_step_is_the_one_that_the_object_itself_makes(case: str) -> None:
    step, make, method, call = CASES[case]
    returned = called(getattr(make(), method), **call)
    with no_network() as tried:
        found, expected = step(returned), step(make(), call=call)

    assert found.to_dict() == expected.to_dict()
    assert staging.uploads_of(steps.Graph(found)) == staging.uploads_of(steps.Graph(expected))
    assert tried == []


def test_under_a_local_pipeline_session_it_is_the_same() -> None:
    local = estimator("LocalPipelineSession")
    with no_network() as tried:
        found = training(called(local.fit, **INPUTS))
    assert found.to_dict() == training(estimator(), call=INPUTS).to_dict()
    assert tried == []


WRONG = {"estimator": "TrainingStep", "processor": "ProcessingStep", "transformer": "TransformStep"} | {
    "tuner": "TuningStep"
}
STEPS = {
    "TrainingStep": training,
    "ProcessingStep": processing,
    "TransformStep": transform,
    "TuningStep": tuning,
    "ModelStep": creating,
    "ModelPackageStep": packaging,
}


@pytest.mark.parametrize("other", STEPS)
@pytest.mark.parametrize("case", WRONG)
def test_given_to_another_step_the_error_names_the_one_that_takes_it(case: str, other: str) -> None:
    _, make, method, call = CASES[case]
    returned = called(getattr(make(), method), **call)
    if other == WRONG[case]:
        assert STEPS[other](returned).to_dict()["Type"] == "Task"
        return
    with pytest.raises(TypeError, match=rf"request of Create\w+; give it to .*{WRONG[case]}"):
        STEPS[other](returned)


@pytest.mark.parametrize("case", CASES)
def test_an_object_given_to_another_step_is_refused_with_the_one_that_takes_it(case: str) -> None:
    fitting, make, _, _ = CASES[case]
    given = make()
    name = next(name for name, step in STEPS.items() if step is fitting)
    for other, step in STEPS.items():
        if other != name and (name, other) != ("ModelStep", "ModelPackageStep"):
            with pytest.raises(TypeError, match=rf"has no request of Create\w+; give it to {name}"):
                step(given)


def registered(**more: Any) -> Any:
    types = {"content_types": ["text/csv"], "response_types": ["text/csv"], "inference_instances": ["ml.m5.large"]}
    return called(model().register, model_package_group_name="own", **types, **more)


def test_what_register_returns_is_a_package_with_all_that_was_registered() -> None:
    with no_network() as tried:
        given = registered(approval_status="Rejected", description="first", customer_metadata_properties={"a": "b"})
        kept = steps.ModelPackageStep("S", None, given).to_dict()["Parameters"]
        changed = packaging(given, approval_status="Approved", content_types=["a/b"]).to_dict()["Parameters"]

    assert kept == given.create_model_package_request
    assert kept["CustomerMetadataProperties"] == {"a": "b"}
    assert (changed["ModelPackageGroupName"], changed["ModelApprovalStatus"]) == ("g", "Approved")
    assert changed["InferenceSpecification"]["SupportedContentTypes"] == ["a/b"]
    assert changed["InferenceSpecification"]["SupportedRealtimeInferenceInstanceTypes"] == ["ml.m5.large"]
    assert tried == []


def test_a_package_is_no_model() -> None:
    with pytest.raises(TypeError, match="no request of CreateModel; give it to ModelPackageStep"):
        creating(registered())
    with pytest.raises(TypeError, match="made of PrimaryContainer or Containers"):
        packaging({"ModelPackageDescription": "nothing in it"})


@pytest.mark.parametrize("place", ["s3://b/train-2026-11-21-13-44-14-138/output/m.tar.gz", "s3://b/x-20261121134414/m"])
def test_places_with_a_time_in_them_that_the_user_has_given_stay(place: str) -> None:
    container = creating(model(model_data=place)).to_dict()["Parameters"]["PrimaryContainer"]
    assert container["ModelDataUrl"] == place

    given = estimator(model_uri=place, checkpoint_s3_uri=f"{place}/c")
    request = training(given, call={"inputs": {"train": f"{place}/d"}}).to_dict()["Parameters"]
    uris = [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in request["InputDataConfig"]]
    assert uris == [f"{place}/d", place]
    assert request["CheckpointConfig"] == {"S3Uri": f"{place}/c"}


def test_the_folder_of_code_that_the_user_has_given_stays_and_what_create_has_uploaded_is_used() -> None:
    from sagemaker.sklearn import SKLearn, SKLearnModel

    place = "s3://code/exp-2026-11-21-13-44-14-138"
    given = SKLearn(
        "train.py",
        framework_version="1.2-1",
        role=ROLE,
        instance_type="ml.m5.large",
        code_location=place,
        sagemaker_session=session(),
    )
    (upload,) = staging.uploads_of(steps.Graph(training(given)))
    assert upload.uri.startswith(f"{place}/mlflowsteps/")

    made = SKLearnModel("s3://b/m.tar.gz", ROLE, "train.py", framework_version="1.2-1", sagemaker_session=session())
    returned = called(made.create, "ml.m5.large")
    environment = returned.create_model_request["PrimaryContainer"]["Environment"]
    assert creating(returned).to_dict()["Parameters"]["PrimaryContainer"]["Environment"] == environment
