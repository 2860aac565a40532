"""How data flows through a state: the phases between its input and its output.

JSONPath: InputPath, Parameters, (work), ResultSelector, Assign, ResultPath, OutputPath.
JSONata: Arguments, (work), Assign, Output.

Owns the order of the phases, what each of them sees, and the size a state may pass on. Both query languages offer the
same four functions (``Flow``), so that the engine does not ask which one it runs. Nothing is copied that does not
change: a phase that a state does not have costs nothing, and its value is passed on as the same object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol, TypeAlias

from mlflowsteps.asl.payloads import Closure, Json, Scope, dumps, size_of
from mlflowsteps.exceptions import StatesError

__all__ = [
    "MAX_PAYLOAD_BYTES",
    "CatchFlow",
    "Flow",
    "JsonataFlow",
    "PathFlow",
    "data_limit_error",
    "error_output",
    "iso_time",
    "payload_text",
]

MAX_PAYLOAD_BYTES = 262_144
"""Most bytes, in UTF-8, of an input, an output or a result."""

Place: TypeAlias = Callable[[Json, Json], Json]
Made: TypeAlias = tuple[Json, dict[str, Json] | None]
"""An output, and the variables to assign; None where there are none."""


class CatchFlow(Protocol):
    """What a catcher makes of an error."""

    def caught(self, scope: Scope, error: Json) -> Made:
        """Output and variables when the catcher takes over; ``scope`` is that of the raw input."""


class Flow(CatchFlow, Protocol):
    """The phases of one state, in one query language; ``scope.input`` is always the state's raw input."""

    @property
    def plain(self) -> bool:
        """True: the state has no phases at all; its result is its output."""

    def effective(self, scope: Scope) -> Scope:
        """The scope that the state's own fields (paths, conditions, items) are evaluated in."""

    def payload(self, scope: Scope) -> Json:
        """What the state's work is given."""

    def finish(self, scope: Scope, result: Json) -> Made:
        """Output and variables from the work's result."""


def _at(scope: Scope, value: Json) -> Scope:
    return Scope(value, scope.context, scope.variables, scope.entropy)


def error_output(error: str | None, cause: str | None) -> dict[str, Json]:
    """What a catcher is given.

    >>> error_output("States.Timeout", None)
    {'Error': 'States.Timeout', 'Cause': ''}
    """
    return {"Error": error or "", "Cause": cause or ""}


@dataclass(frozen=True, slots=True)
class PathFlow:
    """The phases in JSONPath; each is None where the state does not have it.

    Args:
        input_path: InputPath.
        parameters: Parameters; None for a Map, whose template makes items, not the payload.
        selector: ResultSelector.
        place: ResultPath, from the raw input and the result to their combination.
        assign: Assign, evaluated on the result.
        output_path: OutputPath.
    """

    input_path: Closure | None = None
    parameters: Closure | None = None
    selector: Closure | None = None
    place: Place | None = None
    assign: Closure | None = None
    output_path: Closure | None = None

    @property
    def plain(self) -> bool:
        """True: there are no phases at all."""
        return self == _NO_PATHS

    def effective(self, scope: Scope) -> Scope:
        """The scope of the effective input."""
        return scope if self.input_path is None else _at(scope, self.input_path(scope))

    def payload(self, scope: Scope) -> Json:
        """The effective input, or what Parameters makes of it."""
        effective = self.effective(scope)
        return effective.input if self.parameters is None else self.parameters(effective)

    def finish(self, scope: Scope, result: Json) -> Made:
        """ResultSelector, Assign on its result, ResultPath into the raw input, OutputPath."""
        if self.selector is not None:
            result = self.selector(_at(scope, result))
        assigned = None if self.assign is None else self.assign(_at(scope, result))
        output = result if self.place is None else self.place(scope.input, result)
        if self.output_path is not None:
            output = self.output_path(_at(scope, output))
        return output, assigned

    def caught(self, scope: Scope, error: Json) -> Made:
        """Assign on the error output, ResultPath into the raw input; OutputPath has no part in it."""
        assigned = None if self.assign is None else self.assign(_at(scope, error))
        return (error if self.place is None else self.place(scope.input, error)), assigned


_NO_PATHS = PathFlow()


@dataclass(frozen=True, slots=True)
class JsonataFlow:
    """The phases in JSONata; each is None where the state does not have it. They see ``$states``.

    Args:
        arguments: Arguments.
        output: Output.
        assign: Assign.
    """

    arguments: Closure | None = None
    output: Closure | None = None
    assign: Closure | None = None

    @property
    def plain(self) -> bool:
        """True: there are no phases at all."""
        return self.output is None and self.assign is None and self.arguments is None

    def effective(self, scope: Scope) -> Scope:
        """The scope with ``$states.input`` and ``$states.context``."""
        return _at(scope, {"input": scope.input, "context": scope.context})

    def payload(self, scope: Scope) -> Json:
        """What Arguments makes; without it, the input."""
        return scope.input if self.arguments is None else self.arguments(self.effective(scope))

    def finish(self, scope: Scope, result: Json) -> Made:
        """Assign and Output, both from ``$states.result`` and the variables as they were."""
        return self._made(scope, {"input": scope.input, "result": result, "context": scope.context}, result)

    def caught(self, scope: Scope, error: Json) -> Made:
        """Assign and Output of a catcher, from ``$states.errorOutput``."""
        return self._made(scope, {"input": scope.input, "errorOutput": error, "context": scope.context}, error)

    def _made(self, scope: Scope, states: Json, otherwise: Json) -> Made:
        if self.assign is None and self.output is None:
            return otherwise, None
        inner = _at(scope, states)
        assigned = None if self.assign is None else self.assign(inner)
        return (otherwise if self.output is None else self.output(inner)), assigned


# --- sizes


def data_limit_error(name: str) -> StatesError:
    """The error of a result that is too large.

    Args:
        name: the state's name, or what its task's errors go by (``lambda``, an ARN).
    """
    return StatesError(
        "States.DataLimitExceeded",
        f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit.",
    )


def payload_text(value: Json, name: str, most: int = MAX_PAYLOAD_BYTES) -> str:
    """JSON text of what a state passes on.

    Args:
        value: the value.
        name: the state's name, for the error.
        most: bytes it may have.

    Raises:
        StatesError: States.DataLimitExceeded: it has more.
    """
    text = dumps(value)
    # A character is at most four bytes: most texts need no counting.
    if len(text) * 4 > most and size_of(text) > most:
        raise data_limit_error(name)
    return text


# --- time


@lru_cache(maxsize=64)  # much happens at one time
def iso_time(seconds: float) -> str:
    """A point in time as the context object writes it: UTC, milliseconds.

    >>> iso_time(1.5)
    '1970-01-01T00:00:01.500Z'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
