"""Which jobs run now and which wait: at most so many at a time, in the order in which they came, a thread for each."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from mlflowsteps.local.jobs.job import Job

__all__ = ["Dispatcher"]


class Dispatcher:
    """Runs jobs on threads of their own, which live as long as the jobs' processes.

    Args:
        limit: most jobs at a time, >= 1.
        work: does a whole job; never raises.
    """

    def __init__(self, limit: int, work: Callable[[Job], None]) -> None:
        self._limit, self._work = limit, work
        self._waiting: deque[Job] = deque()
        self._running: dict[Job, threading.Thread] = {}
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, job: Job) -> None:
        """Run the job as soon as there is room."""
        with self._lock:
            self._waiting.append(job)
        self._pump()

    def withdraw(self, job: Job) -> bool:
        """Take a job that has not begun out of the line; False where it has."""
        with self._lock:
            if job in self._waiting:
                self._waiting.remove(job)
                return True
        return False

    def _pump(self) -> None:
        with self._lock:
            while self._waiting and len(self._running) < self._limit and not self._closed:
                job = self._waiting.popleft()
                thread = threading.Thread(target=self._run, args=(job,), name=f"job-{job.name}", daemon=True)
                self._running[job] = thread
                thread.start()

    def _run(self, job: Job) -> None:
        try:
            self._work(job)
        finally:
            with self._lock:
                del self._running[job]
            self._pump()

    def close(self) -> list[Job]:
        """Begin no more jobs; returns those that run, which the caller is to ask to end."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            return list(self._running)

    def join(self, timeout_seconds: float) -> None:
        """Wait for the threads of the jobs that run."""
        with self._lock:
            threads = list(self._running.values())
        for thread in threads:
            thread.join(timeout_seconds)
