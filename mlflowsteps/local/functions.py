"""Lambda functions as Python callables of the user's own process, run on the thread that invokes them.

Owns the registry of functions, what a function is given (event, context) and what becomes of its result or its
exception. It imports no function by name and runs nothing that was not registered.
"""

from __future__ import annotations

import inspect
import json
import re
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.records import Json

__all__ = ["Function", "FunctionContext", "FunctionRegistry", "FunctionResult", "function_name"]

Function = Callable[[Json, "FunctionContext"], Any]

_IDENTIFIER = re.compile(
    r"(?:arn:(?:aws[a-z-]*):lambda:[a-z0-9-]*:[^:]*:function:|[^:]*:function:)?([A-Za-z0-9_-]{1,140})(?::([A-Za-z0-9$_-]+))?"
)
_LONGEST_SECONDS = 900.0  # Lambda's own limit; nothing here ends a function that runs longer
_LATEST = "$LATEST"


@dataclass(frozen=True, slots=True)
class FunctionResult:
    """What an invocation came to.

    Args:
        payload: JSON text, or the bytes a function returned.
        error: True where the function failed; the payload describes the error then.
        version: version that ran.
        request_id: id of the invocation.
    """

    payload: bytes
    error: bool
    version: str = _LATEST
    request_id: str = ""


@dataclass(slots=True)
class FunctionContext:
    """The second argument of a function: Lambda's context object, and the runtime's clients.

    Args:
        function_name: name it was registered by.
        invoked_function_arn: its ARN, with the qualifier it was invoked by.
        aws_request_id: id of this invocation.
        function_version: always ``$LATEST``.
        memory_limit_in_mb: text, as in Lambda; nothing is limited here.
        log_group_name: as Lambda would name it; logs go where the process writes them.
        log_stream_name: likewise.
        identity: always None.
        client_context: what the caller gave, decoded; None where nothing.
    """

    function_name: str
    invoked_function_arn: str
    aws_request_id: str
    _client: Callable[[str], Any]
    function_version: str = _LATEST
    memory_limit_in_mb: str = "128"
    log_group_name: str = ""
    log_stream_name: str = ""
    identity: None = None
    client_context: Json = None
    _deadline: float = field(default_factory=lambda: time.monotonic() + _LONGEST_SECONDS)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda's limit of 15 minutes, at least 0."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def client(self, name: str) -> Any:
        """The runtime's boto3 client of a service, such as ``s3``; on AWS, write ``boto3.client(name)`` instead."""
        return self._client(name)


class FunctionRegistry:
    """The functions that a runtime answers for; safe to use from several threads.

    Args:
        client: gives the runtime's boto3 client of a service.
        region: of the functions' ARNs.
        account_id: of the functions' ARNs.
    """

    def __init__(self, *, client: Callable[[str], Any], region: str, account_id: str) -> None:
        self._client = client
        self._region = region
        self._account_id = account_id
        self._lock = threading.Lock()
        self._functions: dict[str, Function] = {}

    def register(self, name: str, function: Function) -> None:
        """Have ``function`` answer for a name, in place of one registered before.

        Args:
            name: its name, or an ARN with that name.
            function: called as ``function(event, context)``.

        Raises:
            ValueError: the name is none.
            TypeError: the function cannot be called, or not with two arguments.
        """
        if not callable(function):
            raise TypeError(f"The function registered as {name!r} is {function!r}, which cannot be called.")
        if not _takes_two(function):
            raise TypeError(
                f"The function registered as {name!r} cannot be called as function(event, context), as Lambda calls "
                f"it; it is {function!r}."
            )
        bare = function_name(name)
        with self._lock:
            self._functions[bare] = function

    def names(self) -> list[str]:
        """Names registered, sorted."""
        with self._lock:
            return sorted(self._functions)

    def arn(self, name: str) -> str:
        """ARN of a function, without qualifier."""
        return f"arn:aws:lambda:{self._region}:{self._account_id}:function:{name}"

    def get(self, identifier: str) -> Function:
        """The function that a name or ARN, with or without a qualifier, stands for."""
        try:
            name = function_name(identifier)
        except ValueError as error:
            raise ServiceError("ValidationException", str(error)) from error
        with self._lock:
            if name in self._functions:
                return self._functions[name]
        raise ServiceError(
            "ResourceNotFoundException",
            f"Function not found: {self.arn(name)}. Add it with runtime.register_function({name!r}, function).",
            404,
        )

    def invoke(self, identifier: str, payload: bytes, *, client_context: Json = None) -> FunctionResult:
        """Call a function on this thread.

        Args:
            identifier: name or ARN.
            payload: JSON text of the event; empty for ``{}``.
            client_context: what ``context.client_context`` shall be.

        Raises:
            ServiceError: ``ResourceNotFoundException``, ``InvalidRequestContentException``.
        """
        function = self.get(identifier)
        try:
            event = json.loads(payload) if payload else {}
        except ValueError as error:
            text = f"Could not parse request body into json: {error}"
            raise ServiceError("InvalidRequestContentException", text) from error
        context = self._context(identifier, client_context)
        try:
            result = function(event, context)
        except SystemExit as error:
            text = f"RequestId: {context.aws_request_id} Error: Runtime exited with error: exit status {error.code}"
            return _failed(context, "Runtime.ExitError", text, [])
        except Exception as error:  # noqa: BLE001 -- whatever a function raises is its result
            frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
            return _failed(context, type(error).__name__, str(error), frames)
        return _succeeded(context, result)

    def _context(self, identifier: str, client_context: Json) -> FunctionContext:
        name, _, qualifier = identifier.rsplit(":function:", 1)[-1].partition(":")
        request_id = str(uuid.uuid4())
        return FunctionContext(
            function_name=name,
            invoked_function_arn=self.arn(name) + (f":{qualifier}" if qualifier else ""),
            aws_request_id=request_id,
            _client=self._client,
            log_group_name=f"/aws/lambda/{name}",
            log_stream_name=f"{datetime.now(UTC):%Y/%m/%d}/[{_LATEST}]{request_id.replace('-', '')}",
            client_context=client_context,
        )


def function_name(identifier: str) -> str:
    """The bare name in a function's name or ARN.

    Raises:
        ValueError: the text is neither.

    >>> function_name("arn:aws:lambda:eu-west-1:123456789012:function:seed-data:live")
    'seed-data'
    """
    match = _IDENTIFIER.fullmatch(identifier)
    if not match:
        raise ValueError(
            f"{identifier!r} names no Lambda function. Write its name (letters, digits, '-' and '_') or its ARN, "
            "arn:aws:lambda:<region>:<account>:function:<name>."
        )
    return match[1]


def _takes_two(function: Callable[..., Any]) -> bool:
    """Whether a function can be given event and context; True where Python cannot tell."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # such as some built-ins
        return True
    try:
        signature.bind(None, None)
    except TypeError:
        return False
    return True


def _succeeded(context: FunctionContext, result: object) -> FunctionResult:
    if isinstance(result, bytes):
        return FunctionResult(result, error=False, request_id=context.aws_request_id)
    try:
        payload = _encode(result)
    except (TypeError, ValueError, RecursionError) as error:
        return _failed(context, "Runtime.MarshalError", f"Unable to marshal response: {error}", [])
    return FunctionResult(payload, error=False, request_id=context.aws_request_id)


def _failed(context: FunctionContext, error_type: str, message: str, frames: list[str]) -> FunctionResult:
    described = {
        "errorMessage": message,
        "errorType": error_type,
        "requestId": context.aws_request_id,
        "stackTrace": frames,
    }
    return FunctionResult(_encode(described), error=True, request_id=context.aws_request_id)


def _encode(value: object) -> bytes:
    """JSON as Lambda's Python writes it: spaces after commas and colons, characters as they are."""
    text = json.dumps(value, default=_decimal, ensure_ascii=False, allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8; JSON's escapes can say it
        return json.dumps(value, default=_decimal, allow_nan=False).encode()


def _decimal(value: object) -> float | int:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
