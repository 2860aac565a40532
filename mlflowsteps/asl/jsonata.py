"""JSONata as Step Functions offers it: ``{% %}`` expressions compiled once into closures.

It owns how expressions stand in fields and templates, the texts of their failures, and the check of what the service
refuses when a definition is created. The library behind it is loaded only by a definition that uses JSONata.

The closures take a Scope whose ``input`` is the value of ``$states``; variables are ``$name``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from mlflowsteps.asl.payloads import filled
from mlflowsteps.asl.values import Json, Scope, dumps
from mlflowsteps.exceptions import InvalidExpression, LocatedError

if TYPE_CHECKING:
    from mlflowsteps.asl.jsonata_library import Program

__all__ = ["check_expression", "compile_expression", "compile_template", "is_expression", "variables_in"]

Closure: TypeAlias = Callable[[Scope], Json]

ERROR = "States.QueryEvaluationError"

_KINDS: dict[str, Callable[[Json], bool]] = {
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "null": lambda value: value is None,
}


def is_expression(value: Json) -> bool:
    """Whether a value is an expression: a string that begins with ``{%`` and ends with ``%}``.

    >>> is_expression("{% 1 %}"), is_expression(" {% 1 %}")
    (True, False)
    """
    return isinstance(value, str) and len(value) >= 4 and value.startswith("{%") and value.endswith("%}")


def compile_expression(text: str, where: str, expected: str = "") -> Closure:
    """Compile an expression that is the whole of a field.

    Args:
        text: the field's value, ``{% ... %}``; any other string stands for itself.
        where: the field, as errors name it: ``Items``, ``Choices[0]/Condition``.
        expected: ``array``, ``object``, ``string``, ``boolean`` or ``number``; empty: any value.

    Returns:
        A function of a Scope. It raises LocatedError, States.QueryEvaluationError, where the expression fails, gives
        nothing, or gives a value of another kind.

    Raises:
        InvalidExpression: no JSONata.

    >>> compile_expression("{% $states.input.a + 1 %}", "Seconds", "number")(Scope({"input": {"a": 1}}))
    2
    """
    if not is_expression(text):
        return lambda _scope: text
    evaluate = _evaluator(text[2:-2].strip(), where)
    if not expected:
        return evaluate
    source, fits = text[2:-2].strip(), _KINDS[expected]

    def value(scope: Scope) -> Json:
        found = evaluate(scope)
        if not fits(found):
            cause = (
                f"The JSONata expression '{source}' specified for the field '{where}' returned an unexpected result "
                f"type. Expected '{expected}', but was '{_kind(found)}' for value: {dumps(found)}"
            )
            raise LocatedError(ERROR, cause, where)
        return found

    return value


def compile_template(value: Json, where: str) -> Closure:
    """Compile a value in which strings ``{% %}`` are evaluated, at any depth.

    Args:
        value: any JSON.
        where: the field; places inside are told as ``Output/a[0]``.

    Returns:
        A function of a Scope. What is the same for all is made once and shared: treat it as frozen.

    Raises:
        InvalidExpression: a string is no JSONata, or the value is nested too deeply.

    >>> compile_template({"a": ["{% $x %}", 1]}, "Output")(Scope({}, variables={"x": "y"}))
    {'a': ['y', 1]}
    """
    try:
        closure = _compiled(value, where)
    except RecursionError:
        raise InvalidExpression("{...}", "the value is nested too deeply") from None
    return closure if closure is not None else lambda _scope: value


def check_expression(text: str, place: str) -> Iterator[tuple[str, str, str]]:
    """What the service refuses in an expression when a definition is created.

    Args:
        text: the expression, without ``{% %}``.
        place: ``state``, or ``catcher``: where ``$states.errorOutput`` is and ``$states.result`` is not.

    Yields:
        Code, message and hint.
    """
    from mlflowsteps.asl.jsonata_library import Unparsable, compile_program, names_in

    try:
        names = names_in(text)
        compile_program(text)
    except Unparsable as error:
        yield "INVALID_JSONATA_EXPRESSION", f"{error}", f"In: {text[:200]}"
        return
    code = "UNSUPPORTED_JSONATA_EXPRESSION"
    for name in names.bare:
        hint = "Write $states.input for the input" if name == "$" else f"Write $states.input.{name} or ${name}"
        yield code, f"Reference to '{name}' at the top level is not supported.", hint
    if names.root:
        yield code, "Reference to '$$' is not supported.", "Write $states.input"
    absent = "errorOutput" if place == "state" else "result"
    if absent in names.states:
        yield code, f"Field '$states.{absent}' does not exist.", f"It exists {_WHERE[absent]} alone"


_WHERE = {"errorOutput": "in a catcher's Assign and Output", "result": "in a state's own Assign and Output"}


def variables_in(text: str) -> frozenset[str]:
    """Names of the variables an expression may read, ``states`` left out.

    Raises:
        InvalidExpression: no JSONata.

    >>> sorted(variables_in("$a + $b.c + $states.input.d"))
    ['a', 'b']
    """
    return _program(text).names.variables - {"states"}


# --- compiling


def _program(text: str) -> Program:
    from mlflowsteps.asl.jsonata_library import Unparsable, compile_program

    try:
        return compile_program(text)
    except Unparsable as error:
        raise InvalidExpression(text, str(error)) from None


def _evaluator(text: str, where: str) -> Closure:
    from mlflowsteps.asl.jsonata_library import Failed, Undefined

    run = _program(text).run
    opening = f"The JSONata expression '{text}' specified for the field '{where}'"

    def evaluate(scope: Scope) -> Json:
        try:
            return run(scope.input, scope.variables, scope.entropy)
        except Undefined:
            raise LocatedError(ERROR, f"{opening} returned nothing (undefined).", where) from None
        except Failed as failure:
            told = f". {failure.code}: {failure.message}" if failure.code else f": {failure.message}"
            raise LocatedError(ERROR, f"{opening} threw an error during evaluation{told}", where) from None

    return evaluate


def _kind(value: Json) -> str:
    return next((name for name, fits in _KINDS.items() if fits(value)), "unknown")


def _compiled(value: Json, where: str) -> Closure | None:
    """The closure of a template; None where it is the same for all."""
    if isinstance(value, str):
        return _evaluator(value[2:-2].strip(), where) if is_expression(value) else None
    if isinstance(value, dict):
        return _object(value, where)
    return _array(value, where) if isinstance(value, list) else None


def _object(template: dict[str, Json], where: str) -> Closure | None:
    moving = [(key, closure) for key, item in template.items() if (closure := _compiled(item, f"{where}/{key}"))]
    return filled(template, moving) if moving else None


def _array(template: list[Json], where: str) -> Closure | None:
    moving = [(at, closure) for at, item in enumerate(template) if (closure := _compiled(item, f"{where}[{at}]"))]
    return filled(template, moving) if moving else None
