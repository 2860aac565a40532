"""Speed of the SDK: chains against JSON, deep nesting, steps against the old SDK, lists against boto3's paginator.

::

    python -m tests.benchmarks.bench_sdk [--repeat 5] [--old PYTHON]

``PYTHON`` is an interpreter with stepfunctions 2.3.0, to build the same LambdaSteps with. Each figure is a ratio of
medians taken in turns in one run, so that a busy machine meets both sides. The exit code is 1 where a bound is passed.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from mlflowsteps import steps
from mlflowsteps.workflow import Workflow

STATES, EXECUTIONS, LAMBDA_STEPS = 10_000, 10_000, 100
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:Many"
OLD_PROGRAM = """
import sys, time, warnings
warnings.simplefilter("ignore")
from stepfunctions.steps import LambdaStep
begin = time.perf_counter()
for number in range(int(sys.argv[1])):
    LambdaStep(f"Call {number}", parameters={"FunctionName": "f"})
print(time.perf_counter() - begin)
"""


def chain_to_json(count: int) -> str:
    """Build, chain and serialise so many states."""
    chain = steps.Chain([steps.Pass(f"State {number}", result={"number": number}) for number in range(count)])
    return steps.Graph(chain).to_json()


def nested(levels: int) -> dict[str, Any]:
    """The definition of Maps and Parallels within one another."""
    inner: steps.State = steps.Pass("Inmost")
    for level in range(levels):
        name = f"Level {level}"
        inner = steps.Map(name, item_processor=inner) if level % 2 else steps.Parallel(name, branches=[inner])
    return steps.Graph(inner).to_dict()


def lambda_steps(count: int) -> list[steps.LambdaStep]:
    """So many steps of a service."""
    return [steps.LambdaStep(f"Call {number}", parameters={"FunctionName": "f"}) for number in range(count)]


class _Body:
    """The body of a response, as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.content


def executions_client(count: int) -> Any:
    """boto3's client over pages of a list of executions: requests are answered, and parsed, without a network."""
    import boto3
    from botocore.awsrequest import AWSResponse

    client = boto3.client(
        "stepfunctions", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    rows = [
        {
            "executionArn": f"{MACHINE.replace('stateMachine', 'execution')}:run-{number}",
            "stateMachineArn": MACHINE,
            "name": f"run-{number}",
            "status": "SUCCEEDED",
            "startDate": 1_700_000_000.5,
            "stopDate": 1_700_000_001.5,
        }
        for number in range(count)
    ]

    def answer(request: Any, **_: Any) -> AWSResponse:
        asked = json.loads(request.body)
        begin = int(asked.get("nextToken", "0"))
        end = begin + asked["maxResults"]
        page: dict[str, Any] = {"executions": rows[begin:end]}
        content = json.dumps({**page, "nextToken": str(end)} if end < count else page).encode()
        return AWSResponse(request.url, 200, {"Content-Type": "application/x-amz-json-1.0"}, _Body(content))

    client.meta.events.register("before-send.sfn.ListExecutions", answer)
    return client


def bare(client: Any) -> int:
    """List with boto3's paginator alone."""
    pages = client.get_paginator("list_executions").paginate(
        stateMachineArn=MACHINE, PaginationConfig={"PageSize": 1000}
    )
    return len([row for page in pages for row in page["executions"]])


def listed(workflow: Workflow) -> int:
    """List with the SDK."""
    return len(list(workflow.executions()))


def medians(repeat: int, *functions: Callable[[], object]) -> list[float]:
    """Median seconds of each function, called in turns."""
    times: list[list[float]] = [[] for _ in functions]
    for turn in range(repeat + 1):
        for function, found in zip(functions, times, strict=True):
            gc.collect()
            begin = time.perf_counter()
            function()
            if turn:  # the first round warms caches
                found.append(time.perf_counter() - begin)
    return [statistics.median(found) for found in times]


def measure(repeat: int, old: str | None) -> list[tuple[str, float, float]]:
    """Name, ratio and bound of each figure."""
    definition = json.loads(chain_to_json(STATES))
    ours, floor = medians(repeat, lambda: chain_to_json(STATES), lambda: json.dumps(definition))
    half, whole = medians(repeat, lambda: [nested(75) for _ in range(40)], lambda: [nested(150) for _ in range(40)])
    client = executions_client(EXECUTIONS)
    workflow = Workflow("Many", steps.Pass("P"), role=None, state_machine_arn=MACHINE, client=client)
    lazily, at_once, theirs = medians(
        repeat,
        lambda: listed(workflow),
        lambda: workflow.list_executions(max_items=EXECUTIONS),
        lambda: bare(client),
    )
    found = [
        (f"chain of {STATES} to JSON / json.dumps", ours / floor, 15.0),
        ("150 levels of nesting / twice 75 levels", whole / (2 * half), 1.3),
        (f"executions() of {EXECUTIONS} / bare paginator", lazily / theirs, 1.5),
        (f"list_executions() of {EXECUTIONS} / bare paginator", at_once / theirs, 1.5),
    ]
    if old:
        (new,) = medians(repeat, lambda: lambda_steps(LAMBDA_STEPS))
        command = [old, "-c", OLD_PROGRAM, str(LAMBDA_STEPS)]
        before = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])
        found.append((f"{LAMBDA_STEPS} LambdaSteps / the old SDK's ({before:.1f} s)", new / before, 0.01))
    return found


def main() -> int:
    """Print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="rounds that count")
    parser.add_argument("--old", help="a Python with stepfunctions 2.3.0")
    arguments = parser.parse_args()
    found = measure(arguments.repeat, arguments.old)
    for name, ratio, bound in found:
        print(f"{name:60} {ratio:10.5f}  (bound {bound:g}) {'' if ratio <= bound else 'TOO SLOW'}")
    if not arguments.old:
        print("left out: LambdaSteps against the old SDK; give its Python by --old")
    return int(any(ratio > bound for _, ratio, bound in found))


if __name__ == "__main__":
    sys.exit(main())
