"""Which handler carries out a Task's Resource, and integrations that the user registered.

Owns the registry: kinds of resources to handlers. Adding one is a row in ``_MAKERS``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from mlflowsteps.asl.arns import Resource, parse_resource
from mlflowsteps.asl.payloads import dumps, loads
from mlflowsteps.catalog.integrations import find_integration, near_integration
from mlflowsteps.exceptions import StatesError
from mlflowsteps.local.records import Json, TaskHandler, TaskReport, TaskRequest
from mlflowsteps.local.tasks.aws_tasks import AwsSdkTask, OptimizedTask
from mlflowsteps.local.tasks.calls import Clients, Watch
from mlflowsteps.local.tasks.errors import Dialect, optimized_dialect, states_error
from mlflowsteps.local.tasks.execution_tasks import ExecutionTask
from mlflowsteps.local.tasks.lambda_tasks import FunctionTask, InvokeTask
from mlflowsteps.local.tasks.names import integration_name

__all__ = ["IntegrationFunction", "TaskHandlers"]

IntegrationFunction = Callable[[Json], Json]
"""Given the state's parameters; returns the task's output, JSON. What it raises fails the task."""


class TaskHandlers:
    """Finds the handler of a resource; safe to use from several threads.

    Args:
        clients: who plays what.
        watches: by boto3's name of a service, how to be told of the end of its jobs.
        others: handlers of further kinds of resources, such as ``activity``, and of integrations that call no service,
            such as ``http:invoke``.
    """

    def __init__(
        self, clients: Clients, watches: Mapping[str, Watch], *, others: Mapping[str, TaskHandler] | None = None
    ) -> None:
        self._clients = clients
        self._watches = watches
        self._others = dict(others or {})
        self._lock = threading.Lock()
        self._handlers: dict[str, TaskHandler] = {}
        self._registered: dict[str, IntegrationFunction] = {}

    def register(self, name: str, function: IntegrationFunction) -> None:
        """Have ``function`` answer an integration, such as ``sns:publish``, before anything else does."""
        if not callable(function):
            raise TypeError(f"The integration {name!r} is {function!r}, which cannot be called.")
        with self._lock:
            self._registered[integration_name(name)] = function
            self._handlers.clear()

    def handler_for(self, resource: str) -> TaskHandler:
        """The handler of a Task's Resource.

        Raises:
            StatesError: ``States.Runtime``: nothing can carry it out; the cause says what to add.
        """
        with self._lock:
            if resource in self._handlers:
                return self._handlers[resource]
        try:
            parsed = parse_resource(resource)
        except ValueError as error:
            raise StatesError("States.Runtime", str(error)) from error
        handler = self._make(parsed)
        with self._lock:
            return self._handlers.setdefault(resource, handler)

    def _make(self, resource: Resource) -> TaskHandler:
        prefix = "aws-sdk:" if resource.kind == "aws-sdk" else ""
        function = self._registered.get(f"{prefix}{resource.service}:{resource.action}")
        if function is not None and resource.kind in ("optimized", "aws-sdk"):
            return RegisteredTask(resource, function, self._clients)
        for name in (resource.kind, f"{prefix}{resource.service}:{resource.action}"):
            if name in self._others:
                return self._others[name]
        maker = _MAKERS.get(resource.kind)
        if maker is None:
            raise StatesError(
                "States.Runtime",
                f"The local runtime cannot carry out {resource.text}. It takes functions' ARNs, "
                "arn:aws:states:::<service>:<action> and arn:aws:states:::aws-sdk:<service>:<action>.",
            )
        return maker(resource, self._clients, self._watches)


class RegisteredTask:
    """An integration that the user answers.

    Args:
        resource: what the state names.
        function: the user's.
        clients: for faults made on purpose.
    """

    def __init__(self, resource: Resource, function: IntegrationFunction, clients: Clients) -> None:
        self._resource = resource
        self._function = function
        self._clients = clients

    def start(self, task: TaskRequest, report: TaskReport) -> None:
        """Call the user's function with the parameters."""
        if task.submitted is not None:
            return
        try:
            self._clients.check_fault(self._resource.service, self._resource.action)
            output = self._function(task.parameters)
        except Exception as error:
            raise _registered_error(error, self._resource) from error
        result = _json(output, self._resource)
        waits = self._resource.pattern == "waitForTaskToken"
        (report.submitted if waits else report.succeeded)(result)

    def cancel(self, task: TaskRequest) -> None:
        """Nothing: the function cannot be called back; its answer is dropped."""


def _registered_error(error: Exception, resource: Resource) -> StatesError:
    from mlflowsteps.exceptions import ServiceError

    if isinstance(error, StatesError):
        return error
    if isinstance(error, ServiceError) or isinstance(getattr(error, "response", None), dict):
        return states_error(error, _dialect(resource))
    return StatesError(type(error).__name__, str(error))


def _dialect(resource: Resource) -> Dialect:
    row = find_integration(resource.service, resource.action)
    return optimized_dialect(row.errors if row and row.errors else resource.service, resource.service)


def _json(output: Json, resource: Resource) -> Json:
    try:
        return loads(dumps({} if output is None else output))
    except (TypeError, ValueError) as error:
        text = f"What the integration {resource.service}:{resource.action} returned is no JSON: {error}"
        raise StatesError("States.Runtime", text) from error


def _optimized(resource: Resource, clients: Clients, watches: Mapping[str, Watch]) -> TaskHandler:
    row = find_integration(resource.service, resource.action)
    if row is None:
        near = near_integration(resource.service, resource.action)
        hint = f" Write arn:aws:states:::{near}." if near else ""
        raise StatesError("States.Runtime", f"{resource.text} is no integration of Step Functions.{hint}")
    if row.name == "lambda:invoke":
        return InvokeTask(resource, clients)
    if not row.client:
        raise StatesError(
            "States.Runtime",
            f"The local runtime does not play {row.name}. Add: "
            f'runtime.register_integration("{row.name}", lambda parameters: {{...}}).',
        )
    made = ExecutionTask if row.name == "states:startExecution" else OptimizedTask
    return made(resource, row, clients, watches)


_MAKERS: Mapping[str, Callable[[Resource, Clients, Mapping[str, Watch]], TaskHandler]] = {
    "lambda": lambda resource, clients, _: FunctionTask(resource, clients),
    "optimized": _optimized,
    "aws-sdk": lambda resource, clients, _: AwsSdkTask(resource, clients),
}
