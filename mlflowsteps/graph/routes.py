"""Edges as smooth curves: from a port down to the row's end, through the gaps in S-curves, straight through every row.

In a gap a curve keeps within the gap, in a row it is a straight line on its own cell's axis; so no line can run through
a box or a label that is not its own. Links that share a trunk are cut into pieces, each drawn once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from mlflowsteps.graph.coordinates import Ports
from mlflowsteps.graph.layers import LABEL, VERTEX, Link, Rows

__all__ = ["Curve", "Piece", "Point", "Spans", "trace"]

Point = tuple[float, float]

_STRAIGHT = 0.6  # offsets below this are drawn as straight lines, for no eye sees them


@dataclass(slots=True)
class Curve:
    """A line or, with control points, a cubic Bezier curve from ``start`` to ``end``."""

    start: Point
    end: Point
    controls: tuple[Point, Point] | None = None


@dataclass(slots=True)
class Piece:
    """A stretch of a route that is drawn as one path.

    Args:
        curves: in the direction of the flow.
        links: indices of the links that enter at its beginning.
        before: indices of the pieces that flow into it.
        tip: whether it ends in an arrowhead.
    """

    curves: list[Curve]
    links: list[int]
    before: list[int] = field(default_factory=list)
    tip: bool = False


@dataclass(slots=True)
class Spans:
    """Where the rows stand along the flow.

    Args:
        top: where each row begins.
        bottom: where it ends.
    """

    top: list[float]
    bottom: list[float]


def trace(rows: Rows, axis: Sequence[float], ports: Ports, spans: Spans, links: Sequence[Link]) -> list[Piece]:
    """The pieces of all links, in (across, along) coordinates."""
    tracer = _Tracer(rows, axis, ports, spans)
    joins = {link.cells[-1] for link in links if link.joins}
    pieces: list[Piece] = []
    begun: dict[int, int] = {}  # cell at which links come together -> the piece that goes on from there
    # Trunks first: each of the others then ends where it comes in.
    for index in sorted(range(len(links)), key=lambda index: links[index].joins):
        _cut(tracer, index, links[index], pieces, joins, begun)
    return pieces


def _cut(tracer: _Tracer, index: int, link: Link, pieces: list[Piece], joins: set[int], begun: dict[int, int]) -> None:
    """Cut one link where others join it."""
    start, entering, before = 0, [index], list[int]()
    final = len(link.cells) - 1
    for stop in range(1, len(link.cells)):
        cell = link.cells[stop]
        if stop != final and cell not in joins:
            continue
        number = len(pieces)
        curves = tracer.curves(link.cells[start : stop + 1], back=link.back)
        pieces.append(Piece(curves, entering, before, tip=stop == final and not link.joins))
        if stop == final and link.joins:
            pieces[begun[cell]].before.append(number)
        elif stop != final:
            begun[cell] = number + 1
        start, entering, before = stop, [], [number]


class _Tracer:
    """Makes curves of cells, in the direction of the flow."""

    def __init__(self, rows: Rows, axis: Sequence[float], ports: Ports, spans: Spans) -> None:
        self._rows, self._axis, self._ports, self._spans = rows, axis, ports, spans

    def curves(self, cells: Sequence[int], *, back: bool) -> list[Curve]:
        """From the first cell's beginning (a vertex's border) to the last one's."""
        curves: list[Curve] = []
        for cell, onward in pairwise(cells):
            upper, lower = (onward, cell) if back else (cell, onward)
            gap = self._gap(upper, lower)
            inside = [] if self._rows.kind[cell] == VERTEX else self._through(cell)
            for curve in [*(_flip(inside) if back else inside), *(_flip(gap) if back else gap)]:
                _append(curves, curve)
        return curves

    def _gap(self, upper: int, lower: int) -> list[Curve]:
        """Down from the upper cell's end to its row's, and through the gap to the lower cell's beginning."""
        spans, row = self._spans, self._rows.row
        start_x = self._axis[upper] + self._ports.get((upper, lower), 0.0)
        end_x = self._axis[lower] + self._ports.get((lower, upper), 0.0)
        row_end, next_row = spans.bottom[row[upper]], spans.top[row[lower]]
        curves = []
        if self._rows.kind[upper] == VERTEX:
            own_end = spans.top[row[upper]] + self._rows.depth[upper]
            if row_end - own_end > _STRAIGHT:
                curves.append(Curve((start_x, own_end), (start_x, row_end)))
        if abs(start_x - end_x) < _STRAIGHT:
            return [*curves, Curve((start_x, row_end), (end_x, next_row))]
        middle = (row_end + next_row) / 2
        return [*curves, Curve((start_x, row_end), (end_x, next_row), ((start_x, middle), (end_x, middle)))]

    def _through(self, cell: int) -> list[Curve]:
        """Straight through the row; a label interrupts its line, so that no background has to hide it."""
        row, x = self._rows.row[cell], self._axis[cell]
        top, bottom = self._spans.top[row], self._spans.bottom[row]
        if self._rows.kind[cell] != LABEL:
            return [Curve((x, top), (x, bottom))]
        middle, half = (top + bottom) / 2, self._rows.depth[cell] / 2
        return [Curve((x, top), (x, middle - half)), Curve((x, middle + half), (x, bottom))]


def _flip(curves: list[Curve]) -> list[Curve]:
    return [
        Curve(curve.end, curve.start, curve.controls and (curve.controls[1], curve.controls[0]))
        for curve in reversed(curves)
    ]


def _append(curves: list[Curve], curve: Curve) -> None:
    """Add a curve; one straight line after another lengthens it, for both are on the same axis."""
    last = curves[-1] if curves else None
    if last and last.end == curve.start and not last.controls and not curve.controls:
        last.end = curve.end
        return
    if curve.start != curve.end:
        curves.append(curve)
