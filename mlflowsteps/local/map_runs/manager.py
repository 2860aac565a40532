"""All Map Runs of a runtime: starting, describing, listing, changing and aborting them.

Owns their records in the store and the runners of those under way.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from mlflowsteps.exceptions import RuntimeClosed
from mlflowsteps.local.interpreter import RunHeader
from mlflowsteps.local.map_runs.progress import Counts, Limits, Progress
from mlflowsteps.local.map_runs.runner import Done, Executions, Place, Runner
from mlflowsteps.local.records import Json
from mlflowsteps.local.store import Store
from mlflowsteps.local.tasks.calls import Clients

__all__ = ["MAP_RUNS", "MapRuns"]

logger = logging.getLogger(__name__)

MAP_RUNS = "map-run"
"""Kind of the records of Map Runs."""

CLOSE_SECONDS = 30.0  # longest wait for what runners are in the midst of


class MapRuns:
    """The Map Runs of a runtime. Safe to use from several threads.

    Args:
        store: where records are kept; files of results grow in a folder beside it.
        clients: who plays S3; None: nobody.
        executions: runs the children.
        submit: has a job done on a worker thread.
        now: what time it is, in milliseconds' steps.
        hold: keeps a virtual clock from jumping until what it returns is called.
    """

    def __init__(
        self,
        store: Store,
        clients: Clients | None,
        executions: Executions,
        *,
        submit: Callable[[Callable[[], None]], None],
        now: Callable[[], float],
        hold: Callable[[], Callable[[], None]],
    ) -> None:
        self._resources, self._executions = store.resources, store.executions
        folder = Path(store.database.path).parent / "map-runs"
        self._submit_job = submit
        self._place = Place(clients, executions, self._submit, now, hold, self._save, lambda: self._closed, folder)
        self._lock = threading.Lock()
        self._runners: dict[str, Runner] = {}
        self._cancelled: set[str] = set()
        self._deferred: dict[str, Callable[[], None]] = {}  # redrives of those that are still being aborted
        self._queues: dict[str, deque[Callable[[], None]]] = {}  # jobs by ARN: those of a Map Run keep their order
        self._idle = threading.Condition()
        self._jobs = 0
        self._closed = False

    def start(self, arn: str, parent: RunHeader, spec: dict[str, Json], done: Done, *, redrive: int = 0) -> None:
        """Carry out a Map Run, from where its record stands if there is one; must not block.

        Args:
            arn: ARN of the Map Run.
            parent: what the execution was born with that it belongs to.
            spec: what it does.
            done: told how it ended, unless it was aborted; also where it had ended before.
            redrive: which redrive of it this is; 0: none. One that has ended before it begins again: children that
                are stored and succeeded stay as they are, those that failed are redriven, all others run.
        """
        self._held(arn, lambda: self._start(arn, parent, spec, done, redrive))

    def _start(self, arn: str, parent: RunHeader, spec: dict[str, Json], done: Done, redrive: int) -> None:
        with self._lock:
            if arn in self._runners:  # what was aborted has not come to its end yet
                self._deferred[arn] = lambda: self._start(arn, parent, spec, done, redrive)
                return
            if redrive:
                self._cancelled.discard(arn)  # that was before
        record = self._resources.get(MAP_RUNS, arn)
        if redrive and (record is None or record.get("redrives", 0) < redrive):
            record = self._reopen(record or _new_record(arn, parent, spec, self._place.now()), redrive)
        if record is not None and record["status"] != "RUNNING":
            result = record["result"]
            done(record["status"], result["output"], result["error"], result["cause"])
            return
        if record is None:
            record = _new_record(arn, parent, spec, self._place.now())
            self._save(record)
        runner = Runner(arn, parent, spec, self._place, record, done)
        with self._lock:
            self._runners[arn] = runner
            cancelled = arn in self._cancelled
            self._cancelled.discard(arn)
        if cancelled:
            runner.abort()
        else:
            runner.wake()

    def _reopen(self, record: dict[str, Json], redrive: int) -> dict[str, Json]:
        self._executions.await_redrive(record["arn"])
        limits = Limits(**record["limits"])
        stored = record.get("progress")
        progress = Progress(limits) if stored is None else Progress.from_json(limits, stored).reopened()
        kept = {key: value for key, value in record.items() if key not in ("stopTime", "result", "results")}
        changes = {"redrives": redrive, "redriveTime": self._place.now(), "progress": progress.to_json()}
        reopened = {**kept, "status": "RUNNING", **changes}
        self._save(reopened)
        return reopened

    def cancel(self, arn: str) -> None:
        """The Map Run is no longer wanted; must not block."""
        self._held(arn, lambda: self._cancel(arn))

    def _cancel(self, arn: str) -> None:
        with self._lock:
            self._deferred.pop(arn, None)
            runner = self._runners.get(arn)
            if runner is None:
                self._cancelled.add(arn)  # it may not have begun
        if runner is not None:
            runner.abort()
            return
        record = self._resources.get(MAP_RUNS, arn)
        if record is not None:
            self._close_record(record)
            with self._lock:
                self._cancelled.discard(arn)

    def sweep(self, running: Callable[[str], bool]) -> None:
        """After a restart: close the Map Runs that nobody waits for any more, because their executions are over.

        Args:
            running: whether an execution runs.
        """
        self._held("", lambda: self._sweep(running))

    def _sweep(self, running: Callable[[str], bool]) -> None:
        for record in self._resources.list(MAP_RUNS):
            if record["status"] == "RUNNING" and not running(record["executionArn"]):
                self._close_record(record)

    def _close_record(self, record: dict[str, Json]) -> None:
        """Abort a Map Run that no runner carries out."""
        if record["status"] != "RUNNING":
            return
        self._save({**record, "status": "ABORTED", "stopTime": self._place.now()})
        while left := self._executions.page(map_run=record["arn"], status="RUNNING"):
            for child in left:
                self._place.executions.stop(child.arn)

    def _held(self, arn: str, job: Callable[[], None]) -> None:
        """Have a job done on a worker thread, after those of the same ARN; a virtual clock stands still until it is."""
        release = self._place.hold()

        def work() -> None:
            try:
                job()
            except RuntimeClosed:  # what is stored is enough to go on from
                pass
            finally:
                release()

        with self._lock:
            queue = self._queues.get(arn)
            if queue is not None:
                queue.append(work)
                return
            self._queues[arn] = deque([work])
        self._submit(lambda: self._work_off(arn))

    def _work_off(self, arn: str) -> None:
        queue = self._queues[arn]
        left = True
        while left:
            try:
                queue[0]()
            except Exception:  # those behind it have their turn all the same
                logger.exception("Map Run %s", arn)
            with self._lock:
                queue.popleft()
                left = bool(queue)
                if not left:
                    del self._queues[arn]

    def _submit(self, job: Callable[[], None]) -> None:
        def work() -> None:
            try:
                if not self._closed:
                    job()
            finally:
                with self._idle:
                    self._jobs -= 1
                    self._idle.notify_all()

        with self._idle:
            if self._closed:
                return
            self._jobs += 1
        self._submit_job(work)

    def close(self) -> None:
        """Let every runner stop where it stands; returns when they have."""
        with self._idle:
            self._closed = True
            idle = self._idle.wait_for(lambda: self._jobs == 0, CLOSE_SECONDS)
        with self._lock:
            runners = list(self._runners.values())
            self._runners.clear()
        for runner in runners if idle else ():
            runner.close()

    def update(self, arn: str, **changes: Json) -> bool:
        """Change the limits of a Map Run that is under way.

        Args:
            arn: which.
            changes: ``max_concurrency``, ``tolerated_count``, ``tolerated_percentage``: those that change.

        Returns:
            False where it is not under way.
        """
        with self._lock:
            runner = self._runners.get(arn)
        if runner is None:
            return False
        current = runner.progress.limits
        runner.update(Limits(**{name: changes.get(name, getattr(current, name)) for name in Limits.__slots__}))
        return True

    def describe(self, arn: str) -> dict[str, Json] | None:
        """A Map Run as DescribeMapRun shows it; None where there is none. Times are epoch seconds."""
        with self._lock:
            runner = self._runners.get(arn)
        record = self._resources.get(MAP_RUNS, arn) if runner is None else runner.record
        if record is None:
            return None
        limits = record["limits"]
        items, executions = _counts(record, runner)
        found = {
            **_row(record),
            "status": record["status"],
            "maxConcurrency": limits["max_concurrency"],
            "toleratedFailurePercentage": limits["tolerated_percentage"] or 0.0,
            "toleratedFailureCount": limits["tolerated_count"] or 0,
            "itemCounts": items.shown(),
            "executionCounts": executions.shown(),
            "redriveCount": record.get("redrives", 0),
        }
        del found["stateMachineArn"]
        return found | ({"redriveDate": record["redriveTime"]} if "redriveTime" in record else {})

    def list(self, execution_arn: str) -> list[dict[str, Json]]:
        """The Map Runs of an execution, newest first, as ListMapRuns shows them."""
        found = [_row(record) for record in self._resources.list(MAP_RUNS) if record["executionArn"] == execution_arn]
        return found[::-1]

    def _save(self, record: dict[str, Json]) -> None:
        if self._closed:
            raise RuntimeClosed("The local runtime was closed.")
        self._resources.put(MAP_RUNS, record["arn"], record)
        if record["status"] != "RUNNING":
            with self._lock:
                self._runners.pop(record["arn"], None)
                deferred = self._deferred.pop(record["arn"], None)
            if deferred is not None:
                self._held(record["arn"], deferred)


def _new_record(arn: str, parent: RunHeader, spec: dict[str, Json], now: float) -> dict[str, Json]:
    limits = {name: spec[name] for name in Limits.__slots__}
    machine_arn = ":".join(parent.machine_arn.split(":")[:7])
    return {
        "arn": arn, "executionArn": parent.execution_arn, "machineArn": machine_arn, "status": "RUNNING",
        "startTime": now, "limits": limits,
    }  # fmt: skip


def _row(record: dict[str, Json]) -> dict[str, Json]:
    found = {
        "mapRunArn": record["arn"],
        "executionArn": record["executionArn"],
        "stateMachineArn": record["machineArn"],
        "startDate": record["startTime"],
    }
    return found | ({"stopDate": record["stopTime"]} if "stopTime" in record else {})


def _counts(record: dict[str, Json], runner: Runner | None) -> tuple[Counts, Counts]:
    if runner is not None:
        return runner.progress.items, runner.progress.executions
    stored = record.get("progress") or {"items": {}, "executions": {}}
    return Counts(**stored["items"]), Counts(**stored["executions"])
