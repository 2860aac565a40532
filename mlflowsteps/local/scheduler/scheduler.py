"""The scheduler: what the services and the runtime call, over the engine's thread and the worker threads.

Owns which executions are in memory, and which task belongs to which handler.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache, partial
from typing import Any

from mlflowsteps.asl.definition import Machine, compile_machine
from mlflowsteps.asl.payloads import loads
from mlflowsteps.exceptions import RuntimeClosed, StatesError
from mlflowsteps.local.clock import Clock
from mlflowsteps.local.interpreter import (
    End,
    Event,
    MapRunEnded,
    Redriven,
    RunHeader,
    Started,
    StartMapRun,
    Stopped,
    TaskHeartbeat,
    new_run,
    token_owner,
)
from mlflowsteps.local.map_runs import MapRuns
from mlflowsteps.local.records import TaskHandler, TaskRequest
from mlflowsteps.local.scheduler.children import Children
from mlflowsteps.local.scheduler.engine import Engine, Message, failure_row, internal_error, milliseconds, result_of
from mlflowsteps.local.scheduler.live import LiveRun, OpenTask, request_of
from mlflowsteps.local.scheduler.logs import ExecutionLogs, LogSettings
from mlflowsteps.local.scheduler.reports import EventMaker, Report, failed, succeeded
from mlflowsteps.local.scheduler.watching import Watcher, Watching, set_once
from mlflowsteps.local.scheduler.workers import WorkerPool
from mlflowsteps.local.store import Entry, ExecutionRecord, Store
from mlflowsteps.local.store.executions import encode
from mlflowsteps.local.tasks.calls import Clients

__all__ = ["Scheduler", "TokenError"]

logger = logging.getLogger(__name__)

MAP_RUN_WORKERS = 8  # Map Runs that work at the same time; one whose children all run does not
CANCELLERS = 4  # threads that tell handlers of cancelled tasks; apart from the workers, which may all be blocked


class TokenError(Exception):
    """A task token that stands for no open task.

    Args:
        known: whether this runtime made the token; its task has ended then.
    """

    def __init__(self, *, known: bool) -> None:
        self.known = known
        super().__init__("The task has ended" if known else "This is no task token of this runtime")


class Scheduler:
    """Runs executions. Safe to use from several threads; starts its first thread when the first execution starts.

    Args:
        store: where executions are kept.
        clock: what time it is.
        handlers: gives the handler of a Task state's Resource; called on worker threads. What it raises fails the task
            as what a handler raises does.
        workers: how many tasks may block at a time; more wait for their turn.
        clients: who plays S3 for the readers and writers of Map Runs; None: nobody.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        handlers: Callable[[str], TaskHandler],
        *,
        workers: int = 64,
        clients: Clients | None = None,
    ) -> None:
        self._store, self._clock, self._handlers = store, clock, handlers
        self._workers = WorkerPool(workers, "mlflowsteps-task")
        self._cancellers = WorkerPool(CANCELLERS, "mlflowsteps-cancel")
        self._map_workers = WorkerPool(MAP_RUN_WORKERS, "mlflowsteps-map-run")
        self._engine = Engine(store, clock, self)
        self._logs = ExecutionLogs(store.database.path.parent / "logs")
        self.map_runs = MapRuns(
            store,
            clients,
            Children(self, store),
            submit=self._map_workers.submit,
            now=lambda: milliseconds(clock.now()),
            hold=clock.hold,
        )
        self._lock = threading.Lock()
        self._live: dict[str, LiveRun] = {}
        self._watching = Watching(self._lock)
        self._volatile_ranks = itertools.count(-1, -1)
        self._closed: str | None = None
        self._fault: str | None = None
        self._unsubscribe = clock.subscribe(self._wake)

    # Executions

    def start(
        self,
        header: RunHeader,
        definition: str,
        *,
        durable: bool = True,
        extra: Mapping[str, Any] | None = None,
        watcher: Watcher | None = None,
        map_run: str | None = None,
    ) -> bool:
        """Start an execution.

        Args:
            header: what it is born with.
            definition: the definition's text; it was validated.
            durable: whether it is stored, and goes on after a restart. One that is not leaves no trace but in memory;
                it can be watched and waited for.
            extra: what a service keeps with the header; JSON.
            watcher: called when it has ended, as by ``watch``.
            map_run: ARN of the Map Run that it is a child of.

        Returns:
            False where the ARN is taken; nothing was started then.

        Raises:
            RuntimeClosed: the scheduler was closed.
        """
        run = new_run(machine_of(definition), header)
        with self._lock:
            self._check_open()
            if header.execution_arn in self._live:
                return False
            rank: int | None = next(self._volatile_ranks)
            if durable:
                document = {**asdict(header), "extra": dict(extra or {})}
                rank = self._store.executions.add(
                    header.execution_arn, base_arn(header.machine_arn), definition, document, map_run=map_run
                )
            if rank is None:
                return False
            log = LogSettings.of((extra or {}).get("loggingConfiguration"))
            live = self._live[header.execution_arn] = LiveRun(rank, header, run, durable=durable, log=log)
            if watcher is not None:
                self._watching.add(header.execution_arn, watcher)
            self._engine.post(Message(live, Started))  # within the lock: no stop may overtake it
        return True

    def run_in_memory(self, header: RunHeader, definition: str, watcher: Watcher) -> tuple[End, float] | None:
        """Run an execution that is not stored, on this thread as far as it goes by itself.

        Args:
            header: what it is born with.
            definition: the definition's text.
            watcher: called when it has ended, where that is not at once.

        Returns:
            Its end, and when that was; None where it waits for something: it goes on by itself then.

        Raises:
            RuntimeClosed: the scheduler was closed.
        """
        run = new_run(machine_of(definition), header)
        live = LiveRun(next(self._volatile_ranks), header, run, durable=False, remembered=False)
        try:
            _, commands = live.fold(Started(header.start_time))
        except Exception as error:
            logger.exception("An internal error ends execution %s", live.arn)
            return End("FAILED", error="States.Runtime", cause=internal_error(error)), header.start_time
        if live.end is not None:
            return live.end, live.now
        with self._lock:
            self._check_open()
            self._live[live.arn] = live
            self._watching.add(live.arn, watcher)
            self._engine.post(partial(self._engine.take_over, live, commands))
        return None

    def stop(self, execution_arn: str, error: str | None = None, cause: str | None = None) -> bool:
        """Stop an execution; returns when that is stored.

        Returns:
            False where it does not run.
        """
        with self._lock:
            self._check_open()
            live = self._live.get(execution_arn)
            if live is None:
                record = self._store.executions.get(execution_arn)
                if record is not None and record.status == "RUNNING":  # left by an earlier process, and not resumed
                    live = self._rebuild_or_fail(record)
                    if live is None:
                        return False
                    self._live[execution_arn] = live
                    if live.journal_length == 0:
                        self._engine.post(Message(live, Started))
        return live is not None and self._tell(live, lambda now: Stopped(now, error, cause))

    def redrive(self, execution_arn: str, token: str | None = None, *, watcher: Watcher | None = None) -> bool:
        """Let an execution that has ended go on from where it failed; returns when that is stored.

        Args:
            execution_arn: which; it is stored.
            token: the caller's token.
            watcher: called when it has ended again, as by ``watch``; not where this returns False.

        Returns:
            False where it does not exist, or runs.

        Raises:
            RuntimeError: it cannot be rebuilt.
        """
        with self._lock:
            self._check_open()
            record = self._store.executions.get(execution_arn)
            if execution_arn in self._live or record is None or record.status == "RUNNING":
                return False
            live = self._rebuild(record)
            live.end = None
            self._live[execution_arn] = live
            if watcher is not None:
                self._watching.add(execution_arn, watcher)
            reply: Future[bool] = Future()
            self._engine.post(Message(live, lambda now: Redriven(now, token), reply=reply))
        return reply.result()

    def wait(self, execution_arn: str, timeout: float | None = None) -> ExecutionRecord:
        """Wait for the end of an execution.

        Args:
            execution_arn: which.
            timeout: real seconds; None: as long as it takes.

        Returns:
            The execution; still RUNNING where the time ran out first.

        Raises:
            KeyError: there is no such execution.
            RuntimeClosed: the scheduler was closed meanwhile.
        """
        ended: Future[ExecutionRecord] = Future()
        unwatch = self.watch(execution_arn, partial(set_once, ended))
        try:
            return self.result(ended, timeout)
        except TimeoutError:
            return self._running_record(execution_arn)
        finally:
            unwatch()

    def result(self, ended: Future[ExecutionRecord], timeout: float | None = None) -> ExecutionRecord:
        """Wait for a Future that a watcher sets.

        Raises:
            TimeoutError: it was not set in ``timeout`` real seconds.
            RuntimeClosed: the scheduler was closed meanwhile.
        """
        return self._watching.result(ended, timeout, lambda: self._closed)

    def watch(self, execution_arn: str, callback: Callable[[ExecutionRecord], None]) -> Callable[[], None]:
        """Have ``callback`` called once, when the execution has ended; at once where it has.

        Args:
            execution_arn: which.
            callback: given the execution; called on the engine's thread, so it must not block.

        Returns:
            A function that ends the watch.

        Raises:
            KeyError: there is no such execution.
        """
        with self._lock:
            live = self._live.get(execution_arn)
            record = None if live is not None else self._ended_record(execution_arn)
            if live is None and record is None:
                raise KeyError(execution_arn)
            running = record is None or record.status == "RUNNING"
            if running:
                self._watching.add(execution_arn, callback)
        if record is not None and not running:
            callback(record)
        return partial(self._watching.remove, execution_arn, callback)

    def resume_all(self) -> int:
        """Go on with the executions that an earlier process left RUNNING.

        Their journals are folded; open tasks are handed out again, with the ids they had and what they had submitted;
        overdue timers fire.

        One that cannot be rebuilt fails with ``States.Runtime``, and harms no other.

        Returns:
            How many go on.
        """
        with self._lock:
            self._check_open()
            found = [record for record in self._store.executions.running() if record.arn not in self._live]
            resumed = [live for record in found if (live := self._rebuild_or_fail(record)) is not None]
            self._live.update((live.arn, live) for live in resumed)
        for live in resumed:
            self._engine.post(partial(self._engine.adopt, live))
        self.map_runs.sweep(lambda arn: arn in self._live)
        return len(resumed)

    def close(self, *, wait: bool = False) -> list[str]:
        """Stop working. Executions stay RUNNING in the store, for a later ``resume_all``.

        Args:
            wait: finish every execution in memory first.

        Returns:
            ARNs of the executions that are left RUNNING.
        """
        with self._lock:
            if wait and self._closed is None:
                self._watching.wait_for(lambda: self._closed is not None or not (self._live or self._watching.telling))
            first, self._closed = self._closed is None, self._closed or "The local runtime was closed."
        if first:
            self._unsubscribe()
        self._engine.stop()
        with self._lock:
            left = [arn for arn, live in self._live.items() if live.durable and live.end is None]
        self.map_runs.close()
        self._map_workers.close()
        self._workers.close()
        self._cancellers.close()
        self._watching.release(self._closed)
        return left

    @property
    def running(self) -> int:
        """How many executions run."""
        return len(self._live)

    @property
    def fault(self) -> str | None:
        """Why the engine stopped by itself; None where it did not."""
        return self._fault

    # Task tokens

    def check_token(self, token: str) -> None:
        """Raise TokenError where a token stands for no open task."""
        live, number = self._owner(token)
        with self._lock:
            if number not in live.tasks:
                raise TokenError(known=True)

    def send_task_success(self, token: str, output_text: str) -> None:
        """End the task of a token with an output; returns when that is stored.

        Raises:
            TokenError: the token stands for no open task.
        """
        live, number = self._owner(token)
        self._end_by_token(live, number, succeeded(number, output_text))

    def send_task_failure(self, token: str, error: str | None = None, cause: str | None = None) -> None:
        """Fail the task of a token; returns when that is stored.

        Raises:
            TokenError: the token stands for no open task.
        """
        live, number = self._owner(token)
        self._end_by_token(live, number, failed(number, error, cause))

    def send_task_heartbeat(self, token: str) -> None:
        """Say that the worker of a token's task is alive; returns when that is stored.

        Raises:
            TokenError: the token stands for no open task.
        """
        live, number = self._owner(token)
        if not self._tell(live, lambda now: TaskHeartbeat(now, number), task=number):
            raise TokenError(known=True)

    # Tasks that belong to no execution

    def try_task(self, request: TaskRequest, seconds: float) -> tuple[Event, dict[str, Any]]:
        """Carry one task out and wait for its end.

        Args:
            request: the task; its id ends with ``#`` and its number.
            seconds: most real seconds it may take; the task's own time-out may be shorter.

        Returns:
            What to tell of it: that it succeeded, failed, or took too long; and what went over the wire, where the
            handler tells that: ``request`` and ``response``.
        """
        self._check_open()
        number = int(request.task_id.rpartition("#")[2])
        ended: Future[EventMaker] = Future()

        def end(event: EventMaker) -> None:
            with suppress(InvalidStateError):
                ended.set_result(event)

        report = Report(number, end, lambda _event: None)
        self._workers.submit(partial(self._hand_out, request, report))
        limit = seconds if request.timeout_seconds is None else min(seconds, request.timeout_seconds)
        try:
            event = ended.result(limit)
        except TimeoutError:
            event = failed(number, "States.Timeout", None)
        return event(milliseconds(self._clock.now())), report.exchange

    # What the engine has done (see engine.Effects); called on its thread

    def start_task(self, live: LiveRun, task: OpenTask) -> None:
        """See ``engine.Effects``."""
        self._workers.submit(partial(self._run_task, live, task))

    def cancel_task(self, live: LiveRun, task: OpenTask) -> None:
        """See ``engine.Effects``."""
        with self._lock:
            handed_out, task.settled = task.handed_out, True
        if handed_out:
            self._cancellers.submit(partial(self._cancel_task, live, task))

    def log(self, live: LiveRun, history: list[dict[str, Any]]) -> None:
        """See ``engine.Effects``."""
        if live.log is not None:
            self._logs.write(live.log, live.arn, history)

    def start_map_run(self, live: LiveRun, command: StartMapRun) -> None:
        """See ``engine.Effects``."""
        done = partial(self._map_run_ended, live, command.map_run)
        self.map_runs.start(command.arn, live.header, command.spec, done, redrive=command.redrive)

    def cancel_map_run(self, map_run_arn: str) -> None:
        """See ``engine.Effects``."""
        self.map_runs.cancel(map_run_arn)

    def ended(self, live: LiveRun) -> None:
        """See ``engine.Effects``."""
        record = _record_of(live)
        with self._lock:
            del self._live[live.arn]
            watchers = self._watching.end(record, remember=live.remembered)
        self._watching.tell(watchers, record)

    def broken(self, error: BaseException) -> None:
        """See ``engine.Effects``."""
        with self._lock:
            self._fault = self._closed = f"The local runtime stopped, because storing failed: {error}"
            self._watching.wake()
        self._watching.release(self._fault)

    # Inside

    def _check_open(self) -> None:
        if self._closed is not None:
            raise RuntimeClosed(self._closed)
        self._store.database.require_writable()

    def _wake(self) -> Callable[[], None]:
        settled: Future[None] = Future()
        self._engine.post(settled)
        return settled.result

    def _tell(self, live: LiveRun, event: EventMaker, *, task: int | None = None) -> bool:
        """Send an event and wait until it is stored; False where it came too late."""
        reply: Future[bool] = Future()
        self._engine.post(Message(live, event, task=task, reply=reply))
        accepted = reply.result()
        if not accepted:
            self._check_open()
        return accepted

    def _owner(self, token: str) -> tuple[LiveRun, int]:
        try:
            arn, number = token_owner(token)
        except ValueError:
            raise TokenError(known=False) from None
        with self._lock:
            self._check_open()
            live = self._live.get(arn)
        if live is None:
            raise TokenError(known=self._store.executions.get(arn) is not None)
        return live, number

    def _end_by_token(self, live: LiveRun, number: int, event: EventMaker) -> None:
        with self._lock:
            task = live.tasks.get(number)
            if task is None or task.settled or task.early is not None:
                raise TokenError(known=True)
            if task.waits_for_token and not task.submitted:
                # The function has not returned yet that was given the token; its return comes first in the history.
                task.early = event
                return
            task.settled = True
        if not self._tell(live, event, task=number):
            raise TokenError(known=True)

    def _end_by_handler(self, live: LiveRun, task: OpenTask, event: EventMaker) -> None:
        with self._lock:
            if task.settled:
                return
            task.settled = True
        self._engine.post(Message(live, event, task=task.command.task))

    def _submit(self, live: LiveRun, task: OpenTask, event: EventMaker) -> None:
        with self._lock:
            if task.settled or task.submitted:
                return
            task.submitted = True
            early = task.early
            task.settled = early is not None
            # Under the lock: once ``submitted`` can be seen, an end by token may be posted, and must come after it.
            self._engine.post(Message(live, event, task=task.command.task))
        if early is not None:
            self._engine.post(Message(live, early, task=task.command.task))

    def _map_run_ended(
        self, live: LiveRun, number: int, status: str, output_text: str | None, error: str | None, cause: str | None
    ) -> None:
        ended = partial(MapRunEnded, map_run=number, status=status, output_text=output_text, error=error, cause=cause)
        self._engine.post(Message(live, ended, map_run=number))

    def _run_task(self, live: LiveRun, task: OpenTask) -> None:
        report = Report(
            task.command.task,
            partial(self._end_by_handler, live, task),
            partial(self._submit, live, task),
            partial(self._tell, live, task=task.command.task),
        )
        with self._lock:
            if task.settled:
                return
            task.handed_out = True
        self._hand_out(request_of(task.command, live.arn, task.output), report)

    def _hand_out(self, request: TaskRequest, report: Report) -> None:
        try:
            self._handlers(request.resource).start(request, report)
        except StatesError as error:
            report.failed(error.error, error.cause)
        except Exception as error:
            if self._closed is None:  # a runtime that closes takes the ground from under its tasks
                logger.exception("Task %s of execution %s raised", request.state_name, request.execution_arn)
            report.failed("States.Runtime", f"{type(error).__name__}: {error}")

    def _cancel_task(self, live: LiveRun, task: OpenTask) -> None:
        try:
            self._handlers(task.command.resource).cancel(request_of(task.command, live.arn, task.output))
        except Exception:
            logger.exception("Cancelling task %s of execution %s raised", task.command.state_name, live.arn)

    def _rebuild_or_fail(self, record: ExecutionRecord) -> LiveRun | None:
        try:
            return self._rebuild(record)
        except Exception as error:
            logger.exception("Execution %s cannot go on", record.arn)
            end = End("FAILED", error="States.Runtime", cause=internal_error(error))
            now = max(milliseconds(self._clock.now()), record.start_time)
            row = failure_row(end, now, self._store.executions.last_event_id(record.id))
            entry = Entry(record.id, history=[row], end=(end.status, now, encode(result_of(end))))
            self._store.executions.commit([entry])
            return None

    def _rebuild(self, record: ExecutionRecord) -> LiveRun:
        document = {key: value for key, value in record.header.items() if key != "extra"}
        header = RunHeader(**document)
        log = LogSettings.of(record.header["extra"].get("loggingConfiguration"))
        run = new_run(machine_of(self._store.executions.definition(record.digest)), header)
        live = LiveRun(record.id, header, run, log=log)
        live.replay(Event.from_json(event) for event in self._store.executions.journal(record.id))
        stored = self._store.executions.last_event_id(record.id)
        if live.last_event_id != stored:
            raise RuntimeError(
                f"its journal gives {live.last_event_id} history events, but {stored} are stored: "
                "it was begun by another version of mlflowsteps"
            )
        if log is not None:
            self._logs.catch_up(log, record.arn, self._store.executions.history(record.id))
        for task in live.tasks.values():
            task.handed_out = True  # perhaps, by that process: a handler may have something to stop
        return live

    def _ended_record(self, execution_arn: str) -> ExecutionRecord | None:
        return self._watching.remembered(execution_arn) or self._store.executions.get(execution_arn)

    def _running_record(self, execution_arn: str) -> ExecutionRecord:
        with self._lock:
            live = self._live.get(execution_arn)
        record = self._ended_record(execution_arn) if live is None else _record_of(live)
        if record is None:
            raise KeyError(execution_arn)
        return record


@lru_cache(maxsize=128)
def machine_of(definition: str) -> Machine:
    """The compiled form of a definition's text; made once for executions that share it."""
    return compile_machine(loads(definition))


def base_arn(machine_arn: str) -> str:
    """The ARN of a state machine without a version's number or an alias.

    >>> base_arn("arn:aws:states:us-east-1:123456789012:stateMachine:m:7")
    'arn:aws:states:us-east-1:123456789012:stateMachine:m'
    """
    return ":".join(machine_arn.split(":")[:7])


def _record_of(live: LiveRun) -> ExecutionRecord:
    """What the store holds of a run, from memory."""
    header, end = live.header, live.end
    return ExecutionRecord(
        live.rank,
        live.arn,
        base_arn(header.machine_arn),
        "RUNNING" if end is None else end.status,
        header.start_time,
        None if end is None else live.now,
        "",
        asdict(header),
        {} if end is None else result_of(end),
        redrives=live.run.redrives,
    )
