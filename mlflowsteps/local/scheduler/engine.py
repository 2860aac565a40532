"""The engine's thread: takes messages and timers, folds them, stores them in groups, then has their effects done.

Owns the order of things: what is told to a run is stored, with the history it makes, before any effect of it. It knows
neither handlers nor callers; effects are the scheduler's. Nothing that may block is done on this thread but storing.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeAlias

from mlflowsteps.local.clock import Clock
from mlflowsteps.local.interpreter import (
    CancelTimer,
    Command,
    Continue,
    Continued,
    End,
    Event,
    Redriven,
    SetTimer,
    Started,
    StartMapRun,
    StartTask,
    TimerFired,
)
from mlflowsteps.local.records import Json
from mlflowsteps.local.scheduler.live import LiveRun, OpenTask
from mlflowsteps.local.scheduler.timers import Timers
from mlflowsteps.local.store import Entry, Store
from mlflowsteps.local.store.executions import encode

__all__ = ["Effects", "Engine", "Message", "failure_row", "internal_error", "milliseconds", "result_of"]

logger = logging.getLogger(__name__)

GROUP_SIZE = 256  # messages folded before they are stored: bounds how long a caller waits for its own
TURNS = 16  # runs with more to do at once that get a turn in a group: each turn is hundreds of transitions
CAUSE_SIZE = 32_768


def milliseconds(seconds: float) -> float:
    """A time at the service's resolution, rounded down.

    >>> milliseconds(12.3456)
    12.345
    """
    return math.floor(seconds * 1000) / 1000


@dataclass(slots=True)
class Message:
    """Something for a run.

    Args:
        live: which run.
        event: makes the event, given the time.
        task: the task it is about; the message is refused where that one is no longer open.
        timer: the timer it is about; likewise.
        map_run: the Map Run it is about; likewise.
        reply: told when the event is stored (True), or was refused (False).
    """

    live: LiveRun
    event: Callable[[float], Event]
    task: int | None = None
    timer: int | None = None
    map_run: int | None = None
    reply: Future[bool] | None = None


Item: TypeAlias = "Message | Callable[[], None] | Future[None] | None"
"""What the inbox takes: something for a run; a callable, called by the engine's thread; a Future, set when all that is
due has been done; None, which only wakes."""


class Effects(Protocol):
    """What the engine has done for it; nothing here may block or raise."""

    def start_task(self, live: LiveRun, task: OpenTask) -> None:
        """Hand a task to its handler."""

    def cancel_task(self, live: LiveRun, task: OpenTask) -> None:
        """Tell a handler that a task is no longer wanted."""

    def start_map_run(self, live: LiveRun, command: StartMapRun) -> None:
        """Have a Map Run carried out."""

    def cancel_map_run(self, map_run_arn: str) -> None:
        """A Map Run is no longer wanted."""

    def log(self, live: LiveRun, history: list[dict[str, Json]]) -> None:
        """These events of a run that is logged are stored."""

    def ended(self, live: LiveRun) -> None:
        """The run has ended, and its end is stored."""

    def broken(self, error: BaseException) -> None:
        """The engine has stopped: the store failed."""


class Engine:
    """One thread over an inbox. It is started by the first message.

    Args:
        store: where groups go.
        clock: what time it is, and how long to sleep.
        effects: what is told of tasks and ends.
    """

    def __init__(self, store: Store, clock: Clock, effects: Effects) -> None:
        self._store, self._clock, self._effects = store, clock, effects
        self._inbox: SimpleQueue[Item] = SimpleQueue()
        self._ready: deque[Message] = deque()  # runs with more to do at once
        self._woken_by: list[Message] = []
        self._timers = Timers()
        self._runs: dict[int, LiveRun] = {}
        self._open_tasks = 0
        self._settlers: list[Future[None]] = []
        self._by_command: dict[type[Command], Callable[[LiveRun, Any], None]] = {
            StartTask: self._start_task,
            StartMapRun: self._start_map_run,
            SetTimer: self._set_timer,
            CancelTimer: self._cancel_timer,
            Continue: self._go_on,
            End: self._end,
        }
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._thread_lock = threading.Lock()

    # From any thread

    def post(self, item: Item) -> None:
        """Put something in the inbox; the first time, start the thread."""
        self._inbox.put(item)
        if self._stopping:
            self._refuse_rest()
        elif self._thread is None:
            with self._thread_lock:
                if self._thread is None and not self._stopping:
                    self._thread = threading.Thread(target=self._main, name="mlflowsteps-engine", daemon=True)
                    self._thread.start()

    def adopt(self, live: LiveRun) -> None:
        """Go on with a run that was rebuilt from its journal; on the engine's thread only.

        Open tasks are handed out again, but for those that wait for their token alone; overdue timers fire.
        """
        self._admit(live)
        for timer, due in live.timers.items():
            self._timers.set(live.rank, timer, due)
        for task in list(live.tasks.values()):
            if not (task.started or (task.submitted and task.waits_for_token)):
                self._effects.start_task(live, task)
        for command in list(live.map_runs.values()):
            self._effects.start_map_run(live, command)
        for map_run_arn in live.take_cancelled_map_runs():  # the process may have died before it came to that
            self._effects.cancel_map_run(map_run_arn)
        if live.journal_length == 0:
            self._ready.append(Message(live, Started))
        elif live.continues:
            self._go_on(live)

    def take_over(self, live: LiveRun, commands: list[Command]) -> None:
        """Go on with a run whose first event another thread has folded; on the engine's thread only."""
        self._admit(live)
        self._carry_out(live, commands)

    def stop(self) -> None:
        """End the thread after the group it works on; messages not yet taken are dropped."""
        with self._thread_lock:
            self._stopping = True
            thread = self._thread
        self._inbox.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._refuse_rest()

    # The engine's thread

    def _main(self) -> None:
        try:
            while not self._stopping:
                batch = self._collect()
                if batch:
                    self._process(batch)
        except BaseException as error:
            logger.exception("The engine stopped; executions that run go on when the runtime is opened again")
            self._break(error)
            self._refuse_rest()

    def _break(self, error: BaseException) -> None:
        if not self._stopping:
            self._stopping = True
            self._effects.broken(error)

    def _refuse_rest(self) -> None:
        self._settle()
        for message in self._woken_by:
            self._inbox.put(message)
        self._woken_by = []
        while True:
            try:
                item = self._inbox.get_nowait()
            except Empty:
                self._inbox.put(None)  # what wakes the engine's thread so that it ends may have been among them
                return
            if isinstance(item, Message):
                if item.reply is not None:
                    item.reply.set_result(False)
            elif isinstance(item, Future):
                item.set_result(None)

    def _collect(self) -> list[Message]:
        """Messages, in order: what came in, what goes on, what is due; sleeps where there is nothing."""
        batch, self._woken_by = self._woken_by, []  # it came before all that is in the inbox now
        self._drain(batch)
        batch.extend(self._ready.popleft() for _ in range(min(TURNS, len(self._ready))))
        if len(self._timers):
            batch.extend(self._fire(self._clock.now()))
        if not batch and not self._stopping:
            self._sleep()
        return batch

    def _drain(self, batch: list[Message]) -> None:
        while len(batch) < GROUP_SIZE:
            try:
                self._take(self._inbox.get_nowait(), batch)
            except Empty:
                return

    def _take(self, item: Item, batch: list[Message]) -> None:
        if isinstance(item, Message):
            batch.append(item)
        elif isinstance(item, Future):
            self._settlers.append(item)
        elif item is not None:
            item()

    def _fire(self, now: float) -> list[Message]:
        fired = []
        for due, rank, timer in self._timers.pop_due(now):
            live = self._runs.get(rank)
            if live is not None:
                fired.append(Message(live, _timer_fired(timer, due), timer=timer))
        return fired

    def _sleep(self) -> None:
        """Nothing is to be done now: wait for a message or the next timer, as the clock says."""
        due = self._timers.first()
        seconds = None if due is None else self._clock.sleep_seconds(due, busy=self._open_tasks > 0)
        if seconds == 0.0:
            return
        self._settle()
        try:
            self._take(self._inbox.get(timeout=seconds), self._woken_by)
        except Empty:
            return

    def _settle(self) -> None:
        while self._settlers:
            with suppress(IndexError):  # while the engine stops, another thread may take the last one
                self._settlers.pop().set_result(None)

    def _process(self, batch: list[Message]) -> None:
        """Fold a group, store it, and only then let it have effects."""
        group = _Group(milliseconds(self._clock.now()))
        try:
            accepted = [self._fold(message, group) for message in batch]
            if group.entries:
                self._store.executions.commit(group.entries.values())
            for live, history in group.logged:
                self._effects.log(live, history)
            for live, commands in group.effects:
                self._carry_out(live, commands)
        except BaseException as error:
            self._break(error)  # before anybody is told, so that nobody finds the engine open after that
            for message in batch:
                if message.reply is not None:
                    message.reply.set_exception(error)
            raise
        for message, reply in zip(batch, accepted, strict=True):
            if message.reply is not None:
                message.reply.set_result(reply)

    def _admit(self, live: LiveRun) -> None:
        if live.rank not in self._runs:
            self._runs[live.rank] = live
            self._open_tasks += len(live.tasks)

    def _fold(self, message: Message, group: _Group) -> bool:
        """Fold one message; False where it came too late and is dropped."""
        live = message.live
        if _too_late(message):
            return False
        self._admit(live)
        open_before, last_event_id = len(live.tasks), live.last_event_id
        entry = group.entry(live)
        try:
            event = message.event(max(group.now, live.now))
            history, commands = live.fold(event)
            if live.log is not None and history:
                group.logged.append((live, history))
            if entry is not None:
                _check_ids(history, last_event_id)
                rows = [(item["id"], encode(item)) for item in history]
                entry.journal.append((live.journal_length, encode(event.to_json())))
                entry.history.extend(rows)
                if isinstance(event, Redriven):
                    entry.redrive = (event.now, event.token)
        except Exception as error:
            logger.exception("An internal error ends execution %s", live.arn)
            commands = _fail(live, max(group.now, live.now), error, entry, last_event_id)
        if live.end is not None and entry is not None:
            entry.end = (live.end.status, live.now, encode(result_of(live.end)))
        self._open_tasks += len(live.tasks) - open_before
        group.effects.append((live, commands))
        return True

    def _carry_out(self, live: LiveRun, commands: list[Command]) -> None:
        before = len(live.tasks)
        for task in live.take_cancelled():
            self._effects.cancel_task(live, task)
        self._open_tasks += len(live.tasks) - before
        for map_run_arn in live.take_cancelled_map_runs():
            self._effects.cancel_map_run(map_run_arn)
        for command in commands:
            effect = self._by_command.get(type(command))
            if effect is not None:
                effect(live, command)

    def _start_task(self, live: LiveRun, command: StartTask) -> None:
        task = live.tasks.get(command.task)
        if task is not None:
            self._effects.start_task(live, task)

    def _start_map_run(self, live: LiveRun, command: StartMapRun) -> None:
        if command.map_run in live.map_runs:
            self._effects.start_map_run(live, command)

    def _set_timer(self, live: LiveRun, command: SetTimer) -> None:
        if command.timer in live.timers:
            self._timers.set(live.rank, command.timer, command.due)

    def _cancel_timer(self, live: LiveRun, command: CancelTimer) -> None:
        self._timers.cancel(live.rank, command.timer)

    def _go_on(self, live: LiveRun, command: Continue | None = None) -> None:
        del command
        if not live.continue_posted:
            live.continue_posted = True
            self._ready.append(Message(live, Continued))

    def _end(self, live: LiveRun, command: End) -> None:
        del command
        self._runs.pop(live.rank, None)
        for timer in live.timers:
            self._timers.cancel(live.rank, timer)
        live.timers.clear()
        self._effects.ended(live)


class _Group:
    """What is folded at one time and stored together."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.entries: dict[int, Entry] = {}
        self.effects: list[tuple[LiveRun, list[Command]]] = []
        self.logged: list[tuple[LiveRun, list[dict[str, Json]]]] = []

    def entry(self, live: LiveRun) -> Entry | None:
        if not live.durable:
            return None
        entry = self.entries.get(live.rank)
        if entry is None:
            entry = self.entries[live.rank] = Entry(live.rank)
        return entry


def _too_late(message: Message) -> bool:
    live = message.live
    return (
        live.end is not None
        or (message.task is not None and message.task not in live.tasks)
        or (message.timer is not None and message.timer not in live.timers)
        or (message.map_run is not None and message.map_run not in live.map_runs)
    )


def _check_ids(history: list[dict[str, Json]], last: int) -> None:
    # A number twice would have the store refuse the whole group, and so one run's fault stop all others.
    if history and (history[0]["id"] != last + 1 or history[-1]["id"] != last + len(history)):
        raise RuntimeError(f"history events are numbered {history[0]['id']} to {history[-1]['id']} after {last}")


def _timer_fired(timer: int, due: float) -> Callable[[float], Event]:
    # The time of the event is never before the timer's, which rounding to milliseconds could make it.
    return lambda now: TimerFired(max(now, due), timer)


def result_of(end: End) -> dict[str, Json]:
    """What of an end is stored beside its status."""
    found = {"output": end.output_text, "error": end.error, "cause": end.cause}
    return {key: value for key, value in found.items() if value is not None}


def _fail(live: LiveRun, now: float, error: Exception, entry: Entry | None, last_event_id: int) -> list[Command]:
    """End a run whose folding raised: the fault is ours, and must neither hang it nor harm another."""
    end = End("FAILED", error="States.Runtime", cause=internal_error(error))
    live.end, live.now, live.last_event_id = end, now, last_event_id + 1
    if entry is not None:
        entry.history.append(failure_row(end, now, last_event_id))
    return [end]


def internal_error(error: Exception) -> str:
    """The cause of an execution that a fault of ours ended."""
    return f"Internal error of the local runtime: {type(error).__name__}: {error}"[:CAUSE_SIZE]


def failure_row(end: End, now: float, last_event_id: int) -> tuple[int, str]:
    """The history event, ready to be stored, of an end that did not come from the interpreter."""
    event = {
        "timestamp": now,
        "type": "ExecutionFailed",
        "id": last_event_id + 1,
        "previousEventId": last_event_id,
        "executionFailedEventDetails": {"error": end.error, "cause": end.cause},
    }
    return last_event_id + 1, encode(event)
