"""States that hold state machines: Parallel and the inline Map.

Owns their branches and iterations: starting them, gathering their outputs in order, and the events around them. At
most ``MAX_INLINE_CONCURRENCY`` iterations are under way at a time, as at the service, so a Map of many items holds few
frames. A Distributed Map stands in ``distributed``.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mlflowsteps.asl.dataflow import LocatedError, payload_text
from mlflowsteps.asl.definition import MapWork, ParallelWork, Setting, number_of
from mlflowsteps.asl.fields import JSONATA
from mlflowsteps.asl.payloads import Scope, dumps
from mlflowsteps.exceptions import StatesError

from .run import Frame, Run
from .transitions import complete, start_child

if TYPE_CHECKING:
    from mlflowsteps.asl.payloads import Json

__all__ = ["MAX_INLINE_CONCURRENCY", "work_map", "work_parallel"]

MAX_INLINE_CONCURRENCY = 40


# --- Parallel


class _Branches:
    """The branches of a Parallel state."""

    def __init__(self, frame: Frame, count: int) -> None:
        self.frame = frame
        self.outputs: list[Json] = [None] * count
        self.running: dict[int, Frame] = {}

    def done(self, run: Run, child: Frame, output: Json) -> None:
        """A branch ended; after the last one the state goes on from its last event."""
        self.outputs[child.index] = output
        del self.running[child.index]
        if not self.running:
            self.frame.previous = child.previous
            run.schedule(self.frame, self.complete)

    def failed(self, run: Run, child: Frame) -> None:  # noqa: ARG002 - a Map's iterations use it
        """A branch failed: the state goes on from the branch's last event."""
        self.frame.previous = child.previous

    def alive(self) -> list[Frame]:
        """The branches under way."""
        return list(self.running.values())

    def complete(self, run: Run, frame: Frame) -> None:
        """All branches have ended."""
        run.emit("ParallelStateSucceeded", frame.previous)  # it is passed by: what follows points before it
        complete(run, frame, self.outputs)


def work_parallel(run: Run, frame: Frame, work: ParallelWork) -> None:
    """Parallel: start all branches, and wait for them."""
    payload = frame.state.flow.payload(run.scope(frame))
    text = frame.text if payload is frame.input else payload_text(payload, frame.state.name)
    started = frame.previous = run.emit("ParallelStateStarted", frame.previous)
    frame.children = branches = _Branches(frame, len(work.branches))
    frame.step = None
    for index, machine in enumerate(work.branches):
        branches.running[index] = start_child(run, frame, machine, index, (payload, text), started)


# --- Map


class _Iterations:
    """The iterations of an inline Map state.

    Args:
        frame: the frame in the Map state.
        work: what the state does.
        items: the items.
        limit: most iterations at a time.
    """

    def __init__(self, frame: Frame, work: MapWork, items: list[Json], limit: int) -> None:
        self.frame, self.work, self.items, self.limit = frame, work, items, limit
        self.outputs: list[Json] = [None] * len(items)
        self.running: dict[int, Frame] = {}
        self.next = 0
        self.freed: deque[int] = deque()  # last events of iterations whose places others take
        self.scheduled = False

    def done(self, run: Run, child: Frame, output: Json) -> None:
        """An iteration ended: another takes its place, or the state goes on."""
        details = {"name": self.frame.state.name, "index": child.index}
        succeeded = run.emit("MapIterationSucceeded", child.previous, "mapIterationSucceededEventDetails", details)
        self.outputs[child.index] = output
        del self.running[child.index]
        if self.next < len(self.items):
            self.freed.append(child.previous)
            if not self.scheduled:
                self.scheduled = True
                run.schedule_first(self.frame, self.start)
        elif not self.running:
            self.frame.previous = succeeded
            run.schedule(self.frame, self.complete)

    def failed(self, run: Run, child: Frame) -> None:
        """An iteration failed: the state goes on from the iteration's last event."""
        details = {"name": self.frame.state.name, "index": child.index}
        run.emit("MapIterationFailed", child.previous, "mapIterationFailedEventDetails", details)
        self.frame.previous = child.previous

    def alive(self) -> list[Frame]:
        """The iterations under way."""
        return list(self.running.values())

    def start(self, run: Run, frame: Frame) -> None:
        """Start iterations while there is room.

        Raises:
            StatesError: ItemSelector failed.
        """
        self.scheduled, frame.step = False, None
        while self.next < len(self.items) and len(self.running) < self.limit:
            self._start_one(run, frame)

    def _start_one(self, run: Run, frame: Frame) -> None:
        index = self.next
        value = self.items[index]
        item: dict[str, Json] = {"Index": index, "Value": value}
        if self.work.selector is not None:
            scope = run.scope(frame)
            scope.context["Map"] = {"Item": item}
            value = self.work.selector(frame.state.flow.effective(scope))
        text = payload_text(value, frame.state.name)
        previous = self.freed.popleft() if self.freed else frame.previous
        details = {"name": frame.state.name, "index": index}
        started = run.emit("MapIterationStarted", previous, "mapIterationStartedEventDetails", details)
        self.next = index + 1
        child = start_child(run, frame, self.work.processor, index, (value, text), started)
        child.item = item
        self.running[index] = child

    def complete(self, run: Run, frame: Frame) -> None:
        """All iterations have ended."""
        run.emit("MapStateSucceeded", frame.previous)  # it is passed by: what follows points before it
        complete(run, frame, self.outputs)


def work_map(run: Run, frame: Frame, work: MapWork) -> None:
    """Map: make the items, and run the processor for each.

    Raises:
        StatesError: the items are no list, or a number of the state is none.
    """
    state = frame.state
    inner = state.flow.effective(run.scope(frame))
    items = _items(work, inner, state.language)
    limit = _integer(work.max_concurrency, inner, "MaxConcurrency") or MAX_INLINE_CONCURRENCY
    started = run.emit("MapStateStarted", frame.previous, "mapStateStartedEventDetails", {"length": len(items)})
    frame.previous = started
    check_tolerance(work, inner)
    iterations = _Iterations(frame, work, items, min(limit, MAX_INLINE_CONCURRENCY))
    frame.children = iterations
    if items:
        iterations.start(run, frame)
    else:
        run.schedule(frame, iterations.complete)


def _items(work: MapWork, inner: Scope, language: str) -> list[Json]:
    if work.items is not None:
        items = work.items(inner)
    else:
        items = inner.input["input"] if language == JSONATA else inner.input
    if isinstance(items, list):
        return items
    if language == JSONATA:
        cause = f"Map state input must be an array but was: {dumps(items)}"
        raise LocatedError("States.QueryEvaluationError", cause, None)
    raise StatesError("States.Runtime", f'Reference path "{work.items_text}" must point to array.')


def _integer(setting: Setting, inner: Scope, name: str) -> int:
    number = number_of(setting, inner) or 0
    if number < 0:
        raise StatesError("States.Runtime", f"{name} must be a non-negative integer.")
    return int(number)


def check_tolerance(work: MapWork, inner: Scope) -> tuple[int | None, float | None]:
    """How many items, and what percentage of them, may fail; None where nothing is said.

    Raises:
        StatesError: a number is none, or out of range.
    """
    count = number_of(work.tolerated_count, inner)
    if count is not None and count < 0:
        raise StatesError("States.Runtime", "ToleratedFailureCount must be a non-negative integer.")
    percentage = number_of(work.tolerated_percentage, inner)
    if percentage is not None and not 0 <= percentage <= 100:
        raise StatesError("States.Runtime", "ToleratedFailurePercentage must be between 0 and 100.")
    return None if count is None else int(count), percentage
