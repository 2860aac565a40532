"""Time of laying out and drawing, against size and against Graphviz in the same run.

::

    python -m tests.benchmarks.bench_layout [--limit 5] [--patience 60]

Graphviz is ``dot``, or the program of the package graphviz-pure; it is given the same graph as text and makes an SVG
too. Ours is timed in this process, without the import; Graphviz's time includes the start of its program, which is
small. The exit code is 1 where ours takes more than ``--limit`` times as long at 200 or 1,000 states, or grows much
faster than n log n from 2,000 to 4,000 states.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from mlflowsteps.graph.build import read_model
from mlflowsteps.graph.layout import layout
from mlflowsteps.graph.svg import draw
from mlflowsteps.graph.text import dot
from tests.graph import samples
from tests.graph.compare import graphviz

COMPARED = (200, 1000)
GROWTH = (2000, 4000)
MOST_GROWTH = 1.5  # times that of n log n: measurements of a busy machine differ by so much


def blocks(states: int) -> dict[str, Any]:
    """Parallel after Parallel, ten states each."""
    count = max(1, states // 10)
    found = {}
    for block in range(count):
        branches = [samples.chain(*(f"{block}.{branch}.{step}" for step in range(3))) for branch in range(3)]
        end = {"Next": f"P{block + 1}"} if block + 1 < count else {"End": True}
        found[f"P{block}"] = {"Type": "Parallel", "Branches": branches, **end}
    return samples.machine(found)


SHAPES: dict[str, Callable[[int], dict[str, Any]]] = {
    "loops, choices and catches": samples.large,
    "chain": lambda states: samples.chain(*map(str, range(states))),
    "containers": blocks,
}


def best(work: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of several runs."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def ours(definition: dict[str, Any], times: int = 3) -> float:
    """Seconds from a definition to the notebook's SVG, containers open."""
    return best(lambda: draw(layout(read_model(definition), collapse=False), flavour="notebook"), times)


def theirs(definition: dict[str, Any], patience: float) -> float:
    """Seconds that Graphviz takes; infinite where that is more than ``patience``."""
    text = dot(read_model(definition)).encode()
    command = [graphviz(), "-Tsvg"]
    try:
        return best(lambda: subprocess.run(command, input=text, capture_output=True, check=True, timeout=patience), 2)
    except subprocess.TimeoutExpired:
        return math.inf


def growth(small: float, large: float, sizes: tuple[int, int] = GROWTH) -> float:
    """How much more the time grew than n log n does."""
    few, many = sizes
    return large / small / ((many * math.log(many)) / (few * math.log(few)))


def main() -> int:
    """Print a line for each shape and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=float, default=5.0, help="highest ratio to Graphviz that passes")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to wait for Graphviz")
    arguments = parser.parse_args()
    fine = True
    for name, make in SHAPES.items():
        for states in COMPARED:
            own, other = ours(make(states)), theirs(make(states), arguments.patience)
            shown = f"{other * 1000:8.1f} ms" if math.isfinite(other) else f"> {arguments.patience:g} s"
            print(f"{name:27} {states:>5} states: {own * 1000:8.1f} ms, Graphviz {shown}, ratio {own / other:.3f}")
            fine = fine and own <= arguments.limit * other
        small, large = (ours(make(states), 2) for states in GROWTH)
        grown = growth(small, large)
        fine = fine and grown <= MOST_GROWTH
        times = f"{small * 1000:.1f} ms and {large * 1000:.1f} ms"
        print(f"{name:27} {GROWTH[0]:,} and {GROWTH[1]:,} states: {times}, {grown:.2f} of the growth of n log n")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
