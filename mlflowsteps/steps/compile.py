"""Steps to a definition: a walk over the links, without recursion, each state written once.

It owns the order of the states, their names being distinct, and the nesting of machines. What a state looks like is the
state's own; whether the definition is valid is ``asl.validate``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from mlflowsteps.asl.fields import JSONPATH
from mlflowsteps.exceptions import DefinitionError, Diagnostic
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.chain import Chain

__all__ = ["MAX_DEPTH", "Nest", "Renderable", "compile_machine", "compile_state", "reachable"]

MAX_DEPTH = 150
"""Deepest nesting of Parallel and Map states."""

Nest: TypeAlias = "Callable[[Renderable | Chain | dict[str, Json], dict[str, Json]], dict[str, Json]]"
"""Given a branch and the fields of its machine: the dict that will hold that machine when compiling is done."""


class Renderable(Protocol):
    """What compiling asks of a state."""

    state_id: str

    def links(self) -> Iterable[Renderable | Chain]:
        """States and chains this one may go on with."""

    def nested(self) -> Iterable[Renderable | Chain]:
        """What the machines nested in this state begin with."""

    def render_state(self, language: str, nest: Nest) -> dict[str, Json]:
        """The state in a machine of this query language; ``nest`` gives the dict of each machine in it."""

    def outputs_used(self) -> Iterable[tuple[str, object]]:
        """Keyword and ``Origin`` of each other state's output that the state's input is asked for."""

    @property
    def origin(self) -> object:
        """The identity of this state's own output."""

    def keeps_input(self) -> bool:
        """True where what was in the state's input may still be in its output."""

    def caught(self) -> Iterable[Renderable | Chain]:
        """Those of the links that are taken after an error."""


@dataclass(slots=True)
class _Scope:
    """One machine that is still to be written."""

    start: Renderable | Chain
    machine: dict[str, Json]
    language: str
    depth: int
    path: str
    containers: frozenset[int] = field(default_factory=frozenset)


def compile_machine(start: Renderable | Chain, language: str = JSONPATH, **fields: Json) -> dict[str, Json]:
    """The definition of a whole machine.

    Args:
        start: the first state, or a chain.
        language: query language of states that name none.
        fields: fields of the machine itself, by their names in the definition.

    Returns:
        A new dict each time, in the order in which the states are reached.

    Raises:
        DefinitionError: two different states have one name, a state's output is used where it cannot be, or the nesting
            is deeper than ``MAX_DEPTH``.
        TypeError: a value is no JSON, or a placeholder stands where there is no place for one.
        ValueError: a chain is empty.
    """
    machine: dict[str, Json] = dict(fields)
    _run(deque([_Scope(start, machine, language, 0, "")]))
    return machine


def compile_state(state: Renderable, language: str = JSONPATH) -> dict[str, Json]:
    """One state with the machines nested in it; what follows it is left out.

    Raises:
        DefinitionError: as ``compile_machine``.
        TypeError: as ``compile_machine``.
    """
    pending: deque[_Scope] = deque()
    found = _render(state, _Scope(state, {}, language, 0, ""), pending)
    _run(pending)
    return found


def _run(pending: deque[_Scope]) -> None:
    while pending:
        scope = pending.popleft()
        if scope.depth > MAX_DEPTH:
            raise DefinitionError(
                [
                    Diagnostic(
                        "TOO_DEEPLY_NESTED",
                        scope.path[:200],
                        f"Parallel and Map states are nested deeper than {MAX_DEPTH} levels.",
                        "Put the inner part into a workflow of its own and call it (StepFunctionsStartExecutionStep).",
                    )
                ]
            )
        _write(scope, pending)


def _write(scope: _Scope, pending: deque[_Scope]) -> None:
    states: dict[str, Json] = {}
    scope.machine["StartAt"] = scope.start.state_id
    scope.machine["States"] = states
    owners: dict[str, Renderable] = {}
    found = list(reachable(scope.start))
    for state in found:
        if state.state_id not in owners:
            owners[state.state_id] = state
            states[state.state_id] = _render(state, scope, pending)
        elif compile_state(owners[state.state_id], scope.language) != compile_state(state, scope.language):
            raise DefinitionError(
                [
                    Diagnostic(
                        "DUPLICATE_STATE_NAME",
                        f"{scope.path}/States/{_escaped(state.state_id)}",
                        f"Each state in a workflow must have a unique state id, but two different ones are called "
                        f"{state.state_id!r}.",
                        "Rename one of them.",
                    )
                ]
            )
    _check_outputs(scope, found)


def _render(state: Renderable, scope: _Scope, pending: deque[_Scope]) -> dict[str, Json]:
    if id(state) in scope.containers:
        raise DefinitionError(
            [
                Diagnostic(
                    "TOO_DEEPLY_NESTED",
                    f"{scope.path}/States/{_escaped(state.state_id)}",
                    f"State {state.state_id!r} stands inside itself.",
                    "Give the branch steps of its own.",
                )
            ]
        )

    def nest(branch: Renderable | Chain | dict[str, Json], fields: dict[str, Json]) -> dict[str, Json]:
        machine = dict(fields)
        if isinstance(branch, dict):
            machine.update(branch)
            return machine
        path = f"{scope.path}/States/{_escaped(state.state_id)}"
        inner = _Scope(branch, machine, scope.language, scope.depth + 1, path, scope.containers | {id(state)})
        pending.append(inner)
        return machine

    return state.render_state(scope.language, nest)


def reachable(start: Renderable | Chain) -> Iterator[Renderable]:
    """The states of one machine, each once: the way straight on first, then what errors and choices lead to."""
    seen: set[int] = set()
    pending: list[Renderable | Chain] = [start]
    while pending:
        step = pending.pop()
        if isinstance(step, Chain):
            pending.extend(reversed(step.steps))
        elif id(step) not in seen:
            seen.add(id(step))
            yield step
            pending.extend(reversed(list(step.links())))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


# ------------------------------------------------------------------------------ outputs that are no longer there


def _check_outputs(scope: _Scope, states: list[Renderable]) -> None:
    """Refuse ``other.output()`` where every way to the state replaces that output on the way."""
    used = [(state, keyword, origin) for state in states for keyword, origin in state.outputs_used()]
    if not used:
        return
    here = {id(state.origin): state for state in states if state.origin is not None}
    before = _predecessors(states)
    faults = []
    for state, keyword, origin in used:
        maker = here.get(id(origin))
        if maker is None or maker is state or _reaches(maker, state, before):
            continue
        pointer = f"{scope.path}/States/{_escaped(state.state_id)}"
        faults.append(
            Diagnostic(
                "OUTPUT_NOT_AVAILABLE",
                pointer,
                f"State {state.state_id!r} is using an illegal placeholder in {keyword}: the output of "
                f"{maker.state_id!r} is not in its input.",
                f"Let the states between keep it (result_path), or put {state.state_id!r} right after "
                f"{maker.state_id!r}.",
            )
        )
    if faults:
        raise DefinitionError(faults)


def _predecessors(states: list[Renderable]) -> dict[int, list[Renderable | None]]:
    """For each state those that may come before it; None stands for one whose error led to it."""
    before: dict[int, list[Renderable | None]] = {id(state): [] for state in states}
    for state in states:
        caught = {id(_head(step)) for step in state.caught()}
        for link in state.links():
            target = id(_head(link))
            before[target].append(None if target in caught else state)
    return before


def _reaches(maker: Renderable, state: Renderable, before: dict[int, list[Renderable | None]]) -> bool:
    """True where the output of ``maker`` may be in the input of ``state``; also where it would take long to tell."""
    pending, seen = [state], {id(state)}
    while pending and len(seen) < 2000:
        for previous in before[id(pending.pop())]:
            if previous is None or previous is maker:
                return True
            if id(previous) not in seen and previous.keeps_input():
                seen.add(id(previous))
                pending.append(previous)
    return bool(pending)


def _head(step: Renderable | Chain) -> Renderable:
    return step.steps[0] if isinstance(step, Chain) else step
