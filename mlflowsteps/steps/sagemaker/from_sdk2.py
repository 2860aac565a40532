"""Objects of SageMaker SDK 2: which method of which class makes the request, and with what.

Nothing of the SDK is imported; modules are looked up where the object's class has loaded them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from mlflowsteps.exceptions import DefinitionError, Diagnostic
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.sagemaker.asking import UNWATCHED, analyse, run_arguments, taken, transform
from mlflowsteps.steps.sagemaker.objects import Ask, Kind, class_names
from mlflowsteps.steps.sagemaker.staging import JOB_NAME

__all__ = ["KINDS"]


def _train(estimator: Any, ask: Ask, session: Any) -> Json:
    call = {**UNWATCHED, **ask.call}
    names = [name for _, name in class_names(estimator)]
    given = _sets_profiler(estimator)
    if "AmazonAlgorithmEstimatorBase" not in names:
        return _without_defaults(run_arguments(estimator.fit(**call), session), given)
    records = call.pop("inputs", None)
    if _is_records(records):
        return _without_defaults(run_arguments(estimator.fit(records, **call), session), given)
    sdk: Any = sys.modules["sagemaker.estimator"]
    _take_batch_size(estimator, call)
    sdk.EstimatorBase._prepare_for_training(estimator, job_name=call["job_name"])  # noqa: SLF001 - as its fit does
    sdk._TrainingJob.start_new(estimator, records, call.get("experiment_config"))  # noqa: SLF001
    return _without_defaults(session.context.args, given)


def _take_batch_size(estimator: Any, call: dict[str, Any]) -> None:
    """Of an algorithm of Amazon's without records: what its fit takes, as its fit takes it."""
    unknown = call.keys() - {*UNWATCHED, "mini_batch_size", "experiment_config"}
    if unknown:
        raise TypeError(
            f"call: fit() of a {type(estimator).__name__} has no argument {', '.join(map(repr, sorted(unknown)))}; it "
            "has mini_batch_size and experiment_config"
        )
    if call.get("mini_batch_size") is not None:
        estimator.mini_batch_size = call["mini_batch_size"]


def _sets_profiler(estimator: Any) -> bool:
    """True where the user said something of the profiler."""
    rules = [type(rule).__name__ for rule in estimator.rules or ()]
    return bool(estimator.profiler_config or estimator.disable_profiler or "ProfilerRule" in rules)


def _without_defaults(request: Json, profiler: bool) -> Json:
    """The request without what the SDK adds though nobody asked: the profiler, lists without entries, times in names.

    Args:
        request: changed in place.
        profiler: True where the user set the profiler.
    """
    if not profiler and not request.get("ProfilerConfig", {}).get("DisableProfiler", True):
        del request["ProfilerConfig"]
    hook = request.get("DebugHookConfig", {})
    collections = hook.pop("CollectionConfigurations", None)
    if collections:  # the SDK takes them from a set: their order would change from run to run
        hook["CollectionConfigurations"] = sorted(collections, key=lambda each: str(each.get("CollectionName")))
    for rule in request.get("ProfilerRuleConfigurations", ()):
        rule["RuleConfigurationName"] = _OWN_RULE.sub("", str(rule["RuleConfigurationName"]))
    return request


_OWN_RULE = re.compile(r"(?<=^DetailedProfilerProcessingJobConfig)-\d{4}(-\d\d){5}-\d{3}$")
"""The time that the SDK puts into the name of the rule that comes with profile_params."""


def _is_records(value: object) -> bool:
    first = value[0] if isinstance(value, list) and value else value
    return any(name in ("RecordSet", "FileSystemRecordSet") for _, name in class_names(first))


def _tune(tuner: Any, ask: Ask, session: Any) -> Json:
    call = {"wait": False, "job_name": JOB_NAME, **ask.call}
    if tuner.estimator_dict:
        call.setdefault("include_cls_metadata", {})  # fit's own default is none that it takes, then
    return _with_known_resources(run_arguments(tuner.fit(**call), session))


def _with_known_resources(request: Json) -> Json:
    """A tuning's resources in the member that every integration knows, where it says the same; changed in place."""
    for definition in [request.get("TrainingJobDefinition", {}), *request.get("TrainingJobDefinitions", ())]:
        resources = definition.get("HyperParameterTuningResourceConfig", {})
        if resources and resources.keys() <= _PLAIN_RESOURCES:
            definition["ResourceConfig"] = definition.pop("HyperParameterTuningResourceConfig")
    return request


_PLAIN_RESOURCES = {"InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId"}


def _run(processor: Any, ask: Ask, session: Any) -> Json:
    call = {**UNWATCHED, **ask.call}
    if {"code", "submit_app"} & call.keys() or not any(name == "ScriptProcessor" for _, name in class_names(processor)):
        return run_arguments(processor.run(**call), session)
    # Without code, as workflows of the old SDK run it: the container's entrypoint is the step's, or the image's own.
    base: Any = next(cls for cls in type(processor).__mro__ if cls.__name__ == "Processor")
    processor._include_code_in_inputs = base._include_code_in_inputs.__get__(processor)  # noqa: SLF001 - of the copy
    return run_arguments(base.run(processor, **call), session)


def _create_several(several: Any, ask: Ask, session: Any) -> Json:
    """A multi-model container round another model: the SDK's own ``create`` does not take it, its ``deploy`` does."""
    if several.model is None:
        return _create(several, ask, session)
    container = several.prepare_container_def(ask.call.get("instance_type"))
    session.init_model_step_arguments(several)
    session.create_model(
        several.name,
        several.model.role,
        container,
        vpc_config=several.model.vpc_config,
        enable_network_isolation=several.model.enable_network_isolation(),
        tags=ask.call.get("tags"),
    )
    return run_arguments(session.context, session)


def _create(model: Any, ask: Ask, session: Any) -> Json:
    if hasattr(model, "name") and not model.name:
        model.name = JOB_NAME
    found = model.create(**ask.call)
    return run_arguments(found if found is not None else session.context, session)


def _arguments(given: Any, ask: Ask, session: Any) -> Json:  # noqa: ARG001 - as the others
    """What a method returned under a PipelineSession: the same request as the object's own."""
    owner = next(iter(given.func_args), None)
    if given.caller_name == "train":
        profiler = _sets_profiler(owner)
        return _without_defaults(run_arguments(given, session), profiler)
    request = run_arguments(given, session)
    return _with_known_resources(request) if given.caller_name == "create_tuning_job" else request


def _refuse(fix: str) -> Callable[[Any, Ask, Any], Json]:
    def refuse(given: Any, ask: Ask, session: Any) -> Json:  # noqa: ARG001 - as the others
        what = f"{type(given).__module__}.{type(given).__name__}"
        raise DefinitionError([Diagnostic("OBJECT_IS_NOT_TAKEN", "", f"No step takes a {what}.", fix)])

    return refuse


_MONITOR = (
    "A baseline is a processing job: give ProcessingStep a Processor with the monitor's image_uri, role, instances and "
    "env. Schedules are AwsSdkStep's, with service='sagemaker'."
)
_AUTOML = "Give AwsSdkStep the request: service='sagemaker', action='createAutoMLJobV2'."
_JUMPSTART = (
    "Its fit asks JumpStart's catalogue in S3. Make an Estimator of what it holds: its image_uri, model_uri, "
    "source_dir, entry_point, hyperparameters() and instances."
)
_TRAINER = "Take Estimator, or ModelTrainer of SageMaker SDK 3, or write the request of CreateTrainingJob as a dict."
_BUILDER = "Give ModelStep the Model that its build() returns."


_TRAIN, _TUNE = frozenset({"CreateTrainingJob"}), frozenset({"CreateHyperParameterTuningJob"})
_PROCESS, _TRANSFORM = frozenset({"CreateProcessingJob"}), frozenset({"CreateTransformJob"})
_MODEL = frozenset({"CreateModel"})
_MODEL_OR_PACKAGE = _MODEL | {"CreateModelPackage"}
_ANY = _TRAIN | _TUNE | _PROCESS | _TRANSFORM
_CONTEXT = "sagemaker.workflow.pipeline_context"

KINDS: dict[tuple[str, str], Kind] = {
    ("sagemaker.jumpstart.estimator", "JumpStartEstimator"): Kind(2, _TRAIN, _refuse(_JUMPSTART)),
    ("sagemaker.estimator", "EstimatorBase"): Kind(2, _TRAIN, _train),
    ("sagemaker.tuner", "HyperparameterTuner"): Kind(2, _TUNE, _tune),
    ("sagemaker.clarify", "SageMakerClarifyProcessor"): Kind(2, _PROCESS, analyse),
    ("sagemaker.processing", "Processor"): Kind(2, _PROCESS, _run),
    ("sagemaker.transformer", "Transformer"): Kind(2, _TRANSFORM, transform),
    ("sagemaker.multidatamodel", "MultiDataModel"): Kind(2, _MODEL, _create_several),
    ("sagemaker.model", "Model"): Kind(2, _MODEL, _create),
    ("sagemaker.pipeline", "PipelineModel"): Kind(2, _MODEL, _create),
    ("sagemaker.model_monitor.model_monitoring", "ModelMonitor"): Kind(2, _PROCESS, _refuse(_MONITOR)),
    ("sagemaker.automl.automl", "AutoML"): Kind(2, _ANY, _refuse(_AUTOML)),
    ("sagemaker.automl.automlv2", "AutoMLV2"): Kind(2, _ANY, _refuse(_AUTOML)),
    ("sagemaker.automl.candidate_estimator", "CandidateEstimator"): Kind(2, _TRAIN, _refuse(_TRAINER)),
    ("sagemaker.modules.train.model_trainer", "ModelTrainer"): Kind(2, _TRAIN, _refuse(_TRAINER)),
    ("sagemaker.serve.builder.model_builder", "ModelBuilder"): Kind(2, _MODEL, _refuse(_BUILDER)),
    (_CONTEXT, "_ModelStepArguments"): Kind(2, _MODEL_OR_PACKAGE, _arguments),
    (_CONTEXT, "_JobStepArguments"): Kind(2, _ANY, taken),
    (_CONTEXT, "_StepArguments"): Kind(2, _ANY, _arguments),
}
"""Classes by module and name; the nearest base of an object counts."""
