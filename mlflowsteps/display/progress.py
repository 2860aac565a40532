"""An execution as a person follows it: header, error, legend, coloured graph, steps with a timeline.

Owns ``ProgressView``: a snapshot made of DescribeExecution's answer and the history's events. Fetching them is
``workflow``'s, keeping a view up to date is ``live``'s.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlflowsteps.display.html import (
    Markup,
    badge,
    block,
    data_uri,
    details,
    field,
    iso,
    link,
    markdown,
    table,
    text,
    to_seconds,
)
from mlflowsteps.display.links import execution_link, job_arn, resource_link
from mlflowsteps.display.view import View
from mlflowsteps.graph.build import Node
from mlflowsteps.graph.status import StatusTracker
from mlflowsteps.graph.svg import COLOURS
from mlflowsteps.graph.text import ordered
from mlflowsteps.graph.visits import STATUSES, GraphStatus, StateStatus, Visit
from mlflowsteps.graph.words import Json, brief, cut, duration, reason, visible

__all__ = ["ProgressView"]

_BAR = 200  # pixels of a timeline
_LEAST_BAR = 2.0  # pixels: shorter visits are seen too
_MOST_BARS = 60  # bars of one state's timeline; more could not be told apart
_MOST_VISITS = 50
_CAUSE_HEAD, _CAUSE_TAIL = 3, 8  # lines of a long cause that stand above the picture; the state's fold has all of it
_LONGEST_LINE = 2000
_LAST_WORDS = 5  # lines of the failed job's log that stand with the error
_STATUSES_OF_AN_EXECUTION = {"PENDING_REDRIVE": "FAILED"}


class ProgressView(View):
    """A snapshot of an execution, as ``Execution.render_progress`` gives it.

    Args:
        definition: the state machine's definition the execution runs.
        description: DescribeExecution's response, or those of its keys that are known: name, status, startDate,
            stopDate, executionArn, error, cause, input, output.
        events: GetExecutionHistory's, oldest first; not modified.
        portrait: as in ``GraphView``.
        notes: lines for the header, such as a passing failure to fetch events.
        now: epoch seconds of the last look; None: the present.
        links: put links to the AWS console; False for a local runtime, whose ARNs look like AWS's.
        collapse: as in ``GraphView``.
        tracker: a ``StatusTracker`` that has read earlier events of the same execution; ``events`` are then the new
            ones. None: a new one.
        map_runs: item counts of Distributed Maps by Map Run ARN, as DescribeMapRun's ``itemCounts``.
        logs: the last lines of the jobs' logs, by the state's key in the graph.
    """

    def __init__(
        self,
        definition: Json,
        description: Mapping[str, Any],
        events: Iterable[Mapping[str, Any]],
        *,
        portrait: bool | None = None,
        notes: Sequence[str] = (),
        now: float | None = None,
        links: bool = True,
        collapse: bool | None = None,
        tracker: StatusTracker | None = None,
        map_runs: Mapping[str, Mapping[str, int]] | None = None,
        logs: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(definition, portrait=portrait, title=str(description.get("name") or ""), collapse=collapse)
        self.description = dict(description)
        self.notes = tuple(notes)
        self.links = links
        self.logs = {path: tuple(lines) for path, lines in (logs or {}).items() if lines}
        self.looked = time.time() if now is None else now
        tracker = tracker or StatusTracker(self.definition)
        tracker.feed(events)
        for arn, counts in (map_runs or {}).items():
            tracker.set_map_run(arn, counts)
        self._status = tracker.status(description.get("status"))

    @property
    def status(self) -> GraphStatus:
        """What is known of the execution and each of its states."""
        return self._status

    @property
    def finished(self) -> bool:
        """Whether the execution has ended."""
        return self._word != "RUNNING"

    @property
    def _word(self) -> str:
        """The execution's status; DescribeExecution's answer wins over a history that lacks its end."""
        status = str(self.description.get("status") or self._status.status)
        return _STATUSES_OF_AN_EXECUTION.get(status, status)

    @property
    def _started(self) -> float | None:
        return to_seconds(self.description.get("startDate")) or self._status.start

    @property
    def _stopped(self) -> float | None:
        return to_seconds(self.description.get("stopDate")) or self._status.end

    @property
    def _now(self) -> float | None:
        return self._stopped if self.finished and self._stopped is not None else self.looked

    @property
    def elapsed(self) -> float | None:
        """Seconds from the start to the end, or to the last look."""
        end = self._now
        return None if self._started is None or end is None else max(0.0, end - self._started)

    @property
    def error(self) -> str | None:
        """The execution's error."""
        return self.description.get("error") or self._status.error

    @property
    def cause(self) -> str | None:
        """Its cause."""
        return self.description.get("cause") or self._status.cause

    @property
    def failed_state(self) -> str | None:
        """Name of the state that brought the execution down; None where none did."""
        if self._word not in {"FAILED", "TIMED_OUT"} or self._status.failed is None:
            return None
        return self._name_of(self._status.failed.path)

    @property
    def log_file(self) -> str | None:
        """The log that the cause names, where it is a job's description."""
        return _log_file(self.cause)

    def digest(self) -> str:
        """A short text that changes when what the view tells changes, the passing of time left out."""
        facts: list[Any] = [self._word, self.error, self.cause, self.notes, self.logs]
        for path, state in self._status.states.items():
            if state.visits:
                shown = state.shown
                counts = shown.counts if shown else {}
                facts.append((path, state.status, len(state.visits), state.attempts, state.tally, counts, state.error))
        return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:16]

    # Text

    def headline(self) -> str:
        """One line: name, status, elapsed time, states."""
        known = STATUSES.get(self._word)
        parts = [f"{known.icon} {known.word}" if known else visible(self._word), duration(self.elapsed)]
        parts += [self._count_words(), f"updated {iso(self.looked)}"]
        return f"{visible(self.title) or 'execution'}: " + " · ".join(part for part in parts if part)

    def _count_words(self) -> str:
        done = sum(1 for state in self._status.states.values() if state.visits)
        entered = self._status.transitions
        return f"{done}/{len(self._status.states)} states · {entered} transition{'' if entered == 1 else 's'}"

    def failure(self) -> str:
        """State, error, cause and log file of a failed execution, in lines; empty where there is none."""
        if not self.error and self._word not in {"FAILED", "TIMED_OUT"}:
            return ""
        lines = [f"State: {visible(self.failed_state)}"] if self.failed_state else []
        lines.append(f"Error: {visible(self.error or self._word)}")
        told = reason(self.cause)
        if told:
            shown = visible(f"Cause: {told}", lines=True).split("\n")
            lines += _shortened([cut(line, _LONGEST_LINE) for line in shown])
        if self.log_file and self.log_file not in told:
            lines.append(f"Log: {visible(self.log_file)}")
        lines += self._earlier()
        path = self._status.failed.path if self.failed_state and self._status.failed else ""
        said = [line for line in self.logs.get(path, ())[-_LAST_WORDS:] if line.strip() and line not in told]
        return "\n".join([*lines, *(f"  {visible(cut(line, 300))}" for line in said)])

    def _earlier(self) -> list[str]:
        """Errors of other states on the way to the failure: a Fail state tells nothing of what led to it."""
        last = self._status.failed.path if self._status.failed else None
        found = []
        for path, state in self._status.states.items():
            node = self.model.nodes.get(path)
            if state.error and path != last and not (node and node.inside) and state.status in {"FAILED", "CAUGHT"}:
                words = f"{state.error}: {cut(brief(state.cause), 200)}"
                found.append(f"Earlier: {visible(self.place_of(path))}: {visible(words)}")
        return found[:_LAST_WORDS]

    def _going_on(self) -> list[str]:
        """The last line of each running job's log."""
        states = self._status.states
        running = [path for path in self.logs if path in states and states[path].status in {"RUNNING", "RETRYING"}]
        return [f"{visible(self.place_of(path))} says: {visible(cut(self.logs[path][-1], 160))}" for path in running]

    def to_text(self) -> str:
        """Headline, failure and the states as an indented tree."""
        parts = [self.headline(), *map(visible, self.notes), self.failure(), super().to_text(), *self._going_on()]
        return "\n".join(part for part in parts if part)

    def to_markdown(self) -> str:
        """Headline, failure and the steps as a Markdown table."""
        lines = [f"**{markdown(self.headline())}**", ""]
        lines += [f"> {markdown(line)}" for line in self.failure().splitlines()] + [""]
        lines += ["| State | Status | Started | Duration | Attempts |", "| --- | --- | --- | --- | --- |"]
        for depth, node in self._rows():
            state = self._state(node)
            look = STATUSES[state.status]
            took = duration(state.shown.seconds(self._now)) if state.shown else ""
            cells = ["&nbsp;" * 4 * depth + markdown(node.name), f"{look.icon} {look.word}", iso(state.start), took]
            lines.append(f"| {' | '.join([*cells, str(state.attempts or '')])} |")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Json]:
        """The graph as JSON, and the execution's status and each state's under ``execution`` and ``states``."""
        states = {path: self._state_dict(state) for path, state in self._status.states.items()}
        whole = {
            "name": self.title,
            "status": self._word,
            "start": self._started,
            "end": self._stopped,
            "error": self.error,
            "cause": self.cause,
            "transitions": self._status.transitions,
        }
        return {**super().to_dict(), "execution": whole, "states": states}

    def _state_dict(self, state: StateStatus) -> dict[str, Json]:
        return {
            "status": state.status,
            "visits": len(state.visits),
            "attempts": state.attempts,
            "start": state.start,
            "end": state.end,
            "error": state.error,
            "cause": state.cause,
            "input": state.input,
            "output": state.output,
        }

    # HTML

    def _alternative(self) -> str:
        counts = [f"{number} {STATUSES[key].word.lower()}" for key, number in self._status.counts().items() if number]
        return f"Graph of execution {visible(self.title)}: {self._word.lower()}; states: {', '.join(counts)}"

    def _key(self) -> str:
        name = str(self.description.get("executionArn") or self.title)
        return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]

    def _header(self) -> Markup:
        arn = str(self.description.get("executionArn") or "")
        console = link(execution_link(arn), "AWS console") if self.links and execution_link(arn) else Markup()
        facts = [duration(self.elapsed), self._count_words(), f"updated {iso(self.looked)}"]
        line = " · ".join(text(fact) for fact in facts if fact)
        name = f'<span style="font-weight:bold;font-size:15px">{text(self.title or "execution")}</span>'
        notes = "".join(f'<div style="font-style:italic">{text(note)}</div>' for note in self.notes)
        head = f'<div style="padding:4px 0">{name} {badge(self._word)} <span>{line}</span> {console}</div>'
        return Markup(f"{head}{notes}{self._banner()}{self._legend()}")

    def _banner(self) -> Markup:
        """State, error, cause and log of a failure, above everything else."""
        failure = self.failure()
        if not failure:
            return Markup()
        fill, line = COLOURS["TIMED_OUT" if self._word == "TIMED_OUT" else "FAILED"]
        style = (
            f"background-color:{fill[0]};color:#17212b;border-left:4px solid {line[0]};padding:6px 10px;margin:4px 0"
        )
        # White space by line breaks, not by style: the sanitiser may drop it.
        lines = "<br>".join(text(part) for part in failure.split("\n"))
        return Markup(f'<div role="alert" style="{style}">{STATUSES["FAILED"].icon} {lines}</div>')

    def _legend(self) -> Markup:
        counts = self._status.counts()
        shown = " ".join(Markup(f"{badge(key)} {counts[key]}&nbsp; ") for key in STATUSES)
        return Markup(f'<div style="padding:4px 0 8px 0" aria-label="number of states by status">{shown}</div>')

    def _below(self) -> Markup:
        rows = self._rows()
        columns = ["Name", "Type", "Status", "Resource", "Started after", "Duration", "Attempts", "Timeline"]
        steps = table(columns, [self._row(depth, node) for depth, node in rows], caption="Steps", empty="no states")
        folds = [self._fold(node) for _, node in rows if self._state(node).visits]
        ends = [
            details(f"Execution {name}", block(self.description[name], more="execution.describe()"))
            for name in ("input", "output")
            if self.description.get(name) is not None
        ]
        return Markup(
            f'<div style="overflow:auto;max-width:100%">{steps}</div>'
            f'<div style="font-weight:bold;padding:8px 0 2px 0">Inputs and outputs</div>{"".join([*ends, *folds])}'
        )

    def _rows(self) -> list[tuple[int, Node]]:
        """The states in the order of the flow, then those that only the history names."""
        rows = [(depth, node) for depth, node in ordered(self.model) if node.kind == "state"]
        known = {node.key for _, node in rows}
        strangers = [path for path in self._status.states if path not in known]
        return rows + [(0, Node(path, self._name_of(path), "state")) for path in strangers]

    def _name_of(self, path: str) -> str:
        node = self.model.nodes.get(path)
        return node.name if node else path.replace("~1", "/").replace("~0", "~")

    def place_of(self, path: str) -> str:
        """A state's name after those of the containers round it: ``Train candidates / Train XGBoost``."""
        names = [self._name_of(path)]
        node = self.model.nodes.get(path)
        while node is not None and node.parent is not None:
            node = self.model.nodes[node.parent]
            names.insert(0, node.name)
        return " / ".join(names)

    def _state(self, node: Node) -> StateStatus:
        return self._status.states.get(node.key) or StateStatus(node.key)

    def _row(self, depth: int, node: Node) -> list[Any]:
        state = self._state(node)
        shown = state.shown
        after = None if shown is None or shown.entered is None else shown.entered - (self._started or shown.entered)
        tally = (shown.counts if shown else {}) or (state.tally if len(state.tally) > 1 else {})
        counts = ", ".join(f"{number} {STATUSES[key].word.lower()}" for key, number in tally.items() if number)
        status = Markup(f"{badge(state.status)} {text(counts)}")
        error = f"<div>{text(cut(state.error, 80))}</div>" if state.error else ""
        return [
            self._indented(depth, node),
            node.type,
            Markup(f"{status}{error}"),
            self._resource(node, shown),
            "" if after is None else duration(after) or "0 s",
            duration(shown.seconds(self._now)) if shown else "",
            _attempts(state),
            self._timeline(state),
        ]

    def _resource(self, node: Node, shown: Visit | None) -> Any:
        """What a task calls; a link to the job it started, where the console has a page of it."""
        label = node.label if node.type == "Task" else ""
        address = resource_link(job_arn(shown)) if self.links and shown is not None else ""
        return link(address, label or "job") if address else label

    def _timeline(self, state: StateStatus) -> Markup:
        """The visits as bars between the execution's start and end; a running one ends now."""
        start, whole = self._started, self.elapsed
        if start is None or not whole:
            return Markup()
        bars = []
        for visit in state.visits[-_MOST_BARS:]:
            took = visit.seconds(self._now)
            if visit.entered is None or took is None:
                continue
            left = min(max(0.0, (visit.entered - start) / whole * _BAR), _BAR - _LEAST_BAR)
            width = max(_LEAST_BAR, took / whole * _BAR)
            colour = COLOURS[visit.status][1][0]
            bars.append(f'<rect x="{left:.1f}" y="2" width="{width:.1f}" height="9" rx="1.5" fill="{colour}"/>')
        if not bars or state.shown is None:
            return Markup()
        began = duration((state.start or start) - start) or "0 s"
        words = f"from {began}, {duration(state.shown.seconds(self._now))}"
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_BAR}" height="13" viewBox="0 0 {_BAR} 13">'
            f'<rect y="6" width="{_BAR}" height="1" fill="#8c959f"/>{"".join(bars)}</svg>'
        )
        return Markup(
            f'<img alt="{text(words)}" title="{text(words)}" width="{_BAR}" height="13" src="{data_uri(svg)}">'
        )

    def _fold(self, node: Node) -> Markup:
        state = self._state(node)
        look = STATUSES[state.status]
        parts = []
        if state.error:
            parts.append(_titled("Error", block(state.error)))
            parts.append(_titled("Cause", block(state.cause)) if state.cause else Markup())
            log = _log_file(state.cause)
            parts.append(_titled("Log", text(log)) if log else Markup())
        said = self.logs.get(node.key, ())
        if said:
            parts.append(
                _titled(f"The log's last {len(said)} line{'' if len(said) == 1 else 's'}", block("\n".join(said)))
            )
        shown = state.shown
        more = "execution.list_events()"
        values = [("Input", state.input), ("Output", state.output)]
        if shown is not None:
            values[1:1] = [(f"Called {shown.resource}", shown.parameters)]
        parts += [_titled(name, block(value, more=more)) for name, value in values if value is not None]
        if len(state.visits) > 1:
            parts.append(self._visits(state))
        line = Markup(f"{text(look.icon)} {text(node.name)} — {text(state.summary(self._now))}")
        return details(line, Markup("".join(parts)), state=node.key)

    def _visits(self, state: StateStatus) -> Markup:
        rows = [self._visit(number, visit) for number, visit in enumerate(state.visits, 1)]
        note = f"the last {_MOST_VISITS} of {len(rows)} visits" if len(rows) > _MOST_VISITS else ""
        columns = ["Visit", "Iteration", "Status", "Started", "Duration", "Attempts", "Error"]
        return table(columns, rows[-_MOST_VISITS:], caption="Visits", note=note)

    def _visit(self, number: int, visit: Visit) -> list[Any]:
        iteration = "" if visit.iteration is None else visit.iteration
        took = duration(visit.seconds(self._now))
        error = cut(visit.error or "", 200)
        return [number, iteration, badge(visit.status), iso(visit.entered), took, visit.attempts or "", error]


def _attempts(state: StateStatus) -> str:
    words = [str(state.attempts)] if state.attempts else []
    if len(state.visits) > 1:
        words.append(f"{len(state.visits)} visits")
    return ", ".join(words)


def _titled(title: str, body: Markup) -> Markup:
    return Markup(f'<div style="padding-top:2px">{text(title)}</div>{body}')


def _shortened(lines: list[str]) -> list[str]:
    """The first and the last lines of many."""
    left = len(lines) - _CAUSE_HEAD - _CAUSE_TAIL
    if left < 2:
        return lines
    return [*lines[:_CAUSE_HEAD], f"… {left} lines …", *lines[-_CAUSE_TAIL:]]


def _document(cause: str | None) -> dict[str, Json]:
    if not isinstance(cause, str) or not cause.lstrip().startswith("{"):
        return {}
    try:
        found = json.loads(cause)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _log_file(cause: str | None) -> str | None:
    """Path of a local job's log, where the cause is the job's description."""
    document = _document(cause)
    found = field(document, "LogFile") or field(document.get("LocalRun"), "LogFile")
    return found if isinstance(found, str) else None
