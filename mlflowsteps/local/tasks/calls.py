"""What handlers share: the clients they call and how a call is made, so that its errors become the language's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from mlflowsteps.exceptions import RuntimeClosed, ServiceError, StatesError
from mlflowsteps.local.records import Json
from mlflowsteps.local.tasks.errors import Dialect, states_error
from mlflowsteps.local.tasks.origin import ORIGIN

__all__ = ["Clients", "Played", "Watch", "call"]

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
    clients: Clients, service: str, operation: str, parameters: dict[str, Json], dialect: Dialect, task_id: str
) -> dict[str, Any]:
    """Call an operation of a service.

    Args:
        clients: who plays what.
        service: boto3's name.
        operation: the API's name of the operation.
        parameters: in the API's own spelling.
        dialect: how errors are worded.
        task_id: the task it is done for.

    Returns:
        The response, ResponseMetadata included.

    Raises:
        StatesError: nothing plays the service, or the call failed.
    """
    from botocore import xform_name

    played = clients.find(service)
    if played is None:
        raise StatesError("States.Runtime", _missing(service, operation))
    method = getattr(played.client, xform_name(operation), None)
    if method is None:
        raise StatesError("States.Runtime", f"The client of {service} has no method {xform_name(operation)!r}.")
    token = ORIGIN.set(task_id)
    try:
        if not played.own:
            clients.check_fault(service, operation)
        response: dict[str, Any] = method(**parameters)
    except RuntimeClosed:
        raise  # says nothing of the task, which goes on when the runtime is opened again
    except Exception as error:
        if isinstance(error, TypeError) and not isinstance(error, ServiceError):
            raise StatesError("States.Runtime", f"{service} {operation}: {error}") from error
        raise states_error(error, dialect, model_of(played.client)) from error
    finally:
        ORIGIN.reset(token)
    return response if isinstance(response, dict) else {}


def model_of(client: Any) -> Any:
    """Botocore's model of a client's service; None for a client that is not boto3's."""
    return getattr(getattr(client, "meta", None), "service_model", None)


def _missing(service: str, operation: str) -> str:
    action = operation[:1].lower() + operation[1:]
    return (
        f"The local runtime does not play {service}:{action}. Add one of: "
        f'runtime.register_integration("{service}:{action}", lambda parameters: {{...}}); '
        f'LocalRuntime(..., clients={{"{service}": boto3.client("{service}")}}); LocalRuntime(..., aws="moto").'
    )
