from __future__ import annotations

import copy
import json
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from subprocess import run
from typing import Any

import pytest

from mlflowsteps.inputs import ExecutionInput, MapItemIndex, MapItemValue, Placeholder, StepInput, StepResult

SCHEMA = {"A": {"B": {"C": int}}, "Request": {"Status": str}, "Hello": float}


@pytest.mark.parametrize(
    ("placeholder", "path"),
    [
        (ExecutionInput(), "$$.Execution.Input"),
        (ExecutionInput()["a"]["b"], "$$.Execution.Input['a']['b']"),
        (StepInput(), "$"),
        (StepInput()["a"][0], "$['a'][0]"),
        (StepInput()["a"].get(0, float), "$['a'][0]"),
        (StepResult()["Payload"], "$['Payload']"),
        (MapItemValue()["a"], "$$.Map.Item.Value['a']"),
        (MapItemIndex(), "$$.Map.Item.Index"),
        (StepInput()["it's"]["a\\b"], "$['it\\'s']['a\\\\b']"),
        (StepInput()["a.b"]["c d"], "$['a.b']['c d']"),
    ],
)
def test_a_placeholder_renders_as_its_path(placeholder: Placeholder, path: str) -> None:
    assert placeholder.to_jsonpath() == path


def test_a_key_keeps_its_name_and_type() -> None:
    inputs = ExecutionInput()
    value = inputs["A"]["b"].get("C", float)

    assert (value.name, value.type) == ("C", float)
    assert inputs["A"]["b"]["C"] is value
    assert inputs["A"]["b"].get("C", float) is value


@pytest.mark.parametrize("key", [1.3, None, True, ("a",)])
def test_a_key_that_is_neither_text_nor_integer_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match="Key name can only be string or integer"):
        StepInput()["A"][key]
    with pytest.raises(ValueError, match="Key name can only be string or integer"):
        StepInput()["A"].get(key, str)


def test_a_key_asked_for_with_another_type_is_refused() -> None:
    inputs = ExecutionInput()
    inputs.get("C", float)

    with pytest.raises(ValueError, match="different value type: float, not int"):
        inputs.get("C", int)


def test_contains_finds_values_at_any_depth_of_the_same_collection_only() -> None:
    first, second = StepInput(), StepInput()
    inner, other = first["Key01"]["Key04"], second["Key07"]

    assert first.contains(inner)
    assert inner in first
    assert other not in first
    assert inner not in second
    assert not first.contains(first)


def test_keys_asked_for_become_the_schema() -> None:
    inputs = ExecutionInput()
    inputs["A"]["b"].get("C", float)
    inputs["Message"]
    inputs["Key03"]["Key04"]

    assert inputs.get_schema_as_dict() == {"A": {"b": {"C": float}}, "Message": str, "Key03": {"Key04": str}}
    assert json.loads(inputs.get_schema_as_json()) == {
        "A": {"b": {"C": "float"}},
        "Message": "str",
        "Key03": {"Key04": "str"},
    }
    assert "\n    " in inputs.get_schema_as_json(pretty=True)


def test_a_collection_with_a_schema_takes_no_other_key_and_names_the_nearest() -> None:
    inputs = ExecutionInput(schema=SCHEMA)

    assert inputs.get_schema_as_dict() == SCHEMA
    assert inputs["A"]["B"].get("C", int).to_jsonpath() == "$$.Execution.Input['A']['B']['C']"
    with pytest.raises(ValueError, match=r"\['Request'\] has no key 'Stats'. Did you mean 'Status'\?"):
        inputs["Request"]["Stats"]
    with pytest.raises(ValueError, match="different value type"):
        inputs["A"]["B"].get("C", float)
    with pytest.raises(ValueError, match="does not conform to schema"):
        inputs["A"]["B"]["C"]["D"]


def test_a_schema_that_is_no_dict_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Key 'b' of the schema has the type 'int', which is none: write a type"):
        ExecutionInput(schema={"a": {"b": "int"}})
    with pytest.raises(ValueError, match="A schema is a dict"):
        ExecutionInput(schema=["JobName"])


def test_every_schema_type_can_be_declared() -> None:
    schema = {"a": list, "b": dict, "c": [str], "d": list[int], "e": {}, "f": str | None, "g": bool}

    inputs = ExecutionInput(schema=schema)

    assert inputs.validate({"a": [1], "b": {"x": 1}, "c": ["x"], "d": [1], "e": {"y": 1}, "g": True}).valid
    assert json.loads(inputs.get_schema_as_json())["c"] == "list[str]"


def test_an_integer_key_of_a_schema_is_an_index() -> None:
    inputs = ExecutionInput(schema={"rows": {0: {"name": str}}})

    assert inputs["rows"][0]["name"].to_jsonpath() == "$$.Execution.Input['rows'][0]['name']"
    assert inputs.validate({"rows": [{"name": "x"}]}).valid
    assert inputs.validate({"rows": [{}]}).keys_missing == ["rows.0.name"]


def test_the_index_of_a_map_has_no_keys() -> None:
    with pytest.raises(AttributeError, match="MapItemValue"):
        MapItemIndex()["A"]
    with pytest.raises(AttributeError, match="no key 'A'"):
        MapItemIndex().get("A", str)


@pytest.mark.parametrize(
    ("use", "fix"),
    [
        (bool, "choice.when"),
        (int, "math_add"),
        (float, "math_add"),
        (iter, "Map state"),
        (len, "array_length"),
        (list, "Map state"),
        (lambda value: [1, 2][value], "math_add"),
        (lambda value: f"{value:>10}", "cannot be formatted"),
    ],
)
def test_what_python_cannot_know_raises_with_the_fix(use: Any, fix: str) -> None:
    with pytest.raises(TypeError, match=fix):
        use(ExecutionInput()["a"])


def test_equality_and_hash_are_those_of_the_object() -> None:
    first, second = ExecutionInput()["a"], ExecutionInput()["a"]

    assert first != second
    assert len({first, second, first}) == 2


def test_a_token_is_printable_and_names_the_path() -> None:
    token = f"{ExecutionInput()['Bucket']}"

    assert token.isprintable()
    assert "$$.Execution.Input['Bucket']" in token
    assert str(ExecutionInput()["Bucket"]) == "{}".format(ExecutionInput()["Bucket"]) == token


def test_a_key_with_the_brackets_of_a_token_cannot_stand_in_text() -> None:
    with pytest.raises(ValueError, match="cannot stand inside text"):
        str(ExecutionInput()["⟦x⟧"])


def test_placeholders_survive_copying_and_pickling() -> None:
    inputs = ExecutionInput(schema=SCHEMA)
    for twin in (copy.deepcopy(inputs), pickle.loads(pickle.dumps(inputs))):
        assert twin["A"]["B"]["C"].to_jsonpath() == inputs["A"]["B"]["C"].to_jsonpath()
        assert twin["A"]["B"]["C"] in twin
        with pytest.raises(ValueError, match="no key"):
            twin["X"]


def test_threads_that_ask_for_one_key_get_one_placeholder() -> None:
    for _ in range(20):
        inputs = ExecutionInput()
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(inputs.__getitem__, ["a"] * 64))
        assert len(set(map(id, found))) == 1


def test_importing_the_room_loads_no_heavy_package() -> None:
    heavy = {"boto3", "botocore", "networkx", "numpy", "IPython"}
    code = f"import sys, mlflowsteps.inputs; print({heavy} & set(sys.modules))"
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
