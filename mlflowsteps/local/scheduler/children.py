"""The child executions of Map Runs, as a scheduler runs them: STANDARD ones stored, EXPRESS ones in memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from mlflowsteps.exceptions import RuntimeClosed
from mlflowsteps.local.interpreter import End, RunHeader
from mlflowsteps.local.map_runs import Ended
from mlflowsteps.local.records import Json
from mlflowsteps.local.store import ExecutionRecord, Store

__all__ = ["Children"]

_Watcher = Callable[[ExecutionRecord], None]


class _Scheduler(Protocol):
    """What is needed of the scheduler; see there."""

    def start(
        self, header: RunHeader, definition: str, *, extra: dict[str, Json], watcher: _Watcher, map_run: str
    ) -> bool: ...

    def run_in_memory(self, header: RunHeader, definition: str, watcher: _Watcher) -> tuple[End, float] | None: ...

    def watch(self, execution_arn: str, callback: _Watcher) -> Callable[[], None]: ...

    def redrive(self, execution_arn: str, *, watcher: _Watcher) -> bool: ...

    def stop(self, execution_arn: str) -> bool: ...


class Children:
    """See ``map_runs.Executions``.

    Args:
        scheduler: runs the executions.
        store: where it keeps them.
    """

    def __init__(self, scheduler: _Scheduler, store: Store) -> None:
        self._scheduler, self._store = scheduler, store

    def begin(
        self, header: RunHeader, definition: str, extra: dict[str, Json], watcher: Callable[[Ended], None]
    ) -> Ended | None:
        """See ``map_runs.Executions``."""
        watch = partial(_tell, watcher)
        if header.machine_type == "EXPRESS":
            found = self._scheduler.run_in_memory(header, definition, watch)
            if found is None:
                return None
            end, now = found
            return Ended(end.status, end.output_text, end.error, end.cause, now)
        if self._scheduler.start(header, definition, extra=extra, watcher=watch, map_run=extra["mapRunArn"]):
            return None
        record = self._store.executions.get(header.execution_arn)
        if record is not None and record.status == "PENDING_REDRIVE":
            return self._redrive(record, watch)
        if record is not None and record.status != "RUNNING":
            return _ended(record)
        self._scheduler.watch(header.execution_arn, watch)
        return None

    def _redrive(self, record: ExecutionRecord, watch: _Watcher) -> Ended | None:
        try:
            if not self._scheduler.redrive(record.arn, watcher=watch):
                raise RuntimeClosed("The local runtime was closed.")
        except RuntimeError as error:
            if isinstance(error, RuntimeClosed):
                raise
            now = record.start_time if record.stop_time is None else record.stop_time
            return Ended("FAILED", None, "States.Runtime", f"Execution cannot be redriven: {error}", now)
        return None

    def await_redrive(self, map_run_arn: str) -> None:
        """See ``map_runs.Executions``."""
        self._store.executions.await_redrive(map_run_arn)

    def succeeded(self, execution_arn: str) -> Ended | None:
        """See ``map_runs.Executions``."""
        record = self._store.executions.get(execution_arn)
        return _ended(record) if record is not None and record.status == "SUCCEEDED" else None

    def stop(self, execution_arn: str) -> None:
        """See ``map_runs.Executions``."""
        self._scheduler.stop(execution_arn)


def _tell(watcher: Callable[[Ended], None], record: ExecutionRecord) -> None:
    watcher(_ended(record))


def _ended(record: ExecutionRecord) -> Ended:
    result = record.result
    stop_time = record.start_time if record.stop_time is None else record.stop_time
    return Ended(
        record.status, result.get("output"), result.get("error"), result.get("cause"), stop_time,
        record.start_time, record.redrives,
    )  # fmt: skip
