"""Choice states and their rules: each fault is found, at its place."""

from __future__ import annotations

import pytest

from .machines import IS, PASS, assert_told, choice, one

FAULTS = {
    "empty Choices": (
        one({"Type": "Choice", "Choices": [], "Default": "B"}, B=PASS),
        "/States/A/Choices",
        "Value cannot be empty",
    ),
    "rule without Next": (choice(IS, Default="B"), "/States/A/Choices/0", "These fields are required: [Next]"),
    "rule without comparator": (choice({"Variable": "$.a", "Next": "B"}), "/States/A/Choices/0", "needs a comparator"),
    "misspelt comparator": (
        choice({"Variable": "$.a", "StringEqual": "x", "Next": "B"}),
        "/States/A/Choices/0",
        "Field 'StringEqual' is not supported",
    ),
    "two comparators": (
        choice({**IS, "IsString": True, "Next": "B"}),
        "/States/A/Choices/0",
        "There should only be one",
    ),
    "rule without condition": (choice({"Next": "B"}), "/States/A/Choices/0", "[And, Or, Not, Variable, Condition]"),
    "nested Next": (
        choice({"And": [{**IS, "Next": "B"}], "Next": "B"}),
        "/States/A/Choices/0/And/0",
        "Field 'Next' is not supported",
    ),
    "empty And": (choice({"And": [], "Next": "B"}), "/States/A/Choices/0/And", "Value cannot be empty"),
    "Variable no path": (
        choice({"Variable": "a", "IsNull": True, "Next": "B"}),
        "/States/A/Choices/0/Variable",
        "didn't start with '$'",
    ),
    "wrong kind beside a comparator": (
        choice({"Variable": "$.a", "NumericEquals": "1", "Next": "B"}),
        "/States/A/Choices/0/NumericEquals",
        "takes a number",
    ),
    "Condition in JSONPath": (
        choice({"Condition": "{% true %}", "Next": "B"}),
        "/States/A/Choices/0",
        "field 'Condition' is only supported",
    ),
    "Variable in JSONata": (
        {**choice({**IS, "Next": "B"}), "QueryLanguage": "JSONata"},
        "/States/A/Choices/0",
        "field 'Variable' is only supported",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_at_its_place(name):
    assert_told(*FAULTS[name])
