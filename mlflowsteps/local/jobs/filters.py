"""What batch transform does around the model: InputFilter, JoinSource, OutputFilter, on JSON values or CSV rows. Pure.

Source:
    Amazon SageMaker developer guide, "Associate Prediction Results with Input Records" (supported JSONPath operators).
    Slices: the guide calls their end inclusive (``$[1:4]``: the second to the fifth column); so does this.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

__all__ = ["FilterError", "Select", "compile_filter", "join_csv", "join_json", "read_csv_row", "write_csv_row"]

Select = Callable[[Any], Any]
_MAX_LENGTH = 63
_NAME = re.compile(r"\.([A-Za-z_][\w-]*)")
_STAR = re.compile(r"\.\*|\[\*\]")
_KEYS = re.compile(r"""\[\s*((?:'[^']*'|"[^"]*")(?:\s*,\s*(?:'[^']*'|"[^"]*"))*)\s*\]""")
_PLACE = r"\s*(?:-?\d+|(?:-?\d+)?\s*:\s*(?:-?\d+)?)\s*"
_PLACES = re.compile(rf"\[({_PLACE}(?:,{_PLACE})*)\]")


class FilterError(ValueError):
    """A filter that is no JSONPath of the supported kind, or does not fit the data."""


def compile_filter(text: str) -> Select:
    """What selects by a filter's JSONPath.

    Args:
        text: ``$`` and then ``.name``, ``.*``, ``[*]``, ``['a','b']``, ``[1,-1]``, ``[s:e]`` or ``[0,5:]``; at most 63
            characters.

    Raises:
        FilterError: the text is none; the function raises it where the data has no such member.

    >>> compile_filter("$[1:]")(["5", "6", "7"]), compile_filter("$['a','c']")({"a": 1, "b": 2, "c": 3})
    (['6', '7'], {'a': 1, 'c': 3})
    """
    if len(text) > _MAX_LENGTH or not text.startswith("$"):
        raise FilterError(f"The filter {text!r} must begin with $ and have at most {_MAX_LENGTH} characters.")
    steps: list[Select] = []
    place = 1
    while place < len(text):
        for pattern, make in _STEPS:
            match = pattern.match(text, place)
            if match:
                steps.append(make(match))
                place = match.end()
                break
        else:
            raise FilterError(f"The filter {text!r} is not supported at {text[place:]!r}.")

    def select(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    return select


def _member(value: Any, key: str) -> Any:
    if not isinstance(value, dict) or key not in value:
        raise FilterError(f"The record has no member {key!r}.")
    return value[key]


def _keys(match: re.Match[str]) -> Select:
    names = [name[1:-1] for name in re.findall(r"'[^']*'|\"[^\"]*\"", match[1])]
    if len(names) == 1:
        return lambda value: _member(value, names[0])
    return lambda value: {name: _member(value, name) for name in names}


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise FilterError(f"An index needs an array or a CSV row, not {json.dumps(value)[:80]}.")
    return value


def _places(match: re.Match[str]) -> Select:
    """Indexes and slices, in the order given: ``[0,5:]``; a single index selects the item itself."""
    places = [place.strip() for place in match[1].split(",")]
    if len(places) == 1 and ":" not in places[0]:
        return lambda value: _item(_items(value), int(places[0]))

    def select(value: Any) -> list[Any]:
        items = _items(value)
        found: list[Any] = []
        for place in places:
            found += _slice(items, place) if ":" in place else [_item(items, int(place))]
        return found

    return select


def _item(items: list[Any], index: int) -> Any:
    if not -len(items) <= index < len(items):
        raise FilterError(f"The record has {len(items)} entries; there is no index {index}.")
    return items[index]


def _slice(items: list[Any], place: str) -> list[Any]:
    first, _, last = place.partition(":")
    end = None if last.strip() in ("", "-1") else int(last) + 1
    return items[int(first) if first.strip() else None : end]


def _star(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(_items(value))


_STEPS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Select]], ...] = (
    (_STAR, lambda _: _star),
    (_NAME, lambda match: lambda value: _member(value, match[1])),
    (_KEYS, _keys),
    (_PLACES, _places),
)


def read_csv_row(line: str) -> list[str]:
    """The fields of one CSV line.

    >>> read_csv_row('1,"a,b",3')
    ['1', 'a,b', '3']
    """
    return next(csv.reader([line]), [])


def write_csv_row(value: Any) -> str:
    """One CSV line of a row, or of a single field.

    >>> write_csv_row(["1", "a,b"]), write_csv_row("7")
    ('1,"a,b"', '7')
    """
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return out.getvalue()


def join_json(source: Any, output: Any) -> Any:
    """A JSON record with the model's output beside it.

    >>> join_json({"a": 1}, 0.5), join_json([1], 0.5)
    ({'a': 1, 'SageMakerOutput': 0.5}, {'SageMakerInput': [1], 'SageMakerOutput': 0.5})
    """
    if isinstance(source, dict):
        return source | {"SageMakerOutput": output}
    return {"SageMakerInput": source, "SageMakerOutput": output}


def join_csv(source: list[str], output: list[str]) -> list[str]:
    """A CSV row with the model's output appended."""
    return source + output
