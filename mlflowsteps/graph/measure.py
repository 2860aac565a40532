"""How wide a text is, and how it is wrapped to fit a box; no font is needed.

Widths are those of DejaVu Sans, the widest of the common interface fonts, so that a text measured here fits its box in
any of them. East Asian wide characters count one em, combining ones nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from math import fsum  # not sum: see coordinates

__all__ = ["fit", "text_width", "wrap"]

# Hundredths of an em, from U+0020 to U+007E.
_REGULAR = (
    *(32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64),
    *(64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79),
    *(60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63),
    *(63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84),
)
_OTHER = 0.68
_SYMBOLS = {"·": 0.32, "…": 1.0, "≤": 0.84, "≥": 0.84, "→": 0.84}
_BOLD = 1.13  # DejaVu Sans Bold against regular, the widest letters
_BREAKS = re.compile(r"(?<=[\s\-_./:|,])|(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=4096)
def _ems(text: str) -> float:
    return fsum(map(_width_of, text))


@lru_cache(maxsize=1024)
def _width_of(character: str) -> float:
    code = ord(character)
    if 0x20 <= code <= 0x7E:
        return _REGULAR[code - 0x20] / 100
    if character in _SYMBOLS:
        return _SYMBOLS[character]
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0.0
    return 1.0 if unicodedata.east_asian_width(character) in "WF" else _OTHER


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of a line of text, in the unit of ``size``.

    Args:
        text: one line.
        size: font size.
        bold: whether it is set in bold.

    >>> round(text_width("Train", 14), 1)
    35.6
    """
    return _ems(text) * size * (_BOLD if bold else 1.0)


def fit(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """The text, cut with an ellipsis where it is wider than ``width``."""
    if text_width(text, size, bold=bold) <= width:
        return text
    room = width / (size * (_BOLD if bold else 1.0)) - _SYMBOLS["…"]
    used, kept = 0.0, 0
    for kept, character in enumerate(text):  # noqa: B007 - the index where it stopped is the answer
        used += _width_of(character)
        if used > room:
            break
    return text[:kept].rstrip() + "…"


def wrap(text: str, size: float, width: float, lines: int = 2) -> list[str]:
    """The text in at most so many lines, broken at spaces, punctuation and capitals; cut where it does not fit.

    >>> wrap("Train the very best candidate", 10, 100)
    ['Train the very best', 'candidate']
    """
    if text_width(text, size) <= width:
        return [text]
    done: list[str] = []
    line = ""
    for piece in _BREAKS.split(text[:400]):
        while line and text_width((line + piece).rstrip(), size) > width and len(done) < lines - 1:
            done.append(line.rstrip())
            line = ""
        line += piece
        while len(done) < lines - 1 and text_width(line.rstrip(), size) > width:
            head = _head(line, size, width)
            done.append(head)
            line = line[len(head) :]
    return [*done, fit(line.rstrip(), size, width)]


def _head(text: str, size: float, width: float) -> str:
    """As many leading characters as fit, at least one."""
    used = 0.0
    for index, character in enumerate(text):
        used += _width_of(character) * size
        if used > width and index:
            return text[:index]
    return text
