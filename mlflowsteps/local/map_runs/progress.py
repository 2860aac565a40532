"""A Map Run as it stands: which children have ended, how many of what, and when it is over. Pure.

Owns counting, the tolerance of failures, and how many children may run at a time. It holds numbers only, never an item
or a result: a Map Run of a million children is as small as one of ten, because the numbers of those that have ended are
kept as ranges.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

from mlflowsteps.local.records import Json

__all__ = ["MAX_CONCURRENCY", "STATUSES", "Counts", "Limits", "Progress", "Ranges"]

MAX_CONCURRENCY = 1_000
"""Most children under way at a time, where the state allows more: each is held in memory. The service: 10,000."""

STATUSES = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timedOut", "ABORTED": "aborted"}
"""What a child's status is counted as."""

_RANGES = ("ended", "failed", "pending")


class Ranges:
    """A set of integers, small where they lie together.

    Args:
        pairs: first and last of each range, in order.

    >>> found = Ranges()
    >>> for number in (0, 1, 4, 2):
    ...     found.add(number)
    >>> found.pairs(), 1 in found, 3 in found
    ([[0, 2], [4, 4]], True, False)
    """

    def __init__(self, pairs: list[list[int]] | None = None) -> None:
        self._firsts = [first for first, _ in pairs or []]
        self._lasts = [last for _, last in pairs or []]

    def add(self, number: int) -> None:
        """Add a number; one that is in already changes nothing."""
        firsts, lasts = self._firsts, self._lasts
        if lasts and lasts[-1] == number - 1:  # as nearly always
            lasts[-1] = number
            return
        at = bisect.bisect_right(firsts, number)
        if at and number <= lasts[at - 1]:
            return
        before = at > 0 and lasts[at - 1] == number - 1
        after = at < len(firsts) and firsts[at] == number + 1
        if before and after:
            lasts[at - 1] = lasts[at]
            del firsts[at], lasts[at]
        elif before:
            lasts[at - 1] = number
        elif after:
            firsts[at] = number
        else:
            firsts.insert(at, number)
            lasts.insert(at, number)

    def __contains__(self, number: int) -> bool:
        at = bisect.bisect_right(self._firsts, number)
        return at > 0 and number <= self._lasts[at - 1]

    def pairs(self) -> list[list[int]]:
        """First and last of each range, in order."""
        return [list(pair) for pair in zip(self._firsts, self._lasts, strict=True)]


@dataclass(slots=True)
class Counts:
    """How many items, or executions, are what."""

    pending: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    timedOut: int = 0  # noqa: N815 - the API's names, as the others
    aborted: int = 0
    total: int = 0
    resultsWritten: int = 0  # noqa: N815
    pendingRedrive: int = 0  # noqa: N815

    @property
    def failures(self) -> int:
        """How many have failed, however."""
        return self.failed + self.timedOut + self.aborted

    def shown(self) -> dict[str, int]:
        """As DescribeMapRun shows them."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return found | {"failuresNotRedrivable": 0}


@dataclass(slots=True)
class Limits:
    """What bounds a Map Run.

    Args:
        max_concurrency: most children at a time; 0: no bound of its own.
        tolerated_count: how many items may fail; None where nothing is said.
        tolerated_percentage: what percentage of them may; None where nothing is said.
    """

    max_concurrency: int = 0
    tolerated_count: int | None = None
    tolerated_percentage: float | None = None

    @property
    def concurrency(self) -> int:
        """Most children at a time."""
        return min(self.max_concurrency or MAX_CONCURRENCY, MAX_CONCURRENCY)


@dataclass(slots=True)
class Progress:
    """A Map Run under way.

    Args:
        limits: what bounds it; UpdateMapRun changes them.
        items, executions: counts.
        ended: numbers of the children that have ended; ``failed``: of those that did not succeed.
        pending: numbers of the children that had failed before the Map Run was redriven; each is counted as such until
            it is started again.
        running: the children under way: by number, how many items each has.
        complete: every item was read.
    """

    limits: Limits
    items: Counts = field(default_factory=Counts)
    executions: Counts = field(default_factory=Counts)
    ended: Ranges = field(default_factory=Ranges)
    failed: Ranges = field(default_factory=Ranges)
    pending: Ranges = field(default_factory=Ranges)
    running: dict[int, int] = field(default_factory=dict)
    complete: bool = False

    @property
    def room(self) -> int:
        """How many children may be started now."""
        return self.limits.concurrency - len(self.running)

    def started(self, number: int, items: int) -> None:
        """A child was started."""
        self.running[number] = items
        for counts, amount in ((self.items, items), (self.executions, 1)):
            counts.running += amount
        self._arrive(number, items)

    def finished(self, number: int, status: str) -> None:
        """A child that was started has ended."""
        items = self.running.pop(number, None)
        if items is None:
            return
        self.items.running -= items
        self.executions.running -= 1
        self._count(number, items, status)

    def passed(self, number: int, items: int, status: str) -> None:
        """A child was started and has ended at once."""
        self._arrive(number, items)
        self._count(number, items, status)

    def _arrive(self, number: int, items: int) -> None:
        pending = number in self.pending
        for counts, amount in ((self.items, items), (self.executions, 1)):
            if pending:  # it is in the total already
                counts.pendingRedrive -= amount
            else:
                counts.total += amount

    def _count(self, number: int, items: int, status: str) -> None:
        self.ended.add(number)
        if status == "SUCCEEDED":  # as nearly always
            self.items.succeeded += items
            self.executions.succeeded += 1
        else:
            self.failed.add(number)
            name = STATUSES[status]
            setattr(self.items, name, getattr(self.items, name) + items)
            setattr(self.executions, name, getattr(self.executions, name) + 1)

    @property
    def failures(self) -> int:
        """How many items have failed."""
        return self.items.failures

    def exceeded(self) -> bool:
        """Whether more have failed than is tolerated. A percentage is judged once all items are known."""
        failures, limits = self.failures, self.limits
        count, percentage = limits.tolerated_count, limits.tolerated_percentage
        if failures == 0:
            return False
        if count is None and percentage is None:
            return True
        if count is not None and failures > count:
            return True
        return percentage is not None and self.complete and failures * 100 > percentage * self.items.total

    def to_json(self) -> dict[str, Json]:
        """What is stored: as if the children under way had not been started."""
        counted = {
            name: {key: getattr(counts, key) for key in Counts.__slots__}
            for name, counts in (("items", self.items), ("executions", self.executions))
        }
        for number, items in self.running.items():
            back, sign = ("pendingRedrive", 1) if number in self.pending else ("total", -1)
            for name, amount in (("items", items), ("executions", 1)):
                counted[name]["running"] -= amount
                counted[name][back] += sign * amount
        return {**counted, **{name: getattr(self, name).pairs() for name in _RANGES}}

    def reopened(self) -> Progress:
        """What a redrive begins with: nothing was done, and what had failed is known."""
        left = [counts.failures + counts.pendingRedrive for counts in (self.items, self.executions)]
        items, executions = (Counts(total=one, pendingRedrive=one) for one in left)
        for number in (one for first, last in self.pending.pairs() for one in range(first, last + 1)):
            if number not in self.ended:  # it was never come to
                self.failed.add(number)
        return Progress(self.limits, items, executions, pending=self.failed)

    @classmethod
    def from_json(cls, limits: Limits, stored: dict[str, Json]) -> Progress:
        """What ``to_json`` wrote."""
        ended, failed, pending = (Ranges(stored.get(name)) for name in _RANGES)
        return cls(limits, Counts(**stored["items"]), Counts(**stored["executions"]), ended, failed, pending)
