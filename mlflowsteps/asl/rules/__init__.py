"""The rules of the Amazon States Language, one function each.

A rule looks at the machine, at one States block (a level) or at one state, and gives the faults it finds. To add one:
write the function in the module of its subject, and list it there. Rules never raise, whatever JSON they are given,
and together take time linear in the definition's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from mlflowsteps.asl.rules.choices import CHOICE_RULES
from mlflowsteps.asl.rules.containers import CONTAINER_RULES
from mlflowsteps.asl.rules.errors import ERROR_RULES
from mlflowsteps.asl.rules.expressions import EXPRESSION_RULES
from mlflowsteps.asl.rules.fields import FIELD_RULES
from mlflowsteps.asl.rules.structure import LEVEL_RULES, MACHINE_RULES
from mlflowsteps.asl.rules.tasks import TASK_RULES
from mlflowsteps.asl.rules.view import Level, Machine, State, take_apart
from mlflowsteps.asl.rules.warnings import LEVEL_WARNINGS, STATE_WARNINGS
from mlflowsteps.exceptions import Diagnostic

__all__ = ["LEVEL_RULES", "MACHINE_RULES", "RULES", "STATE_RULES", "judge"]

StateRules: TypeAlias = tuple[Callable[[State], Iterator[Diagnostic]], ...]

STATE_RULES: StateRules = (
    *FIELD_RULES, *TASK_RULES, *CHOICE_RULES, *ERROR_RULES, *CONTAINER_RULES, *EXPRESSION_RULES,
)  # fmt: skip

# Each rule looks at the type itself, too; this saves most states most of the calls.
_RULES_OF: dict[str, StateRules] = {
    "Task": (*FIELD_RULES, *TASK_RULES, *ERROR_RULES, *EXPRESSION_RULES),
    "Choice": (*FIELD_RULES, *CHOICE_RULES, *EXPRESSION_RULES),
    "Map": (*FIELD_RULES, *ERROR_RULES, *CONTAINER_RULES, *EXPRESSION_RULES),
    "Parallel": (*FIELD_RULES, *ERROR_RULES, *CONTAINER_RULES, *EXPRESSION_RULES),
}

_RULES_OF_OTHERS: StateRules = (*FIELD_RULES, *EXPRESSION_RULES)

RULES: tuple[Callable[[Any], Iterator[Diagnostic]], ...] = (
    *MACHINE_RULES, *LEVEL_RULES, *STATE_RULES, *LEVEL_WARNINGS, *STATE_WARNINGS,
)  # fmt: skip
"""Every rule: of the machine, of a level, of a state; the last ones tell likely mistakes, on request."""


def judge(definition: dict[str, Any], *, express: bool, warnings: bool = False) -> Iterator[Diagnostic]:
    """Every fault of a definition: the machine's, then level by level, state by state; then what looks like one."""
    machine: Machine = take_apart(definition, express=express)
    for machine_rule in MACHINE_RULES:
        yield from machine_rule(machine)
    for level in machine.levels:
        yield from _level(level)
    if warnings:
        for level in machine.levels:
            for level_warning in LEVEL_WARNINGS:
                yield from level_warning(level)
            for state in level.states.values():
                for state_warning in STATE_WARNINGS:
                    yield from state_warning(state)


def _level(level: Level) -> Iterator[Diagnostic]:
    for level_rule in LEVEL_RULES:
        yield from level_rule(level)
    for state in level.states.values():
        for state_rule in _RULES_OF.get(state.type, _RULES_OF_OTHERS):
            yield from state_rule(state)
