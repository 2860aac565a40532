"""Parts of a state whose fields have other names in each query language, such as a Distributed Map's reader.

It owns how such a part is written; which there are is ``distributed``.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlflowsteps.asl.fields import JSONATA
from mlflowsteps.inputs.syntax import Json

__all__ = ["Part", "given", "said_in"]


class Part:
    """A part of a Distributed Map.

    Args:
        fields: its fields by their names in a definition; those that are None are left out.
        arguments: arguments of its S3 action, without those that are None; None: it has no such action.
    """

    def __init__(self, fields: Mapping[str, Json], arguments: Mapping[str, Json] | None = None) -> None:
        self.fields = given(fields)
        self.arguments = None if arguments is None else given(arguments)

    def to_dict(self, language: str = "JSONPath") -> dict[str, Json]:
        """The part as a Map of this query language takes it; placeholders stand in it as they were given."""
        if self.arguments is None:
            return dict(self.fields)
        return {**self.fields, "Arguments" if language == JSONATA else "Parameters": dict(self.arguments)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.to_dict()!r})"


def said_in(language: str, fields: Mapping[str, Json]) -> dict[str, Json]:
    """Fields with each part in them written in a query language."""
    return {name: value.to_dict(language) if isinstance(value, Part) else value for name, value in fields.items()}


def given(fields: Mapping[str, Json]) -> dict[str, Json]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
