"""A run in memory: the interpreter's state and what it is waiting for.

Folding an event tells what to store and what to do. The same folding, over the journal, rebuilds a run after a restart;
what is open then is what has to be handed out again. No thread, no I/O; used by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mlflowsteps.local.interpreter import (
    CancelMapRun,
    CancelTask,
    CancelTimer,
    Command,
    Continue,
    Continued,
    End,
    Event,
    MapRunEnded,
    Redriven,
    RunHeader,
    SetTimer,
    StartMapRun,
    StartTask,
    TaskFailed,
    TaskStarted,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
    advance,
)
from mlflowsteps.local.records import Json, TaskRequest
from mlflowsteps.local.scheduler.logs import LogSettings

__all__ = ["LiveRun", "OpenTask", "request_of"]


class OpenTask:
    """A task that was commanded and has not ended.

    Args:
        command: the interpreter's command.
    """

    __slots__ = ("command", "early", "handed_out", "output", "settled", "started", "submitted")

    def __init__(self, command: StartTask) -> None:
        self.command = command
        self.started = False  # a worker has it (activities)
        self.submitted = False
        self.output: Json = None  # what was reported by ``submitted``
        self.handed_out = False  # a handler knows of it
        self.settled = False  # an end was reported, or it is no longer wanted; what comes later is dropped
        self.early: Callable[[float], Event] | None = None  # an end by token that came before ``submitted``

    @property
    def waits_for_token(self) -> bool:
        """Whether its end is told by a task token alone, not by its handler."""
        return self.command.resource.endswith(".waitForTaskToken")


def request_of(command: StartTask, execution_arn: str, submitted: Json = None) -> TaskRequest:
    """What a handler is given of a task.

    Args:
        command: the interpreter's command.
        execution_arn: the task's execution.
        submitted: what the task's handler has reported as ``submitted`` before.
    """
    return TaskRequest(
        task_id=f"{execution_arn}#{command.task}",
        execution_arn=execution_arn,
        state_name=command.state_name,
        resource=command.resource,
        parameters=command.parameters,
        token=command.token,
        timeout_seconds=command.timeout_seconds,
        heartbeat_seconds=command.heartbeat_seconds,
        role_arn=command.role_arn,
        submitted=submitted,
    )


class LiveRun:
    """One execution that runs.

    Args:
        rank: its id in the store; unique among the runs of a scheduler.
        header: what it was born with.
        run: the interpreter's own state.
        durable: whether journal and history are stored.
        remembered: whether, not being stored, it can still be asked for after its end.
        log: what of it is logged; None: nothing.
    """

    def __init__(
        self,
        rank: int,
        header: RunHeader,
        run: Any,
        *,
        durable: bool = True,
        remembered: bool = True,
        log: LogSettings | None = None,
    ) -> None:
        self.rank, self.header, self.run, self.durable = rank, header, run, durable
        self.remembered = remembered and not durable
        self.log = log
        self.tasks: dict[int, OpenTask] = {}
        self.cancelled: list[OpenTask] = []  # since the last ``take_cancelled``
        self.map_runs: dict[int, StartMapRun] = {}
        self.cancelled_map_runs: list[str] = []  # their ARNs, since the last ``take_cancelled_map_runs``
        self.timers: dict[int, float] = {}
        self.continues = False  # there is more to do at once
        self.continue_posted = False  # and the engine has noted it
        self.end: End | None = None
        self.journal_length = 0
        self.last_event_id = 0
        self.now = header.start_time

    @property
    def arn(self) -> str:
        """ARN of the execution."""
        return self.header.execution_arn

    def fold(self, event: Event) -> tuple[list[dict[str, Json]], list[Command]]:
        """Take one event.

        Returns:
            History events and commands, in order.
        """
        outcome = advance(self.run, event)
        self.now = event.now
        self.journal_length += 1
        forget = _FORGET.get(type(event))
        if forget is not None:
            forget(self, event)
        for command in outcome.commands:
            note = _NOTE.get(type(command))
            if note is not None:
                note(self, command)
        if outcome.history:
            self.last_event_id = outcome.history[-1]["id"]
        return outcome.history, outcome.commands

    def take_cancelled(self) -> list[OpenTask]:
        """The tasks that are no longer wanted since the last call; once the run has ended, all that were open."""
        if self.end is not None:
            for task in self.tasks.values():
                task.settled = True
            self.cancelled.extend(self.tasks.values())
            self.tasks.clear()
        cancelled, self.cancelled = self.cancelled, []
        return cancelled

    def take_cancelled_map_runs(self) -> list[str]:
        """ARNs of the Map Runs that are no longer wanted since the last call."""
        cancelled, self.cancelled_map_runs = self.cancelled_map_runs, []
        return cancelled

    def replay(self, journal: Iterable[Event]) -> None:
        """Take the events of a journal, from the first; what is open afterwards is to be handed out again."""
        for event in journal:
            self.fold(event)
        self.take_cancelled()


def _note_task(live: LiveRun, command: StartTask) -> None:
    live.tasks[command.task] = OpenTask(command)


def _note_timer(live: LiveRun, command: SetTimer) -> None:
    live.timers[command.timer] = command.due


def _note_continue(live: LiveRun, command: Continue) -> None:
    del command
    live.continues = True


def _note_end(live: LiveRun, command: End) -> None:
    live.end = command


def _drop_task(live: LiveRun, event: TaskSucceeded | TaskFailed) -> None:
    task = live.tasks.pop(event.task, None)
    if task is not None:
        task.settled = True


def _cancel_task(live: LiveRun, command: CancelTask) -> None:
    task = live.tasks.pop(command.task, None)
    if task is not None:
        task.settled = True
        live.cancelled.append(task)


def _note_map_run(live: LiveRun, command: StartMapRun) -> None:
    live.map_runs[command.map_run] = command


def _cancel_map_run(live: LiveRun, command: CancelMapRun) -> None:
    found = live.map_runs.pop(command.map_run, None)
    if found is not None:
        live.cancelled_map_runs.append(found.arn)


def _drop_map_run(live: LiveRun, event: MapRunEnded) -> None:
    live.map_runs.pop(event.map_run, None)


def _drop_timer(live: LiveRun, ending: TimerFired | CancelTimer) -> None:
    live.timers.pop(ending.timer, None)


def _note_submitted(live: LiveRun, event: TaskSubmitted) -> None:
    task = live.tasks.get(event.task)
    if task is not None:
        task.submitted, task.output = True, event.output


def _note_started(live: LiveRun, event: TaskStarted) -> None:
    task = live.tasks.get(event.task)
    if task is not None:
        task.started = True


def _note_continued(live: LiveRun, event: Continued) -> None:
    del event
    live.continues = live.continue_posted = False


def _note_redriven(live: LiveRun, event: Redriven) -> None:
    del event
    live.end = None
    live.continues = live.continue_posted = False


_NOTE: dict[type[Command], Callable[[LiveRun, Any], None]] = {
    StartTask: _note_task,
    StartMapRun: _note_map_run,
    CancelMapRun: _cancel_map_run,
    SetTimer: _note_timer,
    CancelTask: _cancel_task,
    CancelTimer: _drop_timer,
    Continue: _note_continue,
    End: _note_end,
}

_FORGET: dict[type[Event], Callable[[LiveRun, Any], None]] = {
    TaskSucceeded: _drop_task,
    TaskFailed: _drop_task,
    TaskStarted: _note_started,
    TaskSubmitted: _note_submitted,
    TimerFired: _drop_timer,
    MapRunEnded: _drop_map_run,
    Redriven: _note_redriven,
    Continued: _note_continued,
}
