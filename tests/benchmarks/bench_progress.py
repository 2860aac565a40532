"""Time from a long history to a drawn progress view, against writing and reading the same events as JSON.

::

    python -m tests.benchmarks.bench_progress [--limit 6]

The exit code is 1 where the ratio is above ``--limit``, for 25,000 events of a Map with many iterations, or of a loop.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from mlflowsteps.display import ProgressView
from tests.benchmarks.bench_layout import best
from tests.graph import samples
from tests.graph.histories import BEGIN, History

INSIDE = samples.machine(
    {
        "A": samples.task(Next="P"),
        "P": {"Type": "Parallel", "End": True, "Branches": [samples.chain("X"), samples.chain("Y")]},
    }
)
MAPPED = samples.machine({"M": {"Type": "Map", "End": True, "ItemProcessor": INSIDE}})
LOOPED = samples.machine(
    {
        "Work": samples.task(Next="Again?"),
        "Again?": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericLessThan": 9, "Next": "Work"}]},
    }
)


def mapped_history(iterations: int = 1200) -> list[dict[str, Any]]:
    """A Map of so many interleaved iterations with a Parallel inside: about 21 events each."""
    history = History()
    history.start()
    begun = history.add("MapStateStarted", history.enter("M", 0, "Map"), {"length": iterations})
    at = [history.add("MapIterationStarted", begun, {"name": "M", "index": i}) for i in range(iterations)]
    at = [history.task("A", each) for each in at]
    at = [history.add("ParallelStateStarted", history.enter("P", each, "Parallel")) for each in at]
    ends = [(history.task("X", each), history.task("Y", each))[1] for each in at]
    at = [history.exit("P", history.add("ParallelStateSucceeded", each), "Parallel") for each in ends]
    for index, each in enumerate(at):
        history.add("MapIterationSucceeded", each, {"name": "M", "index": index})
    return history.events


def looped_history(rounds: int = 3572) -> list[dict[str, Any]]:
    """A loop of so many rounds: seven events each."""
    history = History()
    history.start()
    at = 0
    for number in range(rounds):
        at = history.task("Work", at, value={"round": number})
        at = history.exit("Again?", history.enter("Again?", at, "Choice"), "Choice")
    return history.events


CASES: dict[str, tuple[dict[str, Any], Callable[[], list[dict[str, Any]]]]] = {
    "a Map's iterations": (MAPPED, mapped_history),
    "a loop's rounds": (LOOPED, looped_history),
}


def drawn(definition: dict[str, Any], events: list[dict[str, Any]]) -> str:
    """What a notebook is given."""
    known = {"name": "x", "status": "RUNNING", "startDate": BEGIN}
    return ProgressView(definition, known, events, now=BEGIN + 1e5).to_html()


def ratio(definition: dict[str, Any], events: list[dict[str, Any]]) -> tuple[float, float]:
    """Seconds of drawing, and how many times JSON's round trip that is."""
    view = best(lambda: drawn(definition, events))
    return view, view / best(lambda: json.loads(json.dumps(events)))


def main() -> int:
    """Print a line for each kind of history."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=float, default=6.0, help="highest ratio that passes")
    arguments = parser.parse_args()
    worst = 0.0
    for name, (definition, make) in CASES.items():
        events = make()
        seconds, times = ratio(definition, events)
        worst = max(worst, times)
        print(f"{len(events):,} events of {name}: {seconds * 1000:.0f} ms, {times:.1f} times JSON's round trip")
    return 1 if worst > arguments.limit else 0


if __name__ == "__main__":
    sys.exit(main())
