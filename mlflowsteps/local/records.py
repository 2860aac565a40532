"""What the rooms of the runtime hand to one another: frozen records and the seams between scheduler and tasks.

Pure: no I/O, no clock, no thread. The interpreter's own records (run, command, event) stand in ``interpreter``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

__all__ = ["Json", "TaskHandler", "TaskReport", "TaskRequest"]

Json: TypeAlias = Any
"""A JSON document: None, bool, int, float, str, list of Json, dict of str to Json."""


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """One attempt of a Task state, ready to be carried out.

    Args:
        task_id: unique in the runtime and the same when the attempt is handed out again after a restart, so that a
            handler can recognise what it began before.
        execution_arn: the execution the task belongs to.
        state_name: name of the Task state.
        resource: the state's Resource, as it stands in the definition.
        parameters: the payload after Parameters or Arguments.
        token: task token; what SendTaskSuccess and its like are given.
        timeout_seconds: the state's time-out; None where it has none.
        heartbeat_seconds: the state's heartbeat; None where it has none.
        role_arn: role the task is run with; None: the state machine's.
        submitted: after a restart, the output this task already reported by ``submitted``; None on a first call.
    """

    task_id: str
    execution_arn: str
    state_name: str
    resource: str
    parameters: Json
    token: str
    timeout_seconds: float | None = None
    heartbeat_seconds: float | None = None
    role_arn: str | None = None
    submitted: Json = None


class TaskReport(Protocol):
    """How a handler tells the scheduler what became of a task; every method may be called from any thread.

    Exactly one of ``succeeded`` and ``failed`` ends a task; what is reported after that is dropped.
    """

    def started(self, worker: str | None) -> bool:
        """A worker takes the task (activities); True once that is stored, False where the task is no longer wanted."""

    def submitted(self, output: Json) -> None:
        """The request was accepted and goes on (.sync, .waitForTaskToken); output is what the service answered."""

    def succeeded(self, output: Json) -> None:
        """The task is done; output becomes the state's result."""

    def exchanged(self, request: Mapping[str, Json], response: Mapping[str, Json]) -> None:
        """What went over the wire (HTTP tasks); shown by TestState, else to nobody."""

    def failed(self, error: str, cause: str | None = None, *, phase: str = "run") -> None:
        """The task failed.

        Args:
            error: error name, such as ``States.TaskFailed``.
            cause: cause, up to 32,768 characters.
            phase: ``schedule``, ``start``, ``submit`` or ``run``: which of the history's failure events it becomes.
        """


class TaskHandler(Protocol):
    """Carries out the tasks of some resources. One instance serves all executions, from several threads."""

    def start(self, task: TaskRequest, report: TaskReport) -> None:
        """Begin the task; called on a worker thread, where it may block.

        It may return before the task has ended, and report later from another thread. A StatesError raised here is
        the same as ``report.failed``; any other exception is a fault of the runtime and fails the task with
        ``States.Runtime`` and the exception's text.
        """

    def cancel(self, task: TaskRequest) -> None:
        """The execution no longer wants the task (stopped, timed out): stop what it started. May be called late."""
