"""Training and tuning jobs."""

from __future__ import annotations

from typing import Any, Unpack

from mlflowsteps.inputs.expressions import Expression
from mlflowsteps.inputs.schema import Schema
from mlflowsteps.inputs.syntax import Json, Reference
from mlflowsteps.steps.keywords import TaskFields, Text
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.sagemaker.base import SageMakerStep, Tags
from mlflowsteps.steps.sagemaker.channels import with_data
from mlflowsteps.steps.sagemaker.requests import (
    FrozenRequest,
    copied,
    put,
    put_tags,
    request_of,
    stringified,
)

__all__ = ["TrainingStep", "TuningStep"]


class TrainingStep(SageMakerStep):
    """Runs a SageMaker training job.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        estimator: the request of CreateTrainingJob, in boto3's shape, without the job's name; it is copied.
        job_name: name of the job, new for each execution: a placeholder, as a rule.
        data: the training data: an S3 URI or placeholder, or a dict of channel names to them; see ``channels``.
        hyperparameters: put over the request's, key by key; or a placeholder for all of them.
        mini_batch_size: hyperparameter of Amazon's own algorithms.
        experiment_config: ExperimentName, TrialName and TrialComponentDisplayName.
        wait_for_completion: False: go on when the job is started.
        tags: a dict, or a list of Key and Value.
        output_data_config_path: S3 URI that the model is written below.
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
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        request = request_of(estimator, "CreateTrainingJob", "estimator")
        put(request, "TrainingJobName", job_name)
        if data is not None:
            request["InputDataConfig"] = with_data(request.get("InputDataConfig"), data)
        put(request, "OutputDataConfig.S3OutputPath", output_data_config_path)
        _put_hyperparameters(request, hyperparameters, mini_batch_size)
        put(request, "ExperimentConfig", experiment_config)
        put_tags(request, tags)
        self.estimator, self.job_name = estimator, job_name
        self._start(state_id, request, "TrainingJobName", wait_for_completion, retry, catch, output_schema, fields)

    def get_expected_model(self, model_name: Text | None = None) -> FrozenRequest:
        """The model that the job will have trained, for the ModelStep that follows.

        Args:
            model_name: name of the model; the training job's where left out.

        Returns:
            A request of CreateModel that cannot be changed: image, role, network settings and environment of the
            training, and the model's data from the output of this step.

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
        artifacts = self.output()["ModelArtifacts"]["S3ModelArtifacts"]
        environment = request.get("Environment", {})
        model: dict[str, Json] = {
            "PrimaryContainer": {**image, "Environment": environment, "ModelDataUrl": artifacts},
        }
        model |= _renamed(request, "RoleArn", "ExecutionRoleArn")
        model |= {key: request[key] for key in ("VpcConfig", "EnableNetworkIsolation") if key in request}
        put(model, "ModelName", model_name if model_name is not None else self.job_name)
        return FrozenRequest(model)


class TuningStep(SageMakerStep):
    """Runs a SageMaker hyperparameter tuning job.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        tuner: the request of CreateHyperParameterTuningJob, in boto3's shape, without the job's name; it is copied.
        job_name: name of the job, new for each execution: a placeholder, as a rule.
        data: the training data, as ``TrainingStep``'s; put into every training job definition.
        wait_for_completion: False: go on when the job is started.
        tags: a dict, or a list of Key and Value.
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
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        request = request_of(tuner, "CreateHyperParameterTuningJob", "tuner")
        put(request, "HyperParameterTuningJobName", job_name)
        several = request.get("TrainingJobDefinitions")
        definitions = several if isinstance(several, list) else [request.setdefault("TrainingJobDefinition", {})]
        for definition in definitions:
            if data is not None:
                definition["InputDataConfig"] = with_data(definition.get("InputDataConfig"), data)
            if "StaticHyperParameters" in definition:
                definition["StaticHyperParameters"] = stringified(definition["StaticHyperParameters"])
        if request.get("TrainingJobDefinition") == {}:
            del request["TrainingJobDefinition"]
        put_tags(request, tags)
        self.tuner, self.job_name = tuner, job_name
        key = "HyperParameterTuningJobName"
        self._start(state_id, request, key, wait_for_completion, retry, catch, output_schema, fields)


def _put_hyperparameters(request: dict[str, Json], given: Json, mini_batch_size: Json) -> None:
    if isinstance(given, Reference):
        request["HyperParameters"] = given
    elif given is not None:
        request["HyperParameters"] = {**copied(request.get("HyperParameters") or {}), **copied(given)}
    if mini_batch_size is not None and not isinstance(given, Reference):
        request["HyperParameters"] = {**(request.get("HyperParameters") or {}), "mini_batch_size": mini_batch_size}


def _renamed(source: dict[str, Json], old: str, new: str) -> dict[str, Json]:
    """One member under another name, be its value given or computed; empty where there is none."""
    return {f"{new}{end}": source[f"{old}{end}"] for end in ("", ".$") if f"{old}{end}" in source}
