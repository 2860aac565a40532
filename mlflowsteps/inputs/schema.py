"""Schemas of inputs: which keys, of which types.

It owns what a schema may say and what fits it. Types are ``str``, ``int``, ``float``, ``bool``, ``list``, ``dict``,
``list[str]``, ``[str]``, ``Optional[...]``, ``Any`` and nested dicts; bool is no int, an int is a float.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

__all__ = ["Fault", "Schema", "ValidationResult", "faults", "is_optional", "key_name", "type_name", "type_names"]

Schema: TypeAlias = Any
"""A type, or a dict of keys to schemas; None for any value."""

_UNIONS = (typing.Union, types.UnionType)
_SCALARS: dict[Any, tuple[type, ...]] = {float: (int, float), list: (list, tuple)}


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
    if schema is None or schema is Any:
        return
    if isinstance(schema, dict) and schema:
        yield from _faults_of_object(value, schema, path)
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
    kind = type(schema) if isinstance(schema, dict | list) else origin or schema
    if isinstance(value, bool) and kind is not bool:
        return kind is object
    return isinstance(value, _SCALARS.get(kind, kind))


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
    if isinstance(schema, dict):
        return f"an object with {', '.join(map(str, schema))}" if schema else "dict"
    if isinstance(schema, list):
        return f"list[{type_name(schema[0])}]" if schema else "list"
    return schema.__name__ if isinstance(schema, type) and not typing.get_args(schema) else str(schema)


def type_names(schema: dict[Any, Schema]) -> dict[Any, Any]:
    """A schema with the names of the types in place of the types."""
    return {k: type_names(v) if isinstance(v, dict) and v else type_name(v) for k, v in schema.items()}
