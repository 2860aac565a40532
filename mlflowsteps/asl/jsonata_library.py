"""The one seam to the JSONata library (jsonata2py): compiling, evaluating, limits and Step Functions' additions.

It is imported only where a JSONata expression is compiled. The library turns an expression into a Python function;
here that function gets a time limit, bounds on the size of what it makes, functions that draw from the execution's
entropy in place of the process's, and Step Functions' own functions. ``jsonata`` knows nothing of the library.

Chosen over four others by speed of small expressions, right null and undefined, exact error codes, and a regular
expression engine that cannot hang; its version is pinned, since ``_bound`` reaches into the compiled function.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache
from typing import Any

from jsonata2py import (
    MISSING,
    JsonataBindings,
    JsonataCompilationError,
    JsonataError,
    JsonataEvaluationError,
)  # fmt: skip
from jsonata2py.factory import JsonataExpressionFactory
from jsonata2py.parser.lexer import Lexer
from jsonata2py.parser.parser import Parser, is_builtin
from jsonata2py.parser.tokens import TokenType
from jsonata2py.runtime import core

from mlflowsteps.asl.values import Entropy, Json, dumps, loads

__all__ = ["Failed", "Names", "Program", "Undefined", "Unparsable", "compile_program", "names_in"]

TIME_LIMIT_SECONDS = 5.0
REGEX_SECONDS = 1.0
MAX_ITEMS = 500_000
MAX_TEXT = 8_388_608
VALUE_WEIGHT = 16
MAX_EXPRESSION = 32_768
_MEMORY = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
_STACK = "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive"
_TIME = "Expression evaluation timeout: Check for infinite loop"
_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}

# Built-ins of the library that the service has otherwise: their names are changed before compiling, because the
# library binds its own at compile time.
_OWN = {"random": "sfn_random", "eval": "sfn_eval", "now": "sfn_now", "millis": "sfn_millis"}


class Unparsable(Exception):
    """No JSONata; the text says why."""


class Undefined(Exception):
    """The expression gave nothing."""


class Failed(Exception):
    """The expression failed; ``code`` is JSONata's, None where the service writes none."""

    def __init__(self, code: str | None, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression refers to.

    Args:
        bare: names, wildcards and ``$`` read from a top-level context, which there is none of.
        root: it refers to ``$$``.
        states: the fields of ``$states`` it reads.
        variables: names of variables it may read.
    """

    bare: tuple[str, ...]
    root: bool
    states: frozenset[str]
    variables: frozenset[str]


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression; safe to share between threads."""

    expression: Any
    names: Names

    def run(self, states: Json, variables: dict[str, Json], entropy: Entropy) -> Json:
        """Evaluate it.

        Args:
            states: value of ``$states``.
            variables: values of the workflow's variables.
            entropy: what ``$random()`` and ``$uuid()`` draw from.

        Raises:
            Undefined: it gave nothing.
            Failed: it failed, or took too much time or memory.
        """
        bindings = JsonataBindings().bind_value("states", states)
        for name in self.names.variables:
            if name in variables:
                bindings.bind_value(_OWN.get(name, name), variables[name])
        token = _entropy.set(entropy)
        try:
            return _plain(self.expression.evaluate(MISSING, bindings))
        except JsonataEvaluationError as error:
            raise _failed(error) from None
        except (RecursionError, MemoryError):
            raise Failed(None, _MEMORY) from None
        finally:
            _entropy.reset(token)


_entropy: ContextVar[Entropy] = ContextVar("entropy")
_factory = JsonataExpressionFactory()


@lru_cache(maxsize=512)
def compile_program(text: str) -> Program:
    """Compile an expression, without its ``{% %}``.

    Raises:
        Unparsable: it is no JSONata.
    """
    names = names_in(text)
    try:
        expression = _factory.compile(_renamed(text))
    except JsonataCompilationError as error:
        raise Unparsable(_message(error)) from None
    except (RecursionError, MemoryError, ValueError, OverflowError) as error:
        raise Unparsable(str(error) or "the expression is nested too deeply") from None
    expression.set_timeout(int(TIME_LIMIT_SECONDS * 1000))
    for name, function in _FUNCTIONS.items():
        expression.register_function(name, function)
    _bound(expression)
    return Program(expression, names)


def _renamed(text: str) -> str:
    """The text with the names of _OWN changed, wherever the lexer finds them as variables."""
    found = [token for token in Lexer.tokenize(text) if token.type is TokenType.VARIABLE and token.value in _OWN]
    for token in reversed(found):
        end = token.position + 1 + len(token.value)
        text = f"{text[: token.position]}${_OWN[token.value]}{text[end:]}"
    return text


def _message(error: JsonataError) -> str:
    """The message without the code before it and the position behind it."""
    text = str(error.message).partition(" (position")[0]
    code, separator, rest = text.partition(": ")
    return rest if separator and len(code) == 5 and code[1:].isdigit() else text


def _failed(error: JsonataEvaluationError) -> Failed:
    message = _message(error)
    if error.error_code == "U1001":
        return Failed(None, _TIME if "timeout" in message else _STACK)
    inner = error.__cause__
    while inner is not None:  # failures of our own functions come wrapped
        if isinstance(inner, Failed):
            return inner
        if isinstance(inner, MemoryError):
            return Failed(None, _MEMORY)
        inner = inner.__cause__
    return Failed(error.error_code, message)


# --- names


@lru_cache(maxsize=512)
def names_in(text: str) -> Names:
    """What an expression refers to.

    Raises:
        Unparsable: it is no JSONata.

    >>> names_in("$states.input.a & $b & c").bare
    ('c',)
    """
    if len(text) > MAX_EXPRESSION:
        raise Unparsable(f"the expression has more than {MAX_EXPRESSION} characters")
    try:
        tree = Parser.parse(text)
        return _names(tree)
    except JsonataError as error:
        raise Unparsable(_message(error)) from None
    except (RecursionError, ValueError, OverflowError) as error:
        reason = str(error) if isinstance(error, ValueError) else "the expression is nested too deeply"
        raise Unparsable(reason) from None


# Which parts of a node see the same context as the node itself; all others see what the first part gives.
_SAME_CONTEXT: dict[str, tuple[str, ...]] = {
    "PredicateExpr": ("source",),
    "ArraySubscript": ("source",),
    "SortExpr": ("source",),
    "GroupByExpr": ("source",),
    "TransformExpr": ("source",),
    "TransformLambda": (),
}


def _names(tree: Any) -> Names:
    bare: dict[str, None] = {}
    root = False
    states: set[str] = set()
    variables: set[str] = set()
    waiting = [(tree, True)]
    while waiting:
        node, top = waiting.pop()
        kind = type(node).__name__
        if kind == "RootRef":
            root = True
        elif top and kind in _BARE:
            bare[_BARE[kind] or node.name] = None
        elif kind == "VariableRef" or (kind == "FunctionCall" and not is_builtin(node.name)):
            variables.add(node.name)
        if kind == "PathExpr":
            states.update(_field_of_states(node.steps))
            waiting.extend((step, top and at == 0) for at, step in reversed(list(enumerate(node.steps))))
        else:
            same = _SAME_CONTEXT.get(kind)
            waiting.extend((child, top and (same is None or part in same)) for part, child in _children(node))
    return Names(tuple(bare), root, frozenset(states), frozenset(variables))


_BARE = {"FieldRef": "", "ContextRef": "$", "WildcardStep": "*", "DescendantStep": "**", "ParentStep": "%"}


def _field_of_states(steps: list[Any]) -> Iterator[str]:
    if len(steps) > 1 and type(steps[0]).__name__ == "VariableRef" and steps[0].name == "states":
        second = steps[1]
        while hasattr(second, "source"):
            second = second.source
        if type(second).__name__ == "FieldRef":
            yield second.name


def _children(node: Any) -> Iterator[tuple[str, Any]]:
    """The nodes below a node, each with the part of it they stand in, last first."""
    if not is_dataclass(node) or isinstance(node, type):
        return
    for part in reversed(fields(node)):
        value = getattr(node, part.name)
        for item in reversed(value) if isinstance(value, list) else (value,):
            if is_dataclass(item) and not isinstance(item, type):
                yield part.name, item


# --- results


def _plain(value: Any) -> Json:
    """A result as JSON: no functions, no undefined, a bounded number of values, numbers within range."""
    if value is MISSING:
        raise Undefined
    budget = [MAX_ITEMS]
    return _plain_value(value, budget)


def _plain_value(value: Any, budget: list[int]) -> Json:
    budget[0] -= 1
    if budget[0] < 0:
        raise Failed(None, _MEMORY)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Failed("D1001", f"Number out of range: {value}")
        return value
    if isinstance(value, dict):
        return {key: _plain_value(item, budget) for key, item in value.items() if item is not MISSING}
    if isinstance(value, list | tuple):
        return [_plain_value(item, budget) for item in value if item is not MISSING]
    raise Failed(None, "The result is a function, which is no JSON value")


# --- Step Functions' functions


def _partition(items: Any, size: Any) -> Any:
    if items is MISSING or size is MISSING:
        return MISSING
    whole, length = items if isinstance(items, list) else [items], _whole(size, "partition", 2)
    if length < 1:
        raise Failed("D3137", "Argument 2 of function partition must be 1 or more")
    return [whole[at : at + length] for at in range(0, len(whole), length)]


def _range(first: Any, last: Any, step: Any) -> Any:
    if MISSING in (first, last, step):
        return MISSING
    start, stop, by = _whole(first, "range", 1), _whole(last, "range", 2), _whole(step, "range", 3)
    if by == 0:
        raise Failed("D3137", "Argument 3 of function range must not be 0")
    numbers = range(start, stop + (1 if by > 0 else -1), by)
    if len(numbers) > MAX_ITEMS:
        raise Failed(None, _MEMORY)
    found = list(numbers)
    return found[0] if len(found) == 1 else found  # a sequence of one is its value


def _whole(value: Any, function: str, position: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Failed("T0410", f'Argument {position} of function "{function}" does not match function signature')
    return math.floor(value + 0.5)


def _hash(content: Any, algorithm: Any = "SHA-256") -> Any:
    if content is MISSING:
        return MISSING
    name = _HASHES.get(algorithm) if isinstance(algorithm, str) else None
    if name is None:
        raise Failed("D3137", f"Argument 2 of function hash must be one of {', '.join(_HASHES)}")
    text = content if isinstance(content, str) else dumps(_plain(content))
    return hashlib.new(name, text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _parse(text: Any) -> Any:
    if text is MISSING:
        return MISSING
    if not isinstance(text, str):
        raise Failed("T0410", 'Argument 1 of function "parse" does not match function signature')
    try:
        return loads(text)
    except ValueError as error:
        raise Failed(None, f"Argument 1 of function parse is no JSON: {error}") from None


def _random(seed: Any = MISSING) -> Any:
    """A number in [0, 1); with a seed the first one of java.util.Random, as the service gives it."""
    if seed is MISSING:
        return _entropy.get().draw()
    state = (_whole(seed, "random", 1) ^ 0x5DEECE66D) & ((1 << 48) - 1)
    parts = []
    for bits in (26, 27):
        state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        parts.append(state >> (48 - bits))
    return ((parts[0] << 27) + parts[1]) / (1 << 53)


def _no_eval(*_arguments: Any) -> Any:
    raise Failed("T1006", "Attempted to invoke a non-function")


def _millis() -> int:
    return _entropy.get().millis()


def _now(picture: Any = MISSING, timezone: Any = MISSING) -> Any:
    return core.fn_fromMillis(_millis(), picture, timezone)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "parse": _parse,
    "uuid": lambda: _entropy.get().uuid(),
    "sfn_random": _random,
    "sfn_eval": _no_eval,
    "sfn_millis": _millis,
    "sfn_now": _now,
}


# --- bounds on what an expression makes


def _bound(expression: Any) -> None:
    """Put guarded functions in place of those the compiled expression calls by name."""
    expression._entry_point.__globals__.update(_GUARDED)  # noqa: SLF001 - no public way; the version is pinned


def _weight(value: Any) -> int:
    """Characters in a value, each value inside counted as VALUE_WEIGHT, up to a little more than MAX_TEXT."""
    total, waiting = 0, [value]
    while waiting and total <= MAX_TEXT:
        item = waiting.pop()
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, dict):
            total += VALUE_WEIGHT * len(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            total += VALUE_WEIGHT * len(item)
            waiting.extend(item)
    return total


def _demand(size: float, most: int) -> None:
    if size > most:
        raise MemoryError


def _concat(left: Any, right: Any) -> Any:
    for side in (left, right):
        _demand(len(side) if isinstance(side, str) else _weight(side), MAX_TEXT)
    return core.concat(left, right)


def _string(value: Any, prettify: Any = MISSING) -> Any:
    _demand(_weight(value), MAX_TEXT)
    return core.fn_string(value, prettify)


def _between(first: Any, last: Any) -> Any:
    if isinstance(first, int | float) and isinstance(last, int | float):
        _demand(last - first, MAX_ITEMS)
    return core.range_(first, last)


def _range_holder(first: Any, last: Any) -> Any:
    _demand(last - first, MAX_ITEMS)
    return core.range_flatten(first, last)


def _array(*elements: Any) -> Any:
    _demand(sum(len(element) for element in elements if isinstance(element, list)), MAX_ITEMS)
    return core.array_of(*elements)


def _append(left: Any, right: Any) -> Any:
    _demand(sum(len(side) for side in (left, right) if isinstance(side, list)), MAX_ITEMS)
    return core.fn_append(left, right)


def _pad(text: Any, width: Any, char: Any = MISSING) -> Any:
    if isinstance(width, int | float):
        _demand(abs(width) * (len(char) if isinstance(char, str) else 1), MAX_TEXT)
    return core.fn_pad(text, width, char)


def _join(items: Any, separator: Any = MISSING) -> Any:
    if isinstance(items, list) and isinstance(separator, str):
        _demand(len(items) * len(separator) + _weight(items), MAX_TEXT)
    return core.fn_join(items, separator)


def _replace(text: Any, pattern: Any, replacement: Any, limit: Any = MISSING) -> Any:
    if isinstance(text, str) and isinstance(replacement, str):
        times = text.count(pattern) if isinstance(pattern, str) and pattern else len(text) + 1
        if isinstance(limit, int | float):
            times = int(min(times, limit))
        _demand(times * len(replacement) + len(text), MAX_TEXT * 8)
    return core.fn_replace(text, pattern, replacement, limit)


class _TimedPattern:
    """A compiled regular expression whose searches end in time; searching is all the library does with one."""

    __slots__ = ("_search",)

    def __init__(self, compiled: Any) -> None:
        self._search = compiled.search

    def search(self, text: str, start: int = 0) -> Any:
        try:
            return self._search(text, start, timeout=REGEX_SECONDS)
        except TimeoutError:
            raise Failed(None, _TIME) from None


def _regex(pattern: str, flags: str) -> Any:
    found = core.regex_value(pattern, flags)
    return replace(found, compiled=_TimedPattern(found.compiled))


_GUARDED: dict[str, Callable[..., Any]] = {
    "concat": _concat,
    "fn_string": _string,
    "range_": _between,
    "range_flatten": _range_holder,
    "array_of": _array,
    "fn_append": _append,
    "fn_pad": _pad,
    "fn_join": _join,
    "fn_replace": _replace,
    "regex_value": _regex,
}
