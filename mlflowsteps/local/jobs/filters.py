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
_INDEXES = re.compile(r"\[\s*(-?\d+(?:\s*,\s*-?\d+)*)\s*\]")
_SLICE = re.compile(r"\[\s*(-?\d+)?\s*:\s*(-?\d+)?\s*\]")


class FilterError(ValueError):
    """A filter that is no JSONPath of the supported kind, or does not fit the data."""


def compile_filter(text: str) -> Select:
    """What selects by a filter's JSONPath.

    Args:
        text: ``$`` and then ``.name``, ``.*``, ``[*]``, ``['a','b']``, ``[1,-1]`` or ``[s:e]``; at most 63 characters.

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


def _indexes(match: re.Match[str]) -> Select:
    numbers = [int(number) for number in match[1].split(",")]

    def select(value: Any) -> Any:
        items = _items(value)
        wrong = [number for number in numbers if not -len(items) <= number < len(items)]
        if wrong:
            raise FilterError(f"The record has {len(items)} entries; there is no index {wrong[0]}.")
        return items[numbers[0]] if len(numbers) == 1 else [items[number] for number in numbers]

    return select


def _slice(match: re.Match[str]) -> Select:
    start = int(match[1]) if match[1] else None
    last = int(match[2]) if match[2] else None
    end = None if last in (None, -1) else last + 1 if last is not None else None
    return lambda value: _items(value)[start:end]


def _star(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(_items(value))


_STEPS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Select]], ...] = (
    (_STAR, lambda _: _star),
    (_NAME, lambda match: lambda value: _member(value, match[1])),
    (_KEYS, _keys),
    (_INDEXES, _indexes),
    (_SLICE, _slice),
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
