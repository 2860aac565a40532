"""SDK 2: every public class that makes or starts something is in the parity table, or left out for a reason there."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import DefinitionError
from tests.parity.harness import JOB
from tests.sdk2.cases import ESTIMATOR, MODEL, PLAIN, ROWS, WIRE, class_of, made, of, quick, session
from tests.sdk2.reasons import LEFT_OUT

NEED_MORE = (
    "sagemaker.amtviz",
    "sagemaker.aws_batch",
    "sagemaker.feature_store.feature_processor",
    "sagemaker.mlflow",
    "sagemaker.modules.train.container_drivers",
    "sagemaker.remote_function.runtime_environment",
    "sagemaker.serve.validations",
)
"""Packages that need others beside the SDK, or are programs that run when they are imported."""

OF_SESSIONS_AND_STORES = (
    "sagemaker.feature_store",
    "sagemaker.local",
    "sagemaker.model_card",
    "sagemaker.session",
    "sagemaker.workflow.pipeline_context",
)
"""Where train and run are no job of an object: sessions, the feature store's ingestion, parsers of cards."""

STARTS = ("fit", "run", "train", "transform", "tune", "build", "run_baseline", "suggest_baseline")
BASES = (
    "estimator.EstimatorBase",
    "processing.Processor",
    "model.ModelBase",
    "pipeline.PipelineModel",
    "transformer.Transformer",
    "tuner.HyperparameterTuner",
)


@pytest.fixture(scope="module", autouse=True)
def quick_sdk() -> Iterator[None]:
    with quick():
        yield


def public_modules() -> Iterator[Any]:
    package = importlib.import_module("sagemaker")
    for found in pkgutil.walk_packages(package.__path__, "sagemaker.", onerror=lambda _: None):
        if not found.name.startswith((*NEED_MORE, *OF_SESSIONS_AND_STORES)) and "._" not in found.name:
            yield importlib.import_module(found.name)


def public_classes() -> set[type]:
    """Classes that have a request of their own: by their bases, or by what they can do."""
    bases = tuple(of(name) for name in BASES)
    return {
        cls
        for module in public_modules()
        for name, cls in vars(module).items()
        if inspect.isclass(cls) and cls.__module__ == module.__name__ and not name.startswith("_")
        if issubclass(cls, bases) or any(callable(getattr(cls, method, None)) for method in STARTS)
    }


def test_every_public_class_is_in_the_table_or_left_out_for_a_reason() -> None:
    told = {class_of(name) for name in ROWS if inspect.isclass(class_of(name))} | {of(name) for name in LEFT_OUT}
    found = public_classes()
    assert {f"{cls.__module__}.{cls.__name__}" for cls in found - told} == set()
    assert len(found) > 60, "the walk has lost most of the SDK"


def test_no_class_is_both_in_the_table_and_left_out() -> None:
    assert not set(LEFT_OUT) & set(ROWS)


Make = Callable[[], Any]
Step = Callable[[Any], Any]


def monitor(name: str) -> Make:
    return lambda: made(of(f"model_monitor.{name}"), {"role": ESTIMATOR["role"]})


def automl_v2() -> Any:
    config = of("automl.automlv2.AutoMLTabularConfig")(target_attribute_name="y")
    return made(of("automl.automlv2.AutoMLV2"), {"problem_config": config, "role": ESTIMATOR["role"]})


def model_trainer() -> Any:
    plain = of("modules.Session")(boto_session=WIRE.session)
    return of("modules.train.model_trainer.ModelTrainer")(
        training_image="image:1", role=ESTIMATOR["role"], sagemaker_session=plain
    )


def model_builder() -> Any:
    return made(of("serve.builder.model_builder.ModelBuilder"), {"image_uri": "image:1", "role_arn": ESTIMATOR["role"]})


def jumpstart(name: str, base: str, **arguments: Any) -> Any:
    """An object of JumpStart as its constructor leaves it, which downloads the catalogue."""
    cls = of(f"jumpstart.{name}")
    found = cls.__new__(cls)
    of(base).__init__(found, sagemaker_session=session(), **arguments)
    found.model_package_arn = None
    return found


def create(given: Any) -> Any:
    return steps.ModelStep("S", given, JOB)


def train(given: Any) -> Any:
    return steps.TrainingStep("S", given, JOB)


def process(given: Any) -> Any:
    return steps.ProcessingStep("S", given, JOB)


CANDIDATE = {"candidate": {"CandidateName": "c", "InferenceContainers": [], "CandidateSteps": []}}
AUTOML = {"role": ESTIMATOR["role"], "target_attribute_name": "y"}


@pytest.mark.parametrize(
    ("make", "step", "fix"),
    [
        (monitor("DefaultModelMonitor"), process, "Processor with the monitor's image_uri"),
        (monitor("ModelQualityMonitor"), process, "Processor with the monitor's image_uri"),
        (monitor("ModelBiasMonitor"), process, "Processor with the monitor's image_uri"),
        (lambda: made(of("automl.automl.AutoML"), AUTOML), train, "createAutoMLJobV2"),
        (automl_v2, train, "createAutoMLJobV2"),
        (lambda: jumpstart("estimator.JumpStartEstimator", "estimator.Estimator", **PLAIN), train, "Make an Estimator"),
        (model_trainer, train, "ModelTrainer of SageMaker SDK 3"),
        (model_builder, create, r"the Model that its build\(\) returns"),
        (lambda: made(of("automl.candidate_estimator.CandidateEstimator"), CANDIDATE), train, "CreateTrainingJob"),
    ],
)
def test_classes_that_no_step_takes_are_refused_with_what_to_do(make: Make, step: Step, fix: str) -> None:
    given = make()
    with pytest.raises(DefinitionError, match=fix) as error:
        step(given)
    assert [each.code for each in error.value.diagnostics] == ["OBJECT_IS_NOT_TAKEN"]
    assert type(given).__name__ in str(error.value)


def test_a_model_of_jumpstart_is_taken_as_the_model_that_its_constructor_has_found() -> None:
    found = {**MODEL, "image_uri": "image:1", "env": {"A": "1"}, "enable_network_isolation": True}
    step = create(jumpstart("model.JumpStartModel", "model.Model", **found))
    plain = create(made(of("model.Model"), found))
    assert step.to_dict() == plain.to_dict()
    assert step.to_dict()["Parameters"]["EnableNetworkIsolation"] is True
