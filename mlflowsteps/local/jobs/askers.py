"""Threads that ask containers while nobody waits: some at most, and none that holds up the end of a program.

``concurrent.futures`` has its threads joined before a program's ``atexit`` functions, which close the runtime, may run.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

__all__ = ["Askers"]

Call = Callable[[], None]


class Askers:
    """Daemon threads, first come, first served.

    Args:
        limit: how many threads at most, >= 1.
        name: theirs.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._limit, self._name = limit, name
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Call, Call]] = deque()
        self._threads: set[threading.Thread] = set()
        self._closed = False

    def submit(self, work: Call, done: Call) -> None:
        """Have work done soon.

        Args:
            work: handles its own errors.
            done: called after it, or where it is given up.

        Raises:
            RuntimeError: it was closed.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError(f"{self._name} was closed")
            self._waiting.append((work, done))
            if len(self._threads) < self._limit:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._threads.add(thread)
                thread.start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads.discard(threading.current_thread())
                    return
                work, done = self._waiting.popleft()
            try:
                work()
            finally:
                done()

    def close(self) -> None:
        """Begin no more; what waits is given up."""
        with self._lock:
            self._closed = True
            given_up, self._waiting = self._waiting, deque()
        for _, done in given_up:
            done()

    def join(self) -> None:
        """Wait for what is under way."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join()
