"""Tasks that call a Lambda function: by its ARN, or by ``lambda:invoke``.

Owns what a state gives a function and makes of its answer; the function itself is called through the Lambda client.
"""

from __future__ import annotations

from typing import Any

from mlflowsteps.asl.arns import REQUEST_RESPONSE, Resource
from mlflowsteps.asl.payloads import dumps, loads
from mlflowsteps.exceptions import StatesError
from mlflowsteps.local.records import Json, TaskReport, TaskRequest
from mlflowsteps.local.tasks.calls import Clients, call
from mlflowsteps.local.tasks.errors import optimized_dialect
from mlflowsteps.local.tasks.shapes import http_metadata

__all__ = ["FunctionTask", "InvokeTask"]

_DIALECT = optimized_dialect("Lambda", "lambda")
_OPTIONS = ("FunctionName", "Qualifier", "InvocationType", "ClientContext", "LogType")


class FunctionTask:
    """A function's ARN as the Resource: the input is the event, what the function returns the result.

    Args:
        resource: what the state names.
        clients: who plays what.
    """

    def __init__(self, resource: Resource, clients: Clients) -> None:
        self._resource = resource
        self._clients = clients

    def start(self, task: TaskRequest, report: TaskReport) -> None:
        """Call the function and report what it returns."""
        arguments = {"FunctionName": self._resource.text, "Payload": dumps(task.parameters).encode()}
        report.succeeded(_payload(_invoke(self._clients, arguments, task)[1]))

    def cancel(self, task: TaskRequest) -> None:
        """Nothing: a function that was called cannot be called back; its answer is dropped."""


class InvokeTask:
    """``lambda:invoke``, request-response or waiting for a task token.

    Args:
        resource: what the state names.
        clients: who plays what.
    """

    def __init__(self, resource: Resource, clients: Clients) -> None:
        self._resource = resource
        self._clients = clients

    def start(self, task: TaskRequest, report: TaskReport) -> None:
        """Call the function and report its answer; with a task token, wait for that afterwards."""
        if task.submitted is not None:
            return
        given = task.parameters if isinstance(task.parameters, dict) else {}
        if not isinstance(given.get("FunctionName"), str):
            raise StatesError("States.Runtime", f"{self._resource.text} needs FunctionName, a name or an ARN.")
        arguments = {name: given[name] for name in _OPTIONS if given.get(name) is not None}
        if given.get("Payload") is not None:
            payload = given["Payload"]
            arguments["Payload"] = (payload if isinstance(payload, str) else dumps(payload)).encode()
        response, text = _invoke(self._clients, arguments, task)
        output = _output(response, text)
        (report.succeeded if self._resource.pattern == REQUEST_RESPONSE else report.submitted)(output)

    def cancel(self, task: TaskRequest) -> None:
        """Nothing: see FunctionTask."""


def _invoke(clients: Clients, arguments: dict[str, Json], task: TaskRequest) -> tuple[dict[str, Any], str]:
    response = call(clients, "lambda", "Invoke", arguments, _DIALECT, task)
    body = response.get("Payload", b"")
    data = body.read() if hasattr(body, "read") else body
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
    if response.get("FunctionError"):
        described = _payload(text)
        name = described.get("errorType") if isinstance(described, dict) else None
        raise StatesError(name or "Lambda.Unknown", text)
    return response, text


def _payload(text: str) -> Json:
    try:
        return loads(text)
    except ValueError:
        return text


def _output(response: dict[str, Any], text: str) -> dict[str, Json]:
    output: dict[str, Json] = {}
    if "ExecutedVersion" in response:
        output["ExecutedVersion"] = response["ExecutedVersion"]
    output["Payload"] = _payload(text)
    output |= http_metadata(response, connection="Connection")
    output["StatusCode"] = response.get("StatusCode", 200)
    return output
