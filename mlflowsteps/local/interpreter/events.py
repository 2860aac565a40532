"""What an execution is told: the records of its journal.

Owns the events that ``advance`` takes and their form in JSON. Folding them, in order, over a new run rebuilds it; so
they hold everything that comes from outside: the time, results of tasks, the wish to stop. Not to be confused with
history events, which are what an execution *answers* (``asl.events``).
"""

from __future__ import annotations

from dataclasses import dataclass

from mlflowsteps.local.records import Json

from ._record import Record

__all__ = [
    "Continued",
    "Event",
    "MapRunEnded",
    "Redriven",
    "Started",
    "Stopped",
    "TaskFailed",
    "TaskHeartbeat",
    "TaskStarted",
    "TaskSubmitted",
    "TaskSucceeded",
    "TimerFired",
]


@dataclass(frozen=True, slots=True)
class Event(Record):
    """Base of all events.

    Args:
        now: when it happened, seconds since the epoch; never less than that of the event before.
    """

    now: float


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The execution begins; always the first event, once."""


@dataclass(frozen=True, slots=True)
class Continued(Event):
    """The answer to the command ``Continue``: go on with the transitions that are left."""


@dataclass(frozen=True, slots=True)
class TaskStarted(Event):
    """An activity worker took the task; only for activities, whose start the history shows.

    Args:
        task: number of the task.
        worker: the worker's name; None where it gave none.
    """

    task: int
    worker: str | None = None


@dataclass(frozen=True, slots=True)
class TaskSubmitted(Event):
    """The service accepted the request of a ``.sync`` or ``.waitForTaskToken`` task.

    Args:
        task: number of the task.
        output: what the service answered.
    """

    task: int
    output: Json = None


@dataclass(frozen=True, slots=True)
class TaskSucceeded(Event):
    """The task is done.

    Args:
        task: number of the task.
        output_text: its result as JSON text, as the service or function wrote it.
    """

    task: int
    output_text: str


@dataclass(frozen=True, slots=True)
class TaskFailed(Event):
    """The task failed.

    Args:
        task: number of the task.
        error: error name; None where a caller of SendTaskFailure gave none.
        cause: cause; None where there is none.
        phase: ``schedule``, ``start``, ``submit`` or ``run``: which of the history's failure events it becomes.
    """

    task: int
    error: str | None = None
    cause: str | None = None
    phase: str = "run"


@dataclass(frozen=True, slots=True)
class TaskHeartbeat(Event):
    """The task's worker is alive: its heartbeat timer starts anew.

    Args:
        task: number of the task.
    """

    task: int


@dataclass(frozen=True, slots=True)
class MapRunEnded(Event):
    """The Map Run of a Distributed Map is over.

    Args:
        map_run: number of the Map Run.
        status: SUCCEEDED or FAILED.
        output_text: the state's result as JSON text; None unless SUCCEEDED.
        error: error name; None unless FAILED.
        cause: cause; None where there is none.
    """

    map_run: int
    status: str
    output_text: str | None = None
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class TimerFired(Event):
    """A timer's time has come. One that was cancelled, or fired before, is ignored.

    Args:
        timer: number of the timer.
    """

    timer: int


@dataclass(frozen=True, slots=True)
class Redriven(Event):
    """RedriveExecution was called: an execution that failed, was stopped or timed out goes on.

    Args:
        token: the caller's token, by which a second call of the same redrive is known; None where it gave none.
    """

    token: str | None = None


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """StopExecution was called.

    Args:
        error: the caller's error name; None where it gave none.
        cause: the caller's cause; None where it gave none.
    """

    error: str | None = None
    cause: str | None = None
