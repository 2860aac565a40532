"""Which variables each state of a definition reads, as DescribeStateMachine tells it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlflowsteps.asl.fields import JSONATA, JSONPATH
from mlflowsteps.asl.jsonata import is_expression, variables_in
from mlflowsteps.asl.values import Json
from mlflowsteps.exceptions import InvalidExpression

__all__ = ["variable_references"]

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'")
_NAME = re.compile(r"(?<![\w$.\])])\$([A-Za-z_]\w*)")
_PATHS = re.compile(r"(.*\.\$|.*Path|Variable)")
_INSIDE = frozenset({"Branches", "ItemProcessor", "Iterator"})


def variable_references(definition: dict[str, Json]) -> dict[str, list[str]]:
    """Names of the variables that each state reads, by the state's name; states that read none are left out.

    Args:
        definition: one that ``validate`` accepts.

    >>> state = {"Type": "Pass", "Parameters": {"a.$": "States.Format('$no {}', $yes.b)"}, "End": True}
    >>> variable_references({"StartAt": "A", "States": {"A": state}})
    {'A': ['yes']}
    """
    found: dict[str, list[str]] = {}
    waiting = [(definition, JSONPATH)]
    while waiting:
        machine, language = waiting.pop()
        language = machine.get("QueryLanguage", language)
        for name, state in machine["States"].items():
            own = state.get("QueryLanguage", language)
            names = set(_names(state, own))
            if names:
                found[name] = sorted(names)
            waiting.extend((inner, own) for inner in state.get("Branches", ()))
            waiting.extend((state[key], own) for key in ("ItemProcessor", "Iterator") if key in state)
    return found


def _names(state: dict[str, Json], language: str) -> Iterator[str]:
    waiting: list[tuple[str, Json]] = [("", {key: value for key, value in state.items() if key not in _INSIDE})]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((str(name), item) for name, item in value.items())
        elif isinstance(value, list):
            waiting.extend((key, item) for item in value)
        elif not isinstance(value, str):
            continue
        elif language == JSONATA:
            yield from _in_jsonata(value)
        elif _PATHS.fullmatch(key):
            yield from _NAME.findall(_QUOTED.sub("", value))


def _in_jsonata(text: str) -> frozenset[str]:
    if not is_expression(text):
        return frozenset()
    try:
        return variables_in(text[2:-2].strip())
    except InvalidExpression:
        return frozenset()
