"""The wire formats of AWS services, seen from the service: requests to parameters, results to responses.

Driven by botocore's own models, which are handed in, so that a client reads just what its service would have sent.
json, rest-json, rest-xml and query are spoken; botocore itself is not imported.
"""

from __future__ import annotations

import base64
import email.utils
import json
import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, BinaryIO
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.records import Json

__all__ = ["HEADERS", "PROTOCOLS", "RAW", "STATUS", "Reply", "Request", "error_reply", "parse_request", "result_reply"]

PROTOCOLS = frozenset({"json", "rest-json", "rest-xml", "query"})
STATUS = "$status"
"""A result's key for an HTTP status other than the operation's own."""
RAW = "$raw"
"""A result's key for a whole body that the API's model does not describe; nothing else is looked at then."""
HEADERS = "$headers"
"""A result's key for headers that the API's model does not know of."""

_ILLEGAL_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request: method, whole URL, headers (names in lower case) and body."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: BinaryIO


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response; ``body`` is whole, or a stream of ``Content-Length`` bytes."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | BinaryIO = b""


def parse_request(operation: Any, request: Request) -> dict[str, Json]:
    """The parameters that a client was given, from the request it made of them.

    Args:
        operation: botocore's OperationModel.
        request: what the client would have sent.

    Returns:
        Parameters by name; blobs are bytes, a streaming blob is a binary file, times are epoch seconds or text.
    """
    protocol = operation.service_model.resolved_protocol
    if protocol == "json":
        return dict(_from_json(operation.input_shape, _load(request.body.read())) or {})
    if protocol == "query":
        form = parse_qs(request.body.read().decode(), keep_blank_values=True)
        return {name: values[0] for name, values in form.items() if name not in ("Action", "Version")}
    return _parse_rest(operation, request, protocol)


def _load(text: bytes) -> Json:
    try:
        return json.loads(text) if text else {}
    except ValueError as error:
        raise ServiceError("SerializationException", f"The body is no JSON: {error}.") from error


def _parse_rest(operation: Any, request: Request, protocol: str) -> dict[str, Json]:
    shape = operation.input_shape
    if shape is None:
        return {}
    url = urlsplit(request.url)
    # botocore takes S3's bucket out of requestUri, for its endpoint rules, and keeps the whole in authPath.
    template = operation.http.get("authPath", operation.http["requestUri"]).partition("?")[0]
    path = _path_parameters(template, url.path)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    params: dict[str, Json] = {}
    for name, member in shape.members.items():
        place = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        if place == "uri" and wire_name in path:
            params[name] = unquote(path[wire_name], errors="strict")
        elif place == "querystring" and wire_name in query:
            params[name] = _scalar(member, query[wire_name])
        elif place == "header" and wire_name.lower() in request.headers:
            params[name] = _scalar(member, request.headers[wire_name.lower()])
        elif place == "headers":
            params[name] = _prefixed_headers(request.headers, wire_name.lower())
    params.update(_body_parameters(shape, request.body, protocol))
    return params


def _prefixed_headers(headers: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)}


def _body_parameters(shape: Any, body: BinaryIO, protocol: str) -> dict[str, Json]:
    payload = shape.serialization.get("payload")
    if payload is None:
        members = {n: m for n, m in shape.members.items() if "location" not in m.serialization}
        if not members or protocol == "rest-xml":
            return {}
        return dict(_from_json(shape, _load(body.read())))
    member = shape.members[payload]
    if member.serialization.get("streaming"):
        return {payload: body}
    data = body.read()
    if member.type_name in ("blob", "string"):
        return {payload: data if member.type_name == "blob" else data.decode()}
    if not data:
        return {}
    value = _from_json(member, _load(data)) if protocol == "rest-json" else _from_xml(member, _parse_xml(data))
    return {payload: value}


@cache
def _template_pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{([^}]+)\}", template)
    pattern = re.escape(parts[0])
    for name, rest in zip(parts[1::2], parts[2::2], strict=True):
        greedy = name.endswith("+")
        pattern += f"(?P<{name.rstrip('+')}>{'.*' if greedy else '[^/]*'})" + re.escape(rest)
    return re.compile(pattern + "?" if template.endswith("/") else pattern, re.DOTALL)


def _path_parameters(template: str, path: str) -> dict[str, str]:
    match = _template_pattern(template).fullmatch(path)
    return match.groupdict() if match else {}


def _from_json(shape: Any, value: Json) -> Json:
    if shape is None or value is None or not _has_blob(shape, frozenset()):
        return value
    convert = _JSON_READERS.get(shape.type_name)
    return convert(shape, value) if convert else value


_JSON_READERS: dict[str, Callable[[Any, Json], Json]] = {
    "structure": lambda shape, value: {
        key: _from_json(shape.members[key], item) if key in shape.members else item for key, item in value.items()
    },
    "list": lambda shape, value: [_from_json(shape.member, item) for item in value],
    "map": lambda shape, value: {key: _from_json(shape.value, item) for key, item in value.items()},
    "blob": lambda _, value: base64.b64decode(value),
}


def _has_blob(shape: Any, above: frozenset[str]) -> bool:
    if shape.type_name == "blob":
        return True
    if shape.name in above:
        return False
    above |= {shape.name}
    below = {
        "structure": lambda: list(shape.members.values()),
        "list": lambda: [shape.member],
        "map": lambda: [shape.value],
    }
    members = below[shape.type_name]() if shape.type_name in below else []
    return any(_has_blob(member, above) for member in members)


def _scalar(shape: Any, text: str) -> Json:
    return _SCALARS.get(shape.type_name, str)(text)


_SCALARS: dict[str, Callable[[str], Json]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": lambda text: text.lower() == "true",
    "blob": base64.b64decode,
    "list": lambda text: [part.strip() for part in text.split(",")],
}


def _parse_xml(data: bytes) -> ET.Element:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ServiceError("MalformedXML", "The XML has a document type, which is not taken.")
    try:
        return ET.fromstring(data)  # noqa: S314 -- no document type, so no entities
    except ET.ParseError as error:
        raise ServiceError("MalformedXML", f"The XML could not be read: {error}.") from error


def _from_xml(shape: Any, node: ET.Element) -> Json:
    if shape.type_name == "structure":
        found: dict[str, Json] = {}
        for name, member in shape.members.items():
            children = [child for child in node if _local(child.tag) == _xml_name(name, member)]
            if not children:
                continue
            if member.type_name == "list":
                found[name] = _xml_list(member, children)
            else:
                found[name] = _from_xml(member, children[0])
        return found
    return _scalar(shape, node.text or "")


def _xml_list(shape: Any, nodes: list[ET.Element]) -> Json:
    items = nodes if shape.serialization.get("flattened") else list(nodes[0])
    return [_from_xml(shape.member, item) for item in items]


def _xml_name(name: str, member: Any) -> str:
    if member.type_name == "list" and member.serialization.get("flattened"):
        name = member.member.serialization.get("name", name)
    return str(member.serialization.get("name", name))


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def result_reply(operation: Any, result: Mapping[str, Json]) -> Reply:
    """The response that makes a client return ``result``.

    Args:
        operation: botocore's OperationModel.
        result: members by name; times as epoch seconds, blobs as bytes, a streaming one also as a binary file.
    """
    request_id = str(uuid.uuid4())
    result = dict(result)
    raw = result.pop(RAW, None)
    if raw is not None:
        return _reply(200, request_id, "application/xml", raw)
    status = int(result.pop(STATUS, operation.http.get("responseCode", 200)))
    more = result.pop(HEADERS, {})
    reply = _plain_reply(operation, result, status, request_id)
    reply.headers.update(more)
    return reply


def _plain_reply(operation: Any, result: dict[str, Json], status: int, request_id: str) -> Reply:
    protocol = operation.service_model.resolved_protocol
    if protocol == "json":
        version = operation.service_model.metadata.get("jsonVersion", "1.0")
        body = _TIME.sub(_java_time, _dump(operation.output_shape, result))
        return _reply(status, request_id, f"application/x-amz-json-{version}", body)
    if protocol == "query":
        return _reply(status, request_id, "text/xml", _query_result(operation, result, request_id))
    return _rest_reply(operation, result, status, request_id, protocol)


def _reply(status: int, request_id: str, content_type: str, body: bytes) -> Reply:
    headers = {
        "x-amzn-RequestId": request_id,
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        "connection": "keep-alive",
        "Date": email.utils.formatdate(usegmt=True),
    }
    return Reply(status, headers, body)


# A time in JSON text. No such thing is found inside a string: the quotation mark of a name is written with a backslash
# there.
_TIME = re.compile(rb'(?<=[^\\]":)([0-9])([0-9]{9})\.([0-9]{1,3})(?=[,}])')


def _java_time(found: re.Match[bytes]) -> bytes:
    """A time as the services' Java writes it; histories show how long such answers are."""
    digits = (found[2] + found[3]).rstrip(b"0") or b"0"
    return found[1] + b"." + digits + b"E9"


def _dump(shape: Any, value: Json) -> bytes:
    del shape
    return json.dumps(value, default=_json_default, ensure_ascii=False, separators=(",", ":")).encode(
        errors="surrogatepass"
    )


def _json_default(value: object) -> Json:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} is no JSON")


def _rest_reply(operation: Any, result: dict[str, Json], status: int, request_id: str, protocol: str) -> Reply:
    shape = operation.output_shape
    kind = "application/json" if protocol == "rest-json" else "application/xml"
    if shape is None:
        return _reply(status, request_id, kind, b"")
    headers: dict[str, str] = {}
    inside = dict(result)
    for name, member in shape.members.items():
        place = member.serialization.get("location")
        if place is None or inside.get(name) is None:
            continue
        value = inside.pop(name)
        wire_name = member.serialization.get("name", name)
        if place == "statusCode":
            status = value
        elif place == "headers":
            headers.update({wire_name + key: text for key, text in value.items()})
        else:
            headers[wire_name] = _header_text(member, value)
    reply = _rest_body(operation, inside, status, request_id, (protocol, kind))
    reply.headers.update(headers)
    return reply


def _rest_body(operation: Any, inside: dict[str, Json], status: int, request_id: str, how: tuple[str, str]) -> Reply:
    shape, (protocol, kind) = operation.output_shape, how
    payload = shape.serialization.get("payload")
    if payload is not None and shape.members[payload].type_name in ("blob", "string"):
        data = inside.get(payload, b"")
        if isinstance(data, bytes | str):
            return _reply(status, request_id, kind, data.encode() if isinstance(data, str) else data)
        reply = _reply(status, request_id, kind, b"")
        return Reply(status, reply.headers, data)
    if payload is not None:
        shape, inside = shape.members[payload], inside.get(payload, {})
    if protocol == "rest-json":
        return _reply(status, request_id, kind, _dump(shape, inside))
    if operation.http["method"] == "HEAD" or not inside:
        wanted = payload is None and any("location" not in m.serialization for m in shape.members.values())
        if operation.http["method"] == "HEAD" or not (wanted or payload):
            return _reply(status, request_id, kind, b"")
    root = shape.serialization.get("name") or operation.name + "Result"
    text = _to_xml(root, shape, inside)
    return _reply(status, request_id, kind, ('<?xml version="1.0" encoding="UTF-8"?>\n' + text).encode())


def _header_text(shape: Any, value: Json) -> str:
    if shape.type_name == "timestamp":
        moment = value.timestamp() if isinstance(value, datetime) else float(value)
        return email.utils.formatdate(moment, usegmt=True)
    if shape.type_name == "boolean":
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def _to_xml(name: str, shape: Any, value: Json) -> str:
    return f"<{name}>{_XML_WRITERS.get(shape.type_name, _xml_text)(shape, value)}</{name}>"


def _xml_structure(shape: Any, value: Json) -> str:
    pieces = []
    for name, member in shape.members.items():
        item = value.get(name)
        if item is None or "location" in member.serialization:
            continue
        if member.type_name == "list" and member.serialization.get("flattened"):
            pieces += [_to_xml(_xml_name(name, member), member.member, entry) for entry in item]
        else:
            pieces.append(_to_xml(_xml_name(name, member), member, item))
    return "".join(pieces)


def _xml_items(shape: Any, value: Json) -> str:
    name = shape.member.serialization.get("name", "member")
    return "".join(_to_xml(name, shape.member, item) for item in value)


def _xml_text(shape: Any, value: Json) -> str:
    if shape.type_name == "timestamp":
        moment = value if isinstance(value, datetime) else datetime.fromtimestamp(float(value), UTC)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    if shape.type_name == "boolean":
        return "true" if value else "false"
    return escape(_ILLEGAL_XML.sub("\ufffd", str(value)), {"\r": "&#13;", '"': "&quot;"})


_XML_WRITERS: dict[str, Callable[[Any, Json], str]] = {"structure": _xml_structure, "list": _xml_items}


def _query_result(operation: Any, result: Mapping[str, Json], request_id: str) -> bytes:
    wrapper = operation.output_shape.serialization.get("resultWrapper", operation.name + "Result")
    inside = _to_xml(wrapper, operation.output_shape, result)
    text = (
        f"<{operation.name}Response>{inside}<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{operation.name}Response>"
    )
    return text.encode()


def error_reply(operation: Any, error: ServiceError) -> Reply:
    """The response that makes a client raise ``error`` as botocore's exception of that code."""
    request_id = str(uuid.uuid4())
    protocol = operation.service_model.resolved_protocol
    details = getattr(error, "details", {})
    if protocol in ("json", "rest-json"):
        body = {"__type": error.code, "message": error.message, "Message": error.message, **details}
        reply = _reply(error.status, request_id, "application/json", _dump(None, body))
        reply.headers["x-amzn-errortype"] = error.code
        return reply
    if operation.http["method"] == "HEAD" or error.status == 304:  # such responses have no body
        return Reply(error.status, {"x-amz-request-id": request_id})
    text = f"<Code>{escape(error.code)}</Code><Message>{_xml_text(_TEXT, error.message)}</Message>"
    if protocol == "query":
        text = f"<Error><Type>Sender</Type>{text}</Error><RequestId>{request_id}</RequestId>"
        text = f"<ErrorResponse>{text}</ErrorResponse>"
    else:
        text = f"<Error>{text}<RequestId>{request_id}</RequestId></Error>"
    return _reply(error.status, request_id, "application/xml", text.encode())


@dataclass(frozen=True, slots=True)
class _Text:
    type_name: str = "string"


_TEXT = _Text()
