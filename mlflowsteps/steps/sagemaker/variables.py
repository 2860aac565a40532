"""What SageMaker's SDKs leave in a request besides JSON: pipeline variables and shapes, as expressions and dicts.

And the other way: our placeholders as pipeline variables, which the SDKs pass through to the request. Told by the names
of classes; neither SDK is imported.
"""

from __future__ import annotations

import enum
import json
import numbers
import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from mlflowsteps.inputs import intrinsics
from mlflowsteps.inputs.expressions import Path
from mlflowsteps.inputs.syntax import TOKEN, Json, Reference, token_of
from mlflowsteps.inputs.templates import adopted_reference

__all__ = ["as_variable", "described", "is_variable"]

_TYPES = {"String": str, "Integer": int, "Float": float, "Boolean": bool}
"""Types of parameters; the SDKs' ParameterBoolean is no class, but a Parameter of that type."""
_EXECUTION = {
    "Execution.StartDateTime": "StartTime",
    "Execution.PipelineExecutionId": "Name",
    "Execution.PipelineExecutionArn": "Id",
}
_PRINTED = re.compile(r"Parameter(String|Integer|Float)?\(name='[^']*', parameter_type=|\bJoin\(on='")
"""A variable as Python prints it: its value could not be told any more."""
_ESCAPED = re.compile(r"\\u27e6(.*?)\\u27e7")


def _names(value: object) -> set[str]:
    return {cls.__name__ for cls in type(value).__mro__ if cls.__module__.split(".", 1)[0] == "sagemaker"}


def is_variable(value: object) -> bool:
    """True for SageMaker's pipeline variables: parameters, Join, execution variables, properties."""
    return "PipelineVariable" in _names(value)


class _Placeholder(str):
    """One of our placeholders, or text with some in it, while an SDK has it: text, and a pipeline variable, too."""

    reference: Reference | None = None
    """The placeholder; None where it is text already."""


@cache
def _placeholder_class(base: Any) -> Any:
    members = {"expr": property(str), "_referenced_steps": (), "to_string": lambda self: self}
    return type(base)("Placeholder", (_Placeholder, base), members)


def as_variable(value: Any) -> Any:
    """A placeholder, or text with tokens in it, as what the loaded SDK takes for a pipeline variable; else the value.

    Args:
        value: what a user has put into an SDK's object.
    """
    found = adopted_reference(value)
    reference = found if isinstance(found, Reference) else None
    if reference is None and not (isinstance(value, str) and TOKEN.search(value)):
        return value
    bases = (getattr(sys.modules.get(module), "PipelineVariable", None) for module in _VARIABLES)
    made = _placeholder_class(next(base for base in bases if base is not None))(
        value if reference is None else token_of(reference)
    )
    made.reference = reference
    return made


_VARIABLES = ("sagemaker.workflow.entities", "sagemaker.core.helper.pipeline_variable")
"""Modules of SDK 2's and SDK 3's PipelineVariable."""


def described(value: Any) -> Json:
    """A value as JSON with expressions.

    Args:
        value: what an SDK put into a request, or what a user gives beside one: shapes and configuration objects too.

    Raises:
        TypeError: a pipeline variable that has no counterpart outside SageMaker's pipelines.
    """
    if isinstance(value, str):
        return _described_text(value)
    if isinstance(value, Reference) or value is None or isinstance(value, bool | int | float):
        return _plain(value)
    if isinstance(value, Mapping):
        return {str(_plain(key)): item for key, raw in value.items() if (item := described(raw)) is not _UNASSIGNED}
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    names = _names(value)
    return _object(value, names) if names else _plain(value)


def _described_text(value: str) -> Json:
    if isinstance(value, _Placeholder):
        return str(value) if value.reference is None else value.reference
    if _PRINTED.search(value):
        raise TypeError(
            f"A pipeline variable stands in a list or an object that the SDK writes as text: {value}. Give it as a "
            "value of its own, or write the text with a placeholder of ExecutionInput in it"
        )
    return _ESCAPED.sub(_unescaped, str(value)) if "u27e6" in value else _plain(value)


_UNASSIGNED = object()


def _object(value: Any, names: set[str]) -> Json:
    """An object of an SDK: a shape of SDK 3, or one of SDK 2 that describes itself."""
    if "PipelineVariable" in names:
        return _expression(value)
    if "Unassigned" in names:
        return _UNASSIGNED
    if hasattr(value, "model_fields_set"):
        return _shape(value)
    for name in ("_to_request_dict", "to_request_dict", "_to_request", "to_dict"):
        method = getattr(value, name, None)
        if callable(method):
            return _without_nothing(described(method()))
    if isinstance(getattr(value, "config", None), Mapping):
        return described(value.config)
    return _plain(value)


def _without_nothing(value: Json) -> Json:
    """What an object of SDK 2 says of itself, without the settings that it has not got and calls None."""
    if isinstance(value, Mapping):
        return {key: _without_nothing(item) for key, item in value.items() if item is not None}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value


def _shape(value: Any) -> Json:
    """A shape of SDK 3: its fields under the API's names, those that are not set left out."""
    found = {}
    for name in type(value).model_fields:
        item = described(getattr(value, name))
        if item is not _UNASSIGNED and item is not None:
            found[_member(name)] = item
    return found


def _member(name: str) -> str:
    """The API's name of a shape's field, by the SDK's own table where that is loaded.

    >>> _member("s3_output_path")
    'S3OutputPath'
    """
    table = getattr(sys.modules.get("sagemaker.core.utils.utils"), "SPECIAL_SNAKE_TO_PASCAL_MAPPINGS", {})
    return str(_SPELLED.get(name) or table.get(name) or "".join(part.title() for part in name.split("_")))


_SPELLED = {
    "enable_ssm_access": "EnableSSMAccess",
    "max_payload_in_mb": "MaxPayloadInMB",
    "memory_size_in_mb": "MemorySizeInMB",
    "supported_response_mime_types": "SupportedResponseMIMETypes",
}
"""Members of our requests that the SDK's own rule spells otherwise than the API, which then refuses them."""


def _plain(value: Any) -> Json:
    """Enums and numbers of other libraries as Python's own."""
    if isinstance(value, enum.Enum):
        return _plain(value.value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


def _unescaped(match: re.Match[str]) -> str:
    return f"⟦{json.loads(chr(34) + match[1] + chr(34))}⟧"


# ------------------------------------------------------------------------------------------------------ variables


def _expression(value: Any) -> Reference:
    """A pipeline variable as a placeholder of the execution's input, or as text put together by States.Format."""
    names = _names(value)
    if "Join" in names:
        return _joined(value)
    if "Parameter" in names:
        return Path("$$.Execution.Input", (str(value.name),), _TYPES[value.parameter_type.value])
    found = value.expr
    place = found.get("Get") if isinstance(found, Mapping) else None
    if place in _EXECUTION:
        return Path("$$.Execution", (_EXECUTION[place],), str)
    raise TypeError(
        f"{type(value).__name__} {found!r} belongs to a SageMaker pipeline; in a workflow, use the placeholder "
        "step.output()[...] of the step that it comes from"
    )


def _joined(value: Any) -> Reference:
    parts: list[Json] = []
    for item in value.values:
        parts += [described(item), value.on]
    parts = parts[:-1] or [""]
    if len(parts) == 1 and isinstance(parts[0], Reference) and parts[0].type is str:
        return parts[0]
    # Text with {} of its own is a value, too, lest it count as a slot.
    slots = [part for part in parts if isinstance(part, Reference) or "{}" in str(part)]
    template = "".join("{}" if isinstance(part, Reference) or "{}" in str(part) else str(part) for part in parts)
    return intrinsics.format(template, *slots)
