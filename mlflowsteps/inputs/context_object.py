"""The context object: what a running execution knows of itself.

It owns the names and types of its entries; the values are the engine's.
"""

from __future__ import annotations

from typing import Any

from mlflowsteps.inputs.expressions import Path

__all__ = ["ContextObject", "context"]


class _Entry:
    """One entry of the context object: a descriptor that gives its path."""

    def __init__(self, name: str, type: Any = None) -> None:  # noqa: A002 - as Placeholder's
        self.name, self.type = name, type

    def __get__(self, instance: Path, owner: type[Path]) -> Path:
        return Path(f"{instance.root}.{self.name}", type=self.type)


class _Execution(Path):
    """``$$.Execution``: the execution."""

    id = _Entry("Id", str)
    """ARN of the execution."""
    input = _Entry("Input")
    """Its input; ``ExecutionInput`` gives the same with a schema."""
    name = _Entry("Name", str)
    """Its name, unique among the executions of a state machine."""
    role_arn = _Entry("RoleArn", str)
    """ARN of the role it runs with."""
    start_time = _Entry("StartTime", str)
    """When it began, as an RFC 3339 time."""
    redrive_count = _Entry("RedriveCount", int)
    """How often it was redriven."""
    redrive_time = _Entry("RedriveTime", str)
    """When it was redriven last."""


class _State(Path):
    """``$$.State``: the state that is running."""

    entered_time = _Entry("EnteredTime", str)
    """When the state was entered, as an RFC 3339 time."""
    name = _Entry("Name", str)
    """The state's name."""
    retry_count = _Entry("RetryCount", int)
    """How often the state was retried; 0 in the first attempt. Makes names of retried jobs unique."""


class _StateMachine(Path):
    """``$$.StateMachine``: the state machine."""

    id = _Entry("Id", str)
    """ARN of the state machine."""
    name = _Entry("Name", str)
    """Its name."""


class _Task(Path):
    """``$$.Task``: the task, in a state that waits for a callback."""

    token = _Entry("Token", str)
    """The task token that a callback gives back."""


class _Item(Path):
    """``$$.Map.Item``: what the iteration of a Map state works on."""

    index = _Entry("Index", int)
    """Index of the item, from 0."""
    value = _Entry("Value")
    """The item."""
    key = _Entry("Key", str)
    """Name of the item, where the items are an object's."""
    source = _Entry("Source", str)
    """Where a Distributed Map read the item."""


class _Map(Path):
    """``$$.Map``: the Map state around the state that is running."""

    @property
    def item(self) -> _Item:
        """The item of this iteration."""
        return _Item("$$.Map.Item")


class ContextObject(Path):
    """The context object, ``$$``; ``context`` is the one there is.

    >>> context.execution.name.to_jsonpath()
    '$$.Execution.Name'
    """

    def __init__(self) -> None:
        super().__init__("$$")

    @property
    def execution(self) -> _Execution:
        """The execution: id, input, name, role_arn, start_time, redrive_count, redrive_time."""
        return _Execution("$$.Execution")

    @property
    def state(self) -> _State:
        """The running state: entered_time, name, retry_count."""
        return _State("$$.State")

    @property
    def state_machine(self) -> _StateMachine:
        """The state machine: id, name."""
        return _StateMachine("$$.StateMachine")

    @property
    def task(self) -> _Task:
        """The task: token."""
        return _Task("$$.Task")

    @property
    def map(self) -> _Map:
        """The Map state around the running one: item.index, item.value, item.key, item.source."""
        return _Map("$$.Map")


context = ContextObject()
"""The context object of whatever execution evaluates it."""
