"""What SageMaker's SDKs leave in a request besides JSON: pipeline variables and shapes, as expressions and dicts.

Told by the names of their classes; neither SDK is imported.
"""

from __future__ import annotations

import enum
import json
import numbers
import re
import sys
from collections.abc import Mapping
from typing import Any

from mlflowsteps.inputs import intrinsics
from mlflowsteps.inputs.expressions import Path
from mlflowsteps.inputs.syntax import Json, Reference

__all__ = ["described", "is_variable"]

_TYPES = {"ParameterString": str, "ParameterInteger": int, "ParameterFloat": float, "ParameterBoolean": bool}
_EXECUTION = {
    "Execution.StartDateTime": "StartTime",
    "Execution.PipelineExecutionId": "Name",
    "Execution.PipelineExecutionArn": "Id",
}
_ESCAPED = re.compile(r"\\u27e6(.*?)\\u27e7")


def _names(value: object) -> set[str]:
    return {cls.__name__ for cls in type(value).__mro__ if cls.__module__.split(".", 1)[0] == "sagemaker"}


def is_variable(value: object) -> bool:
    """True for SageMaker's pipeline variables: parameters, Join, execution variables, properties."""
    return "PipelineVariable" in _names(value)


def described(value: Any) -> Json:
    """A value as JSON with expressions.

    Args:
        value: what an SDK put into a request, or what a user gives beside one: shapes and configuration objects too.

    Raises:
        TypeError: a pipeline variable that has no counterpart outside SageMaker's pipelines.
    """
    if isinstance(value, str):
        return _ESCAPED.sub(_unescaped, str(value)) if "u27e6" in value else _plain(value)
    if isinstance(value, Reference) or value is None or isinstance(value, bool | int | float):
        return _plain(value)
    if isinstance(value, Mapping):
        return {str(_plain(key)): item for key, raw in value.items() if (item := described(raw)) is not _UNASSIGNED}
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    names = _names(value)
    return _object(value, names) if names else _plain(value)


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
            return described(method())
    if isinstance(getattr(value, "config", None), Mapping):
        return described(value.config)
    return _plain(value)


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
    return str(table.get(name) or "".join(part.title() for part in name.split("_")))


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
    kind = next((_TYPES[name] for name in names if name in _TYPES), None)
    if kind is not None:
        return Path("$$.Execution.Input", (str(value.name),), kind)
    found = value.expr
    place = found.get("Get") if isinstance(found, Mapping) else None
    if place in _EXECUTION:
        return Path("$$.Execution", (_EXECUTION[place],), str)
    raise TypeError(
        f"{type(value).__name__} {found!r} belongs to a SageMaker pipeline; in a workflow, use the placeholder "
        "step.output()[...] of the step that it comes from"
    )


def _joined(value: Any) -> Reference:
    parts: list[Reference] = []
    texts: list[str] = []
    for item in value.values:
        found = described(item)
        if isinstance(found, Reference):
            parts.append(found)
            texts.append("{}")
        else:
            texts.append(str(found))
    only = parts[0] if len(texts) == len(parts) == 1 else None
    if only is not None and only.type is str:
        return only
    return intrinsics.format(value.on.join(texts), *parts)
