from __future__ import annotations

# ruff: noqa: UP045 - both forms of an optional type are tested
from typing import Any, Optional

import pytest

from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.inputs.schema import faults


def found(value: Any, schema: Any) -> list[str]:
    return [str(fault) for fault in faults(value, schema)]


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (str, ["", "x"], [1, None, ["x"], True]),
        (int, [0, -3], [1.5, True, "1", None]),
        (float, [1.5, 2, 0], [True, "1.5", None]),
        (bool, [True, False], [0, 1, "true", None]),
        (list, [[], [1]], ["x", {}, None]),
        (dict, [{}, {"a": 1}], [[], "x", None]),
        (list[str], [[], ["a"]], [[1], "a", [["a"]]]),
        ([int], [[], [1]], [[True], ["1"]]),
        (Optional[str], ["x", None], [1]),
        (str | int, ["x", 1], [1.5, True]),
        (Any, [None, 1, "x", {}], []),
    ],
)
def test_a_type_takes_what_it_should_and_nothing_else(schema: Any, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert found(value, schema) == [], value
    for value in bad:
        assert found(value, schema) != [], value


def test_every_fault_is_found_and_names_its_place() -> None:
    schema = {"JobName": str, "Steps": {"tol": float, "rows": [int]}, "Extra": bool}

    assert found({"JobName": 1, "Steps": {"rows": [1, "2", True]}}, schema) == [
        "JobName must be str, not int",
        "Steps.tol is missing: expected float",
        "Steps.rows.1 must be int, not str",
        "Steps.rows.2 must be int, not bool",
        "Extra is missing: expected bool",
    ]


def test_a_missing_object_is_missing_all_of_its_keys() -> None:
    assert found({}, {"a": {"b": str, "c": {"d": int}}}) == [
        "a.b is missing: expected str",
        "a.c.d is missing: expected int",
    ]


def test_a_value_where_an_object_is_due_is_one_fault() -> None:
    assert found({"a": "x"}, {"a": {"b": str}}) == ["a must be an object with b, not str"]
    assert found([1], {"a": str}) == ["the input must be an object with a, not list"]


def test_a_dotted_key_is_not_taken_for_a_nested_one() -> None:
    schema = {"a.b": str, "a": {"b": int}}

    assert found({"a.b": "x", "a": {"b": 1}}, schema) == []
    assert found({}, schema) == ["'a.b' is missing: expected str", "a.b is missing: expected int"]


def test_an_optional_key_may_be_left_out_or_null() -> None:
    assert found({}, {"a": Optional[str], "b": int | None}) == []
    assert found({"a": None}, {"a": Optional[str]}) == []
    assert found({"a": 1}, {"a": Optional[str]}) != []


def test_keys_beyond_the_schema_are_let_pass() -> None:
    assert found({"a": "x", "more": 1}, {"a": str}) == []


def test_validate_gives_the_old_result() -> None:
    inputs = ExecutionInput(schema={"a": str, "b": {"c": float}})

    assert inputs.validate({"a": 1}) == (False, ["b.c"], [("a", str, int)])
    assert inputs.validate(None) == (False, ["a", "b.c"], [])
    assert inputs.validate({"a": "x", "b": {"c": 1}}) == (True, [], [])


def test_keys_without_a_declared_type_take_any_value_but_must_be_there() -> None:
    inputs = ExecutionInput()
    inputs["a"]["b"]

    assert inputs.validate({"a": {"b": 1}}).valid
    assert inputs.validate({"a": {"b": None}}).valid
    assert inputs.validate({}).keys_missing == ["a.b"]
