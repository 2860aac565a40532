"""The Map state: its items, and one run of the processor for each of them.

Inline, an iteration is a branch of this execution: at most ``MAX_INLINE_CONCURRENCY`` are under way at a time, as at
the service, so a Map of many items holds few frames. Distributed, each item has an execution of its own, of which this
execution's history shows nothing but the Map Run: see ``distributed``.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mlflowsteps.asl.dataflow import payload_text
from mlflowsteps.asl.definition import MapWork
from mlflowsteps.asl.fields import JSONATA
from mlflowsteps.asl.payloads import Scope, dumps
from mlflowsteps.asl.settings import number_of
from mlflowsteps.exceptions import LocatedError, StatesError

from .abort import abort_children
from .distributed import THRESHOLD, start_map_run, tolerance_of
from .run import Failure, Frame, Run
from .transitions import complete, start_child

if TYPE_CHECKING:
    from mlflowsteps.asl.payloads import Json

__all__ = [
    "MAX_INLINE_CONCURRENCY",
    "THRESHOLD",
    "item_input",
    "items_of",
    "tolerance_of",
    "work_map",
]

MAX_INLINE_CONCURRENCY = 40


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
        last = self._emit(run, "Succeeded", child.previous, child.index)
        self.outputs[child.index] = output
        del self.running[child.index]
        if self.next < len(self.items):
            self.freed.append(child.previous)
            if not self.scheduled:
                self.scheduled = True
                run.schedule_first(self.frame, self.start)
        elif not self.running:
            self.frame.previous = last
            run.schedule(self.frame, self.complete)

    def failed(self, run: Run, child: Frame, failure: Failure) -> Failure | None:
        """An iteration failed: the state fails as it did, from the iteration's last event."""
        abort_children(run, self.frame, child)
        self._emit(run, "Failed", child.previous, child.index)
        self.frame.previous = child.previous
        return failure

    def alive(self) -> list[Frame]:
        """The iterations under way."""
        return list(self.running.values())

    def revive(self, run: Run) -> bool:
        """Iterations that have not ended go on, and others start; where all had ended, all begin anew."""
        self.scheduled = False
        left = self.next < len(self.items)
        if left and len(self.running) < self.limit:
            self.scheduled = True
            run.schedule(self.frame, self.start)
        return left or bool(self.running)

    def start(self, run: Run, frame: Frame) -> None:
        """Start iterations while there is room.

        Raises:
            StatesError: ItemSelector failed.
        """
        self.scheduled, frame.step = False, None
        while self.next < len(self.items) and len(self.running) < self.limit:
            index = self.next
            item: dict[str, Json] = {"Index": index, "Value": self.items[index]}
            value = item_input(run, frame, self.work, item)
            text = payload_text(value, frame.state.name, run.header.max_payload_bytes)
            previous = self._emit(run, "Started", self.freed.popleft() if self.freed else frame.previous, index)
            self.next = index + 1
            child = start_child(run, frame, self.work.processor, index, (value, text), previous)
            child.item = item
            self.running[index] = child

    def _emit(self, run: Run, what: str, previous: int, index: int) -> int:
        details = {"name": self.frame.state.name, "index": index}
        return run.emit(f"MapIteration{what}", previous, f"mapIteration{what}EventDetails", details)

    def complete(self, run: Run, frame: Frame) -> None:
        """All iterations have ended."""
        run.emit("MapStateSucceeded", frame.previous)  # it is passed by: what follows points before it
        complete(run, frame, self.outputs)


# --- starting


def work_map(run: Run, frame: Frame, work: MapWork) -> None:
    """Map: make the items, and run the processor for each.

    Raises:
        StatesError: the items are no list, or a number of the state is none.
    """
    state, distributed = frame.state, work.distributed
    inner = state.flow.effective(run.scope(frame))
    read = distributed is not None and distributed.reader is not None
    items = None if read else items_of(work, inner, state.language)
    limit = number_of(work.max_concurrency, inner) or 0
    if limit < 0:
        raise StatesError("States.Runtime", "MaxConcurrency must be a non-negative integer.")
    length = 0 if items is None else len(items)
    frame.previous = run.emit("MapStateStarted", frame.previous, "mapStateStartedEventDetails", {"length": length})
    if distributed is not None:
        start_map_run(run, frame, work, inner, items, int(limit))
        return
    tolerance_of(work, inner)  # no iteration may fail here; what is said of it must be in order all the same
    most = MAX_INLINE_CONCURRENCY
    children = _Iterations(frame, work, items or [], min(int(limit) or most, most))
    frame.children = children
    if items:
        children.start(run, frame)
    else:
        run.schedule(frame, children.complete)


def item_input(run: Run, frame: Frame, work: MapWork, item: dict[str, Json]) -> Json:
    """The input of an iteration: the item, or what ItemSelector makes of it.

    Args:
        run: the run.
        frame: the frame in the Map state.
        work: what the state does.
        item: the item as ``$$.Map.Item``.
    """
    if work.selector is None:
        return item["Value"]
    scope = run.scope(frame)
    scope.context["Map"] = {"Item": item}
    return work.selector(frame.state.flow.effective(scope))


def items_of(work: MapWork, inner: Scope, language: str) -> Json:
    """The items of a Map state, in the scope of its effective input: a list; of a Distributed Map an object, too.

    Raises:
        StatesError: they are neither.
    """
    if work.items is not None:
        items = work.items(inner)
    else:
        items = inner.input["input"] if language == JSONATA else inner.input
    if isinstance(items, list) or (work.distributed is not None and isinstance(items, dict)):
        return items
    if language == JSONATA:
        cause = f"Map state input must be an array but was: {dumps(items)}"
        raise LocatedError("States.QueryEvaluationError", cause, None)
    shown = work.items_text[1:] if work.items_text.startswith("$$") else work.items_text  # as recorded
    raise StatesError("States.Runtime", f'Reference path "{shown}" must point to array.')
