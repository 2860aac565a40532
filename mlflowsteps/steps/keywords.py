"""The keywords of the states, typed, so that editors complete them and type checkers know them.

One TypedDict for each kind of state; a test holds them equal to the rows of ``asl.fields``, where each field is
described. At run time ``block`` checks keywords against those rows.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypedDict

from mlflowsteps.inputs.expressions import Expression
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.parts import Part

__all__ = [
    "CatchFields",
    "ChoiceFields",
    "FailFields",
    "MapFields",
    "Number",
    "ParallelFields",
    "PassFields",
    "PathText",
    "RetryFields",
    "StateFields",
    "SucceedFields",
    "TaskFields",
    "Text",
    "WaitFields",
    "WholeNumber",
]

Text: TypeAlias = str | Expression
"""Text, or a placeholder for it."""
PathText: TypeAlias = str | Expression
"""A path such as ``$.a``, or a placeholder that is one."""
WholeNumber: TypeAlias = int | str | Expression
"""A whole number, a placeholder for it, or JSONata text that computes it."""
Number: TypeAlias = float | str | Expression
"""A number, a placeholder for it, or JSONata text that computes it."""


class _Common(TypedDict, total=False):
    comment: str | None
    """A remark for people; it has no effect."""
    query_language: str | None
    """JSONPath or JSONata; the workflow's where left out."""


class FailFields(_Common, total=False):
    """Keywords of Fail."""

    error: Text | None
    """The error's name."""
    error_path: PathText | None
    """Path of the error's name."""
    cause: Text | None
    """The cause, for a person."""
    cause_path: PathText | None
    """Path of the cause."""


class SucceedFields(_Common, total=False):
    """Keywords of Succeed."""

    input_path: PathText | None
    """What of the input the state sees; None gives {}. The whole input where left out."""
    output_path: PathText | None
    """What of the output is passed on; None gives {}. The whole output where left out."""
    output: Json
    """JSONata: what the state passes on."""


class _Assigning(SucceedFields, total=False):
    assign: dict[str, Any] | None
    """Variables to set, by name."""


class ChoiceFields(_Assigning, total=False):
    """Keywords of Choice."""


class WaitFields(_Assigning, total=False):
    """Keywords of Wait: one of seconds, seconds_path, timestamp, timestamp_path."""

    seconds: WholeNumber | None
    """Seconds to wait, 0 to 99,999,999."""
    seconds_path: PathText | None
    """Path of the seconds."""
    timestamp: Text | None
    """RFC 3339 time to wait for."""
    timestamp_path: PathText | None
    """Path of the time."""


class StateFields(_Assigning, total=False):
    """Keywords of a state with a result."""

    parameters: Json
    """The payload, made from the input; placeholders may stand at any depth."""
    result_path: PathText | None
    """Where the result goes in the input; None drops it; $ (the default) replaces the input."""


class PassFields(StateFields, total=False):
    """Keywords of Pass."""

    result: Json
    """The state's result."""


class _Work(StateFields, total=False):
    result_selector: Json
    """The result, made anew from the raw one; ``StepResult()`` is the raw one."""


class ParallelFields(_Work, total=False):
    """Keywords of Parallel."""

    arguments: Json
    """JSONata: the payload."""


class TaskFields(_Work, total=False):
    """Keywords of Task, which every step of a service takes too."""

    arguments: Json
    """JSONata: the payload."""
    resource: str | None
    """ARN of the function, activity or integration; the steps of services know their own."""
    credentials: dict[str, Any] | None
    """{"RoleArn": role the task is run with}."""
    timeout_seconds: WholeNumber | None
    """Seconds until States.Timeout, 1 to 99,999,999."""
    timeout_seconds_path: PathText | None
    """Path of timeout_seconds."""
    heartbeat_seconds: WholeNumber | None
    """Seconds between two heartbeats until States.HeartbeatTimeout, less than timeout_seconds."""
    heartbeat_seconds_path: PathText | None
    """Path of heartbeat_seconds."""


class MapFields(_Work, total=False):
    """Keywords of Map."""

    items_path: PathText | None
    """Path of the items; the input where left out."""
    items: Json
    """JSONata: the items."""
    item_selector: Json
    """The input of each iteration."""
    item_reader: dict[str, Any] | Part | None
    """Where a Distributed Map reads its items from."""
    item_batcher: dict[str, Any] | Part | None
    """How items of a Distributed Map are put into batches."""
    result_writer: dict[str, Any] | Part | None
    """Where a Distributed Map writes its results to."""
    label: str | None
    """Name of a Distributed Map in ARNs, at most 40 characters."""
    max_concurrency: WholeNumber | None
    """Most iterations at a time; 0: no bound of its own."""
    max_concurrency_path: PathText | None
    """Path of max_concurrency."""
    tolerated_failure_percentage: Number | None
    """Percentage of items that may fail, 0 to 100."""
    tolerated_failure_percentage_path: PathText | None
    """Path of tolerated_failure_percentage."""
    tolerated_failure_count: WholeNumber | None
    """Number of items that may fail."""
    tolerated_failure_count_path: PathText | None
    """Path of tolerated_failure_count."""


class RetryFields(TypedDict, total=False):
    """Keywords of Retry."""

    comment: str | None
    """A remark for people; it has no effect."""
    error_equals: list[str] | None
    """Names of the errors it is for; States.ALL for every one."""
    interval_seconds: int | None
    """Seconds before the first retry, at least 1 (the default)."""
    max_attempts: int | None
    """Most retries, 0 to 99,999,999; 3 where left out."""
    backoff_rate: float | None
    """What the interval is multiplied by after each retry, at least 1.0; 2.0 where left out."""
    max_delay_seconds: int | None
    """Longest interval in seconds, more than interval_seconds, less than 31,622,400."""
    jitter_strategy: str | None
    """FULL: each interval is drawn between 0 and its length. NONE (the default): it is its length."""


class CatchFields(TypedDict, total=False):
    """Keywords of Catch."""

    comment: str | None
    """A remark for people; it has no effect."""
    error_equals: list[str] | None
    """Names of the errors it is for; States.ALL for every one."""
    result_path: PathText | None
    """Where {Error, Cause} goes in the state's input; $ (the default) replaces it, None drops it."""
    output: Json
    """JSONata: what the next state is given."""
    assign: dict[str, Any] | None
    """Variables to set, by name."""
