"""Any JSON document as a definition: refused with diagnostics, or run to an end, or waiting by a rule of the language.

Documents are drawn as any JSON, and as state machines in which something was put out of order. The engine folds each
accepted one in virtual time, under a limit of the history's length, and must come to an end that the language knows.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlflowsteps.asl.definition import Machine, compile_machine
from mlflowsteps.asl.validate import validate
from mlflowsteps.exceptions import DefinitionError

from .driver import echo, header, play
from .test_properties import machines

WORDS = st.sampled_from([
    "S0", "S1", "$", "$.a", "$$.x", "$..a[?(@.b)]", "{% $states.input %}", "{% 1 %}", "{% $", "", "JSONata", "JSONPath",
    "Pass", "Task", "Map", "Choice", "Wait", "DISTRIBUTED", "EXPRESS", "arn:aws:states:::s3:getObject", "States.ALL",
    "States.Array(", "States.UUID()", "2026-01-01T00:00:00Z", "0", "\ud800", "é",
])  # fmt: skip
KEYS = st.sampled_from([
    "Type", "Next", "End", "StartAt", "States", "Result", "Parameters", "Arguments", "Output", "Assign",
    "QueryLanguage", "Retry", "Catch", "Choices", "Condition", "Variable",
    "Seconds", "SecondsPath", "Timestamp", "ItemsPath", "Items",
    "ItemProcessor", "ItemReader", "ItemBatcher", "ResultWriter", "ItemSelector", "MaxConcurrency", "Branches",
    "ToleratedFailureCount", "TimeoutSeconds", "HeartbeatSeconds", "Resource", "InputPath", "ResultPath", "x.$", "",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 10**20) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def places(document: Any) -> list[tuple[Any, Any]]:
    """Every container in a document, with each of its keys."""
    found: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one))
        found.extend((one, key) for key in keys)
        waiting.extend(one[key] for key in keys if isinstance(one[key], dict | list))
    return found


FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
TEMPLATES = st.sampled_from([{"p.$": "$"}, {"p.$": "$.a"}, {"n.$": "States.MathAdd(1, 2)"}, {"u.$": "States.UUID()"}])
PATHS = st.sampled_from(["$", "$.a", "$.a.b", "$..b", "$[?(@.b)]", "$$.Execution.Name"])
FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "Pass": {"Result": JSON, "Parameters": TEMPLATES, "Assign": TEMPLATES, "InputPath": PATHS, "OutputPath": PATHS},
    "Task": {"Parameters": TEMPLATES, "ResultPath": st.sampled_from(["$.r", None]), "ResultSelector": TEMPLATES,
             "TimeoutSeconds": st.integers(1, 99)},
    "Wait": {"OutputPath": PATHS},
    "Choice": {"InputPath": PATHS},
    "Parallel": {"ResultSelector": TEMPLATES, "OutputPath": PATHS},
    "Map": {"ItemSelector": TEMPLATES, "MaxConcurrency": st.integers(0, 3), "ToleratedFailureCount": st.integers(0, 2)},
}  # fmt: skip


@st.composite
def whole(draw: st.DrawFn, prefix: str = "S", depth: int = 2) -> dict[str, Any]:
    """A state machine in good order: a chain, with loops back, whose states have names of their own."""
    names = [f"{prefix}{number}" for number in range(draw(st.integers(1, 3)))]
    states: dict[str, Any] = {}
    for number, name in enumerate(names):
        kinds = (
            ["Pass", "Task", "Wait"]
            + (["Parallel", "Map"] if depth else [])
            + (["Choice"] if name != names[-1] else [])
        )
        kind = draw(st.sampled_from(kinds))
        state = {"Type": kind, **draw(st.fixed_dictionaries({}, optional=FIELDS[kind]))}
        if kind == "Task":
            state["Resource"] = FUNCTION
            state["Retry"] = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": draw(st.integers(0, 2))}]
        elif kind == "Wait":
            state["Seconds"] = draw(st.integers(0, 10**6))
        elif kind == "Parallel":
            state["Branches"] = [
                draw(whole(f"{name}b{branch}", depth - 1)) for branch in range(draw(st.integers(1, 2)))
            ]
        elif kind == "Map":
            config = draw(st.sampled_from([{"Mode": "INLINE"}, {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}]))
            state["ItemProcessor"] = {**draw(whole(f"{name}m", depth - 1)), "ProcessorConfig": config}
        following: dict[str, Any] = {"End": True} if name == names[-1] else {"Next": names[number + 1]}
        if kind == "Choice":
            rule = {"Variable": draw(PATHS), "IsPresent": draw(st.booleans()), "Next": draw(st.sampled_from(names))}
            following = {"Choices": [rule], "Default": names[number + 1]}
        states[name] = state | following
    return {"StartAt": names[0], "States": states}


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A state machine with up to three values replaced, added or taken away."""
    document = copy.deepcopy(draw(machines() | whole()))
    for _ in range(draw(st.integers(0, 3))):
        container, key = draw(st.sampled_from(places(document)))
        how = draw(st.sampled_from(["replace", "add", "remove"]))
        if how == "replace":
            container[key] = draw(JSON)
        elif how == "add" and isinstance(container, dict):
            container[draw(KEYS)] = draw(JSON)
        else:
            del container[key]
        if not places(document):
            break
    return document


def judge(document: Any) -> None:
    """Refused with diagnostics, each with a code and a place; or run to an end."""
    found = validate(document)
    if found:
        assert all(one.code and one.message and isinstance(one.pointer, str) for one in found)
        return
    try:
        machine = compile_machine(document)
    except DefinitionError as error:  # as CreateStateMachine refuses it
        told = list(error.diagnostics)
    else:
        told = []
        run(document, machine)
    assert all(one.message for one in told)


def run(document: Any, machine: Machine) -> None:
    """Run an accepted document; it comes to an end that the language knows."""
    text = '{"a": {"b": 1}, "items": [1, 2]}'
    played = play(document, {}, echo, born=header(text, max_events=120), machine=machine, replay=False)
    assert played.status in {"SUCCEEDED", "FAILED", "TIMED_OUT"}
    assert "Internal error" not in (played.end.cause or "" if played.end else "")


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(JSON)
def test_any_document_is_judged(document: Any) -> None:
    judge(document)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(whole())
def test_state_machine_in_order_is_accepted_and_comes_to_an_end(document: Any) -> None:
    assert validate(document) == []
    judge(document)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(spoilt())
def test_state_machine_out_of_order_is_refused_or_comes_to_an_end(document: Any) -> None:
    judge(document)


@settings(max_examples=100, deadline=None)
@given(st.text() | JSON.map(lambda value: json.dumps(value)[:-1]))
def test_text_that_is_no_document_is_refused(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        assert validate(text)


HOSTILE_JSONATA = [
    "$match($pad('x', 1000, 'x') & '!', /(x+x+)+y/)",
    "($f := function($n) { $f($n + 1) }; $f(0))",
    "[1..9999999]",
    "$pad('x', 100000000)",
    "$reduce([1..60], function($a, $b) { $a & $a }, 'x')",
]


@pytest.mark.parametrize("expression", HOSTILE_JSONATA)
def test_hostile_jsonata_ends_in_the_error_of_its_state(expression: str) -> None:
    state = {"Type": "Pass", "Output": f"{{% {expression} %}}", "End": True}
    played = play({"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": state}}, replay=False)
    assert (played.status, played.error) == ("FAILED", "States.QueryEvaluationError")


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("$[?(@.a =~ /(x+x+)+y/)]", [{"a": "x" * 60 + "!"}]),
        ("$..[?(@..a)]", json.loads('{"a":' * 60 + "1" + "}" * 60)),
    ],
)
def test_hostile_path_ends(path: str, payload: Any) -> None:
    state = {"Type": "Pass", "InputPath": path, "End": True}
    played = play({"StartAt": "A", "States": {"A": state}}, payload, replay=False)
    assert played.status in {"SUCCEEDED", "FAILED"}
