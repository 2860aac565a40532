"""What all states share: a name, fields given by keyword, and what follows.

A state is mutable while a workflow is written; what it looks like in a definition is made when it is asked for, so that
later changes are seen. It owns fields and links; the order and nesting of states is ``compile``, the kinds of states
are ``states``, the fields themselves are ``asl.fields``.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, TypeAlias, TypeVar, cast

from mlflowsteps.asl.fields import FIELDS, JSONATA, JSONPATH, fields_of
from mlflowsteps.asl.fields import Field as FieldRow
from mlflowsteps.exceptions import DefinitionError, Diagnostic
from mlflowsteps.inputs.placeholders import Origin, StepInput
from mlflowsteps.inputs.schema import Schema
from mlflowsteps.inputs.syntax import TOKEN, Json, Reference
from mlflowsteps.inputs.templates import PLAIN, Place, Template, expression_text, holds_expression
from mlflowsteps.steps.block import Block, render_fields
from mlflowsteps.steps.chain import Chain, head_of, warn_of_relinking
from mlflowsteps.steps.compile import Nest, compile_state, reachable
from mlflowsteps.steps.foreign import adopted, handlers_of, is_foreign
from mlflowsteps.steps.parts import said_in
from mlflowsteps.steps.retries import Catch, Retry

__all__ = ["NextStep", "State", "Step", "add_handlers", "as_step", "rows"]

Step: TypeAlias = "State | Chain"
"""What may follow a state: another one, or a chain."""

# What a state links to is given by methods, not by keywords.
_STRUCTURE = frozenset({"Type", "Next", "End", "Retry", "Catch", "Branches", "Choices", "Default"})
_LAST = ("Retry", "Catch", "Branches", "Iterator", "ItemProcessor", "Choices", "Default", "Next", "End")
_ORDER = {
    name: index
    for index, name in enumerate(
        ["Type", "Comment", "QueryLanguage", "Resource"]
        + [
            name
            for row in FIELDS
            for name in ([row.name, f"{row.name}Path"] if row.path_twin else [row.name])
            if name not in ("Type", "Comment", "QueryLanguage", "Resource", *_LAST)
        ]
        + list(_LAST)
    )
}
_PLAIN_TYPES = ("Choice", "Wait", "Succeed")  # their output is their input


def rows(state_type: str) -> dict[str, FieldRow]:
    """The fields of a state that are given by keyword, in the order in which they stand in a definition."""
    rows = [row for name, row in fields_of(state_type).items() if name not in _STRUCTURE]
    return {row.keyword: row for row in sorted(rows, key=lambda row: _ORDER[row.name])}


_COMMON_ROWS = {name: row for name, row in rows("Pass").items() if name != "result"}


_making_output = threading.Lock()  # two threads that ask for one output get one placeholder


class State(Block):
    """What all states share: a name, fields, and what follows.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        state_type: its type.
        output_schema: schema of what ``output()`` gives, as ``ExecutionInput``'s.
        fields: the fields, by keyword.
    """

    known = _COMMON_ROWS
    comment: str | None
    query_language: str | None
    input_path: Json
    output_path: Json
    parameters: Json
    result_path: Json
    output_schema: Schema

    def __init__(self, state_id: str, state_type: str, output_schema: Schema = None, **fields: Any) -> None:
        super().__init__(fields)
        if not isinstance(state_id, str):
            raise TypeError(f"The name of a state (state_id) is text, not {state_id!r}")
        self.state_id, self.state_type = state_id, state_type
        self.output_schema = output_schema
        self._step_output = None if output_schema is None else StepInput(output_schema, origin=Origin(state_id))
        self.retries: list[Retry] = []
        self.catches: list[Catch] = []
        self.next_step: Step | None = None

    @property
    def type(self) -> str:
        """The state's type, such as ``Task``."""
        return self.state_type

    # ----------------------------------------------------------------------------------------------- writing it

    def next(self, next_step: NextStep) -> NextStep:
        """Let the workflow go on with ``next_step``, which is returned.

        Args:
            next_step: a state or a chain.

        Raises:
            ValueError: this state ends the workflow.
        """
        next_step = as_step(next_step)
        warn_of_relinking(f"State {self.state_id!r}", self.next_step, next_step)
        self.next_step = next_step
        return next_step

    def __rshift__(self, other: Step) -> Chain:
        return Chain([self, as_step(other)])

    def output(self) -> StepInput:
        """The state's output, as a placeholder for what follows; its keys are those of ``output_schema``."""
        with _making_output:
            if self._step_output is None:  # made when it is asked for: few of the states of a long chain are asked
                self._step_output = StepInput(origin=Origin(self.state_id))
            return self._step_output

    @property
    def step_output(self) -> StepInput:
        """The same as ``output()``."""
        return self.output()

    def update_parameters(self, params: Json) -> None:
        """Put other parameters in place of the state's.

        Args:
            params: the whole payload, in which placeholders may stand at any depth.
        """
        if "parameters" in self.known:
            self.fields["parameters"] = params

    def add_retry(self, retry: Retry | list[Retry]) -> None:
        """Add a retrier, or several, after those that the state has.

        Raises:
            ValueError: the state knows no retriers.
        """
        self._check_handlers("retry")
        self.retries.extend(_instances(retry, Retry, self.state_id))

    def add_catch(self, catch: Catch | list[Catch]) -> None:
        """Add a catcher, or several, after those that the state has.

        Raises:
            ValueError: the state knows no catchers.
        """
        self._check_handlers("catch")
        self.catches.extend(_instances(catch, Catch, self.state_id))

    def _check_handlers(self, what: str) -> None:
        if what.title() not in fields_of(self.state_type):
            raise ValueError(
                f"{type(self).__name__} state does not support {what} field: state {self.state_id!r} cannot fail in a "
                "way that it could answer. Task, Parallel and Map states can."
            )

    def accept(self, visitor: Any) -> None:
        """Show a visitor (``is_visited(state)``, ``visit(state)``) this state and all that follow."""
        for state in reachable(self):
            if not visitor.is_visited(state):
                visitor.visit(state)

    # ---------------------------------------------------------------------------------------------- compiling it

    @property
    def origin(self) -> Origin | None:
        """The identity of this state's output; None where nobody asked for it."""
        return None if self._step_output is None else self._step_output.origin

    def links(self) -> Iterator[Step]:
        """States and chains this one may go on with."""
        if self.next_step is not None:
            yield self.next_step
        yield from self.caught()

    def caught(self) -> Iterator[Step]:
        """Those of the links that are taken after an error."""
        return (catch.next_step for catch in self.catches)

    def nested(self) -> Iterable[Step]:
        """What the machines nested in this state begin with."""
        return ()

    def keeps_input(self) -> bool:
        """True where what was in the state's input may still be in its output."""
        fields = self.fields
        result_path = fields.get("result_path", "$")
        return (
            self.state_type in _PLAIN_TYPES
            or result_path != "$"
            or any(fields.get(name) is not None for name in ("output_path", "output", "query_language"))
            or (self.state_type == "Pass" and fields.get("parameters") is None and fields.get("result") is None)
        )

    def outputs_used(self) -> Iterator[tuple[str, Origin]]:
        """Keyword and origin of each other state's output that the state's input is asked for."""
        for keyword in ("parameters", "arguments", "item_selector", "input_path"):
            value = self.fields.get(keyword)
            if value is not None:
                yield from ((keyword, origin) for origin in _origins(value))

    def to_dict(self) -> dict[str, Json]:
        """The state as it stands in a definition; made anew at each call."""
        return compile_state(self, JSONPATH)

    def render_state(self, language: str, nest: Nest) -> dict[str, Json]:
        """The state as it stands in a machine.

        Args:
            language: the machine's query language, which counts where the state names none.
            nest: gives the dict of a machine nested in this state.

        Raises:
            TypeError: a value is no JSON, or a placeholder stands where the language has no place for one.
        """
        place = Place(f"state {self.state_id!r}")
        if TOKEN.search(self.state_id):
            raise DefinitionError(
                [Diagnostic("UNRESOLVED_PLACEHOLDER", "", f"The name of {place} holds a placeholder.", "Name it.")]
            )
        template = Template(self.fields.get("query_language") or language)
        found = {"Type": self.state_type, **self._written(template, place), **self._structure(template, place, nest)}
        if self.retries:
            found["Retry"] = [retry.render(template, place / "Retry") for retry in self.retries]
        if self.catches:
            found["Catch"] = [catch.render(template, place / "Catch") for catch in self.catches]
        found.update(self._transition())
        return {name: found[name] for name in sorted(found, key=_ORDER.__getitem__)}

    def _written(self, template: Template, place: Place) -> dict[str, Json]:
        """The fields that were given by keyword."""
        fields = _said_otherwise(self.fields, self.state_type, template.language)
        selector = fields.pop("result_selector", None)
        found = render_fields(self.known, fields, template, place)
        if selector is not None:  # its $ is the raw result, not the input
            name = "ResultSelector" if template.language == JSONPATH else "Output"
            found[name] = Template(template.language, "$states.result").render(selector, place / name)
        return found

    def _structure(self, template: Template, place: Place, nest: Nest) -> dict[str, Json]:  # noqa: ARG002 - theirs
        """Fields that hold rules or machines."""
        return {}

    def _transition(self) -> dict[str, Json]:
        return {"End": True} if self.next_step is None else {"Next": self.next_step.state_id}

    def __repr__(self) -> str:
        return f"{self.state_id} {super().__repr__()}"

    def foreign(self) -> Iterable[object]:
        """Objects of other libraries that the state remembers: its copies have the same ones."""
        return ()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Copy all linked states without recursion along the links: chains may be long."""
        made: list[tuple[State, State]] = []
        pending: list[Step] = [self]
        while pending:
            for state in cast("Iterable[State]", reachable(pending.pop())):
                if id(state) not in memo:
                    memo[id(state)] = twin = state.__class__.__new__(state.__class__)
                    made.append((state, twin))
                    pending.extend(state.nested())
        memo.update((id(value), value) for state, _ in made for value in state.foreign())
        for state, twin in made:
            twin.__dict__.update(copy.deepcopy(state.__dict__, memo))
        return cast("Self", memo[id(self)])


NextStep = TypeVar("NextStep", bound=Step)


def _said_otherwise(fields: Mapping[str, Json], state_type: str, language: str) -> dict[str, Json]:
    """The same fields under the names by which this query language says them; the argument stays as it is."""
    found = said_in(language, fields)
    if language == JSONATA:
        _to_jsonata(found, state_type)
        return found
    if state_type == "Pass" and found.get("parameters") is None and holds_expression(found.get("result")):
        found["parameters"] = found.pop("result")  # a Result is literal, Parameters are evaluated
    text = expression_text(found.get("parameters"))
    if text is not None and state_type != "Map" and "input_path" not in found and not text.startswith("States."):
        found["input_path"] = text  # the whole payload is one path: that is what InputPath says
        del found["parameters"]
    return found


_JSONATA_NAMES = {
    "Task": {"parameters": "arguments"},
    "Parallel": {"parameters": "arguments"},
    "Pass": {"parameters": "output", "result": "output"},
    "Map": {"parameters": "item_selector"},
}


def _to_jsonata(fields: dict[str, Json], state_type: str) -> None:
    for old, new in _JSONATA_NAMES.get(state_type, {}).items():
        if fields.get(old) is not None and fields.get(new) is None:
            fields[new] = fields.pop(old)
    if isinstance(fields.get("items_path"), Reference):
        fields["items"] = fields.pop("items_path")


def _origins(value: Json) -> Iterator[Origin]:
    """Whose outputs are asked for in a value."""
    pending = [value]
    while pending:
        item = pending.pop()
        if type(item) in PLAIN:
            continue
        if isinstance(item, StepInput):
            if item.origin is not None:
                yield item.origin
        elif isinstance(item, Mapping):
            pending.extend(item.values())
        elif isinstance(item, list | tuple):
            pending.extend(item)


def as_step(step: Any) -> Any:
    """The step itself, once it is told to be one; a step of the real ``stepfunctions`` package as one of ours.

    Raises:
        TypeError: it is neither a state nor a chain.
        ValueError: the chain is empty.
    """
    if is_foreign(step):
        step = adopted(step)
    if not isinstance(step, State | Chain):
        raise TypeError(f"Expected a state or a chain, but got {step!r} ({type(step).__name__})")
    head_of(step)
    return step


_Handler = TypeVar("_Handler", Retry, Catch)


def _instances(given: _Handler | list[_Handler], kind: type[_Handler], state_id: str) -> list[_Handler]:
    found = handlers_of(list(given) if isinstance(given, list | tuple) else [given])
    for item in found:
        if not isinstance(item, kind):
            raise TypeError(f"State {state_id!r}: expected {kind.__name__}(...), or a list of them, not {item!r}")
    return found


def add_handlers(state: State, retry: Retry | list[Retry] | None, catch: Catch | list[Catch] | None) -> None:
    """Add what a constructor was given as ``retry`` and ``catch``."""
    if retry:
        state.add_retry(retry)
    if catch:
        state.add_catch(catch)
