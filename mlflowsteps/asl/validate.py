"""Judging a definition: all of its faults at once, each with place, wording and fix.

It owns the order of judging and the service's forms of telling: locations and the text of InvalidDefinition. The
rules themselves stand in ``rules``, one function each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from mlflowsteps.asl.rules import judge
from mlflowsteps.asl.rules.view import fault
from mlflowsteps.asl.values import Json, loads
from mlflowsteps.exceptions import DefinitionError, Diagnostic

__all__ = ["check", "invalid_definition_message", "service_location", "validate"]

_NO_OBJECT = "Definition must be a valid JSON object"
_TOKEN = re.compile(r"[^\s,:\[\]{}\"]+")


def validate(definition: Json | str, *, machine_type: str = "STANDARD", warnings: bool = False) -> list[Diagnostic]:
    """All faults of a definition; none: the service would take it.

    Args:
        definition: the definition as a dict, or as JSON text. It is not changed.
        machine_type: STANDARD or EXPRESS.
        warnings: also tell what is no fault but looks like a mistake (severity WARNING).

    Returns:
        The faults in the order of the definition; an empty list where there are none. Never raises, whatever the JSON.

    >>> [str(found) for found in validate({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}})]
    ["/States/A/Next: Missing 'Next' target: B [MISSING_TRANSITION_TARGET] Fix: Name a state of the same States block"]
    """
    if isinstance(definition, str):
        if not definition.strip():
            return [fault("", _NO_OBJECT)]
        try:
            definition = loads(definition)
        except ValueError as error:
            return [_no_json(definition, error)]
    if not isinstance(definition, dict):
        return [fault("", _NO_OBJECT, "A definition is an object with StartAt and States")]
    found = judge(definition, express=machine_type == "EXPRESS", warnings=warnings)
    return [diagnostic for diagnostic in found if warnings or diagnostic.severity == "ERROR"]


def check(definition: Json | str, *, machine_type: str = "STANDARD") -> list[Diagnostic]:
    """Refuse a definition that has faults.

    Returns:
        The warnings.

    Raises:
        DefinitionError: with every fault; warnings are none.
    """
    found = validate(definition, machine_type=machine_type, warnings=True)
    faults = [diagnostic for diagnostic in found if diagnostic.severity == "ERROR"]
    if faults:
        raise DefinitionError(faults)
    return found


def _no_json(text: str, error: ValueError) -> Diagnostic:
    """What the service's JSON parser (Jackson) says, where that is known; else what ours does."""
    message = str(error)
    if isinstance(error, json.JSONDecodeError):
        token = _TOKEN.match(text, error.pos)
        if error.msg == "Expecting value" and token:
            column = error.colno + len(token[0])
            message = (
                f"Unrecognized token '{token[0]}': was expecting (JSON String, Number, Array, Object or token 'null', "
                f"'true' or 'false')\n at {_source(text, error.lineno, column)}"
            )
        else:
            message = f"{error.msg}\n at {_source(text, error.lineno, error.colno)}"
    return fault("", message, "Make it valid JSON", code="INVALID_JSON_DESCRIPTION")


def _source(text: str, line: int, column: int) -> str:
    shown = text if len(text) <= 500 else f'{text[:500]}"[truncated {len(text) - 500} chars]'
    return f'[Source: (String)"{shown}"; line: {line}, column: {column}]'


# --- the service's forms


def service_location(definition: Json, diagnostic: Diagnostic) -> str | None:
    """A diagnostic's place as the service writes it: ``/States/C/Choices[0]/Next``; None where it gives none.

    >>> service_location({"a": [{}]}, Diagnostic("X", "/a/0/b", "..."))
    '/a[0]/b'
    """
    if diagnostic.code == "INVALID_JSON_DESCRIPTION":
        return diagnostic.message.partition("\n at ")[2] or None
    if not diagnostic.pointer:
        silent = diagnostic.code == "MISSING_END_STATE" or diagnostic.message == _NO_OBJECT
        return None if silent else "/"
    parts, node = "", definition
    for raw in diagnostic.pointer.split("/")[1:]:
        name = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list):
            parts += f"[{name}]"
            node = node[int(name)] if name.isdecimal() and int(name) < len(node) else None
        else:
            parts += f"/{name}"
            node = node.get(name) if isinstance(node, dict) else None
    return parts


def invalid_definition_message(definition: Json, diagnostics: Iterable[Diagnostic]) -> str:
    """The message of the service's InvalidDefinition.

    >>> invalid_definition_message({"States": {}}, [Diagnostic("X", "/States", "The field 'States' is empty")])
    "Invalid State Machine Definition: 'X: The field 'States' is empty at /States'"
    """
    if isinstance(definition, str):
        try:
            definition = loads(definition)
        except ValueError:
            definition = None
    told = [
        f"{found.code}: {found.message} at {service_location(definition, found) or 'null'}"
        for found in diagnostics
        if found.severity == "ERROR"
    ]
    return f"Invalid State Machine Definition: '{', '.join(told)}'"
