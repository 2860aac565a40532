"""Threads that carry out tasks: as many as there is work for, up to a limit, and none where there is none.

Owns threads and the queue before them. It knows nothing of tasks; a job is a callable that handles its own errors.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

__all__ = ["WorkerPool"]

logger = logging.getLogger(__name__)


class WorkerPool:
    """Runs jobs on daemon threads, first come, first served.

    A thread is started when a job finds none idle, so a job that blocks holds up no other until the limit is reached.

    Args:
        limit: how many threads at most, >= 1.
        name: prefix of the threads' names.
        idle_seconds: how long a thread waits for another job before it ends.
    """

    def __init__(self, limit: int, name: str, *, idle_seconds: float = 30.0) -> None:
        if limit < 1:
            raise ValueError(f"A pool needs at least 1 worker, not {limit}")
        self._limit, self._name, self._idle_seconds = limit, name, idle_seconds
        self._condition = threading.Condition()
        self._jobs: deque[Callable[[], None]] = deque()
        self._idle = self._threads = self._started = 0
        self._closed = False

    def submit(self, job: Callable[[], None]) -> None:
        """Have ``job`` run soon; after ``close`` it is dropped."""
        with self._condition:
            if self._closed:
                return
            self._jobs.append(job)
            if len(self._jobs) <= self._idle:
                self._condition.notify()
                return
            if self._threads >= self._limit:
                return
            self._threads += 1
            self._started += 1
            number = self._started
        try:
            threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True).start()
        except RuntimeError as error:  # the system has no thread left, or Python shuts down: the job waits its turn
            logger.warning("No further thread for %s: %s", self._name, error)
            with self._condition:
                self._threads -= 1

    @property
    def threads(self) -> int:
        """How many threads there are now."""
        with self._condition:
            return self._threads

    def close(self) -> None:
        """Drop the jobs that wait and let idle threads end; running jobs are not interrupted nor waited for."""
        with self._condition:
            self._closed = True
            self._jobs.clear()
            self._condition.notify_all()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except BaseException:  # whatever a user's code raises, SystemExit included, ends its job and not the pool
                logger.exception("A job of %s raised", self._name)
            del job  # else an idle thread would keep the last job, and all that it refers to, alive

    def _next(self) -> Callable[[], None] | None:
        with self._condition:
            while not self._jobs:
                self._idle += 1
                woken = not self._closed and self._condition.wait(self._idle_seconds)
                self._idle -= 1
                if not self._jobs and not woken:
                    self._threads -= 1
                    return None
            return self._jobs.popleft()
