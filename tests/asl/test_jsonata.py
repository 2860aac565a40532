"""JSONata: recordings, Step Functions' functions, failures, what is refused, hostile expressions."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflowsteps.asl.jsonata import check_expression, compile_expression, compile_template, is_expression, variables_in
from mlflowsteps.asl.payloads import Entropy, Scope
from mlflowsteps.exceptions import InvalidExpression, LocatedError

from .recordings import as_params, cases, outcome

RECORDED = [
    case
    for case in cases("intrinsic_functions")
    if next(iter(case["definition"]["States"].values())).get("QueryLanguage") == "JSONata"
]


@pytest.mark.parametrize("case", as_params(RECORDED))
def test_recorded_results(case):
    state = next(iter(case["definition"]["States"].values()))
    made = compile_template(state["Output"], "Output")(Scope({"input": json.loads(case["input"])}))
    assert made == case["expected"]["output"]


def run(text, given_input=None, *, where="Output", expected="", variables=None, entropy=None):
    scope = Scope({"input": given_input, "context": {"State": {"Name": "S"}}}, None, variables, entropy)
    return compile_expression("{% " + text + " %}", where, expected)(scope)


def cause(text, given_input=None, **options):
    with pytest.raises(LocatedError) as caught:
        run(text, given_input, **options)
    assert caught.value.error == "States.QueryEvaluationError"
    assert caught.value.location == options.get("where", "Output")
    return caught.value.cause


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$states.input.a[1]", 2),
        ("$states.context.State.Name", "S"),
        ("$v.w", 7),
        ("$now", 3),
        ("$states.input.a.$string()", ["1", "2"]),
        ('$parse("{\\"a\\":1}").a', 1),
        ("$partition([1,2,3,4,5], 2)", [[1, 2], [3, 4], [5]]),
        ("$range(0, 6, 2)", [0, 2, 4, 6]),
        ("$range(6, 0, -3)", [6, 3, 0]),
        ('$hash("input", "SHA-1")', "140f86aae51ab9e1cda9b4254fe98a74eb54c1a1"),
        ("$random(42)", 0.7275636800328681),
        ("$states.input.n", None),
        ("$states.input.a[$ > 1]", 2),
        ("$sum($states.input.a)", 3),
        ("{'x': $nope, 'y': 1}", {"y": 1}),
        ("($x := 5; $x + 1)", 6),
        ("$variable := 1", 1),
        ("$states.input.a ~> $map(function($i) { $i * 2 })", [2, 4]),
        ("6 / 2", 3),
        ("1 = 1.0", True),
    ],
)
def test_results(text, result):
    found = run(text, {"a": [1, 2], "n": None}, variables={"v": {"w": 7}, "now": 3})
    assert (found, type(found)) == (result, type(result))


def test_draws_come_from_the_scope_and_repeat():
    text = "[$random(), $random(), $uuid(), $map([1, 2], function($i) { $random() })]"
    first, again = run(text, entropy=Entropy("s")), run(text, entropy=Entropy("s"))
    assert first == again
    assert first[0] != first[1]
    assert run(text, entropy=Entropy("t")) != first


def test_time_comes_from_the_scope():
    entropy = Entropy("s", now=86_400.25)
    assert run("$millis()", entropy=entropy) == 86_400_250
    assert run("$now()", entropy=entropy) == "1970-01-02T00:00:00.250Z"
    assert run("$now('[Y0001]-[M01]-[D01]')", entropy=entropy) == "1970-01-02"


def test_an_undefined_result_is_told_in_the_service_s_words():
    assert cause("$doesNotExist", where="Arguments/FunctionName") == (
        "The JSONata expression '$doesNotExist' specified for the field 'Arguments/FunctionName' returned nothing "
        "(undefined)."
    )


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [("true", "boolean", "true"), ("1", "number", "1"), ("'string'", "string", '"string"'), ("null", "null", "null"),
     ("{'foo': 'bar'}", "object", '{"foo":"bar"}')],
)  # fmt: skip
def test_an_unexpected_kind_is_told_in_the_service_s_words(text, kind, value):
    assert cause(text, where="Items", expected="array") == (
        f"The JSONata expression '{text}' specified for the field 'Items' returned an unexpected result type. "
        f"Expected 'array', but was '{kind}' for value: {value}"
    )


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ('$eval("1+1")', ". T1006: Attempted to invoke a non-function"),
        ('$formatNumber(1, "x")', ". D3086: "),
        ('1 + "a"', ". T2002: The right side of the + operator must evaluate to a number"),
        ("$error('boo')", ". D3137: boo"),
        ("1/0", ". D1001: Number out of range"),
        ("[1..900000] ~> $count()", ": Expression evaluation memory limit exceeded: Check for excessive memory usage"),
        ("$sum([1..900000])", ": Expression evaluation memory limit exceeded: Check for excessive memory usage"),
        ("$parse('{')", ": Argument 1 of function parse is no JSON"),
        ("$hash('a', 'CRC')", ". D3137: "),
        ("function($x) { $x }", ": The result is a function"),
        ("[$sum]", ": The result is a function"),
    ],
)
def test_failures_are_told_with_expression_and_field(text, ending):
    opening = f"The JSONata expression '{text}' specified for the field 'Output/r' threw an error during evaluation"
    assert cause(text, where="Output/r").startswith(opening + ending)


MEMORY, STACK, TIME = "memory limit exceeded", "Stack overflow error", "evaluation timeout"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("$pad('x', 100000000)", MEMORY),
        ("[1..9999999]", MEMORY),
        ("$range(1, 9999999, 1)", MEMORY),
        ("$reduce([1..60], function($a, $b) { $a & $a }, 'x')", MEMORY),
        ("$reduce([1..60], function($a, $b) { $append($a, $a) }, [1])", MEMORY),
        ("$reduce([1..60], function($a, $b) { {'l': $a, 'r': $a} }, 1)", MEMORY),
        ("$string($reduce([1..60], function($a, $b) { {'l': $a, 'r': $a} }, 1))", MEMORY),
        ("$join($map([1..100000], function($i) { 'a' }), $pad('x', 100000))", MEMORY),
        ("$replace($pad('x', 200000, 'x'), 'x', $pad('y', 200000))", MEMORY),
        ("($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(5000))", STACK),
        ("($f := function($n) { $f($n + 1) }; $f(0))", STACK),
        ("$match($pad('x', 1000, 'x') & '!', /(x+x+)+y/)", TIME),
    ],
)
def test_a_hostile_expression_ends_in_the_error(text, why):
    assert why in cause(text)


def test_an_endless_evaluation_ends_in_its_time_box(monkeypatch):
    from mlflowsteps.asl import jsonata_library

    monkeypatch.setattr(jsonata_library, "TIME_LIMIT_SECONDS", 0.2)
    jsonata_library.compile_program.cache_clear()
    assert TIME in cause("[1..400000].([1..400000])")
    jsonata_library.compile_program.cache_clear()


@pytest.mark.parametrize(
    "text", ["a[1,2)", '"unterminated', "1 +", '{"a":}', "$x :=", '$match("a", /abc', "(" * 5_000, ""]
)
def test_what_is_no_jsonata_is_refused(text):
    with pytest.raises(InvalidExpression):
        compile_expression("{% " + text + " %}", "Output")
    ((code, message, _),) = check_expression(text, "state")
    assert code == "INVALID_JSONATA_EXPRESSION"
    assert message
    assert "position" not in message


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("phone", ["phone"]),
        ("$", ["$"]),
        ("a.b.c", ["a"]),
        ("$states.input.a[b > 1].c", []),
        ("$states.input.a^(>b)", []),
        ("$states.input.{'x': y}", []),
        ("$states.input ~> |a|{'b': c}|", []),
        ("[foo, {'k': bar}]", ["foo", "bar"]),
        ("$map($states.input.a, function($x) { b })", ["b"]),
        ("$f($x) & `a b`", ["a b"]),
        ("* ", ["*"]),
        ("$states.input.*", []),
        ("$x ? y : $z", ["y"]),
    ],
)
def test_top_level_references_are_refused(text, names):
    found = list(check_expression(text, "state"))
    assert [message for _, message, _ in found] == [
        f"Reference to '{name}' at the top level is not supported." for name in names
    ]
    assert {code for code, _, _ in found} <= {"UNSUPPORTED_JSONATA_EXPRESSION"}


def test_what_is_not_there_is_refused():
    assert [m for _, m, _ in check_expression("$$", "state")] == ["Reference to '$$' is not supported."]
    told = "Field '$states.errorOutput' does not exist."
    assert [m for _, m, _ in check_expression("$states.errorOutput.Error", "state")] == [told]
    assert list(check_expression("$states.errorOutput.Error", "catcher")) == []


def test_variables_of_an_expression():
    assert variables_in("$a + $b.c & $states.input.d & $sum($e) & $uuid()") >= {"a", "b", "e"}
    assert "states" not in variables_in("$states.input")


def test_templates_evaluate_at_any_depth_and_name_the_place():
    template = {"a": ["{% $states.input.x %}", {"b": "{% $v %}"}], "literal": "$states.input", "spaced": " {% 1 %} "}
    made = compile_template(template, "Output")(Scope({"input": {"x": 1}}, variables={"v": 2}))
    assert made == {"a": [1, {"b": 2}], "literal": "$states.input", "spaced": " {% 1 %} "}
    with pytest.raises(LocatedError) as caught:
        compile_template(template, "Output")(Scope({"input": {"x": 1}}))
    assert caught.value.location == "Output/a[1]/b"


def test_a_template_without_expressions_is_shared():
    template = {"a": [1, {"b": "x"}]}
    assert compile_template(template, "Output")(Scope({})) is template


def test_a_deep_template_is_refused():
    template: list = ["{% 1 %}"]
    for _ in range(50_000):
        template = [template]
    with pytest.raises(InvalidExpression, match="nested too deeply"):
        compile_template(template, "Output")


@pytest.mark.parametrize("value", ["{%", "{%}", "%}", "x{% 1 %}", "{% 1", 1, None])
def test_other_values_are_no_expressions(value):
    assert not is_expression(value)


def test_one_expression_serves_many_threads():
    evaluate = compile_expression("{% $sum($map($states.input.a, function($x) { $x * $v })) & $uuid() %}", "Output")
    results: dict[int, set] = {}

    def work(number):
        scope = [Scope({"input": {"a": list(range(50))}}, None, {"v": number}, Entropy("s", number)) for _ in range(20)]
        results[number] = {evaluate(each) for each in scope}

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        assert results[number] == {f"{sum(range(50)) * number}{Entropy('s', number).uuid()}"}


def test_the_input_is_not_changed():
    given_input = {"a": {"b": 1}}
    assert run("$states.input ~> |a|{'b': 2}|", given_input) == {"a": {"b": 2}}
    assert given_input == {"a": {"b": 1}}


def test_the_library_is_loaded_only_by_expressions():
    code = (
        "import sys, mlflowsteps.asl.jsonata as j, mlflowsteps.asl.validate as v;"
        "v.validate({'StartAt': 'A', 'States': {'A': {'Type': 'Pass', 'End': True}}});"
        "j.compile_template({'a': 1}, 'Output');"
        "print('jsonata2py' in sys.modules, 'regex' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="$states.inputab[]{}()'\"+-*/&~>?:=,0123 ^|%@#<!;", max_size=30))
def test_any_text_is_refused_or_evaluates_or_fails_in_the_named_error(text):
    list(check_expression(text, "state"))
    try:
        found = outcome(lambda: run(text, {"a": [1, 2]}, variables={"b": 1}), "made")
    except InvalidExpression:
        return
    assert found in {"made", "States.QueryEvaluationError"}
