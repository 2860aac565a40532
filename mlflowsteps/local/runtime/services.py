"""Who plays which service: the user's own clients, the runtime itself, Moto; in this order."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable, Mapping
from typing import Any

from mlflowsteps.local.runtime.moto import MotoServer
from mlflowsteps.local.services.wire import Wire, missing_service
from mlflowsteps.local.tasks.calls import Played

__all__ = ["Players"]


class Players:
    """Finds the client of a service; safe to use from several threads.

    Args:
        played: makers of the runtime's own services by boto3's name, called when one is first needed.
        given: the user's clients.
        moto: Moto's server; None where it was not asked for.
        region: of the runtime's clients.
        read_only: answer only what changes nothing.
        before: called with a service's name before the first client of it is handed out.
    """

    def __init__(
        self,
        played: Mapping[str, Callable[[], object]],
        given: Mapping[str, Any],
        moto: MotoServer | None,
        *,
        region: str,
        read_only: bool,
        before: Callable[[str], None],
    ) -> None:
        self._makers = dict(played)
        self._services: dict[str, object] = {}
        self._given = dict(given)
        self._moto = moto
        self._before = before
        self._lock = threading.RLock()
        self.wire = Wire(self._service, region=region, read_only=read_only)

    def _service(self, name: str) -> object | None:
        with self._lock:
            if name not in self._services and name in self._makers:
                self._services[name] = self._makers[name]()
            return self._services.get(name)

    def find(self, service: str) -> Played | None:
        """The client for boto3's name of a service; None where nothing plays it."""
        if service in self._given:
            return Played(self._given[service], own=False)
        if service in self._makers:
            self._before(service)
            return Played(self.wire.client(service), own=True)
        client = self._moto.client(service) if self._moto else None
        return None if client is None else Played(client, own=False)

    def missing(self, service: str) -> str:
        """What to say where nothing plays a service: a near miss, or what would play it."""
        plays = sorted({*self._makers, *self._given})
        near = difflib.get_close_matches(service, plays, n=1, cutoff=0.8)
        if near:
            return f"The local runtime does not play {service}. Did you mean {near[0]!r}? It plays {', '.join(plays)}."
        return missing_service(service)

    def check_fault(self, service: str, operation: str) -> None:
        """Raise the ServiceError that ``fail_next`` asked for."""
        self.wire.faults.check(service, operation)

    def close(self) -> None:
        """Refuse every call from now on, and end Moto's server."""
        self.wire.close()
        if self._moto:
            self._moto.close()
