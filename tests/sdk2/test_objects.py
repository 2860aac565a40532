"""SDK 2: objects in the states that users have them in: attached, with a role's name, for local mode, without code."""

from __future__ import annotations

import warnings
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mlflowsteps import steps
from mlflowsteps.steps import sagemaker as sagemaker_steps
from mlflowsteps.steps.sagemaker.objects import copied_object
from tests.parity.harness import BUCKET, ROLE, Wire, no_network

NAME = "old-job-2026-11-21-13-44-14-138"
DESCRIPTION = {
    "TrainingJobName": NAME,
    "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{NAME}",
    "TrainingJobStatus": "Completed",
    "ModelArtifacts": {"S3ModelArtifacts": f"s3://b/{NAME}/output/model.tar.gz"},
    "AlgorithmSpecification": {"TrainingImage": "image:1", "TrainingInputMode": "Pipe"},
    "RoleArn": ROLE,
    "HyperParameters": {"rounds": "7"},
    "OutputDataConfig": {"S3OutputPath": "s3://b/out", "KmsKeyId": "key"},
    "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 5},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
}


class Client:
    """Describes one job of the past."""

    def describe_training_job(self, **_: Any) -> dict[str, Any]:
        return DESCRIPTION

    def list_tags(self, **_: Any) -> dict[str, Any]:
        return {"Tags": [{"Key": "k", "Value": "v"}]}


def session(**more: Any) -> Any:
    from sagemaker import Session

    return Session(boto_session=Wire().session, default_bucket=BUCKET, **more)


def parameters(step: steps.State) -> dict[str, Any]:
    found: dict[str, Any] = step.to_dict()["Parameters"]
    return found


def test_an_attached_estimator_trains_anew_with_the_settings_of_its_job_and_gives_its_model() -> None:
    from sagemaker.estimator import Estimator

    attached = Estimator.attach(NAME, sagemaker_session=session(sagemaker_client=Client()))
    with no_network() as tried:
        request = parameters(steps.TrainingStep("T", attached, "job"))
        model = parameters(steps.ModelStep("M", attached.create_model(), "model"))

    for name in (
        "OutputDataConfig",
        "ResourceConfig",
        "StoppingCondition",
        "HyperParameters",
        "AlgorithmSpecification",
    ):
        assert request[name] == DESCRIPTION[name]
    assert request["Tags"] == [{"Key": "k", "Value": "v"}]
    assert model["PrimaryContainer"]["ModelDataUrl"] == f"s3://b/{NAME}/output/model.tar.gz"
    assert tried == []


def estimator(**more: Any) -> Any:
    from sagemaker.estimator import Estimator

    given: dict[str, Any] = {"role": ROLE, "instance_type": "ml.m5.large", "sagemaker_session": session(), **more}
    return Estimator("image:1", instance_count=1, output_path="s3://o", **given)


def test_a_name_of_a_role_passes_with_a_warning_that_shows_an_arn() -> None:
    with (
        no_network() as tried,
        pytest.warns(UserWarning, match=r"'my-role' is a name.*arn:aws:iam::<account>:role") as told,
    ):
        step = steps.TrainingStep("T", estimator(role="my-role"), "job")
    assert parameters(step)["RoleArn"] == "my-role"
    assert {warning.filename for warning in told if "my-role" in str(warning.message)} == {__file__}
    assert tried == []


def test_an_instance_type_of_the_sdks_local_mode_passes_with_a_warning() -> None:
    from sagemaker.workflow.pipeline_context import LocalPipelineSession

    own = LocalPipelineSession(boto_session=Wire().session, default_bucket=BUCKET)
    local = estimator(instance_type="local", sagemaker_session=own)
    with pytest.warns(UserWarning, match=r"'T': the instance type 'local' is the SDK's own local mode.*LocalRuntime"):
        steps.TrainingStep("T", local, "job")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        steps.TrainingStep("T", estimator(hyperparameters={"InstanceType": "local"}), "job")


def test_a_script_processor_without_code_runs_the_containers_entrypoint() -> None:
    from sagemaker.processing import ScriptProcessor

    processor = ScriptProcessor(ROLE, "image:1", ["python3"], 1, "ml.m5.large", sagemaker_session=session())
    own = parameters(steps.ProcessingStep("P", processor, "job"))
    given = parameters(steps.ProcessingStep("P", processor, "job", container_entrypoint=["python3", "/opt/run.py"]))
    assert own["AppSpecification"] == {"ImageUri": "image:1"}
    assert given["AppSpecification"]["ContainerEntrypoint"] == ["python3", "/opt/run.py"]


def test_objects_that_make_no_request_are_refused_with_the_classes_that_do() -> None:
    from sagemaker.predictor import Predictor

    with pytest.raises(TypeError, match=r"Predictor has no request of CreateModel; give a request.*PipelineModel"):
        steps.ModelStep("M", Predictor("endpoint", sagemaker_session=session()), "model")
    with pytest.raises(TypeError, match=r"estimator must be a dict.*It is <class 'sagemaker.estimator.Estimator'>"):
        steps.TrainingStep("T", type(estimator()), "job")


def test_the_functions_that_the_old_sdk_passed_on_are_the_sdks_own() -> None:
    from sagemaker.workflow import airflow

    for name in ("training_config", "processing_config", "transform_config", "tuning_config", "model_config"):
        assert getattr(sagemaker_steps, name) is getattr(airflow, name)


def amazons() -> Any:
    from sagemaker import KMeans

    return KMeans(
        ROLE, 1, "ml.m5.large", k=3, output_path="s3://b/o", data_location="s3://b/d", sagemaker_session=session()
    )


def test_an_amazon_algorithm_with_plain_data_takes_what_its_fit_takes() -> None:
    call: dict[str, Any] = {"mini_batch_size": 77, "experiment_config": {"ExperimentName": "e"}}
    estimator = amazons()
    request = parameters(steps.TrainingStep("T", estimator, "job", data="s3://d/in", call=call))
    assert request["HyperParameters"]["mini_batch_size"] == "77"
    assert request["ExperimentConfig"] == {"ExperimentName": "e"}
    assert not hasattr(estimator, "mini_batch_size")


def test_an_amazon_algorithm_refuses_what_its_fit_does_not_take() -> None:
    with pytest.raises(TypeError, match=r"fit\(\) of a KMeans has no argument 'batch'; it has mini_batch_size"):
        steps.TrainingStep("T", amazons(), "job", data="s3://d/in", call={"batch": 77})


class Pair(NamedTuple):
    """A tuple of a class of its own."""

    first: int
    second: list[int]


class Names(list[Any]):
    """A list of a class of its own."""


@pytest.mark.parametrize("make", [OrderedDict, lambda given: defaultdict(int, given)])
def test_hyperparameters_in_a_dict_of_another_class_stay_as_they_are(
    make: Callable[[dict[str, int]], dict[str, int]], tmp_path: Path
) -> None:
    from sagemaker.estimator import Estimator

    script = tmp_path / "train.py"
    script.write_text("")
    estimator = Estimator("i", ROLE, 1, "ml.m5.large", entry_point=str(script), sagemaker_session=session())
    estimator._hyperparameters = given = make({"rounds": 5})
    request = parameters(steps.TrainingStep("T", estimator, "job"))
    assert {"rounds", "sagemaker_program"} <= request["HyperParameters"].keys()
    assert given == {"rounds": 5}


@pytest.mark.parametrize("value", [Pair(1, [2]), Names([1, [2]]), {1, 2}, Counter("aab"), OrderedDict(b=[1], a=2)])
def test_a_collection_is_copied_as_what_it_is(value: Any) -> None:
    twin = copied_object(value, None, {})
    assert (type(twin), twin) == (type(value), value)
    assert twin is not value
