"""What an execution's history says about each state of its definition.

Owns the fold of history events into visits of states. A visit is found by the event chain (``previousEventId``), never
by the row before, so interleaved branches and iterations keep their own. Pure: the present time comes in. Events are
never modified; they may come in pieces (``StatusTracker.feed``), and a chain whose beginning is missing is followed as
far as state names are unambiguous.

A state that several iterations of a Map run at once shows the weightiest of their statuses; one that a loop visits
again shows its latest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mlflowsteps.graph.build import END, START, Model, Node, path_of, read_model
from mlflowsteps.graph.words import Json, as_text, duration

__all__ = ["ORDER", "STATUSES", "Event", "GraphStatus", "Look", "StateStatus", "StatusTracker", "Visit", "execution_status"]

Event = Mapping[str, Any]
"""An event of GetExecutionHistory; its timestamp a datetime, epoch seconds, or absent."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a status is shown without colour.

    Args:
        icon: one character (text presentation).
        word: as people read it.
    """

    icon: str
    word: str


STATUSES: dict[str, Look] = {
    "SUCCEEDED": Look("✓", "Succeeded"),
    "RUNNING": Look("▶\ufe0e", "Running"),
    "FAILED": Look("✕", "Failed"),
    "CAUGHT": Look("!", "Caught"),
    "RETRYING": Look("↻", "Retrying"),
    "ABORTED": Look("■", "Aborted"),
    "TIMED_OUT": Look("⏱\ufe0e", "Timed out"),
    "NOT_STARTED": Look("○", "Not started"),
}
"""Every status of a state, in the legend's order."""

ORDER = ("RUNNING", "RETRYING", "FAILED", "TIMED_OUT", "ABORTED", "CAUGHT", "SUCCEEDED")
"""Of several iterations' statuses the first of these is shown."""

_OPEN = frozenset({"RUNNING", "RETRYING"})
_EXECUTION_ENDS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
_CONTAINERS = ("Parallel", "Map")


@dataclass(slots=True)
class _Run:
    """One run of a level: the execution's top, one branch, or one iteration."""

    prefix: str
    owner: Visit | None = None
    index: int | None = None
    """Index of the iteration in a Map; None elsewhere."""
    latest: dict[str, Visit] = field(default_factory=dict)


@dataclass(slots=True)
class Visit:
    """One time that a state was entered.

    Args:
        path: the state's key in the graph.
        run: the run of its level, for telling iterations apart.
        entered: epoch seconds; None where the event has no time.
        status: RUNNING, RETRYING, SUCCEEDED, FAILED, CAUGHT, ABORTED or TIMED_OUT.
        exited: epoch seconds; None while it is open.
        attempts: times its task was scheduled; 0 for a state without a task.
        error: the last error it had, also one that was caught or retried.
        cause: that error's cause.
        input: as the event has it: JSON text.
        output: as the event has it: JSON text; None until it is exited.
        started_id: id of the event that entered it.
        resource: what its task calls, such as ``sagemaker:createTrainingJob``; empty without one.
        parameters: what the task was called with: JSON text.
        length: number of items of a Map.
        counts: a Map's iterations by status.
    """

    path: str
    run: _Run
    entered: float | None
    input: Json = None
    started_id: int = 0
    status: str = "RUNNING"
    exited: float | None = None
    attempts: int = 0
    error: str | None = None
    cause: str | None = None
    output: Json = None
    resource: str = ""
    parameters: Json = None
    result: Json = None
    length: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    map_run_arn: str | None = None
    _branches: set[str] = field(default_factory=set)
    _failed: bool = False

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.status in _OPEN

    @property
    def iteration(self) -> int | None:
        """Index of the innermost Map iteration it belongs to; None outside of a Map."""
        run: _Run | None = self.run
        while run is not None:
            if run.index is not None:
                return run.index
            run = run.owner.run if run.owner else None
        return None

    def seconds(self, now: float | None = None) -> float | None:
        """How long it took, or has taken until now; None where a time is not known."""
        end = self.exited if self.exited is not None else (now if self.open else None)
        return None if end is None or self.entered is None else max(0.0, end - self.entered)


@dataclass(slots=True)
class StateStatus:
    """What is known of one state.

    Args:
        path: its key in the graph.
        status: a key of ``STATUSES``.
        visits: every visit, oldest first; those of several iterations included.
        shown: the visit that the picture and the table describe; None where it was not started.
        tally: its current iterations by status, where it is inside a Map that has run more than one.
    """

    path: str
    status: str = "NOT_STARTED"
    visits: list[Visit] = field(default_factory=list)
    shown: Visit | None = None
    tally: dict[str, int] = field(default_factory=dict)

    @property
    def attempts(self) -> int:
        """Attempts of the shown visit's task."""
        return self.shown.attempts if self.shown else 0

    @property
    def error(self) -> str | None:
        """The shown visit's last error."""
        return self.shown.error if self.shown else None

    @property
    def cause(self) -> str | None:
        """The cause of that error."""
        return self.shown.cause if self.shown else None

    @property
    def input(self) -> Json:
        """The shown visit's input."""
        return self.shown.input if self.shown else None

    @property
    def output(self) -> Json:
        """The shown visit's output."""
        return self.shown.output if self.shown else None

    @property
    def start(self) -> float | None:
        """When the shown visit was entered, epoch seconds."""
        return self.shown.entered if self.shown else None

    @property
    def end(self) -> float | None:
        """When the shown visit was exited, epoch seconds."""
        return self.shown.exited if self.shown else None

    def summary(self, now: float | None = None) -> str:
        """One line for the picture: status, duration, counts.

        Args:
            now: epoch seconds; the duration of a running state is counted until then.
        """
        parts = [STATUSES[self.status].word]
        if self.shown is not None:
            parts += _count_words(self)
            took = duration(self.shown.seconds(now))
            parts += [took] if took else []
            if self.shown.attempts > 1:
                parts.append(f"{self.shown.attempts} attempts")
        return " · ".join(parts)


def _count_words(state: StateStatus) -> list[str]:
    visit, words = state.shown, []
    if visit is None:
        return words
    if visit.counts or visit.length:
        done = visit.counts.get("SUCCEEDED", 0)
        total = max(visit.length or 0, sum(visit.counts.values()))
        bad = sum(visit.counts.get(status, 0) for status in ("FAILED", "TIMED_OUT"))
        if not visit.map_run_arn or visit.counts:
            words.append(f"{done}/{total}" + (f", {bad} failed" if bad else ""))
    elif len(state.tally) and sum(state.tally.values()) > 1:
        total = sum(state.tally.values())
        words.append(f"{state.tally.get(state.status, 0)}/{total}" if len(state.tally) > 1 else f"{total}×")
    same = [other for other in state.visits if other.run is visit.run]
    if len(same) > 1:
        words.append(f"visit {len(same)}")
    return words


@dataclass(slots=True)
class GraphStatus:
    """An execution as its graph shows it.

    Args:
        status: the execution's: RUNNING, SUCCEEDED, FAILED, ABORTED or TIMED_OUT.
        states: by path, every state of the definition in its order, then those that only the history names.
        taken: transitions made: (source key, target key, whether it was a catch).
        transitions: number of states entered.
        events: number of events read.
        start: epoch seconds of the first event.
        end: epoch seconds of the last one, where the execution has ended.
        error: the execution's error.
        cause: its cause.
        failed: the visit that brought it down; None where it is not known.
        unplaced: events whose state could not be told, of a history without its beginning.
    """

    status: str
    states: dict[str, StateStatus]
    taken: set[tuple[str, str, bool]]
    transitions: int = 0
    events: int = 0
    start: float | None = None
    end: float | None = None
    error: str | None = None
    cause: str | None = None
    failed: Visit | None = None
    unplaced: int = 0

    def counts(self) -> dict[str, int]:
        """Number of states by status, in the legend's order."""
        found = dict.fromkeys(STATUSES, 0)
        for state in self.states.values():
            found[state.status] += 1
        return found


def execution_status(definition: Json, events: Iterable[Event], *, status: str | None = None) -> GraphStatus:
    """Read a whole history.

    Args:
        definition: the state machine's definition.
        events: of GetExecutionHistory, oldest first; not modified.
        status: the execution's status by DescribeExecution, where it is known: it closes what is still open when the
            history lacks its end.

    >>> history = [{"id": 1, "type": "ExecutionStarted", "previousEventId": 0, "timestamp": 0.0},
    ...            {"id": 2, "type": "PassStateEntered", "previousEventId": 0, "timestamp": 1.0,
    ...             "stateEnteredEventDetails": {"name": "A", "input": "{}"}}]
    >>> execution_status({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}, history).states["A"].status
    'RUNNING'
    """
    tracker = StatusTracker(definition)
    tracker.feed(events)
    return tracker.status(status)


class StatusTracker:
    """The same, fed piece by piece: each event is read once.

    Args:
        definition: the state machine's definition; None where it is not known, then paths are made of names.
    """

    def __init__(self, definition: Json) -> None:
        self._model: Model = read_model(definition)
        self._top = _Run("")
        self._places: dict[int, tuple[_Run, Visit | None]] = {}
        self._visits: dict[str, list[Visit]] = {}
        self._maybe_open: list[Visit] = []
        self._taken: set[tuple[str, str, bool]] = set()
        self._by_name: dict[str, list[str]] = {}
        for node in self._model.states():
            self._by_name.setdefault(node.name, []).append(node.key)
        self._seen: set[int] = set()
        self._transitions = self._events = self._unplaced = 0
        self._start: float | None = None
        self._last: float | None = None
        self._ended: str | None = None
        self._error: str | None = None
        self._cause: str | None = None
        self._failed: Visit | None = None

    def feed(self, events: Iterable[Event]) -> int:
        """Read further events, oldest first; one that was read before is passed over.

        Returns:
            How many were new.
        """
        new = 0
        for event in events:
            number = event.get("id")
            if isinstance(number, int):
                if number in self._seen:
                    continue
                self._seen.add(number)
            new += 1
            self._read(event)
        self._events += new
        return new

    def place_of(self, event_id: int) -> Visit | None:
        """The visit that an event belongs to; None for the execution's own events."""
        return self._places.get(event_id, (self._top, None))[1]

    def set_map_run(self, arn: str, counts: Mapping[str, int]) -> None:
        """Hand in a Distributed Map's item counts, which its history does not hold.

        Args:
            arn: the Map Run's.
            counts: ``itemCounts`` of DescribeMapRun.
        """
        keys = {"succeeded": "SUCCEEDED", "failed": "FAILED", "running": "RUNNING", "aborted": "ABORTED"}
        keys["timedOut"] = "TIMED_OUT"
        for visits in self._visits.values():
            for visit in visits:
                if visit.map_run_arn == arn:
                    visit.length = counts.get("total", visit.length)
                    visit.counts = {name: counts[key] for key, name in keys.items() if counts.get(key)}

    def status(self, status: str | None = None) -> GraphStatus:
        """What is known by now.

        Args:
            status: the execution's status by DescribeExecution, where it is known.
        """
        whole = self._ended or status or "RUNNING"
        if whole not in {"RUNNING", "PENDING_REDRIVE"} and self._ended is None:
            self._close_all(whole, self._last)
        states = {node.key: StateStatus(node.key) for node in self._model.states()}
        for path, visits in self._visits.items():
            states[path] = _state_status(path, visits)
        end = self._last if self._ended else None
        return GraphStatus(
            whole,
            states,
            set(self._taken),
            self._transitions,
            self._events,
            self._start,
            end,
            self._error,
            self._cause,
            self._failed,
            self._unplaced,
        )

    def _read(self, event: Event) -> None:
        kind = str(event.get("type", ""))
        at = _seconds(event.get("timestamp"))
        if self._start is None:
            self._start = at
        self._last = at if at is not None else self._last
        run, visit = self._origin(event)
        if kind.endswith("StateEntered"):
            run, visit = self._enter(kind, event, run, visit, at)
        elif kind.endswith("StateExited"):
            run, visit = self._exit(event, run, visit, at)
        elif kind in _EXECUTION_ENDS:
            self._finish(kind, event, visit, at)
        elif kind in _HANDLERS:
            run, visit = _HANDLERS[kind](self, event, run, visit, at)
        number = event.get("id")
        if isinstance(number, int):
            self._places[number] = (run, visit)

    def _origin(self, event: Event) -> tuple[_Run, Visit | None]:
        before = event.get("previousEventId")
        if isinstance(before, int) and before in self._places:
            return self._places[before]
        if before:
            self._unplaced += 1
        return self._top, None

    def _enter(
        self, kind: str, event: Event, run: _Run, visit: Visit | None, at: float | None
    ) -> tuple[_Run, Visit]:
        details = event.get("stateEnteredEventDetails") or {}
        name = as_text(details.get("name", "?"))
        source: str | None = None
        if visit is not None and visit.open:
            run = self._inner_run(visit, name)
        elif visit is not None:
            source = visit.path
        path = self._resolve(run, name, kind.removesuffix("StateEntered"))
        entered = Visit(path, run, at, details.get("input"), _number(event))
        state = self._model.nodes.get(path)
        if state is not None and state.type == "Fail" and isinstance(state.definition, dict):
            entered.error, entered.cause = (state.definition.get(key) for key in ("Error", "Cause"))
        self._visits.setdefault(path, []).append(entered)
        self._maybe_open.append(entered)
        run.latest[path] = entered
        self._transitions += 1
        if source is not None and visit is not None:
            self._taken.add((source, path, visit.status == "CAUGHT"))
        elif run is self._top and self._transitions == 1:
            self._taken.add((START, path, False))
        return run, entered

    def _resolve(self, run: _Run, name: str, kind: str) -> str:
        """The path of a state entered in a run; by its name alone where the chain is broken."""
        path = path_of(run.prefix, name)
        if path in self._model.nodes or run is not self._top:
            return path
        same = [key for key in self._by_name.get(name, []) if self._model.nodes[key].type == kind]
        return same[0] if len(same) == 1 else path

    def _inner_run(self, owner: Visit, name: str) -> _Run:
        """A branch of a Parallel that begins with this state, not yet begun in this visit; else the Map's inside."""
        node = self._model.nodes.get(owner.path)
        for prefix in node.inside if node else ():
            level = self._model.levels[prefix]
            if level.start_at == name and prefix not in owner._branches:
                owner._branches.add(prefix)
                return _Run(prefix, owner)
        return _Run(node.inside[0] if node and len(node.inside) == 1 else f"{owner.path}/", owner)

    def _exit(
        self, event: Event, run: _Run, visit: Visit | None, at: float | None
    ) -> tuple[_Run, Visit | None]:
        details = event.get("stateExitedEventDetails") or {}
        name = as_text(details.get("name", "?"))
        found = self._climb(run, visit, lambda other: self._name_of(other) == name)
        if found is None:
            found = self._open_by_name(name)
        if found is None:
            self._unplaced += 1
            return run, None
        self._close_inside(found, at)
        found.status = "CAUGHT" if found._failed else "SUCCEEDED"
        found.exited, found.output = at, details.get("output")
        return found.run, found

    def _open_by_name(self, name: str) -> Visit | None:
        """The one open visit of a state of this name; for histories whose chain is void."""
        paths = self._by_name.get(name, [name])
        found = [visit for path in paths for visit in self._visits.get(path, []) if visit.open]
        return found[0] if found else None

    def _name_of(self, visit: Visit) -> str:
        node = self._model.nodes.get(visit.path)
        if node is not None:
            return node.name
        return visit.path.rpartition("/")[2].replace("~1", "/").replace("~0", "~")

    def _climb(self, run: _Run, visit: Visit | None, wanted: Callable[[Visit], bool]) -> Visit | None:
        """The first open visit on the way out that is wanted."""
        while True:
            if visit is not None and visit.open and wanted(visit):
                return visit
            if run.owner is None:
                return None
            visit, run = run.owner, run.owner.run

    def _container(self, run: _Run, visit: Visit | None, kind: str) -> Visit | None:
        def wanted(other: Visit) -> bool:
            node: Node | None = self._model.nodes.get(other.path)
            return node.type == kind if node else not other.attempts

        return self._climb(run, visit, wanted)

    def _finish(self, kind: str, event: Event, visit: Visit | None, at: float | None) -> None:
        status = _EXECUTION_ENDS[kind]
        self._ended = status
        details = _details(event)
        self._error, self._cause = _error_of(details)
        if status == "SUCCEEDED":
            if visit is not None:
                self._taken.add((visit.path, END, False))
            return
        while visit is not None and not visit.open and not visit._failed and visit.run.owner is not None:
            visit = visit.run.owner
        if visit is not None and visit.open and status == "FAILED":
            self._failed = self._failed or visit
            if visit.error is None:
                visit.error, visit.cause = self._error, self._cause
            _close(visit, "FAILED", at)
            if visit.run is self._top:
                self._taken.add((visit.path, END, False))
        self._close_all(status, at)

    def _close_all(self, status: str, at: float | None) -> None:
        """Nothing goes on after the end: what has failed stays failed, the rest takes the execution's fate."""
        fate = "TIMED_OUT" if status == "TIMED_OUT" else "ABORTED"
        for visit in self._open_visits():
            held = status == "FAILED" and (visit._failed or self._holds_failed(visit))
            _close(visit, "FAILED" if held else fate, at)

    def _holds_failed(self, visit: Visit) -> bool:
        inner = self._failed
        while inner is not None:
            if inner is visit:
                return True
            inner = inner.run.owner
        return False

    def _open_visits(self) -> list[Visit]:
        """The visits that have not ended; those that have are forgotten here, so that each is looked at once."""
        self._maybe_open = [visit for visit in self._maybe_open if visit.open]
        return self._maybe_open

    def _close_inside(self, owner: Visit, at: float | None) -> None:
        """End what is still open inside a container that ends."""
        node = self._model.nodes.get(owner.path)
        if node is None or node.type not in _CONTAINERS:
            return
        inside = f"{owner.path}/"
        fate = "ABORTED" if owner._failed else "SUCCEEDED"
        for visit in self._open_visits():
            # A visit whose chain is void stands in the top run though its path is an inner one.
            if visit.path.startswith(inside) and (visit.run is self._top or _within(visit, owner)):
                _close(visit, "FAILED" if visit._failed else fate, at)

    # Handlers of events inside a state: (event, run, visit, time) -> where later events of the chain belong.

    def _scheduled(self, event: Event, run: _Run, visit: Visit | None, at: float | None) -> tuple[_Run, Visit | None]:
        del at
        if visit is not None:
            visit.attempts += 1
            visit.status, visit._failed = "RUNNING", False
            details = _details(event)
            kind, action = details.get("resourceType"), details.get("resource", "")
            visit.resource = f"{kind}:{action}" if kind else as_text(action)
            visit.parameters = details.get("parameters", details.get("input"))
        return run, visit

    def _answered(self, event: Event, run: _Run, visit: Visit | None, at: float | None) -> tuple[_Run, Visit | None]:
        del at
        if visit is not None:
            visit.result = _details(event).get("output", visit.result)
        return run, visit

    def _stumbled(self, event: Event, run: _Run, visit: Visit | None, at: float | None) -> tuple[_Run, Visit | None]:
        del at
        if visit is not None and visit.open:
            visit.error, visit.cause = _error_of(_details(event))
            if str(event.get("type", "")).endswith("TimedOut") and visit.error is None:
                visit.error = "States.Timeout"
            visit._failed = True
            state = self._model.nodes.get(visit.path)
            retried = state is not None and isinstance(state.definition, dict) and state.definition.get("Retry")
            visit.status = "RETRYING" if retried else "RUNNING"
            self._failed = visit
        return run, visit

    def _map_started(
        self, event: Event, run: _Run, visit: Visit | None, at: float | None
    ) -> tuple[_Run, Visit | None]:
        del at
        if visit is not None:
            visit.length = _details(event).get("length")
            visit.counts = {}
            visit.status, visit._failed = "RUNNING", False
        return run, visit

    def _parallel_started(
        self, event: Event, run: _Run, visit: Visit | None, at: float | None
    ) -> tuple[_Run, Visit | None]:
        del event, at
        if visit is not None:
            visit._branches.clear()
            visit.status, visit._failed = "RUNNING", False
        return run, visit

    def _map_run_started(
        self, event: Event, run: _Run, visit: Visit | None, at: float | None
    ) -> tuple[_Run, Visit | None]:
        del at
        if visit is not None:
            visit.map_run_arn = _details(event).get("mapRunArn")
        return run, visit

    def _iteration(self, event: Event, run: _Run, visit: Visit | None, at: float | None) -> tuple[_Run, Visit | None]:
        """An iteration begins or ends: ``MapIterationStarted`` opens a run of its own."""
        kind = str(event.get("type", "")).removeprefix("MapIteration")
        details = _details(event)
        name = details.get("name")
        owner = self._climb(run, visit, lambda other: self._name_of(other) == name)
        owner = owner or self._container(run, visit, "Map") or self._open_by_name(as_text(name))
        if owner is None:
            self._unplaced += 1
            return run, visit
        counts = owner.counts
        if kind == "Started":
            counts["RUNNING"] = counts.get("RUNNING", 0) + 1
            node = self._model.nodes.get(owner.path)
            index = details.get("index")
            inside = node.inside[0] if node and node.inside else f"{owner.path}/"
            return _Run(inside, owner, index if isinstance(index, int) else None), None
        counts["RUNNING"] = max(0, counts.get("RUNNING", 0) - 1)
        counts[kind.upper()] = counts.get(kind.upper(), 0) + 1
        for inner in self._chain_open(run, visit, owner):
            _close(inner, "FAILED" if kind == "Failed" else "ABORTED", at)
        return run, visit

    def _chain_open(self, run: _Run, visit: Visit | None, owner: Visit) -> list[Visit]:
        """The open visits between an event's place and a container."""
        found = []
        while visit is not owner:
            if visit is not None and visit.open:
                found.append(visit)
            if run.owner is None:
                break
            visit, run = run.owner, run.owner.run
        return found

    def _container_failed(
        self, event: Event, run: _Run, visit: Visit | None, at: float | None
    ) -> tuple[_Run, Visit | None]:
        kind = "Parallel" if str(event.get("type", "")).startswith("Parallel") else "Map"
        owner = self._container(run, visit, kind)
        if owner is None:
            return run, visit
        for inner in self._chain_open(run, visit, owner):
            _close(inner, "FAILED", at)
            self._failed = inner if inner._failed or self._failed is None else self._failed
            if owner.error is None:
                owner.error, owner.cause = inner.error, inner.cause
        error, cause = _error_of(_details(event))
        if error is not None:
            owner.error, owner.cause = error, cause
        self._close_inside(owner, at)
        owner._failed = True
        node = self._model.nodes.get(owner.path)
        if node is not None and isinstance(node.definition, dict) and node.definition.get("Retry"):
            owner.status = "RETRYING"
        return owner.run, owner

    def _container_done(
        self, event: Event, run: _Run, visit: Visit | None, at: float | None
    ) -> tuple[_Run, Visit | None]:
        del at
        kind = "Parallel" if str(event.get("type", "")).startswith("Parallel") else "Map"
        owner = self._container(run, visit, kind)
        return (owner.run, owner) if owner else (run, visit)

    def _aborted(self, event: Event, run: _Run, visit: Visit | None, at: float | None) -> tuple[_Run, Visit | None]:
        del event
        if visit is not None and visit.open:
            _close(visit, "ABORTED", at)
        return run, visit

    def _redriven(self, event: Event, run: _Run, visit: Visit | None, at: float | None) -> tuple[_Run, Visit | None]:
        """A redrive takes the execution up where it failed."""
        del event, at, visit
        self._ended = self._error = self._cause = None
        again, self._failed = self._failed, None
        outer = again
        while outer is not None:
            outer.status, outer.exited = "RUNNING", None
            outer = outer.run.owner
        return (again.run, again) if again else (run, None)


_Handler = Callable[[StatusTracker, Event, _Run, "Visit | None", "float | None"], "tuple[_Run, Visit | None]"]

_TASKS = ("Task", "LambdaFunction", "Activity")
_HANDLERS: dict[str, _Handler] = {
    **{f"{task}Scheduled": StatusTracker._scheduled for task in _TASKS},
    **{f"{task}{end}": StatusTracker._answered for task in _TASKS for end in ("Succeeded", "Submitted")},
    **{
        f"{task}{end}": StatusTracker._stumbled
        for task in _TASKS
        for end in ("Failed", "TimedOut", "StartFailed", "SubmitFailed", "ScheduleFailed")
    },
    "EvaluationFailed": StatusTracker._stumbled,
    "MapStateStarted": StatusTracker._map_started,
    "MapRunStarted": StatusTracker._map_run_started,
    "MapRunRedriven": StatusTracker._map_run_started,
    "ParallelStateStarted": StatusTracker._parallel_started,
    **{f"MapIteration{end}": StatusTracker._iteration for end in ("Started", "Succeeded", "Failed", "Aborted")},
    "ParallelStateFailed": StatusTracker._container_failed,
    "MapStateFailed": StatusTracker._container_failed,
    "MapRunFailed": StatusTracker._container_failed,
    "ParallelStateSucceeded": StatusTracker._container_done,
    "MapStateSucceeded": StatusTracker._container_done,
    **{f"{kind}StateAborted": StatusTracker._aborted for kind in ("Task", "Wait", "Parallel", "Map", "Pass", "Choice")},
    "ExecutionRedriven": StatusTracker._redriven,
}


def _seconds(timestamp: Any) -> float | None:
    """Epoch seconds of a datetime (one without a zone is UTC's) or a number; None for anything else."""
    if isinstance(timestamp, datetime):
        if timestamp.tzinfo is None:
            timestamp = timestamp.replace(tzinfo=UTC)
        return timestamp.timestamp()
    if isinstance(timestamp, int | float) and not isinstance(timestamp, bool):
        return float(timestamp)
    return None


def _number(event: Event) -> int:
    number = event.get("id")
    return number if isinstance(number, int) else 0


def _details(event: Event) -> Mapping[str, Any]:
    """The event's details: the one key that ends so."""
    for key, value in event.items():
        if key.endswith("EventDetails") and isinstance(value, Mapping):
            return value
    return {}


def _error_of(details: Mapping[str, Any]) -> tuple[str | None, str | None]:
    error, cause = details.get("error"), details.get("cause")
    return (None if error is None else as_text(error)), (None if cause is None else as_text(cause))


def _close(visit: Visit, status: str, at: float | None) -> None:
    visit.status, visit.exited = status, at


def _within(visit: Visit, owner: Visit) -> bool:
    run = visit.run
    while run.owner is not None:
        if run.owner is owner:
            return True
        run = run.owner.run
    return False


def _current(run: _Run) -> bool:
    """Whether the run belongs to the latest visit of every container round it."""
    while run.owner is not None:
        if run.owner.run.latest.get(run.owner.path) is not run.owner:
            return False
        run = run.owner.run
    return True


def _state_status(path: str, visits: list[Visit]) -> StateStatus:
    latest: dict[int, Visit] = {id(visit.run): visit for visit in visits if _current(visit.run)}
    current = list(latest.values()) or visits[-1:]
    tally: dict[str, int] = {}
    for visit in current:
        tally[visit.status] = tally.get(visit.status, 0) + 1
    status = next(name for name in ORDER if name in tally)
    shown = [visit for visit in current if visit.status == status][-1]
    several = len(current) > 1 or visits[-1].iteration is not None
    return StateStatus(path, status, visits, shown, tally if several else {})
