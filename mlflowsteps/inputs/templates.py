"""Values with placeholders in them, written into a definition.

It owns where an expression may stand in JSON and how its key or text changes there. It never changes what it is given:
the result shares nothing with the arguments.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
from collections.abc import Iterator, Mapping
from typing import Any

from mlflowsteps.asl.fields import JSONATA, JSONPATH
from mlflowsteps.inputs.syntax import (
    INPUT_ROOT,
    TOKEN,
    Json,
    Reference,
    argument,
    resolve_tokens,
    translate,
)

__all__ = ["MAX_DEPTH", "PLAIN", "Place", "Template", "adopted_reference", "expression_text", "holds_expression"]

MAX_DEPTH = 200
"""Deepest nesting of a value; deeper ones are refused before Python's own stack ends."""

PLAIN = frozenset({str, int, bool, type(None)})
"""Types of values that are written as they stand, tokens in text aside; told first, because most values are such."""

_PATH_TWINS = frozenset(
    {
        ("ItemReader", "ReaderConfig", "MaxItems"),
        ("ItemBatcher", "MaxItemsPerBatch"),
        ("ItemBatcher", "MaxInputBytesPerBatch"),
    }
)
"""Numbers of a Map that take a path by a twin, by their place in the state: elsewhere the names are a request's."""


class Place:
    """Where in a program a value stands, for messages: a state's name and the keys down to the value.

    Args:
        text: where it begins, such as ``state 'Train', Parameters``.
        keys: keys below that.
    """

    __slots__ = ("keys", "text")

    def __init__(self, text: str, keys: tuple[str | int, ...] = ()) -> None:
        self.text, self.keys = text, keys

    def __truediv__(self, key: str | int) -> Place:
        return Place(self.text, (*self.keys, key))

    def __str__(self) -> str:
        return "/".join([self.text, *map(str, self.keys)])


def expression_text(value: Json) -> str | None:
    """The JSONPath text of a value that is an expression or text with tokens; None for any other.

    >>> expression_text("⟦$.a⟧"), expression_text("$.a")
    ('$.a', None)
    """
    if isinstance(value, str):
        return resolve_tokens(value) if "⟦" in value else None
    if isinstance(value, Reference) or type(value).__module__ == _FOREIGN:
        return str(value.to_jsonpath())
    return None


_FOREIGN = "stepfunctions.inputs.placeholders"
"""Module of the placeholders of the old SDK's real package, which are taken for their paths."""


class _ForeignPath(Reference):
    """The path of such a placeholder."""

    def __init__(self, text: str, declared: Json = None) -> None:
        self._text, self.type = text, declared

    def to_jsonpath(self) -> str:
        return self._text


def adopted_reference(value: Json) -> Json:
    """A placeholder of the real ``stepfunctions`` package as one of ours; anything else as it is."""
    if type(value).__module__ == _FOREIGN:
        return _ForeignPath(str(value.to_jsonpath()), value.type)
    return value


def holds_expression(value: Json) -> bool:
    """True where an expression or token stands in ``value`` at any depth; one that holds itself is read once."""
    return any(expression_text(item) is not None for item in _leaves(value, (Mapping, list, tuple)))


def _leaves(value: Json, containers: tuple[type[Any], ...]) -> Iterator[Json]:
    """What stands in a value and in the containers in it, but for these containers themselves."""
    pending, seen = [value], {id(value)}
    while pending:
        item = pending.pop()
        if not isinstance(item, containers):
            yield item
            continue
        for inner in item.values() if isinstance(item, Mapping) else item:
            if not isinstance(inner, containers):
                yield inner
            elif id(inner) not in seen:
                seen.add(id(inner))
                pending.append(inner)


class Template:
    """Writes values into a definition of one query language.

    Args:
        language: ``JSONPath`` or ``JSONata``.
        root: what a step's input means in JSONata: ``$states.input``, or ``$states.result`` in a result selector.
    """

    def __init__(self, language: str = JSONPATH, root: str = INPUT_ROOT) -> None:
        self.language, self.root = language, root

    def render(self, value: Json, place: Place) -> Json:
        """A value with every expression in it written out.

        Args:
            value: any JSON, with expressions and tokens at any depth.
            place: for messages.

        Raises:
            TypeError: something in it is no JSON, or an expression stands where none can.
            ValueError: a number is NaN or infinite, or two keys would be one.
        """
        if self.language == JSONATA:
            return self._jsonata(value, place)
        if expression_text(value) is not None:
            raise TypeError(
                f"{place}: {value!r} needs a key to stand under; write {{'Key': placeholder}}, or an input_path"
            )
        if isinstance(value, list | tuple) and self._needs_array(value):
            raise TypeError(
                f"{place}: a list with placeholders needs a key to stand under; write {{'Key': [...]}} instead"
            )
        return self._jsonpath(value, place)

    def literal(self, value: Json, place: Place) -> Json:
        """A value that is taken as it stands; expressions in it are refused.

        Raises:
            TypeError: an expression stands in it, or what is no JSON.
        """
        if holds_expression(value):
            raise TypeError(f"{place} is taken literally by the service: {value!r} cannot hold a placeholder")
        return self._jsonpath(value, place)

    # ------------------------------------------------------------------------------------------------ JSONPath

    def _jsonpath(self, value: Json, place: Place) -> Json:
        if type(value) in PLAIN:
            return value
        if isinstance(value, Mapping):
            return self._object(value, place)
        if isinstance(value, list | tuple):
            _check_depth(place)
            return [self._jsonpath(item, place / index) for index, item in enumerate(value)]
        return _scalar(value, place)

    def _object(self, value: Mapping[str, Json], place: Place) -> dict[str, Json]:
        _check_depth(place)
        found: dict[str, Json] = {}
        for key, item in value.items():
            name = _key(key, place)
            made, rendered = self._member(name, item, place / name)
            if made in found:
                raise ValueError(f"{place}: {name!r} is given twice, with and without '.$'")
            found[made] = rendered
        return found

    def _member(self, name: str, item: Json, place: Place) -> tuple[str, Json]:
        """The key and value that one entry of an object becomes."""
        if name.endswith(".$") and isinstance(item, str):
            return name, TOKEN.sub(lambda match: match[1], item)  # the text is an expression: tokens are its parts
        text = expression_text(item)
        if text is None and isinstance(item, list | tuple) and self._needs_array(item):
            text = argument(_plain(item, place))
        if text is None:
            return name, self._jsonpath(item, place)
        if place.keys in _PATH_TWINS:
            return f"{name}Path", text
        return (name if name.endswith(".$") else f"{name}.$"), text

    def _needs_array(self, value: list[Json] | tuple[Json, ...]) -> bool:
        """True where an expression stands in the list itself, or in a list in it: only States.Array can say that."""
        return any(expression_text(item) is not None for item in _leaves(value, (list, tuple)))

    # ------------------------------------------------------------------------------------------------- JSONata

    def _jsonata(self, value: Json, place: Place) -> Json:
        if isinstance(value, Reference):
            return self.expression(value.to_jsonpath())
        if isinstance(value, Mapping):
            _check_depth(place)
            return {_key(k, place): self._jsonata(v, place / str(k)) for k, v in value.items()}
        if isinstance(value, list | tuple):
            _check_depth(place)
            return [self._jsonata(item, place / index) for index, item in enumerate(value)]
        if isinstance(value, str) and "⟦" in value:
            if value.startswith("{%"):
                return TOKEN.sub(lambda match: translate(match[1], self.root), value)
            text = resolve_tokens(value)
            return value if text is None else self.expression(text)
        return _scalar(value, place)

    def expression(self, text: str) -> str:
        """An expression's text as it stands where one is evaluated: as it is, or as ``{% JSONata %}``.

        >>> Template("JSONata").expression("$.a")
        '{% $states.input.a %}'
        """
        return text if self.language == JSONPATH else f"{{% {translate(text, self.root)} %}}"


def _plain(value: Json, place: Place) -> Json:
    """A list for ``States.Array``: the same values as plain lists, dicts and scalars."""
    _check_depth(place)
    if isinstance(value, list | tuple):
        return [_plain(item, place / index) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {_key(key, place): _plain(item, place / str(key)) for key, item in value.items()}
    value = adopted_reference(value)
    return value if isinstance(value, Reference) else _scalar(value, place)


def _check_depth(place: Place) -> None:
    if len(place.keys) > MAX_DEPTH:
        raise ValueError(f"{place.text}: nested deeper than {MAX_DEPTH} levels; does a value hold itself?")


def _key(key: object, place: Place) -> str:
    if isinstance(key, str):
        if TOKEN.search(key):
            raise TypeError(f"{place}: the key {key!r} holds a placeholder; only values can be computed")
        return key
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    raise TypeError(f"{place}: a key must be text, not {key!r}")


def _scalar(value: Json, place: Place) -> Json:
    if isinstance(value, enum.Enum):
        return _scalar(value.value, place)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{place}: {value!r} is no JSON number")
        return value
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{place}: {value!r} ({type(value).__name__}) is no JSON value.{_conversion(value)}")


def _conversion(value: object) -> str:
    if isinstance(value, dt.datetime):
        return " Give it a time zone."
    return " Convert it: value.tolist() or value.item()." if hasattr(value, "tolist") else ""
