from __future__ import annotations

import pytest

from mlflowsteps.asl.choices import compile_rule
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.steps import ChoiceRule
from mlflowsteps.steps.choice_rule import Rule

BUILDERS = sorted(name for name in dir(ChoiceRule) if name[0].isupper() and name not in ("And", "Or", "Not"))
VALUES = {"String": "x", "Numeric": 1.5, "Boolean": True, "Timestamp": "2026-01-01T00:00:00Z", "Is": True}


def test_there_is_a_builder_for_each_of_the_39_comparisons() -> None:
    assert len(BUILDERS) == 39


@pytest.mark.parametrize("name", BUILDERS)
def test_each_builder_makes_a_rule_that_the_engine_takes(name: str) -> None:
    kind = next(kind for kind in VALUES if name.startswith(kind))
    value = "$.other" if name.endswith("Path") else VALUES[kind]

    rule = getattr(ChoiceRule, name)("$.a", value)

    assert rule.to_dict() == {"Variable": "$.a", name: value}
    compile_rule(rule.to_dict())


@pytest.mark.parametrize("name", [name for name in BUILDERS if not name.startswith("Is") and name != "StringMatches"])
def test_a_placeholder_as_value_makes_the_path_form(name: str) -> None:
    rule = getattr(ChoiceRule, name)(ExecutionInput()["a"], ExecutionInput()["b"])
    operator = f"{name.removesuffix('Path')}Path"
    assert rule.to_dict() == {"Variable": "$$.Execution.Input['a']", operator: "$$.Execution.Input['b']"}


def test_rules_are_compounded() -> None:
    a, b = ChoiceRule.IsPresent("$.a", True), ChoiceRule.IsNull("$.b", False)

    assert ChoiceRule.And([a, ChoiceRule.Or([a, b]), ChoiceRule.Not(b)]).to_dict() == {
        "And": [a.to_dict(), {"Or": [a.to_dict(), b.to_dict()]}, {"Not": b.to_dict()}]
    }
    with pytest.raises(ValueError, match="is invalid"):
        ChoiceRule.Or(["x"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="is invalid"):
        ChoiceRule.Not("x")  # type: ignore[arg-type]


def test_rules_show_what_they_are() -> None:
    rule = ChoiceRule.StringEquals("$.a", "x")
    assert repr(rule) == "Rule(variable='$.a', operator='StringEquals', value='x')"
    assert str(rule) == "{'Variable': '$.a', 'StringEquals': 'x'}"
    assert isinstance(rule, Rule)
