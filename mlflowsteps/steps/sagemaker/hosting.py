"""Models, endpoint configurations and endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from mlflowsteps.exceptions import MissingRequiredParameter
from mlflowsteps.inputs.schema import Schema
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.keywords import TaskFields, Text, WholeNumber
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.sagemaker.base import SageMakerStep, Tags
from mlflowsteps.steps.sagemaker.objects import class_names
from mlflowsteps.steps.sagemaker.requests import copied, put, put_tags, request_of, stringified

__all__ = ["EndpointConfigStep", "EndpointStep", "ModelStep"]


class ModelStep(SageMakerStep):
    """Creates a SageMaker model.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        model: the request of CreateModel, in boto3's shape, what ``TrainingStep.get_expected_model`` gives, a Model or
            PipelineModel of SageMaker SDK 2, a ModelBuilder of SDK 3, or what their ``create`` and ``build`` return
            under a PipelineSession. It stays as it is.
        model_name: name of the model, new for each execution; the request's where left out.
        instance_type: by which an SDK chooses the model's image; a request names its image itself.
        tags: a dict, or a list of Key and Value.
        call: further keywords for the own method (``create``, ``build``) of an SDK's object.
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
        call: Mapping[str, Any] | None = None,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        calling = {
            **({"instance_type": instance_type} if _takes_instance(model, instance_type) else {}),
            **(call or {}),
        }
        request = request_of(model, "CreateModel", "model", call=calling)
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
        data_capture_config: DataCaptureConfig of the request, as a dict or as an object of either SDK.
        tags: a dict, or a list of Key and Value.
        request: a whole request in boto3's shape, or an EndpointConfig of SDK 3; its variants take the place of one
            made of model, count and type.
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
        model_name: Text | None = None,
        initial_instance_count: WholeNumber | None = None,
        instance_type: Text | None = None,
        variant_name: Text = "AllTraffic",
        data_capture_config: Any = None,
        tags: Tags = None,
        *,
        request: object = None,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        found = request_of({} if request is None else request, "CreateEndpointConfig", "request")
        variant: dict[str, Json] = {
            "InitialInstanceCount": initial_instance_count,
            "InstanceType": instance_type,
            "ModelName": model_name,
            "VariantName": variant_name,
        }
        if not {"ProductionVariants", "ProductionVariants.$"} & found.keys():
            missing = [name for name in ("ModelName", "InitialInstanceCount", "InstanceType") if variant[name] is None]
            if missing and not _overrides(fields):
                raise MissingRequiredParameter(
                    f"Step {state_id!r} needs model_name, initial_instance_count and instance_type, or a request with "
                    f"ProductionVariants; {', '.join(missing)} is missing."
                )
            found["ProductionVariants"] = [{name: value for name, value in variant.items() if value is not None}]
        put(found, "EndpointConfigName", endpoint_config_name)
        put(found, "DataCaptureConfig", _described(data_capture_config))
        put_tags(found, tags)
        self.endpoint_config_name, self.model_name = endpoint_config_name, model_name
        self._start(state_id, found, "EndpointConfigName", False, retry, catch, output_schema, fields)


class EndpointStep(SageMakerStep):
    """Creates a SageMaker endpoint, or updates one; goes on when SageMaker has accepted the request.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        endpoint_name: name of the endpoint.
        endpoint_config_name: name of its configuration.
        tags: a dict, or a list of Key and Value; not with ``update``.
        update: True: the endpoint exists and gets the configuration.
        request: a whole request in boto3's shape, such as one with a DeploymentConfig, or an Endpoint of SDK 3.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields of a Task, by keyword; ``parameters`` is put over the whole request, at every depth.

    Raises:
        ValueError: ``tags`` are given with ``update``: UpdateEndpoint takes none.
        TypeError: ``parameters`` has a member that the request does not know.
        MissingRequiredParameter: the endpoint has no name, or no configuration.
    """

    service, action = "sagemaker", "createEndpoint"
    name_argument = "endpoint_name"

    def __init__(
        self,
        state_id: str,
        endpoint_name: Text,
        endpoint_config_name: Text | None = None,
        tags: Tags = None,
        update: bool = False,
        *,
        request: object = None,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        if update and tags is not None:
            raise ValueError(f"Step {state_id!r}: UpdateEndpoint takes no tags; tag the endpoint when it is created")
        action = "updateEndpoint" if update else "createEndpoint"
        found = request_of({} if request is None else request, action[0].upper() + action[1:], "request")
        put(found, "EndpointConfigName", endpoint_config_name)
        put(found, "EndpointName", endpoint_name)
        put_tags(found, tags)
        if not {"EndpointConfigName", "EndpointConfigName.$"} & found.keys() and not _overrides(fields):
            raise MissingRequiredParameter(f"Step {state_id!r} needs endpoint_config_name, or a request that has it.")
        self.endpoint_name, self.endpoint_config_name = endpoint_name, endpoint_config_name
        self._start(state_id, found, "EndpointName", False, retry, catch, output_schema, fields, action)


def _overrides(fields: TaskFields) -> bool:
    """True where ``parameters`` may give what is missing."""
    return bool(fields.get("parameters") or fields.get("arguments"))


def _takes_instance(model: object, instance_type: str | None) -> bool:
    """True where the SDK is to choose an image by the type of the instance."""
    return instance_type is not None and any(module in _BY_INSTANCE for module, _ in class_names(model))


_BY_INSTANCE = ("sagemaker.model", "sagemaker.pipeline")


def _described(config: Json) -> Json:
    """A request member as a dict; the SDK's objects describe themselves."""
    found = copied(config)
    if found is None or isinstance(found, Mapping):
        return found
    return config._to_request_dict() if hasattr(config, "_to_request_dict") else config  # noqa: SLF001 - the SDK's own
