"""Small line plots as SVG text: training curves, with axes, a grid and a legend.

Owns scales, ticks and drawing; literal colours on paper of its own, so that any renderer shows it in any theme. Lines
differ by dash as well as by colour. Every text is escaped; values that are no finite numbers are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from mlflowsteps.graph.measure import fit, text_width
from mlflowsteps.graph.words import visible

__all__ = ["line_plot"]

_WIDTH, _HEIGHT = 440.0, 250.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 14.0, 30.0, 36.0
_LEGEND_LINE = 16.0
_SIZE = 11.5
_MOST_POINTS = 400  # of a line; more could not be told apart
_MOST_LINES = 8  # as many as there are looks
_GREATEST = 1e300  # beyond it differences are no numbers any more; false for NaN too
_INK, _GRID, _AXIS = "#3d4650", "#e4e8ec", "#76808c"
_LOOKS = (
    ("#0969da", ""),
    ("#b04500", "6 3"),
    ("#1a7f37", "2 2"),
    ("#7a45cf", "8 3 2 3"),
    ("#a1154d", "10 4"),
    ("#57606a", "4 2 1 2"),
    ("#006a70", "1 3"),
    ("#6b4e00", "12 3 3 3"),
)


def line_plot(title: str, lines: Mapping[str, Sequence[float]], *, across: str = "round", first: int = 0) -> str:
    """A plot of series against their index.

    Args:
        title: above the plot.
        lines: values by the line's name; at most eight lines are drawn.
        across: what the index counts.
        first: the first value's index.

    Returns:
        SVG text; empty where no line has two finite values.
    """
    series = {
        name: [(index, value) for index, value in enumerate(values, first) if abs(value) < _GREATEST]
        for name, values in lines.items()
    }
    shown = [(name, points) for name, points in series.items() if len(points) > 1][:_MOST_LINES]
    if not shown:
        return ""
    frame = _Frame([point for _, points in shown for point in points])
    names = ", ".join(visible(name) for name, _ in shown)
    body = [_text(_LEFT, 18, fit(visible(title), 13, _WIDTH - _LEFT - 4, bold=True), "start", bold=True)]
    body += [*frame.grid(), *frame.axes(across)]
    for number, (_, points) in enumerate(shown):
        body.append(frame.line(points, *_LOOKS[number % len(_LOOKS)]))
    body += _legend([name for name, _ in shown], [points[-1][1] for _, points in shown])
    height = _HEIGHT + _LEGEND_LINE * len(shown) + 4
    label = escape(f"{visible(title)} by {across}: {names}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH:g}" height="{height:g}" '
        f'viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-label="{label}" '
        "font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif\">"
        f'<rect width="{_WIDTH:g}" height="{height:g}" rx="6" fill="#ffffff"/>{"".join(body)}</svg>'
    )


class _Frame:
    """The area that values are drawn in, and its scales."""

    def __init__(self, points: Sequence[tuple[int, float]]) -> None:
        values = [value for _, value in points]
        self._ticks = _ticks(min(values), max(values))
        self._low, self._high = min(self._ticks[0], *values), max(self._ticks[-1], *values)
        self._first, self._last = min(index for index, _ in points), max(index for index, _ in points)

    def _x(self, index: float) -> float:
        span = self._last - self._first or 1
        return _LEFT + (index - self._first) / span * (_WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - (value - self._low) / (self._high - self._low) * (_HEIGHT - _TOP - _BOTTOM)

    def grid(self) -> list[str]:
        parts = []
        for tick in self._ticks:
            y = self._y(tick)
            parts.append(f'<path d="M{_LEFT:g} {y:.1f}H{_WIDTH - _RIGHT:g}" stroke="{_GRID}"/>')
            parts.append(_text(_LEFT - 6, y + 4, f"{tick:.6g}", "end"))
        return parts

    def axes(self, across: str) -> list[str]:
        base = _HEIGHT - _BOTTOM
        parts = [f'<path d="M{_LEFT:g} {_TOP:g}V{base:g}H{_WIDTH - _RIGHT:g}" fill="none" stroke="{_AXIS}"/>']
        ticks = [tick for tick in _ticks(self._first, self._last) if self._first <= tick <= self._last]
        parts += [_text(self._x(tick), base + 15, f"{tick:g}", "middle") for tick in ticks if tick == int(tick)]
        parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, base + 31, across, "middle"))
        return parts

    def line(self, points: Sequence[tuple[int, float]], colour: str, dash: str) -> str:
        step = max(1, math.ceil(len(points) / _MOST_POINTS))
        kept = [*points[::step], points[-1]]
        path = " ".join(f"{self._x(index):.1f},{self._y(value):.1f}" for index, value in kept)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dashed}/>'


def _legend(names: Sequence[str], last: Sequence[float]) -> list[str]:
    """Each line's look, name and last value, under the plot."""
    parts = []
    for number, (name, value) in enumerate(zip(names, last, strict=True)):
        y = _HEIGHT + _LEGEND_LINE * number + 8
        colour, dash = _LOOKS[number % len(_LOOKS)]
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        parts.append(f'<path d="M{_LEFT:g} {y - 4:g}h28" stroke="{colour}" stroke-width="2"{dashed}/>')
        parts.append(_text(_LEFT + 36, y, fit(f"{visible(name)}: {value:.6g}", _SIZE, _WIDTH - _LEFT - 50), "start"))
    return parts


def _text(x: float, y: float, words: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    size = 13 if bold else _SIZE
    # A wide number must not leave the picture at its left.
    room = f' textLength="{_LEFT - 8:g}"' if anchor == "end" and text_width(words, size) > _LEFT - 8 else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}" fill="{_INK}"{weight}{room}>'
        f"{escape(words)}</text>"
    )


def _ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from at most ``low`` to at least ``high``; always two or more.

    >>> _ticks(0.0, 0.93)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not high > low:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    rough = (high - low) / most
    magnitude = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 0.0
    if not magnitude:  # beyond what numbers can tell apart
        return [low, high]
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(index * step, 12) if abs(step) > 1e-9 else index * step for index in range(first, last + 1)]
