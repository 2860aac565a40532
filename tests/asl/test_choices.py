"""Choice rules: the service's recordings, all 39 comparators, failures and hostile rules."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflowsteps.asl.choices import COMPARATORS, MAX_RULE_DEPTH, compile_rule
from mlflowsteps.asl.payloads import Scope
from mlflowsteps.exceptions import InvalidExpression, StatesError

from .recordings import as_params, cases, outcome


@pytest.mark.parametrize("case", as_params(cases("choice_operators")))
def test_recorded_choices(case):
    states = case["definition"]["States"]
    (choice,) = [state for state in states.values() if state["Type"] == "Choice"]
    scope = Scope(json.loads(case["input"]))
    taken = [rule["Next"] for rule in choice["Choices"] if compile_rule(rule)(scope)]
    name = taken[0] if taken else choice["Default"]
    assert states[name]["Result"] == case["expected"]["output"]


def holds(rule, document, **scope):
    return compile_rule(rule)(Scope(document, **scope))


def test_there_are_39_comparators():
    assert len(COMPARATORS) == 39


ORDER = {
    "String": ("a", "b"),
    "Numeric": (1, 1.5),
    "Timestamp": ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00.5Z"),
}
TRUTH = {  # less, equal, greater
    "Equals": (False, True, False),
    "LessThan": (True, False, False),
    "GreaterThan": (False, False, True),
    "LessThanEquals": (True, True, False),
    "GreaterThanEquals": (False, True, True),
}


@pytest.mark.parametrize("path", ["", "Path"])
@pytest.mark.parametrize("order", TRUTH)
@pytest.mark.parametrize("kind", ORDER)
def test_ordering_comparators(kind, order, path):
    low, high = ORDER[kind]
    for (left, right), expected in zip(((low, high), (low, low), (high, low)), TRUTH[order], strict=True):
        beside = "$.right" if path else right
        assert holds({"Variable": "$.left", kind + order + path: beside}, {"left": left, "right": right}) is expected
        for other in (None, True, [], {}, 5 if kind == "String" else "x"):
            assert holds({"Variable": "$.left", kind + order + path: beside}, {"left": other, "right": right}) is False


@pytest.mark.parametrize(
    ("name", "true", "false"),
    [
        ("IsNull", [None], [0, "", False, []]),
        ("IsNumeric", [0, 1.5], [True, "1", None]),
        ("IsString", ["", "x"], [1, None, []]),
        ("IsBoolean", [True, False], [0, 1, "true", None]),
        (
            "IsTimestamp",
            ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.123+02:00"],
            ["2020-01-01", "x", 1, "2020-01-01T00:00:00"],
        ),
        ("IsPresent", [None, 1, []], []),
    ],
)
def test_checks_of_kind_hold_either_way(name, true, false):
    for values, expected in ((true, True), (false, False)):
        for value in values:
            assert holds({"Variable": "$.v", name: True}, {"v": value}) is expected
            assert holds({"Variable": "$.v", name: False}, {"v": value}) is not expected


def test_presence_of_what_is_not_there():
    assert holds({"Variable": "$.a.b", "IsPresent": False}, {})
    assert not holds({"Variable": "$.a[3]", "IsPresent": True}, {"a": []})
    assert not holds({"Variable": "$.a[*]", "IsPresent": True}, {"a": []})
    assert not holds({"Variable": "$v", "IsPresent": True}, {}, variables={})
    assert holds({"Variable": "$v", "IsPresent": True}, {}, variables={"v": None})
    assert holds({"Variable": "$$.Execution.Id", "IsPresent": True}, {}, context={"Execution": {"Id": "x"}})


@pytest.mark.parametrize(
    ("pattern", "true", "false"),
    [
        ("a*", ["a", "abc"], ["", "ba"]),
        ("*.log", [".log", "x.log"], ["x.logs", "log"]),
        ("a*b*c", ["abc", "a1b2c", "abbc"], ["acb", "ab"]),
        (r"a\*b", ["a*b"], ["axb", "a\\*b"]),
        (r"a\\*", ["a\\", "a\\x"], ["a", "ax"]),
        ("*", ["", "x"], []),
        ("plain", ["plain"], ["plainer", ""]),
        ("aa*aa", ["aaaa", "aaxaa"], ["aaa"]),
        (r"a\n", ["a\\n"], ["a\n"]),
    ],
)
def test_string_patterns(pattern, true, false):
    for texts, expected in ((true, True), (false, False)):
        for text in texts:
            assert holds({"Variable": "$.v", "StringMatches": pattern}, {"v": text}) is expected
    assert holds({"Variable": "$.v", "StringMatches": pattern}, {"v": 1}) is False


def test_a_pattern_of_many_stars_is_matched_in_time():
    rule = {"Variable": "$.v", "StringMatches": "*a" * 2_000 + "*b"}
    assert holds(rule, {"v": "a" * 100_000}) is False


@pytest.mark.parametrize("name", [name for name in COMPARATORS if name != "IsPresent"])
def test_a_missing_variable_fails_in_the_service_s_words(name):
    beside = {"String": "x", "Numeric": 1, "Timestamp": "2020-01-01T00:00:00Z", "Boolean": True, "Path": "$.there"}
    with pytest.raises(StatesError) as caught:
        holds({"Variable": "$.gone", name: beside[COMPARATORS[name]]}, {"there": 1})
    assert (caught.value.error, caught.value.cause) == (
        "States.Runtime",
        "Invalid path '$.gone': The choice state's condition path references an invalid value.",
    )


def test_logic_and_its_laziness():
    yes, no = {"Variable": "$.a", "NumericEquals": 1}, {"Variable": "$.a", "NumericEquals": 2}
    missing = {"Variable": "$.gone", "IsNull": True}
    document = {"a": 1}
    assert holds({"And": [yes, yes]}, document)
    assert not holds({"And": [no, missing]}, document)
    assert holds({"Or": [yes, missing]}, document)
    assert not holds({"Or": [no]}, document)
    assert holds({"Not": no}, document)
    assert holds({"And": [{"Or": [no, yes]}, {"Not": {"And": [yes, no]}}]}, document)


BROKEN = [
    None, [], "x", {}, {"Variable": "$.a"}, {"NumericEquals": 1}, {"Variable": 1, "NumericEquals": 1},
    {"Variable": "$.a", "NumericEquals": "1"}, {"Variable": "$.a", "NumericEquals": True},
    {"Variable": "$.a", "StringEquals": 1}, {"Variable": "$.a", "IsNull": "true"},
    {"Variable": "$.a", "TimestampEquals": "2020-01-01"}, {"Variable": "$.a", "StringEqualsPath": 1},
    {"Variable": "$.a", "StringEqualsPath": "b"}, {"Variable": "$.a", "StringEquals": "a", "StringLessThan": "b"},
    {"Variable": "a", "StringEquals": "a"}, {"And": []}, {"And": {}}, {"Or": [1]}, {"Not": []},
    {"Variable": "$.a", "StringEqual": "a"}, {"Variable": "$.a", "BooleanEquals": 1},
]  # fmt: skip


@pytest.mark.parametrize("rule", BROKEN, ids=str)
def test_a_broken_rule_is_refused(rule):
    with pytest.raises(InvalidExpression):
        compile_rule(rule)


def test_a_misspelt_comparator_is_told_its_neighbour():
    with pytest.raises(InvalidExpression) as caught:
        compile_rule({"Variable": "$.a", "StringEqual": "a"})
    assert caught.value.hint == "Did you mean StringEquals?"


def test_rules_nest_to_a_bound():
    rule = {"Variable": "$.a", "IsNull": True}
    for _ in range(MAX_RULE_DEPTH - 1):
        rule = {"Not": rule}
    assert holds(rule, {"a": 1}) is (MAX_RULE_DEPTH % 2 == 0)
    for beyond in ({"Not": rule}, {"And": [rule]}, {"Or": [rule]}):
        with pytest.raises(InvalidExpression, match="nest at most"):
            compile_rule(beyond)
    for _ in range(5_000):
        rule = {"Not": rule}
    with pytest.raises(InvalidExpression, match="nest at most"):
        compile_rule(rule)


@given(
    st.recursive(
        st.none() | st.text(max_size=6) | st.integers() | st.booleans(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*COMPARATORS, "And", "Or", "Not", "Variable", "Next"]), inner, max_size=3
            )
        ),
        max_leaves=10,
    )
)
def test_any_json_is_a_rule_or_is_refused(rule):
    try:
        condition = compile_rule(rule)
    except InvalidExpression:
        return
    assert outcome(lambda: condition(Scope({"a": 1}))) in {True, False, "States.Runtime"}
