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
from datetime import UTC, datetime
from typing import Any

from mlflowsteps.graph.build import END, START, Model, Node, path_of, read_model
from mlflowsteps.graph.visits import ORDER, GraphStatus, Run, StateStatus, Visit
from mlflowsteps.graph.words import Json, as_text

__all__ = ["Event", "StatusTracker", "execution_status"]

Event = Mapping[str, Any]
"""An event of GetExecutionHistory; its timestamp a datetime, epoch seconds, or absent."""

_EXECUTION_ENDS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
_TASKS = ("Task", "LambdaFunction", "Activity")
_Handler = Callable[[Event, Run, "Visit | None", "float | None"], "tuple[Run, Visit | None]"]


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
        self._by_type = self._handlers()
        self._top = Run("")
        self._places: dict[int, tuple[Run, Visit | None]] = {}
        self._visits: dict[str, list[Visit]] = {}
        self._strays: list[Visit] = []
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
        elif kind in self._by_type:
            run, visit = self._by_type[kind](event, run, visit, at)
        number = event.get("id")
        if isinstance(number, int):
            self._places[number] = (run, visit)

    def _origin(self, event: Event) -> tuple[Run, Visit | None]:
        before = event.get("previousEventId")
        if isinstance(before, int) and before in self._places:
            return self._places[before]
        if before:
            self._unplaced += 1
        return self._top, None

    def _enter(self, kind: str, event: Event, run: Run, visit: Visit | None, at: float | None) -> tuple[Run, Visit]:
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
        if run.owner is not None:
            run.owner.children.append(entered)
        elif "/" in path:
            self._strays.append(entered)
        run.latest[path] = entered
        self._transitions += 1
        if source is not None and visit is not None:
            self._taken.add((source, path, visit.status == "CAUGHT"))
        elif run is self._top and self._transitions == 1:
            self._taken.add((START, path, False))
        return run, entered

    def _resolve(self, run: Run, name: str, kind: str) -> str:
        """The path of a state entered in a run; by its name alone where the chain is broken."""
        path = path_of(run.prefix, name)
        if path in self._model.nodes or run is not self._top:
            return path
        same = [key for key in self._by_name.get(name, []) if self._model.nodes[key].type == kind]
        return same[0] if len(same) == 1 else path

    def _inner_run(self, owner: Visit, name: str) -> Run:
        """A branch of a Parallel that begins with this state, not yet begun in this visit; else the Map's inside."""
        node = self._model.nodes.get(owner.path)
        for prefix in node.inside if node else ():
            level = self._model.levels[prefix]
            if level.start_at == name and prefix not in owner.branches:
                owner.branches.add(prefix)
                return Run(prefix, owner)
        return Run(node.inside[0] if node and len(node.inside) == 1 else f"{owner.path}/", owner)

    def _exit(self, event: Event, run: Run, visit: Visit | None, at: float | None) -> tuple[Run, Visit | None]:
        details = event.get("stateExitedEventDetails") or {}
        name = as_text(details.get("name", "?"))
        found = self._climb(run, visit, lambda other: self._name_of(other) == name)
        if found is None:
            found = self._open_by_name(name)
        if found is None:
            self._unplaced += 1
            return run, None
        self._close_inside(found, at)
        found.status = "CAUGHT" if found.failed else "SUCCEEDED"
        if self._failed is not None and (self._failed is found or _within(self._failed, found)):
            self._failed = None
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

    def _climb(self, run: Run, visit: Visit | None, wanted: Callable[[Visit], bool]) -> Visit | None:
        """The first open visit on the way out that is wanted."""
        while True:
            if visit is not None and visit.open and wanted(visit):
                return visit
            if run.owner is None:
                return None
            visit, run = run.owner, run.owner.run

    def _container(self, run: Run, visit: Visit | None, kind: str) -> Visit | None:
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
        while visit is not None and not visit.open and not visit.failed and visit.run.owner is not None:
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
        for visit in [visit for visits in self._visits.values() for visit in visits if visit.open]:
            held = status == "FAILED" and (visit.failed or self._holds_failed(visit))
            _close(visit, "FAILED" if held else fate, at)

    def _holds_failed(self, visit: Visit) -> bool:
        inner = self._failed
        while inner is not None:
            if inner is visit:
                return True
            inner = inner.run.owner
        return False

    def _close_inside(self, owner: Visit, at: float | None) -> None:
        """End what is still open inside a container that ends; each visit is looked at once for each container."""
        inside = f"{owner.path}/"
        fate = "ABORTED" if owner.failed else "SUCCEEDED"
        # A visit whose chain is void stands in the top run though its path is an inner one.
        strays = [visit for visit in self._strays if visit.path.startswith(inside)]
        waiting = [*owner.children, *strays]
        while waiting:
            visit = waiting.pop()
            waiting.extend(visit.children)
            if visit.open:
                _close(visit, "FAILED" if visit.failed else fate, at)

    def _handlers(self) -> dict[str, _Handler]:
        """What is done on each type of event inside a state; other types only carry the chain on."""
        ends = ("Failed", "TimedOut", "StartFailed", "SubmitFailed", "ScheduleFailed")
        kinds = ("Task", "Wait", "Parallel", "Map", "Pass", "Choice")
        return {
            **{f"{task}Scheduled": self._scheduled for task in _TASKS},
            **{f"{task}{end}": self._answered for task in _TASKS for end in ("Succeeded", "Submitted")},
            **{f"{task}{end}": self._stumbled for task in _TASKS for end in ends},
            "EvaluationFailed": self._stumbled,
            "MapStateStarted": self._map_started,
            "MapRunStarted": self._map_run_started,
            "MapRunRedriven": self._map_run_started,
            "ParallelStateStarted": self._parallel_started,
            **{f"MapIteration{end}": self._iteration for end in ("Started", "Succeeded", "Failed", "Aborted")},
            "ParallelStateFailed": self._container_failed,
            "MapStateFailed": self._container_failed,
            "MapRunFailed": self._container_failed,
            "ParallelStateSucceeded": self._container_done,
            "MapStateSucceeded": self._container_done,
            **{f"{kind}StateAborted": self._aborted for kind in kinds},
            "ExecutionRedriven": self._redriven,
        }

    # Handlers of events inside a state: (event, run, visit, time) -> where later events of the chain belong.

    def _scheduled(self, event: Event, run: Run, visit: Visit | None, at: float | None) -> tuple[Run, Visit | None]:
        del at
        if visit is not None:
            visit.attempts += 1
            visit.status, visit.failed = "RUNNING", False
            details = _details(event)
            kind, action = details.get("resourceType"), details.get("resource", "")
            visit.resource = f"{kind}:{action}" if kind else as_text(action)
            visit.parameters = details.get("parameters", details.get("input"))
        return run, visit

    def _answered(self, event: Event, run: Run, visit: Visit | None, at: float | None) -> tuple[Run, Visit | None]:
        del at
        if visit is not None:
            visit.result = _details(event).get("output", visit.result)
        return run, visit

    def _stumbled(self, event: Event, run: Run, visit: Visit | None, at: float | None) -> tuple[Run, Visit | None]:
        del at
        if visit is not None and visit.open:
            visit.error, visit.cause = _error_of(_details(event))
            if str(event.get("type", "")).endswith("TimedOut") and visit.error is None:
                visit.error = "States.Timeout"
            visit.failed = True
            state = self._model.nodes.get(visit.path)
            retried = state is not None and isinstance(state.definition, dict) and state.definition.get("Retry")
            visit.status = "RETRYING" if retried else "RUNNING"
            self._failed = visit
        return run, visit

    def _map_started(self, event: Event, run: Run, visit: Visit | None, at: float | None) -> tuple[Run, Visit | None]:
        del at
        if visit is not None:
            visit.length = _details(event).get("length")
            visit.counts = {}
            _begin_anew(visit)
        return run, visit

    def _parallel_started(
        self, event: Event, run: Run, visit: Visit | None, at: float | None
    ) -> tuple[Run, Visit | None]:
        del event, at
        if visit is not None:
            visit.branches.clear()
            _begin_anew(visit)
        return run, visit

    def _map_run_started(
        self, event: Event, run: Run, visit: Visit | None, at: float | None
    ) -> tuple[Run, Visit | None]:
        del at
        if visit is not None:
            visit.map_run_arn = _details(event).get("mapRunArn")
        return run, visit

    def _iteration(self, event: Event, run: Run, visit: Visit | None, at: float | None) -> tuple[Run, Visit | None]:
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
            return Run(inside, owner, index if isinstance(index, int) else None), None
        counts["RUNNING"] = max(0, counts.get("RUNNING", 0) - 1)
        counts[kind.upper()] = counts.get(kind.upper(), 0) + 1
        for inner in self._chain_open(run, visit, owner):
            _close(inner, "FAILED" if kind == "Failed" else "ABORTED", at)
        return run, visit

    def _chain_open(self, run: Run, visit: Visit | None, owner: Visit) -> list[Visit]:
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
        self, event: Event, run: Run, visit: Visit | None, at: float | None
    ) -> tuple[Run, Visit | None]:
        kind = "Parallel" if str(event.get("type", "")).startswith("Parallel") else "Map"
        owner = self._container(run, visit, kind)
        if owner is None:
            return run, visit
        for inner in self._chain_open(run, visit, owner):
            _close(inner, "FAILED", at)
            if self._failed is None or (inner.failed and not _within(self._failed, inner)):
                self._failed = inner  # else it is known better, by what failed inside
            if owner.error is None:
                owner.error, owner.cause = inner.error, inner.cause
        error, cause = _error_of(_details(event))
        if error is not None:
            owner.error, owner.cause = error, cause
        owner.failed = True
        self._close_inside(owner, at)
        node = self._model.nodes.get(owner.path)
        if node is not None and isinstance(node.definition, dict) and node.definition.get("Retry"):
            owner.status = "RETRYING"
        return owner.run, owner

    def _container_done(
        self, event: Event, run: Run, visit: Visit | None, at: float | None
    ) -> tuple[Run, Visit | None]:
        del at
        kind = "Parallel" if str(event.get("type", "")).startswith("Parallel") else "Map"
        owner = self._container(run, visit, kind)
        return (owner.run, owner) if owner else (run, visit)

    def _aborted(self, event: Event, run: Run, visit: Visit | None, at: float | None) -> tuple[Run, Visit | None]:
        del event
        if visit is not None and visit.open:
            # What has failed is ended by such an event too.
            _close(visit, "FAILED" if visit.failed else "ABORTED", at)
        return run, visit

    def _redriven(self, event: Event, run: Run, visit: Visit | None, at: float | None) -> tuple[Run, Visit | None]:
        """A redrive takes the execution up where it failed."""
        del event, at, visit
        self._ended = self._error = self._cause = None
        again, self._failed = self._failed, None
        outer = again
        while outer is not None:
            outer.status, outer.exited = "RUNNING", None
            outer = outer.run.owner
        return (again.run, again) if again else (run, None)


def _seconds(timestamp: Any) -> float | None:
    """Epoch seconds of a datetime (one without a zone is UTC's) or a number; None for anything else."""
    if isinstance(timestamp, datetime):
        if timestamp.tzinfo is None:
            timestamp = timestamp.replace(tzinfo=UTC)
        return float(timestamp.timestamp())
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


def _begin_anew(owner: Visit) -> None:
    """A container starts, perhaps again: what its earlier attempt did is history."""
    owner.status, owner.failed = "RUNNING", False
    for visit in owner.children:
        visit.run.stale = True


def _within(visit: Visit, owner: Visit) -> bool:
    run = visit.run
    while run.owner is not None:
        if run.owner is owner:
            return True
        run = run.owner.run
    return False


def _current(run: Run) -> bool:
    """Whether the run belongs to the latest visit of every container round it."""
    while run.owner is not None:
        if run.stale or run.owner.run.latest.get(run.owner.path) is not run.owner:
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
