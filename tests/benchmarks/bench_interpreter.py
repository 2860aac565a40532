"""Speed of the interpreter alone, in memory, with all history events made.

Run: ``python tests/benchmarks/bench_interpreter.py``. Each line is the best of five runs; the last column is the goal
of the design, where there is one. Growth compares 10,000 with 1,000: near 1.0 means linear.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from mlflowsteps.asl.definition import compile_machine
from mlflowsteps.local.interpreter import (
    Continue,
    Continued,
    RunHeader,
    Started,
    StartTask,
    TaskSucceeded,
    advance,
    new_run,
)  # fmt: skip

HEADER = RunHeader(
    execution_arn="arn:aws:states:us-east-1:123456789012:execution:m:e", name="e", role_arn="role",
    machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:m", machine_name="m", start_time=0.0, seed=1,
    input_text='{"x": 1, "n": 0}', machine_type="EXPRESS",
)  # fmt: skip


def chain(length: int, **fields: Any) -> dict[str, Any]:
    states = {f"S{n}": {"Type": "Pass", **fields, "Next": f"S{n + 1}"} for n in range(length - 1)}
    return {"StartAt": "S0", "States": {**states, f"S{length - 1}": {"Type": "Pass", **fields, "End": True}}}


def choice_loop(length: int) -> dict[str, Any]:
    return {
        "StartAt": "Add",
        "States": {
            "Add": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "More"},
            "More": {
                "Type": "Choice", "Default": "Done",
                "Choices": [{"Variable": "$.n", "NumericLessThan": length // 2, "Next": "Add"}],
            },
            "Done": {"Type": "Succeed"},
        },
    }  # fmt: skip


def over(length: int, **fields: Any) -> dict[str, Any]:
    items = {"Type": "Pass", "Result": list(range(length)), "Next": "M"}
    inner = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    return {"StartAt": "I", "States": {"I": items, "M": {"Type": "Map", "ItemProcessor": inner, "End": True, **fields}}}


def branches(length: int) -> dict[str, Any]:
    many = [{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}] * length
    return {"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": many, "End": True}}}


def tasks(length: int) -> dict[str, Any]:
    resource = "arn:aws:lambda:us-east-1:123456789012:function:f"
    definition = chain(length)
    for state in definition["States"].values():
        state.update(Type="Task", Resource=resource, TimeoutSeconds=60)
    return definition


def seconds(definition: dict[str, Any]) -> float:
    """Time from the first event to the end."""
    run = new_run(compile_machine(definition), HEADER)
    started = time.perf_counter()
    waiting = [Started(0.0)]
    while waiting and not run.ended:
        for command in advance(run, waiting.pop()).commands:
            if isinstance(command, Continue):
                waiting.append(Continued(0.0))
            elif isinstance(command, StartTask):
                waiting.append(TaskSucceeded(0.0, command.task, "{}"))
    assert run.ended
    return time.perf_counter() - started


BENCHMARKS: dict[str, tuple[Callable[[int], dict[str, Any]], int | None]] = {
    "Pass chain": (chain, 50_000),
    "Pass chain, intrinsic function": (
        lambda length: chain(length, Parameters={"x.$": "States.MathAdd($.x, 1)"}), 15_000,
    ),
    "Pass chain, Assign": (lambda length: chain(length, Assign={"v.$": "$.x"}), None),
    "Choice loop": (choice_loop, 10_000),
    "Task chain, canned results": (tasks, None),
    "inline Map, items": (over, 15_000),
    "inline Map with selector, items": (
        lambda length: over(length, ItemSelector={"v.$": "$$.Map.Item.Value"}), 15_000,
    ),
    "Parallel, branches": (branches, None),
}  # fmt: skip


def main() -> int:
    """Print the table; 1 where a goal is missed."""
    missed = 0
    sys.stdout.write(f"{'workload':34} {'1,000/s':>10} {'10,000/s':>10} {'growth':>7} {'goal':>8}\n")
    for name, (make, goal) in BENCHMARKS.items():
        small, large = (min(seconds(make(length)) for _ in range(5)) / length for length in (1_000, 10_000))
        missed += goal is not None and 1 / large < goal
        row = f"{name:34} {1 / small:10,.0f} {1 / large:10,.0f} {large / small:7.2f} {goal or '':>8}\n"
        sys.stdout.write(row)
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
