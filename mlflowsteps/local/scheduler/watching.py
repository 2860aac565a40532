"""Who waits for the ends of executions: callbacks, threads that block, and ends that no store holds.

It owns these lists, not the executions; the scheduler says when one ends. All of it stands under the scheduler's lock.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress

from mlflowsteps.exceptions import RuntimeClosed
from mlflowsteps.local.store import ExecutionRecord

__all__ = ["Watcher", "Watching", "set_once"]

logger = logging.getLogger(__name__)

REMEMBERED = 256  # ended executions that are not stored, and can still be waited for

Watcher = Callable[[ExecutionRecord], None]


class Watching:
    """The watchers of executions, by ARN.

    Args:
        lock: the scheduler's.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._watchers: dict[str, list[Watcher]] = {}
        self._waiting: set[Future[ExecutionRecord]] = set()
        self._remembered: OrderedDict[str, ExecutionRecord] = OrderedDict()
        self._told = threading.Condition(lock)
        self._telling = 0  # executions that have ended and whose watchers are being told

    # With the lock held

    def add(self, arn: str, watcher: Watcher) -> None:
        """Have a watcher told of an execution that runs."""
        self._watchers.setdefault(arn, []).append(watcher)

    def end(self, record: ExecutionRecord, *, remember: bool) -> list[Watcher]:
        """An execution has ended: its watchers, to be given to ``tell``."""
        self._telling += 1
        if remember:
            self._remembered[record.arn] = record
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return self._watchers.pop(record.arn, [])

    def remembered(self, arn: str) -> ExecutionRecord | None:
        """The end of an execution, where it is remembered here."""
        return self._remembered.get(arn)

    @property
    def telling(self) -> bool:
        """Whether watchers of an execution that has ended are still being told."""
        return self._telling > 0

    def wait_for(self, predicate: Callable[[], bool]) -> None:
        """Let go of the lock until the predicate holds; it is asked again after each end and at ``wake``."""
        self._told.wait_for(predicate)

    def wake(self) -> None:
        """Have ``wait_for`` ask again."""
        self._told.notify_all()

    # Without the lock

    def tell(self, watchers: list[Watcher], record: ExecutionRecord) -> None:
        """Call watchers, whatever one of them raises."""
        for watcher in watchers:
            try:
                watcher(record)
            except Exception:
                logger.exception("A watcher of execution %s raised", record.arn)
        with self._lock:
            self._telling -= 1
            self.wake()

    def remove(self, arn: str, watcher: Watcher) -> None:
        """End a watch."""
        with self._lock:
            watchers = self._watchers.get(arn, [])
            if watcher in watchers:
                watchers.remove(watcher)
            if not watchers:
                self._watchers.pop(arn, None)

    def result(
        self, ended: Future[ExecutionRecord], timeout: float | None, closed: Callable[[], str | None]
    ) -> ExecutionRecord:
        """Wait for a Future that a watcher sets.

        Args:
            ended: what the watcher sets.
            timeout: most real seconds; None: as long as it takes.
            closed: why nothing more will be told; None where it will.

        Raises:
            TimeoutError: it was not set in time.
            RuntimeClosed: the scheduler was closed meanwhile.
        """
        with self._lock:
            self._waiting.add(ended)
            reason = closed()
        try:
            if reason is not None and not ended.done():
                raise RuntimeClosed(reason)
            return ended.result(timeout)
        finally:
            with self._lock:
                self._waiting.discard(ended)

    def release(self, reason: str) -> None:
        """Nothing more will be told: every thread that waits in ``result`` gets RuntimeClosed."""
        with self._lock:
            waiting = list(self._waiting)
        for ended in waiting:
            with suppress(InvalidStateError):
                ended.set_exception(RuntimeClosed(reason))


def set_once(ended: Future[ExecutionRecord], record: ExecutionRecord) -> None:
    """A watcher's way to set a Future that may have been given up."""
    with suppress(InvalidStateError):
        ended.set_result(record)
