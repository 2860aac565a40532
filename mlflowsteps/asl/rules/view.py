"""What the rules look at: the definition taken apart into levels and states, and how a fault is told.

A *level* is one States block: the machine's own, a branch's or an item processor's. Nothing here recurses: a
definition of any depth is walked with a stack.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from mlflowsteps.asl.fields import JSONATA, JSONPATH, STATE_TYPES
from mlflowsteps.asl.values import Json
from mlflowsteps.exceptions import Diagnostic

__all__ = [
    "MAX_NESTING", "SCHEMA", "Hints", "Level", "Machine", "State", "fault", "pointer", "shown", "take_apart",
    "wrong_language",
]  # fmt: skip

SCHEMA = "SCHEMA_VALIDATION_FAILED"
MAX_NESTING = 151
"""States blocks within one another, the machine's own among them; the service's own bound is not published."""


class Hints:
    """Near misses, with a bound on the work done for them, so that judging stays linear."""

    def __init__(self, comparisons: int = 20_000) -> None:
        self.left = comparisons

    def near(self, name: str, names: Collection[str], otherwise: str = "") -> str:
        """``Did you mean 'X'?`` where a name is like another; else the other text."""
        self.left -= len(names)
        if self.left < 0:
            return otherwise
        folded = {candidate.lower(): candidate for candidate in names}
        found = difflib.get_close_matches(name[:80].lower(), folded, n=1, cutoff=0.6)
        return f"Did you mean {folded[found[0]]!r}?" if found else otherwise


@dataclass(slots=True)
class Machine:
    """The whole definition."""

    body: dict[str, Json]
    express: bool
    language: str
    hints: Hints = field(default_factory=Hints)
    levels: list[Level] = field(default_factory=list)
    too_deep: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Level:
    """One States block.

    Args:
        machine: the definition it belongs to.
        pointer: where its object stands.
        body: the object with StartAt and States.
        depth: 1 for the machine's own.
        express: it runs as Express: the machine, or the children of a Distributed Map of that kind.
        owner: the Map or Parallel state it belongs to; None for the machine's own.
        role: ``machine``, ``branch`` or ``processor``.
        states: the states that are objects, by name.
    """

    machine: Machine
    pointer: str
    body: dict[str, Json]
    depth: int
    express: bool
    owner: State | None = None
    role: str = "machine"
    states: dict[str, State] = field(default_factory=dict)

    @property
    def block(self) -> dict[str, Json]:
        """States, where it is an object; else nothing."""
        found = self.body.get("States")
        return found if isinstance(found, dict) else {}


@dataclass(slots=True)
class State:
    """One state that is an object.

    Args:
        level: the States block it stands in.
        name: its name.
        pointer: where it stands.
        body: the state.
        type: its Type, where that is one; else empty.
        language: the query language in force.
    """

    level: Level
    name: str
    pointer: str
    body: dict[str, Json]
    type: str
    language: str

    @property
    def hints(self) -> Hints:
        """The near misses of the definition."""
        return self.level.machine.hints

    @property
    def jsonata(self) -> bool:
        """Whether its query language is JSONata."""
        return self.language == JSONATA

    @property
    def processor(self) -> dict[str, Json]:
        """A Map's ItemProcessor or Iterator; empty where it has none."""
        found = self.body.get("ItemProcessor", self.body.get("Iterator"))
        return found if isinstance(found, dict) else {}

    @property
    def mode(self) -> str:
        """A Map's mode: INLINE or DISTRIBUTED."""
        config = self.processor.get("ProcessorConfig")
        return "DISTRIBUTED" if isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED" else "INLINE"


def pointer(*parts: str | int) -> str:
    """A JSON pointer: the first part is one already, the others are names and indices.

    >>> pointer("/States", "a/b", 0)
    '/States/a~1b/0'
    """
    head, *rest = parts
    return str(head) + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in rest)


def fault(where: str, message: str, hint: str = "", *, code: str = SCHEMA, severity: str = "ERROR") -> Diagnostic:
    """A fault; the message is the service's where its wording is known."""
    return Diagnostic(code, where, message, hint, severity)


def wrong_language(state: State, name: str, other: str) -> str:
    """The service's words for a field of the other query language."""
    return (
        f"The QueryLanguage is set to '{state.language}', but field '{name}' is only supported for the '{other}' "
        "QueryLanguage"
    )


def shown(value: Json, limit: int = 80) -> str:
    """A value for a message: short, and safe for values of any depth."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    names = {None: "null", True: "true", False: "false"}
    text = names[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def take_apart(body: dict[str, Json], *, express: bool) -> Machine:
    """The levels and states of a definition, each once, however deep they stand (to MAX_NESTING)."""
    machine = Machine(body, express, _language(body, JSONPATH))
    waiting = [Level(machine, "", body, 1, express)]
    while waiting:
        level = waiting.pop()
        machine.levels.append(level)
        inner = [found for state in _states(level) for found in _inner(state)]
        if level.depth < MAX_NESTING:
            waiting.extend(reversed(inner))
        else:
            machine.too_deep.extend(found.pointer for found in inner)
    return machine


def _states(level: Level) -> Iterator[State]:
    for name, body in level.block.items():
        if isinstance(body, dict):
            kind = body.get("Type")
            # A Map's or Parallel's own QueryLanguage does not reach the states inside: the machine's does.
            language = _language(body, level.machine.language)
            known = kind if isinstance(kind, str) and kind in STATE_TYPES else ""
            state = State(level, name, pointer(level.pointer, "States", name), body, known, language)
            level.states[name] = state
            yield state


def _language(body: dict[str, Json], otherwise: str) -> str:
    language = body.get("QueryLanguage")
    return language if language in (JSONPATH, JSONATA) else otherwise


def _inner(state: State) -> Iterator[Level]:
    level = state.level
    branches = state.body.get("Branches")
    if state.type == "Parallel" and isinstance(branches, list):
        for index, branch in enumerate(branches):
            if isinstance(branch, dict):
                where = pointer(state.pointer, "Branches", index)
                yield Level(level.machine, where, branch, level.depth + 1, level.express, state, "branch")
    if state.type == "Map":
        for name in ("ItemProcessor", "Iterator"):
            body = state.body.get(name)
            if isinstance(body, dict):
                express = level.express or _runs_express(body)
                where = pointer(state.pointer, name)
                yield Level(level.machine, where, body, level.depth + 1, express, state, "processor")


def _runs_express(processor: dict[str, Json]) -> bool:
    config = processor.get("ProcessorConfig")
    return isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED" and config.get("ExecutionType") == "EXPRESS"
