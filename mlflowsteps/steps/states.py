"""The kinds of states of the Amazon States Language as fluent Python objects.

It owns what each kind adds to ``state.State``: its keywords, its rules and the machines in it. It also gives what the
old SDK had in its module of this name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Self, Unpack

from mlflowsteps.asl.fields import Field as FieldRow
from mlflowsteps.exceptions import DefinitionError, Diagnostic
from mlflowsteps.inputs.placeholders import MapItemValue
from mlflowsteps.inputs.rules import BaseRule
from mlflowsteps.inputs.schema import Schema
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.inputs.templates import Place, Template
from mlflowsteps.steps.block import Block, to_pascalcase
from mlflowsteps.steps.chain import Chain, head_of, warn_of_relinking
from mlflowsteps.steps.compile import Nest
from mlflowsteps.steps.foreign import KINDS, adopted_rule
from mlflowsteps.steps.graphs import FrozenGraph, Graph
from mlflowsteps.steps.keywords import (
    ChoiceFields,
    FailFields,
    MapFields,
    ParallelFields,
    PassFields,
    SucceedFields,
    TaskFields,
    WaitFields,
)
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.state import NextStep, State, Step, add_handlers, as_step, rows
from mlflowsteps.steps.visitors import GraphVisitor, ValidationVisitor

logger = logging.getLogger(__name__)

__all__ = [
    "Block",
    "Catch",
    "Chain",
    "Choice",
    "Fail",
    "FrozenGraph",
    "Graph",
    "GraphVisitor",
    "Map",
    "Parallel",
    "Pass",
    "Retry",
    "State",
    "Step",
    "Succeed",
    "Task",
    "ValidationVisitor",
    "Wait",
    "to_pascalcase",
]


class Pass(State):
    """Passes its input on, or what it makes of it; does no work.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        output_schema: schema of what ``output()`` gives.
        fields: the fields, by keyword; see ``keywords.PassFields``. A ``result`` with placeholders is written as
            Parameters, which the service evaluates.
    """

    known = rows("Pass")
    assign: Json
    result: Json

    def __init__(self, state_id: str, output_schema: Schema = None, **fields: Unpack[PassFields]) -> None:
        super().__init__(state_id, "Pass", output_schema, **fields)


class Succeed(State):
    """Ends the workflow, or the branch, with success.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        fields: the fields, by keyword; see ``keywords.SucceedFields``.
    """

    known = rows("Succeed")

    def __init__(self, state_id: str, output_schema: Schema = None, **fields: Unpack[SucceedFields]) -> None:
        super().__init__(state_id, "Succeed", output_schema, **fields)

    def next(self, next_step: NextStep) -> NextStep:
        """Nothing follows.

        Raises:
            ValueError: always.
        """
        raise _ends(self, next_step)

    def _transition(self) -> dict[str, Json]:
        return {}


class Fail(State):
    """Ends the workflow with an error.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        fields: the fields, by keyword; see ``keywords.FailFields``.
    """

    known = rows("Fail")
    error: Json
    error_path: Json
    cause: Json
    cause_path: Json

    def __init__(self, state_id: str, output_schema: Schema = None, **fields: Unpack[FailFields]) -> None:
        super().__init__(state_id, "Fail", output_schema, **fields)

    def next(self, next_step: NextStep) -> NextStep:
        """Nothing follows.

        Raises:
            ValueError: always.
        """
        raise _ends(self, next_step)

    def _transition(self) -> dict[str, Json]:
        return {}


class Wait(State):
    """Waits for some seconds, or until a time.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        output_schema: schema of what ``output()`` gives.
        fields: the fields, by keyword; see ``keywords.WaitFields``. Exactly one of ``seconds``, ``seconds_path``,
            ``timestamp`` and ``timestamp_path``; the first and third take placeholders, too.

    Raises:
        ValueError: none of the four was given, or more than one.
    """

    known = rows("Wait")
    assign: Json
    seconds: Json
    seconds_path: Json
    timestamp: Json
    timestamp_path: Json

    def __init__(self, state_id: str, output_schema: Schema = None, **fields: Unpack[WaitFields]) -> None:
        super().__init__(state_id, "Wait", output_schema, **fields)
        times = ("seconds", "seconds_path", "timestamp", "timestamp_path")
        given = [name for name in times if self.fields.get(name) is not None]
        if len(given) != 1:
            raise ValueError(
                "The Wait state MUST contain exactly one of 'seconds', 'seconds_path', 'timestamp' or "
                f"'timestamp_path'; {state_id!r} has {', '.join(given) or 'none of them'}."
            )


class Choice(State):
    """Goes on by the first of its rules that holds; in a chain, what follows is the default.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        fields: the fields, by keyword; see ``keywords.ChoiceFields``.
    """

    known = rows("Choice")
    assign: Json

    def __init__(self, state_id: str, output_schema: Schema = None, **fields: Unpack[ChoiceFields]) -> None:
        super().__init__(state_id, "Choice", output_schema, **fields)
        self.choices: list[tuple[BaseRule, Step]] = []
        self.default: Step | None = None
        self._extras: list[dict[str, Json]] = []

    def add_choice(
        self, rule: BaseRule, next_step: Step, *, assign: dict[str, Json] | None = None, output: Json = None
    ) -> None:
        """Add a rule after those that the state has.

        Args:
            rule: made by ``ChoiceRule``, or by comparing placeholders.
            next_step: state or chain to go on with where it holds.
            assign: variables to set then, by name.
            output: JSONata: what the next state is given then.

        Raises:
            TypeError: ``rule`` is no rule, or ``next_step`` is no step.
        """
        rule = adopted_rule(rule)
        if not isinstance(rule, BaseRule):
            raise TypeError(f"Choice {self.state_id!r}: {rule!r} is no rule; make one by ChoiceRule, or by comparing")
        next_step = as_step(next_step)
        self.choices.append((rule, next_step))
        self._extras.append({"Assign": assign, "Output": output})

    def when(
        self, rule: BaseRule, next_step: Step, *, assign: dict[str, Json] | None = None, output: Json = None
    ) -> Self:
        """``add_choice`` that gives the state back: ``choice.when(x >= 0.9, deploy).otherwise(notify)``."""
        self.add_choice(rule, next_step, assign=assign, output=output)
        return self

    def default_choice(self, next_step: Step) -> None:
        """Go on with ``next_step`` where no rule holds."""
        next_step = as_step(next_step)
        warn_of_relinking(f"The default of Choice {self.state_id!r}", self.default, next_step)
        self.default = next_step

    def otherwise(self, next_step: Step) -> Self:
        """``default_choice`` that gives the state back."""
        self.default_choice(next_step)
        return self

    def next(self, next_step: NextStep) -> NextStep:
        """Go on with ``next_step`` where no rule holds; it is returned."""
        if self.default is not None and head_of(self.default) is not head_of(as_step(next_step)):
            logger.warning(
                "Chaining Choice state: Overwriting %s's current default_choice (%s) with %s",
                self.state_id,
                self.default.state_id,
                next_step.state_id,
            )
        self.default_choice(next_step)
        return next_step

    def links(self) -> Iterator[Step]:
        """States and chains this one may go on with."""
        yield from (next_step for _, next_step in self.choices)
        if self.default is not None:
            yield self.default

    def _structure(self, template: Template, place: Place, nest: Nest) -> dict[str, Json]:  # noqa: ARG002 - theirs
        found: dict[str, Json] = {"Choices": []}
        for (rule, next_step), extras in zip(self.choices, self._extras, strict=True):
            written = rule.render(template.language)
            for name, value in extras.items():
                if value is not None:
                    written[name] = template.render(value, place / "Choices" / name)
            found["Choices"].append({**written, "Next": next_step.state_id})
        if self.default is not None:
            found["Default"] = self.default.state_id
        return found

    def _transition(self) -> dict[str, Json]:
        return {}


class Parallel(State):
    """Runs branches at the same time; its output is the list of theirs.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        retry: a retrier, or several.
        catch: a catcher, or several.
        branches: what the branches begin with; ``add_branch`` adds more.
        output_schema: schema of what ``output()`` gives.
        fields: the fields, by keyword; see ``keywords.ParallelFields``.
    """

    known = rows("Parallel")
    arguments: Json
    result_selector: Json
    assign: Json

    def __init__(
        self,
        state_id: str,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        *,
        branches: Iterable[Step] = (),
        output_schema: Schema = None,
        **fields: Unpack[ParallelFields],
    ) -> None:
        super().__init__(state_id, "Parallel", output_schema, **fields)
        self.branches: list[Step] = []
        for branch in branches:
            self.add_branch(branch)
        add_handlers(self, retry, catch)

    def add_branch(self, branch: Step) -> None:
        """Add a branch.

        Args:
            branch: the state or chain that it begins with.
        """
        self.branches.append(as_step(branch))

    def nested(self) -> Iterable[Step]:
        """What the machines nested in this state begin with."""
        return self.branches

    def _structure(self, template: Template, place: Place, nest: Nest) -> dict[str, Json]:  # noqa: ARG002 - theirs
        return {"Branches": [nest(branch, {}) for branch in self.branches]}


class Map(State):
    """Runs the same steps for each item of a list; its output is the list of theirs.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        retry: a retrier, or several.
        catch: a catcher, or several.
        iterator: what is run for each item, under the field's old name Iterator: a state, a chain, or a function that
            is given the item as a placeholder and returns one. In a Distributed Map the item, or the batch of
            items, is the input of the child execution.
        item_processor: the same under today's name ItemProcessor; a dict is taken as it stands.
        processor_config: Mode (INLINE, DISTRIBUTED) and ExecutionType (STANDARD, EXPRESS) of ``item_processor``;
            DISTRIBUTED and STANDARD where left out and a reader, batcher, writer or label is given.
        output_schema: schema of what ``output()`` gives.
        fields: the fields, by keyword; see ``keywords.MapFields``.

    Raises:
        TypeError: ``processor_config`` is given for an ``iterator``, or both of them are given.
    """

    known: ClassVar[dict[str, FieldRow]] = {
        name: row for name, row in rows("Map").items() if name not in ("iterator", "item_processor")
    }
    items_path: Json
    items: Json
    item_selector: Json
    item_reader: Json
    item_batcher: Json
    result_writer: Json
    result_selector: Json
    label: str | None
    max_concurrency: Json
    max_concurrency_path: Json
    tolerated_failure_percentage: Json
    tolerated_failure_percentage_path: Json
    tolerated_failure_count: Json
    tolerated_failure_count_path: Json
    assign: Json

    def __init__(
        self,
        state_id: str,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        *,
        iterator: Step | Callable[[MapItemValue], Step] | None = None,
        item_processor: Step | Callable[[MapItemValue], Step] | dict[str, Any] | None = None,
        processor_config: dict[str, str] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[MapFields],
    ) -> None:
        super().__init__(state_id, "Map", output_schema, **fields)
        if iterator is not None and (item_processor is not None or processor_config is not None):
            raise TypeError(f"Map {state_id!r}: iterator is the old form of item_processor; give item_processor only")
        self.processor_config = processor_config or self._implied_config()
        item = _ChildInput() if self._is_distributed() else MapItemValue()
        if self._is_distributed() and iterator is not None:
            iterator, item_processor = None, iterator  # the old form of the field cannot be distributed
        self.iterator: Step | None = _iterated(iterator, item)
        self.item_processor: Step | dict[str, Any] | None = (
            item_processor if isinstance(item_processor, dict) else _iterated(item_processor, item)
        )
        add_handlers(self, retry, catch)

    def attach_iterator(self, iterator: Step | Callable[[MapItemValue], Step]) -> None:
        """Run ``iterator`` for each item, in place of what was run before."""
        if self.item_processor is not None or self._is_distributed():
            self.item_processor = _iterated(iterator, _ChildInput() if self._is_distributed() else MapItemValue())
        else:
            self.iterator = _iterated(iterator, MapItemValue())

    def _implied_config(self) -> dict[str, str] | None:
        """The configuration of a Map that has what only a Distributed Map can have."""
        distributed = any(self.fields.get(name) is not None for name in _DISTRIBUTED_ONLY)
        return {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"} if distributed else None

    def _is_distributed(self) -> bool:
        return (self.processor_config or {}).get("Mode") == "DISTRIBUTED"

    def nested(self) -> Iterable[Step]:
        """What the machines nested in this state begin with."""
        return [step for step in (self.iterator, self.item_processor) if isinstance(step, State | Chain)]

    def _structure(self, template: Template, place: Place, nest: Nest) -> dict[str, Json]:  # noqa: ARG002 - theirs
        if self.iterator is not None:
            return {"Iterator": nest(self.iterator, {})}
        if self.item_processor is None:
            raise DefinitionError(
                [
                    Diagnostic(
                        "SCHEMA_VALIDATION_FAILED",
                        "",
                        f"Map {self.state_id!r} has nothing to run for its items.",
                        "Give it item_processor=..., or call attach_iterator(...).",
                    )
                ]
            )
        config = {"ProcessorConfig": dict(self.processor_config)} if self.processor_config else {}
        return {"ItemProcessor": nest(self.item_processor, config)}


class Task(State):
    """Lets a function, an activity or a service do work.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields, by keyword; see ``keywords.TaskFields``.

    Raises:
        ValueError: both forms of a time-out were given.
    """

    known = rows("Task")
    arguments: Json
    result_selector: Json
    assign: Json
    resource: str | None
    credentials: Json
    timeout_seconds: Json
    timeout_seconds_path: Json
    heartbeat_seconds: Json
    heartbeat_seconds_path: Json

    def __init__(
        self,
        state_id: str,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        *,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        super().__init__(state_id, "Task", output_schema, **fields)
        for name in ("timeout_seconds", "heartbeat_seconds"):
            if self.fields.get(name) is not None and self.fields.get(f"{name}_path") is not None:
                raise ValueError(f"Only one of '{name}' or '{name}_path' can be provided; state {state_id!r} has both.")
        add_handlers(self, retry, catch)


def _ends(state: State, next_step: object) -> ValueError:
    return ValueError(
        f"Unexpected State instance {next_step!r}: State type {state.state_type!r} does not support method `next`; "
        f"{state.state_id!r} ends the workflow."
    )


class _ChildInput(MapItemValue):
    """The item that a child execution of a Distributed Map works on: its input."""

    root = "$$.Execution.Input"


_DISTRIBUTED_ONLY = ("item_reader", "item_batcher", "result_writer", "label")


def _iterated(step: Step | Callable[[MapItemValue], Step] | None, item: MapItemValue) -> Step | None:
    """What a Map runs: the step, or what a function makes of the item."""
    found = step(item) if callable(step) else step
    return None if found is None else as_step(found)


KINDS.update({kind.__name__: kind for kind in (Pass, Succeed, Fail, Wait, Choice, Parallel, Map, Task)})
