from __future__ import annotations

import datetime as dt
import enum
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflowsteps.asl.intrinsics import compile_intrinsic
from mlflowsteps.asl.jsonata import compile_template as compile_jsonata
from mlflowsteps.asl.payloads import compile_template
from mlflowsteps.asl.values import Entropy, Scope
from mlflowsteps.inputs import ExecutionInput, StepInput, context, intrinsics
from mlflowsteps.inputs.syntax import argument
from mlflowsteps.inputs.templates import MAX_DEPTH, Place, Template

X = StepInput()["x"]
PLACE = Place("state 'S', Parameters")


def render(value: Any, language: str = "JSONPath") -> Any:
    return Template(language).render(value, PLACE)


def evaluated(value: Any, document: Any, language: str = "JSONPath") -> Any:
    """What the service makes of a rendered value, by this package's own engine."""
    known = {"Execution": {"Name": "run", "Input": {"n": 5, "it's": "q"}}}
    if language == "JSONata":
        return compile_jsonata(render(value, language), "Arguments")(Scope({"input": document, "context": known}))
    return compile_template(render(value))(Scope(document, known, {}, Entropy("seed")))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"a": X}, {"a.$": "$['x']"}),
        ({"a": {"b": {"c": X}}}, {"a": {"b": {"c.$": "$['x']"}}}),
        ({"a": [{"b": X}, 1]}, {"a": [{"b.$": "$['x']"}, 1]}),
        ({"a": [[{"b": X}]]}, {"a": [[{"b.$": "$['x']"}]]}),
        ({"a": ["--x", X]}, {"a.$": "States.Array('--x', $['x'])"}),
        ({"a": [["--x", X]]}, {"a.$": "States.Array(States.Array('--x', $['x']))"}),
        ({"a": ("--x", X)}, {"a.$": "States.Array('--x', $['x'])"}),
        ({"a": f"s3://{X}/out"}, {"a.$": "States.Format('s3://{}/out', $['x'])"}),
        ({"a": f"{X}"}, {"a.$": "$['x']"}),
        ({"a": [f"{X}-1"]}, {"a.$": "States.Array(States.Format('{}-1', $['x']))"}),
        ({"a": intrinsics.uuid()}, {"a.$": "States.UUID()"}),
        ({"a.$": X}, {"a.$": "$['x']"}),
        ({"a.$": f"States.MathAdd({X}, 1)"}, {"a.$": "States.MathAdd($['x'], 1)"}),
        ({"a.$": "$.plain"}, {"a.$": "$.plain"}),
        ({1: X}, {"1.$": "$['x']"}),
        ([{"a": X}], [{"a.$": "$['x']"}]),
    ],
)
def test_an_expression_is_written_where_it_stands(value: Any, written: Any) -> None:
    assert render(value) == written


TEXT = "v\"' {} \\ ü"
MEANT = [
    (
        {"a": ["--x", X, {"k": X, "l": ["v'{}\\", 1, None]}, ["y", f"{X}/{X}"]]},
        {"a": ["--x", TEXT, {"k": TEXT, "l": ["v'{}\\", 1, None]}, ["y", f"{TEXT}/{TEXT}"]]},
    ),
    (
        {"a": [context.execution.name, ExecutionInput()["it's"], 1.5, True, {"deep": {"er": [X]}}]},
        {"a": ["run", "q", 1.5, True, {"deep": {"er": [TEXT]}}]},
    ),
    (
        {"a": {"b": [intrinsics.format("{}-{x}", X), '"', "{}", "⟦no token⟧"]}},
        {"a": {"b": [f"{TEXT}-{{x}}", '"', "{}", "⟦no token⟧"]}},
    ),
    ({"a": f'it\'s {X} {{}} \\ "q" \n end'}, {"a": f'it\'s {TEXT} {{}} \\ "q" \n end'}),
]


@pytest.mark.parametrize(("value", "meant"), MEANT, ids=["lists", "context", "formats", "text"])
@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_both_languages_evaluate_to_what_was_meant(value: Any, meant: Any, language: str) -> None:
    assert evaluated(value, {"x": TEXT}, language) == meant


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
@pytest.mark.parametrize("before", ["\\", "\\\\", "{}", "\\{}", "{", "'", "\n"])
def test_any_text_may_stand_round_an_expression(before: str, language: str) -> None:
    assert evaluated({"a": f"{before}{X}{before}"}, {"x": TEXT}, language) == {"a": f"{before}{TEXT}{before}"}


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(max_size=8)
    | st.floats(-1e6, 1e6).map(lambda x: round(x, 6)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON_VALUES)
def test_any_value_as_an_argument_evaluates_to_itself(value: Any) -> None:
    scope = Scope({}, {}, {}, Entropy("seed"))
    (found,) = compile_intrinsic(argument([value]))(scope)
    assert found == value


@given(st.dictionaries(st.text(max_size=6).filter(lambda k: not k.endswith(".$")), JSON_VALUES, max_size=4))
def test_a_value_without_placeholders_is_written_unchanged(value: dict[str, Any]) -> None:
    assert render(value) == value
    assert render(value) == render(value)


def test_the_arguments_are_never_changed_and_nothing_is_shared() -> None:
    inner = {"k": [1, {"m": X}]}
    value = {"a": inner, "b": ["c", X]}

    written = render(value)
    written["a"]["k"][1]["n"] = 2

    assert value == {"a": {"k": [1, {"m": X}]}, "b": ["c", X]}
    assert inner["k"][1] == {"m": X}


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (X, TypeError, "needs a key to stand under"),
        ([X, 1], TypeError, "needs a key to stand under"),
        ({"a": object()}, TypeError, r"state 'S', Parameters/a: .* is no JSON value"),
        ({"a": [{"b": b"x"}]}, TypeError, r"Parameters/a/0/b"),
        ({"a": float("nan")}, ValueError, "no JSON number"),
        ({"a": [X, float("inf")]}, ValueError, "no JSON number"),
        ({f"k{X}": 1}, TypeError, "only values can be computed"),
        ({("a",): 1}, TypeError, "a key must be text"),
        ({"a": X, "a.$": "$.b"}, ValueError, "given twice"),
        ({"a": {1, 2}}, TypeError, "no JSON value"),
        ({"a": dt.datetime(2026, 1, 1)}, TypeError, "time zone"),  # noqa: DTZ001 - that is the fault
    ],
)
def test_what_cannot_be_written_is_refused_with_its_place(value: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        render(value)


def test_arrays_of_other_libraries_are_refused_with_the_conversion() -> None:
    numpy = pytest.importorskip("numpy")
    with pytest.raises(TypeError, match=r"tolist\(\)"):
        render({"a": numpy.float32(1.5)})


def test_times_and_enumerations_are_written_as_text() -> None:
    class Color(enum.StrEnum):
        RED = "red"

    assert render({"t": dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "c": Color.RED}) == {
        "t": "2026-01-02T00:00:00Z",
        "c": "red",
    }
    assert json.dumps(render({"c": Color.RED})) == '{"c": "red"}'


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_a_value_that_holds_itself_is_refused(language: str) -> None:
    loop: dict[str, Any] = {}
    loop["a"] = {"b": [loop]}
    with pytest.raises(ValueError, match=f"deeper than {MAX_DEPTH}"):
        render({"x": loop}, language)
    lists: list[Any] = []
    lists.append(lists)
    for value in (lists, [X, lists]):
        with pytest.raises(ValueError, match=f"deeper than {MAX_DEPTH}"):
            render({"x": value}, language)
    with pytest.raises(ValueError, match=f"deeper than {MAX_DEPTH}"):
        Template(language).literal(loop, PLACE)


@pytest.mark.parametrize(
    ("field", "value", "written"),
    [
        ("ItemReader", {"ReaderConfig": {"MaxItems": X}}, {"ReaderConfig": {"MaxItemsPath": "$['x']"}}),
        ("ItemReader", {"Parameters": {"MaxItems": X}}, {"Parameters": {"MaxItems.$": "$['x']"}}),
        (
            "ItemBatcher",
            {"MaxItemsPerBatch": X, "MaxInputBytesPerBatch": X, "BatchInput": {"MaxItemsPerBatch": X}},
            {
                "MaxItemsPerBatchPath": "$['x']",
                "MaxInputBytesPerBatchPath": "$['x']",
                "BatchInput": {"MaxItemsPerBatch.$": "$['x']"},
            },
        ),
        ("Parameters", {"MaxItems": X, "a": {"MaxItems": X}}, {"MaxItems.$": "$['x']", "a": {"MaxItems.$": "$['x']"}}),
        ("Parameters", {"ItemBatcher": {"MaxItemsPerBatch": X}}, {"ItemBatcher": {"MaxItemsPerBatch.$": "$['x']"}}),
    ],
)
def test_only_the_numbers_of_a_map_take_a_path_by_a_twin(field: str, value: Any, written: Any) -> None:
    assert Template().render(value, Place("state 'M'") / field) == written


def test_a_literal_field_refuses_expressions() -> None:
    with pytest.raises(TypeError, match="taken literally"):
        Template().literal({"a": [X]}, PLACE)


def test_jsonata_writes_expressions_in_place() -> None:
    assert render({"a": ["--x", X], "b": f"{X}-1", "c": "{% $x %}"}, "JSONata") == {
        "a": ["--x", "{% $states.input.x %}"],
        "b": '{% $string($states.input.x) & "-1" %}',
        "c": "{% $x %}",
    }
    assert render(X, "JSONata") == "{% $states.input.x %}"
    assert render({"a": f"{{% {X} + 1 %}}"}, "JSONata") == {"a": "{% $states.input.x + 1 %}"}
