"""The Map state: its items, and one run of the processor for each of them.

Inline, an iteration is a branch of this execution: at most ``MAX_INLINE_CONCURRENCY`` are under way at a time, as at
the service, so a Map of many items holds few frames. Distributed, each item has an execution of its own, of which this
execution's history shows nothing but the Map Run. Those executions are frames here, too, whose events are hidden
(``HIDDEN``): items come from the state's input. ItemReader, ItemBatcher and ResultWriter are refused by name.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mlflowsteps.asl.arns import map_run_arn
from mlflowsteps.asl.dataflow import LocatedError, error_output, payload_text
from mlflowsteps.asl.definition import DistributedMap, MapWork, Setting, number_of
from mlflowsteps.asl.fields import JSONATA
from mlflowsteps.asl.payloads import Scope, dumps
from mlflowsteps.exceptions import StatesError

from .abort import abort_children, abort_own
from .run import HIDDEN, Failure, Frame, Run
from .transitions import complete, start_child

if TYPE_CHECKING:
    from mlflowsteps.asl.payloads import Json

__all__ = [
    "MAX_DISTRIBUTED_CONCURRENCY",
    "MAX_INLINE_CONCURRENCY",
    "THRESHOLD",
    "item_input",
    "items_of",
    "tolerance_of",
    "work_map",
]

MAX_INLINE_CONCURRENCY = 40
MAX_DISTRIBUTED_CONCURRENCY = 1_000

THRESHOLD = Failure("States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded")


class _Iterations:
    """The iterations of an inline Map state.

    Args:
        frame: the frame in the Map state.
        work: what the state does.
        items: the items.
        limit: most iterations at a time.
    """

    apart = False

    def __init__(self, frame: Frame, work: MapWork, items: list[Json], limit: int) -> None:
        self.frame, self.work, self.items, self.limit = frame, work, items, limit
        self.outputs: list[Json] = [None] * len(items)
        self.running: dict[int, Frame] = {}
        self.next = 0
        self.freed: deque[int] = deque()  # last events of iterations whose places others take
        self.scheduled = False

    def done(self, run: Run, child: Frame, output: Json) -> None:
        """An iteration ended: another takes its place, or the state goes on."""
        self.ended(run, child, output, self._emit(run, "Succeeded", child.previous, child.index))

    def failed(self, run: Run, child: Frame, failure: Failure) -> Failure | None:
        """An iteration failed: the state fails as it did, from the iteration's last event."""
        abort_children(run, self.frame, child)
        self._emit(run, "Failed", child.previous, child.index)
        self.frame.previous = child.previous
        return failure

    def alive(self) -> list[Frame]:
        """The iterations under way."""
        return list(self.running.values())

    def ended(self, run: Run, child: Frame, output: Json, last: int) -> None:
        """Note an output; ``last`` is the event the state goes on from if it was the last one."""
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
            text = payload_text(value, frame.state.name)
            previous = self._started(run, self.freed.popleft() if self.freed else frame.previous, index)
            self.next = index + 1
            child = start_child(run, frame, self.work.processor, index, (value, text), previous)
            if self.apart:  # an execution of its own sees no variables of this one
                child.variables, child.sizes = {}, {}
                child.budget = [run.header.max_events // 2]  # a state has two events, or more
            else:
                child.item = item
            self.running[index] = child

    def _started(self, run: Run, previous: int, index: int) -> int:
        return self._emit(run, "Started", previous, index)

    def _emit(self, run: Run, what: str, previous: int, index: int) -> int:
        details = {"name": self.frame.state.name, "index": index}
        return run.emit(f"MapIteration{what}", previous, f"mapIteration{what}EventDetails", details)

    def complete(self, run: Run, frame: Frame) -> None:
        """All iterations have ended."""
        run.emit("MapStateSucceeded", frame.previous)  # it is passed by: what follows points before it
        complete(run, frame, self.outputs)


class _Executions(_Iterations):
    """The child executions of a Distributed Map state.

    Args:
        frame, work, items, limit: as of an inline Map.
        tolerance: how many may fail, and what percentage; None where nothing is said.
    """

    apart = True

    def __init__(
        self, frame: Frame, work: MapWork, items: list[Json], limit: int, tolerance: tuple[int | None, float | None]
    ) -> None:
        super().__init__(frame, work, items, limit)
        self.tolerance = tolerance
        self.failures = 0

    def done(self, run: Run, child: Frame, output: Json) -> None:
        """A child execution succeeded."""
        self.ended(run, child, output, self.frame.previous)

    def failed(self, run: Run, child: Frame, failure: Failure) -> Failure | None:
        """A child execution failed: the Map Run goes on while that is tolerated."""
        self.failures += 1
        if self._tolerated():
            self.ended(run, child, error_output(failure.error, failure.cause), self.frame.previous)
            return None
        del self.running[child.index]
        previous = self.frame.previous
        self.frame.previous = HIDDEN  # what is cut off is not shown
        abort_own(run, self.frame)
        details = {"error": THRESHOLD.error, "cause": THRESHOLD.cause}
        self.frame.previous = run.emit("MapRunFailed", previous, "mapRunFailedEventDetails", details)
        return THRESHOLD

    def _tolerated(self) -> bool:
        count, percentage = self.tolerance
        if count is None and percentage is None:
            return False
        if count is not None and self.failures > count:
            return False
        return percentage is None or self.failures * 100 <= percentage * len(self.items)

    def _started(self, run: Run, previous: int, index: int) -> int:  # noqa: ARG002 - nothing is shown
        return HIDDEN

    def complete(self, run: Run, frame: Frame) -> None:
        """All child executions have ended; the state goes on from the start of the Map Run, as recorded."""
        run.emit("MapStateSucceeded", run.emit("MapRunSucceeded", frame.previous))
        complete(run, frame, self.outputs)


# --- starting


def work_map(run: Run, frame: Frame, work: MapWork) -> None:
    """Map: make the items, and run the processor for each.

    Raises:
        StatesError: the items are no list, or a number of the state is none.
    """
    state = frame.state
    _check_available(work.distributed)
    inner = state.flow.effective(run.scope(frame))
    items = items_of(work, inner, state.language)
    limit = number_of(work.max_concurrency, inner) or 0
    if limit < 0:
        raise StatesError("States.Runtime", "MaxConcurrency must be a non-negative integer.")
    started = run.emit("MapStateStarted", frame.previous, "mapStateStartedEventDetails", {"length": len(items)})
    frame.previous = started
    tolerance = tolerance_of(work, inner)
    if work.distributed is None:
        most = MAX_INLINE_CONCURRENCY
        children = _Iterations(frame, work, items, min(int(limit) or most, most))
    else:
        most = MAX_DISTRIBUTED_CONCURRENCY
        _start_map_run(run, frame, work.distributed)
        children = _Executions(frame, work, items, min(int(limit) or most, most), tolerance)
    frame.children = children
    if items:
        children.start(run, frame)
    else:
        run.schedule(frame, children.complete)


def _check_available(distributed: DistributedMap | None) -> None:
    if distributed is None:
        return
    given = {"ItemReader": distributed.reader, "ItemBatcher": distributed.batcher, "ResultWriter": distributed.writer}
    for name, value in given.items():
        if value is not None:
            cause = (
                f"The local runtime has no {name}: give the items by ItemsPath or Items, and read the state's output."
            )
            raise StatesError("States.Runtime", cause)


def _start_map_run(run: Run, frame: Frame, distributed: DistributedMap) -> None:
    label = distributed.label or run.entropy.uuid()
    arn = map_run_arn(run.header.machine_arn, label, run.entropy.uuid())
    frame.previous = run.emit("MapRunStarted", frame.previous, "mapRunStartedEventDetails", {"mapRunArn": arn})


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


def items_of(work: MapWork, inner: Scope, language: str) -> list[Json]:
    """The items of a Map state, in the scope of its effective input.

    Raises:
        StatesError: they are no list.
    """
    if work.items is not None:
        items = work.items(inner)
    else:
        items = inner.input["input"] if language == JSONATA else inner.input
    if isinstance(items, list):
        return items
    if language == JSONATA:
        cause = f"Map state input must be an array but was: {dumps(items)}"
        raise LocatedError("States.QueryEvaluationError", cause, None)
    shown = work.items_text[1:] if work.items_text.startswith("$$") else work.items_text  # as recorded
    raise StatesError("States.Runtime", f'Reference path "{shown}" must point to array.')


def tolerance_of(work: MapWork, inner: Scope) -> tuple[int | None, float | None]:
    """How many items, and what percentage of them, may fail; None where nothing is said.

    Raises:
        StatesError: a number is none, or out of range.
    """
    count, percentage = _number(work.tolerated_count, inner), number_of(work.tolerated_percentage, inner)
    if count is not None and count < 0:
        raise StatesError("States.Runtime", "ToleratedFailureCount must be a non-negative integer.")
    if percentage is not None and not 0 <= percentage <= 100:
        raise StatesError("States.Runtime", "ToleratedFailurePercentage must be between 0 and 100.")
    return count, percentage


def _number(setting: Setting, inner: Scope) -> int | None:
    number = number_of(setting, inner)
    return None if number is None else int(number)
