"""What a caller gives a workflow, judged before it is sent: names, roles, ARNs, inputs.

The service refuses the same, but in words that leave rule and fix to be looked up; here a message has both.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from mlflowsteps.asl.arns import NAME_FORBIDDEN, NAME_LENGTH, is_name, parse_arn
from mlflowsteps.exceptions import InvalidInput
from mlflowsteps.inputs.models import as_json
from mlflowsteps.inputs.placeholders import Placeholder
from mlflowsteps.inputs.syntax import Json

__all__ = [
    "check_input", "check_machine_arn", "check_name", "check_role", "checked_schema", "input_text", "plain_input",
    "read_input",
]  # fmt: skip

_JSON_KEYS = (str, int, float, bool, type(None))


def check_name(name: str, what: str) -> None:
    """Refuse what is no name of a state machine or an execution.

    Args:
        name: the name.
        what: whose it is, such as ``workflow``.

    Raises:
        TypeError: no text.
        ValueError: empty, too long, or with characters that the service does not take.
    """
    if not isinstance(name, str):
        raise TypeError(f"The name of the {what} is text, not {name!r} ({type(name).__name__}).")
    if is_name(name):
        return
    tried = re.sub(r"-+", "-", NAME_FORBIDDEN.sub("-", name)).strip("-")[:NAME_LENGTH]
    shown = name if len(name) <= 100 else name[:97] + "..."
    raise ValueError(
        f"{shown!r} ({len(name)} characters) cannot be the name of the {what}. A name has 1 to {NAME_LENGTH} "
        "characters, none of them white space, a control character or one of "
        '< > { } [ ] ? * " # % \\ ^ | ~ ` $ & , ; : /' + (f". Such as {tried!r}." if tried else ".")
    )


def check_role(arn: str) -> None:
    """Refuse what is no ARN of an IAM role.

    Raises:
        ValueError: it is none.
    """
    if not _is_arn(arn, "iam", "role/"):
        raise ValueError(
            f"role must be the ARN of an IAM role, such as 'arn:aws:iam::123456789012:role/workflow', not {arn!r}; the "
            "embedded runtime takes any role's."
        )


def check_machine_arn(arn: str) -> None:
    """Refuse what is no ARN of a state machine.

    Raises:
        ValueError: it is none.
    """
    if not _is_arn(arn, "states", "stateMachine:"):
        raise ValueError(
            "state_machine_arn must be the ARN of a state machine, such as "
            f"'arn:aws:states:us-east-1:123456789012:stateMachine:Demo', not {arn!r}. Workflow.list_workflows() lists "
            "those that exist."
        )


def _is_arn(text: object, service: str, kind: str) -> bool:
    if not isinstance(text, str):
        return False
    try:
        found = parse_arn(text)
    except ValueError:
        return False
    return found.service == service and found.resource.startswith(kind)


def checked_schema(given: object) -> Placeholder | None:
    """The placeholders of an input, if they are that.

    Raises:
        TypeError: they are something else.
    """
    if given is None or isinstance(given, Placeholder):
        return given
    raise TypeError(
        "execution_input must be an ExecutionInput, such as ExecutionInput(schema={'JobName': str}), not "
        f"{given!r} ({type(given).__name__})."
    )


def check_input(value: Json, schema: Placeholder) -> None:
    """Refuse an input that does not fit its schema.

    Raises:
        InvalidInput: it does not; every fault is named.
    """
    faults = schema.faults(value)
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        lines = [f"inputs does not fit the workflow's execution_input ({count}):", *(f"  {fault}" for fault in faults)]
        raise InvalidInput("\n".join([*lines, f"Expected run input with the schema: {schema.get_schema_as_json()}"]))


def plain_input(value: Any) -> Json:
    """An input without models: dataclasses and pydantic models in it become dicts.

    Raises:
        InvalidInput: it holds itself.
    """
    try:
        return as_json(value)
    except RecursionError:
        raise InvalidInput("inputs holds itself, or is nested hundreds of levels deep; JSON does not.") from None


def read_input(text: str) -> Json:
    """The value of an input that was given as text.

    Raises:
        InvalidInput: it is no JSON.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"inputs is text that is no JSON: {error}. Give a dict, or JSON text.") from None


def input_text(value: Json, indent: int | None) -> str:
    """An input as JSON text.

    Raises:
        InvalidInput: it cannot be written; the message names the place.
    """
    try:
        return json.dumps(value, indent=indent, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"inputs cannot be written as JSON: {_reason(value) or error}") from error


def _reason(value: Any) -> str | None:
    try:
        return _unwritable(value, "inputs")
    except RecursionError:  # nested too deeply, or in itself: the encoder has said so
        return None


def _unwritable(value: Any, place: str) -> str | None:
    """The first thing that JSON does not have; None where there is none."""
    if isinstance(value, dict):
        bad = next((key for key in value if not isinstance(key, _JSON_KEYS)), None)
        if bad is not None:
            return f"{place} has the key {bad!r} ({type(bad).__name__}). Keys are text."
        return _first((item, f"{place}[{key!r}]") for key, item in value.items())
    if isinstance(value, list | tuple):
        return _first((item, f"{place}[{index}]") for index, item in enumerate(value))
    if isinstance(value, float) and not math.isfinite(value):
        return f"{place} is {value}, which JSON does not have. Give None, or leave it out."
    if isinstance(value, str | int | float | None):
        return None
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return f"{place} is {shown} ({type(value).__name__}). JSON has dicts, lists, text, numbers, booleans and None."


def _first(places: Any) -> str | None:
    found = (_unwritable(item, place) for item, place in places)
    return next((reason for reason in found if reason is not None), None)
