"""Choice rules of JSONPath: 39 comparators and And, Or, Not, compiled once into closures.

It owns what a comparator holds for and the texts of its failures. Where a rule leads is the state's business, rules of
JSONata are ``jsonata``'s.
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable
from typing import Any, TypeAlias

from mlflowsteps.asl.paths import compile_path
from mlflowsteps.asl.timestamps import parse_timestamp
from mlflowsteps.asl.values import Json, Scope, dumps
from mlflowsteps.exceptions import InvalidExpression, PathError, StatesError

__all__ = ["COMPARATORS", "LOGIC", "MAX_RULE_DEPTH", "compile_rule"]

Condition: TypeAlias = Callable[[Scope], bool]
Reader: TypeAlias = Callable[[Scope], Json]
Test: TypeAlias = Callable[[Json, Json], bool]

MAX_RULE_DEPTH = 32
LOGIC = ("And", "Or", "Not")


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _strings(compare: Callable[[Any, Any], bool]) -> Test:
    return lambda left, right: isinstance(left, str) and isinstance(right, str) and compare(left, right)


def _numbers(compare: Callable[[Any, Any], bool]) -> Test:
    return lambda left, right: _is_number(left) and _is_number(right) and compare(left, right)


def _timestamps(compare: Callable[[Any, Any], bool]) -> Test:
    def test(left: Json, right: Json) -> bool:
        if not isinstance(left, str) or not isinstance(right, str):
            return False
        first, second = parse_timestamp(left), parse_timestamp(right)
        return first is not None and second is not None and compare(first, second)

    return test


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
_KINDS = {"String": _strings, "Numeric": _numbers, "Timestamp": _timestamps}

_PAIRS: dict[str, Test] = {
    kind + order: made(compare) for kind, made in _KINDS.items() for order, compare in _ORDERS.items()
}
_PAIRS["BooleanEquals"] = lambda left, right: isinstance(left, bool) and left is right

_CHECKS: dict[str, Callable[[Json], bool]] = {
    "IsNull": lambda value: value is None,
    "IsNumeric": _is_number,
    "IsString": lambda value: isinstance(value, str),
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: isinstance(value, str) and parse_timestamp(value) is not None,
}

COMPARATORS: dict[str, str] = {
    **{name: name.removesuffix("Equals").removesuffix("LessThan").removesuffix("GreaterThan") for name in _PAIRS},
    **{name + "Path": "Path" for name in _PAIRS},
    "StringMatches": "String",
    **dict.fromkeys((*_CHECKS, "IsPresent"), "Boolean"),
}
"""Every comparator, with what stands beside it: String, Numeric, Timestamp, Boolean or Path."""

_NOT_FIELDS = {"Variable", "Next", "Comment", "Assign", "Output"}


def compile_rule(rule: Json, *, depth: int = 1) -> Condition:
    """Compile a choice rule.

    Args:
        rule: an object with ``Variable`` and one comparator, or with And, Or or Not.
        depth: how deep it stands in And, Or and Not; 1 for a rule of ``Choices``.

    Returns:
        A function of a Scope: whether the rule matches. It raises StatesError, States.Runtime, where the variable or
        the path beside a comparator finds nothing (IsPresent excepted).

    Raises:
        InvalidExpression: no such rule.

    >>> compile_rule({"Variable": "$.a", "NumericGreaterThan": 1})(Scope({"a": 2}))
    True
    """
    if not isinstance(rule, dict):
        raise InvalidExpression(dumps(rule), "a choice rule is an object")
    if depth > MAX_RULE_DEPTH:
        raise InvalidExpression("...", f"choice rules nest at most {MAX_RULE_DEPTH} deep")
    logic = [name for name in LOGIC if name in rule]
    comparators = [name for name in rule if name in COMPARATORS]
    if len(logic) + len(comparators) != 1:
        raise InvalidExpression(dumps(rule), _not_one(rule, [*logic, *comparators]), None, _near(rule))
    return _logic(logic[0], rule[logic[0]], depth) if logic else _comparison(rule, comparators[0])


def _not_one(rule: dict[str, Json], found: list[str]) -> str:
    if found:
        return f"a choice rule has one comparator, this one has {', '.join(found)}"
    others = [name for name in rule if name not in _NOT_FIELDS]
    return f"a choice rule needs a comparator{', ' + others[0] + ' is none' if others else ''}"


def _near(rule: dict[str, Json]) -> str:
    for name in rule:
        if name not in _NOT_FIELDS and name not in COMPARATORS:
            near = difflib.get_close_matches(name, [*COMPARATORS, *LOGIC], n=1)
            if near:
                return f"Did you mean {near[0]}?"
    return ""


# --- And, Or, Not


def _logic(name: str, value: Json, depth: int) -> Condition:
    if name == "Not":
        inner = compile_rule(value, depth=depth + 1)
        return lambda scope: not inner(scope)
    if not isinstance(value, list) or not value:
        raise InvalidExpression(dumps(value), f"{name} takes a list of choice rules, with one at least")
    rules = [compile_rule(item, depth=depth + 1) for item in value]
    if name == "And":
        return lambda scope: all(rule(scope) for rule in rules)
    return lambda scope: any(rule(scope) for rule in rules)


# --- comparators


def _comparison(rule: dict[str, Json], name: str) -> Condition:
    variable, value = rule.get("Variable"), rule[name]
    if not isinstance(variable, str):
        raise InvalidExpression(dumps(rule), f"Variable must be a path beside {name}")
    if name == "IsPresent":
        return _presence(variable, _beside(name, value))
    read = _variable(variable)
    if name in _CHECKS:
        check, expected = _CHECKS[name], _beside(name, value)
        return lambda scope: check(read(scope)) is expected
    if name == "StringMatches":
        matches = _wildcards(_beside(name, value))
        return lambda scope: isinstance(text := read(scope), str) and matches(text)
    if name.endswith("Path"):
        test, other = _PAIRS[name[:-4]], _variable(_beside(name, value))
        return lambda scope: test(read(scope), other(scope))
    return _constant(name, read, _beside(name, value))


def _constant(name: str, read: Reader, value: Json) -> Condition:
    if COMPARATORS[name] != "Timestamp":
        test = _PAIRS[name]
        return lambda scope: test(read(scope), value)
    instant, compare = parse_timestamp(value), _ORDERS[name.removeprefix("Timestamp")]

    def condition(scope: Scope) -> bool:
        text = read(scope)
        found = parse_timestamp(text) if isinstance(text, str) else None
        return found is not None and compare(found, instant)

    return condition


_BESIDE: dict[str, tuple[str, Callable[[Json], bool]]] = {
    "String": ("a string", lambda value: isinstance(value, str)),
    "Numeric": ("a number", _is_number),
    "Timestamp": (
        "a timestamp such as 2016-03-14T01:59:00Z",
        lambda v: isinstance(v, str) and parse_timestamp(v) is not None,
    ),
    "Boolean": ("true or false", lambda value: isinstance(value, bool)),
    "Path": ("a path", lambda value: isinstance(value, str)),
}


def _beside(name: str, value: Json) -> Any:
    """What stands beside a comparator, when it is of the right kind."""
    what, fits = _BESIDE[COMPARATORS[name]]
    if not fits(value):
        raise InvalidExpression(f"{name}: {dumps(value)}", f"{name} takes {what}")
    return value


def _variable(text: str) -> Reader:
    read = compile_path(text).read

    def value(scope: Scope) -> Json:
        try:
            return read(scope)
        except PathError:
            raise StatesError(
                "States.Runtime",
                f"Invalid path '{text}': The choice state's condition path references an invalid value.",
            ) from None

    return value


def _presence(text: str, expected: bool) -> Condition:
    path = compile_path(text)

    def condition(scope: Scope) -> bool:
        try:
            present = bool(path.read(scope)) or path.definite
        except PathError:
            present = False
        return present is expected

    return condition


def _wildcards(pattern: str) -> Callable[[str], bool]:
    r"""Match ``*`` for any characters; ``\*`` and ``\\`` for themselves. Linear but for repeated searches.

    >>> _wildcards("a*b")("a to b"), _wildcards(r"a\*b")("a*b")
    (True, True)
    """
    pieces = _pieces(pattern)
    if len(pieces) == 1:
        return lambda text: text == pieces[0]
    first, middle, last = pieces[0], [piece for piece in pieces[1:-1] if piece], pieces[-1]

    def matches(text: str) -> bool:
        if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return matches


def _pieces(pattern: str) -> list[str]:
    """The literal texts between the wildcards of a pattern."""
    pieces, at = [""], 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\" and pattern[at + 1 : at + 2] in {"*", "\\"}:
            at += 1
            pieces[-1] += pattern[at]
        elif char == "*":
            pieces.append("")
        else:
            pieces[-1] += char
        at += 1
    return pieces
