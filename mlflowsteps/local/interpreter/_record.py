"""How events and commands are written to JSON and read back: one tag and their fields.

Owns the form on disk, nothing of the meaning. A record's tag is its class's name.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, ClassVar, Self

from mlflowsteps.local.records import Json

__all__ = ["Record"]

TAG = "kind"


class Record:
    """Base of the frozen records of one family (events, commands); a family is a direct subclass of this class."""

    __slots__ = ()
    _members: ClassVar[dict[str, type[Any]]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if Record in cls.__bases__:
            cls._members = {}
        else:
            # A dataclass with slots is made twice; the second, the real one, stays under the name.
            cls._members[cls.__name__] = cls

    def to_json(self) -> dict[str, Json]:
        """The record as a JSON object; fields left at a default of None are left out."""
        document: dict[str, Json] = {TAG: type(self).__name__}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if value is not None or field.default is not None:
                document[field.name] = value
        return document

    @classmethod
    def from_json(cls, document: dict[str, Json]) -> Self:
        """The record that ``to_json`` wrote.

        Raises:
            ValueError: the tag is not one of this family, or the fields do not fit.
        """
        values = dict(document)
        tag = values.pop(TAG, None)
        member = cls._members.get(tag) if isinstance(tag, str) else None
        if member is None:
            raise ValueError(f"No {cls.__name__} is called {tag!r}; expected one of {', '.join(sorted(cls._members))}")
        try:
            record: Self = member(**values)
        except TypeError as error:
            raise ValueError(f"The fields of {tag} do not fit: {error}") from error
        return record
