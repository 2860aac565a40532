"""The syntax of JSONPath, in the dialect of the service (Jayway's): text to frozen segments.

Named tuples, since this many frozen dataclasses take longer to make than all of the parsing of most programs.
It owns the grammar and its error texts; what segments select is written in ``path_walk``, what a path means to a
state in ``paths``.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from mlflowsteps.asl.cursor import Cursor
from mlflowsteps.asl.values import Json, loads

__all__ = [
    "And", "Call", "Comparison", "Descent", "Exists", "Filter", "FilterExpression", "Indices", "Keys", "Literal",
    "Not", "Operand", "Or", "Query", "Regex", "Segment", "Slice", "Wildcard", "parse_path",
]  # fmt: skip

MAX_SEGMENTS = 256
MAX_FILTER_DEPTH = 24


class Keys(NamedTuple):
    """One property, or several: ``.a``, ``['a', 'b']``."""

    names: tuple[str, ...]


class Indices(NamedTuple):
    """One array index, or several; negative ones count from the end: ``[0]``, ``[0, -1]``."""

    numbers: tuple[int, ...]


class Slice(NamedTuple):
    """Part of an array: ``[start:stop]``; None is open."""

    start: int | None
    stop: int | None


class Wildcard(NamedTuple):
    """Every child: ``*``."""


class Filter(NamedTuple):
    """The children for which an expression holds: ``[?(@.a > 1)]``."""

    expression: FilterExpression


class Descent(NamedTuple):
    """A segment applied to a node and all below it: ``..a``."""

    segment: Segment


class Call(NamedTuple):
    """A function at the end of a path: ``.length()``."""

    name: str
    arguments: tuple[Json, ...]


class Query(NamedTuple):
    """A path inside a filter; ``relative``: from ``@``, else from ``$``."""

    relative: bool
    segments: tuple[Segment, ...]


class Literal(NamedTuple):
    """A JSON value written in a filter."""

    value: Json


class Regex(NamedTuple):
    """A regular expression written in a filter: ``/pattern/flags``."""

    pattern: str
    flags: str


class Exists(NamedTuple):
    """True where the path selects something: ``@.a``."""

    query: Query


class Comparison(NamedTuple):
    """``left operator right``."""

    operator: str
    left: Operand
    right: Operand


class Not(NamedTuple):
    """``!item``."""

    item: FilterExpression


class And(NamedTuple):
    """All of the items hold."""

    items: tuple[FilterExpression, ...]


class Or(NamedTuple):
    """One of the items holds."""

    items: tuple[FilterExpression, ...]


Segment: TypeAlias = Keys | Indices | Slice | Wildcard | Filter | Descent | Call
Operand: TypeAlias = Query | Literal | Regex
FilterExpression: TypeAlias = Exists | Comparison | Not | And | Or

_NAME = re.compile(r"[^\s.\[\]()'\"\x00-\x1f]+")
_NAME_IN_FILTER = re.compile(r"[^\s.\[\]()'\"\x00-\x1f=<>!~&|,]+")
_INTEGER = re.compile(r"-?\d{1,18}(?!\d)")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_WORD = re.compile(r"(true|false|null)(?![\w$])")
_OPERATOR = re.compile(r"===|!==|==|!=|<=|>=|=~|<|>|(?:in|nin|subsetof|anyof|noneof|contains|size|empty)(?![\w$])")
_REGEX = re.compile(r"/((?:\\.|[^/\\])*)/([a-zA-Z]*)")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def parse_path(text: str, start: int) -> tuple[Segment, ...]:
    """The segments of a path.

    Args:
        text: the path, root included.
        start: where the segments begin, after ``$``, ``$$`` or ``$name``.

    Raises:
        InvalidExpression: the text is no path.

    >>> parse_path("$.a[0]", 1)
    (Keys(names=('a',)), Indices(numbers=(0,)))
    """
    parser = _Parser(text, start)
    segments = parser.segments(_NAME)
    if parser.at < len(text):
        raise parser.fault("expected '.' or '['")
    return segments


def _unescape(match: re.Match[str]) -> str:
    what = match[1]
    return chr(int(what[1:], 16)) if len(what) == 5 else _ESCAPED.get(what, what)


class _Parser(Cursor):
    """Recursive descent over the text; recursion only into filters, to MAX_FILTER_DEPTH."""

    def __init__(self, text: str, at: int) -> None:
        super().__init__(text, at)
        self.depth = 0

    # --- segments

    def segments(self, name: re.Pattern[str]) -> tuple[Segment, ...]:
        found: list[Segment] = []
        while self.at < len(self.text) and self.text[self.at] in ".[":
            if found and isinstance(found[-1], Call):
                raise self.fault("a function ends a path")
            found.append(self.segment(name))
            if len(found) > MAX_SEGMENTS:
                raise self.fault(f"more than {MAX_SEGMENTS} segments")
        return tuple(found)

    def segment(self, name: re.Pattern[str]) -> Segment:
        if self.text.startswith("..", self.at):
            self.at += 2
            return Descent(self.brackets() if self.text.startswith("[", self.at) else self.named(name))
        if self.text[self.at] == ".":
            self.at += 1
            # Jayway reads `$.['a']` as `$['a']`.
            return self.brackets() if self.text.startswith("[", self.at) else self.named(name)
        return self.brackets()

    def named(self, name: re.Pattern[str]) -> Segment:
        found = self.match(name)
        if found is None:
            raise self.fault(
                "expected a property name", "Names with blanks or punctuation stand in brackets: $['my name']"
            )
        if found[0] == "*":
            return Wildcard()
        if self.text.startswith("(", self.at):
            self.at += 1
            return Call(found[0], self.arguments())
        return Keys((found[0],))

    def arguments(self) -> tuple[Json, ...]:
        values: list[Json] = []
        if self.take(")"):
            return ()
        while True:
            self.skip()
            values.append(self.literal().value)
            if self.take(")"):
                return tuple(values)
            self.expect(",")

    def brackets(self) -> Segment:
        self.at += 1
        self.skip()
        if self.take("*"):
            self.expect("]")
            return Wildcard()
        if self.take("?"):
            return self.filter()
        if self.text[self.at : self.at + 1] in {"'", '"'}:
            return self.keys()
        return self.indices()

    def keys(self) -> Segment:
        names = [self.quoted()]
        while self.take(","):
            self.skip()
            names.append(self.quoted())
        self.expect("]")
        return Keys(tuple(names))

    def indices(self) -> Segment:
        first = self.integer()
        if self.take(":"):
            last = self.integer()
            self.expect("]")
            return Slice(first, last)
        numbers = [first]
        while self.take(","):
            numbers.append(self.integer())
        self.expect("]")
        if None in numbers:
            raise self.fault("expected an index, a quoted name, '*', a slice or a filter in the brackets")
        return Indices(tuple(n for n in numbers if n is not None))

    def integer(self) -> int | None:
        self.skip()
        found = self.match(_INTEGER)
        return int(found[0]) if found else None

    def quoted(self) -> str:
        quote = self.text[self.at : self.at + 1]
        if quote not in {"'", '"'}:
            raise self.fault("expected a quoted name")
        end = self.at + 1
        while end < len(self.text) and self.text[end] != quote:
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise self.fault("the quote is not closed")
        raw = self.text[self.at + 1 : end]
        self.at = end + 1
        return _ESCAPE.sub(_unescape, raw) if "\\" in raw else raw

    # --- filters

    def filter(self) -> Segment:
        self.expect("(")
        expression = self.any_of()
        self.expect(")")
        self.expect("]")
        return Filter(expression)

    def any_of(self) -> FilterExpression:
        self.depth += 1
        if self.depth > MAX_FILTER_DEPTH:
            raise self.fault("the filter is nested too deeply")
        items = [self.all_of()]
        while self.take("||"):
            items.append(self.all_of())
        self.depth -= 1
        return items[0] if len(items) == 1 else Or(tuple(items))

    def all_of(self) -> FilterExpression:
        items = [self.term()]
        while self.take("&&"):
            items.append(self.term())
        return items[0] if len(items) == 1 else And(tuple(items))

    def term(self) -> FilterExpression:
        self.skip()
        negations = 0
        while self.text.startswith("!", self.at):
            self.at += 1
            negations += 1
            self.skip()
        if self.take("("):
            item = self.any_of()
            self.expect(")")
        else:
            item = self.comparison()
        return Not(item) if negations % 2 else item

    def comparison(self) -> FilterExpression:
        left = self.operand()
        self.skip()
        operator = self.match(_OPERATOR)
        if operator is None:
            if not isinstance(left, Query):
                raise self.fault("expected a comparison operator")
            return Exists(left)
        self.skip()
        return Comparison(operator[0], left, self.operand())

    def operand(self) -> Operand:
        self.skip()
        mark = self.text[self.at : self.at + 1]
        if mark in {"@", "$"}:
            self.at += 1
            return Query(mark == "@", self.segments(_NAME_IN_FILTER))
        if mark == "/":
            found = self.match(_REGEX)
            if found is None:
                raise self.fault("the regular expression is not closed")
            return Regex(found[1].replace("\\/", "/"), found[2])
        return self.literal()

    def literal(self) -> Literal:
        mark = self.text[self.at : self.at + 1]
        if mark in {"'", '"'}:
            return Literal(self.quoted())
        if mark in {"[", "{"}:
            return Literal(self.document())
        found = self.match(_WORD) or self.match(_NUMBER)
        if found is None:
            raise self.fault("expected '@', '$', a string, a number, true, false, null, an array or a /regex/")
        try:
            return Literal(loads(found[0]))
        except ValueError:
            raise self.fault(f"{found[0][:40]} is no JSON number") from None

    def document(self) -> Json:
        """An array or object; its strings may stand in single quotes."""
        start, depth, parts = self.at, 0, []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in "'\"":
                quoted = self.quoted()
                parts.append(_as_json_string(quoted))
            else:
                parts.append(char)
                self.at += 1
                depth += (char in "[{") - (char in "]}")
                if depth == 0:
                    break
        try:
            return loads("".join(parts))
        except ValueError:
            self.at = start
            raise self.fault("the array or object is no JSON") from None


def _as_json_string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f]", lambda match: f"\\u{ord(match[0]):04x}", escaped) + '"'
