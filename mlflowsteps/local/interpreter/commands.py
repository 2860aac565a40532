"""What an execution wants done: the records that ``advance`` hands back.

Owns the commands and their form in JSON; carrying them out is the scheduler's. Their order is the order to carry them
out in. A command is never the only trace of anything: folding the journal makes the same commands again.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlflowsteps.local.records import Json

from ._record import Record

__all__ = [
    "CancelMapRun", "CancelTask", "CancelTimer", "Command", "Continue", "End", "SetTimer", "StartMapRun", "StartTask",
]  # fmt: skip


class Command(Record):
    """Base of all commands."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class StartTask(Command):
    """Carry out one attempt of a Task state, and tell of its end by TaskSucceeded or TaskFailed.

    Args:
        task: number of the task, unique in the run; a retry is another task.
        state_name: name of the Task state.
        resource: its Resource, as it stands in the definition.
        parameters: the payload.
        timeout_seconds: time-out of the state; None where it has none. For information: the interpreter sets the
            timer itself.
        heartbeat_seconds: heartbeat of the state; None where it has none. For information, likewise.
        role_arn: role of the state's Credentials; None: the state machine's.
        token: task token, also where the resource does not wait for it.
    """

    task: int
    state_name: str
    resource: str
    parameters: Json
    timeout_seconds: float | None
    heartbeat_seconds: float | None
    role_arn: str | None
    token: str


@dataclass(frozen=True, slots=True)
class CancelTask(Command):
    """The task is no longer wanted: timed out, its branch was aborted, or the execution was stopped.

    Args:
        task: number of the task.
    """

    task: int


@dataclass(frozen=True, slots=True)
class StartMapRun(Command):
    """Run a child execution for each item, and tell of the end of all by MapRunEnded.

    Args:
        map_run: number of the Map Run, unique in the run; a retry is another one.
        arn: its ARN.
        spec: what it does, as JSON: the processor's definition, the items or their reader, selector, batcher, writer
            and limits.
        redrive: how often the Map Run of this ARN was redriven; 0: it is a new one.
    """

    map_run: int
    arn: str
    spec: dict[str, Json]
    redrive: int = 0


@dataclass(frozen=True, slots=True)
class CancelMapRun(Command):
    """The Map Run is no longer wanted: its branch was aborted, or the execution has ended.

    Args:
        map_run: number of the Map Run.
    """

    map_run: int


@dataclass(frozen=True, slots=True)
class SetTimer(Command):
    """Send TimerFired at a time.

    Args:
        timer: number of the timer, unique in the run.
        due: when, seconds since the epoch; may have passed.
    """

    timer: int
    due: float


@dataclass(frozen=True, slots=True)
class CancelTimer(Command):
    """The timer is no longer needed.

    Args:
        timer: number of the timer.
    """

    timer: int


@dataclass(frozen=True, slots=True)
class Continue(Command):
    """There is more to do at once: send Continued. In between, other events (Stopped) have their turn."""


@dataclass(frozen=True, slots=True)
class End(Command):
    """The execution is over; always the last command, once.

    Args:
        status: SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        output_text: the output as JSON text; None unless SUCCEEDED.
        error: error name; None where there is none.
        cause: cause; None where there is none.
    """

    status: str
    output_text: str | None = None
    error: str | None = None
    cause: str | None = None
