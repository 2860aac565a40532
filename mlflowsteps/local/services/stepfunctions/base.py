"""What the groups of operations share: store, scheduler, clock, quotas, and what an ARN names."""

from __future__ import annotations

from typing import Any

from mlflowsteps.local.clock import Clock
from mlflowsteps.local.quotas import Quotas
from mlflowsteps.local.scheduler import Scheduler, milliseconds
from mlflowsteps.local.services.stepfunctions.checks import (
    machine_parts,
    page_size,
    page_token,
    read_page_token,
    resource_parts,
)
from mlflowsteps.local.services.stepfunctions.refusals import refuse
from mlflowsteps.local.store import ExecutionRecord, Store
from mlflowsteps.local.tasks.activities import Activities

__all__ = ["ACTIVITIES", "ALIASES", "MACHINES", "VERSIONS", "Operations", "Record"]

Record = dict[str, Any]
# Kinds of records.
MACHINES, VERSIONS, ALIASES = "state-machine", "state-machine-version", "state-machine-alias"
ACTIVITIES = "activity"


class Operations:
    """Base of the groups of operations.

    Args:
        store: where everything is kept.
        scheduler: runs the executions.
        clock: what time it is.
        region: region in the ARNs of what is made.
        account_id: account in them.
        quotas: what is the most of anything.
        activities: the tasks that wait for workers; None: a queue of its own, which no task reaches.
    """

    def __init__(
        self,
        store: Store,
        scheduler: Scheduler,
        clock: Clock,
        *,
        region: str,
        account_id: str,
        quotas: Quotas = Quotas(),  # noqa: B008 - frozen
        activities: Activities | None = None,
    ) -> None:
        self._store, self._scheduler, self._clock = store, scheduler, clock
        self._region, self._account_id = region, account_id
        self._quotas = quotas
        self._activities = activities or Activities(lambda _arn: True)

    def _now(self) -> float:
        return milliseconds(self._clock.now())

    def _page(self, params: Record, listing: str, kind: type, first: Any = None) -> tuple[int, Any]:
        """How many rows the page asked for may have, and the position that it begins behind.

        Args:
            params: the request's.
            listing: what is listed.
            kind: type of a position.
            first: the position of the first page.
        """
        size, position = page_size(params), read_page_token(params, listing, self._now(), kind)
        return size, first if position is None else position

    def _next_page(self, listing: str, position: str | int) -> str:
        return page_token(listing, position, self._now())

    def _machine(self, arn: str) -> Record:
        """The record of a state machine; the ARN of a version or alias names none."""
        name, qualifier = machine_parts(arn)
        record = self._store.resources.get(MACHINES, name)
        if record is None or record["arn"] != arn or qualifier is not None:
            raise refuse("StateMachineDoesNotExist", arn)
        return record

    def _version(self, arn: str) -> Record | None:
        name, qualifier = machine_parts(arn)
        record = self._store.resources.get(VERSIONS, f"{name}:{qualifier}")
        return None if record is None or record["arn"] != arn else record

    def _alias(self, arn: str) -> Record | None:
        name, qualifier = machine_parts(arn)
        record = self._store.resources.get(ALIASES, f"{name}:{qualifier}")
        return None if record is None or record["arn"] != arn else record

    def _of_machine(self, kind: str, name: str) -> list[Record]:
        """Versions or aliases of a state machine, in the order in which they were made."""
        return [record for record in self._store.resources.list(kind) if record["machine"] == name]

    def _execution(self, arn: str) -> ExecutionRecord:
        parts = resource_parts(arn, "execution", "express")
        if parts[0] == "express":
            raise refuse("StateMachineTypeNotSupported", "This operation is not supported by this type of execution")
        record = self._store.executions.get(arn)
        if record is None:
            raise refuse("ExecutionDoesNotExist", arn)
        return record
