"""Paths, payload templates and JSONata: each fault is found, at its place."""

from __future__ import annotations

import pytest

from .machines import PASS, assert_one_fault_with_a_fix, assert_told, jsonata, mapped, one, task

FAULTS = {
    "broken path": (one({**PASS, "InputPath": "$.a["}), "/States/A/InputPath", "Value must be a valid JSONPath."),
    "path without $": (one({**PASS, "OutputPath": "a"}), "/States/A/OutputPath", "Value must be a valid JSONPath."),
    "ResultPath with *": (
        one({**PASS, "ResultPath": "$.a[*]"}),
        "/States/A/ResultPath",
        "Value is not a Reference Path",
    ),
    "ItemsPath with ..": (mapped(ItemsPath="$..a"), "/States/A/ItemsPath", "Value is not a Reference Path"),
    "Catch ResultPath": (
        task(Catch=[{"ErrorEquals": ["X"], "Next": "A", "ResultPath": "a"}]),
        "/States/A/Catch/0/ResultPath",
        "didn't start with '$'",
    ),
    "template": (
        one({**PASS, "Parameters": {"a": [{"b.$": "x"}]}}),
        "/States/A/Parameters",
        "The value for the field 'b.$' must be a valid JSONPath",
    ),
    "intrinsic": (
        one({**PASS, "Parameters": {"a.$": "States.Formt('x')"}}),
        "/States/A/Parameters",
        "or a valid intrinsic function call",
    ),
    "intrinsic arity": (
        one({**PASS, "Parameters": {"a.$": "States.MathAdd(1)"}}),
        "/States/A/Parameters",
        "or a valid intrinsic function call",
    ),
    "template number": (task(ResultSelector={"a.$": 1}), "/States/A/ResultSelector", "The value for the field 'a.$'"),
    "template key twice": (
        one({**PASS, "Parameters": {"a": 1, "a.$": "$"}}),
        "/States/A/Parameters",
        "stand for the same name",
    ),
    "reserved variable": (
        one({**PASS, "Assign": {"states": 1}}),
        "/States/A/Assign",
        "Cannot assign to reserved variable '$states'.",
    ),
    "reserved variable by path": (one({**PASS, "Assign": {"states.$": "$"}}), "/States/A/Assign", "reserved variable"),
    "variable name": (one({**PASS, "Assign": {"1a": 1}}), "/States/A/Assign", "Invalid variable name '1a'"),
    "long variable name": (one({**PASS, "Assign": {"a" * 81: 1}}), "/States/A/Assign", "more than 80 characters"),
    "Assign no object": (one({**PASS, "Assign": 1}), "/States/A/Assign", "Expected value of type Object"),
    "JSONata syntax": (
        jsonata({**PASS, "Output": {"v": ["{% 1 + %}"]}}),
        "/States/A/Output/v/0",
        "Unexpected end of expression",
    ),
    "JSONata reference": (
        jsonata({**PASS, "Output": "{% phone %}"}),
        "/States/A/Output",
        "Reference to 'phone' at the top level is not supported.",
    ),
    "JSONata not closed": (
        jsonata({**PASS, "Output": "{% 1 "}),
        "/States/A/Output",
        "must start with {% and end with %}",
    ),
    "JSONata error output": (
        jsonata({**PASS, "Output": "{% $states.errorOutput %}"}),
        "/States/A/Output",
        "does not exist",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_at_its_place(name):
    assert_told(*FAULTS[name])


MENDED = ["reserved variable"]


@pytest.mark.parametrize("name", MENDED)
def test_one_mistake_is_one_fault_with_a_fix(name):
    assert_one_fault_with_a_fix(*FAULTS[name][:2])
