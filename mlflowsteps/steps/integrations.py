"""What the steps of services share: the Resource made of service, action and the way the step waits.

Each step names its service and action as class attributes; the four bases differ in how the user says how to wait. It
owns no parameters: those are the service's, given by ``parameters=`` and checked by the service.
"""

from __future__ import annotations

from typing import ClassVar, Unpack

from mlflowsteps.catalog.integrations import find_integration
from mlflowsteps.inputs.schema import Schema
from mlflowsteps.steps.integration_resources import (
    IntegrationPattern,
    get_service_integration_arn,
    is_integration_pattern_valid,
)
from mlflowsteps.steps.keywords import TaskFields
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.states import Task

__all__ = ["CallStep", "CallbackStep", "JobStep", "OptimizedStep", "PatternStep", "ServiceStep"]

_CALL, _SYNC, _TOKEN = (
    IntegrationPattern.CallAndContinue,
    IntegrationPattern.WaitForCompletion,
    IntegrationPattern.WaitForTaskToken,
)


class ServiceStep(Task):
    """A Task state that calls one action of one service."""

    service: ClassVar[str]
    """The service as Resource ARNs name it."""
    action: ClassVar[str]
    """The action as Resource ARNs name it."""
    sync_version: ClassVar[int | None] = None
    """Version of the ``.sync`` integration; None for the first."""
    fixed = frozenset({"resource"})

    @classmethod
    def resource_of(cls, pattern: IntegrationPattern, action: str | None = None) -> str:
        """The Resource for one way to wait.

        Args:
            pattern: the way.
            action: the action, where it is not the class's.
        """
        version = cls.sync_version if pattern is _SYNC else None
        return get_service_integration_arn(cls.service, action or cls.action, pattern, version)


class CallStep(ServiceStep):
    """A step that goes on when the service has answered the call.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields, by keyword; ``parameters`` is the service's request. See ``keywords.TaskFields``.
    """

    def __init__(
        self,
        state_id: str,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        *,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        fields["resource"] = self.resource_of(_CALL)
        super().__init__(state_id, retry, catch, output_schema=output_schema, **fields)


class CallbackStep(ServiceStep):
    """A step that can wait until somebody sends its task token back.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        wait_for_callback: True: wait for the token, which ``context.task.token`` puts into the parameters.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields, by keyword; ``parameters`` is the service's request. See ``keywords.TaskFields``.
    """

    def __init__(
        self,
        state_id: str,
        wait_for_callback: bool = False,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        fields["resource"] = self.resource_of(_TOKEN if wait_for_callback else _CALL)
        super().__init__(state_id, retry, catch, output_schema=output_schema, **fields)


class JobStep(ServiceStep):
    """A step that starts a job and can wait until it has ended.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        wait_for_completion: False: go on when the job is started.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields, by keyword; ``parameters`` is the service's request. See ``keywords.TaskFields``.
    """

    def __init__(
        self,
        state_id: str,
        wait_for_completion: bool = True,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        fields["resource"] = self.resource_of(_SYNC if wait_for_completion else _CALL)
        super().__init__(state_id, retry, catch, output_schema=output_schema, **fields)


class PatternStep(ServiceStep):
    """A step that takes the integration pattern itself.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        integration_pattern: how to wait; the class's default where left out.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields, by keyword; ``parameters`` is the service's request. See ``keywords.TaskFields``.

    Raises:
        TypeError: ``integration_pattern`` is no IntegrationPattern.
        ValueError: the service does not support it.
    """

    patterns: ClassVar[tuple[IntegrationPattern, ...]] = (_SYNC, _CALL)
    """What the service supports; the first one is the default."""

    def __init__(
        self,
        state_id: str,
        integration_pattern: IntegrationPattern | None = None,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        pattern = self.patterns[0] if integration_pattern is None else integration_pattern
        is_integration_pattern_valid(pattern, self.patterns)
        fields["resource"] = self.resource_of(pattern)
        super().__init__(state_id, retry, catch, output_schema=output_schema, **fields)


class OptimizedStep(ServiceStep):
    """A step that takes every integration pattern of its row in the catalog.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        integration_pattern: how to wait; where left out, until the job has ended if the service supports that, else
            until it has answered the call.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields, by keyword; ``parameters`` is the service's request. See ``keywords.TaskFields``.

    Raises:
        TypeError: ``integration_pattern`` is no IntegrationPattern.
        ValueError: the service does not support it.
    """

    def __init__(
        self,
        state_id: str,
        integration_pattern: IntegrationPattern | None = None,
        *,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        patterns = self.supported_patterns()
        pattern = patterns[0] if integration_pattern is None else integration_pattern
        is_integration_pattern_valid(pattern, patterns)
        fields["resource"] = self.resource_of(pattern)
        super().__init__(state_id, retry, catch, output_schema=output_schema, **fields)

    @classmethod
    def supported_patterns(cls) -> tuple[IntegrationPattern, ...]:
        """What the service supports, the default first."""
        row = find_integration(cls.service, cls.action)
        if row is None:
            raise LookupError(f"{cls.service}:{cls.action} is no row of the catalog")
        return tuple(pattern for pattern, name in _ROWS.items() if name in row.patterns)


_ROWS = {_SYNC: "sync", _CALL: "request_response", _TOKEN: "waitForTaskToken"}
