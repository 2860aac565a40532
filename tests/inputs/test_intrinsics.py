from __future__ import annotations

import math
from typing import Any

import pytest

from mlflowsteps.asl.intrinsic_functions import FUNCTIONS
from mlflowsteps.asl.intrinsics import compile_intrinsic
from mlflowsteps.asl.jsonata import compile_expression
from mlflowsteps.asl.values import Entropy, Scope
from mlflowsteps.inputs import ExecutionInput, Expression, StepInput, Variable, context, intrinsics
from mlflowsteps.inputs.syntax import translate

INPUT = StepInput()
DOCUMENT = {"text": "it's", "n": 5, "list": [1, 2, 2, 3], "object": {"a": 1}, "json": '{"b":[1]}', "i": 1}

CALLS: list[tuple[Expression, str, Any]] = [
    (intrinsics.format("a-{}/{}", INPUT["text"], 1), "States.Format('a-{}/{}', $['text'], 1)", "a-it's/1"),
    (intrinsics.format("no slot"), "States.Format('no slot')", "no slot"),
    (intrinsics.format(f"x{INPUT['n']}-{{}}", "y"), "States.Format('x{}-{}', $['n'], 'y')", "x5-y"),
    (intrinsics.string_to_json(INPUT["json"]), "States.StringToJson($['json'])", {"b": [1]}),
    (intrinsics.json_to_string(INPUT["object"]), "States.JsonToString($['object'])", '{"a":1}'),
    (intrinsics.array(INPUT["n"], "x", None), "States.Array($['n'], 'x', null)", [5, "x", None]),
    (intrinsics.array_partition(INPUT["list"], 3), "States.ArrayPartition($['list'], 3)", [[1, 2, 2], [3]]),
    (intrinsics.array_contains(INPUT["list"], 3), "States.ArrayContains($['list'], 3)", True),
    (intrinsics.array_range(1, 9, 2), "States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
    (intrinsics.array_get_item(INPUT["list"], INPUT["i"]), "States.ArrayGetItem($['list'], $['i'])", 2),
    (intrinsics.array_length(INPUT["list"]), "States.ArrayLength($['list'])", 4),
    (intrinsics.array_unique(INPUT["list"]), "States.ArrayUnique($['list'])", [1, 2, 3]),
    (intrinsics.base64_encode("abc"), "States.Base64Encode('abc')", "YWJj"),
    (intrinsics.base64_decode("YWJj"), "States.Base64Decode('YWJj')", "abc"),
    (intrinsics.hash("abc", "MD5"), "States.Hash('abc', 'MD5')", "900150983cd24fb0d6963f7d28e17f72"),
    (
        intrinsics.json_merge(INPUT["object"], {"b": 2}),
        "States.JsonMerge($['object'], States.StringToJson('\\{\"b\":2\\}'), false)",
        {"a": 1, "b": 2},
    ),
    (intrinsics.math_add(INPUT["n"], -1), "States.MathAdd($['n'], -1)", 4),
    (intrinsics.string_split("a,b", ","), "States.StringSplit('a,b', ',')", ["a", "b"]),
]


@pytest.mark.parametrize(("call", "text", "result"), CALLS, ids=[text for _, text, _ in CALLS])
def test_a_call_is_written_and_evaluates_in_both_languages(call: Expression, text: str, result: Any) -> None:
    assert call.to_jsonpath() == text
    assert compile_intrinsic(text)(Scope(DOCUMENT)) == result
    assert compile_expression(f"{{% {call.to_jsonata()} %}}", "Output")(Scope({"input": DOCUMENT})) == result


def test_random_calls_are_written() -> None:
    assert intrinsics.uuid().to_jsonpath() == "States.UUID()"
    assert intrinsics.math_random(1, 10).to_jsonpath() == "States.MathRandom(1, 10)"
    assert intrinsics.math_random(1, 10, 7).to_jsonpath() == "States.MathRandom(1, 10, 7)"
    scope = Scope({}, {}, {}, Entropy("seed"))
    drawn = compile_expression(f"{{% {intrinsics.math_random(3, 6).to_jsonata()} %}}", "Output")(scope)
    assert drawn in (3, 4, 5)
    assert len(compile_expression(f"{{% {intrinsics.uuid().to_jsonata()} %}}", "Output")(scope)) == 36


def test_every_function_of_the_language_has_a_python_function() -> None:
    names = {"".join(part.title() for part in name.split("_")) for name in intrinsics.__all__}
    names = {{"Uuid": "UUID", "Base64Encode": "Base64Encode"}.get(name, name) for name in names}
    assert names == {name.removeprefix("States.") for name in FUNCTIONS}


def test_calls_nest() -> None:
    call = intrinsics.format("{}", intrinsics.array_get_item(intrinsics.string_split(INPUT["text"], "'"), 0))
    assert call.to_jsonpath() == "States.Format('{}', States.ArrayGetItem(States.StringSplit($['text'], '\\''), 0))"
    assert compile_intrinsic(call.to_jsonpath())(Scope(DOCUMENT, {}, {}, Entropy("s"))) == "it"


@pytest.mark.parametrize(
    ("function", "arguments", "error", "text"),
    [
        (intrinsics.format, ("{}{}", 1), ValueError, "2 times {} for 1 values"),
        (intrinsics.format, (INPUT["a"], 1), TypeError, "template must be text"),
        (intrinsics.string_to_json, (5,), TypeError, "text must be str"),
        (intrinsics.array_partition, ([1], 0), ValueError, "at least 1"),
        (intrinsics.array_partition, ("x", 1), TypeError, "values must be list"),
        (intrinsics.array_range, (1, 5, 0), ValueError, "step must not be 0"),
        (intrinsics.array_range, (1, 1001, 1), ValueError, "more than 1,000"),
        (intrinsics.array_range, (1, True, 1), TypeError, "last must be int"),
        (intrinsics.array_get_item, ([1], -1), ValueError, "counts from 0"),
        (intrinsics.hash, ("x", "SHA-2"), ValueError, "SHA-256"),
        (intrinsics.json_merge, ({}, {}, True), ValueError, "deep must be False"),
        (intrinsics.json_merge, ({}, [], False), TypeError, "second must be dict"),
        (intrinsics.math_add, ("1", 2), TypeError, "first must be int or float"),
        (intrinsics.math_add, (ExecutionInput().get("s", str), 2), TypeError, "first must be"),
        (intrinsics.math_random, (1.5, 2), TypeError, "first must be int"),
        (intrinsics.base64_encode, (b"x",), TypeError, "text must be str"),
        (intrinsics.array, (object(),), TypeError, "no JSON value"),
        (intrinsics.array, (math.nan,), ValueError, "no JSON number"),
    ],
)
def test_arguments_are_checked(function: Any, arguments: tuple[Any, ...], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        function(*arguments)


FITTING: dict[Any, list[tuple[str, Any]]] = {  # arguments that are taken, by name; each is of a kind that is checked
    intrinsics.string_to_json: [("text", "1")],
    intrinsics.array_partition: [("values", [1]), ("size", 1)],
    intrinsics.array_contains: [("values", [1])],
    intrinsics.array_range: [("first", 1), ("last", 1), ("step", 1)],
    intrinsics.array_get_item: [("values", [1]), ("index", 0)],
    intrinsics.array_length: [("values", [1])],
    intrinsics.array_unique: [("values", [1])],
    intrinsics.base64_encode: [("text", "a")],
    intrinsics.base64_decode: [("text", "YQ==")],
    intrinsics.hash: [("algorithm", "MD5")],
    intrinsics.json_merge: [("first", {}), ("second", {})],
    intrinsics.math_random: [("first", 1), ("last", 2), ("seed", 3)],
    intrinsics.math_add: [("first", 1), ("second", 2.5)],
    intrinsics.string_split: [("text", "a"), ("separator", ",")],
}
BESIDE = {intrinsics.array_contains: {"value": 1}, intrinsics.hash: {"value": 1}}


@pytest.mark.parametrize(
    ("function", "name"),
    [(function, name) for function, given in FITTING.items() for name, _ in given],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_every_argument_of_a_kind_refuses_another_kind(function: Any, name: str) -> None:
    fitting = {**dict(FITTING[function]), **BESIDE.get(function, {})}
    assert function(**fitting).to_jsonpath().startswith("States.")
    with pytest.raises(TypeError, match=f"{function.__name__}: {name} must be"):
        function(**{**fitting, name: True})


@pytest.mark.parametrize(("first", "last", "step"), [(1, 1000, 1), (1000, 1, -1), (0, 1998, 2)])
def test_a_thousand_numbers_are_not_too_many_and_one_more_is(first: int, last: int, step: int) -> None:
    assert intrinsics.array_range(first, last, step).to_jsonpath() == f"States.ArrayRange({first}, {last}, {step})"
    with pytest.raises(ValueError, match=r"more than 1,000"):
        intrinsics.array_range(first, last + step, step)


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        (context, "$$"),
        (context.execution, "$$.Execution"),
        (context.execution.id, "$$.Execution.Id"),
        (context.execution.name, "$$.Execution.Name"),
        (context.execution.role_arn, "$$.Execution.RoleArn"),
        (context.execution.start_time, "$$.Execution.StartTime"),
        (context.execution.redrive_count, "$$.Execution.RedriveCount"),
        (context.execution.input["a"][0], "$$.Execution.Input['a'][0]"),
        (context.state.name, "$$.State.Name"),
        (context.state.entered_time, "$$.State.EnteredTime"),
        (context.state.retry_count, "$$.State.RetryCount"),
        (context.state_machine.id, "$$.StateMachine.Id"),
        (context.state_machine.name, "$$.StateMachine.Name"),
        (context.task.token, "$$.Task.Token"),
        (context.map.item.index, "$$.Map.Item.Index"),
        (context.map.item.value["x"], "$$.Map.Item.Value['x']"),
        (context.map.item.key, "$$.Map.Item.Key"),
        (Variable("auc")["x"], "$auc['x']"),
    ],
)
def test_the_context_object_and_variables_render_as_paths(expression: Expression, path: str) -> None:
    assert expression.to_jsonpath() == path


def test_an_unknown_entry_of_the_context_object_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        _ = context.execution.nmae  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["states", "a b", "", "$x", "1a"])
def test_a_name_that_no_variable_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name of a variable"):
        Variable(name)


@pytest.mark.parametrize(
    ("text", "jsonata"),
    [
        ("$", "$states.input"),
        ("$.a.b[0]", "$states.input.a.b[0]"),
        ("$['a b']", "$states.input.`a b`"),
        ("$['and']", "$states.input.`and`"),
        ("$['a`b']", '$lookup($states.input, "a`b")'),
        ("$$.Execution.Name", "$states.context.Execution.Name"),
        ("$auc", "$auc"),
        ('$["x"]', "$states.input.x"),
        ("States.Array($.a, 'b', -1.5, true)", '[$states.input.a, "b", -1.5, true]'),
    ],
)
def test_paths_have_a_counterpart_in_jsonata(text: str, jsonata: str) -> None:
    assert translate(text) == jsonata


@pytest.mark.parametrize(
    "text", ["States.Format('{}{}', $.a)", "States.Format('', $.a)", "States.Format($.a)", "States.Format()"]
)
def test_a_template_that_does_not_fit_its_values_is_refused(text: str) -> None:
    with pytest.raises(TypeError, match=r"cannot be written as JSONata: (States.Format has|the template)"):
        translate(text)


@pytest.mark.parametrize("text", ["$..a", "$.a[*]", "$.a[?(@.b)]", "$.a[1:2]", "States.Nope(1)", "States.Array(1", "x"])
def test_what_has_no_counterpart_is_refused(text: str) -> None:
    with pytest.raises(TypeError, match="cannot be written as JSONata"):
        translate(text)
