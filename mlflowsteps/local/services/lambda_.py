"""AWS Lambda on the registered functions: Invoke, GetFunction, ListFunctions."""

from __future__ import annotations

import base64
import json
import logging
import threading
import uuid
from typing import BinaryIO

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.functions import FunctionRegistry, FunctionResult, function_name
from mlflowsteps.local.records import Json
from mlflowsteps.local.services.protocols import HEADERS

__all__ = ["Lambda"]

_log = logging.getLogger(__name__)
_PAYLOAD_LIMIT = 6 * 1024 * 1024  # bytes, of a request or response, as in Lambda


class Lambda:
    """One method per operation played, named as boto3's.

    Args:
        functions: the functions.
    """

    def __init__(self, functions: FunctionRegistry) -> None:
        self._functions = functions

    def invoke(self, params: dict[str, Json]) -> dict[str, Json]:
        """Call a function: at once, or (InvocationType Event) on a thread of its own."""
        name, payload = params["FunctionName"], _read(params.get("Payload", b""))
        if params.get("Qualifier"):
            name = f"{name}:{params['Qualifier']}"
        kind = params.get("InvocationType", "RequestResponse")
        self._functions.get(name)
        if kind == "DryRun":
            return {"StatusCode": 204}
        if kind == "Event":
            thread = threading.Thread(target=self._invoke_unheard, args=(name, payload), daemon=True)
            thread.start()
            return {"StatusCode": 202}
        return _answer(self._functions.invoke(name, payload, client_context=_context(params)))

    def _invoke_unheard(self, name: str, payload: bytes) -> None:
        try:
            result = self._functions.invoke(name, payload)
        except ServiceError as error:
            _log.warning("The event for function %s was dropped: %s", name, error)
            return
        if result.error:
            _log.warning(
                "Function %s, invoked as an event, failed: %s", name, result.payload.decode("utf-8", "replace")
            )

    def get_function(self, params: dict[str, Json]) -> dict[str, Json]:
        """What is known of a function."""
        self._functions.get(params["FunctionName"])
        return {"Configuration": self._configuration(function_name(params["FunctionName"]))}

    def list_functions(self, params: dict[str, Json]) -> dict[str, Json]:
        """Every function, on one page."""
        del params
        return {"Functions": [self._configuration(name) for name in self._functions.names()]}

    def _configuration(self, name: str) -> dict[str, Json]:
        return {
            "FunctionName": name,
            "FunctionArn": self._functions.arn(name),
            "Version": "$LATEST",
            "MemorySize": 128,
            "Timeout": 900,
            "State": "Active",
            "PackageType": "Zip",
        }


def _read(payload: bytes | BinaryIO) -> bytes:
    data = payload if isinstance(payload, bytes) else payload.read()
    if len(data) > _PAYLOAD_LIMIT:
        raise ServiceError(
            "RequestTooLargeException",
            f"The payload has {len(data)} bytes; an invocation takes at most {_PAYLOAD_LIMIT}.",
            413,
        )
    return data


def _context(params: dict[str, Json]) -> Json:
    if "ClientContext" not in params:
        return None
    try:
        return json.loads(base64.b64decode(params["ClientContext"]))
    except ValueError as error:
        raise ServiceError("InvalidRequestContentException", f"ClientContext is no JSON in base64: {error}.") from error


def _answer(result: FunctionResult) -> dict[str, Json]:
    answer = {
        "StatusCode": 200,
        "ExecutedVersion": result.version,
        "Payload": result.payload,
        HEADERS: {
            "Content-Type": "application/json",
            "x-amzn-Remapped-Content-Length": "0",
            "X-Amzn-Trace-Id": f"root=1-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:24]};sampled=0",
        },
    }
    if result.error:
        answer["FunctionError"] = "Unhandled"
    return answer
