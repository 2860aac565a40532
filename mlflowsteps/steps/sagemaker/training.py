"""Training and tuning jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from mlflowsteps.inputs import intrinsics
from mlflowsteps.inputs.expressions import Call, Expression
from mlflowsteps.inputs.placeholders import StepInput
from mlflowsteps.inputs.schema import Schema
from mlflowsteps.inputs.syntax import Json, Reference
from mlflowsteps.steps.keywords import TaskFields, Text
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.sagemaker.base import Integration, SageMakerStep, Tags
from mlflowsteps.steps.sagemaker.channels import native_data, with_data
from mlflowsteps.steps.sagemaker.expected import ExpectedModel, script_environment
from mlflowsteps.steps.sagemaker.objects import class_names, is_sdk_object
from mlflowsteps.steps.sagemaker.requests import (
    put,
    put_tags,
    request_of,
    stringified,
)
from mlflowsteps.steps.sagemaker.staging import Request

__all__ = ["BestTrainingJob", "TrainingStep", "TuningStep"]


class TrainingStep(SageMakerStep):
    """Runs a SageMaker training job.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        estimator: the request of CreateTrainingJob, in boto3's shape, without the job's name; or an Estimator of
            SageMaker SDK 2, a ModelTrainer of SDK 3, or what their ``fit`` and ``train`` return under a
            PipelineSession. It stays as it is.
        job_name: name of the job, new for each execution: a placeholder, as a rule.
        data: the training data: an S3 URI or placeholder, or a dict of channel names to them; see ``channels``. Objects
            of the SDKs (TrainingInput, RecordSet, InputData, Channel) are taken, too.
        hyperparameters: put over the request's, key by key; or a placeholder for all of them.
        mini_batch_size: hyperparameter of Amazon's own algorithms; no matter to an SDK's object that is none of them.
        experiment_config: ExperimentName, TrialName and TrialComponentDisplayName.
        wait_for_completion: False: go on when the job is started.
        tags: a dict, or a list of Key and Value.
        output_data_config_path: S3 URI that the model is written below.
        call: keywords for the own method (``fit``, ``train``) of an SDK's object.
        integration: ``aws-sdk``: call and ask SageMaker by SDK calls, for requests that ``optimized`` does not take.
        retry: a retrier, or several. A retried job needs a name of its own: put ``context.state.retry_count`` into it.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields of a Task, by keyword; ``parameters`` is put over the whole request, at every depth.

    Raises:
        TypeError: ``estimator`` is no request; a member of it is unknown.
        MissingRequiredParameter: the job has no name.
    """

    service, action = "sagemaker", "createTrainingJob"

    def __init__(
        self,
        state_id: str,
        estimator: object,
        job_name: Text | None,
        data: Json = None,
        hyperparameters: dict[str, Any] | Expression | None = None,
        mini_batch_size: int | Expression | None = None,
        experiment_config: dict[str, Any] | Expression | None = None,
        wait_for_completion: bool = True,
        tags: Tags = None,
        output_data_config_path: Text | None = None,
        *,
        call: Mapping[str, Any] | None = None,
        integration: Integration = "optimized",
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        call, data = _calling(estimator, data, call)
        request = request_of(estimator, "CreateTrainingJob", "estimator", call=call)
        put(request, "TrainingJobName", job_name)
        if data is not None:
            channels = with_data(request.get("InputDataConfig"), data)
            _refuse_scripts_place(state_id, request, channels)
            put(request, "InputDataConfig", channels)
        put(request, "OutputDataConfig.S3OutputPath", output_data_config_path)
        own_algorithm = not is_sdk_object(estimator) or any(n == _AMAZON for _, n in class_names(estimator))
        _put_hyperparameters(request, hyperparameters, mini_batch_size if own_algorithm else None)
        put(request, "ExperimentConfig", experiment_config)
        put_tags(request, tags)
        self.estimator, self.job_name = estimator, job_name
        waits = self._waiting(wait_for_completion, integration)
        self._start(state_id, request, "TrainingJobName", waits, retry, catch, output_schema, fields)

    def get_expected_model(self, model_name: Text | None = None) -> ExpectedModel:
        """The model that the job will have trained, for the ModelStep that follows.

        Args:
            model_name: name of the model; the training job's where left out.

        Returns:
            A request of CreateModel: image, role, network settings and environment of the training, the script that it
            ran (SAGEMAKER_PROGRAM and its like, for script-mode images), and the model's data from the output of this
            step, below its ``result_path``. Its attributes (``image_uri``, ``env``, ``entry_point`` and others) can be
            set.

        Raises:
            ValueError: the training request names no image.
        """
        given: Json = self.fields["parameters"]
        request: dict[str, Json] = given if isinstance(given, dict) else {}
        image = _renamed(request.get("AlgorithmSpecification", {}), "TrainingImage", "Image")
        if not image:
            raise ValueError(
                f"Step {self.state_id!r}: the training request has no AlgorithmSpecification.TrainingImage to make a "
                "model of; give ModelStep a request of CreateModel instead"
            )
        artifacts = self._result()["ModelArtifacts"]["S3ModelArtifacts"]
        environment = _renamed(request, "Environment", "Environment") or {"Environment": {}}
        if isinstance(environment.get("Environment"), dict):
            script = script_environment(request.get("HyperParameters"))
            environment = {"Environment": {**script, **environment["Environment"]}}
        model: dict[str, Json] = {"PrimaryContainer": {**image, **environment, "ModelDataUrl": artifacts}}
        for old, new in _OF_MODELS.items():
            model |= _renamed(request, old, new)
        put(model, "ModelName", model_name if model_name is not None else self.job_name)
        return ExpectedModel(model)


class TuningStep(SageMakerStep):
    """Runs a SageMaker hyperparameter tuning job.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        tuner: the request of CreateHyperParameterTuningJob, in boto3's shape, without the job's name; or a
            HyperparameterTuner of SageMaker SDK 2 or 3, or what its ``fit`` or ``tune`` returns under a
            PipelineSession. It stays as it is.
        job_name: name of the job, new for each execution: a placeholder, as a rule.
        data: the training data, as ``TrainingStep``'s; put into every training job definition.
        wait_for_completion: False: go on when the job is started.
        tags: a dict, or a list of Key and Value.
        call: keywords for the own method (``fit``, ``tune``) of an SDK's object.
        integration: ``aws-sdk``: call and ask SageMaker by SDK calls, for requests that ``optimized`` does not take.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields of a Task, by keyword; ``parameters`` is put over the whole request, at every depth.

    Raises:
        TypeError: ``tuner`` is no request; a member of it is unknown.
        MissingRequiredParameter: the job has no name.
    """

    service, action = "sagemaker", "createHyperParameterTuningJob"

    def __init__(
        self,
        state_id: str,
        tuner: object,
        job_name: Text | None,
        data: Json = None,
        wait_for_completion: bool = True,
        tags: Tags = None,
        *,
        call: Mapping[str, Any] | None = None,
        integration: Integration = "optimized",
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        call, data = _calling(tuner, data, call)
        request = request_of(tuner, "CreateHyperParameterTuningJob", "tuner", call=call)
        put(request, "HyperParameterTuningJobName", job_name)
        several = request.get("TrainingJobDefinitions")
        unknown = {"TrainingJobDefinition.$", "TrainingJobDefinitions.$"} & request.keys()
        if unknown and data is not None:
            raise TypeError(f"data: {unknown.pop()} of the request is known only while the workflow runs: put it there")
        single = [] if unknown else [request.setdefault("TrainingJobDefinition", {})]
        definitions = several if isinstance(several, list) else single
        for definition in definitions:
            if data is not None:
                definition["InputDataConfig"] = with_data(definition.get("InputDataConfig"), data)
            for key in {"StaticHyperParameters", "Environment"} & definition.keys():
                definition[key] = stringified(definition[key])
        if request.get("TrainingJobDefinition") == {}:
            del request["TrainingJobDefinition"]
        put_tags(request, tags)
        self.tuner, self.job_name = tuner, job_name
        waits = self._waiting(wait_for_completion, integration)
        key = "HyperParameterTuningJobName"
        self._start(state_id, request, key, waits, retry, catch, output_schema, fields)

    @property
    def best_training_job(self) -> BestTrainingJob:
        """The best training job of the tuning, for the steps that follow; ``tuning.best_training_job.name``."""
        return BestTrainingJob(self._result(), self._output_path())

    def _output_path(self) -> str | None:
        """Where all trainings write their models, without a slash at its end; None where that is no fixed text."""
        given: Json = self.fields["parameters"]
        request: dict[str, Json] = given if isinstance(given, dict) else {}
        definitions = request.get("TrainingJobDefinitions") or [request.get("TrainingJobDefinition", {})]
        configs = (each.get("OutputDataConfig") for each in definitions)
        places = (config.get("S3OutputPath") if isinstance(config, Mapping) else None for config in configs)
        found = {place.rstrip("/") if isinstance(place, str) and "⟦" not in place else None for place in places}
        return found.pop() if len(found) == 1 else None


class BestTrainingJob:
    """Placeholders for the best training job of a tuning, read from the tuning step's output.

    Args:
        output: what the tuning step puts into its output.
        output_path: where its trainings write their models, without a slash at its end; None: as the output tells it.
    """

    def __init__(self, output: StepInput, output_path: str | None = None) -> None:
        self._output, self._output_path = output, output_path

    @property
    def name(self) -> StepInput:
        """Its name."""
        return self._output["BestTrainingJob"].get("TrainingJobName", str)

    @property
    def arn(self) -> StepInput:
        """Its ARN."""
        return self._output["BestTrainingJob"].get("TrainingJobArn", str)

    @property
    def hyperparameters(self) -> StepInput:
        """The hyperparameters that the tuning gave it; their values are texts."""
        return self._output["BestTrainingJob"]["TunedHyperParameters"]

    @property
    def objective_value(self) -> StepInput:
        """The metric it reached."""
        return self._output["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]

    @property
    def model_artifacts(self) -> Call:
        """S3 URI of its model."""
        told = self._output["TrainingJobDefinition"]["OutputDataConfig"]["S3OutputPath"]
        path = told if self._output_path is None else self._output_path
        return intrinsics.format("{}/{}/output/model.tar.gz", path, self.name)


def _calling(given: object, data: Json, call: Mapping[str, Any] | None) -> tuple[Mapping[str, Any] | None, Json]:
    """Data that the SDK's own method takes goes to it; what is left is put into the request."""
    if data is None or not is_sdk_object(given):
        return call, data
    newer = any(module.startswith(("sagemaker.train.", "sagemaker.core.")) for module, _ in class_names(given))
    if not native_data(data, texts=not newer):
        return call, data
    if not newer:
        return {**(call or {}), "inputs": data}, None
    channels = list(data.values()) if isinstance(data, Mapping) else data if isinstance(data, list) else [data]
    tuner = any(name == "HyperparameterTuner" for _, name in class_names(given))
    return {**(call or {}), "inputs" if tuner else "input_data_config": channels}, None


def _refuse_scripts_place(state_id: str, request: Request, channels: Json) -> None:
    """Refuse data for a channel in which an SDK's object brings its script: the job would not find it."""
    given = request.get("InputDataConfig")
    for before, after in zip(given if isinstance(given, list) else [], channels, strict=False):
        name, place = before.get("ChannelName"), (before.get("DataSource", {}).get("S3DataSource") or {}).get("S3Uri")
        brought = isinstance(place, str) and any(upload.uri.startswith(place) for upload in request.uploads)
        if name in _SCRIPT_CHANNELS and brought and before != after:
            raise ValueError(
                f"Step {state_id!r}: data[{name!r}] takes the place of the script; name the channel otherwise"
            )


_SCRIPT_CHANNELS = ("code", "sm_drivers")
"""Where the SDKs put scripts: SDK 2 under network isolation, a ModelTrainer always."""

_AMAZON = "AmazonAlgorithmEstimatorBase"
"""Base class of SDK 2's estimators of Amazon's own algorithms."""


_OF_MODELS = {
    "RoleArn": "ExecutionRoleArn",
    "VpcConfig": "VpcConfig",
    "EnableNetworkIsolation": "EnableNetworkIsolation",
}
"""Members of a training's request, and what the same is called in a model's."""


def _put_hyperparameters(request: dict[str, Json], given: Json, mini_batch_size: Json) -> None:
    if isinstance(given, Reference):
        put(request, "HyperParameters", given)
        return
    over = {**(given or {}), **({} if mini_batch_size is None else {"mini_batch_size": mini_batch_size})}
    if not over:
        return
    known = request.get("HyperParameters.$", request.get("HyperParameters"))
    if not isinstance(known, Mapping | None):
        raise TypeError(
            f"HyperParameters of the request is {known!r}, known only while the workflow runs: {', '.join(over)} "
            "cannot be put into it"
        )
    put(request, "HyperParameters", {**(known or {}), **over})


def _renamed(source: dict[str, Json], old: str, new: str) -> dict[str, Json]:
    """One member under another name, be its value given or computed; empty where there is none."""
    return {f"{new}{end}": source[f"{old}{end}"] for end in ("", ".$") if f"{old}{end}" in source}
