"""One level of a graph cut into rows: back edges, ranks, cells for long edges and labels, and their order in the rows.

Works on numbers alone: vertices 0..n-1, links between them. Rows run along the flow; what is across it (``left``,
``right``) and along it (``depth``) is told apart, so that portrait and landscape are the same problem. Every link that
passes a row gets a cell there, and so does every label: nothing in a row can then cover anything else.

Links of one kind into one vertex share the cells of their way (a trunk), which keeps a hundred catches to one handler
readable, and the number of cells linear in them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["LABEL", "PASS", "VERTEX", "Link", "Rows", "make_rows"]

VERTEX, PASS, LABEL = 0, 1, 2

_BACK, _LONG = 0.3, 0.3  # weights of back links, and of those that pass over a rank: the main path is neither
_SWEEPS = 12
_PATIENCE = 3
_TRANSPOSE_LIMIT = 1200  # cells; above this many the adjacent exchanges cost more than they mend


@dataclass(slots=True)
class Link:
    """A drawn connection of two vertices; edges of one kind between the same two are one link.

    Args:
        source: vertex it leaves.
        target: vertex it enters.
        kind: what may share a trunk; any comparable text.
        weight: how much it wants to be straight.
        label: (across, along) size of its label; None without one.
        priority: order in which back edges are looked for; lower first.
    """

    source: int
    target: int
    kind: str
    weight: float
    label: tuple[float, float] | None = None
    priority: int = 0
    back: bool = False
    cells: list[int] = field(default_factory=list)
    """From source to target: the vertex, the cells passed, the vertex; or the cell of a trunk at which it joins."""
    joins: bool = False
    """Whether it ends in a trunk that another link leads on to the target."""
    label_cell: int = -1


@dataclass(slots=True)
class Rows:
    """Cells in rows. Cell i < ``vertices`` is vertex i.

    Args:
        rows: cells of each row, in order across.
        row: row of each cell.
        kind: VERTEX, PASS or LABEL.
        left: extent of each cell from its axis towards the start.
        right: extent towards the end.
        depth: extent along the flow.
        down: for each cell, (cell in the next row, weight) pairs.
        up: for each cell, (cell in the row before, weight) pairs.
        vertices: number of vertices.
    """

    rows: list[list[int]]
    row: list[int]
    kind: list[int]
    left: list[float]
    right: list[float]
    depth: list[float]
    down: list[list[tuple[int, float]]]
    up: list[list[tuple[int, float]]]
    vertices: int

    def add(self, row: int, kind: int, across: float, along: float) -> int:
        """Add a cell at the end of a row."""
        cell = len(self.row)
        self.rows[row].append(cell)
        self.row.append(row)
        self.kind.append(kind)
        self.left.append(across / 2)
        self.right.append(across / 2)
        self.depth.append(along)
        self.down.append([])
        self.up.append([])
        return cell

    def join(self, upper: int, lower: int, weight: float) -> None:
        """Connect two cells of neighbouring rows."""
        self.down[upper].append((lower, weight))
        self.up[lower].append((upper, weight))


def make_rows(left: list[float], right: list[float], depth: list[float], links: list[Link]) -> Rows:
    """Cut a level into rows and order them; fills ``back``, ``cells`` and ``label_cell`` of the links.

    Args:
        left: extent of each vertex across the flow, from its axis to its start side.
        right: the same to its end side.
        depth: extent of each vertex along the flow.
        links: connections; none from a vertex to itself.
    """
    onward = _by_source(len(depth), links)
    order = _mark_back_links(len(depth), links, onward)
    ranks = _ranks(len(depth), links)
    row_of_rank, label_row = _label_rows(ranks, links)
    rows = Rows([[] for _ in range(row_of_rank[-1] + 1)], [], [], [], [], [], [], [], len(depth))
    for vertex in range(len(depth)):
        rows.row.append(row_of_rank[ranks[vertex]])
    rows.kind = [VERTEX] * len(depth)
    rows.left, rows.right, rows.depth = list(left), list(right), list(depth)
    rows.down, rows.up = [[] for _ in depth], [[] for _ in depth]
    for vertex in order:
        rows.rows[rows.row[vertex]].append(vertex)
    _thread_links(rows, links, ranks, label_row)
    _reduce_crossings(rows)
    return rows


def _by_source(count: int, links: list[Link]) -> list[list[Link]]:
    onward: list[list[Link]] = [[] for _ in range(count)]
    for link in links:
        onward[link.source].append(link)
    for group in onward:
        group.sort(key=lambda link: link.priority)
    return onward


def _mark_back_links(count: int, links: list[Link], onward: list[list[Link]]) -> list[int]:
    """Mark the links that close a loop, by depth-first search; returns the vertices in the order they were found."""
    entered = bytearray(count)
    finished = bytearray(count)
    order: list[int] = []
    fed = {link.target for link in links}
    roots = [vertex for vertex in range(count) if vertex not in fed]
    for root in [*roots, *range(count)]:
        if entered[root]:
            continue
        entered[root] = 1
        order.append(root)
        stack = [(root, iter(onward[root]))]
        while stack:
            vertex, ways = stack[-1]
            for link in ways:
                if not entered[link.target]:
                    entered[link.target] = 1
                    order.append(link.target)
                    stack.append((link.target, iter(onward[link.target])))
                    break
                link.back = not finished[link.target]
            else:
                finished[vertex] = 1
                stack.pop()
    return order


def _ends(link: Link) -> tuple[int, int]:
    return (link.target, link.source) if link.back else (link.source, link.target)


def _ranks(count: int, links: list[Link]) -> list[int]:
    """Longest-path ranks; vertices that nothing leads to stand right above what they lead to."""
    lower: list[list[int]] = [[] for _ in range(count)]
    waiting_for = [0] * count
    for link in links:
        upper, under = _ends(link)
        lower[upper].append(under)
        waiting_for[under] += 1
    ready = [vertex for vertex in range(count) if not waiting_for[vertex]]
    sources = list(ready)
    ranks = [0] * count
    while ready:
        vertex = ready.pop()
        for under in lower[vertex]:
            ranks[under] = max(ranks[under], ranks[vertex] + 1)
            waiting_for[under] -= 1
            if not waiting_for[under]:
                ready.append(under)
    for vertex in sources:
        if lower[vertex]:
            ranks[vertex] = min(ranks[under] for under in lower[vertex]) - 1
    return ranks


def _label_rows(ranks: list[int], links: list[Link]) -> tuple[list[int], dict[int, int]]:
    """Row of each rank, and the row of labels after a rank where there is one."""
    labelled = set()
    for link in links:
        if link.label is not None:
            labelled.add(ranks[link.source] - 1 if link.back else ranks[link.source])
    row_of_rank, label_row = [], {}
    row = 0
    for rank in range(max(ranks, default=0) + 1):
        row_of_rank.append(row)
        row += 1
        if rank in labelled:
            label_row[rank] = row
            row += 1
    return row_of_rank, label_row


def _thread_links(rows: Rows, links: list[Link], ranks: list[int], label_row: dict[int, int]) -> None:
    """Give every link its cells in the rows it passes, down to the trunk of its kind where there is one already."""
    trunks: dict[tuple[int, str, bool, int], int] = {}
    for link in _longest_first(rows, links):
        step = -1 if link.back else 1
        link.weight *= _BACK if link.back else 1.0
        link.weight *= _LONG if abs(ranks[link.source] - ranks[link.target]) > 1 else 1.0
        own = label_row[ranks[link.source] - (1 if link.back else 0)] if link.label is not None else -1
        link.cells = [link.source]
        for row in range(rows.row[link.source] + step, rows.row[link.target], step):
            if row == own and link.label is not None:
                link.label_cell = rows.add(row, LABEL, *link.label)
                link.cells.append(link.label_cell)
                continue
            key = (link.target, link.kind, link.back, row)
            link.joins = key in trunks
            link.cells.append(trunks[key] if link.joins else trunks.setdefault(key, rows.add(row, PASS, 0.0, 0.0)))
            if link.joins:
                break
        else:
            link.cells.append(link.target)
        for first, second in pairwise(link.cells):
            rows.join(*((second, first) if link.back else (first, second)), link.weight)


def _longest_first(rows: Rows, links: list[Link]) -> list[Link]:
    """The links by priority; of those that may share a trunk the longest first, so that the others meet it early."""
    groups: dict[tuple[int, str, bool], list[Link]] = {}
    for link in sorted(links, key=lambda link: link.priority):
        groups.setdefault((link.target, link.kind, link.back), []).append(link)
    for group in groups.values():
        group.sort(key=lambda link: -abs(rows.row[link.source] - rows.row[link.target]))
    return [link for group in groups.values() for link in group]


def _reduce_crossings(rows: Rows) -> None:
    """Order the rows by medians, keeping the best order seen."""
    if all(len(row) < 2 for row in rows.rows):
        return
    place = [0] * len(rows.row)
    _renumber(rows.rows, place)
    best, fewest = [list(row) for row in rows.rows], _crossings(rows, place)
    stale = 0
    for sweep in range(_SWEEPS):
        if not fewest or stale >= _PATIENCE:
            break
        _sweep(rows, place, downward=sweep % 2 == 0)
        if len(rows.row) <= _TRANSPOSE_LIMIT:
            _transpose(rows, place)
        count = _crossings(rows, place)
        stale += 1
        if count < fewest:
            best, fewest, stale = [list(row) for row in rows.rows], count, 0
    rows.rows = best


def _renumber(rows: list[list[int]], place: list[int]) -> None:
    for row in rows:
        for index, cell in enumerate(row):
            place[cell] = index


def _sweep(rows: Rows, place: list[int], *, downward: bool) -> None:
    near = rows.up if downward else rows.down
    for row in rows.rows if downward else reversed(rows.rows):
        if len(row) < 2:
            continue
        keys = {cell: _median([place[other] for other, _ in near[cell]], place[cell]) for cell in row}
        row.sort(key=keys.__getitem__)
        for index, cell in enumerate(row):
            place[cell] = index


def _median(places: list[int], own: int) -> float:
    """The middle of the neighbours' places; between two middle ones, nearer to the side that is more crowded."""
    count = len(places)
    if count == 0:
        return own
    if count == 1:
        return places[0]
    places.sort()
    middle = count // 2
    if count % 2:
        return places[middle]
    if count == 2:
        return (places[0] + places[1]) / 2
    left, right = places[middle - 1] - places[0], places[-1] - places[middle]
    if left + right == 0:
        return (places[middle - 1] + places[middle]) / 2
    return (places[middle - 1] * right + places[middle] * left) / (left + right)


def _crossings(rows: Rows, place: list[int]) -> int:
    """Number of crossings between neighbouring rows, each counted in O(k log k)."""
    total = 0
    for row in rows.rows:
        seen: list[int] = []
        for cell in row:
            ends = sorted(place[other] for other, _ in rows.down[cell])
            # Counted against the links further left before any of this cell's own is added.
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                seen.insert(bisect_right(seen, end), end)
    return total


def _transpose(rows: Rows, place: list[int]) -> None:
    """Exchange neighbours in a row wherever that takes crossings away."""
    for row in rows.rows:
        for index in range(len(row) - 1):
            first, second = row[index], row[index + 1]
            gain = 0
            for near in (rows.up, rows.down):
                ones = [place[other] for other, _ in near[first]]
                twos = [place[other] for other, _ in near[second]]
                gain += sum((one > two) - (one < two) for one in ones for two in twos)
            if gain > 0:
                row[index], row[index + 1] = second, first
                place[first], place[second] = index + 1, index
