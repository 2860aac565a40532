"""How readable a picture is, in numbers: lines that cross, and how long all lines are together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import dist

from mlflowsteps.graph.layout import Layout

Point = tuple[float, float]
Trail = list[Point]


@dataclass(frozen=True)
class Figures:
    """Of one picture.

    Args:
        crossings: pairs of lines' stretches that cross; lines that meet at their ends do not.
        length: of all lines together, in pixels; a stretch that several transitions share counts once.
        width: in pixels.
        height: in pixels.
    """

    crossings: int
    length: int
    width: int
    height: int


def of_layout(drawing: Layout) -> Figures:
    """Of a layout of ours."""
    trails = [
        [point for curve in route.curves for point in bezier(curve.start, curve.controls, curve.end)]
        for route in drawing.routes
    ]
    return Figures(crossings(trails), round(sum(map(length, trails))), round(drawing.width), round(drawing.height))


def bezier(start: Point, controls: Sequence[Point] | None, end: Point, steps: int = 8) -> Iterator[Point]:
    """Points along a curve, its ends included; a straight line where there are no controls."""
    (x0, y0), (x3, y3) = start, end
    (x1, y1), (x2, y2) = controls or (start, end)
    for step in range(steps + 1):
        t = step / steps
        u = 1 - t
        yield (
            u**3 * x0 + 3 * u * u * t * x1 + 3 * u * t * t * x2 + t**3 * x3,
            u**3 * y0 + 3 * u * u * t * y1 + 3 * u * t * t * y2 + t**3 * y3,
        )


def length(trail: Trail) -> float:
    return sum(dist(one, two) for one, two in pairwise(trail))


def crossings(trails: Iterable[Trail]) -> int:
    lines = [(number, *pair) for number, trail in enumerate(trails) for pair in pairwise(trail) if pair[0] != pair[1]]
    return sum(1 for (one, a, b), (two, c, d) in combinations(lines, 2) if one != two and _cross(a, b, c, d))


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    if max(a[0], b[0]) < min(c[0], d[0]) or max(c[0], d[0]) < min(a[0], b[0]):
        return False
    return _side(a, b, c) * _side(a, b, d) < -1e-6 and _side(c, d, a) * _side(c, d, b) < -1e-6


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
