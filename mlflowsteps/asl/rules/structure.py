"""Rules about the frame: what a machine, branch or processor must have, names, transitions, reachability."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlflowsteps.asl.fields import JSONATA, JSONPATH, STATE_TYPES
from mlflowsteps.asl.rules.view import MAX_NESTING, Level, Machine, fault, pointer, shown
from mlflowsteps.asl.values import Json
from mlflowsteps.exceptions import Diagnostic

__all__ = ["LEVEL_RULES", "MACHINE_RULES"]

Found = Iterator[Diagnostic]

MAX_NAME = 80
MAX_SECONDS = 99_999_999
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MACHINE_FIELDS = {"StartAt", "States", "Comment", "Version", "TimeoutSeconds", "QueryLanguage"}
_FRAME_FIELDS = {
    "machine": _MACHINE_FIELDS,
    "branch": {"StartAt", "States", "Comment"},
    "processor": {"StartAt", "States", "Comment", "ProcessorConfig"},
}


# --- the machine


def nesting(machine: Machine) -> Found:
    """States blocks stand at most MAX_NESTING deep."""
    for where in machine.too_deep:
        message = f"States are nested more than {MAX_NESTING} deep"
        hint = "Move the inner states to a state machine of their own, started by states:startExecution"
        yield fault(where, message, hint, code="TOO_DEEPLY_NESTED")


def version(machine: Machine) -> Found:
    """Version is "1.0" where it stands."""
    if machine.body.get("Version", "1.0") != "1.0":
        yield fault("/Version", "Value should be one of the following: [1.0]", 'Write "1.0" or leave it out')


def machine_timeout(machine: Machine) -> Found:
    """TimeoutSeconds of the machine is a positive integer."""
    value = machine.body.get("TimeoutSeconds", 1)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SECONDS:
        hint = f"An integer of seconds, 1 to {MAX_SECONDS}"
        yield fault("/TimeoutSeconds", f"Expected value of type Integer, found {shown(value)}", hint)


def machine_language(machine: Machine) -> Found:
    """QueryLanguage is JSONPath or JSONata."""
    if machine.body.get("QueryLanguage", JSONPATH) not in (JSONPATH, JSONATA):
        yield fault("/QueryLanguage", f"Value should be one of the following: [{JSONPATH}, {JSONATA}]")


def duplicate_names(machine: Machine) -> Found:
    """The name of a state is unique in the whole machine, branches and processors included."""
    first: dict[str, str] = {}
    for level in machine.levels:
        for name in level.block:
            where = pointer(level.pointer, "States", name)
            if name in first:
                hint = f"{first[name]} has this name; rename one of the two"
                yield fault(where, f"Duplicate State name: {name}", hint, code="DUPLICATE_STATE_NAME")
            else:
                first[name] = where


def duplicate_labels(machine: Machine) -> Found:
    """The Label of a Map is unique in the whole machine."""
    first: dict[str, str] = {}
    for level in machine.levels:
        for state in level.states.values():
            label = state.body.get("Label")
            if state.type == "Map" and isinstance(label, str) and label:
                where = pointer(state.pointer, "Label")
                if label in first:
                    message = f"Duplicate Label name: {label}"
                    yield fault(where, message, f"{first[label]} has it, too", code="DUPLICATE_LABEL_NAME")
                first.setdefault(label, where)


# --- a level


def required_fields(level: Level) -> Found:
    """StartAt and States are there."""
    missing = [name for name in ("States", "StartAt") if name not in level.body]
    if missing:
        hint = "States holds the states by name, StartAt names the first one"
        yield fault(level.pointer, f"These fields are required: [{', '.join(missing)}]", hint)


def frame_fields(level: Level) -> Found:
    """Nothing else stands beside them but what may."""
    known = _FRAME_FIELDS[level.role]
    for name in level.body:
        if name not in known:
            hint = level.machine.hints.near(name, known, "Only these may stand here: " + ", ".join(sorted(known)))
            if level.role != "machine" and name == "QueryLanguage":
                hint = "Set it on the states, or for the whole state machine"
            yield fault(level.pointer, f"Field '{name}' is not supported", hint)


def comment(level: Level) -> Found:
    """A Comment is text."""
    if not isinstance(level.body.get("Comment", ""), str):
        yield fault(pointer(level.pointer, "Comment"), "Expected value of type String")


def start(level: Level) -> Found:
    """StartAt names a state of the level."""
    if "StartAt" not in level.body:
        return
    name, where = level.body["StartAt"], pointer(level.pointer, "StartAt")
    if not isinstance(name, str):
        yield fault(where, f"Expected value of type String, found {shown(name)}")
    elif level.block and name not in level.block:
        hint = level.machine.hints.near(name, level.block, "Name one of the states of States")
        yield fault(where, f"Missing 'StartAt' target: {name}", hint, code="MISSING_TRANSITION_TARGET")


def states_block(level: Level) -> Found:
    """States is an object with one state at least, and each is an object."""
    if "States" not in level.body:
        return
    where, block = pointer(level.pointer, "States"), level.body["States"]
    if not isinstance(block, dict):
        yield fault(where, f"Expected value of type Object, found {shown(block)}")
        return
    if not block:
        yield fault(where, "The field 'States' should be non-empty", "A state machine has one state at least")
    for name, state in block.items():
        if not isinstance(state, dict):
            yield fault(pointer(where, name), f"Expected value of type Object, found {shown(state)}")


def state_names(level: Level) -> Found:
    """The name of a state has 1 to 80 characters, none of them a control character."""
    for name in level.block:
        where = pointer(level.pointer, "States", name)
        if not name:
            yield fault(where, "The name of a state is empty", "Give it a name", code="INVALID_STATE_NAME")
        elif len(name) > MAX_NAME:
            message = f"State name '{name[:MAX_NAME]}...' exceeds the {MAX_NAME}-character limit allowed by the service"
            yield fault(where, message, f"It has {len(name)} characters", code="INVALID_STATE_NAME")
        elif _CONTROL.search(name):
            message = f"State name {name!r} contains control characters"
            yield fault(where, message, "Remove them", code="INVALID_STATE_NAME")


def state_types(level: Level) -> Found:
    """Each state has a Type that there is."""
    for state in level.states.values():
        where = state.pointer
        if "Type" not in state.body:
            yield fault(where, "These fields are required: [Type]", "One of " + ", ".join(STATE_TYPES))
        elif not state.type:
            kind = state.body["Type"]
            hint = state.hints.near(kind, STATE_TYPES) if isinstance(kind, str) else ""
            message = f"Value should be one of the following: [{', '.join(STATE_TYPES)}]"
            yield fault(pointer(where, "Type"), f"{message}, found {shown(kind)}", hint)


def transitions(level: Level) -> Found:
    """Every Next and Default names a state of the same level."""
    for state in level.states.values():
        for where, field, target in _targets(state.pointer, state.body):
            if isinstance(target, str) and target not in level.block:
                hint = level.machine.hints.near(target, level.block, "Name a state of the same States block")
                if _stands_around(level, target):
                    hint = "That state stands in another States block: a transition cannot leave its own"
                yield fault(where, f"Missing '{field}' target: {target}", hint, code="MISSING_TRANSITION_TARGET")


def _stands_around(level: Level, name: str) -> bool:
    """True where a level around this one has a state of this name."""
    owner = level.owner
    while owner is not None:
        if name in owner.level.block:
            return True
        owner = owner.level.owner
    return False


def _targets(where: str, body: dict[str, Json]) -> Iterator[tuple[str, str, Json]]:
    """Every transition of a state: its place, its field and the state it names."""
    for field in ("Next", "Default"):
        if field in body:
            yield pointer(where, field), field, body[field]
    for field in ("Choices", "Catch"):
        entries = body.get(field)
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, dict) and "Next" in entry:
                yield pointer(where, field, index, "Next"), "Next", entry["Next"]


def reachable(level: Level) -> Found:
    """Every state is reached from StartAt."""
    begin = level.body.get("StartAt")
    if not isinstance(begin, str) or begin not in level.block:
        return
    seen, waiting = {begin}, [begin]
    while waiting:
        state = level.states.get(waiting.pop())
        for _, _, target in _targets("", state.body) if state else ():
            if isinstance(target, str) and target in level.block and target not in seen:
                seen.add(target)
                waiting.append(target)
    for name in level.block:
        if name not in seen:
            where = pointer(level.pointer, "States", name)
            hint = "Lead another state to it by Next, Default or Catch, or remove it"
            yield fault(where, f'State "{name}" is not reachable.', hint, code="MISSING_TRANSITION_TARGET")


def terminal_state(level: Level) -> Found:
    """One state at least ends the level."""
    if not level.states or len(level.states) < len(level.block):
        return
    for state in level.states.values():
        if not state.type or state.type in {"Succeed", "Fail"} or state.body.get("End") is True:
            return
    if any("Next" not in state.body and state.type != "Choice" for state in level.states.values()):
        return  # told as a state with neither Next nor End
    for state in level.states.values():
        if any(isinstance(name, str) and name not in level.block for _, _, name in _targets("", state.body)):
            return  # told as a missing target, which may be the end
    hint = 'Let a path end: give its last state "End": true (in Python: no next step), or add a Succeed or Fail state'
    yield fault(level.pointer, "Workflow has no terminal state", hint, code="MISSING_END_STATE")


MACHINE_RULES = (nesting, version, machine_timeout, machine_language, duplicate_names, duplicate_labels)
LEVEL_RULES = (
    required_fields, frame_fields, comment, start, states_block, state_names, state_types, transitions, reachable,
    terminal_state,
)  # fmt: skip
