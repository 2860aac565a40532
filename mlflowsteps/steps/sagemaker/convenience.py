"""What workflows with SageMaker need besides its jobs: endpoints that are ready, the model registry, pipelines.

Each is one state to the workflow; those that wait hold their loop in a Parallel state (``polling``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Unpack

from mlflowsteps.inputs.placeholders import StepInput
from mlflowsteps.inputs.schema import Schema
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.integration_resources import get_service_integration_arn
from mlflowsteps.steps.keywords import ParallelFields, TaskFields, Text
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.sagemaker.base import SageMakerStep, Tags
from mlflowsteps.steps.sagemaker.polling import (
    POLL_SECONDS,
    Poll,
    PollingStep,
    aws_sdk_resource,
    inner_name,
    kept,
    loop,
    patience,
)
from mlflowsteps.steps.sagemaker.requests import put, put_tags, request_of, stringified
from mlflowsteps.steps.sagemaker.staging import Request
from mlflowsteps.steps.states import Task

__all__ = [
    "ApproveModelPackageStep",
    "DeleteEndpointStep",
    "DeployEndpointStep",
    "ModelPackageGroupStep",
    "ModelPackageStep",
    "PipelineExecutionStep",
    "WaitForEndpointStep",
]

_FAILED = ("Failed", "OutOfService", "UpdateRollbackFailed")
_ENDPOINT = Poll("describeEndpoint", "EndpointName", "EndpointStatus", ("InService",), _FAILED)
_PIPELINE = Poll(
    "describePipelineExecution",
    "PipelineExecutionArn",
    "PipelineExecutionStatus",
    ("Succeeded",),
    ("Failed", "Stopped"),
)


class _AwsSdkCall(SageMakerStep):
    """Calls one action of SageMaker as any API of AWS is called."""

    integration = "aws-sdk"
    name_key: ClassVar[str]

    def _call(
        self,
        state_id: str,
        request: dict[str, Json],
        retry: Retry | list[Retry] | None,
        catch: Catch | list[Catch] | None,
        output_schema: Schema,
        fields: TaskFields,
    ) -> None:
        self._start(state_id, request, self.name_key, False, retry, catch, output_schema, fields)


class DeleteEndpointStep(_AwsSdkCall):
    """Deletes a SageMaker endpoint; its configuration and model stay.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        endpoint_name: name of the endpoint.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields of a Task, by keyword.
    """

    service, action, name_key = "sagemaker", "deleteEndpoint", "EndpointName"
    name_argument = "endpoint_name"

    def __init__(
        self,
        state_id: str,
        endpoint_name: Text,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        self._call(state_id, {"EndpointName": endpoint_name}, retry, catch, output_schema, fields)


class ModelPackageGroupStep(_AwsSdkCall):
    """Makes a group of the model registry, which versions of a model are put into.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        group_name: name of the group.
        description: what it is for.
        tags: a dict, or a list of Key and Value.
        retry: a retrier, or several.
        catch: a catcher, or several; one that exists is SageMaker.SageMakerException.
        output_schema: schema of what ``output()`` gives.
        fields: the fields of a Task, by keyword.
    """

    service, action, name_key = "sagemaker", "createModelPackageGroup", "ModelPackageGroupName"
    name_argument = "group_name"

    def __init__(
        self,
        state_id: str,
        group_name: Text,
        description: Text | None = None,
        tags: Tags = None,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        request: dict[str, Json] = {"ModelPackageGroupName": group_name}
        put(request, "ModelPackageGroupDescription", description)
        put_tags(request, tags)
        self._call(state_id, request, retry, catch, output_schema, fields)


class ModelPackageStep(_AwsSdkCall):
    """Registers a version of a model.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        group_name: the group it is put into; None: a whole request's own.
        model: a request of CreateModel, what ``TrainingStep.get_expected_model`` gives, or an object of SageMaker's
            SDKs; its containers become the package's. Or a whole request of CreateModelPackage, or what ``register``
            returns under a PipelineSession.
        content_types: MIME types that the model takes; those of a whole request where left out.
        response_types: MIME types that it gives; those of a whole request where left out.
        approval_status: Approved, Rejected or PendingManualApproval; the request's, else PendingManualApproval.
        model_metrics: ModelMetrics of the request.
        description: what is new in it.
        call: further keywords for the own method (``create``, ``build``) of an SDK's object.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives; ``output()["ModelPackageArn"]`` names the version.
        fields: the fields of a Task, by keyword; ``parameters`` is put over the whole request, at every depth.
    """

    service, action, name_key = "sagemaker", "createModelPackage", "ModelPackageGroupName"
    name_argument = "group_name"

    def __init__(
        self,
        state_id: str,
        group_name: Text | None,
        model: object,
        content_types: list[str] | None = None,
        response_types: list[str] | None = None,
        approval_status: Text | None = None,
        model_metrics: Json = None,
        description: Text | None = None,
        *,
        call: Mapping[str, Any] | None = None,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        request = _package_of(model, call)
        put(request, "ModelPackageGroupName", group_name)
        put(request, "InferenceSpecification.SupportedContentTypes", content_types)
        put(request, "InferenceSpecification.SupportedResponseMIMETypes", response_types)
        put(request, "ModelApprovalStatus", approval_status)
        if "ModelApprovalStatus.$" not in request:
            request.setdefault("ModelApprovalStatus", "PendingManualApproval")
        put(request, "ModelMetrics", model_metrics)
        put(request, "ModelPackageDescription", description)
        self._call(state_id, request, retry, catch, output_schema, fields)


def _package_of(model: object, call: Mapping[str, Any] | None) -> Request:
    """The request of CreateModelPackage that a model stands for: its own, or one with its containers.

    Args:
        model: as ``ModelPackageStep``'s.
        call: keywords for the object's own method.

    Raises:
        TypeError: there is no container in it.
    """
    registered = getattr(model, "create_model_package_request", None) is not None
    if registered or (isinstance(model, Mapping) and "InferenceSpecification" in model):
        return request_of(model, "CreateModelPackage", "model", call=call)
    found = request_of(model, "CreateModel", "model", call=call)
    containers = found.get("Containers") or [found.get("PrimaryContainer")]
    if not all(containers):
        raise TypeError(
            f"model: a package is made of PrimaryContainer or Containers of CreateModel, or of InferenceSpecification "
            f"of CreateModelPackage; the request has {', '.join(found) or 'nothing'}"
        )
    members = [{key: item for key, item in each.items() if key.removesuffix(".$") in _PACKAGED} for each in containers]
    if not all(member.keys() & {"Image", "Image.$"} for member in members):
        raise TypeError(
            "model: a package is made of containers with an Image of their own, and one of this model has none; give a "
            "request of CreateModelPackage"
        )
    return Request({"InferenceSpecification": {"Containers": members}}, found.uploads)


_PACKAGED = ("Image", "ModelDataUrl", "ModelDataSource", "Environment", "ContainerHostname", "Framework")
"""Members of a model's container that a package's has, too."""


class ApproveModelPackageStep(_AwsSdkCall):
    """Approves a version of a model, or rejects it.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        model_package_arn: the version: ``registered.output()["ModelPackageArn"]``.
        approval_status: Approved, Rejected or PendingManualApproval.
        approval_description: why.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields of a Task, by keyword.
    """

    service, action, name_key = "sagemaker", "updateModelPackage", "ModelPackageArn"
    name_argument = "model_package_arn"

    def __init__(
        self,
        state_id: str,
        model_package_arn: Text,
        approval_status: Text = "Approved",
        approval_description: Text | None = None,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        request: dict[str, Json] = {"ModelPackageArn": model_package_arn, "ModelApprovalStatus": approval_status}
        put(request, "ApprovalDescription", approval_description)
        self._call(state_id, request, retry, catch, output_schema, fields)


class WaitForEndpointStep(PollingStep):
    """Waits until an endpoint is in service; fails with its description where it fails.

    Args:
        state_id: name of the state, unique in the whole workflow.
        endpoint_name: name of the endpoint.
        poll_seconds: seconds between two questions.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives: the description of the endpoint.
        fields: the fields of a Parallel state, by keyword; ``result_path="$.endpoint"`` keeps the input.
    """

    def __init__(
        self,
        state_id: str,
        endpoint_name: Text,
        poll_seconds: int = POLL_SECONDS,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[ParallelFields],
    ) -> None:
        keep, name = kept(state_id, endpoint_name)
        branch = loop(state_id, name, replace(_ENDPOINT, seconds=poll_seconds), [keep])
        super().__init__(state_id, branch, retry, catch, output_schema=output_schema, **fields)


class DeployEndpointStep(PollingStep):
    """Creates an endpoint, or gives the one of this name another configuration, and waits until it is in service.

    An update that SageMaker rolls back is a failure: the endpoint is in service, but with the configuration it had.

    Args:
        state_id: name of the state, unique in the whole workflow.
        endpoint_name: name of the endpoint.
        endpoint_config_name: name of its configuration; a new one where the endpoint is there, as SageMaker wants it.
        poll_seconds: seconds between two questions.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives: the description of the endpoint.
        fields: the fields of a Parallel state, by keyword; ``result_path="$.endpoint"`` keeps the input.
    """

    def __init__(
        self,
        state_id: str,
        endpoint_name: Text,
        endpoint_config_name: Text,
        poll_seconds: int = POLL_SECONDS,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[ParallelFields],
    ) -> None:
        keep, name = kept(state_id, endpoint_name)
        keep_config, config = kept(inner_name(state_id, "configuration"), endpoint_config_name)
        request: dict[str, Json] = {"EndpointName": name, "EndpointConfigName": config}
        look = Task(
            inner_name(state_id, "look"),
            retry=patience(2),
            resource=aws_sdk_resource("describeEndpoint"),
            parameters={"EndpointName": name},
        )
        update, create = (
            Task(
                inner_name(state_id, verb),
                resource=get_service_integration_arn("sagemaker", f"{verb}Endpoint"),
                parameters=request,
            )
            for verb in ("update", "create")
        )
        poll = replace(_ENDPOINT, seconds=poll_seconds)
        # An update that fails is rolled back: the endpoint is in service, but with the configuration it had.
        expected = {"EndpointConfigName": config}
        branch = loop(state_id, name, poll, [keep, keep_config, look, update], expected=expected)
        # What cannot be described is not there; whatever else was wrong is told by the call that follows.
        look.add_catch(Catch(create, error_equals=["States.ALL"]))
        create.next(branch.steps[4])
        super().__init__(state_id, branch, retry, catch, output_schema=output_schema, **fields)


class PipelineExecutionStep(PollingStep):
    """Runs a SageMaker pipeline and waits for its end.

    Args:
        state_id: name of the state, unique in the whole workflow.
        pipeline_name: name of the pipeline.
        pipeline_parameters: its parameters: a dict, or a list of Name and Value.
        poll_seconds: seconds between two questions.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives: the description of the execution.
        fields: the fields of a Parallel state, by keyword; ``result_path="$.pipeline"`` keeps the input.
    """

    def __init__(
        self,
        state_id: str,
        pipeline_name: Text,
        pipeline_parameters: Mapping[str, Any] | list[dict[str, Any]] | None = None,
        poll_seconds: int = POLL_SECONDS,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[ParallelFields],
    ) -> None:
        request: dict[str, Json] = {"PipelineName": pipeline_name}
        if isinstance(pipeline_parameters, Mapping):
            texts = stringified(pipeline_parameters)
            request["PipelineParameters"] = [{"Name": name, "Value": value} for name, value in texts.items()]
        else:
            put(request, "PipelineParameters", pipeline_parameters)
        resource = aws_sdk_resource("startPipelineExecution")
        start = Task(inner_name(state_id, "start"), resource=resource, parameters=request)
        keep, arn = kept(state_id, StepInput()["PipelineExecutionArn"])
        branch = loop(state_id, arn, replace(_PIPELINE, seconds=poll_seconds), [start, keep])
        super().__init__(state_id, branch, retry, catch, output_schema=output_schema, **fields)
