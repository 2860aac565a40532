"""Schemas from classes: dataclasses, pydantic models and TypedDicts as dicts of keys to schemas.

It owns what a class says of its keys, which of them have a default, and how an instance becomes JSON. pydantic is never
imported: its models are known by what they have.
"""

from __future__ import annotations

import dataclasses
import enum
import typing
from typing import Any

__all__ = ["MISSING", "Default", "as_json", "is_model", "schema_of_model"]


class _Missing:
    """The absence of a default; compared by identity."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


@dataclasses.dataclass(frozen=True)
class Default:
    """A key that may be left out of an input, and what ``execute`` fills in for it.

    Args:
        type: schema of the key's value.
        value: the value that is filled in; where left out, none is.

    >>> Default(int, 40)
    Default(type=<class 'int'>, value=40)
    """

    type: Any
    value: Any = MISSING


def is_model(schema: Any) -> bool:
    """True for a class that says which keys its instances have."""
    return isinstance(schema, type) and (
        dataclasses.is_dataclass(schema) or hasattr(schema, "model_fields") or typing.is_typeddict(schema)
    )


def schema_of_model(model: Any) -> dict[str, Any]:
    """The keys of a class's instances, as JSON has them, and their schemas.

    Args:
        model: a dataclass, a pydantic model or a TypedDict.
    """
    if hasattr(model, "model_fields"):
        return {field.alias or name: _pydantic(field) for name, field in model.model_fields.items()}
    hints = typing.get_type_hints(model)
    if typing.is_typeddict(model):
        marked = typing.get_type_hints(model, include_extras=True)  # __required_keys__ cannot read marks that are text
        return {
            name: hint if _is_required(model, name, marked[name]) else Default(hint) for name, hint in hints.items()
        }
    return {field.name: _dataclass_field(field, hints[field.name]) for field in dataclasses.fields(model)}


def _is_required(model: Any, name: str, hint: Any) -> bool:
    mark: Any = typing.get_origin(hint)
    return mark is typing.Required or (mark is not typing.NotRequired and name in model.__required_keys__)


def _pydantic(field: Any) -> Any:
    if field.is_required():
        return field.annotation
    return Default(field.annotation, as_json(field.get_default(call_default_factory=True)))


def _dataclass_field(field: dataclasses.Field[Any], hint: Any) -> Any:
    if field.default is not dataclasses.MISSING:
        return Default(hint, as_json(field.default))
    if field.default_factory is not dataclasses.MISSING:
        return Default(hint, as_json(field.default_factory()))
    return hint


def as_json(value: Any) -> Any:
    """An instance of a model as JSON, at any depth of dicts and lists; everything else as it is.

    >>> as_json({"a": (1, 2)})
    {'a': [1, 2]}
    """
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return value.model_dump(mode="json", by_alias=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list | tuple) else value
