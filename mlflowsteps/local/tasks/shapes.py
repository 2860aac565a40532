"""Parameters and results between a Task state and a boto3 client.

A state writes names in PascalCase whatever the API does, and any JSON where the API wants text. What comes back is JSON
in PascalCase: times as epoch milliseconds (optimized) or ISO 8601 (aws-sdk), blobs and streams as text.

Source:
    Developer guide, "Integrating services"; recorded histories.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mlflowsteps.asl.payloads import dumps
from mlflowsteps.local.records import Json

__all__ = ["epoch_millis", "http_metadata", "iso_8601", "pascal_case", "to_parameters", "to_result"]

Times = Callable[[datetime], Json]

# Header names as the services send them; botocore hands them over in lower case.
_HEADER_NAMES = {
    "content-length": "Content-Length",
    "content-type": "Content-Type",
    "date": "Date",
    "server": "Server",
    "x-amz-executed-version": "X-Amz-Executed-Version",
    "x-amzn-remapped-content-length": "x-amzn-Remapped-Content-Length",
    "x-amzn-requestid": "x-amzn-RequestId",
    "x-amzn-trace-id": "X-Amzn-Trace-Id",
}


_UNLIKE_AWS = frozenset({"access-control-allow-origin"})
"""Headers that simulators add."""


def epoch_millis(moment: datetime) -> int:
    """A time as optimized integrations write it."""
    return round(moment.timestamp() * 1000)


def iso_8601(moment: datetime) -> str:
    """A time as aws-sdk integrations write it.

    >>> iso_8601(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02T03:04:05Z'
    """
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def to_parameters(shape: Any, value: Json) -> Json:
    """The keyword arguments of a client's method, from a state's parameters.

    Args:
        shape: botocore's model of what is wanted; None passes the value as it is.
        value: the parameters. Nulls are left out; what the model does not know is kept, so that botocore names it.
    """
    if shape is None or value is None:
        return value
    return _WRITERS.get(shape.type_name, _same)(shape, value)


def _same(_: Any, value: Json) -> Json:
    return value


def _structure(shape: Any, value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    names = {pascal_case(name): name for name in shape.members}
    found = {}
    for key, item in value.items():
        name = names.get(key, key)
        if item is not None:
            found[name] = to_parameters(shape.members.get(name), item)
    return found


def _list(shape: Any, value: Json) -> Json:
    return [to_parameters(shape.member, item) for item in value] if isinstance(value, list) else value


def _map(shape: Any, value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    return {key: to_parameters(shape.value, item) for key, item in value.items() if item is not None}


def _text(_: Any, value: Json) -> Json:
    return value if isinstance(value, str) else dumps(value)


def _blob(_: Any, value: Json) -> Json:
    return dumps(value).encode()  # text too: a Body "a" arrives as "a" with its quotes, as recorded of S3


_WRITERS: Mapping[str, Callable[[Any, Json], Json]] = {
    "structure": _structure, "list": _list, "map": _map, "string": _text, "character": _text, "blob": _blob,
}  # fmt: skip


def pascal_case(name: str) -> str:
    """A member's name as states write it.

    >>> pascal_case("stateMachineArn")
    'StateMachineArn'
    """
    return "EqualsValue" if name == "Equals" else name[:1].upper() + name[1:]


def to_result(value: Json, times: Times, shape: Any = None) -> Json:
    """JSON of a client's response, names in PascalCase where the model has a structure.

    Args:
        value: the response, or a part of it.
        times: how times are written.
        shape: botocore's model of it; None: every dict is taken for a structure.
    """
    if isinstance(value, dict):
        return _result_object(value, times, shape)
    if isinstance(value, list | tuple):
        member = getattr(shape, "member", None)
        return [to_result(item, times, member) for item in value]
    if isinstance(value, datetime):
        return times(value)
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes | bytearray):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return value


def _result_object(value: dict[str, Any], times: Times, shape: Any) -> Json:
    if shape is not None and shape.type_name == "map":
        return {str(key): to_result(item, times, shape.value) for key, item in value.items()}
    members = getattr(shape, "members", {})
    return {
        pascal_case(key): to_result(item, times, members.get(key))
        for key, item in value.items()
        if key != "ResponseMetadata" and item is not None
    }


def http_metadata(response: Mapping[str, Any], *, connection: str = "connection") -> dict[str, Json]:
    """The two members that optimized integrations add to a response.

    Args:
        response: what the client returned.
        connection: how the service spells the header of that name.
    """
    about = response.get("ResponseMetadata", {})
    given = {name: text for name, text in about.get("HTTPHeaders", {}).items() if name not in _UNLIKE_AWS}
    if given.pop("server", None) is not None and connection == "Connection":  # DynamoDB alone tells it
        given["server"] = "Server"
    if "connection" in given:
        given["connection"] = "keep-alive"  # of the way to the service, not of the way to what plays it
    names = _HEADER_NAMES | {"connection": connection}
    headers = {names.get(name, name): text for name, text in given.items()}
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [text] for name, text in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": about.get("HTTPStatusCode", 200),
        },
        "SdkResponseMetadata": {"RequestId": about.get("RequestId", given.get("x-amzn-requestid", ""))},
    }
