"""A step for every action of every AWS service, its parameters checked before anything is called.

It owns the step and where botocore's models come from; naming is ``catalog.aws_sdk``, judging ``catalog.requests``.
Models are part of the installed botocore and are read when the first step of a service is built: no network.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, ClassVar, Unpack

from mlflowsteps.asl.fields import Field as FieldRow
from mlflowsteps.asl.rules.view import pointer
from mlflowsteps.catalog.aws_sdk import find_operation, find_service, near_service, resource_action, resource_service
from mlflowsteps.catalog.requests import judge_request
from mlflowsteps.exceptions import DefinitionError, Diagnostic
from mlflowsteps.inputs.schema import Schema
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.inputs.templates import expression_text
from mlflowsteps.steps.compile import Nest
from mlflowsteps.steps.integration_resources import IntegrationPattern, get_service_integration_arn
from mlflowsteps.steps.keywords import TaskFields
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.states import Task

__all__ = ["AwsSdkStep"]


class AwsSdkStep(Task):
    """Calls any action of any AWS service: ``AwsSdkStep("List", service="s3", action="listBuckets")``.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        service: the service, by boto3's name or as Step Functions writes it: ``logs`` or ``cloudwatchlogs``.
        action: the action: ``listBuckets``, ``ListBuckets`` or ``list_buckets``.
        wait_for_callback: True: wait for the task token, which ``context.task.token`` puts into the parameters.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields, by keyword; ``parameters`` is the request, its members in Pascal case whatever the API's
            writing is (``StateMachineArn``). It is checked when the step is built, and again when it is compiled.

    Raises:
        DefinitionError: there is no such service or action, or ``parameters`` does not fit it; all faults are named.
    """

    fixed: ClassVar[frozenset[str]] = frozenset({"resource"})
    known: ClassVar[dict[str, FieldRow]] = Task.known

    def __init__(
        self,
        state_id: str,
        service: str,
        action: str,
        wait_for_callback: bool = False,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        self.service, self.operation = _resolved(state_id, service, action)
        pattern = IntegrationPattern.WaitForTaskToken if wait_for_callback else IntegrationPattern.CallAndContinue
        name = resource_service(_model(self.service)["metadata"]["serviceId"])
        fields["resource"] = get_service_integration_arn(f"aws-sdk:{name}", resource_action(self.operation), pattern)
        super().__init__(state_id, retry, catch, output_schema=output_schema, **fields)
        self._check()

    def update_parameters(self, params: Json) -> None:
        """Put another request in place of the step's; it is checked.

        Args:
            params: the request.

        Raises:
            DefinitionError: it does not fit the action.
        """
        super().update_parameters(params)
        self._check()

    def render_state(self, language: str, nest: Nest) -> dict[str, Json]:
        """The state as it stands in a machine; the request is checked, as it may have been changed in place."""
        self._check()
        return super().render_state(language, nest)

    def _check(self) -> None:
        keyword = "arguments" if self.fields.get("arguments") is not None else "parameters"
        model, request = _model(self.service), self.fields.get(keyword)
        if _given_at_run_time(request) or (request is None and self.fields.get("input_path") is not None):
            return
        found = [
            Diagnostic(
                "SCHEMA_VALIDATION_FAILED",
                pointer("/States", self.state_id, keyword.title(), *fault.keys),
                f"{fault.message} in {self.service}'s {self.operation}",
                fault.hint,
            )
            for fault in judge_request(model, self.operation, request, _given_at_run_time)
        ]
        if found:
            raise DefinitionError(found)


def _given_at_run_time(value: Json) -> bool:
    """True for placeholders, texts that hold one, and JSONata."""
    return expression_text(value) is not None or (isinstance(value, str) and value.startswith("{%"))


def _resolved(state_id: str, service: str, action: str) -> tuple[str, str]:
    """boto3's name of the service, and the API's of the operation.

    Raises:
        DefinitionError: there is no such service or action.
    """
    found = find_service(service, _services())
    if found is None:
        near = near_service(service, _services())
        hint = f"Did you mean {near!r}?" if near else "Write boto3's name of it, such as 's3'"
        raise _no_such(state_id, f"There is no service {service!r} in the installed botocore.", hint)
    operation, meant = find_operation(action, _model(found)["operations"])
    if operation is None:
        hint = f"Did you mean {meant!r}?" if meant else "Write it as the API does, with a small first letter"
        raise _no_such(state_id, f"Service {found!r} has no action {action!r}.", hint)
    return found, operation


def _no_such(state_id: str, message: str, hint: str) -> DefinitionError:
    return DefinitionError([Diagnostic("INVALID_RESOURCE", pointer("/States", state_id, "Resource"), message, hint)])


@cache
def _loader() -> Any:
    from botocore.loaders import create_loader

    return create_loader()


@cache
def _services() -> Collection[str]:
    found: list[str] = _loader().list_available_services("service-2")
    return frozenset(found)


@cache
def _model(service: str) -> Mapping[str, Any]:
    model: Mapping[str, Any] = _loader().load_service_model(service, "service-2")
    return model
