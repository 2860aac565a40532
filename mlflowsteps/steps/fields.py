"""The old SDK's enumeration of fields: names of the language and the keywords they are given by."""

from __future__ import annotations

from enum import Enum

from mlflowsteps.asl.fields import FIELDS, snake_case

__all__ = ["Field"]

_MORE = ("Version", "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy")
_NAMES = [name for row in FIELDS for name in ([row.name, f"{row.name}Path"] if row.path_twin else [row.name])]

Field = Enum("Field", {name: snake_case(name) for name in [*_NAMES, *_MORE, "NextStep"]})  # type: ignore[misc]  # made from the table
Field.__doc__ = "The fields of the language by name; a member's value is its keyword."
