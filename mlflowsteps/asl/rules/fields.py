"""Rules that come from the field table: what may stand in a state, of what kind, within what bounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeGuard

from mlflowsteps.asl import fields
from mlflowsteps.asl.fields import FIELDS, JSONATA, JSONPATH, Field, fields_of
from mlflowsteps.asl.rules.view import State, fault, pointer, shown, wrong_language
from mlflowsteps.asl.timestamps import parse_timestamp
from mlflowsteps.asl.values import Json
from mlflowsteps.exceptions import Diagnostic

__all__ = ["FIELD_RULES", "is_expression"]

Found = Iterator[Diagnostic]

_EXPRESSION = re.compile(r"\{%.*%\}", re.DOTALL)
_NULLABLE = {"InputPath", "OutputPath", "ResultPath"}
_REQUIRED: dict[str, tuple[str, ...]] = {
    "Task": ("Resource",),
    "Choice": ("Choices",),
    "Parallel": ("Branches",),
}
_WAIT = ("SecondsPath", "Seconds", "TimestampPath", "Timestamp")
_TRANSITING = {"Pass", "Task", "Wait", "Parallel", "Map"}
_OLD_NAMES = (("ItemProcessor", "Iterator"), ("ItemSelector", "Parameters"))


def is_expression(value: Json) -> bool:
    """Whether a value is written as a JSONata expression: ``{% ... %}``.

    >>> is_expression("{% 1 + 1 %}"), is_expression(" {% 1 %}")
    (True, False)
    """
    return isinstance(value, str) and _EXPRESSION.fullmatch(value) is not None


def known_fields(state: State) -> Found:
    """Only fields of the state's type stand in it, and only those of its query language."""
    if not state.type:
        return
    known = fields_of(state.type)
    for name in state.body:
        if name not in known:
            hint = state.hints.near(name, known, f"A {state.type} state has no such field")
            yield fault(state.pointer, f"Field '{name}' is not supported", _elsewhere(name, state) or hint)
        elif state.language not in known[name].languages:
            other = JSONPATH if state.jsonata else JSONATA
            yield fault(state.pointer, wrong_language(state, name, other), _COUNTERPARTS.get(name, ""))


_COUNTERPARTS = {
    "Parameters": "In JSONata: Arguments",
    "Arguments": 'In JSONPath: Parameters; or set "QueryLanguage": "JSONata"',
    "Output": 'In JSONPath: ResultSelector and OutputPath; or set "QueryLanguage": "JSONata"',
    "Items": "In JSONPath: ItemsPath",
    "ItemsPath": "In JSONata: Items",
    "Result": "In JSONata: Output",
    "ResultPath": "In JSONata: Output, or Assign",
    "ResultSelector": "In JSONata: Output",
    "InputPath": "In JSONata: $states.input",
    "OutputPath": "In JSONata: Output",
    "Iterator": "In JSONata: ItemProcessor",
}


def _elsewhere(name: str, state: State) -> str:
    """Which states a field of the language belongs to, where it is one."""
    for field in FIELDS:
        if name == field.name:
            return f"It belongs to {', '.join(sorted(field.states))}, not to {state.type}"
    return ""


def query_language(state: State) -> Found:
    """A state's QueryLanguage is one there is, and JSONata cannot be left again."""
    if "QueryLanguage" not in state.body:
        return
    language = state.body["QueryLanguage"]
    if language not in (JSONPATH, JSONATA):
        where = pointer(state.pointer, "QueryLanguage")
        yield fault(where, f"Value should be one of the following: [{JSONPATH}, {JSONATA}]")
    elif language == JSONPATH and state.level.machine.language == JSONATA:
        message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
        yield fault(
            state.pointer, message, "Leave JSONata to the states that need it: set it there, not on the machine"
        )


def required(state: State) -> Found:
    """What the type cannot do without is there."""
    missing = [name for name in _REQUIRED.get(state.type, ()) if name not in state.body]
    if state.type == "Map" and not {"ItemProcessor", "Iterator"} & state.body.keys():
        missing.append("ItemProcessor")
    if missing:
        hint = "; ".join(f"{name}: {fields_of(state.type)[name].doc}" for name in missing)
        yield fault(state.pointer, f"These fields are required: [{', '.join(missing)}]", hint)


def exclusive(state: State) -> Found:
    """Of fields that stand for the same thing there is one."""
    pairs = [
        (name[:-4], name) for name in fields_of(state.type) if name.endswith("Path") and _is_twin(name, state.type)
    ]
    if state.type == "Map":
        pairs.extend(_OLD_NAMES)
    for pair in pairs if state.type and state.type != "Wait" else ():
        if all(name in state.body for name in pair):
            yield fault(
                state.pointer, f"There should only be one of the following fields: [{', '.join(pair)}]", "Remove one"
            )


def _is_twin(name: str, kind: str) -> bool:
    field = fields_of(kind).get(name[:-4])
    return field is not None and field.path_twin


def wait_time(state: State) -> Found:
    """A Wait has one of its four times."""
    if state.type == "Wait":
        found = [name for name in _WAIT if name in state.body]
        if len(found) != 1:
            kind = "There should only be" if found else "This object should have only"
            message = f"{kind} one of the following fields: [{', '.join(_WAIT)}]"
            yield fault(state.pointer, message, "Keep one" if found else 'For example "Seconds": 10')


def next_or_end(state: State) -> Found:
    """A state either leads to another or is the last."""
    if state.type not in _TRANSITING:
        return
    leads, ends = "Next" in state.body, state.body.get("End") is True
    if leads and ends:
        yield fault(state.pointer, "There should only be one of the following fields: [Next, End]", "Remove one")
    elif not leads and not ends:
        message = "This object should have only one of the following fields: [Next, End]"
        yield fault(state.pointer, message, 'Name the state that follows in Next, or write "End": true')


# --- kinds and bounds


def _is_number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: dict[str, tuple[str, Callable[[Json], bool]]] = {
    fields.TEXT: ("String", lambda value: isinstance(value, str)),
    fields.TRANSITION: ("String", lambda value: isinstance(value, str)),
    fields.PATH: ("String", lambda value: isinstance(value, str)),
    fields.REFERENCE_PATH: ("String", lambda value: isinstance(value, str)),
    fields.BOOLEAN: ("Boolean", lambda value: isinstance(value, bool)),
    fields.INTEGER: ("Integer", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    fields.NUMBER: ("Number", _is_number),
    fields.OBJECT: ("Object", lambda value: isinstance(value, dict)),
    fields.LIST: ("Array", lambda value: isinstance(value, list)),
}


def kinds(state: State) -> Found:
    """The value of a field is of its kind; in JSONata a number may be an expression."""
    known = fields_of(state.type) if state.type else {}
    for name, value in state.body.items():
        field = known.get(name)
        if field is None or field.kind not in _KINDS or (value is None and name in _NULLABLE):
            continue
        what, fits = _KINDS[field.kind]
        if not fits(value) and not (state.jsonata and _may_be_expression(field) and is_expression(value)):
            yield fault(pointer(state.pointer, name), f"Expected value of type {what}, found {shown(value)}", field.doc)


def _may_be_expression(field: Field) -> bool:
    return field.kind in {fields.INTEGER, fields.NUMBER, fields.TEXT}


def bounds(state: State) -> Found:
    """A number lies within its field's bounds."""
    for name, field in (fields_of(state.type) if state.type else {}).items():
        value = state.body.get(name)
        if not _is_number(value):
            continue
        if field.minimum is not None and value < field.minimum:
            yield fault(
                pointer(state.pointer, name), f"{name} must be at least {field.minimum:g}, found {value}", field.doc
            )
        if field.maximum is not None and value > field.maximum:
            message = f"{name} must be at most {field.maximum:.0f}, found {value}"
            yield fault(pointer(state.pointer, name), message, field.doc)


def heartbeat(state: State) -> Found:
    """A heartbeat is shorter than the time-out."""
    beat, limit = state.body.get("HeartbeatSeconds"), state.body.get("TimeoutSeconds")
    if state.type == "Task" and _is_number(beat) and _is_number(limit) and beat >= limit:
        message = f"HeartbeatSeconds must be less than TimeoutSeconds, found {beat} and {limit}"
        yield fault(
            pointer(state.pointer, "HeartbeatSeconds"), message, "The task would time out before its first beat"
        )


def timestamp(state: State) -> Found:
    """A Wait's Timestamp is one."""
    value = state.body.get("Timestamp")
    if state.type != "Wait" or not isinstance(value, str) or (state.jsonata and is_expression(value)):
        return
    if parse_timestamp(value) is None:
        hint = "Such as 2016-03-14T01:59:00Z, with capital T and Z or an offset"
        yield fault(pointer(state.pointer, "Timestamp"), "String does not match RFC3339 timestamp", hint)


FIELD_RULES = (
    known_fields, query_language, required, exclusive, wait_time, next_or_end, kinds, bounds, heartbeat, timestamp,
)  # fmt: skip
