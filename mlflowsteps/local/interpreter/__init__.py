"""The engine's heart: (run, event) -> (history events, commands). Pure and deterministic.

This room owns what an execution does next. It refuses all else: no thread, no I/O, no clock, no random source; the
time comes in with each event, draws and ids come from the header's seed. So folding a journal of events over a new run
gives the same history and the same commands, on any machine, at any time.
"""

from __future__ import annotations

from .advance import MAX_STEPS, advance, new_run
from .commands import (
    CancelMapRun,
    CancelTask,
    CancelTimer,
    Command,
    Continue,
    End,
    SetTimer,
    StartMapRun,
    StartTask,
)
from .events import (
    Continued,
    Event,
    MapRunEnded,
    Redriven,
    Started,
    Stopped,
    TaskFailed,
    TaskHeartbeat,
    TaskStarted,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
)
from .header import MAX_HISTORY_EVENTS, RunHeader, task_token, token_owner
from .run import Outcome, Run

__all__ = [
    "MAX_HISTORY_EVENTS",
    "MAX_STEPS",
    "CancelMapRun",
    "CancelTask",
    "CancelTimer",
    "Command",
    "Continue",
    "Continued",
    "End",
    "Event",
    "MapRunEnded",
    "Outcome",
    "Redriven",
    "Run",
    "RunHeader",
    "SetTimer",
    "StartMapRun",
    "StartTask",
    "Started",
    "Stopped",
    "TaskFailed",
    "TaskHeartbeat",
    "TaskStarted",
    "TaskSubmitted",
    "TaskSucceeded",
    "TimerFired",
    "advance",
    "new_run",
    "task_token",
    "token_owner",
]
