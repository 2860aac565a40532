"""A model's boxes, curves and labels with coordinates: containers bottom-up, each level in rows.

Owns sizes and positions, in pixels, y downwards. No transition of the Amazon States Language crosses a container's
border, so every ``States`` object is laid out by itself; a Parallel or Map is then one big box of its outer level.
Colours and formats are ``svg``'s. Near n log n; nothing is recursive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mlflowsteps.graph.build import Edge, Level, Model, Node
from mlflowsteps.graph.coordinates import align, place_ports
from mlflowsteps.graph.layers import LABEL, Link, Rows, make_rows
from mlflowsteps.graph.measure import fit, text_width, wrap
from mlflowsteps.graph.routes import Curve, Point, Spans, trace
from mlflowsteps.graph.words import visible

__all__ = ["COLLAPSE_ABOVE", "Box", "Label", "Layout", "Route", "layout"]

COLLAPSE_ABOVE = 150
"""Definitions of more states than this are drawn with their containers closed, unless asked otherwise."""

NAME_SIZE, LABEL_SIZE, EDGE_SIZE = 14.0, 11.5, 11.5
NAME_LINE, LABEL_LINE = 18.0, 16.0
HEADER = 26.0
_NAME_WIDTH = 230.0
_EDGE_WIDTH = 170.0
_STATUS_WIDTH = 168.0  # "Succeeded · 12 m 30 s · 2 attempts" need not fit; "Succeeded · 12 m 30 s" does
_INSIDE_WIDTH = 96.0  # " · 12 failed inside", of a container that is drawn closed
_PADDING_X, _PADDING_Y = 16.0, 8.0
_CONTAINER_PADDING = 14.0
_BRANCH_GAP = 24.0
_MARGIN = 12.0
_DOT = 34.0
_GAP, _LABEL_GAP, _GREATEST_GAP = 34.0, 16.0, 84.0
_BRANCHES_ACROSS = {True: 1100.0, False: 700.0}  # above this extent the branches of a Parallel begin a new row
_LANDSCAPE_LIMIT = (8, 980.0)  # automatic: so few nodes at the top, and no wider than a notebook's cell

_WEIGHTS = {"start": 8.0, "next": 8.0, "end": 3.0, "choice": 2.0, "default": 1.5, "catch": 0.15}
_FAILING = 0.5  # of the way from a Fail state to End: End stands under success
_PRIORITY = {"start": 0, "next": 0, "choice": 1, "default": 1, "end": 2, "catch": 3}


@dataclass(slots=True)
class Box:
    """A drawn node.

    Args:
        node: what it shows.
        x: left border.
        y: upper border.
        width: in pixels.
        height: in pixels.
        lines: the name, wrapped.
        label: the line under it, cut to fit.
        container: drawn as a frame round its states.
        collapsed: a container drawn closed.
    """

    node: Node
    width: float
    height: float
    lines: list[str]
    label: str
    x: float = 0.0
    y: float = 0.0
    container: bool = False
    collapsed: bool = False


@dataclass(slots=True)
class Label:
    """A text on an edge, in a rectangle of its own.

    Args:
        text: as shown.
        full: all of it.
        edges: the transitions it belongs to.
    """

    text: str
    full: str
    edges: tuple[Edge, ...]
    width: float
    height: float = 15.0
    x: float = 0.0
    y: float = 0.0


@dataclass(slots=True)
class Route:
    """A stretch of edges that is drawn as one path.

    Args:
        curves: in the direction of the flow.
        edges: the transitions that begin with it; those that flow into it are found by ``before``.
        before: indices, in the layout's routes, of the routes that flow into it.
        kind: kind of its transitions.
        tip: whether it ends in an arrowhead.
    """

    curves: list[Curve]
    edges: tuple[Edge, ...]
    before: list[int]
    kind: str
    tip: bool


@dataclass(slots=True)
class Layout:
    """A picture's geometry.

    Args:
        width: of the whole, margins included.
        height: of the whole.
        portrait: True where the flow goes down, False where it goes to the right.
        boxes: containers stand before what they hold.
        routes: curves of the transitions.
        labels: texts on them.
        status_lines: whether the boxes keep a line free for a status.
    """

    width: float
    height: float
    portrait: bool
    boxes: list[Box] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    status_lines: bool = False


def layout(
    model: Model, *, portrait: bool | None = None, collapse: bool | None = None, status_lines: bool = False
) -> Layout:
    """Place everything a model holds.

    Args:
        model: what to draw; left unchanged.
        portrait: True: downwards; False: to the right; None: to the right where that stays short, else downwards.
        collapse: draw containers closed; None: where the model has more than ``COLLAPSE_ABOVE`` states.
        status_lines: keep a line free in each box, so that a running picture keeps its shape.
    """
    closed = sum(1 for _ in model.states()) > COLLAPSE_ABOVE if collapse is None else collapse
    if portrait is None:
        most, widest = _LANDSCAPE_LIMIT
        top = model.levels[""]
        if len(top.nodes) <= most and not any(model.nodes[key].inside for key in top.nodes):
            flat = _Drawing(model, portrait=False, closed=closed, status_lines=status_lines).layout()
            if flat.width <= widest and flat.height <= flat.width / 2:
                return flat
    return _Drawing(model, portrait=portrait is not False, closed=closed, status_lines=status_lines).layout()


@dataclass(slots=True)
class _Sheet:
    """A laid-out level or the inside of a container, its upper left corner at (0, 0)."""

    width: float = 0.0
    height: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    sheets: list[tuple[_Sheet, float, float]] = field(default_factory=list)


class _Drawing:
    """One run of the layout in one direction."""

    def __init__(self, model: Model, *, portrait: bool, closed: bool, status_lines: bool) -> None:
        self._model, self._portrait, self._closed, self._status_lines = model, portrait, closed, status_lines
        self._insides: dict[str, _Sheet] = {}

    def layout(self) -> Layout:
        """Lay out all levels, inner ones first, and put them together."""
        levels = self._model.levels
        for level in [levels[""]] if self._closed else reversed(levels.values()):
            self._insides[level.key] = self._lay_out(level)
        whole = self._insides[""]
        drawing = Layout(
            whole.width + 2 * _MARGIN, whole.height + 2 * _MARGIN, self._portrait, status_lines=self._status_lines
        )
        waiting = [(whole, _MARGIN, _MARGIN)]
        while waiting:
            sheet, x, y = waiting.pop()
            _put(drawing, sheet, x, y)
            waiting.extend((inner, x + dx, y + dy) for inner, dx, dy in sheet.sheets)
        return drawing

    def _lay_out(self, level: Level) -> _Sheet:
        """One level: boxes, rows, coordinates, curves."""
        sheet = _Sheet()
        boxes = {key: self._box(sheet, self._model.nodes[key]) for key in level.nodes}
        links, groups, loops = self._links(level, list(boxes))
        left, right, depth = self._extents(list(boxes.values()), level, loops)
        rows = make_rows(left, right, depth, links)
        ports = place_ports(rows, self._spread(list(boxes.values())))
        axis = align(rows, ports, links)
        spans = _spans(rows, axis)
        first = min((axis[cell] - rows.left[cell] for row in rows.rows for cell in row[:1]), default=0.0)
        last = max((axis[cell] + rows.right[cell] for row in rows.rows for cell in row[-1:]), default=0.0)
        axis = [at - first for at in axis]
        across, along = last - first, (spans.bottom[-1] if spans.bottom else 0.0)
        sheet.width, sheet.height = (across, along) if self._portrait else (along, across)
        self._place_boxes(sheet, list(boxes.values()), rows, axis, spans)
        self._place_labels(sheet, links, groups, rows, axis, spans)
        for piece in trace(rows, axis, ports, spans, links):
            edges = tuple(edge for link in piece.links for edge in groups[link])
            self._add_route(sheet, piece.curves, edges, piece.before, piece.tip)
        self._draw_loops(sheet, loops, boxes)
        _name_trunks(sheet)
        return sheet

    def _box(self, sheet: _Sheet, node: Node) -> Box:
        if node.kind in {"start", "end"}:
            return Box(node, _DOT, _DOT, [node.name], "")
        if node.inside and not self._closed:
            return self._container(node, sheet)
        name = visible(node.name)
        lines = wrap(name, NAME_SIZE, _NAME_WIDTH)
        label = _label(node)
        if node.inside:  # drawn closed
            label = f"{label} · {node.states} state{'' if node.states == 1 else 's'}"
        extra = 2 * _PADDING_X + (10 if node.type in {"Choice", "Succeed", "Fail"} else 0)
        widest = max(text_width(line, NAME_SIZE) for line in lines)
        label = fit(label, LABEL_SIZE, _NAME_WIDTH)
        width = max(96.0, widest + extra, text_width(label, LABEL_SIZE) + extra)
        height = len(lines) * NAME_LINE + (LABEL_LINE if label else 0.0) + 2 * _PADDING_Y
        if self._status_lines and node.kind == "state":
            room = _STATUS_WIDTH + (_INSIDE_WIDTH if node.inside else 0.0)
            width, height = max(width, room + extra), height + LABEL_LINE + 1
        return Box(node, round(width), round(height), lines, label, collapsed=bool(node.inside))

    def _container(self, node: Node, sheet: _Sheet) -> Box:
        """A frame round the laid-out branches, side by side in portrait, stacked in landscape."""
        header = HEADER + (LABEL_LINE if self._status_lines else 0.0)
        title = fit(visible(node.name), NAME_SIZE, 300, bold=True)
        label = fit(_label(node), LABEL_SIZE, 200)
        least = text_width(title, NAME_SIZE, bold=True) + text_width(label, LABEL_SIZE) + 24 + 2 * _CONTAINER_PADDING
        if self._status_lines:
            least = max(least, _STATUS_WIDTH + 2 * _CONTAINER_PADDING)
        inside = _Sheet()
        _arrange(inside, [self._insides[key] for key in node.inside], portrait=self._portrait)
        width = max(least, inside.width + 2 * _CONTAINER_PADDING)
        height = header + max(inside.height, 16.0) + _CONTAINER_PADDING + 4
        box = Box(node, round(width), round(height), [title], label, container=True)
        sheet.sheets.append((inside, (width - inside.width) / 2, header + 4))
        return box

    def _links(self, level: Level, keys: list[str]) -> tuple[list[Link], list[tuple[Edge, ...]], dict[str, list[Edge]]]:
        """The level's edges as links between numbers; edges of one kind between the same two nodes are one."""
        number = {key: index for index, key in enumerate(keys)}
        together: dict[tuple[str, str, str], list[Edge]] = {}
        loops: dict[str, list[Edge]] = {}
        for edge in level.edges:
            if edge.source == edge.target:
                loops.setdefault(edge.source, []).append(edge)
            else:
                together.setdefault((edge.source, edge.target, edge.kind), []).append(edge)
        links = []
        for (source, target, kind), edges in together.items():
            text = _edge_text(edges)
            size = (text_width(text, EDGE_SIZE) + 6, 15.0) if text else None
            if size and not self._portrait:
                size = (size[1], size[0])
            # Of equal kinds the one to the state written next comes first: authors write in the order of the flow.
            ahead = (number[target] - number[source]) % len(keys)
            priority = _PRIORITY[kind] * len(keys) + ahead
            failing = kind == "end" and self._model.nodes[source].type == "Fail"
            weight = _FAILING if failing else _WEIGHTS[kind]
            links.append(Link(number[source], number[target], kind, weight, size, priority=priority))
        return links, [tuple(edges) for edges in together.values()], loops

    def _extents(
        self, boxes: list[Box], level: Level, loops: dict[str, list[Edge]]
    ) -> tuple[list[float], list[float], list[float]]:
        """Sizes across and along the flow; a loop takes room on the side where it is drawn."""
        left, right, depth = [], [], []
        for key, box in zip(level.nodes, boxes, strict=True):
            across, along = (box.width, box.height) if self._portrait else (box.height, box.width)
            room = 0.0
            if key in loops:
                room = 34 + text_width(_edge_text(loops[key]), EDGE_SIZE) if self._portrait else 52.0
            left.append(across / 2)
            right.append(across / 2 + room)
            depth.append(along)
        return left, right, depth

    def _spread(self, boxes: list[Box]) -> Callable[[int], float]:
        """The greatest offset of a port on each box's border."""

        def spread(vertex: int) -> float:
            box = boxes[vertex]
            if box.node.kind in {"start", "end"}:
                return 0.0
            if not self._portrait:
                # A pointed side is met near its tip.
                pointed = box.node.type in {"Choice", "Succeed", "Fail"} and not box.container
                return 6.0 if pointed else max(0.0, box.height / 2 - 12)
            slant = 24 if box.node.type in {"Choice", "Succeed", "Fail"} and not box.container else 14
            return max(0.0, box.width / 2 - slant)

        return spread

    def _place_boxes(self, sheet: _Sheet, boxes: list[Box], rows: Rows, axis: list[float], spans: Spans) -> None:
        placed = []
        inner = iter(sheet.sheets)
        for index, box in enumerate(boxes):
            across = axis[index] - (box.width if self._portrait else box.height) / 2
            along = spans.top[rows.row[index]]
            box.x, box.y = (across, along) if self._portrait else (along, across)
            sheet.boxes.append(box)
            if box.container:
                inside, dx, dy = next(inner)
                placed.append((inside, box.x + dx, box.y + dy))
        sheet.sheets = placed

    def _place_labels(
        self,
        sheet: _Sheet,
        links: list[Link],
        groups: list[tuple[Edge, ...]],
        rows: Rows,
        axis: list[float],
        spans: Spans,
    ) -> None:
        for link, edges in zip(links, groups, strict=True):
            if link.label_cell < 0:
                continue
            label = _make_label(edges)
            row = rows.row[link.label_cell]
            middle = (spans.top[row] + spans.bottom[row]) / 2
            across, along = axis[link.label_cell], middle
            x, y = (across, along) if self._portrait else (along, across)
            label.x, label.y = x - label.width / 2, y - label.height / 2
            sheet.labels.append(label)

    def _add_route(
        self, sheet: _Sheet, curves: list[Curve], edges: tuple[Edge, ...], before: list[int], tip: bool
    ) -> None:
        if not self._portrait:
            curves = [_turned(curve) for curve in curves]
        sheet.routes.append(Route(curves, edges, before, edges[0].kind if edges else "", tip))

    def _draw_loops(self, sheet: _Sheet, loops: dict[str, list[Edge]], boxes: dict[str, Box]) -> None:
        """A state that leads to itself: an arc at its end side, with its label beside it."""
        for key, edges in loops.items():
            box = boxes[key]
            # Across a box only as wide as it is: beside it the next row begins.
            limit = _EDGE_WIDTH if self._portrait else box.width - 6
            label = _make_label(edges, limit) if _edge_text(edges) else None
            if self._portrait:
                x, y = box.x + box.width, box.y + box.height / 2
                curve = Curve((x, y + 9), (x, y - 9), ((x + 30, y + 16), (x + 30, y - 16)))
                corner = (x + 27, y - 7.5)
            else:
                x, y = box.x + box.width / 2, box.y + box.height
                curve = Curve((x + 9, y), (x - 9, y), ((x + 16, y + 30), (x - 16, y + 30)))
                corner = (x - (label.width / 2 if label else 0), y + 26)
            sheet.routes.append(Route([curve], tuple(edges), [], edges[0].kind, tip=True))
            if label:
                label.x, label.y = corner
                sheet.labels.append(label)


def _label(node: Node) -> str:
    parts = [node.label] if node.label else []
    if node.problem:
        parts.append(node.problem)
    return visible(" · ".join(parts))


def _edge_text(edges: list[Edge] | tuple[Edge, ...]) -> str:
    """The label of edges drawn as one, cut to fit; empty where none has a label."""
    texts = [visible(edge.label) for edge in edges if edge.label]
    if not texts:
        return ""
    joined = texts[0] + "".join(f", {text.removeprefix('catch ')}" for text in texts[1:])
    return fit(joined, EDGE_SIZE, _EDGE_WIDTH)


def _make_label(edges: tuple[Edge, ...] | list[Edge], limit: float = _EDGE_WIDTH) -> Label:
    text = fit(_edge_text(edges), EDGE_SIZE, limit)
    full = "\n".join(visible(edge.label) for edge in edges)
    return Label(text, full, tuple(edges), text_width(text, EDGE_SIZE) + 6)


def _spans(rows: Rows, axis: list[float]) -> Spans:
    """Where the rows stand along the flow: wide swings get a longer gap."""
    spans = Spans([], [])
    along = 0.0
    for index, row in enumerate(rows.rows):
        spans.top.append(along)
        thickness = max((rows.depth[cell] for cell in row), default=0.0)
        spans.bottom.append(along + thickness)
        if index + 1 < len(rows.rows):
            labels = any(rows.kind[cell] == LABEL for cell in rows.rows[index + 1])
            swing = max((abs(axis[cell] - axis[other]) for cell in row for other, _ in rows.down[cell]), default=0.0)
            least = _LABEL_GAP if labels else _GAP
            along += thickness + min(_GREATEST_GAP, least + max(0.0, swing - 60) * 0.07)
    return spans


def _turned(curve: Curve) -> Curve:
    """The curve with its axes exchanged: portrait to landscape."""

    def turn(point: Point) -> Point:
        return point[1], point[0]

    controls = curve.controls and (turn(curve.controls[0]), turn(curve.controls[1]))
    return Curve(turn(curve.start), turn(curve.end), controls)


def _arrange(inside: _Sheet, branches: list[_Sheet], *, portrait: bool) -> None:
    """Put the branches of a container beside one another across the flow; too many of them in several rows."""
    sizes = [(sheet.width, sheet.height) if portrait else (sheet.height, sheet.width) for sheet in branches]
    limit = max([_BRANCHES_ACROSS[portrait], *(size[0] for size in sizes)])
    across = along = thickness = widest = 0.0
    for sheet, (size, length) in zip(branches, sizes, strict=True):
        if across and across + size > limit:
            across, along, thickness = 0.0, along + thickness + _BRANCH_GAP, 0.0
        inside.sheets.append((sheet, across, along) if portrait else (sheet, along, across))
        across += size + _BRANCH_GAP
        widest, thickness = max(widest, across - _BRANCH_GAP), max(thickness, length)
    total = along + thickness
    inside.width, inside.height = (widest, total) if portrait else (total, widest)


def _name_trunks(sheet: _Sheet) -> None:
    """Give the later pieces of a trunk the kind of the edges that flow into them."""
    for index in range(len(sheet.routes)):
        chain = []
        at = index
        while not sheet.routes[at].kind:
            chain.append(at)
            at = sheet.routes[at].before[0]
        for piece in chain:
            sheet.routes[piece].kind = sheet.routes[at].kind


def _put(drawing: Layout, sheet: _Sheet, x: float, y: float) -> None:
    """Move a sheet's own things to their place in the whole picture."""
    for box in sheet.boxes:
        drawing.boxes.append(replace(box, x=box.x + x, y=box.y + y))
    for label in sheet.labels:
        drawing.labels.append(replace(label, x=label.x + x, y=label.y + y))
    shift = len(drawing.routes)
    for route in sheet.routes:
        curves = [_moved(curve, x, y) for curve in route.curves]
        before = [index + shift for index in route.before]
        drawing.routes.append(replace(route, curves=curves, before=before))


def _moved(curve: Curve, x: float, y: float) -> Curve:
    def move(point: Point) -> Point:
        return point[0] + x, point[1] + y

    controls = curve.controls and (move(curve.controls[0]), move(curve.controls[1]))
    return Curve(move(curve.start), move(curve.end), controls)
