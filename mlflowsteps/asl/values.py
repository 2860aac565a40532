"""JSON values, their text, and what expressions are evaluated in.

It owns the text form the service writes, the sizes it counts, ``Scope`` and ``Entropy``. It knows no expression
language: ``paths``, ``intrinsics``, ``choices`` and ``payloads`` stand on it.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, NoReturn, TypeAlias

from mlflowsteps.exceptions import StatesError

__all__ = ["Entropy", "Json", "Scope", "dumps", "loads", "same_value", "size_of"]

Json: TypeAlias = Any
"""A JSON document: None, bool, int, float, str, list of Json, dict of str to Json."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_INFINITE = float("inf")


class Entropy:
    """What a replay repeats though it looks random: draws and ids, a pure function of a seed and a counter, and time.

    Args:
        seed: any text; the execution's.
        counter: how many draws were made already; a run that is carried on gives back ``counter``.
        now: the time, in epoch seconds, that expressions see; whoever advances a run sets it.

    >>> Entropy("s").draw() == Entropy("s").draw()
    True
    >>> Entropy("s", 1).uuid() == Entropy("s").uuid()
    False
    """

    __slots__ = ("counter", "now", "seed")

    def __init__(self, seed: str, counter: int = 0, now: float = 0.0) -> None:
        self.seed, self.counter, self.now = seed, counter, now

    def millis(self) -> int:
        """The time in milliseconds since 1970."""
        return round(self.now * 1000)

    def _next(self) -> bytes:
        self.counter += 1
        return hashlib.blake2b(f"{self.seed}:{self.counter}".encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def draw(self) -> float:
        """A number in [0, 1), uniform, of 53 bits."""
        return (int.from_bytes(self._next()[:8], "big") >> 11) / (1 << 53)

    def uuid(self) -> str:
        """An id in the form of a version 4 UUID."""
        raw = bytearray(self._next())
        raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
        text = raw.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Scope:
    """What an expression is evaluated in.

    Args:
        input: the document ``$`` stands for.
        context: the context object, ``$$``.
        variables: values of the variables, ``$name``.
        entropy: draws for ``States.UUID`` and ``States.MathRandom``.
    """

    __slots__ = ("context", "entropy", "input", "variables")

    def __init__(
        self,
        input: Json,  # noqa: A002 - the language's own name
        context: Json = None,
        variables: dict[str, Json] | None = None,
        entropy: Entropy | None = None,
    ) -> None:
        self.input = input
        self.context: Json = {} if context is None else context
        self.variables: dict[str, Json] = {} if variables is None else variables
        self.entropy = entropy if entropy is not None else Entropy("")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def dumps(value: Json) -> str:
    """JSON text as the service writes it: no blanks, characters outside ASCII as they are.

    Raises:
        StatesError: States.Runtime where the value is nested too deeply to be written.

    >>> dumps({"a": [1, "é"]})
    '{"a":[1,"é"]}'
    """
    try:
        return _encode(value)
    except RecursionError:
        raise StatesError("States.Runtime", "The value is nested too deeply to be written as JSON.") from None


def loads(text: str | bytes) -> Json:
    """A JSON document from its text, as strict as the service: no NaN, no Infinity, nothing after the value.

    A lone surrogate, which no UTF-8 text can hold, becomes ``?`` as in Java.

    Raises:
        ValueError: the text is no JSON, holds a number out of range, or is nested too deeply.

    >>> loads('{"a": 1}')
    {'a': 1}
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if _SURROGATE.search(text):
            whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")
            value = json.loads(whole)
    except RecursionError:
        raise ValueError("the JSON document is nested too deeply") from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (_INFINITE, -_INFINITE):
        raise ValueError(f"the number {digits if len(digits) <= 40 else digits[:37] + '...'} is out of range")
    return number


def size_of(text: str) -> int:
    """Bytes of a text in UTF-8, which is what the service's quotas count.

    >>> size_of("é")
    2
    """
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def same_value(left: Json, right: Json) -> bool:
    """Whether two JSON values are the same: 1 and 1.0 are, true and 1 are not.

    >>> same_value([1, {"a": 1.0}], [1.0, {"a": 1}]), same_value(True, 1)
    (True, False)
    """
    pairs = [(left, right)]
    while pairs:
        a, b = pairs.pop()
        if isinstance(a, dict):
            if not isinstance(b, dict) or a.keys() != b.keys():
                return False
            pairs.extend((value, b[key]) for key, value in a.items())
        elif isinstance(a, list):
            if not isinstance(b, list) or len(a) != len(b):
                return False
            pairs.extend(zip(a, b, strict=True))
        elif isinstance(a, bool) or isinstance(b, bool):
            if a is not b:
                return False
        elif a != b:
            return False
    return True
