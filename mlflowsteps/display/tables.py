"""Lists of events, executions and workflows that show themselves as tables.

Each is a real list of what was put in, never changed here, with ``_repr_html_`` for notebooks and ``to_text`` for
terminals. Columns are worked out from rows in one place for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypeVar

from mlflowsteps.display.html import FONT, Markup, badge, block, details, field, iso, link, table, text, to_seconds
from mlflowsteps.display.links import execution_link, machine_link, resource_link
from mlflowsteps.graph.measure import text_width
from mlflowsteps.graph.status import StatusTracker
from mlflowsteps.graph.visits import STATUSES, Visit
from mlflowsteps.graph.words import Json, as_text, cut, duration, visible

__all__ = ["EventList", "ExecutionList", "WorkflowList"]

T = TypeVar("T")
_WIDEST_CELL = 60


class _Table(list[T]):
    """A list with a table's looks."""

    _title = ""
    _empty = ""
    _columns: tuple[str, ...] = ()

    def __init__(
        self, rows: Iterable[T] = (), *, links: bool = True, note: str = "", html: bool = False, title: str = ""
    ) -> None:
        super().__init__(rows)
        self.links, self.note, self.html, self.title = links, note, html, title

    def _cells(self) -> Iterable[Sequence[Any]]:
        raise NotImplementedError

    def _caption(self) -> str:
        return self._title + (f" of {self.title}" if self.title else "")

    def to_html(self) -> str:
        """The table as HTML: inline styles, every value escaped."""
        body = table(self._columns, self._cells(), caption=self._caption(), note=self.note, empty=self._empty)
        return f'<div style="{FONT};overflow:auto;max-width:100%">{body}</div>'

    def _repr_html_(self) -> str:
        return self.to_html()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython shows where there is no HTML: the table, not the list's raw dicts."""
        printer.text("..." if cycle else self.to_text())

    def to_text(self) -> str:
        """The table as aligned plain text."""
        rows = [[_plain(cell) for cell in row] for row in self._cells()]
        if not rows:
            return f"{visible(self._caption())}: {self._empty}" + (f"\n{visible(self.note)}" if self.note else "")
        return "\n".join([*_aligned([list(self._columns), *rows]), *([visible(self.note)] if self.note else [])])

    def __str__(self) -> str:
        return self.to_text()


class _Both(Markup):
    """A cell that is markup in HTML and something simpler in text."""

    plain: str

    def __new__(cls, markup: str, plain: str) -> Self:
        cell = super().__new__(cls, markup)
        cell.plain = plain
        return cell


def _plain(cell: Any) -> str:
    if isinstance(cell, _Both):
        return cell.plain
    return cut(visible("" if cell is None else as_text(cell)), _WIDEST_CELL)


def _aligned(rows: list[list[str]]) -> list[str]:
    def width(value: str) -> int:
        wide = sum(1 for character in value if text_width(character, 1) == 1.0 and ord(character) > 0x2E7F)
        return len(value) + wide

    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    rows = [rows[0], ["-" * size for size in widths], *rows[1:]]
    return [
        "  ".join(cell + " " * (size - width(cell)) for cell, size in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _status(status: Any) -> _Both:
    word = str(getattr(status, "value", status) or "").upper()
    look = STATUSES.get(word)
    return _Both(badge(word), f"{look.icon} {look.word}" if look else visible(word))


def _linked(address: str, label: Any) -> _Both:
    return _Both(link(address, label), _plain(label))


class ExecutionList(_Table[T]):
    """Executions, as ``Workflow.list_executions`` gives them: name, status, started, ended, duration, error.

    Args:
        rows: ListExecutions' dicts, or objects with the same in snake_case.
        links: link names to the AWS console.
        note: a line under the table, such as ``showing 100 of more: raise max_items``.
        html: kept for callers that ask for a table right away; a notebook shows one in any case.
        title: whose executions they are.
    """

    _title, _empty = "Executions", "no executions"
    _columns = ("Name", "Status", "Started", "Ended", "Duration", "Error")

    def _cells(self) -> Iterable[Sequence[Any]]:
        for row in self:
            arn = str(field(row, "executionArn", "execution_arn", "arn", default=""))
            start, stop = field(row, "startDate", "start_date"), field(row, "stopDate", "stop_date")
            begun, ended = to_seconds(start), to_seconds(stop)
            took = duration(ended - begun) if begun is not None and ended is not None else ""
            name = field(row, "name", default=arn.rpartition(":")[2])
            yield [
                _linked(execution_link(arn) if self.links else "", name),
                _status(field(row, "status", default="")),
                iso(start),
                iso(stop),
                took,
                field(row, "error", default=""),
            ]


class WorkflowList(_Table[T]):
    """State machines, as ``Workflow.list_workflows`` gives them: name, type, created.

    Args:
        rows: ListStateMachines' dicts, or objects with the same in snake_case.
        links: link names to the AWS console.
        note: a line under the table.
        html: as in ``ExecutionList``.
    """

    _title, _empty = "Workflows", "no workflows"
    _columns = ("Name", "Type", "Created", "ARN")

    def _cells(self) -> Iterable[Sequence[Any]]:
        for row in self:
            arn = str(field(row, "stateMachineArn", "state_machine_arn", "arn", default=""))
            yield [
                _linked(machine_link(arn) if self.links else "", field(row, "name", default=arn.rpartition(":")[2])),
                field(row, "type", default="STANDARD"),
                iso(field(row, "creationDate", "creation_date")),
                arn,
            ]


class EventList(_Table[dict[str, Any]]):
    """History events, as ``Execution.list_events`` gives them; never modified.

    Args:
        rows: GetExecutionHistory's events, in either order.
        definition: the state machine's, for full paths of steps; None: as far as the events tell.
        links: link resources to the AWS console.
        note: a line under the table.
        html: as in ``ExecutionList``.
        start: when the execution began (a datetime or epoch seconds), where the first events may be missing; None: the
            earliest event's time.
    """

    _title, _empty = "Events", "no events"
    _columns = ("ID", "Time (UTC)", "Since start", "Type", "Step", "Resource", "Details")

    def __init__(
        self,
        rows: Iterable[dict[str, Any]] = (),
        *,
        definition: Json = None,
        links: bool = True,
        note: str = "",
        html: bool = False,
        title: str = "",
        start: Any = None,
    ) -> None:
        super().__init__(rows, links=links, note=note, html=html, title=title)
        self.definition, self.start = definition, to_seconds(start)

    def _cells(self) -> Iterable[Sequence[Any]]:
        tracker = StatusTracker(self.definition)
        ordered = sorted(self, key=_id)
        tracker.feed(ordered)
        times = (to_seconds(event.get("timestamp")) for event in ordered)
        start = self.start if self.start is not None else next((at for at in times if at is not None), None)
        for event in self:
            at = to_seconds(event.get("timestamp"))
            since = "" if at is None or start is None else _exact(at - start)
            visit = tracker.place_of(_id(event))
            body = _event_details(event)
            yield [
                event.get("id", ""),
                iso(event.get("timestamp"), milliseconds=True),
                since,
                _event_type(str(event.get("type", ""))),
                _step(visit),
                self._resource(body),
                _event_body(body),
            ]

    def _resource(self, body: dict[str, Any]) -> Any:
        kind, resource = body.get("resourceType"), body.get("resource")
        if resource is None:
            return ""
        shown = f"{as_text(kind)}:{as_text(resource)}" if kind else as_text(resource)
        return _linked(resource_link(shown) if self.links else "", shown)


def _id(event: dict[str, Any]) -> int:
    number = event.get("id")
    return number if isinstance(number, int) else 0


def _exact(seconds: float) -> str:
    """A time since the start to the millisecond: ``1 m 30.250 s``."""
    minutes, rest = divmod(max(0.0, seconds), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = [f"{hours} h"] if hours else []
    parts += [f"{minutes} m"] if hours or minutes else []
    return " ".join([*parts, f"{rest:.3f} s"])


_MARKED: dict[str, Callable[[str], bool]] = {
    "FAILED": lambda kind: kind.endswith("Failed"),
    "TIMED_OUT": lambda kind: kind.endswith("TimedOut"),
    "ABORTED": lambda kind: kind.endswith("Aborted"),
}


def _event_type(kind: str) -> Any:
    for status, wanted in _MARKED.items():
        if wanted(kind):
            icon = STATUSES[status].icon
            return _Both(f"<b>{text(icon)} {text(kind)}</b>", f"{icon} {visible(kind)}")
    return kind


def _step(visit: Visit | None) -> str:
    """The state's full path, with the branch or iteration of each container: ``Each[3] / Score``."""
    if visit is None:
        return ""
    parts: list[str] = []
    inner: Visit | None = visit
    while inner is not None:
        name = inner.path.removeprefix(inner.run.prefix).replace("~1", "/").replace("~0", "~")
        owner = inner.run.owner
        index: int | str | None = inner.run.index
        if owner is not None and index is None:
            index = inner.run.prefix.removeprefix(f"{owner.path}/").rstrip("/")  # of a branch; a Map's is empty
        parts.append(name + (parts.pop() if parts else ""))
        if owner is not None:
            parts[0] = (f"[{index}]" if index not in {None, ""} else "") + " / " + parts[0]
        inner = owner
    return parts[0]


def _event_details(event: dict[str, Any]) -> dict[str, Any]:
    for key, value in event.items():
        if key.endswith("EventDetails") and isinstance(value, dict):
            return value
    return {}


def _event_body(body: dict[str, Any]) -> Any:
    if not body:
        return ""
    shown = [key for key in body if key not in {"name", "resource", "resourceType"} and not key.endswith("Details")]
    if not shown:
        return ""  # no more than the columns say
    hint = as_text(body["error"]) if body.get("error") else ", ".join(shown)
    parts = []
    for key, value in body.items():
        if not key.endswith("Details"):  # inputDetails and its like: only whether the value was cut
            parts.append(f"<div>{text(key)}</div>{block(value)}")
    return _Both(details(cut(hint, 60), Markup("".join(parts))), cut(visible(hint), _WIDEST_CELL))
