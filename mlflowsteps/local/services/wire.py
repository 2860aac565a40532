"""Answers the requests of real boto3 clients inside this process.

Owns the way from botocore's ``before-send`` event to a service's method and back, the cache of clients, and the faults
made on purpose. It refuses to let a request go to the network: it answers or raises. boto3 is loaded when a first
client is made.
"""

from __future__ import annotations

import io
import re
import threading
from collections import Counter
from typing import Any, Protocol

from mlflowsteps.exceptions import RuntimeClosed, ServiceError
from mlflowsteps.local.services.bodies import ResponseBody, request_body
from mlflowsteps.local.services.protocols import PROTOCOLS, Reply, Request, error_reply, parse_request, result_reply
from mlflowsteps.local.tasks.calls import NOT_PLAYED

__all__ = ["Faults", "ServiceLookup", "Wire", "boto_name"]

_READS = re.compile(r"(describe|list|head|validate|get(?!_activity_task))_?\w*")
_SERVER_FAULTS = {"InternalFailure": 500, "InternalServerError": 500, "InternalError": 500, "ServiceUnavailable": 503,
                  "SlowDown": 503}  # fmt: skip
_UNASKED = {
    ("iam", "GetRole"): "A role's name is looked up in IAM, which its ARN spares: give that. ",
    ("iam", "SimulatePrincipalPolicy"): "ModelTrainer of SageMaker SDK 3 asks IAM whether its role may train, unless "
    "SAGEMAKER_VALIDATE_ROLE=false is in the environment. ",
}  # what SDKs ask for on their own, and how to spare it
_OTHER_NAMES = {
    "states": "stepfunctions",
    "sfn": "stepfunctions",
    "sagemakerruntime": "sagemaker-runtime",
    "runtime.sagemaker": "sagemaker-runtime",  # botocore's old name, by which SageMaker's SDK 2 asks for it
}


class ServiceLookup(Protocol):
    """Finds the object that plays a service."""

    def __call__(self, name: str) -> object | None:
        """The service of this boto3 name; None where the runtime does not play it."""


class Faults:
    """Calls that are to be rejected on purpose."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: Counter[tuple[str, str, str]] = Counter()

    def add(self, service: str, operation: str, code: str, times: int) -> None:
        """Have the next ``times`` calls fail; those asked for before come first."""
        with self._lock:
            self._left[boto_name(service), operation.lower(), code] += times

    def check(self, service: str, operation: str) -> None:
        """Raise the fault that is due for this call, if there is one."""
        with self._lock:
            for (of_service, of_operation, code), left in self._left.items():
                if left and (of_service, of_operation) == (boto_name(service), operation.lower()):
                    self._left[of_service, of_operation, code] -= 1
                    message = f"{operation} of {service} was made to fail by fail_next."
                    raise ServiceError(code, message, _SERVER_FAULTS.get(code, 400))


class Wire:
    """The runtime's boto3 clients.

    Args:
        services: finds a service by its boto3 name.
        region: region of the clients.
        read_only: answer only what changes nothing.
    """

    def __init__(self, services: ServiceLookup, *, region: str, read_only: bool = False) -> None:
        self.faults = Faults()
        self._services = services
        self._region = region
        self._read_only = read_only
        self._lock = threading.RLock()
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._operations: dict[str, Any] = {}
        self._closed = False

    def session(self) -> Any:
        """The boto3 session all of whose clients are answered here."""
        with self._lock:
            if self._session is None:
                from mlflowsteps.local.services.session import make_session

                self._session = make_session(self._region, self._answer)
            return self._session

    def client(self, name: str) -> Any:
        """The client of a service, by its boto3 name; the same one at each call, safe to use from several threads."""
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self.session().client(name)
            return self._clients[name]

    def close(self) -> None:
        """Refuse every call from now on."""
        self._closed = True

    def operation(self, service: str, name: str) -> Any:
        """The model of an operation; ValueError where there is none of this name."""
        model = self._model(service)
        matches = [known for known in model.operation_names if known.lower() == name.replace("_", "").lower()]
        if not matches:
            raise ValueError(
                f"{service} has no operation {name!r}. Its operations: {', '.join(sorted(model.operation_names))}."
            )
        return model.operation_model(matches[0])

    def _model(self, service: str) -> Any:
        session = self.session()
        known = session.get_available_services()
        if service not in known:
            raise ValueError(f"{service!r} is no AWS service that boto3 knows. It knows: {', '.join(known)}.")
        with self._lock:
            if service not in self._operations:
                self._operations[service] = session._session.get_service_model(service)  # noqa: SLF001 -- no public way
            return self._operations[service]

    def _answer(self, request: Any, event_name: str, **_: Any) -> Any:
        """Handler of ``before-send``: the response, or an exception; never None, which would send the request."""
        if self._closed:
            raise RuntimeClosed("This runtime was closed; open a new LocalRuntime on its folder to go on.")
        host = re.sub(r"^https?://([^/:?]*).*", r"\1", request.url, flags=re.DOTALL)
        name = boto_name(host.removesuffix(".mlflowsteps.invalid"))
        operation = self._model(name).operation_model(event_name.rsplit(".", 1)[-1])
        if operation.service_model.resolved_protocol not in PROTOCOLS:
            raise ServiceError(NOT_PLAYED, missing_service(name, operation.name))
        try:
            self.faults.check(name, operation.name)
            headers = {key.lower(): _text(value) for key, value in request.headers.items()}
            method = self._method(name, operation.name)
            body = request_body(request.body, headers)
            result = method(parse_request(operation, Request(request.method, request.url, headers, body)))
            reply = result_reply(operation, result or {})
        except ServiceError as error:
            reply = error_reply(operation, error)
        return _response(request.url, reply)

    def _method(self, name: str, operation: str) -> Any:
        from botocore import xform_name

        service = self._services(name)
        if service is None:
            raise ServiceError(NOT_PLAYED, missing_service(name, operation), 501)
        method_name = xform_name(operation)
        method = getattr(service, method_name, None)
        if method is None:
            text = f"The local runtime does not play {operation} of {name}."
            raise ServiceError(NOT_PLAYED, text, 501)
        if self._read_only and not _READS.fullmatch(method_name):
            text = f"This runtime was opened with read_only=True; {operation} would change it."
            raise ServiceError("AccessDeniedException", text, 403)
        return method


def boto_name(service: str) -> str:
    """boto3's name of a service, from that or from the one in a Task's Resource."""
    return _OTHER_NAMES.get(service.lower(), service.lower())


def missing_service(name: str, operation: str = "") -> str:
    """What to say, and to do, where the runtime does not play a service."""
    return _UNASKED.get((name, operation), "") + (
        f"The local runtime does not play {name}. Open it with LocalRuntime(..., clients={{{name!r}: client}}) to give "
        f'it a client of your own, or with LocalRuntime(..., aws="moto") to have Moto play it '
        "(pip install 'moto[server]')."
    )


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _response(url: str, reply: Reply) -> Any:
    from botocore import awsrequest

    body = io.BytesIO(reply.body) if isinstance(reply.body, bytes) else reply.body
    length = int(reply.headers.get("Content-Length", 0))
    module: Any = awsrequest
    return module.AWSResponse(url, reply.status, module.HeadersDict(reply.headers), ResponseBody(body, length))
