"""One Map Run carried out: reads items, starts children, takes what they come to, and ends.

A runner is an actor: what happens is put into its inbox, and one job at a time, on a worker thread, takes it out. Owns
the order of these and when to store how far it has come. Counting is ``progress``'s; executions are the scheduler's.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlflowsteps.asl.arns import execution_arn, express_arn
from mlflowsteps.asl.payloads import dumps
from mlflowsteps.exceptions import RuntimeClosed, StatesError
from mlflowsteps.local.interpreter import RunHeader
from mlflowsteps.local.interpreter.distributed import THRESHOLD
from mlflowsteps.local.map_runs.formats import READER_FAILED
from mlflowsteps.local.map_runs.inputs import ChildInput, child_inputs
from mlflowsteps.local.map_runs.progress import Limits, Progress
from mlflowsteps.local.map_runs.results import WRITER_FAILED, Child, Ended, make_results
from mlflowsteps.local.map_runs.sources import Bucket, items_of_reader, items_of_state
from mlflowsteps.local.records import Json
from mlflowsteps.local.tasks.calls import Clients

__all__ = ["Done", "Ended", "Executions", "Place", "Runner"]

logger = logging.getLogger(__name__)

CHECKPOINT = 2_000  # children that end between two records of how far it has come
TURN = 256  # children started before the inbox is looked into

Done = Callable[[str, str | None, str | None, str | None], None]
"""Told how a Map Run ended: status, output text, error, cause."""


class Executions(Protocol):
    """What a Map Run needs of the scheduler."""

    def begin(
        self, header: RunHeader, definition: str, extra: dict[str, Json], watcher: Callable[[Ended], None]
    ) -> Ended | None:
        """Start a child execution, or find the one that was started before, or redrive it where it waits for that.

        Args:
            header: what it is born with; a STANDARD one is stored.
            definition: its state machine.
            extra: what is kept with it: ``mapRunArn`` and ``itemCount``.
            watcher: told of its end; not called where that is returned. It must not block.

        Returns:
            How it ended, where it has ended already.
        """

    def await_redrive(self, map_run_arn: str) -> None:
        """The Map Run is redriven: ``begin`` redrives those of its children that are stored and did not succeed."""

    def succeeded(self, execution_arn: str) -> Ended | None:
        """How a child ended that is stored and succeeded; None for any other."""

    def stop(self, execution_arn: str) -> None:
        """Stop a child execution; its watcher is told."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a runner works with.

    Args:
        clients: who plays S3; None: nobody.
        executions: runs the children.
        submit: has a job done on a worker thread.
        now: what time it is.
        hold: keeps a virtual clock from jumping until what it returns is called.
        save: stores the record of a Map Run.
        closed: whether the runtime is closing.
        folder: where files of results may grow.
    """

    clients: Clients | None
    executions: Executions
    submit: Callable[[Callable[[], None]], None]
    now: Callable[[], float]
    hold: Callable[[], Callable[[], None]]
    save: Callable[[dict[str, Json]], None]
    closed: Callable[[], bool]
    folder: Path


class Runner:
    """Carries out one Map Run.

    Args:
        arn: ARN of the Map Run.
        parent: what the execution was born with that it belongs to.
        spec: what it does, as ``StartMapRun`` has it.
        place: what it works with.
        record: what was stored of it; only the first keys where it is new.
        done: told how it ended, unless it was aborted.
    """

    def __init__(
        self, arn: str, parent: RunHeader, spec: dict[str, Json], place: Place, record: dict[str, Json], done: Done
    ) -> None:
        self.arn, self.parent, self.spec, self.record = arn, parent, spec, record
        self._place, self._done = place, done
        limits = Limits(**record["limits"])
        stored = record.get("progress")
        self.progress = Progress(limits) if stored is None else Progress.from_json(limits, stored)
        self._resumed = stored is not None
        name = arn.rpartition(":")[0].rpartition(":")[2]  # Machine/Label
        before = parent.machine_arn.split(":")[:6]
        self._machine_name, self._machine_arn = name, ":".join([*before, name])
        self._express = spec["execution_type"] == "EXPRESS"
        self._definition = dumps(spec["processor"])
        self._redrives = record.get("redrives", 0)
        folder = arn.rpartition(":")[2] + (f"-{self._redrives}" if self._redrives else "")
        bucket = Bucket(place.clients, WRITER_FAILED)
        self._results = make_results(spec, arn, self._machine_arn, bucket, place.folder / folder)
        if record.get("results") is not None:
            self._results.restore(record["results"])
        self._inputs: Iterator[tuple[int, ChildInput]] | None = None
        self._children: dict[int, Child] = {}
        self._failure: tuple[str, str | None] | None = None
        self._aborted = self._stopping = self._over = False
        self._unsaved = 0
        self._inbox: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._scheduled = False
        self._release: Callable[[], None] = _nothing

    # From any thread

    def wake(self) -> None:
        """Have it go on."""
        self._post(lambda: None)

    def abort(self) -> None:
        """The Map Run is no longer wanted: its children are stopped."""
        self._post(self._abort)

    def update(self, limits: Limits) -> None:
        """Other limits from now on."""
        self._post(lambda: self._update(limits))

    def _post(self, event: Callable[[], None]) -> None:
        with self._lock:
            self._inbox.append(event)
            if self._scheduled:
                return
            self._scheduled = True
            self._release = self._place.hold()
        self._place.submit(self._work)

    def close(self) -> None:
        """Let go of what is open; only once no job is under way and none will come."""
        self._inputs = None
        self._results.close()

    # On a worker thread, one job at a time

    def _work(self) -> None:
        try:
            while self._take():
                self._go_on()
        except RuntimeClosed:  # what is stored is enough to go on from
            self._leave()
        except Exception as error:
            logger.exception("Map Run %s", self.arn)
            self._fail(StatesError("States.Runtime", f"Internal error of the local runtime: {error!r}"))
            self._end_safely()

    def _take(self) -> bool:
        """Take what is in the inbox; False where there is nothing more to do now."""
        if self._place.closed():
            raise RuntimeClosed("The local runtime was closed.")
        with self._lock:
            events = list(self._inbox)
            self._inbox.clear()
            if not events and (self._over or not self._busy()):
                self._scheduled = False
                release = self._release
            else:
                release = None
        if release is not None:
            release()
            return False
        for event in events:
            event()
        return True

    def _busy(self) -> bool:
        """Whether a child could be started now."""
        return not self._stopping and not self.progress.complete and self.progress.room > 0

    def _leave(self) -> None:
        with self._lock:
            self._scheduled = self._over = True
        self._release()

    def _go_on(self) -> None:
        if self._over:
            return
        self._judge()
        if not self._stopping:
            try:
                self._start_children()
            except StatesError as error:
                self._fail(error)
            self._judge()
        if self.progress.running or not (self._stopping or self.progress.complete):
            if self._unsaved >= CHECKPOINT:
                self._save()
            return
        self._end()

    def _judge(self) -> None:
        if not self._stopping and self.progress.exceeded():
            self._fail(StatesError(THRESHOLD.error or "", THRESHOLD.cause or ""))

    def _start_children(self) -> None:
        if self._inputs is None:
            self._inputs = enumerate(child_inputs(self.spec, self._items(), self.arn))
        progress, inputs = self.progress, self._inputs
        for _ in range(TURN):
            if progress.room <= 0:
                return
            found = next(inputs, None)
            if found is None:
                progress.complete = True
                return
            number, (text, items) = found
            if not (self._resumed and number in progress.ended):
                self._start(number, text, items)

    def _items(self) -> Iterator[tuple[Json, str | None, str]]:
        if self.spec["reader"] is None:
            return items_of_state(self.spec["items"])
        return items_of_reader(self.spec["reader"], Bucket(self._place.clients, READER_FAILED))

    def _start(self, number: int, text: str, items: int) -> None:
        header = self._header(number, text)
        child = Child(number, header.execution_arn, header.name, text, header.start_time)
        extra = {"mapRunArn": self.arn, "itemCount": items}
        ended = self._place.executions.begin(header, self._definition, extra, _Watcher(self, number))
        if ended is None:
            self._children[number] = child
            self.progress.started(number, items)
        else:
            self.progress.passed(number, items, ended.status)
            self._unsaved += 1
            self._results.add(child, ended)

    def _header(self, number: int, text: str) -> RunHeader:
        """What a child is born with: the same whenever it is started."""
        digest = hashlib.blake2b(f"{self.arn}#{number}".encode(), digest_size=32).hexdigest()
        name = _uuid(digest)
        if self._express:
            arn = express_arn(self._machine_arn, name, _uuid(digest[32:]))
        else:
            arn = execution_arn(self._machine_arn, name)
        return RunHeader(
            execution_arn=arn,
            name=name,
            role_arn=self.parent.role_arn,
            machine_arn=self._machine_arn,
            machine_name=self._machine_name,
            start_time=self._place.now(),
            seed=int(digest[:16], 16),
            input_text=text,
            machine_type="EXPRESS" if self._express else "STANDARD",
            max_events=self.parent.max_events,
            max_payload_bytes=self.parent.max_payload_bytes,
            max_variables_bytes=self.parent.max_variables_bytes,
            express_seconds=self.parent.express_seconds,
        )

    def child_ended(self, number: int, ended: Ended) -> None:
        """A child that was under way has ended; from any thread."""
        self._post(lambda: self._ended(number, ended))

    def _ended(self, number: int, ended: Ended) -> None:
        child = self._children.pop(number, None)
        if child is None:
            return
        self.progress.finished(number, ended.status)
        self._unsaved += 1
        try:
            self._results.add(child, ended)
        except StatesError as error:
            self._fail(error)

    def _fail(self, error: StatesError) -> None:
        if self._failure is None:
            self._failure = (error.error, error.cause)
        self._stop_children()

    def _abort(self) -> None:
        self._aborted = True
        self._stop_children()

    def _stop_children(self) -> None:
        if not self._stopping:
            self._stopping = True
            for child in list(self._children.values()):
                self._place.executions.stop(child.arn)

    def _update(self, limits: Limits) -> None:
        self.progress.limits = limits
        self._save()

    # The end

    def _end_safely(self) -> None:
        try:
            self._children.clear()
            self._end()
        except RuntimeClosed:
            pass
        finally:
            self._leave()

    def _end(self) -> None:
        output = self._finish()
        self._over = True
        if self._failure is not None and not self._aborted:
            status = "FAILED"
        else:
            status = "ABORTED" if self._aborted else "SUCCEEDED"
        error, cause = self._failure if status == "FAILED" and self._failure else (None, None)
        result = {"output": output if status == "SUCCEEDED" else None, "error": error, "cause": cause}
        self._save(status=status, stopTime=self._place.now(), result=result)
        self._results.discard()
        if status != "ABORTED":
            self._done(status, result["output"], error, cause)

    def _finish(self) -> str | None:
        """Complete the results, also those of a Map Run that failed; a failure to do so fails it."""
        try:
            if self._stopping and self.spec["writer"] is not None and self._inputs is not None:
                self._drain()
            output = self._results.finish()
        except StatesError as error:
            self._failure = self._failure or (error.error, error.cause)
            return None
        if self.spec["writer"] is not None:
            for counts in (self.progress.items, self.progress.executions):
                counts.resultsWritten = counts.total - counts.running
        return output

    def _drain(self) -> None:
        """Tell of the children that are never started."""
        for number, (text, items) in self._inputs or ():
            if number not in self.progress.ended:
                self._leave_out(number, text, items)

    def _leave_out(self, number: int, text: str, items: int) -> None:
        header = self._header(number, text)
        child = Child(number, header.execution_arn, header.name, text, None)
        ended = self._place.executions.succeeded(child.arn) if self._redrives else None
        if ended is not None:  # before the redrive
            self.progress.passed(number, items, ended.status)
            self._results.add(child, ended)
            return
        self._results.pending(child)
        if number not in self.progress.pending:
            for counts, amount in ((self.progress.items, items), (self.progress.executions, 1)):
                counts.pending += amount
                counts.total += amount

    def _save(self, **changes: Json) -> None:
        limits = self.progress.limits
        self.record |= {
            "limits": {name: getattr(limits, name) for name in Limits.__slots__},
            "progress": self.progress.to_json(),
            "results": None if self._over else self._results.to_json(),
            **changes,
        }
        self._place.save(self.record)
        self._unsaved = 0


class _Watcher:
    """Tells a runner of the end of a child."""

    __slots__ = ("_number", "_runner")

    def __init__(self, runner: Runner, number: int) -> None:
        self._runner, self._number = runner, number

    def __call__(self, ended: Ended) -> None:
        self._runner.child_ended(self._number, ended)


def _nothing() -> None:
    """What is to be released before anything is held."""


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"
