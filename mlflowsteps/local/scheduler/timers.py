"""Timers of all runs, by due time, then by the rank of the run, then by the timer's number."""

from __future__ import annotations

import heapq

__all__ = ["Timers"]

Key = tuple[int, int]  # rank of the run, number of the timer in it


class Timers:
    """A heap of timers that can be cancelled. Not safe to use from several threads: the engine's own."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int]] = []
        self._due: dict[Key, float] = {}

    def __len__(self) -> int:
        return len(self._due)

    def set(self, run: int, timer: int, due: float) -> None:
        """Have a timer fire at ``due``, in place of the one of this number if there is one."""
        self._due[run, timer] = due
        heapq.heappush(self._heap, (due, run, timer))

    def cancel(self, run: int, timer: int) -> None:
        """Forget a timer; nothing happens where there is none."""
        self._due.pop((run, timer), None)
        # Entries of cancelled timers stay in the heap until they surface; a heap of mostly those is built anew.
        if len(self._heap) > 64 and len(self._heap) > 2 * len(self._due):
            self._heap = [(due, *key) for key, due in self._due.items()]
            heapq.heapify(self._heap)

    def first(self) -> float | None:
        """When the next timer is due; None where there is none."""
        while self._heap:
            due, run, timer = self._heap[0]
            if self._due.get((run, timer)) == due:
                return due
            heapq.heappop(self._heap)
        return None

    def pop_due(self, now: float) -> list[tuple[float, int, int]]:
        """Take the timers whose time has come: (due, run, timer), in order.

        Only those of the earliest due time: what they bring about may set or cancel those of the next.
        """
        found: list[tuple[float, int, int]] = []
        while (due := self.first()) is not None and due <= now and (not found or due == found[0][0]):
            entry = heapq.heappop(self._heap)
            del self._due[entry[1], entry[2]]
            found.append(entry)
        return found
