"""The text of paths and intrinsic functions, as this package writes them, and their translation to JSONata.

JSONPath text (``$$.Execution.Input['a']``, ``States.Format('{}', $.x)``) is what every expression is kept as; a
definition whose query language is JSONata gets the translation. It owns quoting, the printable tokens that stand for
expressions inside Python text, and the translation. It evaluates nothing: that is ``asl``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

__all__ = [
    "TOKEN",
    "Json",
    "Reference",
    "argument",
    "json_literal",
    "path_of_keys",
    "quote",
    "resolve_tokens",
    "split_tokens",
    "token_of",
    "translate",
]

Json: TypeAlias = Any
"""A JSON document, in which placeholders may stand for values."""

TOKEN = re.compile(r"⟦((?:\$|States\.)[^⟦⟧]*)⟧")
"""What an expression becomes inside Python text, such as an f-string: its own text in white square brackets."""

INPUT_ROOT = "$states.input"


class Reference:
    """A value that is known only while a workflow runs; ``Expression`` adds what Python programs do with one."""

    type: Any = None
    """The declared type of the value; None where none was declared."""

    is_path: bool = True
    """True: a path to a value that exists; False: computed by an intrinsic function."""

    def to_jsonpath(self) -> str:
        """The text that stands in a definition, such as ``$$.Execution.Input['a']``."""
        raise NotImplementedError


def quote(text: str) -> str:
    r"""A string as it stands in an intrinsic function.

    >>> print(quote("it's {x}"))
    'it\'s \{x\}'
    """
    return "'" + re.sub(r"([\\'{}])", r"\\\1", text) + "'"


def path_of_keys(keys: Sequence[str | int]) -> str:
    r"""Subscripts of a path.

    >>> print(path_of_keys(["a", 0, "it's"]))
    ['a'][0]['it\'s']
    """
    return "".join(f"[{key}]" if isinstance(key, int) else _quoted_key(key) for key in keys)


def _quoted_key(key: str) -> str:
    return "['" + re.sub(r"([\\'])", r"\\\1", key) + "']"


# ---------------------------------------------------------------------------------------------------------- tokens


def token_of(reference: Reference) -> str:
    """The printable text that stands for a reference inside Python text; the compiler puts the expression back.

    Raises:
        ValueError: a key holds one of the brackets that mark a token.
    """
    text = reference.to_jsonpath()
    if "⟦" in text or "⟧" in text:
        raise ValueError(f"{text} holds ⟦ or ⟧ and cannot stand inside text; give it as a value of its own")
    return f"⟦{text}⟧"


def split_tokens(text: str) -> list[str]:
    """Text and tokens in turn: literal, expression, literal, ..., literal.

    >>> split_tokens("s3://⟦$.bucket⟧/out")
    ['s3://', '$.bucket', '/out']
    """
    return TOKEN.split(text)


def resolve_tokens(text: str) -> str | None:
    """The expression that text with tokens means; None for text without any.

    >>> resolve_tokens("s3://⟦$.bucket⟧/out")
    "States.Format('s3://{}/out', $.bucket)"
    >>> resolve_tokens("⟦$.bucket⟧")
    '$.bucket'
    """
    parts = split_tokens(text)
    if len(parts) == 1:
        return None
    if parts[0] == parts[2] == "" and len(parts) == 3:
        return parts[1]
    template = "{}".join(quote(part)[1:-1] for part in parts[::2])
    return f"States.Format('{template}', {', '.join(parts[1::2])})"


# ------------------------------------------------------------------------------------------- values as arguments


def argument(value: Json) -> str:
    r"""A value as an argument of an intrinsic function: lists become States.Array, objects are read from JSON text.

    Raises:
        TypeError: the value is nothing that JSON can hold.

    >>> argument(["--x", 1, None])
    "States.Array('--x', 1, null)"
    >>> argument({"a": True})
    'States.StringToJson(\'\\{"a":true\\}\')'
    """
    if isinstance(value, Reference):
        return value.to_jsonpath()
    if isinstance(value, str):
        return resolve_tokens(value) or quote(value)
    if value is None or isinstance(value, bool):
        return json_literal(value)
    if isinstance(value, int | float):
        return numeric_text(value)
    if isinstance(value, list | tuple):
        return f"States.Array({', '.join(argument(item) for item in value)})"
    if isinstance(value, dict):
        return _object_argument(value)
    raise TypeError(f"{value!r} ({type(value).__name__}) is no JSON value")


def numeric_text(value: float) -> str:
    """A number without an exponent: intrinsic functions know none.

    >>> numeric_text(1e-7)
    '0.0000001'
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value!r} is no JSON number")
    return str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f")


def _object_argument(value: dict[str, Json]) -> str:
    """An object: its JSON text, with the expressions' JSON text put in by States.Format."""
    parts: list[str] = []
    found: list[str] = []
    _object_parts(value, parts, found)
    text = "".join(parts)
    if not found:
        return f"States.StringToJson('{text}')"
    wrapped = ", ".join(f"States.JsonToString({expression})" for expression in found)
    return f"States.StringToJson(States.Format('{text}', {wrapped}))"


def _object_parts(value: Json, parts: list[str], found: list[str]) -> None:
    """Append the escaped JSON text of ``value`` to ``parts``, with {} for every expression, which go to ``found``."""
    tokens = resolve_tokens(value) if isinstance(value, str) else None
    if isinstance(value, Reference) or tokens is not None:
        parts.append("{}")
        found.append(tokens if tokens is not None else value.to_jsonpath())
    elif isinstance(value, dict):
        parts.append(r"\{")
        for index, (key, item) in enumerate(value.items()):
            parts.append(("," if index else "") + quote(json.dumps(str(key), ensure_ascii=False))[1:-1] + ":")
            _object_parts(item, parts, found)
        parts.append(r"\}")
    elif isinstance(value, list | tuple):
        parts.append("[")
        for index, item in enumerate(value):
            parts.append("," if index else "")
            _object_parts(item, parts, found)
        parts.append("]")
    else:
        parts.append(quote(json_literal(value))[1:-1])


def json_literal(value: Json) -> str:
    """Compact JSON text of a value without expressions; JSONata reads it as it stands.

    Raises:
        TypeError: it is no JSON value.
        ValueError: it holds NaN or infinity.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


# ------------------------------------------------------------------------------------------------------- JSONata


def translate(text: str, root: str = INPUT_ROOT) -> str:
    """JSONPath text as JSONata.

    Args:
        text: a path or an intrinsic function.
        root: what ``$`` means: ``$states.input``, or ``$states.result`` in a result selector.

    Raises:
        TypeError: it has no counterpart that this package knows, such as a path with a filter.

    >>> translate("States.Format('s3://{}/out', $$.Execution.Input['Bucket'])")
    '"s3://" & $string($states.context.Execution.Input.Bucket) & "/out"'
    """
    scanner = _Scanner(text, root)
    found = scanner.term()
    scanner.skip_blanks()
    if scanner.position != len(text):
        scanner.fail("unexpected text")
    return found


_NAME = re.compile(r"States\.(\w+)\s*\(")
_STRING = re.compile(r"'((?:[^\\']|\\.)*)'", re.DOTALL)
_PIECE = re.compile(r"\\.|\{\}|[^\\]", re.DOTALL)  # of a template: an escaped character, a slot, any other
_LITERAL = re.compile(r"-?\d+(?:\.\d+)?|true\b|false\b|null\b")
_STEP = re.compile(r"""\.([^.\[\]'"*?@()\s,]+)|\[(-?\d+)\]|\['((?:[^\\']|\\.)*)'\]|\["((?:[^\\"]|\\.)*)"\]""")


class _Scanner:
    """Reads one expression from text and gives it back as JSONata."""

    def __init__(self, text: str, root: str) -> None:
        self.text, self.root, self.position = text, root, 0

    def fail(self, reason: str) -> NoReturn:
        raise TypeError(f"{self.text!r} cannot be written as JSONata: {reason} at character {self.position}")

    def skip_blanks(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.position)
        if match:
            self.position = match.end()
        return match

    def term(self) -> str:
        self.skip_blanks()
        if match := self.take(_NAME):
            return self.call(match[1])
        if match := self.take(_STRING):
            return json_literal(_unescaped(match[1]))
        if match := self.take(_LITERAL):
            return match[0]
        if self.text.startswith("$", self.position):
            return self.path()
        return self.fail("no path, string, number or function")

    def path(self) -> str:
        """A path; member names that JSONata cannot take as they are stand in backticks."""
        if self.text.startswith("$$", self.position):
            self.position += 2
            found = "$states.context"
        elif match := self.take(re.compile(r"\$[A-Za-z_]\w*")):
            found = match[0]
        else:
            self.position += 1
            found = self.root
        while match := self.take(_STEP):
            if match[2] is not None:
                found += f"[{match[2]}]"
            else:
                found = _member(found, match[1] if match[1] is not None else _unescaped(match[3] or match[4] or ""))
        if self.position < len(self.text) and self.text[self.position] not in ",) \t\n":
            self.fail("only names and indices have a counterpart")
        return found

    def call(self, name: str) -> str:
        if name not in _CALLS:
            self.fail(f"States.{name} has no counterpart")
        raw: list[str] = []
        arguments: list[str] = []
        self.skip_blanks()
        while not self.text.startswith(")", self.position):
            start = self.position
            arguments.append(self.term())
            raw.append(self.text[start : self.position].strip())
            self.skip_blanks()
            if self.text.startswith(",", self.position):
                self.position += 1
                self.skip_blanks()
            elif not self.text.startswith(")", self.position):
                self.fail("expected , or )")
        self.position += 1
        if name == "Format":
            return self.format("".join(raw[:1]), arguments[1:])
        return _CALLS[name](*arguments)

    def format(self, template: str, arguments: list[str]) -> str:
        match = _STRING.fullmatch(template)
        if match is None:
            self.fail("the template of States.Format is not a string")
        literals = [""]
        for piece in _PIECE.findall(match[1]):
            if piece == "{}":
                literals.append("")
            else:
                literals[-1] += _unescaped(piece)
        if len(literals) - 1 != len(arguments):
            self.fail(f"States.Format has {len(literals) - 1} times {{}} for {len(arguments)} values")
        parts = [json_literal(literals[0])] if literals[0] else []
        for value, literal in zip(arguments, literals[1:], strict=True):
            parts += [f"$string({value})", *([json_literal(literal)] if literal else [])]
        return " & ".join(parts) or '""'


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _member(base: str, name: str) -> str:
    if re.fullmatch(r"[A-Za-z_]\w*", name) and name not in ("and", "or", "in", "true", "false", "null", "function"):
        return f"{base}.{name}"
    return f"$lookup({base}, {json_literal(name)})" if "`" in name else f"{base}.`{name}`"


_CALLS: dict[str, Callable[..., str]] = {
    "Format": lambda *_: "",  # read by _Scanner.format, which needs the template
    "StringToJson": lambda text: f"$parse({text})",
    "JsonToString": lambda value: f"$string({value})",
    "Array": lambda *values: f"[{', '.join(values)}]",
    "ArrayPartition": lambda array, size: f"$partition({array}, {size})",
    "ArrayContains": lambda array, value: f"({value} in {array})",
    "ArrayRange": lambda first, last, step: f"$range({first}, {last}, {step})",
    "ArrayGetItem": lambda array, index: f"{array}[{index}]",
    "ArrayLength": lambda array: f"$count({array})",
    "ArrayUnique": lambda array: f"$distinct({array})",
    "Base64Encode": lambda text: f"$base64encode({text})",
    "Base64Decode": lambda text: f"$base64decode({text})",
    "Hash": lambda text, algorithm: f"$hash({text}, {algorithm})",
    "JsonMerge": lambda first, second, _: f"$merge([{first}, {second}])",
    "MathRandom": lambda first, last, *seed: f"({first} + $floor($random({', '.join(seed)}) * ({last} - {first})))",
    "MathAdd": lambda first, second: f"({first} + {second})",
    "StringSplit": lambda text, separator: f"$split({text}, {separator})",
    "UUID": lambda: "$uuid()",
}
