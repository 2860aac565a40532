"""Records of what an execution did: visits of states, and how each state and the whole stands.

Owns the statuses and how they are told in words; how they come about is ``status``'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mlflowsteps.graph.words import Json, duration

__all__ = ["ORDER", "STATUSES", "GraphStatus", "Look", "Run", "StateStatus", "Visit"]


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
    "TIMED_OUT": Look("◔", "Timed out"),
    "NOT_STARTED": Look("○", "Not started"),
}
"""Every status of a state, in the legend's order."""

ORDER = ("RUNNING", "RETRYING", "FAILED", "TIMED_OUT", "ABORTED", "CAUGHT", "SUCCEEDED")
"""Of several iterations' statuses the first of these is shown."""

_OPEN = frozenset({"RUNNING", "RETRYING"})


@dataclass(slots=True)
class Run:
    """One run of a level: the execution's top, one branch, or one iteration."""

    prefix: str
    owner: Visit | None = None
    index: int | None = None
    """Index of the iteration in a Map; None elsewhere."""
    latest: dict[str, Visit] = field(default_factory=dict)
    stale: bool = False
    """Whether its container has begun anew since: a retry."""


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
        map_run_arn: of a Distributed Map.
        result: what its task answered: JSON text.
        branches: of a Parallel, the levels that were begun.
        children: visits of the states right inside it.
        failed: whether its last attempt failed.
    """

    path: str
    run: Run
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
    branches: set[str] = field(default_factory=set)
    children: list[Visit] = field(default_factory=list)
    failed: bool = False

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.status in _OPEN

    @property
    def iteration(self) -> int | None:
        """Index of the innermost Map iteration it belongs to; None outside of a Map."""
        run: Run | None = self.run
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
    words: list[str] = []
    visit = state.shown
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
        words.append(f"{state.tally.get(state.status, 0)}/{total}" if len(state.tally) > 1 else f"{total} times")
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
