"""Time of ``import mlflowsteps``, with the rooms a workflow is written in, against ``import boto3``.

::

    python -m tests.benchmarks.bench_import [--repeat 15] [--limit 1.0]

Each import happens in a fresh process and is timed inside it, so that the interpreter's own start does not count; they
are taken in turns, so that a busy moment of the machine meets all. The figure that counts is the ratio of the medians.
The exit code is 1 where a ratio is above the limit.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

BASELINE = "import boto3"
CANDIDATES = {
    "mlflowsteps": "import mlflowsteps",
    "mlflowsteps and its steps, inputs, workflow": "import mlflowsteps.steps, mlflowsteps.inputs, mlflowsteps.workflow",
    "the same and LocalRuntime's package": (
        "import mlflowsteps.steps, mlflowsteps.inputs, mlflowsteps.workflow, mlflowsteps.local"
    ),
}
PROGRAM = "import time\nbegin = time.perf_counter()\n{statement}\nprint(time.perf_counter() - begin)"


def import_seconds(statement: str) -> float:
    """Seconds that ``statement`` takes in a fresh interpreter."""
    command = [sys.executable, "-c", PROGRAM.format(statement=statement)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(repeat: int) -> dict[str, list[float]]:
    """Time every statement ``repeat`` times, in turns; one round beforehand warms the disk's cache."""
    statements = {"boto3": BASELINE, **CANDIDATES}
    times: dict[str, list[float]] = {name: [] for name in statements}
    for turn in range(repeat + 1):
        for name, statement in statements.items():
            seconds = import_seconds(statement)
            if turn:
                times[name].append(seconds)
    return times


def ratios(times: dict[str, list[float]]) -> dict[str, float]:
    """Median of each candidate over the median of boto3."""
    baseline = statistics.median(times["boto3"])
    return {name: statistics.median(values) / baseline for name, values in times.items() if name != "boto3"}


def main() -> int:
    """Print a line per statement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=15, help="fresh processes per statement")
    parser.add_argument("--limit", type=float, default=1.0, help="highest ratio that passes")
    arguments = parser.parse_args()
    times = measure(arguments.repeat)
    found = ratios(times)
    for name, values in times.items():
        ratio = f"   {found[name]:.2f} of boto3" if name in found else ""
        print(f"{statistics.median(values) * 1000:7.1f} ms (min {min(values) * 1000:.1f})  {name}{ratio}")
    return 1 if max(found.values()) > arguments.limit else 0


if __name__ == "__main__":
    sys.exit(main())
