"""What a handler is given to report by: turns what it says into events for the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlflowsteps.asl.payloads import dumps
from mlflowsteps.local.interpreter import Event, TaskFailed, TaskStarted, TaskSubmitted, TaskSucceeded
from mlflowsteps.local.records import Json

__all__ = ["CAUSE_SIZE", "ERROR_SIZE", "Report", "failed", "succeeded"]

ERROR_SIZE, CAUSE_SIZE = 256, 32_768

EventMaker = Callable[[float], Event]


def succeeded(task: int, output_text: str) -> EventMaker:
    """The end of a task, but for its time."""
    return lambda now: TaskSucceeded(now, task, output_text)


def failed(task: int, error: str | None, cause: str | None, phase: str = "run") -> EventMaker:
    """The failure of a task, but for its time; texts are cut to the service's lengths."""
    error = None if error is None else str(error)[:ERROR_SIZE]
    cause = None if cause is None else str(cause)[:CAUSE_SIZE]
    return lambda now: TaskFailed(now, task, error, cause, phase)


class Report:
    """A TaskReport of one task; ``end`` and ``submit`` are the scheduler's, and drop what comes too late.

    Args:
        task: number of the task.
        end: takes the event that ends the task.
        submit: takes the event and the output of the service's first answer.
        begin: takes the event of a worker's start; whether it was stored. None: no worker can start it.
    """

    __slots__ = ("_begin", "_end", "_submit", "_task", "exchange")

    def __init__(
        self,
        task: int,
        end: Callable[[EventMaker], None],
        submit: Callable[[EventMaker], None],
        begin: Callable[[EventMaker], bool] | None = None,
    ) -> None:
        self._task, self._end, self._submit, self._begin = task, end, submit, begin
        self.exchange: dict[str, Json] = {}

    def started(self, worker: str | None) -> bool:
        """See ``records.TaskReport``."""
        task = self._task
        return self._begin is not None and self._begin(lambda now: TaskStarted(now, task, worker))

    def exchanged(self, request: Mapping[str, Json], response: Mapping[str, Json]) -> None:
        """See ``records.TaskReport``."""
        self.exchange = {"request": dict(request), "response": dict(response)}

    def submitted(self, output: Json) -> None:
        """See ``records.TaskReport``; an output that is no JSON fails the task."""
        task = self._task
        if self._text(output) is None:
            return
        self._submit(lambda now: TaskSubmitted(now, task, output))

    def succeeded(self, output: Json) -> None:
        """See ``records.TaskReport``; an output that is no JSON fails the task."""
        text = self._text(output)
        if text is not None:
            self._end(succeeded(self._task, text))

    def failed(self, error: str, cause: str | None = None, *, phase: str = "run") -> None:
        """See ``records.TaskReport``."""
        self._end(failed(self._task, error, cause, phase))

    def _text(self, output: Json) -> str | None:
        try:
            return dumps(output)
        except (TypeError, ValueError, RecursionError) as error:
            self.failed("States.Runtime", f"The task's output is no JSON: {error}")
            return None
