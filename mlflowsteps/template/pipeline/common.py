"""What the pipelines share: names of their steps, the template of their executions' input, and its filling in.

The steps are built once, from what the user gave; each parameter then moves to the input of the execution, under the
step's name, so that the workflow stays the same and every execution has names and paths of its own.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from mlflowsteps.inputs.syntax import Json, Reference
from mlflowsteps.steps import Chain, Task, TrainingStep
from mlflowsteps.template.utils import replace_parameters_with_context_object
from mlflowsteps.workflow import Execution, Workflow

__all__ = [
    "StepId",
    "WorkflowTemplate",
    "expected_model",
    "instances",
    "model_data_uri",
    "put_hyperparameters",
    "put_job",
    "put_names",
]

_JOB_NAME = "sagemaker_job_name"
_OWN_HYPERPARAMETERS = "sagemaker_"
"""What the SDK's script mode puts among the hyperparameters: how the script is found and run."""


class StepId(Enum):
    """Names of the steps of the pipelines."""

    Train = "Training"
    CreateModel = "Create Model"
    ConfigureEndpoint = "Configure Endpoint"
    Deploy = "Deploy"

    TrainPreprocessor = "Train Preprocessor"
    CreatePreprocessorModel = "Create Preprocessor Model"
    TransformInput = "Transform Input"
    CreatePipelineModel = "Create Pipeline Model"


class WorkflowTemplate:
    """A workflow that is built from a few settings.

    Args:
        s3_bucket: name of the bucket that results are written to.
        workflow: the workflow.
        role: ARN of the role that Step Functions acts as.
        client: as ``Workflow``'s; the workflow has it already.
        kwargs: taken and left alone, as the old SDK did.
    """

    def __init__(self, s3_bucket: str, workflow: Workflow, role: str, client: object = None, **kwargs: Any) -> None:  # noqa: ARG002 - the old SDK's signature
        self.workflow, self.role, self.s3_bucket = workflow, role, s3_bucket

    def render_graph(self, portrait: bool | None = False) -> Any:
        """A picture of the workflow; see ``Workflow.render_graph``."""
        return self.workflow.render_graph(portrait=portrait)

    def get_workflow(self) -> Workflow:
        """The workflow."""
        return self.workflow

    def build_workflow_definition(self) -> Chain:
        """The steps of the pipeline, with the settings in them."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its steps are")

    def create(self) -> str:
        """Create the workflow; see ``Workflow.create``."""
        return self.workflow.create()

    def execute(self, **kwargs: Any) -> Execution:
        """Start an execution of the pipeline."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it is executed")

    def _generate_timestamp(self) -> str:
        return datetime.now().astimezone().strftime("%Y-%m-%d-%H-%M-%S")

    def _extract_input_template(self, definition: Chain) -> dict[str, Any]:
        """Move every parameter of the steps to the execution's input; the parameters, by the step's name."""
        template: dict[str, Any] = {}
        for step in definition:
            if isinstance(step, Task):
                template[step.state_id] = _plain(step.parameters, f"{type(self).__name__}: {step.state_id!r}")
                step.update_parameters(replace_parameters_with_context_object(step))
        return template

    def _new_inputs(self, template: Mapping[str, Any]) -> dict[str, Any]:
        return copy.deepcopy(dict(template))

    @property
    def _models_uri(self) -> str:
        return f"s3://{self.s3_bucket}/{self.workflow.name}/models"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(s3_bucket={self.s3_bucket!r}, workflow={self.workflow!r}, role={self.role!r})"


def _plain(value: Json, place: str) -> Any:
    """A copy of plain JSON.

    Raises:
        ValueError: a placeholder stands in it.
    """
    if isinstance(value, Mapping):
        for key in value:
            if str(key).endswith(".$"):
                raise ValueError(_no_placeholder(f"{place}/{key}", value[key]))
        return {key: _plain(item, f"{place}/{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{place}/{index}") for index, item in enumerate(value)]
    if isinstance(value, Reference):
        raise ValueError(_no_placeholder(place, value))  # noqa: TRY004 - the value is at fault, whatever its type
    return value


def _no_placeholder(place: str, value: object) -> str:
    return (
        f"{place} holds the placeholder {value!r}, but a pipeline fills the input of its executions itself. Give a "
        "value, or chain the steps yourself: TrainingStep, ModelStep, EndpointConfigStep, EndpointStep."
    )


# ------------------------------------------------------------------------------------ what is read from built steps


def instances(step: TrainingStep) -> tuple[str, int]:
    """Type and number of the instances of a training.

    Raises:
        ValueError: its request does not name them.
    """
    resources = step.parameters.get("ResourceConfig") or {}
    kind, count = resources.get("InstanceType"), resources.get("InstanceCount")
    if not isinstance(kind, str) or not isinstance(count, int):
        raise ValueError(  # noqa: TRY004 - the request is at fault, whatever its types
            f"The request of {step.state_id!r} needs ResourceConfig.InstanceType and InstanceCount, which the model "
            f"is hosted on, too; it has {resources!r}"
        )
    return kind, count


def expected_model(step: TrainingStep) -> dict[str, Any]:
    """The request of CreateModel for what a training makes; where its data is, each execution says."""
    model = dict(step.get_expected_model())
    model["PrimaryContainer"] = {**model["PrimaryContainer"], "ModelDataUrl": ""}
    return model


# ----------------------------------------------------------------------------------- what each execution fills in


def put_job(request: dict[str, Any], job_name: str, models_uri: str) -> None:
    """Give a training its name, and the place for its model.

    Args:
        request: changed in place.
        job_name: the name.
        models_uri: S3 URI that the model is written below.
    """
    request["TrainingJobName"] = job_name
    request["OutputDataConfig"] = {**request.get("OutputDataConfig", {}), "S3OutputPath": models_uri}
    if _JOB_NAME in (request.get("HyperParameters") or {}):
        request["HyperParameters"][_JOB_NAME] = json.dumps(job_name)


def put_hyperparameters(request: dict[str, Any], given: Mapping[str, Any] | None) -> None:
    """Replace the hyperparameters of a training, but for those by which a script is found and run.

    Args:
        request: changed in place.
        given: the new ones; numbers and booleans become text as ``str`` writes them. None changes nothing.
    """
    if given is None:
        return
    old = request.get("HyperParameters") or {}
    kept = {key: value for key, value in old.items() if key.startswith(_OWN_HYPERPARAMETERS)}
    request["HyperParameters"] = {**kept, **{key: _text(value) for key, value in given.items()}}


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def model_data_uri(request: Mapping[str, Any]) -> str:
    """Where a training writes its model."""
    return f"{request['OutputDataConfig']['S3OutputPath']}/{request['TrainingJobName']}/output/model.tar.gz"


def put_names(inputs: dict[str, Any], name: str) -> None:
    """Give the endpoint, its configuration and its model their name.

    Args:
        inputs: the execution's input; changed in place.
        name: the name.
    """
    configuration, endpoint = inputs[StepId.ConfigureEndpoint.value], inputs[StepId.Deploy.value]
    configuration["EndpointConfigName"] = name
    for variant in configuration["ProductionVariants"]:
        variant["ModelName"] = name
    endpoint["EndpointConfigName"] = endpoint["EndpointName"] = name
