"""Time as the runtime sees it: the system's, or a virtual one that skips waits.

Owns what "now" is and when the scheduler may go to sleep or move on. It fires no timer itself: the scheduler keeps the
timers and asks the clock how long to wait for the first of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeAlias

__all__ = ["Clock", "SystemClock", "VirtualClock"]

VIRTUAL_EPOCH = 1_767_225_600.0  # 2026-01-01T00:00:00Z: any fixed time does; a fixed one makes histories repeatable


Wake: TypeAlias = Callable[[], Callable[[], None]]
"""Told that the time was moved or a hold released; must not block. What it returns blocks until all that is due by then
has been done."""


class Clock(Protocol):
    """What time it is, and what a scheduler with nothing to do does until its next timer."""

    def now(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z, at a resolution of a millisecond or finer."""

    def sleep_seconds(self, due: float, *, busy: bool) -> float | None:
        """How long the scheduler may sleep before it looks at its timers again.

        Args:
            due: when the first timer is due, as ``now`` tells time; may be past.
            busy: something outside the scheduler may still report: a function or job runs, or a task token or an
                activity is outstanding.

        Returns:
            Real seconds; 0.0: the timer is due (a virtual clock has moved to it); None: sleep until woken.
        """

    def patience(self, seconds: float) -> float:
        """Real seconds for which a caller may be kept waiting for what may not come.

        Args:
            seconds: how long the service keeps it waiting.
        """

    def hold(self) -> Callable[[], None]:
        """Say that something runs which takes real time, such as a job that no task waits for.

        Returns:
            A function that says it has ended; calling it twice does nothing more.
        """

    def subscribe(self, wake: Wake) -> Callable[[], None]:
        """Have ``wake`` called when the time was moved by hand or a hold was released.

        Returns:
            A function that ends the subscription.
        """


class SystemClock:
    """The machine's own time. Timers survive a suspended machine: they fire when it wakes."""

    # A sleeping scheduler looks at the wall clock again after this long, because its sleep is measured by the monotonic
    # clock, which a suspended machine or a corrected wall clock leaves behind.
    LONGEST_SLEEP_SECONDS = 5.0

    def now(self) -> float:
        """The wall clock, in seconds since the epoch."""
        return time.time()

    def sleep_seconds(self, due: float, *, busy: bool) -> float | None:
        """The time left until ``due``, at most five seconds at once."""
        del busy
        return min(max(0.0, due - time.time()), self.LONGEST_SLEEP_SECONDS)

    def patience(self, seconds: float) -> float:
        """As long as the service."""
        return seconds

    def hold(self) -> Callable[[], None]:
        """Nothing holds this clock."""
        return lambda: None

    def subscribe(self, wake: Wake) -> Callable[[], None]:
        """Nothing moves this clock by hand: ``wake`` is never called."""
        del wake
        return lambda: None


class VirtualClock:
    """A clock that stands still while work is done and jumps to the next timer when none is.

    A year of Wait passes in milliseconds, and the same definition and input give the same times on every run. The clock
    jumps only when no function or job runs and no task token or activity is outstanding; then ``advance`` moves it.

    Args:
        start: the first ``now``, in seconds since the epoch; 2026-01-01T00:00:00Z where left out.

    >>> clock = VirtualClock(start=1000.0)
    >>> clock.advance(seconds=60)
    >>> clock.now()
    1060.0
    """

    def __init__(self, start: float = VIRTUAL_EPOCH) -> None:
        self._now = self._target = float(start)
        self._holds = 0
        self._lock = threading.Lock()
        self._subscribers: list[Wake] = []

    def now(self) -> float:
        """The virtual time, in seconds since the epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the time on by hand, through each timer that falls due on the way, in order, at its own time.

        Returns when what those timers brought about has been stored and commanded. Not to be called by what a scheduler
        runs on its own thread (a callback of ``watch``).

        Args:
            seconds: how far, >= 0.

        Raises:
            ValueError: seconds is negative or no number: time does not run backwards.
        """
        if not seconds >= 0:
            raise ValueError(f"seconds is {seconds}: a clock cannot be moved back")
        with self._lock:
            target = self._target = max(self._target, self._now) + seconds
            wakes = list(self._subscribers)
        for settle in [wake() for wake in wakes]:
            settle()
        with self._lock:
            self._now = max(self._now, target)

    def sleep_seconds(self, due: float, *, busy: bool) -> float | None:
        """0.0 where the timer is due, or was moved or jumped to; None while something may still report."""
        with self._lock:
            if due > self._target and (busy or self._holds):
                return None
            self._now = max(self._now, due)
            self._target = max(self._target, due)
            return 0.0

    def patience(self, seconds: float) -> float:
        """A second at most: who waits for a clock that stands still would wait in vain."""
        return min(seconds, 1.0)

    def hold(self) -> Callable[[], None]:
        """Keep the clock from jumping until the function returned is called."""
        with self._lock:
            self._holds += 1
        released = threading.Lock()

        def release() -> None:
            if not released.acquire(blocking=False):
                return
            with self._lock:
                self._holds -= 1
                wakes = list(self._subscribers)
            for wake in wakes:
                wake()

        return release

    def subscribe(self, wake: Wake) -> Callable[[], None]:
        """Have ``wake`` called after each ``advance`` and release; returns what ends that."""
        with self._lock:
            self._subscribers.append(wake)

        def unsubscribe() -> None:
            with self._lock:
                if wake in self._subscribers:
                    self._subscribers.remove(wake)

        return unsubscribe
