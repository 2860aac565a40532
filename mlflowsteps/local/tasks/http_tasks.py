"""``http:invoke``: HTTP requests to this machine, and to hosts that the user allowed by name; to nothing else.

Owns what a request is made of, which hosts may be asked, and what an answer becomes. Redirects are not followed,
proxies not asked, and no connection of EventBridge is looked up: what it would add (credentials) is left out.

Source:
    Developer guide, "Call HTTPS APIs".
"""

from __future__ import annotations

import http.client
import ipaddress
import ssl
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote, quote_plus, urlsplit

from mlflowsteps.asl.payloads import dumps, loads
from mlflowsteps.exceptions import StatesError
from mlflowsteps.local.records import Json, TaskReport, TaskRequest

__all__ = ["HttpTask"]

MAX_SECONDS = 60.0
MAX_BYTES = 262_144
_OWN_HEADERS = frozenset(
    {"accept-encoding", "authorization", "connection", "content-encoding", "content-length", "expect", "from", "host",
     "max-forwards", "proxy-authorization", "range", "referer", "server", "te", "trailer", "transfer-encoding",
     "upgrade", "via", "warning"}
)  # fmt: skip
_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"})
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class _Call:
    """A request, ready to be sent."""

    method: str
    url: SplitResult
    target: str
    headers: dict[str, str]
    body: str | None

    @property
    def text(self) -> str:
        """The whole URL."""
        return f"{self.url.scheme}://{self.url.netloc}{self.target}"


class HttpTask:
    """Handler of ``http:invoke``.

    Args:
        allowed_hosts: names of hosts that may be asked beside this machine, ``name`` or ``name:port``.
        region: told in the User-Agent, as the service does.
    """

    def __init__(self, allowed_hosts: Collection[str], region: str) -> None:
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._agent = f"Amazon|StepFunctions|HttpInvoke|{region}"

    def start(self, task: TaskRequest, report: TaskReport) -> None:
        """Send the request, and report what came back."""
        parameters = task.parameters if isinstance(task.parameters, dict) else {}
        call = self._call(parameters)
        limit = min(task.timeout_seconds or MAX_SECONDS, MAX_SECONDS)
        try:
            status, reason, headers, data = _send(call, limit)
        except (OSError, http.client.HTTPException) as error:
            raise StatesError("States.Http.Socket", f"{type(error).__name__}: {error}") from error
        text = _text(data)
        report.exchanged(_shown_request(call), _shown_response(call, status, reason, headers, text))
        if status >= 300:
            raise StatesError(f"States.Http.StatusCode.{status}", text or reason)
        report.succeeded(
            {"Headers": headers, "ResponseBody": _body(headers, text), "StatusCode": status, "StatusText": reason}
        )

    def cancel(self, task: TaskRequest) -> None:
        """Nothing: a request that was sent cannot be taken back; its answer is dropped."""

    def _call(self, parameters: dict[str, Json]) -> _Call:
        url = self._url(parameters.get("ApiEndpoint"))
        method = parameters.get("Method")
        if method not in _METHODS:
            raise StatesError("States.Runtime", f"Method must be one of {', '.join(sorted(_METHODS))}, not {method!r}.")
        headers = _headers(parameters.get("Headers"))
        headers["User-Agent"] = self._agent
        headers["Range"] = f"bytes=0-{MAX_BYTES}"
        transform = parameters.get("Transform") or {}
        body = _encoded(parameters.get("RequestBody"), headers, transform)
        query = "&".join(_pairs(parameters.get("QueryParameters") or {}, "REPEAT"))
        target = url.path or "/"
        for part in (url.query, query):
            if part:
                target += ("&" if "?" in target else "?") + part
        return _Call(str(method), url, target, headers, body)

    def _url(self, endpoint: Json) -> SplitResult:
        """The URL, if it may be asked.

        Raises:
            StatesError: States.Runtime, with the line to add.
        """
        if not isinstance(endpoint, str):
            raise StatesError("States.Runtime", "http:invoke needs ApiEndpoint, a URL.")
        try:
            url = urlsplit(endpoint)
            port = url.port
        except ValueError as error:
            raise StatesError("States.Runtime", f"ApiEndpoint is no URL: {error}") from error
        host = (url.hostname or "").lower()
        wrong = any(character <= " " or character == "\x7f" for character in endpoint)
        if url.scheme not in ("http", "https") or not host or url.username is not None or wrong:
            raise StatesError("States.Runtime", f"ApiEndpoint must be an http or https URL, not {endpoint[:200]!r}.")
        if not (_is_loopback(host) or host in self._allowed or f"{host}:{port}" in self._allowed):
            cause = (
                f"The local runtime sends requests to this machine alone, not to {host}. Add "
                f'LocalRuntime(..., allowed_hosts=["{host}"]), or '
                'runtime.register_integration("http:invoke", lambda parameters: {...}).'
            )
            raise StatesError("States.Runtime", cause)
        return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# --- the request


def _headers(given: Json) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in (given or {}).items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if name.lower() in _OWN_HEADERS or name.lower().startswith("x-amz-"):
            raise StatesError("States.Runtime", f"The header {name!r} may not be set by a state.")
        if any(character in name + text for character in "\r\n\0") or not name.isascii():
            raise StatesError("States.Runtime", f"The header {name!r} holds what no header may hold.")
        headers[name] = text
    return headers


def _encoded(body: Json, headers: dict[str, str], transform: dict[str, Json]) -> str | None:
    if body is None:
        return None
    kind = next((name for name in headers if name.lower() == "content-type"), None)
    if transform.get("RequestBodyEncoding") == "URL_ENCODED":
        if kind is None:
            headers["Content-Type"] = _FORM
        options = transform.get("RequestEncodingOptions") or {}
        return "&".join(_pairs(body if isinstance(body, dict) else {}, options.get("ArrayFormat", "INDICES")))
    if kind is None:
        headers["Content-Type"] = _JSON
    return body if isinstance(body, str) else dumps(body)


def _pairs(values: dict[str, Json], arrays: str, prefix: str = "") -> Iterator[str]:
    """``name=value`` for each value; objects and arrays within are written as the service does."""
    for key, value in values.items():
        name = f"{prefix}[{key}]" if prefix else str(key)
        if isinstance(value, dict):
            yield from _pairs(value, arrays, name)
        elif isinstance(value, list):
            yield from _array(name, value, arrays)
        elif value is not None:
            yield _pair(name, value)


def _array(name: str, values: list[Json], form: str) -> Iterator[str]:
    if form == "COMMAS":
        yield f"{quote(name)}={','.join(quote_plus(_scalar(value)) for value in values)}"
        return
    for index, value in enumerate(values):
        place = {"INDICES": f"{name}[{index}]", "BRACKETS": f"{name}[]"}.get(form, name)
        if isinstance(value, dict):
            yield from _pairs(value, form, place)
        else:
            yield _pair(place, value)


def _pair(name: str, value: Json) -> str:
    return f"{quote(name, safe='[]')}={quote_plus(_scalar(value))}"


def _scalar(value: Json) -> str:
    return value if isinstance(value, str) else dumps(value)


# --- the exchange


def _send(call: _Call, seconds: float) -> tuple[int, str, dict[str, list[str]], bytes]:
    host, port = call.url.hostname or "", call.url.port
    connection: http.client.HTTPConnection
    if call.url.scheme == "https":
        connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context())
    else:
        connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        body = None if call.body is None else call.body.encode()
        connection.request(call.method, call.target, body=body, headers=call.headers)
        response = connection.getresponse()
        data = response.read(MAX_BYTES + 1)
        headers: dict[str, list[str]] = {}
        for name, value in response.getheaders():
            headers.setdefault(name.lower(), []).append(value)
        return response.status, response.reason, headers, data
    finally:
        connection.close()


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise StatesError("States.DataLimitExceeded", f"The response has more than {MAX_BYTES} bytes.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise StatesError("States.Runtime", "The response is no text in UTF-8.") from error


def _body(headers: dict[str, list[str]], text: str) -> Json:
    if "json" not in headers.get("content-type", [""])[0]:
        return text
    try:
        return loads(text) if text else {}
    except ValueError:
        return text


# --- what TestState shows


def _shown_request(call: _Call) -> dict[str, Any]:
    shown = {"protocol": call.url.scheme, "method": call.method, "url": call.text, "headers": _lines(call.headers)}
    return shown if call.body is None else shown | {"body": call.body}


def _shown_response(call: _Call, status: int, reason: str, headers: dict[str, list[str]], text: str) -> dict[str, Any]:
    return {
        "protocol": call.url.scheme,
        "statusCode": str(status),
        "statusMessage": reason,
        "headers": _lines({name: ", ".join(values) for name, values in headers.items()}),
        "body": text,
    }


def _lines(headers: dict[str, str]) -> str:
    return "[" + ", ".join(f"{name}: {value}" for name, value in headers.items()) + "]"
