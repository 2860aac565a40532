"""A store, a scheduler and scripted handlers: an engine without services, for tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlflowsteps.local.clock import Clock, VirtualClock
from mlflowsteps.local.interpreter import RunHeader
from mlflowsteps.local.records import TaskReport, TaskRequest
from mlflowsteps.local.scheduler import Scheduler
from mlflowsteps.local.store import ExecutionRecord, Store

MACHINE_ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
TOKEN_TASK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"

Start = Callable[[TaskRequest, TaskReport], None]


class Handler:
    """A TaskHandler that does what a function says, and notes what it was asked."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self.started: list[TaskRequest] = []
        self.cancelled: list[TaskRequest] = []
        self.was_started = threading.Event()
        self.was_cancelled = threading.Event()

    def start(self, task: TaskRequest, report: TaskReport) -> None:
        self.started.append(task)
        self.was_started.set()
        self._start(task, report)

    def cancel(self, task: TaskRequest) -> None:
        self.cancelled.append(task)
        self.was_cancelled.set()


def answering(function: Callable[[Any], Any]) -> Handler:
    """A handler whose tasks succeed with what the function makes of the payload."""
    return Handler(lambda task, report: report.succeeded(function(task.parameters)))


def silent() -> Handler:
    """A handler whose tasks never end by themselves."""
    return Handler(lambda task, report: None)


def submitting() -> Handler:
    """A handler that submits, and leaves the rest to the holder of the token."""
    return Handler(lambda task, report: report.submitted({"MessageId": "1"}))


class Bench:
    """A runtime's engine on a file.

    Args:
        path: the store's file.
        clock: its clock; a virtual one where left out.
        handlers: handler by resource.
    """

    def __init__(
        self, path: Path, handlers: dict[str, Handler] | None = None, clock: Clock | None = None, **options: Any
    ) -> None:
        self.clock: Clock = VirtualClock() if clock is None else clock
        self.handlers = handlers or {}
        self.store = Store(path)
        self.scheduler = Scheduler(self.store, self.clock, self._handler, **options)

    def _handler(self, resource: str) -> Handler:
        return self.handlers[resource]

    def header(self, name: str = "run", text: str = "{}", kind: str = "STANDARD") -> RunHeader:
        return RunHeader(
            execution_arn=f"arn:aws:states:us-east-1:123456789012:execution:m:{name}",
            name=name,
            role_arn="arn:aws:iam::123456789012:role/r",
            machine_arn=MACHINE_ARN,
            machine_name="m",
            start_time=self.clock.now(),
            seed=7,
            input_text=text,
            machine_type=kind,
        )

    def start(self, definition: dict[str, Any], name: str = "run", text: str = "{}") -> str:
        header = self.header(name, text)
        assert self.scheduler.start(header, json.dumps(definition))
        return header.execution_arn

    def run(self, definition: dict[str, Any], name: str = "run", text: str = "{}") -> ExecutionRecord:
        return self.scheduler.wait(self.start(definition, name, text), timeout=30)

    def history(self, arn: str) -> list[dict[str, Any]]:
        record = self.store.executions.get(arn)
        assert record is not None
        return self.store.executions.history(record.id)

    def types(self, arn: str) -> list[str]:
        return [event["type"] for event in self.history(arn)]

    def close(self) -> None:
        self.scheduler.close()
        self.store.close()


def machine(**states: dict[str, Any]) -> dict[str, Any]:
    """A definition of states that follow each other in the order given, unless they say otherwise."""
    names = list(states)
    for name, following in zip(names, [*names[1:], None], strict=True):
        state = states[name]
        if state["Type"] not in ("Succeed", "Fail", "Choice") and "Next" not in state and "End" not in state:
            state |= {"Next": following} if following else {"End": True}
    return {"StartAt": names[0], "States": states}


def task(resource: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, **fields}
