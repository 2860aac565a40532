"""What an execution is born with, and the task tokens made from it.

Owns the header and the form of tokens. Both are plain data: the same header and journal give the same run.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from mlflowsteps.asl.dataflow import MAX_PAYLOAD_BYTES

__all__ = ["MAX_HISTORY_EVENTS", "RunHeader", "task_token", "token_owner"]


MAX_HISTORY_EVENTS = 25_000
"""The service's limit of a standard execution's history."""


@dataclass(frozen=True, slots=True)
class RunHeader:
    """What an execution is born with; stored once, before its first event.

    Args:
        execution_arn: ARN of the execution.
        name: its name.
        role_arn: role of the state machine.
        machine_arn: ARN of the state machine (with a version's number, where it was started by one).
        machine_name: name of the state machine.
        start_time: seconds since the epoch.
        seed: where all random draws and UUIDs of the execution come from.
        input_text: the input as it was given, JSON text.
        machine_type: ``STANDARD`` or ``EXPRESS``.
        max_events: events of the history, with the one that ends it; not for ``EXPRESS``, which has no limit.
        max_payload_bytes: an input, output, result or variable, in UTF-8.
        max_variables_bytes: all variables together.
        express_seconds: longest time of an ``EXPRESS`` execution.
    """

    execution_arn: str
    name: str
    role_arn: str
    machine_arn: str
    machine_name: str
    start_time: float
    seed: int
    input_text: str
    machine_type: str = "STANDARD"
    max_events: int = MAX_HISTORY_EVENTS
    max_payload_bytes: int = MAX_PAYLOAD_BYTES
    max_variables_bytes: int = 10 * 1024 * 1024
    express_seconds: float = 300.0


def task_token(execution_arn: str, task: int) -> str:
    """The token that belongs to one attempt of a task; opaque to its holder.

    >>> token_owner(task_token("arn:aws:states:us-east-1:123456789012:execution:m:e", 7))
    ('arn:aws:states:us-east-1:123456789012:execution:m:e', 7)
    """
    text = json.dumps([execution_arn, task], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def token_owner(token: str) -> tuple[str, int]:
    """Execution ARN and task number of a token.

    Raises:
        ValueError: it is not a token that ``task_token`` made.
    """
    try:
        arn, task = json.loads(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
        return str(arn), int(task)
    except (binascii.Error, ValueError, TypeError):
        raise ValueError("This is not a task token of this runtime.") from None
