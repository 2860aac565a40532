"""Models, endpoint configurations and endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from mlflowsteps.inputs.schema import Schema
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.keywords import TaskFields, Text, WholeNumber
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.sagemaker.base import SageMakerStep, Tags
from mlflowsteps.steps.sagemaker.requests import put, put_tags, request_of, stringified

__all__ = ["EndpointConfigStep", "EndpointStep", "ModelStep"]


class ModelStep(SageMakerStep):
    """Creates a SageMaker model.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        model: the request of CreateModel, in boto3's shape, or what ``TrainingStep.get_expected_model`` gives; it is
            copied.
        model_name: name of the model, new for each execution; the request's where left out.
        instance_type: accepted as the old SDK's; a request names its image itself.
        tags: a dict, or a list of Key and Value.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields of a Task, by keyword; ``parameters`` is put over the whole request, at every depth.

    Raises:
        TypeError: ``model`` is no request; a member of it is unknown.
        MissingRequiredParameter: the model has no name.
    """

    service, action = "sagemaker", "createModel"
    name_argument = "model_name"

    def __init__(
        self,
        state_id: str,
        model: object,
        model_name: Text | None = None,
        instance_type: str | None = None,
        tags: Tags = None,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        request = request_of(model, "CreateModel", "model")
        put(request, "ModelName", model_name)
        containers = [request.get("PrimaryContainer"), *(request.get("Containers") or [])]
        for container in containers:
            if isinstance(container, dict) and "Environment" in container:
                container["Environment"] = stringified(container["Environment"])
        put_tags(request, tags)
        self.model, self.model_name, self.instance_type = model, model_name, instance_type
        self._start(state_id, request, "ModelName", False, retry, catch, output_schema, fields)


class EndpointConfigStep(SageMakerStep):
    """Creates a SageMaker endpoint configuration with one production variant.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        endpoint_config_name: name of the configuration, new for each execution.
        model_name: name of the model.
        initial_instance_count: number of instances, at least 1.
        instance_type: their type, such as ``ml.m5.large``.
        variant_name: name of the variant.
        data_capture_config: DataCaptureConfig of the request.
        tags: a dict, or a list of Key and Value.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields of a Task, by keyword; ``parameters`` is put over the whole request, at every depth.

    Raises:
        TypeError: ``parameters`` has a member that the request does not know.
        MissingRequiredParameter: the configuration has no name.
    """

    service, action = "sagemaker", "createEndpointConfig"
    name_argument = "endpoint_config_name"

    def __init__(
        self,
        state_id: str,
        endpoint_config_name: Text,
        model_name: Text,
        initial_instance_count: WholeNumber,
        instance_type: Text,
        variant_name: Text = "AllTraffic",
        data_capture_config: Any = None,
        tags: Tags = None,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        variant: dict[str, Json] = {
            "InitialInstanceCount": initial_instance_count,
            "InstanceType": instance_type,
            "ModelName": model_name,
            "VariantName": variant_name,
        }
        request: dict[str, Json] = {"ProductionVariants": [variant]}
        put(request, "EndpointConfigName", endpoint_config_name)
        put(request, "DataCaptureConfig", _described(data_capture_config))
        put_tags(request, tags)
        self.endpoint_config_name, self.model_name = endpoint_config_name, model_name
        self._start(state_id, request, "EndpointConfigName", False, retry, catch, output_schema, fields)


class EndpointStep(SageMakerStep):
    """Creates a SageMaker endpoint, or updates one; goes on when SageMaker has accepted the request.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        endpoint_name: name of the endpoint.
        endpoint_config_name: name of its configuration.
        tags: a dict, or a list of Key and Value; not with ``update``.
        update: True: the endpoint exists and gets the configuration.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields of a Task, by keyword; ``parameters`` is put over the whole request, at every depth.

    Raises:
        ValueError: ``tags`` are given with ``update``: UpdateEndpoint takes none.
        TypeError: ``parameters`` has a member that the request does not know.
        MissingRequiredParameter: the endpoint has no name.
    """

    service, action = "sagemaker", "createEndpoint"
    name_argument = "endpoint_name"

    def __init__(
        self,
        state_id: str,
        endpoint_name: Text,
        endpoint_config_name: Text,
        tags: Tags = None,
        update: bool = False,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        if update and tags is not None:
            raise ValueError(f"Step {state_id!r}: UpdateEndpoint takes no tags; tag the endpoint when it is created")
        request: dict[str, Json] = {}
        put(request, "EndpointConfigName", endpoint_config_name)
        put(request, "EndpointName", endpoint_name)
        put_tags(request, tags)
        action = "updateEndpoint" if update else "createEndpoint"
        self.endpoint_name, self.endpoint_config_name = endpoint_name, endpoint_config_name
        self._start(state_id, request, "EndpointName", False, retry, catch, output_schema, fields, action)


def _described(config: Json) -> Json:
    """A request member as a dict; the SDK's objects describe themselves."""
    if config is None or isinstance(config, Mapping):
        return config
    return config._to_request_dict() if hasattr(config, "_to_request_dict") else config  # noqa: SLF001 - the SDK's own
