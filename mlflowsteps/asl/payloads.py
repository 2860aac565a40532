"""Payload templates: JSON in which the values of keys ending in ``.$`` are paths or intrinsic functions.

It owns how a template becomes a payload, and re-exports the JSON values expressions work on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from mlflowsteps.asl.intrinsics import compile_intrinsic, is_intrinsic
from mlflowsteps.asl.paths import Path, compile_path
from mlflowsteps.asl.values import Entropy, Json, Scope, dumps, loads, same_value, size_of
from mlflowsteps.exceptions import InvalidExpression, PathError, StatesError

__all__ = [
    "Closure", "Entropy", "Json", "Scope", "compile_template", "compile_value", "dumps", "filled", "loads",
    "same_value", "size_of",
]  # fmt: skip

Closure: TypeAlias = Callable[[Scope], Json]


def compile_template(value: Json) -> Closure:
    """A function that makes the payload of a template.

    Args:
        value: the template: any JSON. In its objects, ``"key.$": "..."`` gives ``key`` the value of a path (``$``,
            ``$$``, ``$name``) or of an intrinsic function.

    Returns:
        A function of a Scope. What is the same for all inputs is made once and shared: treat it as frozen.

    Raises:
        InvalidExpression: a key's value is neither a path nor an intrinsic function, two keys give the same name, or
            the template is nested too deeply.

    >>> compile_template({"a.$": "$.x", "b": [1, {"c.$": "States.MathAdd($.x, 1)"}]})(Scope({"x": 2}))
    {'a': 2, 'b': [1, {'c': 3}]}
    """
    try:
        closure = _compiled(value)
    except RecursionError:
        raise InvalidExpression("{...}", "the template is nested too deeply") from None
    return closure if closure is not None else lambda _scope: value


def compile_value(text: str, field: str) -> Closure:
    """A function that reads a path or calls an intrinsic function, for a field whose errors name it.

    Args:
        text: a path or an intrinsic function.
        field: the field's name as it stands in error texts, such as ``value.$`` or ``ErrorPath``.

    Raises:
        InvalidExpression: the text is neither.
    """
    if is_intrinsic(text):
        return compile_intrinsic(text)
    return _field_reader(compile_path(text), field)


def _field_reader(path: Path, field: str) -> Closure:
    read, context = path.read, path.root == "$$"

    def value(scope: Scope) -> Json:
        try:
            return read(scope)
        except PathError as error:
            if error.past_end:
                return None  # the service gives null for an index beyond an array's end, here alone
            raise _not_found(error, field, scope.context if context else scope.input) from None

    return value


def _not_found(error: PathError, field: str, document: Json) -> StatesError:
    """The wording of Parameters, ErrorPath and their like: the field's name and the input are in it."""
    return StatesError(
        "States.Runtime",
        f"The JSONPath '{error.path}' specified for the field '{field}' could not be found in the input "
        f"'{dumps(document)}'",
    )


def _compiled(value: Json) -> Closure | None:
    """The closure of a template; None where it is the same for all inputs."""
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        return _array(value)
    return None


def _object(template: dict[str, Json]) -> Closure | None:
    static: dict[str, Json] = {}
    moving: list[tuple[str, Closure]] = []
    for key, item in template.items():
        name = key[:-2] if key.endswith(".$") else key
        closure = _compiled(item) if name == key else _expression(item, key)
        if name in static:
            raise InvalidExpression(key, f"the name {name!r} is given twice")
        static[name] = item if closure is None else None  # a place holder keeps the order of the keys
        if closure is not None:
            moving.append((name, closure))
    return filled(static, moving) if moving else None


def filled(frame: Json, moving: Sequence[tuple[str | int, Closure]]) -> Closure:
    """A copy of an object or array, with what moves put in at its keys or indices."""

    def build(scope: Scope) -> Json:
        made = frame.copy()
        for place, closure in moving:
            made[place] = closure(scope)
        return made

    return build


def _expression(text: Json, key: str) -> Closure:
    if not isinstance(text, str):
        raise InvalidExpression(key, f"its value must be a path or an intrinsic function, not {dumps(text)}")
    return compile_value(text, key)


def _array(template: list[Json]) -> Closure | None:
    closures = [_compiled(item) for item in template]
    moving = [(at, closure) for at, closure in enumerate(closures) if closure is not None]
    return filled(template, moving) if moving else None
