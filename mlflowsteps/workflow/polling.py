"""Asking again until something has ended, at growing intervals.

It owns the intervals and the deadline; what is asked is the caller's. Time comes in as functions, so that tests need
not wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["Pace", "is_passing", "pause", "poll"]

Found = TypeVar("Found")


class Pace:
    """The intervals between two looks: they grow while nothing happens, to ``longest``.

    Args:
        first: first interval, in seconds, more than 0.
        longest: longest interval, in seconds.
        growth: what an interval is multiplied by to give the next.

    >>> pace = Pace(1.0, longest=3.0, growth=2.0)
    >>> [pace.next(), pace.next(), pace.next()]
    [1.0, 2.0, 3.0]
    """

    def __init__(self, first: float = 0.5, *, longest: float = 15.0, growth: float = 1.5) -> None:
        self.first, self.longest, self.growth = first, max(first, longest), growth
        self._interval = first

    def next(self) -> float:
        """The interval to wait now, in seconds."""
        interval = self._interval
        self._interval = min(interval * self.growth, self.longest)
        return interval

    def restart(self) -> None:
        """Something happened: begin with short intervals again."""
        self._interval = self.first


_PASSING = frozenset(
    {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "RequestTimeout"}
    | {"InternalFailure", "InternalServerError", "InternalServiceError", "ServiceUnavailable"}
)


def is_passing(error: Exception) -> bool:
    """Whether asking again later may well help: throttling, a fault of the service's, or of the network on the way."""
    from botocore import exceptions as botocore

    if isinstance(error, botocore.ClientError):
        answer = error.response
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return answer.get("Error", {}).get("Code") in _PASSING or status >= 500
    return isinstance(error, botocore.HTTPClientError | botocore.ConnectionError)


def pause(seconds: float) -> None:
    """Wait so many seconds."""
    time.sleep(seconds)


def poll(
    look: Callable[[], Found | None],
    *,
    timeout: float | None = None,
    pace: Pace | None = None,
    sleep: Callable[[float], object] | None = None,
    clock: Callable[[], float] | None = None,
) -> Found | None:
    """Look until there is something.

    Args:
        look: gives what was waited for, or None.
        timeout: seconds; None: as long as it takes. 0: look once.
        pace: the intervals.
        sleep: waits so many seconds; may return early.
        clock: a clock that never goes back, in seconds.

    Returns:
        What ``look`` gave; None where the time ran out.
    """
    pace, sleep, clock = pace or Pace(), sleep or pause, clock or time.monotonic
    deadline = None if timeout is None else clock() + timeout
    while True:
        found = look()
        if found is not None:
            return found
        interval = pace.next()
        if deadline is not None:
            left = deadline - clock()
            if left <= 0:
                return None
            interval = min(interval, left)
        sleep(interval)
