"""The old SDK's helpers of this module's name: nested dicts as flat ones, schemas with names of types."""

from __future__ import annotations

from mlflowsteps.inputs.schema import Schema, type_names
from mlflowsteps.inputs.syntax import Json

__all__ = ["flatten", "replace_type_with_str"]


def flatten(input: dict[str, Json], parent_key: str = "", sep: str = ".") -> dict[str, Json]:  # noqa: A002 - the old SDK's name
    """A nested dict as a flat one.

    Args:
        input: the dict; stays as it is.
        parent_key: put before each key.
        sep: stands between the keys.

    >>> flatten({"a": {"b": 1}, "c": 2})
    {'a.b': 1, 'c': 2}
    """
    found: dict[str, Json] = {}
    for key, value in input.items():
        name = f"{parent_key}{sep}{key}" if parent_key else key
        found |= flatten(value, name, sep) if isinstance(value, dict) else {name: value}
    return found


def replace_type_with_str(schema: dict[str, Schema]) -> dict[str, Schema]:
    """A schema with the names of the types in place of the types.

    >>> replace_type_with_str({"a": {"b": float}})
    {'a': {'b': 'float'}}
    """
    return type_names(schema)
