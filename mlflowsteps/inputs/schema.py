"""Schemas of inputs: which keys, of which types.

It owns what a schema may say, what fits it, and what defaults add. Types are ``str``, ``int``, ``float``, ``bool``,
``list``, ``dict``, ``list[str]``, ``[str]``, ``dict[str, int]``, ``Optional[...]``, ``Literal[...]``, enums, ``Any``,
``Default(...)``, nested dicts, and classes that ``models`` reads; bool is no int, an int is a float.
"""

from __future__ import annotations

import copy
import enum
import types
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from mlflowsteps.inputs.models import MISSING, Default, is_model, schema_of_model

__all__ = [
    "Fault",
    "Schema",
    "ValidationResult",
    "faults",
    "filled",
    "inner_of_optional",
    "is_optional",
    "key_name",
    "type_name",
    "type_names",
    "unwrapped",
]

Schema: TypeAlias = Any
"""A type, or a dict of keys to schemas; None for any value."""

_UNIONS = (typing.Union, types.UnionType)
_SCALARS: dict[Any, tuple[type, ...]] = {float: (int, float), list: (list, tuple)}
_JSON_TYPES = frozenset({str, int, float, bool, list, dict, object, types.NoneType})


class ValidationResult(NamedTuple):
    """What ``Placeholder.validate`` finds."""

    valid: bool
    """True where the input fits."""
    keys_missing: list[str]
    """Keys that the input lacks; nested ones joined by dots."""
    keys_type_mismatch: list[tuple[str, Any, type]]
    """Keys with a value of the wrong type: name, expected type, provided type."""


class Fault(NamedTuple):
    """One place where an input does not fit."""

    key: str
    """The key; nested ones joined by dots. Empty for the input itself."""
    expected: Schema
    """The schema at this place."""
    provided: type | None
    """Type of the value there; None where it is missing."""

    def __str__(self) -> str:
        place = self.key or "the input"
        if self.provided is None:
            return f"{place} is missing: expected {type_name(self.expected)}"
        return f"{place} must be {type_name(self.expected)}, not {self.provided.__name__}"


def faults(value: Any, schema: Schema, path: tuple[str | int, ...] = ()) -> Iterator[Fault]:
    """Every place where ``value`` does not fit ``schema``, in the schema's order.

    >>> [str(fault) for fault in faults({"a": "1"}, {"a": int, "b": {"c": str}})]
    ['a must be int, not str', 'b.c is missing: expected str']
    """
    schema = unwrapped(schema)
    if schema is None or schema is Any:
        return
    if isinstance(schema, dict) and schema:
        yield from _faults_of_object(value, schema, path)
    elif _origin(schema) is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from faults(item, typing.get_args(schema)[1], (*path, key))
    elif (inner := inner_of_optional(schema)) is not None and value is not None:
        yield from faults(value, inner, path)
    elif isinstance(value, list | tuple) and (element := _element(schema)) is not None:
        for index, item in enumerate(value):
            yield from faults(item, element, (*path, index))
    elif not _fits(value, schema):
        yield Fault(key_name(path), schema, type(value))


def _faults_of_object(value: Any, schema: dict[Any, Schema], path: tuple[str | int, ...]) -> Iterator[Fault]:
    if isinstance(value, list | tuple) and all(isinstance(key, int) for key in schema):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        yield Fault(key_name(path), schema, type(value))
        return
    for key, inner in schema.items():
        if key in value:
            yield from faults(value[key], inner, (*path, key))
        elif not is_optional(inner):
            yield from _missing(inner, (*path, key))


def _missing(schema: Schema, path: tuple[str | int, ...]) -> Iterator[Fault]:
    """A missing object is missing all of its keys: that names what has to be given."""
    schema = unwrapped(schema)
    if isinstance(schema, dict) and schema:
        for key, inner in schema.items():
            if not is_optional(inner):
                yield from _missing(inner, (*path, key))
    else:
        yield Fault(key_name(path), schema, None)


def _fits(value: Any, schema: Schema) -> bool:
    origin: Any = typing.get_origin(schema)
    if origin in _UNIONS:
        return any(not list(faults(value, option)) for option in typing.get_args(schema))
    if origin is typing.Literal:
        return any(value == option and type(value) is type(option) for option in typing.get_args(schema))
    kind = type(schema) if isinstance(schema, dict | list) else origin or schema
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return value in [member.value for member in kind]
    if kind not in _JSON_TYPES:
        return True  # a type such as datetime: its text in JSON is for the reader to judge
    if isinstance(value, bool) and kind is not bool:
        return bool(kind is object)
    return isinstance(value, _SCALARS.get(kind, kind))


def unwrapped(schema: Schema) -> Schema:
    """A schema without defaults and annotations round it; a class that has keys as a dict of them."""
    while True:
        if isinstance(schema, Default):
            schema = schema.type
        elif _origin(schema) is typing.Annotated:
            schema = typing.get_args(schema)[0]
        elif is_model(schema):
            return schema_of_model(schema)
        else:
            return schema


def _origin(schema: Schema) -> Any:
    return typing.get_origin(schema)


def inner_of_optional(schema: Schema) -> Schema:
    """What an Optional of one type holds; None for any other schema."""
    if _origin(schema) in _UNIONS:
        options = [option for option in typing.get_args(schema) if option is not types.NoneType]
        if len(options) == 1 and is_optional(schema):
            return options[0]
    return None


def filled(value: Any, schema: Schema) -> Any:
    """An input with the defaults of the keys that it lacks; what was given stays as it is.

    >>> filled({"a": 1}, {"a": int, "b": Default(int, 2), "c": {"d": Default(str, "x")}})
    {'a': 1, 'b': 2, 'c': {'d': 'x'}}
    """
    schema = unwrapped(schema)
    inner = inner_of_optional(schema)
    if inner is not None:
        return value if value is None else filled(value, inner)
    if isinstance(value, list | tuple) and (element := _element(schema)) is not None:
        return [filled(item, element) for item in value]
    if not isinstance(schema, dict) or not isinstance(value, dict):
        return value
    found = dict(value)
    for key, row in schema.items():
        if key in found:
            found[key] = filled(found[key], row)
        elif isinstance(row, Default):
            if row.value is not MISSING:
                found[key] = copy.deepcopy(row.value)
        elif isinstance(unwrapped(row), dict) and (made := filled({}, row)):
            found[key] = made
    return found


def _element(schema: Schema) -> Schema:
    """The schema of a list's elements; None where it says nothing of them."""
    if isinstance(schema, list):
        return schema[0] if schema else None
    origin: Any = typing.get_origin(schema)
    arguments = typing.get_args(schema)
    return arguments[0] if origin is list and arguments else None


def is_optional(schema: Schema) -> bool:
    """True where the key may be left out.

    >>> is_optional(str | None), is_optional(str)
    (True, False)
    """
    if isinstance(schema, Default):
        return True
    origin: Any = typing.get_origin(schema)
    return origin in _UNIONS and types.NoneType in typing.get_args(schema)


def key_name(path: tuple[str | int, ...]) -> str:
    """A nested key as text; a key that holds a dot is quoted, so that no two places have one name.

    >>> key_name(("a", 0, "b.c"))
    "a.0.'b.c'"
    """
    return ".".join(repr(key) if isinstance(key, str) and "." in key else str(key) for key in path)


def type_name(schema: Schema) -> str:
    """A schema's type as a person writes it.

    >>> type_name(str), type_name(list[str])
    ('str', 'list[str]')
    """
    if isinstance(schema, Default):
        return type_name(schema.type)
    if isinstance(schema, dict):
        return f"an object with {', '.join(map(str, schema))}" if schema else "dict"
    if isinstance(schema, list):
        return f"list[{type_name(schema[0])}]" if schema else "list"
    return schema.__name__ if isinstance(schema, type) and not typing.get_args(schema) else str(schema)


def type_names(schema: dict[Any, Schema]) -> dict[Any, Any]:
    """A schema with the names of the types in place of the types."""
    return {k: type_names(v) if isinstance(v, dict) and v else type_name(v) for k, v in schema.items()}
