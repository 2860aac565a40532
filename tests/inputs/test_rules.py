from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from mlflowsteps.asl.choices import compile_rule
from mlflowsteps.asl.jsonata import compile_expression
from mlflowsteps.asl.values import Scope
from mlflowsteps.inputs import ExecutionInput, StepInput, intrinsics
from mlflowsteps.inputs.rules import BaseRule, Rule

X = StepInput()
N = X.get("n", float)


@pytest.mark.parametrize(
    ("rule", "written"),
    [
        (X["n"] >= 0.9, {"Variable": "$['n']", "NumericGreaterThanEquals": 0.9}),
        (X["n"] > 1, {"Variable": "$['n']", "NumericGreaterThan": 1}),
        (X["n"] <= 1, {"Variable": "$['n']", "NumericLessThanEquals": 1}),
        (X["n"].__gt__(1), {"Variable": "$['n']", "NumericGreaterThan": 1}),
        (X["s"] < "b", {"Variable": "$['s']", "StringLessThan": "b"}),
        (
            X["t"] > dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            {"Variable": "$['t']", "TimestampGreaterThan": "2026-01-01T00:00:00Z"},
        ),
        (X["s"].equals("a"), {"Variable": "$['s']", "StringEquals": "a"}),
        (X["b"].equals(True), {"Variable": "$['b']", "BooleanEquals": True}),
        (X["s"].equals(None), {"Variable": "$['s']", "IsNull": True}),
        (X["n"].equals(N), {"Variable": "$['n']", "NumericEqualsPath": "$['n']"}),
        (X.get("n", float) > X["other"], {"Variable": "$['n']", "NumericGreaterThanPath": "$['other']"}),
        (X["s"].not_equals("a"), {"Not": {"Variable": "$['s']", "StringEquals": "a"}}),
        (X["s"].is_present(), {"Variable": "$['s']", "IsPresent": True}),
        (X["s"].matches("log-*"), {"Variable": "$['s']", "StringMatches": "log-*"}),
        (ExecutionInput()["a"].is_null(), {"Variable": "$$.Execution.Input['a']", "IsNull": True}),
    ],
)
def test_comparing_a_placeholder_makes_a_rule(rule: BaseRule, written: Any) -> None:
    assert rule.to_dict() == written


def test_rules_are_joined_flat() -> None:
    a, b, c = X["a"] > 1, X["b"] > 2, X["c"] > 3

    assert (a & b & c).to_dict() == {"And": [a.to_dict(), b.to_dict(), c.to_dict()]}
    assert (a | (b | c)).to_dict() == {"Or": [a.to_dict(), b.to_dict(), c.to_dict()]}
    assert (a & (b | c)).to_dict() == {"And": [a.to_dict(), {"Or": [b.to_dict(), c.to_dict()]}]}
    assert (~a).to_dict() == {"Not": a.to_dict()}
    assert ~~a is a


DOCUMENTS: list[dict[str, Any]] = [
    {"n": 0.9, "s": "a-1", "t": "2026-01-01T00:00:00Z", "b": True, "z": None},
    {"n": -5, "s": "log-x", "t": "2025-06-01T12:00:00+02:00", "b": False, "z": 1},
    {"n": 7, "s": "LOG", "t": "not a time", "b": True, "z": "x"},
]
RULES = [
    N >= 0.9,
    X["s"] < "b",
    X["s"].matches("log-*"),
    X["s"].matches("a-?"),
    X["b"].equals(True),
    X["z"].is_null(),
    X["z"].is_numeric(),
    X["z"].is_string(),
    X["b"].is_boolean(),
    X["t"].is_timestamp(),
    X["missing"].is_present(),
    Rule(X["missing"], "IsPresent", False),
    Rule(X["z"], "IsNull", False),
    (N > 0) & (N < 5),
    (N > 5) | X["b"].equals(False),
    ~(N > 0),
    N.equals(X.get("n", float)),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("document", DOCUMENTS, ids=["first", "second", "third"])
def test_both_languages_agree(rule: BaseRule, document: dict[str, Any]) -> None:
    in_jsonpath = compile_rule(rule.render("JSONPath"))(Scope(document))
    condition = rule.render("JSONata")["Condition"]
    in_jsonata = compile_expression(condition, "Condition")(Scope({"input": document}))

    assert in_jsonata is in_jsonpath


def test_times_agree_in_both_languages() -> None:
    rule = X["t"] >= dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for document in DOCUMENTS[:2]:
        expected = compile_rule(rule.to_dict())(Scope(document))
        condition = rule.render("JSONata")["Condition"]
        assert compile_expression(condition, "Condition")(Scope({"input": document})) is expected


def test_a_rule_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match=r"choice.when\(rule"):
        bool(X["a"] > 1)
    with pytest.raises(TypeError, match=r"\(a < x\) & \(x < b\)"):
        _ = 1 < X["a"] < 5
    with pytest.raises(TypeError, match=r"& \| ~"):
        (X["a"] > 1) and (X["b"] > 1)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: X["a"] > X["b"], TypeError, "say which comparison"),
        (lambda: X["a"] > True, TypeError, "say which comparison"),
        (lambda: X["a"] > [1], TypeError, "say which comparison"),
        (lambda: X["a"] > dt.datetime(2026, 1, 1), TypeError, "time zone"),  # noqa: DTZ001 - that is the fault
        (lambda: Rule("a", "StringEquals", "x"), ValueError, "starts with '\\$', but it is 'a'"),
        (lambda: Rule("$.a", "StringEqualsPath", "x"), ValueError, "starts with"),
        (lambda: Rule("$.a", "NumericEquals", "x"), ValueError, "to be a Numeric"),
        (lambda: Rule("$.a", "NumericEquals", True), ValueError, "to be a Numeric"),
        (lambda: Rule("$.a", "IsPresent", "yes"), ValueError, "to be a Is"),
        (lambda: Rule(intrinsics.uuid(), "StringEquals", "x"), ValueError, "is computed"),
        (lambda: (X["a"] > 1) & "x", ValueError, "Rule 'x' is invalid"),
    ],
)
def test_what_is_no_rule_is_refused(make: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        make()
