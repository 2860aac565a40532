"""What the segments of a path select: each becomes a function from nodes to nodes, made once.

Nothing recurses on a document or on the length of a path; recursion follows only the nesting of filters, which the
syntax bounds. A walk visits at most MAX_VISITS nodes. Regular expressions run in the ``regex`` package, whose matches
take a time limit: the standard library's cannot be stopped, and a hostile pattern would hang the engine.
"""

from __future__ import annotations

import importlib
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

from mlflowsteps.asl.path_syntax import (
    And,
    Call,
    Comparison,
    Descent,
    Exists,
    Filter,
    FilterExpression,
    Indices,
    Keys,
    Literal,
    Not,
    Operand,
    Or,
    Regex,
    Segment,
    Slice,
    Wildcard,
)  # fmt: skip
from mlflowsteps.asl.values import Json, dumps, same_value
from mlflowsteps.exceptions import InvalidExpression, StatesError

__all__ = ["FUNCTIONS", "MAX_VISITS", "Budget", "compile_segments"]

MAX_VISITS = 2_000_000
REGEX_SECONDS = 0.2

Step: TypeAlias = Callable[[Iterable[Json], "Budget"], Iterator[Json]]
Test: TypeAlias = Callable[[Json, "Budget"], bool]
Value: TypeAlias = Callable[[Json, "Budget"], Json]


class _Missing:
    """A path in a filter that selects nothing; equal to no JSON value."""


_MISSING = _Missing()


class Budget:
    """What a walk may still do, and the document its filters call ``$``."""

    __slots__ = ("root", "visits")

    def __init__(self, root: Json) -> None:
        self.root, self.visits = root, MAX_VISITS

    def spend(self, count: int) -> None:
        """Count visited nodes.

        Raises:
            StatesError: States.Runtime when the walk has visited more than MAX_VISITS.
        """
        self.visits -= count
        if self.visits < 0:
            raise StatesError("States.Runtime", f"The JSONPath visits more than {MAX_VISITS} nodes.")


def compile_segments(segments: tuple[Segment, ...]) -> Callable[[Json, Budget], list[Json]]:
    """A function from a document to the list of what the segments select in it, in document order.

    >>> document = {"a": [{"b": 1}, {"b": 2}]}
    >>> compile_segments((Keys(("a",)), Wildcard(), Keys(("b",))))(document, Budget(document))
    [1, 2]
    """
    steps = [_step(segment, last=position == len(segments) - 1) for position, segment in enumerate(segments)]

    def select(document: Json, budget: Budget) -> list[Json]:
        nodes = [document]
        for step in steps:
            nodes = list(step(nodes, budget))
            budget.spend(len(nodes) + 1)
        return nodes

    return select


def _step(segment: Segment, *, last: bool) -> Step:
    if isinstance(segment, Keys) and len(segment.names) > 1 and last:
        return _merged_keys(segment)
    return _STEPS[type(segment)](segment)


def _keys(segment: Keys) -> Step:
    names = segment.names

    def step(nodes: Iterable[Json], _budget: Budget) -> Iterator[Json]:
        for node in nodes:
            if isinstance(node, dict):
                for name in names:
                    if name in node:
                        yield node[name]

    return step


def _merged_keys(segment: Keys) -> Step:
    """Several names at the end of a path give an object of those that are there, as Jayway's do."""
    names = segment.names

    def step(nodes: Iterable[Json], _budget: Budget) -> Iterator[Json]:
        for node in nodes:
            if isinstance(node, dict):
                yield {name: node[name] for name in names if name in node}

    return step


def _indices(segment: Indices) -> Step:
    numbers = segment.numbers

    def step(nodes: Iterable[Json], _budget: Budget) -> Iterator[Json]:
        for node in nodes:
            if isinstance(node, list):
                for number in numbers:
                    if -len(node) <= number < len(node):
                        yield node[number]

    return step


def _slice(segment: Slice) -> Step:
    part = slice(segment.start, segment.stop)

    def step(nodes: Iterable[Json], _budget: Budget) -> Iterator[Json]:
        for node in nodes:
            if isinstance(node, list):
                yield from node[part]

    return step


def _children(node: Json) -> Iterable[Json]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _wildcard(_segment: Wildcard) -> Step:
    def step(nodes: Iterable[Json], _budget: Budget) -> Iterator[Json]:
        for node in nodes:
            yield from _children(node)

    return step


def _filter(segment: Filter) -> Step:
    test = _test(segment.expression)

    def step(nodes: Iterable[Json], budget: Budget) -> Iterator[Json]:
        for node in nodes:
            # Jayway applies a filter to an object itself, to an array's items.
            items = node if isinstance(node, list) else [node] if isinstance(node, dict) else []
            budget.spend(len(items))
            for item in items:
                if test(item, budget):
                    yield item

    return step


def _descent(segment: Descent) -> Step:
    inner = _step(segment.segment, last=False)
    filtering = isinstance(segment.segment, Filter)

    def step(nodes: Iterable[Json], budget: Budget) -> Iterator[Json]:
        for node in nodes:
            for each in _below(node, budget):
                # The items of an array are reached as nodes of their own: test each node just once.
                if filtering and not isinstance(each, dict):
                    continue
                yield from inner((each,), budget)

    return step


def _below(root: Json, budget: Budget) -> Iterator[Json]:
    """A node and all below it, parents first, in document order; a stack in place of recursion."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        children = _children(node)
        if children:
            budget.spend(len(node))
            stack.extend(reversed(list(children)))


def _call(segment: Call) -> Step:
    if segment.name not in FUNCTIONS:
        known = ", ".join(sorted(FUNCTIONS))
        raise InvalidExpression(f".{segment.name}()", f"there is no function {segment.name!r}", None, f"One of {known}")
    function, takes = FUNCTIONS[segment.name], _ARGUMENTS.get(segment.name)
    if takes is not None and len(segment.arguments) != takes:
        raise InvalidExpression(
            f".{segment.name}()", f"{segment.name} takes {takes} arguments, not {len(segment.arguments)}"
        )

    def step(nodes: Iterable[Json], _budget: Budget) -> Iterator[Json]:
        for node in nodes:
            yield function(node, *segment.arguments)

    return step


_STEPS: dict[type, Callable[[Any], Step]] = {
    Keys: _keys,
    Indices: _indices,
    Slice: _slice,
    Wildcard: _wildcard,
    Filter: _filter,
    Descent: _descent,
    Call: _call,
}

# --- functions


def _numbers(node: Json, extra: tuple[Json, ...]) -> list[float]:
    values = [*(node if isinstance(node, list) else []), *extra]
    numbers = [value for value in values if _is_number(value)]
    if not numbers:
        raise StatesError("States.Runtime", "Aggregation function attempted to calculate value using empty array")
    return numbers


def _aggregate(calculate: Callable[[list[float]], float]) -> Callable[..., Json]:
    """A function of an array's numbers and its own arguments, whose result is a number that JSON can hold."""

    def function(node: Json, *extra: Json) -> float:
        numbers = _numbers(node, extra)
        try:
            result = calculate(numbers)
            if isinstance(result, int) or math.isfinite(result):
                return result
        except OverflowError:
            pass
        raise StatesError("States.Runtime", "Aggregation function calculated a value that is out of range")

    return function


def _average(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def _deviation(numbers: list[float]) -> float:
    mean = _average(numbers)
    return math.sqrt(sum((number - mean) ** 2 for number in numbers) / len(numbers))


def _length(node: Json) -> int | None:
    return len(node) if isinstance(node, list | dict | str) else None


def _item(node: Json, index: Json) -> Json:
    if isinstance(node, list) and isinstance(index, int) and -len(node) <= index < len(node):
        return node[index]
    whole = f"an array of {len(node)} items" if isinstance(node, list) else "what is no array"
    raise StatesError("States.Runtime", f"Aggregation function attempted to read index {dumps(index)} of {whole}")


FUNCTIONS: dict[str, Callable[..., Json]] = {
    "length": _length,
    "size": _length,
    "min": _aggregate(min),
    "max": _aggregate(max),
    "sum": _aggregate(sum),
    "avg": _aggregate(_average),
    "stddev": _aggregate(_deviation),
    "keys": lambda node: list(node) if isinstance(node, dict) else None,
    "first": lambda node: _item(node, 0),
    "last": lambda node: _item(node, -1),
    "index": _item,
    "concat": lambda node, *texts: "".join(str(text) for text in [*(node if isinstance(node, list) else []), *texts]),
    "append": lambda node, *items: [*node, *items] if isinstance(node, list) else node,
}

_ARGUMENTS = {"length": 0, "size": 0, "keys": 0, "first": 0, "last": 0, "index": 1}
"""How many arguments a function takes; those that are not named take any number."""

# --- filter expressions


def _test(expression: FilterExpression) -> Test:
    return _TESTS[type(expression)](expression)


def _or(expression: Or) -> Test:
    tests = [_test(item) for item in expression.items]
    return lambda node, budget: any(test(node, budget) for test in tests)


def _and(expression: And) -> Test:
    tests = [_test(item) for item in expression.items]
    return lambda node, budget: all(test(node, budget) for test in tests)


def _not(expression: Not) -> Test:
    test = _test(expression.item)
    return lambda node, budget: not test(node, budget)


def _exists(expression: Exists) -> Test:
    value = _value(expression.query)
    return lambda node, budget: value(node, budget) is not _MISSING


def _comparison(expression: Comparison) -> Test:
    if expression.operator == "=~":
        return _matches(expression)
    compare = _COMPARE[expression.operator]
    left, right = _value(expression.left), _value(expression.right)
    return lambda node, budget: compare(left(node, budget), right(node, budget))


_TESTS: dict[type, Callable[[Any], Test]] = {
    Or: _or,
    And: _and,
    Not: _not,
    Exists: _exists,
    Comparison: _comparison,
}


def _value(operand: Operand) -> Value:
    if isinstance(operand, Literal):
        literal = operand.value
        return lambda _node, _budget: literal
    if isinstance(operand, Regex):
        raise InvalidExpression(f"/{operand.pattern}/", "a regular expression stands only beside =~")
    select, relative = compile_segments(operand.segments), operand.relative
    if is_definite(operand.segments):

        def one(node: Json, budget: Budget) -> Json:
            found = select(node if relative else budget.root, budget)
            return found[0] if found else _MISSING

        return one

    def many(node: Json, budget: Budget) -> Json:
        return select(node if relative else budget.root, budget) or _MISSING

    return many


def is_definite(segments: tuple[Segment, ...]) -> bool:
    """Whether a path selects at most one value: names, single indices, several names at its end, or a function."""
    if segments and isinstance(segments[-1], Call):
        return True
    for position, segment in enumerate(segments):
        if isinstance(segment, Keys):
            if len(segment.names) > 1 and position < len(segments) - 1:
                return False
        elif not isinstance(segment, Indices) or len(segment.numbers) > 1:
            return False
    return True


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(left: Json, right: Json) -> bool:
    if left is _MISSING or right is _MISSING:
        return False
    if isinstance(left, str) and _is_number(right):
        left, right = right, left
    if _is_number(left) and isinstance(right, str):  # Jayway reads the text as a number
        try:
            return bool(left == float(right))
        except ValueError:
            return False
    return same_value(left, right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Json, Json], bool]:
    def test(left: Json, right: Json) -> bool:
        if _is_number(left) and _is_number(right):
            return compare(left, right)
        return isinstance(left, str) and isinstance(right, str) and compare(left, right)

    return test


def _in(left: Json, right: Json) -> bool:
    return isinstance(right, list) and left is not _MISSING and any(_equal(left, item) for item in right)


def _lists(left: Json, right: Json) -> bool:
    return isinstance(left, list) and isinstance(right, list)


def _contains(left: Json, right: Json) -> bool:
    if isinstance(left, str):
        return isinstance(right, str) and right in left
    return _in(right, left)


def _size(left: Json, right: Json) -> bool:
    return isinstance(left, list | str | dict) and len(left) == right


def _strictly_equal(left: Json, right: Json) -> bool:
    return left is not _MISSING and right is not _MISSING and same_value(left, right)


_COMPARE: dict[str, Callable[[Json, Json], bool]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "===": _strictly_equal,
    "!==": lambda left, right: not _strictly_equal(left, right),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "in": _in,
    "nin": lambda left, right: not _in(left, right),
    "subsetof": lambda left, right: _lists(left, right) and all(_in(item, right) for item in left),
    "anyof": lambda left, right: _lists(left, right) and any(_in(item, right) for item in left),
    "noneof": lambda left, right: _lists(left, right) and not any(_in(item, right) for item in left),
    "contains": _contains,
    "size": _size,
    "empty": lambda left, right: isinstance(left, list | str | dict) and (len(left) == 0) is right,
}


def _matches(expression: Comparison) -> Test:
    if not isinstance(expression.right, Regex):
        raise InvalidExpression(str(expression.right), "expected a /regular expression/ after =~")
    pattern = _pattern(expression.right.pattern, expression.right.flags)
    left = _value(expression.left)

    def test(node: Json, budget: Budget) -> bool:
        text = left(node, budget)
        if not isinstance(text, str):
            return False
        try:
            return pattern.fullmatch(text, timeout=REGEX_SECONDS) is not None
        except TimeoutError:
            raise StatesError("States.Runtime", "A regular expression in a JSONPath took too long.") from None

    return test


@lru_cache(maxsize=256)
def _pattern(pattern: str, flags: str) -> Any:
    regex = importlib.import_module("regex")  # loaded only by paths that need it

    known = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL, "x": regex.VERBOSE, "u": regex.UNICODE}
    bits = 0
    for flag in flags:
        if flag not in known:
            raise InvalidExpression(f"/{pattern}/{flags}", f"there is no flag {flag!r} of a regular expression")
        bits |= known[flag]
    try:
        return regex.compile(pattern, bits)
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise InvalidExpression(f"/{pattern}/", f"no regular expression: {error}") from None
