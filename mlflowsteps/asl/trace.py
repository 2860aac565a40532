"""A state's phases with an observer: the same closures, each telling what it made.

Owns which name of TestState's inspection each phase goes by. The phases themselves are ``dataflow``'s; a traced state
does what the state does, and nothing of this costs a state that is not traced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from mlflowsteps.asl.dataflow import Flow, JsonataFlow, PathFlow, Place
from mlflowsteps.asl.definition import Catcher, State
from mlflowsteps.asl.payloads import Closure, Json, Scope

__all__ = ["Note", "traced"]

Note: TypeAlias = Callable[[str, Json], None]
"""Told the name of a phase and what it made."""


def traced(state: State, note: Note) -> State:
    """The state, telling ``note`` of its phases, and of the catcher that takes a failure (``catchIndex``)."""
    catchers = tuple(
        replace(catcher, flow=_TracedCatcher(catcher, index, note)) for index, catcher in enumerate(state.catchers)
    )
    return replace(state, flow=_traced_flow(state.flow, note), catchers=catchers, plain=False)


def _traced_flow(flow: Flow, note: Note) -> Flow:
    if isinstance(flow, PathFlow):
        return PathFlow(
            input_path=_telling("afterInputPath", flow.input_path, note),
            parameters=_telling("afterParameters", flow.parameters, note),
            selector=_telling("afterResultSelector", flow.selector, note),
            place=_telling_place(flow.place, note),
            assign=flow.assign,
            output_path=flow.output_path,
        )
    if isinstance(flow, JsonataFlow):
        return replace(flow, arguments=_telling_arguments(flow.arguments, note))
    return flow


def _telling(name: str, phase: Closure | None, note: Note) -> Closure:
    def observed(scope: Scope) -> Json:
        value = scope.input if phase is None else phase(scope)
        note(name, value)
        return value

    return observed


def _telling_place(place: Place | None, note: Note) -> Place:
    def observed(document: Json, result: Json) -> Json:
        value = result if place is None else place(document, result)
        note("afterResultPath", value)
        return value

    return observed


def _telling_arguments(arguments: Closure | None, note: Note) -> Closure:
    def observed(scope: Scope) -> Json:
        value = scope.input["input"] if arguments is None else arguments(scope)  # see JsonataFlow.effective
        note("afterArguments", value)
        return value

    return observed


class _TracedCatcher:
    """A catcher's phases, telling that they were reached."""

    def __init__(self, catcher: Catcher, index: int, note: Note) -> None:
        self._flow, self._index, self._note = catcher.flow, index, note

    def caught(self, scope: Scope, error: Json) -> tuple[Json, dict[str, Json] | None]:
        """See ``dataflow.CatchFlow``."""
        self._note("catchIndex", self._index)
        return self._flow.caught(scope, error)
