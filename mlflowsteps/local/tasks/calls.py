"""What handlers share: the clients they call and how a call is made, so that its errors become the language's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from mlflowsteps.exceptions import RuntimeClosed, ServiceError, StatesError
from mlflowsteps.local.records import Json, TaskRequest
from mlflowsteps.local.tasks.errors import Dialect, states_error
from mlflowsteps.local.tasks.names import integration_name
from mlflowsteps.local.tasks.origin import ORIGIN

__all__ = ["NOT_PLAYED", "Clients", "Played", "Watch", "call", "model_of"]

NOT_PLAYED = "UnsupportedOperation"
"""Error code of the runtime's own services for an operation that they do not play."""

Watch = Callable[[str, Callable[[Json], None]], None]
"""Have a callback called once, with a description, when what this name or ARN stands for has ended."""


@dataclass(frozen=True, slots=True)
class Played:
    """A client to call.

    Args:
        client: boto3's, or one with its methods.
        own: it is answered by the runtime itself, which sees to ``fail_next``.
    """

    client: Any
    own: bool


class Clients(Protocol):
    """Finds who plays a service."""

    def find(self, service: str) -> Played | None:
        """The client for boto3's name of a service; None where nothing plays it."""

    def check_fault(self, service: str, operation: str) -> None:
        """Raise the ServiceError that ``fail_next`` asked for."""


def call(
    clients: Clients, service: str, operation: str, parameters: dict[str, Json], dialect: Dialect, task: TaskRequest
) -> dict[str, Any]:
    """Call an operation of a service.

    Args:
        clients: who plays what.
        service: boto3's name.
        operation: the API's name of the operation.
        parameters: in the API's own spelling.
        dialect: how errors are worded.
        task: the task it is done for.

    Returns:
        The response, ResponseMetadata included.

    Raises:
        StatesError: nothing plays the service, or the call failed.
    """
    from botocore import xform_name

    played = clients.find(service)
    if played is None:
        raise StatesError("States.Runtime", _missing(task, service))
    method = getattr(played.client, xform_name(operation), None)
    if method is None:
        raise StatesError("States.Runtime", f"The client of {service} has no method {xform_name(operation)!r}.")
    token = ORIGIN.set(task.task_id)
    try:
        if not played.own:
            clients.check_fault(service, operation)
        response: dict[str, Any] = method(**parameters)
    except RuntimeClosed:
        raise  # says nothing of the task, which goes on when the runtime is opened again
    except Exception as error:
        if isinstance(error, TypeError) and not isinstance(error, ServiceError):
            raise StatesError("States.Runtime", f"{service} {operation}: {error}") from error
        if played.own and _code(error) == NOT_PLAYED:
            raise StatesError("States.Runtime", _missing(task, service, own=True)) from error
        raise states_error(error, dialect, model_of(played.client)) from error
    finally:
        ORIGIN.reset(token)
    return response if isinstance(response, dict) else {}


def model_of(client: Any) -> Any:
    """Botocore's model of a client's service; None for a client that is not boto3's."""
    return getattr(getattr(client, "meta", None), "service_model", None)


def _code(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _missing(task: TaskRequest, service: str, *, own: bool = False) -> str:
    """What to say where nothing plays an action, with the lines that mend it."""
    name = integration_name(task.resource)
    register = f'runtime.register_integration("{name}", lambda parameters: {{...}})'
    if own:
        return f"The local runtime does not play {name}. Add: {register}."
    return (
        f"The local runtime does not play {name}. Add one of: {register}; "
        f'LocalRuntime(..., clients={{"{service}": boto3.client("{service}")}}); LocalRuntime(..., aws="moto").'
    )
