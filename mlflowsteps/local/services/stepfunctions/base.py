"""What the groups of operations share: store, scheduler, clock, and where the runtime is."""

from __future__ import annotations

from typing import Any

from mlflowsteps.local.clock import Clock
from mlflowsteps.local.scheduler import Scheduler, milliseconds
from mlflowsteps.local.services.stepfunctions.checks import resource_parts
from mlflowsteps.local.services.stepfunctions.refusals import refuse
from mlflowsteps.local.store import ExecutionRecord, Store

__all__ = ["MACHINES", "Operations", "Record"]

Record = dict[str, Any]
MACHINES = "state-machine"  # kind of the records of state machines


class Operations:
    """Base of the groups of operations.

    Args:
        store: where everything is kept.
        scheduler: runs the executions.
        clock: what time it is.
        region: region in the ARNs of what is made.
        account_id: account in them.
    """

    def __init__(self, store: Store, scheduler: Scheduler, clock: Clock, *, region: str, account_id: str) -> None:
        self._store, self._scheduler, self._clock = store, scheduler, clock
        self._region, self._account_id = region, account_id

    def _now(self) -> float:
        return milliseconds(self._clock.now())

    def _machine(self, arn: str) -> Record:
        """The record of a state machine; the one place where an ARN of versions and aliases will be resolved."""
        parts = resource_parts(arn, "stateMachine")
        record = self._store.resources.get(MACHINES, parts[1])
        if record is None or record["arn"] != arn:
            raise refuse("StateMachineDoesNotExist", arn)
        return record

    def _execution(self, arn: str) -> ExecutionRecord:
        parts = resource_parts(arn, "execution", "express")
        if parts[0] == "express":
            raise refuse("StateMachineTypeNotSupported", "This operation is not supported by this type of execution")
        record = self._store.executions.get(arn)
        if record is None:
            raise refuse("ExecutionDoesNotExist", arn)
        return record
