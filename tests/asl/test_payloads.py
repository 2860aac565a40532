"""Payload templates."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflowsteps.asl.payloads import Scope, compile_template, compile_value
from mlflowsteps.exceptions import InvalidExpression, StatesError

from .test_values import JSON

SCOPE = Scope(
    {"a": {"b": 1}, "list": [1, 2], "text": "x"},
    {"Execution": {"Id": "arn"}, "Task": {"Token": "t"}},
    {"v": {"w": 3}},
)


def test_paths_context_variables_and_functions_are_evaluated():
    template = {
        "a.$": "$.a.b",
        "all.$": "$.list[*]",
        "id.$": "$$.Execution.Id",
        "v.$": "$v.w",
        "f.$": "States.Format('{}!', $.text)",
        "inner": [{"deep.$": "$.text"}, "literal $.text", 7],
        "plain": "$.a.b",
    }
    assert compile_template(template)(SCOPE) == {
        "a": 1,
        "all": [1, 2],
        "id": "arn",
        "v": 3,
        "f": "x!",
        "inner": [{"deep": "x"}, "literal $.text", 7],
        "plain": "$.a.b",
    }


def test_the_order_of_keys_is_the_template_s():
    assert list(compile_template({"z.$": "$.text", "a": 1, "m.$": "$.text"})(SCOPE)) == ["z", "a", "m"]


@given(JSON)
def test_a_template_without_expressions_is_shared(value):
    if ".$" not in str(value):
        assert compile_template(value)(SCOPE) is value


def test_what_does_not_change_is_shared_and_the_template_untouched():
    template = {"still": {"big": [1]}, "moving.$": "$.text"}
    before = copy.deepcopy(template)
    make = compile_template(template)
    first, second = make(SCOPE), make(SCOPE)
    assert first["still"] is second["still"] is template["still"]
    assert first is not second
    assert template == before


def test_a_missing_value_names_the_field_and_the_input():
    with pytest.raises(StatesError) as caught:
        compile_template({"x": {"value.$": "$.no_such"}})(Scope({"i": 0}))
    assert (caught.value.error, caught.value.cause) == (
        "States.Runtime",
        "The JSONPath '$.no_such' specified for the field 'value.$' could not be found in the input '{\"i\":0}'",
    )


def test_a_missing_context_value_names_the_context():
    with pytest.raises(StatesError) as caught:
        compile_template({"value.$": "$$.Nope"})(Scope({"i": 0}, {"State": {}}))
    assert caught.value.cause.endswith("could not be found in the input '{\"State\":{}}'")


def test_an_index_past_the_end_is_null_here_alone():
    assert compile_template({"a.$": "$.list[5]"})(SCOPE) == {"a": None}
    with pytest.raises(StatesError):
        compile_template({"a.$": "$.list[5].x"})(SCOPE)


@pytest.mark.parametrize(
    "template",
    [
        {"a.$": 1},
        {"a.$": "text"},
        {"a.$": "$."},
        {"a.$": "States.No()"},
        {"a.$": None},
        {"a": 1, "a.$": "$"},
        [{"b.$": ""}],
    ],
    ids=str,
)
def test_a_broken_template_is_refused(template):
    with pytest.raises(InvalidExpression):
        compile_template(template)


def test_a_deep_template_is_refused_and_does_not_crash():
    template: dict = {"a.$": "$"}
    for _ in range(100_000):
        template = {"a": template}
    with pytest.raises(InvalidExpression, match="nested too deeply"):
        compile_template(template)


def test_a_field_may_hold_a_path_or_a_function():
    assert compile_value("$.text", "ErrorPath")(SCOPE) == "x"
    assert compile_value("States.Format('{}', $.text)", "CausePath")(SCOPE) == "x"
    with pytest.raises(StatesError, match="specified for the field 'ErrorPath'"):
        compile_value("$.ErrorX", "ErrorPath")(SCOPE)


def test_a_missing_value_is_told_with_the_field_and_the_input():
    with pytest.raises(StatesError) as caught:
        compile_value("$.no", "value.$")(Scope({"a": 1}))
    assert caught.value.cause == (
        "The JSONPath '$.no' specified for the field 'value.$' could not be found in the input '{\"a\":1}'"
    )


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=5))
def test_any_object_is_a_template_or_is_refused(template):
    try:
        make = compile_template(template)
    except InvalidExpression:
        return
    try:
        make(SCOPE)
    except StatesError:
        return
