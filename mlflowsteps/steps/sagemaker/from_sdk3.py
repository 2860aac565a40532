"""Objects of SageMaker SDK 3: which method of which class makes the request, and with what.

Nothing of the SDK is imported.
"""

from __future__ import annotations

from typing import Any

from mlflowsteps.catalog.sagemaker_requests import REQUEST_MEMBERS
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.sagemaker.from_sdk2 import NO_DATA, run_arguments
from mlflowsteps.steps.sagemaker.objects import Ask, Kind
from mlflowsteps.steps.sagemaker.staging import JOB_NAME
from mlflowsteps.steps.sagemaker.variables import described

__all__ = ["KINDS"]


def _train(trainer: Any, ask: Ask, session: Any) -> Json:
    call = {"wait": False, "logs": False, **ask.call}
    return run_arguments(trainer.train(**call), session)


def _tune(tuner: Any, ask: Ask, session: Any) -> Json:
    return run_arguments(tuner.tune(**{"wait": False, "job_name": JOB_NAME, **ask.call}), session)


def _run(processor: Any, ask: Ask, session: Any) -> Json:
    return run_arguments(processor.run(**{"wait": False, "logs": False, "job_name": JOB_NAME, **ask.call}), session)


def _transform(transformer: Any, ask: Ask, session: Any) -> Json:
    call = {"wait": False, "logs": False, "job_name": JOB_NAME, "data": NO_DATA, **ask.call}
    found = dict(described(run_arguments(transformer.transform(**call), session)))
    if call["data"] == NO_DATA:
        del found["TransformInput"]["DataSource"]
    return found


def _build(builder: Any, ask: Ask, session: Any) -> Json:
    return run_arguments(builder.build(**{"model_name": JOB_NAME, **ask.call}), session)


def _arguments(given: Any, ask: Ask, session: Any) -> Json:  # noqa: ARG001 - as the others
    return run_arguments(given, session)


def _args(given: Any, ask: Ask, session: Any) -> Json:  # noqa: ARG001 - as the others
    return given.args


def _resource(resource: Any, ask: Ask, session: Any) -> Json:  # noqa: ARG001 - as the others
    """The fields of a resource, or of a shape, that the request knows."""
    found: dict[str, Json] = described(resource)
    return {name: value for name, value in found.items() if name in REQUEST_MEMBERS[ask.operation]}


_TRAIN, _TUNE = frozenset({"CreateTrainingJob"}), frozenset({"CreateHyperParameterTuningJob"})
_PROCESS, _TRANSFORM = frozenset({"CreateProcessingJob"}), frozenset({"CreateTransformJob"})
_MODEL = frozenset({"CreateModel"})
_ANY = _TRAIN | _TUNE | _PROCESS | _TRANSFORM
_CONTEXT, _RESOURCES = "sagemaker.core.workflow.pipeline_context", "sagemaker.core.resources"

KINDS: dict[tuple[str, str], Kind] = {
    ("sagemaker.train.model_trainer", "ModelTrainer"): Kind(3, _TRAIN, _train),
    ("sagemaker.train.tuner", "HyperparameterTuner"): Kind(3, _TUNE, _tune),
    ("sagemaker.core.processing", "Processor"): Kind(3, _PROCESS, _run),
    ("sagemaker.core.transformer", "Transformer"): Kind(3, _TRANSFORM, _transform),
    ("sagemaker.serve.model_builder", "ModelBuilder"): Kind(3, _MODEL, _build),
    (_CONTEXT, "_ModelStepArguments"): Kind(3, _MODEL, _arguments),
    (_CONTEXT, "_JobStepArguments"): Kind(3, _ANY, _args),
    (_CONTEXT, "_StepArguments"): Kind(3, _ANY, _arguments),
    (_RESOURCES, "TrainingJob"): Kind(3, _TRAIN, _resource),
    (_RESOURCES, "HyperParameterTuningJob"): Kind(3, _TUNE, _resource),
    (_RESOURCES, "ProcessingJob"): Kind(3, _PROCESS, _resource),
    (_RESOURCES, "TransformJob"): Kind(3, _TRANSFORM, _resource),
    (_RESOURCES, "Model"): Kind(3, _MODEL, _resource),
    (_RESOURCES, "EndpointConfig"): Kind(3, frozenset({"CreateEndpointConfig"}), _resource),
    (_RESOURCES, "Endpoint"): Kind(3, frozenset({"CreateEndpoint", "UpdateEndpoint"}), _resource),
}
"""Classes by module and name; the nearest base of an object counts."""
