"""Time of layout, drawing and reading of histories, against size; and of Graphviz's dot where it is installed.

Run as a program: ``python -m tests.benchmarks.bench_layout``. As tests, the limits are wide (a busy machine), the
figures narrow: 200 states below 50 ms, 1000 below 0.6 s, growth near n log n, events within 6 times JSON's round trip.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import time

from mlflowsteps.display import ProgressView
from mlflowsteps.graph.build import read_model
from mlflowsteps.graph.layout import layout
from mlflowsteps.graph.svg import draw
from mlflowsteps.graph.text import dot
from tests.graph import samples
from tests.graph.histories import BEGIN, History

SIZES = (50, 200, 1000, 2000, 4000)


def best(work, times: int = 3) -> float:
    """Processor seconds of the fastest of several runs: what the work costs without the machine's other business."""
    found = []
    for _ in range(times):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def drawn(states: int) -> float:
    definition = samples.large(states)
    return best(lambda: draw(layout(read_model(definition)), flavour="notebook"))


def long_history(iterations: int = 1200):
    """About 25,000 events: a Map of so many interleaved iterations with a Parallel inside."""
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


MAPPED = samples.machine(
    {
        "M": {
            "Type": "Map",
            "End": True,
            "ItemProcessor": samples.machine(
                {
                    "A": samples.task(Next="P"),
                    "P": {"Type": "Parallel", "End": True, "Branches": [samples.chain("X"), samples.chain("Y")]},
                }
            ),
        }
    }
)


def events_ratio() -> tuple[int, float, float]:
    events = long_history()
    whole = best(lambda: json.loads(json.dumps(events)))
    view = {"name": "x", "status": "RUNNING", "startDate": BEGIN}
    return len(events), best(lambda: ProgressView(MAPPED, view, events, now=BEGIN + 1e5).to_html()), whole


def test_layout_is_fast_enough_to_be_drawn_at_every_poll():
    assert drawn(200) < 0.25
    assert drawn(1000) < 2.0


def test_layout_grows_near_n_log_n():
    small, large = drawn(500), drawn(2000)
    assert large / small < 3 * (2000 * math.log(2000)) / (500 * math.log(500))


def test_events_become_a_view_within_six_round_trips_of_json():
    count, seconds, whole = events_ratio()
    assert count > 25_000
    assert seconds < 6 * whole


def main() -> None:
    has_dot = shutil.which("dot") is not None
    for states in SIZES:
        line = f"{states:>5} states: {drawn(states) * 1000:8.1f} ms"
        if has_dot:
            text = dot(read_model(samples.large(states))).encode()
            begun = time.perf_counter()  # a child's time is not this process's
            subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, check=True)
            took = time.perf_counter() - begun
            line += f", dot {took * 1000:8.1f} ms"
        print(line)
    count, seconds, whole = events_ratio()
    print(f"{count} events: {seconds:.3f} s, {seconds / whole:.1f} times JSON's round trip")


if __name__ == "__main__":
    main()
