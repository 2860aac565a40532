"""The 18 intrinsic functions: the service's recordings, its rules, and hostile texts."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflowsteps.asl.intrinsic_functions import FUNCTIONS, Template, java_text
from mlflowsteps.asl.intrinsics import compile_intrinsic
from mlflowsteps.asl.payloads import Entropy, Scope, compile_template
from mlflowsteps.exceptions import InvalidExpression, StatesError

from .recordings import as_params, cases, outcome

RECORDED = [
    case
    for case in cases("intrinsic_functions")
    if "Parameters" in next(iter(case["definition"]["States"].values()))
    and case["expected"]["output"] != {"FunctionResult": "RandomNumberGenerated"}
]


@pytest.mark.parametrize("case", as_params(RECORDED))
def test_recorded_results(case):
    state = next(iter(case["definition"]["States"].values()))
    given_input = json.loads(case["input"])
    context = {"Execution": {"Input": given_input}, "StateMachine": {"Name": "a-b-<ArnPart_0idx>"}}
    made = compile_template(state["Parameters"])(Scope(given_input, context))
    assert (made["merged"] if "OutputPath" in state else made) == case["expected"]["output"]


def run(text, document=None, **scope):
    return compile_intrinsic(text)(Scope(document, **scope))


RESULTS = [
    ("States.Format('Hi {}', 'you')", "Hi you"),
    (r"States.Format('\{\} {} \\ \'', 1)", "{} 1 \\ '"),
    ("States.Format('{}{}', 1.0, 1e10)", "1.01.0E10"),
    ("States.Format('{}', true)", "true"),
    ("States.Format($.t, 2)", "n=2"),
    ("States.Format('none')", "none"),
    ("States.StringToJson('{\"a\": [1, null]}')", {"a": [1, None]}),
    ("States.StringToJson('')", None),
    ("States.JsonToString($.o)", '{"k":[1,"é"]}'),
    ("States.Array()", []),
    ("States.Array(1, 'a', null, $.o, States.Array(2))", [1, "a", None, {"k": [1, "é"]}, [2]]),
    ("States.ArrayPartition($.list, 2)", [[1, 2], [3, 4], [5]]),
    ("States.ArrayPartition($.list, 1.5)", [[1, 2], [3, 4], [5]]),
    ("States.ArrayContains($.list, 3)", True),
    ("States.ArrayContains($.list, '3')", False),
    ("States.ArrayContains(States.Array(1), true)", False),
    ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
    ("States.ArrayRange(5, 1, -2)", [5, 3, 1]),
    ("States.ArrayRange(5, 1, 1)", []),
    ("States.ArrayGetItem($.list, 4)", 5),
    ("States.ArrayLength($.list)", 5),
    ("States.ArrayUnique(States.Array(1, 2, 1, '1', 1.0, $.o, $.o))", [1, 2, "1", {"k": [1, "é"]}]),
    ("States.Base64Encode('é')", base64.b64encode("é".encode()).decode()),
    ("States.Base64Decode('w6k=')", "é"),
    ("States.Hash('a', 'SHA-256')", hashlib.sha256(b"a").hexdigest()),
    ("States.Hash('a', 'SHA-384')", hashlib.sha384(b"a").hexdigest()),
    ("States.Hash('a', 'SHA-512')", hashlib.sha512(b"a").hexdigest()),
    ('States.JsonMerge($.o, States.StringToJson(\'{"k":2,"l":3}\'), false)', {"k": 2, "l": 3}),
    ("States.MathAdd(1.49, 1.5)", 3),
    ("States.MathAdd(-1.5, 0)", -1),
    ("States.MathAdd($.list[1], $.list[2])", 5),
    ("States.StringSplit('This.is+a,test=string', '.+,=')", ["This", "is", "a", "test", "string"]),
    ("States.StringSplit('a]b^c-d\\\\e', ']^-\\\\')", ["a", "b", "c", "d", "e"]),
    ("States.StringSplit('abc', '')", ["abc"]),
    ("  States.MathAdd(1, 1)".strip(), 2),
    ("States.MathAdd( 1 ,\n 1 )", 2),
    ("States.ArrayLength($.list[?(@ > 2 && (@ < 5))])", 2),
    ("States.ArrayLength($['a,b)'])", 1),
    ("States.Format('{}', $.list.length())", "5"),
    ("States.Format('{}-{}', $$.Execution.Name, $v)", "run-7"),
]
DOCUMENT = {"list": [1, 2, 3, 4, 5], "o": {"k": [1, "é"]}, "t": "n={}", "a,b)": [0]}


@pytest.mark.parametrize(("text", "result"), RESULTS)
def test_results(text, result):
    found = run(text, DOCUMENT, context={"Execution": {"Name": "run"}}, variables={"v": 7})
    assert (found, type(found)) == (result, type(result))


FAILURES = [
    "States.Format('{}')",
    "States.Format('', 1)",
    "States.Format(1)",
    "States.StringToJson('{')",
    "States.StringToJson(1)",
    "States.StringToJson('NaN')",
    "States.ArrayPartition(States.Array(1), 0)",
    "States.ArrayPartition('a', 1)",
    "States.ArrayPartition(States.Array(1), 'a')",
    "States.ArrayRange(1, 2, 0)",
    "States.ArrayRange(1, 100000, 1)",
    "States.ArrayGetItem(States.Array(1), 1)",
    "States.ArrayGetItem(States.Array(1), -1)",
    "States.ArrayLength('a')",
    "States.ArrayContains(1, 1)",
    "States.Base64Encode(1)",
    "States.Base64Decode('*')",
    "States.Hash('a', 'CRC')",
    "States.Hash('a', 1)",
    "States.JsonMerge(1, $, false)",
    "States.JsonMerge($, $, true)",
    "States.MathAdd('1', 1)",
    "States.MathAdd(true, 1)",
    "States.MathAdd(99999999999, 1)",
    "States.MathRandom(2, 1)",
    "States.StringSplit(1, 'a')",
    "States.Base64Encode($.big)",
    "States.Hash($.big, 'MD5')",
]


@pytest.mark.parametrize("text", FAILURES)
def test_arguments_that_do_not_fit_fail_with_the_call_in_the_cause(text):
    with pytest.raises(StatesError) as caught:
        run(text, {"big": "x" * 10_001})
    assert caught.value.error == "States.IntrinsicFailure"
    assert caught.value.cause.startswith(f"The function '{text}' had the following error: ")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("States.Format('{}', $.nope)", "$.nope"),
        ("States.Format('{} {}', $.other, $.a.b)", "$.a.b"),
        ("States.Format('{}', States.Format('{}', $.nope))", "$.nope"),
        ("States.Format($.nope, 1)", "$.nope"),
        ("States.Format('{}', $.other[5])", "$.other[5]"),
        ("States.Format('{}', $$.Nope.Deep)", "$.Nope.Deep"),
    ],
)
def test_a_missing_argument_is_told_in_the_service_s_words(text, path):
    with pytest.raises(StatesError) as caught:
        run(text, {"other": [1]})
    detail = f"The JsonPath argument for the field '{path}' could not be found in the input '{{\"other\":[1]}}'"
    assert caught.value.error == "States.Runtime"
    assert caught.value.cause == f"The function '{text}' had the following error: {detail}"


def test_an_indefinite_argument_that_finds_nothing_is_an_empty_array():
    assert run("States.ArrayLength($.items[*].nope)", {"items": [1]}) == 0


BROKEN = {
    "States.Nope(1)": "no intrinsic function",
    "States.Format(": "expected",
    "States.Format('a'": "expected ',' or ')'",
    "States.Format('a') x": "nothing after",
    "States.Format('a\\n')": "backslash",
    "States.Format('a\\\"b')": "backslash",
    "States.Format('a)": "not closed",
    'States.Format("a")': "single quotes",
    "States.Format(a)": "expected",
    "States.Format(01)": "",
    "States.UUID(1)": "takes 0 arguments",
    "States.MathAdd(1)": "takes 2 arguments, not 1",
    "States.MathRandom(1)": "takes 2 to 3 arguments",
    "States.Format($.a[)": "",
    "states.Format('a')": "expected an intrinsic function",
    "States.Format": "expected",
    "$.a": "expected an intrinsic function",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_call_is_refused_with_the_reason(text):
    with pytest.raises(InvalidExpression) as caught:
        compile_intrinsic(text)
    assert BROKEN[text] in f"{caught.value} {caught.value.hint}"


ARGUMENTS = {  # fewest and most; None: as many as one likes
    "Array": (0, None), "ArrayContains": (2, 2), "ArrayGetItem": (2, 2), "ArrayLength": (1, 1),
    "ArrayPartition": (2, 2), "ArrayRange": (3, 3), "ArrayUnique": (1, 1), "Base64Decode": (1, 1),
    "Base64Encode": (1, 1), "Format": (1, None), "Hash": (2, 2), "JsonMerge": (3, 3), "JsonToString": (1, 1),
    "MathAdd": (2, 2), "MathRandom": (2, 3), "StringSplit": (2, 2), "StringToJson": (1, 1), "UUID": (0, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_function_takes_as_many_arguments_as_the_language_says(name):
    fewest, most = ARGUMENTS[name]

    def call(count):
        return compile_intrinsic(f"States.{name}({', '.join(['1'] * count)})")

    assert call(fewest)
    assert call(50 if most is None else most)
    for count in ([fewest - 1] if fewest else []) + ([most + 1] if most is not None else []):
        with pytest.raises(InvalidExpression, match=f"States.{name} takes .* not {count}"):
            call(count)


def test_a_misspelt_function_is_told_its_neighbour():
    with pytest.raises(InvalidExpression) as caught:
        compile_intrinsic("States.Formt('a')")
    assert caught.value.hint == "Did you mean States.Format?"


def _nested(depth):
    return "States.Array(" * depth + ")" * depth


def test_calls_nest_ten_deep_and_no_deeper():
    assert run(_nested(10)) == [[[[[[[[[[]]]]]]]]]]
    for depth in (11, 1_000):
        with pytest.raises(InvalidExpression, match="nest at most 10"):
            compile_intrinsic(_nested(depth))


TAKEN_AND_REFUSED = [  # the last value that is taken, the first that is not, and what is said of it
    ("States.ArrayRange(1, $.n, 1)", 1_000, 1_001, "1001 items, more than 1000"),
    ("States.ArrayRange(1000, $.n, -1)", 1, 0, "1001 items, more than 1000"),
    ("States.Base64Encode($.n)", "x" * 10_000, "x" * 10_001, "10001 characters, more than 10000"),
    ("States.Base64Decode($.n)", "AAAA" * 2_500, "AAAA" * 2_501, "10004 characters, more than 10000"),
    ("States.Hash($.n, 'MD5')", "x" * 10_000, "x" * 10_001, "10001 characters, more than 10000"),
    ("States.MathAdd($.n, 0)", 2_147_483_647, 2_147_483_648, "must lie between"),
    ("States.MathAdd(0, $.n)", -2_147_483_648, -2_147_483_649, "must lie between"),
    ("States.MathRandom(1, $.n)", 2, 1, "must be less than the end, 1"),
    ("States.ArrayPartition($.l, $.n)", 1, 0, "must be 1 or more, but was 0"),
    ("States.ArrayGetItem($.l, $.n)", 2, 3, "index 3 is out of bounds: the array has 3 items"),
    ("States.ArrayGetItem($.l, $.n)", 0, -1, "index -1 is out of bounds"),
    ("States.Format('ab{}cde', $.n)", "x" * (4_194_304 - 3), "x" * (4_194_304 - 2), "longer than 4194304"),
    ("States.JsonMerge($.n, $.o, false)", {}, [], "must be objects"),
    ("States.JsonMerge($.o, $.n, false)", {}, None, "must be objects"),
    ("States.StringSplit('a,b', $.n)", ",", None, "must be strings"),
    ("States.StringSplit($.n, ',')", "", 1, "must be strings"),
]


@pytest.mark.parametrize(
    ("text", "taken", "refused", "reason"), TAKEN_AND_REFUSED, ids=[f"{row[0]} {row[3]}" for row in TAKEN_AND_REFUSED]
)
def test_the_bound_of_an_argument_is_the_last_value_that_is_taken(text, taken, refused, reason):
    document = {"l": [1, 2, 3], "o": {"k": 1}}
    run(text, {**document, "n": taken})
    with pytest.raises(StatesError, match=reason) as caught:
        run(text, {**document, "n": refused})
    assert caught.value.error == "States.IntrinsicFailure"


def test_a_call_is_at_most_so_long():
    longest = "States.ArrayLength(States.Array('{}'))".format("a" * (20_000 - 38 + 2))
    assert len(longest) == 20_000
    assert run(longest) == 1
    with pytest.raises(InvalidExpression, match="at most 20000 characters"):
        compile_intrinsic(longest + " ")


def test_a_format_that_doubles_itself_is_stopped():
    text = "$.x"
    for _ in range(4):
        text = f"States.Format('{{}}{{}}{{}}{{}}{{}}', {', '.join([text] * 5)})"
    with pytest.raises(StatesError, match="longer than"):
        run(text, {"x": "x" * 200_000})


def test_there_are_eighteen_functions():
    assert len(FUNCTIONS) == 18


def test_random_numbers_repeat_and_lie_within_bounds():
    numbers = [run("States.MathRandom(1, 4)", entropy=Entropy("s", at)) for at in range(200)]
    assert set(numbers) == {1, 2, 3}
    assert run("States.MathRandom(1, 1000000)", entropy=Entropy("s")) == run(
        "States.MathRandom(1, 1000000)", entropy=Entropy("s")
    )
    seeded = {run("States.MathRandom(1, 1000000, 7)", entropy=Entropy(str(seed))) for seed in range(5)}
    assert len(seeded) == 1


def test_two_ids_in_one_call_differ():
    first, second = run("States.Array(States.UUID(), States.UUID())", entropy=Entropy("s"))
    assert first != second


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"), (0.001, "0.001"), (0.00099, "9.9E-4"), (1e7, "1.0E7"), (123456789.5, "1.234567895E8"),
        (-1e22, "-1.0E22"), (1.5e-5, "1.5E-5"), (9999999.5, "9999999.5"), (0.0, "0.0"), (12, "12"), (None, "null"),
        (False, "false"), ({"a": {"b": []}}, "{a={b=[]}}"), (["x", 1], "[x, 1]"), ("t", "t"),
    ],
)  # fmt: skip
def test_values_are_printed_as_java_does(value, text):
    assert java_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_printed_as_java_does_read_the_same(value):
    assert float(java_text(value)) == value


@given(st.text())
def test_a_template_without_marks_is_itself(text):
    if not set(text) & {"\\", "{"}:
        assert Template.parse(text).parts == (text,)


@given(st.text(alphabet="States.FormatAray(){}'\\$.,12 truenl\"[]", max_size=60).map(lambda text: "States." + text))
def test_any_text_compiles_or_is_refused_and_any_call_returns_or_fails(text):
    try:
        call = compile_intrinsic(text)
    except InvalidExpression:
        return
    assert outcome(lambda: call(Scope({"a": [1]})), "made") in {"made", "States.IntrinsicFailure", "States.Runtime"}


@given(st.lists(st.integers() | st.text(max_size=3), max_size=20), st.integers(1, 7))
def test_partitions_put_together_are_the_array(items, size):
    parts = run("States.ArrayPartition($.items, $.size)", {"items": items, "size": size})
    assert [item for part in parts for item in part] == items
    assert all(len(part) == size for part in parts[:-1])


@given(st.text(max_size=200))
def test_base64_gives_back_what_it_took(text):
    assert run("States.Base64Decode(States.Base64Encode($))", text) == text
