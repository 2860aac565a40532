"""JSON documents read as streams: the elements or members of one array or object, found by a JSON Pointer.

Owns walking through the text; a value is decoded by the standard library, and only one is held at a time.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator
from typing import BinaryIO, NoReturn

from mlflowsteps.local.records import Json

__all__ = ["json_items"]

_CHUNK = 1 << 16
_LONGEST = 64 << 20  # characters of one value: what never ends must not fill the memory
_NUMBER_TAIL = re.compile(r"[0-9.eE+-]{0,4}")  # what may stand between the end of `1` and that of `1.e+`
_BLANKS = re.compile(r"[ \t\n\r]*")


def json_items(stream: BinaryIO, pointer: str = "") -> Iterator[tuple[Json, str | None]]:
    """The elements of an array, or the members of an object, in a JSON document.

    Args:
        stream: the document, UTF-8.
        pointer: JSON Pointer (RFC 6901) to the array or object; empty: the document itself.

    Yields:
        Each value, and its key where it is a member.

    Raises:
        ValueError: the text is no JSON, or the pointer leads to no array or object.

    >>> import io
    >>> list(json_items(io.BytesIO(b'{"a": [0, {"b": [1, 2]}]}'), "/a/1/b"))
    [(1, None), (2, None)]
    """
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"the ItemsPointer {pointer!r} does not begin with '/'")
    text = _Text(stream)
    for token in pointer.split("/")[1:]:
        _descend(text, token.replace("~1", "/").replace("~0", "~"), pointer)
    opening = text.peek()
    if opening == "[":
        for _ in text.elements():
            yield text.value(), None
    elif opening == "{":
        for key in text.members():
            yield text.value(), key
    else:
        what = f"what the ItemsPointer {pointer!r} leads to" if pointer else "the document"
        raise ValueError(f"{what} is neither an array nor an object")
    if not pointer:
        text.end()


def _descend(text: _Text, token: str, pointer: str) -> None:
    """Move to what a token of a pointer names."""
    opening = text.peek()
    if opening == "{":
        for key in text.members():
            if key == token:
                return
            text.value()
    elif opening == "[" and token.isdigit():
        for at, _ in enumerate(text.elements()):
            if at == int(token):
                return
            text.value()
    raise ValueError(f"the ItemsPointer {pointer!r} leads nowhere: there is no {token!r}")


class _Text:
    """A JSON text, read piece by piece."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._scan = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite).raw_decode
        self._text, self._at, self._whole = "", 0, False

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            self._at = self._skip(self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def elements(self) -> Iterator[None]:
        """Stop before each element of the array that begins here; the caller takes it by ``value``."""
        self._take("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield
            if self._separator("]"):
                return

    def members(self) -> Iterator[str]:
        """Stop before the value of each member of the object that begins here; gives its key."""
        self._take("{")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                raise ValueError("the key of an object is no string")  # noqa: TRY004 - of the text, not of a caller
            self._take(":")
            yield key
            if self._separator("}"):
                return

    def value(self) -> Json:
        """Take one value, whole."""
        self.peek()
        while True:
            try:
                found, end = self._scan(self._text, self._at)
            except RecursionError:
                raise ValueError("a value is nested too deeply") from None
            except ValueError:
                if len(self._text) - self._at > _LONGEST:
                    raise ValueError(f"a value has more than {_LONGEST} characters, or is no JSON") from None
                if not self._more():
                    raise
                continue
            if _NUMBER_TAIL.fullmatch(self._text, end) and self._more():  # a number might go on
                continue
            self._at = end
            return found

    def end(self) -> None:
        """Raise ValueError where anything follows."""
        if self.peek():
            raise ValueError("something follows the document")

    def _separator(self, closing: str) -> bool:
        """Take a comma (False) or what closes (True)."""
        found = self.peek()
        if found not in (",", closing) or not found:
            raise ValueError(f"',' or '{closing}' is missing where {found or 'the end'!r} stands")
        self._at += 1
        return found == closing

    def _take(self, character: str) -> None:
        if self.peek() != character:
            raise ValueError(f"{character!r} is missing")
        self._at += 1

    def _skip(self, at: int) -> int:
        found = _BLANKS.match(self._text, at)
        return found.end() if found else at

    def _more(self) -> bool:
        """Read on; False at the end."""
        if self._whole:
            return False
        # As much again as there is: a long value is not scanned once for each small piece.
        data = self._stream.read(max(_CHUNK, len(self._text) - self._at))
        self._whole = not data
        self._text = self._text[self._at :] + self._decode(data, final=self._whole)
        self._at = 0
        return True


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits[:40]} is out of range")
    return number
