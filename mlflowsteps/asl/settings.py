"""Numbers of states that are known, or that an expression gives when the state runs.

Owns fields such as ``TimeoutSeconds``, their path twins and their JSONata form, and the texts of what is no number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from mlflowsteps.asl import jsonata
from mlflowsteps.asl.fields import JSONATA
from mlflowsteps.asl.paths import compile_path
from mlflowsteps.asl.payloads import Closure, Json, Scope, dumps
from mlflowsteps.exceptions import StatesError

__all__ = ["Number", "Setting", "compile_setting", "number_of"]

Number: TypeAlias = int | float
Setting: TypeAlias = Number | Closure | None
"""A number that is known, one that an expression gives when the state runs, or none."""


def number_of(setting: Setting, scope: Scope) -> Number | None:
    """The number of a setting.

    Args:
        setting: the setting.
        scope: what its expression is evaluated in.
    """
    if callable(setting):
        number: Number = setting(scope)
        return number
    return setting


def compile_setting(source: dict[str, Json], name: str, language: str, kind: str = "integer") -> Setting:
    """A number given literally, by an expression, or by the field's path twin.

    Args:
        source: the object that has the field.
        name: the field.
        language: query language of the state.
        kind: ``integer`` or ``float``: what text at a path must read as.

    Raises:
        ValueError: the literal is no number.
    """
    if name + "Path" in source:
        return _number_at(source[name + "Path"], name + "Path", kind)
    value = source.get(name)
    if isinstance(value, str) and language == JSONATA:
        return jsonata.compile_expression(value, name, "number")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError(f"{name} must be a number, not {value!r}")
    return value


_NUMBERS: dict[str, Callable[[str], Number]] = {"integer": int, "float": float}


def _number_at(text: str, name: str, kind: str) -> Closure:
    read, convert = compile_path(text).read, _NUMBERS[kind]

    def number(scope: Scope) -> Number:
        value = read(scope)
        try:  # the service takes text that reads as a number, too
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                return convert(str(value))
        except ValueError:
            pass
        shown = value if isinstance(value, str) else dumps(value)
        raise StatesError(
            "States.Runtime", f'The {name} field refers to value "{shown}" which is not a valid {kind}: {text}'
        )

    return number
