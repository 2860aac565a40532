"""Objects of SageMaker SDK 3: which method of which class makes the request, and with what.

Nothing of the SDK is imported.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from mlflowsteps.catalog.sagemaker_requests import REQUEST_MEMBERS
from mlflowsteps.exceptions import DefinitionError, Diagnostic
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.sagemaker.asking import analyse, run_arguments, taken, transform
from mlflowsteps.steps.sagemaker.objects import Ask, Kind, class_names
from mlflowsteps.steps.sagemaker.staging import JOB_NAME
from mlflowsteps.steps.sagemaker.variables import described, is_variable

__all__ = ["KINDS"]


def _train(trainer: Any, ask: Ask, session: Any) -> Json:
    _on_sagemaker(trainer, "training_mode", "SAGEMAKER_TRAINING_JOB")
    return run_arguments(trainer.train(**ask.call), session)


def _on_sagemaker(given: Any, attribute: str, wanted: str) -> None:
    """Refuse what the SDK would start in a container on this machine: it would do so at once, and make no request."""
    mode = getattr(getattr(given, attribute, None), "name", wanted)
    if mode != wanted:
        raise _no_request(
            f"{type(given).__name__} with {attribute}={mode} runs on this machine at once, without a request.",
            f"Leave {attribute} out; LocalRuntime runs the workflow's jobs on this machine.",
        )


def _no_request(message: str, fix: str) -> DefinitionError:
    return DefinitionError([Diagnostic("NO_REQUEST", "", message, fix)])


def _fine_tune(trainer: Any, ask: Ask, session: Any) -> Json:
    return _fine_tuned(trainer, session, lambda: trainer.train(**ask.call))


def _fine_tuned(trainer: Any, session: Any, train: Callable[[], Any]) -> Json:
    """A serverless fine-tuning job, without the SDK's looking round first: at the recipe, the data and the bucket."""
    for unfit, reason in _UNFIT:
        if unfit(trainer):
            raise _no_request(*reason)
    object.__setattr__(trainer.hyperparameters, "_full_recipe_template", {})  # else the hub is asked for it
    trainer.skip_reward_validation = True
    trainer.is_multimodal = bool(trainer.is_multimodal)  # else the data is read; it says nothing without mixed data
    role = _taken_role(trainer, "role", session)
    session.boto_session = _with_paths(session.boto_session)
    return {**run_arguments(train(), session), **({"RoleArn": role} if role else {})}


def _taken_role(given: Any, attribute: str, session: Any) -> Any:
    """Take a role that is no ARN yet out of an object, where the SDK would ask IAM for it.

    Returns:
        The role, for the request; None for an ARN, and for none.
    """
    role = getattr(given, attribute)
    if role is None or (isinstance(role, str) and not is_variable(role) and role.startswith("arn:")):
        return None
    setattr(given, attribute, "arn:aws:iam::000000000000:role/mlflowsteps")
    return session.expand_role(role)


def _with_paths(boto_session: Any) -> Any:
    """A boto session that finds every path in S3, and knows no account: what a fine-tuning asks before its request."""
    twin = copy.copy(boto_session)

    def client(service: str, *arguments: Any, **keywords: Any) -> Any:
        return _EveryPath() if service in ("s3", "sts") else boto_session.client(service, *arguments, **keywords)

    twin.client = client
    return twin


class _EveryPath:
    """A client of S3, and of STS, in one."""

    def head_bucket(self, **_: Any) -> dict[str, Any]:
        """It is there."""
        return {}

    def list_objects_v2(self, **_: Any) -> dict[str, Any]:
        """Something is there."""
        return {"Contents": [{}]}

    def get_caller_identity(self) -> dict[str, Any]:
        """Nobody knows."""
        return {"Account": None}


def _tune(tuner: Any, ask: Ask, session: Any) -> Json:
    try:
        return run_arguments(tuner.tune(**{"job_name": JOB_NAME, **ask.call}), session)
    except AttributeError as error:
        if getattr(tuner, "model_trainer", None) is not None:
            raise
        raise _no_request(*_SEVERAL) from error


_SEVERAL = (
    "This version of SDK 3 fails over a tuner of several trainers, in its own tune(), too.",
    "Write the request as a dict with TrainingJobDefinitions, or make one TuningStep of each trainer.",
)


def _run(processor: Any, ask: Ask, session: Any) -> Json:
    if not {"code", "submit_app"} & ask.call.keys() and any(
        name == "ScriptProcessor" for _, name in class_names(processor)
    ):
        raise TypeError(
            f"processor: a {type(processor).__name__} needs its script: ProcessingStep(..., code='prepare.py'); a "
            "Processor runs what the image or its entrypoint names"
        )
    return run_arguments(processor.run(**{"job_name": JOB_NAME, **ask.call}), session)


def _build(builder: Any, ask: Ask, session: Any) -> Json:
    _on_sagemaker(builder, "mode", "SAGEMAKER_ENDPOINT")
    if builder.modelbuilder_list:
        raise _no_request("A ModelBuilder with a modelbuilder_list makes several models.", "Make a ModelStep of each.")
    if isinstance(builder.model, str):
        raise _no_request(
            f"ModelBuilder(model={builder.model!r}) looks the model up in JumpStart or at Hugging Face.",
            "Give it image_uri and s3_model_data_url in place of model.",
        )
    role = _taken_role(builder, "role_arn", session)
    found = run_arguments(builder.build(**{"model_name": JOB_NAME, **ask.call}), session)
    return {**found, **({"ExecutionRoleArn": role} if role else {})}


def _arguments(given: Any, ask: Ask, session: Any) -> Json:  # noqa: ARG001 - as the others
    """What a method returned: as a rule the call itself, which waits, with the object as its first argument."""
    owner = next(iter(getattr(given, "func_args", ())), None)
    names = list(class_names(owner))
    for name in names:
        if name in _REFUSED:
            raise _no_request(*_REFUSED[name])
    if _TRAINERS_BASE in names:
        return _fine_tuned(owner, session, lambda: given)
    _on_sagemaker(owner, "training_mode", "SAGEMAKER_TRAINING_JOB")
    return run_arguments(given, session)


_TRAINERS_BASE = ("sagemaker.train.base_trainer", "BaseTrainer")


def _resource(resource: Any, ask: Ask, session: Any) -> Json:  # noqa: ARG001 - as the others
    """The fields of a resource, or of a shape, that the request knows."""
    found: dict[str, Json] = described(resource)
    return {name: value for name, value in found.items() if name in REQUEST_MEMBERS[ask.operation]}


def _refused(message: str, fix: str) -> Callable[[Any, Ask, Any], Json]:
    def refuse(*_: Any) -> Json:
        raise _no_request(message, fix)

    return refuse


_HYPERPOD = (
    "A training on SageMaker HyperPod is started by HyperPod's own command, not by a request of SageMaker.",
    "Leave compute out for a serverless job; or start it by an EksRunJobStep or a LambdaStep.",
)
_UNFIT: tuple[tuple[Callable[[Any], bool], tuple[str, str]], ...] = (
    (lambda trainer: type(getattr(trainer, "compute", None)).__name__ == "HyperPodCompute", _HYPERPOD),
    (
        lambda trainer: trainer.role is None,
        ("Without role, the SDK asks AWS for the role of who calls it.", "Give it role='arn:aws:iam::...'."),
    ),
    (
        lambda trainer: trainer.s3_output_path is None,
        (
            "Without s3_output_path, the SDK asks AWS for the account to make one up.",
            "Give it s3_output_path='s3://...'.",
        ),
    ),
    (
        lambda trainer: getattr(trainer, "data_mixing_config", None) is not None,
        (
            "Of a data_mixing_config, the SDK asks AWS for the recipe to mix by.",
            "Leave it out, or write the request as a dict.",
        ),
    ),
    (
        lambda trainer: ":lambda:" in str(getattr(trainer, "custom_reward_function", "")),
        (
            "Of a Lambda function as custom_reward_function, the SDK registers an evaluator in AWS first.",
            "Register it once, and give custom_reward_function the Evaluator or its ARN.",
        ),
    ),
)
"""What of a fine-tuning cannot go without AWS, with what to do instead."""

_PIPELINE = "Start a pipeline that is there by PipelineExecutionStep."
_REFUSED: dict[tuple[str, str], tuple[str, str]] = {
    ("sagemaker.train.cpt_trainer", "CPTTrainer"): _HYPERPOD,
    ("sagemaker.train.multi_turn_rl_trainer", "MultiTurnRLTrainer"): (
        "A MultiTurnRLTrainer makes a request of CreateJob, not of CreateTrainingJob.",
        "Give that request to AwsSdkStep(service='sagemaker', action='createJob').",
    ),
    ("sagemaker.train.evaluate.base_evaluator", "BaseEvaluator"): (
        "An evaluation of SDK 3 makes a pipeline of SageMaker and starts it; it has no request of one job.",
        _PIPELINE,
    ),
    ("sagemaker.mlops.workflow.pipeline", "Pipeline"): ("A pipeline has no request of one job.", _PIPELINE),
    ("sagemaker.core.model_monitor.model_monitoring", "ModelMonitor"): (
        "A monitor runs its baseline job, waits for it and reads what it has written.",
        "Make a Processor with the monitor's image_uri and env, and give it to ProcessingStep.",
    ),
}
"""Classes that start something else than a job, a model or an endpoint, with what to do instead."""

_TRAIN, _TUNE = frozenset({"CreateTrainingJob"}), frozenset({"CreateHyperParameterTuningJob"})
_PROCESS, _TRANSFORM = frozenset({"CreateProcessingJob"}), frozenset({"CreateTransformJob"})
_MODEL = frozenset({"CreateModel"})
_ANY = _TRAIN | _TUNE | _PROCESS | _TRANSFORM
_ALL = frozenset(REQUEST_MEMBERS)
_CONTEXT, _RESOURCES = "sagemaker.core.workflow.pipeline_context", "sagemaker.core.resources"

KINDS: dict[tuple[str, str], Kind] = {
    ("sagemaker.train.model_trainer", "ModelTrainer"): Kind(3, _TRAIN, _train),
    _TRAINERS_BASE: Kind(3, _TRAIN, _fine_tune),
    ("sagemaker.train.tuner", "HyperparameterTuner"): Kind(3, _TUNE, _tune),
    ("sagemaker.core.processing", "Processor"): Kind(3, _PROCESS, _run),
    ("sagemaker.core.clarify", "SageMakerClarifyProcessor"): Kind(3, _PROCESS, analyse),
    ("sagemaker.core.transformer", "Transformer"): Kind(3, _TRANSFORM, transform),
    ("sagemaker.serve.model_builder", "ModelBuilder"): Kind(3, _MODEL, _build),
    (_CONTEXT, "_ModelStepArguments"): Kind(3, _MODEL, _arguments),
    (_CONTEXT, "_JobStepArguments"): Kind(3, _ANY, taken),
    (_CONTEXT, "_StepArguments"): Kind(3, _ANY, _arguments),
    (_RESOURCES, "TrainingJob"): Kind(3, _TRAIN, _resource),
    (_RESOURCES, "HyperParameterTuningJob"): Kind(3, _TUNE, _resource),
    (_RESOURCES, "ProcessingJob"): Kind(3, _PROCESS, _resource),
    (_RESOURCES, "TransformJob"): Kind(3, _TRANSFORM, _resource),
    (_RESOURCES, "Model"): Kind(3, _MODEL, _resource),
    (_RESOURCES, "EndpointConfig"): Kind(3, frozenset({"CreateEndpointConfig"}), _resource),
    (_RESOURCES, "Endpoint"): Kind(3, frozenset({"CreateEndpoint", "UpdateEndpoint"}), _resource),
    **{name: Kind(3, _ALL, _refused(*reason)) for name, reason in _REFUSED.items()},
}
"""Classes by module and name; the nearest base of an object counts."""
