"""A layout as one self-contained SVG text, plain or coloured by an execution.

Two flavours of the same picture: ``notebook`` follows the page's light or dark theme (CSS ``light-dark()`` after a
literal colour for viewers that do not know it); ``file`` has literal attributes only, for any renderer. No script, no
font, no reference to anything outside; no ids, so that any number of pictures can share a page. Every value is escaped.
Status is told by icon, word and border as well as by colour.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from mlflowsteps.graph.build import Node
from mlflowsteps.graph.layout import EDGE_SIZE, HEADER, LABEL_LINE, LABEL_SIZE, NAME_LINE, NAME_SIZE, Box, Layout, Route
from mlflowsteps.graph.measure import fit, text_width
from mlflowsteps.graph.routes import Curve
from mlflowsteps.graph.visits import GraphStatus, StateStatus
from mlflowsteps.graph.words import cut, visible

__all__ = ["COLOURS", "draw"]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', Arial, sans-serif"

COLOURS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "SUCCEEDED": (("#dcf7e3", "#12331f"), ("#1a7f37", "#3fb950")),
    "RUNNING": (("#ddf1ff", "#0f2f4d"), ("#0969da", "#58a6ff")),
    "FAILED": (("#ffe3e0", "#45191c"), ("#cf222e", "#ff7b72")),
    "CAUGHT": (("#fff3d1", "#3a2c0b"), ("#8a5d00", "#d9a227")),
    "RETRYING": (("#f4eaff", "#2f2148"), ("#7a45cf", "#bc8cff")),
    "ABORTED": (("#e9edf1", "#2d333b"), ("#57606a", "#adbac7")),
    "TIMED_OUT": (("#ffebdd", "#41240f"), ("#b04500", "#f0883e")),
    "NOT_STARTED": (("#ffffff", "#1c2128"), ("#8b95a1", "#6e7986")),
}
"""Of each status (fill, line), each (light, dark); text on the fills keeps a contrast of 4.5 or more."""

_INK, _MUTED = ("#17212b", "#e6edf3"), ("#57606a", "#a5b0bc")
_LINE, _TAKEN = ("#76808c", "#8b949e"), ("#2b3947", "#e6edf3")
_AMBER, _RED = ("#9a6300", "#d9a227"), ("#cf222e", "#ff7b72")
_PAPER = ("#ffffff", "#14181d")

_Paint = dict[str, "str | tuple[str, str]"]
_PAINTS: dict[str, _Paint] = {
    "paper": {"fill": _PAPER},
    "box": {"fill": ("#ffffff", "#1c2128"), "stroke": _LINE, "stroke-width": "1.5"},
    "frame": {"fill": ("#f6f9fc", "#181d24"), "stroke": _LINE, "stroke-width": "1.4", "stroke-dasharray": "6 4"},
    "missing": {"fill": ("#fff5f4", "#2a1618"), "stroke": _RED, "stroke-width": "1.6", "stroke-dasharray": "5 3"},
    "lost": {"fill": ("#ffffff", "#1c2128"), "stroke": _AMBER, "stroke-width": "1.4", "stroke-dasharray": "3 3"},
    "dot": {"fill": ("#fff3d6", "#3a2c0b"), "stroke": _AMBER, "stroke-width": "1.4"},
    "name": {"fill": _INK, "font-size": f"{NAME_SIZE:g}", "text-anchor": "middle"},
    "title": {"fill": _INK, "font-size": f"{NAME_SIZE:g}", "font-weight": "bold"},
    "sub": {"fill": _MUTED, "font-size": f"{LABEL_SIZE:g}", "text-anchor": "middle"},
    "side": {"fill": _MUTED, "font-size": f"{LABEL_SIZE:g}"},
    "word": {"fill": _INK, "font-size": f"{LABEL_SIZE:g}"},
    "edge-label": {"fill": _MUTED, "font-size": f"{EDGE_SIZE:g}", "text-anchor": "middle"},
    "edge-next": {"fill": "none", "stroke": _LINE, "stroke-width": "1.5"},
    "edge-default": {"fill": "none", "stroke": _LINE, "stroke-width": "1.5", "stroke-dasharray": "1.5 4"},
    "edge-catch": {"fill": "none", "stroke": _AMBER, "stroke-width": "1.4", "stroke-dasharray": "6 4"},
    "taken-next": {"fill": "none", "stroke": _TAKEN, "stroke-width": "2.6"},
    "taken-default": {"fill": "none", "stroke": _TAKEN, "stroke-width": "2.6", "stroke-dasharray": "2 4"},
    "taken-catch": {"fill": "none", "stroke": _AMBER, "stroke-width": "2.8", "stroke-dasharray": "7 4"},
    "tip": {"fill": _LINE},
    "tip-taken": {"fill": _TAKEN},
    "tip-catch": {"fill": _AMBER},
    "glyph": {"fill": "none", "stroke": _INK, "stroke-width": "1.6"},
    "mark": {"fill": "none", "stroke": ("#ffffff", "#14181d"), "stroke-width": "1.8"},
}
_WIDTHS = {"NOT_STARTED": "1", "SUCCEEDED": "1.8", "CAUGHT": "2", "ABORTED": "2"}
_STYLES = {"default": "default", "catch": "catch"}
for _status, (_fill, _stroke) in COLOURS.items():
    _look: _Paint = {"fill": _fill, "stroke": _stroke, "stroke-width": _WIDTHS.get(_status, "2.6")}
    _PAINTS[f"box-{_status}"] = _look
    _PAINTS[f"bar-{_status}"] = {"fill": _fill}
    _PAINTS[f"frame-{_status}"] = {**_look, "fill": "none", "stroke-dasharray": "6 4"}
    _PAINTS[f"disc-{_status}"] = {"fill": _stroke}

# Strokes in a circle of radius 6.5 round (0, 0).
_MARKS = {
    "SUCCEEDED": "M-3 .2 L-.8 2.6 L3.2 -2.4",
    "RUNNING": "M-1.6 -2.8 L2.8 0 L-1.6 2.8 Z",
    "FAILED": "M-2.5 -2.5 L2.5 2.5 M2.5 -2.5 L-2.5 2.5",
    "CAUGHT": "M0 -3.4 L0 .8 M0 2.6 L0 3.2",
    "RETRYING": "M2.6 -1.6 A3.1 3.1 0 1 0 3 1 M3.2 -3.6 L2.8 -1.2 L.6 -1.8",
    "ABORTED": "M-2 -2 H2 V2 H-2 Z",
    "TIMED_OUT": "M0 -3.4 V0 L2.4 1.6",
    "NOT_STARTED": "M-2.4 0 H2.4",
}


def draw(
    drawing: Layout,
    status: GraphStatus | None = None,
    *,
    flavour: str = "file",
    dark: bool = False,
    title: str = "",
    now: float | None = None,
) -> str:
    """The picture as SVG text.

    Args:
        drawing: a layout; left unchanged.
        status: an execution's, to colour it; None for the definition alone.
        flavour: ``notebook`` (follows the page's theme, boxes can be reached by keyboard) or ``file``.
        dark: of a ``file``: dark colours.
        title: what the picture shows, for screen readers.
        now: epoch seconds until which running states are timed.

    Raises:
        ValueError: there is no such flavour.
    """
    if flavour not in {"file", "notebook"}:
        raise ValueError(f"flavour {flavour!r} is neither 'file' nor 'notebook'")
    return _Pen(flavour, dark, status, now).picture(drawing, title)


class _Pen:
    def __init__(self, flavour: str, dark: bool, status: GraphStatus | None, now: float | None) -> None:
        self._file, self._dark, self._status, self._now = flavour == "file", dark, status, now
        self._used: set[str] = set()
        self._failed_inside = _failures(status)

    def picture(self, drawing: Layout, title: str) -> str:
        """All parts, back to front: frames, lines, boxes, labels."""
        body: list[str] = []
        body += [self._frame(box) for box in drawing.boxes if box.container]
        body += self._routes(drawing)
        body += [self._box(box, drawing) for box in drawing.boxes if not box.container]
        body += [
            self._edge_label(label.x + label.width / 2, label.y, label.text, label.full) for label in drawing.labels
        ]
        width, height = round(drawing.width), round(drawing.height)
        name = escape(cut(visible(title or "workflow graph"), 300), quote=True)
        # Of an image the page's theme is not always known, so that it brings its own paper; the script takes it away.
        paper = f'<rect width="{width}" height="{height}" {self._paint("paper")}/>'
        role = "img" if self._file else "group"
        style = "" if self._file else f"<style>{self._sheet()}</style>"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="{role}" aria-label="{name}" '
            f'font-family="{FONT}">{style}{paper}{"".join(body)}</svg>'
        )

    def _paint(self, role: str) -> str:
        if not self._file:
            self._used.add(role)
            return f'class="{role}"'
        return " ".join(f'{key}="{self._literal(value)}"' for key, value in _PAINTS[role].items())

    def _literal(self, value: str | tuple[str, str]) -> str:
        return value if isinstance(value, str) else value[self._dark]

    def _sheet(self) -> str:
        """The rules of the roles in use; a literal colour stands before each ``light-dark``."""
        rules = [":root,svg{color-scheme:light dark}.n{cursor:pointer}.n:focus{outline:none}"]
        rules.append(".n:focus-visible>:first-of-type,.n:hover>rect{stroke-width:3.2}")
        rules.append(".hit>title+*{stroke:#a333c8;stroke:light-dark(#a333c8,#d58cf0);stroke-width:4px}")
        for role in sorted(self._used):
            declared = "".join(_declaration(key, value) for key, value in _PAINTS[role].items())
            rules.append(f".{role}{{{declared}}}")
        return "".join(rules)

    # Boxes

    def _group(self, node: Node, state: StateStatus | None, parts: Iterable[str]) -> str:
        text = visible(node.name)
        for extra in (visible(node.label), node.problem, state.summary(self._now) if state else ""):
            text += f", {extra}" if extra else ""
        if state and state.error:
            text += f": {cut(visible(state.error), 120)}"
        name = escape(text, quote=True)
        reach = f' tabindex="0" role="button" aria-label="{name}"' if not self._file and node.kind == "state" else ""
        key = escape(visible(node.key), quote=True)
        return f'<g class="n" data-state="{key}"{reach}><title>{name}</title>{"".join(parts)}</g>'

    def _state(self, node: Node) -> StateStatus | None:
        return self._status.states.get(node.key) if self._status and node.kind == "state" else None

    def _box(self, box: Box, drawing: Layout) -> str:
        node, state = box.node, self._state(box.node)
        if node.kind in {"start", "end"}:
            return self._dot(box)
        parts = [_shape(box, self._paint(_role(node, state)))]
        if box.collapsed:
            parts.append(_shape(box, self._paint(_role(node, state)), inset=4))
        middle = box.x + box.width / 2
        lines = len(box.lines) * NAME_LINE + (LABEL_LINE if box.label else 0)
        status_line = drawing.status_lines and node.kind == "state"
        y = box.y + (box.height - lines - (LABEL_LINE + 1 if status_line else 0)) / 2
        for line in box.lines:
            parts.append(_text(middle, y + 14, line, self._paint("name")))
            y += NAME_LINE
        if box.label:
            parts.append(_text(middle, y + 11.5, box.label, self._paint("sub")))
            y += LABEL_LINE
        if state and status_line:
            parts.append(self._status_line(state, middle, y + 8.5, box.width - 24, box.collapsed))
        return self._group(node, state, parts)

    def _dot(self, box: Box) -> str:
        x, y, radius = box.x + box.width / 2, box.y + box.height / 2, box.width / 2
        parts = [f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" {self._paint("dot")}/>']
        parts.append(_text(x, y + 4, box.node.name, self._paint("sub").replace(f'"{LABEL_SIZE:g}"', '"11"')))
        return f"<g>{''.join(parts)}</g>"

    def _status_line(self, state: StateStatus, middle: float, y: float, width: float, collapsed: bool) -> str:
        failed = self._failed_inside.get(state.path, 0) if collapsed else 0
        summary = state.summary(self._now) + (f" · {failed} failed inside" if failed else "")
        text = fit(summary, LABEL_SIZE, width - 18)
        # Not started is the absence of a status: the word alone, without a disc.
        started = state.status != "NOT_STARTED"
        left = middle - (text_width(text, LABEL_SIZE) + (18 if started else 0)) / 2
        if not started:
            return _text(middle, y + 3.5, text, self._paint("sub"))
        return self._icon(state.status, left + 6.5, y) + _text(left + 18, y + 4, text, self._paint("word"))

    def _icon(self, status: str, x: float, y: float) -> str:
        disc = f'<circle r="6.5" {self._paint("disc-" + status)}/>'
        mark = f'<path d="{_MARKS[status]}" {self._paint("mark")}/>'
        return f'<g transform="translate({_n(x)} {_n(y)})">{disc}{mark}</g>'

    def _frame(self, box: Box) -> str:
        node, state = box.node, self._state(box.node)
        role = "frame" if node.reachable else "lost"
        header = HEADER + (LABEL_LINE if state else 0)
        parts = [_rounded(box.x, box.y, box.width, box.height, 9, self._paint(role))]
        if state and state.status != "NOT_STARTED":
            parts.append(_title_bar(box, header, self._paint(f"bar-{state.status}")))
            parts.append(_rounded(box.x, box.y, box.width, box.height, 9, self._paint(f"frame-{state.status}")))
        left, baseline = box.x + 14, box.y + 19
        parts.append(f'<path d="{_symbol(node, left + 5, baseline - 5)}" {self._paint("glyph")}/>')
        parts.append(_text(left + 17, baseline, box.lines[0], self._paint("title")))
        after = left + 17 + text_width(box.lines[0], NAME_SIZE, bold=True) + 8
        parts.append(_text(after, baseline, box.label, self._paint("side")))
        if state:
            width = box.width - 48
            text = fit(state.summary(self._now), LABEL_SIZE, width)
            if state.status != "NOT_STARTED":
                parts.append(self._icon(state.status, left + 6.5, baseline + 12.5))
            parts.append(_text(left + 18, baseline + 16.5, text, self._paint("word")))
        return self._group(node, state, parts)

    # Lines

    def _routes(self, drawing: Layout) -> list[str]:
        taken = self._taken(drawing.routes)
        found: list[tuple[bool, str]] = []
        for route, used in zip(drawing.routes, taken, strict=True):
            style = _STYLES.get(route.kind, "next")
            line = f'<path d="{_path(route)}" {self._paint(("taken-" if used else "edge-") + style)}/>'
            if route.tip:
                role = "tip-catch" if style == "catch" else ("tip-taken" if used else "tip")
                line += f'<path d="{_arrow(route.curves[-1], used)}" {self._paint(role)}/>'
            found.append((used, line))
        return [line for _, line in sorted(found, key=lambda entry: entry[0])]  # the taken ones on top

    def _taken(self, routes: list[Route]) -> list[bool]:
        """Whether the execution went along each route; a trunk is taken from where a taken edge comes in."""
        made = self._status.taken if self._status else set()
        used = [
            any((edge.source, edge.target, edge.kind == "catch") in made for edge in route.edges) for route in routes
        ]
        onward: dict[int, list[int]] = {}
        for index, route in enumerate(routes):
            for before in route.before:
                onward.setdefault(before, []).append(index)
        waiting = [index for index, flag in enumerate(used) if flag]
        while waiting:
            for following in onward.get(waiting.pop(), ()):
                if not used[following]:
                    used[following] = True
                    waiting.append(following)
        return used

    def _edge_label(self, x: float, y: float, text: str, full: str) -> str:
        words = _text(x, y + 11.5, text, self._paint("edge-label"))
        return f"<g><title>{escape(full)}</title>{words}</g>"


def _failures(status: GraphStatus | None) -> dict[str, int]:
    """Number of failed states inside each container, by its key; a key begins with those of all containers round it."""
    found: dict[str, int] = {}
    for path, state in status.states.items() if status else ():
        if state.status in {"FAILED", "TIMED_OUT"}:
            parts = path.split("/")
            for depth in range(1, len(parts)):
                outer = "/".join(parts[:depth])
                found[outer] = found.get(outer, 0) + 1
    return found


def _role(node: Node, state: StateStatus | None) -> str:
    if node.kind == "missing":
        return "missing"
    if not node.reachable:
        return "lost"
    return f"box-{state.status}" if state else "box"


def _declaration(key: str, value: str | tuple[str, str]) -> str:
    unit = "px" if key == "font-size" else ""
    if isinstance(value, str):
        return f"{key}:{value}{unit};"
    return f"{key}:{value[0]};{key}:light-dark({value[0]},{value[1]});"


def _n(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")


def _text(x: float, y: float, text: str, paint: str) -> str:
    return f'<text x="{_n(x)}" y="{_n(y)}" {paint}>{escape(text)}</text>'


def _rounded(x: float, y: float, width: float, height: float, radius: float, paint: str) -> str:
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="{_n(radius)}" {paint}/>'


def _shape(box: Box, paint: str, inset: float = 0.0) -> str:
    """The outline by type: hexagon for Choice, stadium for Succeed and Fail, rounded box for all others."""
    x, y, width, height = box.x + inset, box.y + inset, box.width - 2 * inset, box.height - 2 * inset
    if box.node.type == "Choice":
        slant = 14
        corners = [(x + slant, y), (x + width - slant, y), (x + width, y + height / 2)]
        corners += [(x + width - slant, y + height), (x + slant, y + height), (x, y + height / 2)]
        return f'<path d="M{" L".join(f"{_n(a)} {_n(b)}" for a, b in corners)} Z" {paint}/>'
    radius = height / 2 if box.node.type in {"Succeed", "Fail"} else 7 - inset / 2
    return _rounded(x, y, width, height, radius, paint)


def _title_bar(box: Box, header: float, paint: str) -> str:
    """The upper strip of a frame, with the frame's round corners; tinting all of it would drown what is inside."""
    x, y, right, low = box.x + 1, box.y + 1, box.x + box.width - 1, box.y + header
    return (
        f'<path d="M{_n(x)} {_n(low)} V{_n(y + 8)} Q{_n(x)} {_n(y)} {_n(x + 8)} {_n(y)} H{_n(right - 8)} '
        f'Q{_n(right)} {_n(y)} {_n(right)} {_n(y + 8)} V{_n(low)} Z" {paint}/>'
    )


def _symbol(node: Node, x: float, y: float) -> str:
    """Two bars for a Parallel, a turning arrow for a Map."""
    if node.type == "Parallel":
        return f"M{_n(x - 2)} {_n(y - 5)} v10 M{_n(x + 2)} {_n(y - 5)} v10"
    return f"M{_n(x + 3.5)} {_n(y - 3)} a4.6 4.6 0 1 0 1 3.6 m.6 -7 v3.6 h-3.6"


def _path(route: Route) -> str:
    """The route as path data; it ends a little short of the arrowhead's tip."""
    parts: list[str] = []
    at = None
    for index, curve in enumerate(route.curves):
        if curve.start != at:  # the beginning, and the far side of a label
            parts.append(f"M{_n(curve.start[0])} {_n(curve.start[1])}")
        at = end = curve.end
        if route.tip and index == len(route.curves) - 1:
            dx, dy = _direction(curve)
            end = (end[0] - 6 * dx, end[1] - 6 * dy)
        if curve.controls:
            numbers = (*curve.controls[0], *curve.controls[1], *end)
            parts.append("C" + " ".join(_n(number) for number in numbers))
        else:
            parts.append(f"L{_n(end[0])} {_n(end[1])}")
    return "".join(parts)


def _direction(curve: Curve) -> tuple[float, float]:
    """Unit vector at a curve's end."""
    before = curve.controls[1] if curve.controls else curve.start
    dx, dy = curve.end[0] - before[0], curve.end[1] - before[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    return dx / length, dy / length


def _arrow(curve: Curve, heavy: bool) -> str:
    (x, y), (dx, dy) = curve.end, _direction(curve)
    length, half = (11.0, 5.5) if heavy else (9.5, 4.6)
    back_x, back_y = x - length * dx, y - length * dy
    return (
        f"M{_n(x)} {_n(y)} L{_n(back_x - half * dy)} {_n(back_y + half * dx)} "
        f"L{_n(back_x + half * dy)} {_n(back_y - half * dx)} Z"
    )
