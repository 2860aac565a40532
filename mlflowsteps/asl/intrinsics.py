"""Intrinsic functions: ``States.Format('{}', $.a)`` compiled once into closures.

It owns the grammar of a call, the nesting limit and the wording of failures; what each function does is written in
``intrinsic_functions``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from mlflowsteps.asl.cursor import Cursor
from mlflowsteps.asl.intrinsic_functions import FUNCTIONS, Function, IntrinsicFault, Template
from mlflowsteps.asl.paths import Path, compile_path
from mlflowsteps.asl.values import Json, Scope, dumps, loads
from mlflowsteps.exceptions import InvalidExpression, PathError, StatesError

__all__ = ["MAX_NESTING", "compile_intrinsic", "is_intrinsic"]

MAX_NESTING = 10
MAX_INTRINSIC = 20_000

Closure: TypeAlias = Callable[[Scope], Json]

_CALL = re.compile(r"States\.([A-Za-z0-9_]+)[ \t\n\r]*\(")
_LITERAL = re.compile(r"(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?=[\s,)])")
_STRING = re.compile(r"'((?:[^'\\]|\\['{}\\])*)'")
_BROKEN_STRING = re.compile(r"'(?:[^'\\]|\\['{}\\])*")


def is_intrinsic(text: str) -> bool:
    """Whether a text is meant as an intrinsic function."""
    return text.startswith("States.")


@lru_cache(maxsize=2048)
def compile_intrinsic(text: str) -> Closure:
    """Compile a call of an intrinsic function.

    Args:
        text: such as ``States.MathAdd($.a, 1)``; calls nest up to ten deep.

    Returns:
        A function of a Scope. It raises StatesError: States.IntrinsicFailure where an argument does not fit,
        States.Runtime where an argument's path finds nothing.

    Raises:
        InvalidExpression: no such function, or no such call of it.

    >>> compile_intrinsic("States.Format('{} and {}', $.a, 1)")(Scope({"a": "x"}))
    'x and 1'
    """
    if len(text) > MAX_INTRINSIC:
        raise InvalidExpression(text, f"an intrinsic function is at most {MAX_INTRINSIC} characters long")
    parser = _Parser(text)
    evaluate = parser.call(1)
    parser.skip()
    if parser.at < len(text):
        raise parser.fault("expected nothing after the closing ')'")

    def run(scope: Scope) -> Json:
        try:
            return evaluate(scope)
        except IntrinsicFault as fault:
            raise StatesError("States.IntrinsicFailure", _failure(text, str(fault))) from None
        except PathError as error:
            raise _missing_argument(text, error, scope) from None
        except RecursionError:
            raise StatesError("States.IntrinsicFailure", _failure(text, "A value is nested too deeply.")) from None

    return run


def _failure(text: str, detail: str) -> str:
    return f"The function '{text}' had the following error: {detail}"


def _missing_argument(text: str, error: PathError, scope: Scope) -> StatesError:
    # The service reports a path into the context object as one into the input.
    path = error.path[1:] if error.path.startswith("$$") else error.path
    detail = f"The JsonPath argument for the field '{path}' could not be found in the input '{dumps(scope.input)}'"
    return StatesError("States.Runtime", _failure(text, detail))


class _Parser(Cursor):
    """Recursive descent over the text, MAX_NESTING deep at most."""

    def call(self, depth: int) -> Closure:
        match = _CALL.match(self.text, self.at)
        if match is None:
            raise self.fault("expected an intrinsic function, such as States.Format('{}', $.a)")
        if depth > MAX_NESTING:
            raise self.fault(f"intrinsic functions nest at most {MAX_NESTING} deep")
        function = FUNCTIONS.get(match[1])
        if function is None:
            near = difflib.get_close_matches(match[1], FUNCTIONS, n=1, cutoff=0.5)
            hint = f"Did you mean States.{near[0]}?" if near else "One of " + ", ".join(sorted(FUNCTIONS))
            raise self.fault(f"there is no intrinsic function States.{match[1]}", hint)
        name, self.at = match[1], match.end()
        arguments = self.arguments(depth, function)
        if not function.fewest <= len(arguments) <= function.most:
            raise self.fault(f"States.{name} takes {function.arity}, not {len(arguments)}")
        return _bind(function, arguments)

    def arguments(self, depth: int, function: Function) -> list[Closure]:
        if self.take(")"):
            return []
        found: list[Closure] = []
        while True:
            self.skip()
            found.append(self.argument(depth, template=function.template and not found))
            if self.take(")"):
                return found
            if not self.take(","):
                raise self.fault("expected ',' or ')'")

    def argument(self, depth: int, *, template: bool) -> Closure:
        mark = self.text[self.at : self.at + 1]
        if mark == "'":
            return self.string(template=template)
        if mark == "$":
            return self.path()
        if mark == "S":
            return self.call(depth + 1)
        match = _LITERAL.match(self.text, self.at)
        if match is None:
            hint = "Strings stand in single quotes" if mark == '"' else ""
            raise self.fault("expected a 'string', a number, true, false, null, a path or a function", hint)
        try:
            value = loads(match[0])
        except ValueError as error:
            raise self.fault(str(error)) from None
        self.at = match.end()
        return lambda _scope: value

    def string(self, *, template: bool) -> Closure:
        match = _STRING.match(self.text, self.at)
        if match is None:
            good = _BROKEN_STRING.match(self.text, self.at)
            self.at = good.end() if good else self.at
            if self.at < len(self.text):
                raise self.fault("a backslash stands only before ', {, } or \\", "Write \\\\ for a backslash")
            raise self.fault("the string is not closed")
        self.at = match.end()
        value: Json = Template.parse(match[1])
        if not template:
            value = re.sub(r"\\(.)", r"\1", match[1])
        return lambda _scope: value

    def path(self) -> Closure:
        start = self.at
        path = self._compiled(self.text[start : self.path_end()])
        return path.read

    def _compiled(self, text: str) -> Path:
        start = self.at
        self.at += len(text)
        try:
            return compile_path(text)
        except InvalidExpression as error:
            self.at = start + (error.position or 0)
            raise self.fault(error.reason, error.hint) from None

    def path_end(self) -> int:
        """Where the path that begins here ends: at a blank, comma or ')' outside of brackets and quotes."""
        at, depth, text = self.at, 0, self.text
        while at < len(text):
            char = text[at]
            if depth == 0 and (char in ",)" or char.isspace()):
                break
            if char in "'\"" and depth:
                at = self._quote_end(at)
            depth += (char in "[(") - (char in "])")
            at += 1
        return at

    def _quote_end(self, at: int) -> int:
        quote, at = self.text[at], at + 1
        while at < len(self.text) and self.text[at] != quote:
            at += 2 if self.text[at] == "\\" else 1
        return at


def _bind(function: Function, arguments: list[Closure]) -> Closure:
    apply = function.apply
    if function.random:
        return lambda scope: apply(scope.entropy, *[argument(scope) for argument in arguments])
    if len(arguments) == 1:
        (first,) = arguments
        return lambda scope: apply(first(scope))
    if len(arguments) == 2:
        first, second = arguments
        return lambda scope: apply(first(scope), second(scope))
    return lambda scope: apply(*[argument(scope) for argument in arguments])
