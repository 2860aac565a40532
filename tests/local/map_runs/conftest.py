"""A runtime in virtual time with a bucket, and a short way to run a Distributed Map on it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from mlflowsteps.local import LocalRuntime, VirtualClock

ROLE = "arn:aws:iam::123456789012:role/r"
BUCKET = "bucket"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
PASS = {"Type": "Pass", "End": True}


def call(name: str) -> dict[str, Any]:
    """A state that calls a function."""
    return {"Type": "Task", "Resource": FUNCTION + name, "End": True}


def over(state: dict[str, Any], kind: str = "STANDARD", **fields: Any) -> dict[str, Any]:
    """A Distributed Map of one state."""
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, "StartAt": "A",
                 "States": {"A": state}}  # fmt: skip
    return {"Type": "Map", "Label": "Rows", "ItemProcessor": processor, "End": True, **fields}


def reader(key: str, kind: str, **config: Any) -> dict[str, Any]:
    """An ItemReader of an object of the bucket."""
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "Parameters": {"Bucket": BUCKET, "Key": key},
        "ReaderConfig": {"InputType": kind, **config},
    }


def writer(**config: Any) -> dict[str, Any]:
    """A ResultWriter into the bucket."""
    found: dict[str, Any] = {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": BUCKET, "Prefix": "out/"},
    }
    return found | ({"WriterConfig": config} if config else {})


class Bench:
    """A runtime, and what its tests do with it."""

    def __init__(self, runtime: LocalRuntime) -> None:
        self.runtime = runtime
        self.states, self.s3 = runtime.client("stepfunctions"), runtime.client("s3")
        self._names = (f"m{number}" for number in itertools.count())

    def put(self, key: str, text: str | bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode() if isinstance(text, str) else text)

    def get(self, key: str) -> Any:
        return json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def start(self, state: dict[str, Any], payload: Any = None, **machine: Any) -> str:
        """Start an execution of one Map state; returns its ARN."""
        definition = {"StartAt": "M", "States": {"M": state}, **machine}
        made = self.states.create_state_machine(name=next(self._names), definition=json.dumps(definition), roleArn=ROLE)
        text = json.dumps([] if payload is None else payload)
        started = self.states.start_execution(stateMachineArn=made["stateMachineArn"], input=text)
        return str(started["executionArn"])

    def end(self, arn: str) -> dict[str, Any]:
        """Wait for an execution; how it ended."""
        assert self.runtime.wait(arn, timeout=60) != "RUNNING"
        found: dict[str, Any] = self.states.describe_execution(executionArn=arn)
        return found

    def run(self, state: dict[str, Any], payload: Any = None, **machine: Any) -> Any:
        """Run an execution of one Map state; its output."""
        found = self.end(self.start(state, payload, **machine))
        assert found["status"] == "SUCCEEDED", found
        return json.loads(found["output"])

    def fail(self, state: dict[str, Any], payload: Any = None, **machine: Any) -> tuple[str, str]:
        """Run an execution of one Map state; its error and cause."""
        found = self.end(self.start(state, payload, **machine))
        assert found["status"] == "FAILED", found
        return found["error"], found.get("cause", "")

    def map_run(self, execution_arn: str) -> dict[str, Any]:
        """The only Map Run of an execution."""
        (row,) = self.states.list_map_runs(executionArn=execution_arn)["mapRuns"]
        found: dict[str, Any] = self.states.describe_map_run(mapRunArn=row["mapRunArn"])
        return found


@pytest.fixture
def bench() -> Iterator[Bench]:
    with LocalRuntime.temporary(clock=VirtualClock()) as runtime:
        runtime.client("s3").create_bucket(Bucket=BUCKET)
        yield Bench(runtime)
