"""What a thread gets while it makes a request: clients that call nobody, and no telemetry; other threads see nothing.

boto3 and the SDKs hand clients out from places that are the process's. Here something stands in each of them for a
moment, and looks which thread asks. What another thread has kept of it goes on as the real one.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

from mlflowsteps.steps.sagemaker.offline import Offline

__all__ = ["has_sender", "secluded"]

_TELEMETRY = {2: "sagemaker.telemetry.telemetry_logging", 3: "sagemaker.core.telemetry.telemetry_logging"}
_SENDER = "_send_telemetry_request"


def has_sender(sdk: int) -> bool:
    """True where ``secluded`` finds what sends an SDK's telemetry.

    Args:
        sdk: 2 or 3.
    """
    return callable(getattr(importlib.import_module(_TELEMETRY[sdk]), _SENDER, None))


@contextlib.contextmanager
def secluded(sdk: int, offline: Offline) -> Iterator[None]:
    """Have this thread send no telemetry, and get clients that call nobody, from whatever session it asks for them.

    What other threads do goes on as before.

    Args:
        sdk: 2 or 3.
        offline: the boto session.
    """
    import boto3

    made: Any = boto3.session.Session
    with contextlib.ExitStack() as stack:
        switch = stack.enter_context(_Switch())
        put = stack.enter_context
        put(_replaced(boto3, "DEFAULT_SESSION", lambda real: _DefaultSession(real, offline.boto_session, switch)))
        put(_replaced(made, "client", lambda real: switch.either(_offline_client(real, offline), real)))
        if has_sender(sdk):  # else the session's settings say it
            module = importlib.import_module(_TELEMETRY[sdk])
            put(_replaced(module, _SENDER, lambda real: switch.either(_nothing, real)))
        cached: Any = getattr(sys.modules.get("sagemaker.core.utils.utils"), "SageMakerClient", None)
        if cached is not None and type(cached) is not type:  # older ones keep none
            put(_replaced(type(cached), "__call__", lambda real: switch.either(_uncached(real, cached, offline), real)))
        yield


class _Switch:
    """On within its ``with``, for the thread that entered it."""

    def __init__(self) -> None:
        self._thread: int | None = None

    def __enter__(self) -> Self:
        self._thread = threading.get_ident()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread = None

    @property
    def on(self) -> bool:
        """True for what this thread calls."""
        return threading.get_ident() == self._thread

    def either(self, ours: Callable[..., Any], real: Callable[..., Any]) -> Callable[..., Any]:
        """One function where the switch is on, the other elsewhere and afterwards."""

        def either(*arguments: Any, **keywords: Any) -> Any:
            return (ours if self.on else real)(*arguments, **keywords)

        return either


class _DefaultSession:
    """Stands for boto3's default session, which may not be made yet.

    Args:
        real: the default session; None: one is made where another thread asks.
        offline: the session that calls nobody.
        switch: when it is the one.
    """

    def __init__(self, real: Any, offline: Any, switch: _Switch) -> None:
        self._real, self._offline, self._switch = real, offline, switch

    def __getattr__(self, name: str) -> Any:
        if self._switch.on:
            return getattr(self._offline, name)
        if self._real is None:
            import boto3

            self._real = boto3.Session()
        return getattr(self._real, name)


@contextlib.contextmanager
def _replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    """Something else in the place of an attribute; what others have put there meanwhile stays."""
    real = getattr(owner, name)
    ours = make(real)
    setattr(owner, name, ours)
    try:
        yield
    finally:
        if getattr(owner, name) is ours:
            setattr(owner, name, real)


def _nothing(*arguments: Any, **keywords: Any) -> None:
    """Sends no telemetry."""


def _offline_client(real: Any, offline: Offline) -> Callable[..., Any]:
    def client(session: Any, *arguments: Any, **keywords: Any) -> Any:  # noqa: ARG001 - a method of any session
        return real(offline.boto_session, *arguments, **keywords)

    return client


def _uncached(real: Any, cached: Any, offline: Offline) -> Callable[..., Any]:
    """SDK 3 keeps its clients: those of a user must not come in, nor ours stay as everybody's default."""

    def instance(cls: Any, *arguments: Any, **keywords: Any) -> Any:
        if cls is not cached:
            return real(cls, *arguments, **keywords)
        return type.__call__(cls, session=offline.boto_session, region_name=offline.region)

    return instance
