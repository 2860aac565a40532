"""What every block of a definition is made of: fields given by keyword, readable as attributes, written out late.

It owns the check of keywords and how one field is written; which blocks there are is ``states`` and ``retries``.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar

from mlflowsteps.asl import fields as asl
from mlflowsteps.inputs.syntax import TOKEN, Json, Reference
from mlflowsteps.inputs.templates import Place, Template, expression_text

__all__ = ["NULLABLE", "Block", "check_keywords", "render_fields", "to_pascalcase"]

NULLABLE = frozenset({"input_path", "output_path", "result_path"})
"""Fields in which None means null; in every other it means that the field is left out."""


def to_pascalcase(text: str) -> str:
    """A keyword as the language's name.

    >>> to_pascalcase("input_path")
    'InputPath'
    """
    return "".join(part.title() for part in text.split("_"))


def check_keywords(owner: str, given: Mapping[str, object], known: Mapping[str, object]) -> None:
    """Refuse keywords that nothing knows.

    Args:
        owner: who takes them, for the message.
        given: the keywords that were given.
        known: those that there are.

    Raises:
        TypeError: one is unknown; the message names the nearest one.
    """
    for name in given:
        if name not in known:
            near = get_close_matches(name, list(known), n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else f" It takes {', '.join(known)}."
            raise TypeError(f"{owner} got an unexpected keyword argument: field {name!r} is not supported.{hint}")


class _Attribute:
    """A field as an attribute: reads and sets the entry of ``fields``."""

    def __init__(self, name: str, doc: str) -> None:
        self.name, self.__doc__ = name, doc

    def __get__(self, instance: Block | None, owner: type[Block]) -> Any:
        return self if instance is None else instance.fields.get(self.name)

    def __set__(self, instance: Block, value: Json) -> None:
        instance.fields[self.name] = value


class _Signature:
    """The signature of a class with its keywords spelled out, for people and editors that ask at run time."""

    def __get__(self, instance: object, owner: type[Block]) -> inspect.Signature:
        own = list(inspect.signature(owner.__init__).parameters.values())[1:]
        kept = [p for p in own if p.kind is not inspect.Parameter.VAR_KEYWORD]
        if len(kept) < len(own):
            taken = {p.name for p in kept} | owner.fixed
            kept += [
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
                for name in owner.known
                if name not in taken
            ]
        return inspect.Signature(kept)


class Block:
    """A part of a definition whose fields are given by keyword.

    Args:
        fields: the fields, by keyword.

    Raises:
        TypeError: there is no such field; the message names the nearest one.
    """

    known: ClassVar[dict[str, asl.Field]] = {}
    """The fields of this kind of block, by keyword."""
    fixed: ClassVar[frozenset[str]] = frozenset()
    """Keywords that the class sets itself."""
    __signature__: ClassVar[Any] = _Signature()

    def __init__(self, fields: Mapping[str, Json]) -> None:
        check_keywords(type(self).__name__, fields, self.known)
        self.fields: dict[str, Json] = dict(fields)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__doc__ and cls.known:  # what help() shows; editors read the TypedDicts of ``keywords``
            rows = [f"        {name}: {row.doc}" for name, row in cls.known.items() if name not in cls.fixed]
            cls.__doc__ = "\n".join([cls.__doc__.rstrip(), "", "    Fields, by keyword:", *rows, "    "])
        for name, field in cls.__dict__.get("known", {}).items():
            if not callable(getattr(cls, name, None)):  # output() is a method; its field is fields["output"]
                setattr(cls, name, _Attribute(name, field.doc))

    def allowed_fields(self) -> list[str]:
        """The keywords of its fields."""
        return list(self.known)

    def is_field_allowed(self, field_name: str) -> bool:
        """True for the keyword of a field of this kind of block."""
        return field_name in self.known

    def to_dict(self) -> dict[str, Json]:
        """The block as it stands in a definition; made anew at each call."""
        return self.render(Template(), Place(type(self).__name__))

    def to_json(self, pretty: bool = False) -> str:
        """The block as JSON text.

        Args:
            pretty: indent it.
        """
        return json.dumps(self.to_dict(), indent=4 if pretty else None, ensure_ascii=False)

    def render(self, template: Template, place: Place) -> dict[str, Json]:
        """The fields as they stand in a definition of the template's query language.

        Args:
            template: writes values.
            place: for messages.

        Raises:
            TypeError: a value is no JSON, or a placeholder stands where the language has no place for one.
        """
        return render_fields(self.known, self.fields, template, place)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self.fields.items())})"

    def __str__(self) -> str:
        return self.to_json(pretty=True)


def render_fields(
    known: Mapping[str, asl.Field], fields: Mapping[str, Json], template: Template, place: Place
) -> dict[str, Json]:
    """Fields as they stand in a definition, by name.

    Args:
        known: what each keyword means.
        fields: values by keyword; None leaves a field out, but in a path, where it means null.
        template: writes values.
        place: for messages.
    """
    found: dict[str, Json] = {}
    for keyword, value in fields.items():
        if value is None and keyword not in NULLABLE:
            continue
        row = known[keyword]
        name, rendered = _RENDERERS[row.kind](row, value, template, place / row.name)
        if name in found:
            raise TypeError(f"{place}: {name} is given twice")
        found[name] = rendered
    return found


def _scalar(field: asl.Field, value: Json, template: Template, place: Place) -> tuple[str, Json]:
    """A text or number; an expression takes the field's ``Path`` form, or ``{% %}``."""
    text = expression_text(value)
    if text is None:
        return field.name, template.literal(value, place)
    if template.language == asl.JSONATA and field.name not in _FIXED:
        return field.name, template.render(value, place)
    if not field.path_twin:
        raise TypeError(f"{place} is fixed when the workflow is created and cannot be the placeholder {value!r}")
    if field.kind != asl.TEXT and text.startswith("States."):
        raise TypeError(f"{place}: {value!r} is computed, but only a path may stand here; compute it in a Pass state")
    return f"{field.name}Path", text


_FIXED = frozenset({"Comment", "QueryLanguage", "Resource", "Label", "Version"})
"""Texts that no language computes."""


def _path(field: asl.Field, value: Json, template: Template, place: Place) -> tuple[str, Json]:  # noqa: ARG001 - one form for all kinds
    """A path, or null."""
    if value is None:
        return field.name, None
    if isinstance(value, str):
        return field.name, TOKEN.sub(lambda match: match[1], value)
    if isinstance(value, Reference):
        computed = field.name in ("ErrorPath", "CausePath")
        if not value.is_path and not computed:
            raise TypeError(f"{place} must be a path, but {value!r} is computed; compute it in an earlier Pass state")
        return field.name, value.to_jsonpath()
    raise TypeError(f"{place} must be a path such as '$.a', or a placeholder, not {value!r}")


def _template(field: asl.Field, value: Json, template: Template, place: Place) -> tuple[str, Json]:
    return field.name, template.render(value, place)


def _literal(field: asl.Field, value: Json, template: Template, place: Place) -> tuple[str, Json]:
    return field.name, template.literal(value, place)


_RENDERERS: dict[str, Callable[[asl.Field, Json, Template, Place], tuple[str, Json]]] = {
    asl.TEXT: _scalar,
    asl.INTEGER: _scalar,
    asl.NUMBER: _scalar,
    asl.PATH: _path,
    asl.REFERENCE_PATH: _path,
    asl.VALUE: _literal,
    asl.TEMPLATE: _template,
    asl.OBJECT: _template,
    asl.BOOLEAN: _literal,
    asl.LIST: _literal,
}
