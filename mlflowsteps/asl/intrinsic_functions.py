"""What the 18 intrinsic functions do, one function each, listed in FUNCTIONS.

It owns the functions' semantics, Java's text forms included; their calls are parsed in ``intrinsics``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from mlflowsteps.asl.values import Entropy, Json, dumps, loads, same_value

__all__ = ["FUNCTIONS", "Function", "IntrinsicFault", "Template", "java_text"]

MAX_RANGE = 1_000
MAX_ENCODED = 10_000
MAX_FORMATTED = 4_194_304
_INT_LOW, _INT_HIGH = -2_147_483_648, 2_147_483_647
_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class IntrinsicFault(Exception):
    """An argument does not fit; becomes States.IntrinsicFailure with the call's text before it."""


@dataclass(frozen=True, slots=True)
class Function:
    """One intrinsic function.

    Args:
        apply: from the arguments' values to the result.
        fewest: least number of arguments.
        most: largest number of arguments.
        template: the first argument is a template of States.Format.
        random: ``apply`` takes an Entropy before the arguments.
    """

    apply: Callable[..., Json]
    fewest: int
    most: int
    template: bool = False
    random: bool = False

    @property
    def arity(self) -> str:
        """How many arguments it takes, in words."""
        if self.fewest == self.most:
            return f"{self.fewest} argument{'s' if self.fewest != 1 else ''}"
        return f"{self.fewest} or more arguments" if self.most > 10 else f"{self.fewest} to {self.most} arguments"


@dataclass(frozen=True, slots=True)
class Template:
    """The literal parts of a format string, between its ``{}``."""

    parts: tuple[str, ...]

    @staticmethod
    def parse(text: str) -> Template:
        r"""Split at ``{}``; ``\{``, ``\}``, ``\'`` and ``\\`` stand for themselves.

        >>> Template.parse(r"a {} \{\}")
        Template(parts=('a ', ' {}'))
        """
        parts, literal = [], ""
        for piece in re.findall(r"\\.|\{\}|[^\\{]+|.", text, re.DOTALL):
            if piece == "{}":
                parts.append(literal)
                literal = ""
            else:
                literal += piece[1:] if piece[0] == "\\" and len(piece) == 2 else piece
        return Template((*parts, literal))


# --- text


def java_text(value: Json) -> str:
    """A value as Java's ``toString`` writes it: strings bare, objects as ``{a=1, b=[]}``, 1e10 as 1.0E10.

    >>> java_text({"a": [1, "x", None, True]})
    '{a=[1, x, null, true]}'
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={java_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(java_text(item) for item in value) + "]"
    if isinstance(value, float):
        return _java_float(value)
    return _JAVA_WORDS[value] if value is None or isinstance(value, bool) else str(value)


_JAVA_WORDS = {None: "null", True: "true", False: "false"}


def _java_float(value: float) -> str:
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    shown = "".join(map(str, digits)).lstrip("0")
    point = len(digits) + int(exponent) - 1
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:].rstrip('0') or '0'}E{point}"


def _format(template: Json, *values: Json) -> str:
    if isinstance(template, str):
        template = Template.parse(template)
    if not isinstance(template, Template):
        raise IntrinsicFault(f"The template must be a string, but was {dumps(template)}.")
    if len(template.parts) - 1 != len(values):
        raise IntrinsicFault(
            f"The template has {len(template.parts) - 1} occurrences of {{}}, but {len(values)} values are given."
        )
    pieces, size = [template.parts[0]], 0
    for value, literal in zip(values, template.parts[1:], strict=True):
        pieces += (java_text(value), literal)
        size += len(pieces[-2]) + len(literal)
        if size > MAX_FORMATTED:
            raise IntrinsicFault(f"The text is longer than {MAX_FORMATTED} characters.")
    return "".join(pieces)


def _string_to_json(text: Json) -> Json:
    if not isinstance(text, str):
        raise IntrinsicFault(f"The argument must be a string, but was {dumps(text)}.")
    if not text.strip():
        return None
    try:
        return loads(text)
    except ValueError as error:
        raise IntrinsicFault(f"The string is no JSON: {error}") from None


def _string_split(text: Json, splitter: Json) -> list[str]:
    if not isinstance(text, str) or not isinstance(splitter, str):
        raise IntrinsicFault("Both arguments must be strings.")
    if not splitter:
        return [text] if text else []
    return [part for part in re.split("[" + re.escape(splitter) + "]", text) if part]


# --- arrays


def _list(value: Json, place: str = "first") -> list[Json]:
    if not isinstance(value, list):
        raise IntrinsicFault(f"The {place} argument must be an array, but was {dumps(value)}.")
    return value


def _integer(value: Json, place: str) -> int:
    """A whole number; others are rounded half up, as the service does."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IntrinsicFault(f"The {place} argument must be a number, but was {dumps(value)}.")
    number = value if isinstance(value, int) else math.floor(value + 0.5)
    if not _INT_LOW <= number <= _INT_HIGH:
        raise IntrinsicFault(f"The {place} argument must lie between {_INT_LOW} and {_INT_HIGH}, but was {value}.")
    return number


def _array_partition(items: Json, size: Json) -> list[Json]:
    whole, length = _list(items), _integer(size, "second")
    if length < 1:
        raise IntrinsicFault(f"The size of a chunk must be 1 or more, but was {length}.")
    return [whole[at : at + length] for at in range(0, len(whole), length)]


def _array_range(first: Json, last: Json, step: Json) -> list[int]:
    start, stop, by = _integer(first, "first"), _integer(last, "second"), _integer(step, "third")
    if by == 0:
        raise IntrinsicFault("The step must not be 0.")
    numbers = range(start, stop + (1 if by > 0 else -1), by)
    if len(numbers) > MAX_RANGE:
        raise IntrinsicFault(f"The range has {len(numbers)} items, more than {MAX_RANGE}.")
    return list(numbers)


def _array_get_item(items: Json, index: Json) -> Json:
    whole, at = _list(items), _integer(index, "second")
    if not 0 <= at < len(whole):
        raise IntrinsicFault(f"The index {at} is out of bounds: the array has {len(whole)} items.")
    return whole[at]


def _array_contains(items: Json, wanted: Json) -> bool:
    return any(same_value(item, wanted) for item in _list(items))


def _array_unique(items: Json) -> list[Json]:
    found: dict[str, Json] = {}
    for item in _list(items):
        plain = int(item) if isinstance(item, float) and item.is_integer() else item
        found.setdefault(json.dumps(plain, sort_keys=True), item)
    return list(found.values())


# --- data


def _base64_encode(text: Json) -> str:
    return base64.b64encode(_short_text(text).encode("utf-8", "replace")).decode("ascii")


def _base64_decode(text: Json) -> str:
    try:
        return base64.b64decode(_short_text(text), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise IntrinsicFault(f"The string is no Base64: {error}.") from None


def _short_text(text: Json) -> str:
    if not isinstance(text, str):
        raise IntrinsicFault(f"The argument must be a string, but was {dumps(text)}.")
    if len(text) > MAX_ENCODED:
        raise IntrinsicFault(f"The string has {len(text)} characters, more than {MAX_ENCODED}.")
    return text


def _hash(data: Json, algorithm: Json) -> str:
    name = _HASHES.get(algorithm) if isinstance(algorithm, str) else None
    if name is None:
        raise IntrinsicFault(f"The algorithm must be one of {', '.join(_HASHES)}, but was {dumps(algorithm)}.")
    text = _short_text(data if isinstance(data, str) else dumps(data))
    return hashlib.new(name, text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _json_merge(first: Json, second: Json, deep: Json) -> Json:
    if not isinstance(first, dict) or not isinstance(second, dict):
        raise IntrinsicFault("The first and the second argument must be objects.")
    if deep is not False:
        raise IntrinsicFault("The third argument must be false: only shallow merging is supported.")
    return {**first, **second}


# --- numbers


def _math_add(first: Json, second: Json) -> int:
    return _integer(first, "first") + _integer(second, "second")


def _math_random(entropy: Entropy, first: Json, last: Json, seed: Json = None) -> int:
    start, end = _integer(first, "first"), _integer(last, "second")
    if start >= end:
        raise IntrinsicFault(f"The start, {start}, must be less than the end, {end}.")
    source = entropy if seed is None else Entropy(str(_integer(seed, "third")))
    return start + math.floor(source.draw() * (end - start))


FUNCTIONS: dict[str, Function] = {
    "Array": Function(lambda *items: list(items), 0, 100_000),
    "ArrayContains": Function(_array_contains, 2, 2),
    "ArrayGetItem": Function(_array_get_item, 2, 2),
    "ArrayLength": Function(lambda items: len(_list(items)), 1, 1),
    "ArrayPartition": Function(_array_partition, 2, 2),
    "ArrayRange": Function(_array_range, 3, 3),
    "ArrayUnique": Function(_array_unique, 1, 1),
    "Base64Decode": Function(_base64_decode, 1, 1),
    "Base64Encode": Function(_base64_encode, 1, 1),
    "Format": Function(_format, 1, 100_000, template=True),
    "Hash": Function(_hash, 2, 2),
    "JsonMerge": Function(_json_merge, 3, 3),
    "JsonToString": Function(dumps, 1, 1),
    "MathAdd": Function(_math_add, 2, 2),
    "MathRandom": Function(_math_random, 2, 3, random=True),
    "StringSplit": Function(_string_split, 2, 2),
    "StringToJson": Function(_string_to_json, 1, 1),
    "UUID": Function(lambda entropy: entropy.uuid(), 0, 0, random=True),
}
