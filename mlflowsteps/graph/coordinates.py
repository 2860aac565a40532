"""Where the cells of ordered rows stand across the flow: weighted alignment, then straightening.

Each row is solved exactly for where its cells' neighbours want them (least squares under the least distances: isotonic
regression by pooling), back and forth until it settles; the weights let the main path win. Then chains (the main path,
long edges) are moved onto as few straight lines as the space between their neighbours allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from math import fsum  # not sum: from Python 3.12 on that rounds otherwise, and pictures would differ

from mlflowsteps.graph.layers import LABEL, PASS, VERTEX, Link, Rows

__all__ = ["Ports", "align", "place_ports"]

_SWEEPS = 8
_GAPS = {
    (VERTEX, VERTEX): 28.0,
    (VERTEX, PASS): 20.0,
    (VERTEX, LABEL): 16.0,
    (PASS, PASS): 16.0,
    (PASS, LABEL): 10.0,
    (LABEL, LABEL): 14.0,
}
_GAPS.update({(second, first): gap for (first, second), gap in _GAPS.items()})
_PORT_STEP = 24.0
_FIRM = 40.0  # how much more a cell of the main path counts where two want the same place
_RESTING = 0.02  # weight of a cell that nothing pulls: it stays where it is, and gives way to all others

_Pull = list[tuple[int, float, float]]
Ports = dict[tuple[int, int], float]
"""Offset from the cell's axis at which the link to the other cell leaves or enters, by (cell, other cell)."""


def place_ports(rows: Rows, spread: Callable[[int], float]) -> Ports:
    """Spread the links of each vertex along its sides: the heaviest in the middle, the others in the rows' order.

    Args:
        rows: ordered rows.
        spread: for a vertex, the greatest offset that is still on its straight side.
    """
    place = {cell: index for row in rows.rows for index, cell in enumerate(row)}
    ports: Ports = {}
    for vertex in range(rows.vertices):
        for side in (rows.up[vertex], rows.down[vertex]):
            if len(side) > 1:
                others = sorted(side, key=lambda entry: place[entry[0]])
                for (other, _), offset in zip(others, _offsets(others, spread(vertex)), strict=True):
                    ports[vertex, other] = offset
    return ports


def _offsets(others: list[tuple[int, float]], limit: float) -> list[float]:
    weights = [weight for _, weight in others]
    top = max(weights)
    middle = weights.index(top) if weights.count(top) == 1 else (len(weights) - 1) / 2
    furthest = max(middle, len(weights) - 1 - middle)
    step = min(_PORT_STEP, limit / furthest) if furthest else 0.0
    return [(index - middle) * step for index in range(len(weights))]


def align(rows: Rows, ports: Ports, links: list[Link]) -> list[float]:
    """Place every cell across the flow.

    Returns:
        The axis of each cell; least distances between neighbours of a row are kept.
    """
    distances = [_distances(rows, row) for row in rows.rows]
    axis = _packed(rows, distances)
    pulls = [_pulls(rows, cell, ports) for cell in range(len(rows.row))]
    mains = _main_chains(rows, ports)
    firmness = [1.0] * len(rows.row)
    for chain in mains:
        _hold(chain, pulls, firmness)
    above, below = [pull[:1] for pull in pulls], [pull[1:] for pull in pulls]
    for sweep in range(_SWEEPS):
        down, up = (pulls, pulls) if sweep >= _SWEEPS - 2 else (above, below)
        for index, row in enumerate(rows.rows):
            _solve(row, distances[index], axis, down, firmness)
        for index in range(len(rows.rows) - 1, -1, -1):
            _solve(rows.rows[index], distances[index], axis, up, firmness)
    _straighten(rows, distances, axis, ports, links, mains)
    return axis


def _hold(chain: list[int], pulls: list[list[_Pull]], firmness: list[float]) -> None:
    """Make a main chain rigid: along it each cell heeds only the next, or side links would bend it bit by bit."""
    for upper, lower in pairwise(chain):
        pulls[upper][1] = [pull for pull in pulls[upper][1] if pull[0] == lower]
        pulls[lower][0] = [pull for pull in pulls[lower][0] if pull[0] == upper]
    for cell in chain:
        firmness[cell] = _FIRM


def _distances(rows: Rows, row: list[int]) -> list[float]:
    """Least distance of each cell's axis from the one before it; 0 for the first."""
    found = [0.0]
    for before, cell in pairwise(row):
        found.append(rows.right[before] + rows.left[cell] + _GAPS[rows.kind[before], rows.kind[cell]])
    return found


def _packed(rows: Rows, distances: list[list[float]]) -> list[float]:
    axis = [0.0] * len(rows.row)
    for row, steps in zip(rows.rows, distances, strict=True):
        at = -fsum(steps) / 2
        for cell, step in zip(row, steps, strict=True):
            at += step
            axis[cell] = at
    return axis


def _pulls(rows: Rows, cell: int, ports: Ports) -> list[_Pull]:
    """What pulls at a cell from above and from below: (other cell, offset between the axes, weight)."""
    return [
        [(other, ports.get((other, cell), 0.0) - ports.get((cell, other), 0.0), weight) for other, weight in side]
        for side in (rows.up[cell], rows.down[cell])
    ]


def _solve(
    row: list[int], steps: list[float], axis: list[float], pulls: list[list[_Pull]], firmness: list[float]
) -> None:
    """Move the cells of a row as near to where they are pulled as the least distances allow."""
    wanted: list[tuple[float, float]] = []
    for cell in row:
        total = at = 0.0
        for pull in pulls[cell]:
            for other, offset, weight in pull:
                total += weight
                at += weight * (axis[other] + offset)
        wanted.append((at / total, total * firmness[cell]) if total else (axis[cell], _RESTING))
    if len(row) == 1:
        axis[row[0]] = wanted[0][0]
        return
    blocks: list[list[float]] = []  # sum of weight x place, sum of weights, cells
    along = 0.0
    for (at, weight), step in zip(wanted, steps, strict=True):
        along += step
        blocks.append([(at - along) * weight, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] > blocks[-1][0] * blocks[-2][1]:
            pull_sum, weight_sum, count = blocks.pop()
            blocks[-1][0] += pull_sum
            blocks[-1][1] += weight_sum
            blocks[-1][2] += count
    along, index = 0.0, 0
    for pull_sum, weight_sum, count in blocks:
        base = pull_sum / weight_sum
        for _ in range(int(count)):
            along += steps[index]
            axis[row[index]] = base + along
            index += 1


class _Room:
    """How far a cell can move between its neighbours of the row."""

    def __init__(self, rows: Rows, distances: list[list[float]], axis: list[float]) -> None:
        self._rows, self._distances, self._axis = rows, distances, axis
        self._place = {cell: index for row in rows.rows for index, cell in enumerate(row)}

    def around(self, cell: int) -> tuple[float, float]:
        index, number = self._place[cell], self._rows.row[cell]
        row, steps = self._rows.rows[number], self._distances[number]
        low = self._axis[row[index - 1]] + steps[index] if index else float("-inf")
        high = self._axis[row[index + 1]] - steps[index + 1] if index + 1 < len(row) else float("inf")
        return low, high


def _straighten(
    rows: Rows,
    distances: list[list[float]],
    axis: list[float],
    ports: Ports,
    links: list[Link],
    mains: list[list[int]],
) -> None:
    room = _Room(rows, distances, axis)
    ways = _ways(links, {cell for chain in mains for cell in chain})
    for _ in range(2):
        for chain in mains:
            _settle(chain, room, axis, fsum(axis[cell] for cell in chain) / len(chain), None)
        for first, chain, last in ways:
            start = axis[first] + ports.get((first, chain[0]), 0.0)
            end = axis[last] + ports.get((last, chain[-1]), 0.0)
            _settle(chain, room, axis, start, end)


def _main_chains(rows: Rows, ports: Ports) -> list[list[int]]:
    """Vertices that follow one another by each one's heaviest link, ports in the middle, and the cells between."""
    follower: dict[int, list[int]] = {}
    led: set[int] = set()
    for cell in range(rows.vertices):
        way = _heaviest_way(rows, cell)
        if way and not ports.get((cell, way[0])) and not ports.get((way[-1], ([cell, *way])[-2])):
            follower[cell] = way
            led.add(way[-1])
    chains = []
    for cell in follower:
        if cell not in led:
            chain = [cell]
            while chain[-1] in follower:
                chain.extend(follower[chain[-1]])
            chains.append(chain)
    return chains


def _heaviest_way(rows: Rows, cell: int) -> list[int]:
    """The cells along a vertex's heaviest link down to the next vertex; empty where that one has a heavier link."""
    way = [cell]
    while rows.down[way[-1]]:
        other = max(rows.down[way[-1]], key=_weight)[0]
        if max(rows.up[other], key=_weight)[0] != way[-1]:
            return []
        way.append(other)
        if rows.kind[other] == VERTEX:
            return way[1:]
    return []


def _weight(entry: tuple[int, float]) -> float:
    return entry[1]


def _ways(links: list[Link], settled: set[int]) -> list[tuple[int, list[int], int]]:
    """The passed cells of each link that no main chain has settled, with the cells at both ends."""
    ways = []
    for link in sorted(links, key=lambda link: -len(link.cells)):
        passed = link.cells[1:-1]
        if passed and passed[0] not in settled:
            ways.append((link.source, passed, link.cells[-1]))
    return ways


def _settle(chain: list[int], room: _Room, axis: list[float], start: float, end: float | None) -> None:
    """Move a chain onto as few straight lines as its room allows; the first near ``start``, the last near ``end``."""
    pieces: list[tuple[list[int], float, float]] = []
    piece: list[int] = []
    low, high = float("-inf"), float("inf")
    for cell in chain:
        cell_low, cell_high = room.around(cell)
        if piece and max(low, cell_low) > min(high, cell_high):
            pieces.append((piece, low, high))
            piece, low, high = [], float("-inf"), float("inf")
        piece.append(cell)
        low, high = max(low, cell_low), min(high, cell_high)
    pieces.append((piece, low, high))
    for index, (cells, low, high) in enumerate(pieces):
        wish = _wish(cells, axis, start if index == 0 else None, end if index == len(pieces) - 1 else None, (low, high))
        at = min(max(wish, low), high)
        for cell in cells:
            axis[cell] = at


def _wish(
    cells: Iterable[int], axis: list[float], start: float | None, end: float | None, bounds: tuple[float, float]
) -> float:
    """Where a straight piece would best stand: in line with one of its ends, or near it; else where it is."""
    for place in (end, start):
        if place is not None and bounds[0] <= place <= bounds[1]:
            return place
    if start is not None:
        return start
    if end is not None:
        return end
    places = sorted(axis[cell] for cell in cells)
    return places[len(places) // 2]
