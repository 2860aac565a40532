"""Activities: tasks that wait until a worker asks for one.

Owns the queue of each activity, in the order of scheduling, and the workers that wait at it. A task is a worker's once
its start is stored, so that no two workers are given one task, and a restart gives it to nobody else.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from mlflowsteps.asl.payloads import dumps
from mlflowsteps.local.records import TaskReport, TaskRequest

__all__ = ["Activities", "TooManyWorkers"]


class TooManyWorkers(Exception):
    """As many workers wait for tasks of one activity as may."""


@dataclass(slots=True)
class _Queue:
    tasks: deque[tuple[TaskRequest, TaskReport]] = field(default_factory=deque)
    workers: int = 0


class Activities:
    """The tasks of activities that no worker has taken yet; handler of activities. Safe to use from several threads.

    Args:
        exists: whether there is an activity of an ARN.
        workers: how many may wait for tasks of one activity at a time.
    """

    def __init__(self, exists: Callable[[str], bool], *, workers: int = 1_000) -> None:
        self._exists, self._most = exists, workers
        self._changed = threading.Condition()
        self._queues: dict[str, _Queue] = {}
        self._closed = False

    def start(self, task: TaskRequest, report: TaskReport) -> None:
        """Queue a task; it is reported by its token alone."""
        if not self._exists(task.resource):
            cause = f"Activity Does Not Exist: '{task.resource}'"
            report.failed("ActivityDoesNotExist", cause, phase="schedule")
            return
        with self._changed:
            self._queues.setdefault(task.resource, _Queue()).tasks.append((task, report))
            self._changed.notify_all()

    def cancel(self, task: TaskRequest) -> None:
        """Take a task out of its queue, if no worker has it."""
        with self._changed:
            queue = self._queues.get(task.resource)
            if queue is not None:
                left = [one for one in queue.tasks if one[0].task_id != task.task_id]
                queue.tasks = deque(left)

    def take(self, arn: str, worker: str | None, seconds: float) -> tuple[str, str] | None:
        """Wait for a task and take it.

        Args:
            arn: the activity.
            worker: name of the worker; None where it gives none.
            seconds: most real seconds to wait.

        Returns:
            The task's token and its input as JSON text; None where there was no task in time.

        Raises:
            TooManyWorkers: no more may wait.
        """
        deadline = time.monotonic() + seconds
        while (found := self._next(arn, deadline)) is not None:
            task, report = found
            if report.started(worker):
                return task.token, dumps(task.parameters)
        return None

    def waiting(self, arn: str) -> int:
        """How many workers wait for tasks of an activity."""
        with self._changed:
            return self._queues[arn].workers if arn in self._queues else 0

    def close(self) -> None:
        """Send every worker away; tasks that are queued are handed out again after a restart."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _next(self, arn: str, deadline: float) -> tuple[TaskRequest, TaskReport] | None:
        with self._changed:
            queue = self._queues.setdefault(arn, _Queue())
            if queue.workers >= self._most:
                raise TooManyWorkers(f"{self._most} workers wait for tasks of {arn}; no more may")
            queue.workers += 1
            try:
                while not queue.tasks:
                    left = deadline - time.monotonic()
                    if self._closed or left <= 0:
                        return None
                    self._changed.wait(left)
                return None if self._closed else queue.tasks.popleft()
            finally:
                queue.workers -= 1
