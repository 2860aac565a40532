"""Pass, Choice, Succeed, Fail, Wait: their outputs, events and errors."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from mlflowsteps.local.interpreter import SetTimer

from .driver import ARN, START, header, play


def one(state: dict[str, Any], **more: dict[str, Any]) -> dict[str, Any]:
    ends = state["Type"] in {"Choice", "Succeed", "Fail"} or "Next" in state
    return {"StartAt": "A", "States": {"A": state if ends else {**state, "End": True}, **more}}


def test_first_state_event_has_no_previous_event() -> None:
    played = play(one({"Type": "Pass"}), {"x": 1})
    assert played.types == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert played.previous == [0, 0, 2, 3]
    assert [event["id"] for event in played.history] == [1, 2, 3, 4]
    assert all(event["timestamp"] == START for event in played.history)


def test_untouched_input_keeps_its_white_space_through_all_states() -> None:
    text = '{ "b" :1.50,\n "a": [ ] }'
    definition = {
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Wait", "Seconds": 1, "Next": "C"},
                   "C": {"Type": "Choice", "Choices": [{"Variable": "$.b", "IsPresent": True, "Next": "D"}]},
                   "D": {"Type": "Succeed"}},
    }  # fmt: skip
    played = play(definition, text=text)
    assert played.end is not None
    assert played.end.output_text == text
    assert {event["stateExitedEventDetails"]["output"] for event in played.events("PassStateExited")} == {text}


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({}, {"x": {"y": 1}}),
        ({"InputPath": "$.x"}, {"y": 1}),
        ({"InputPath": None}, {}),
        ({"OutputPath": "$.x.y"}, 1),
        ({"OutputPath": None}, {}),
        ({"Result": [1]}, [1]),
        ({"Result": {"a.$": "$"}}, {"a.$": "$"}),
        ({"Result": None}, None),
        ({"Result": 1, "ResultPath": "$.r"}, {"x": {"y": 1}, "r": 1}),
        ({"Result": 1, "ResultPath": None}, {"x": {"y": 1}}),
        ({"InputPath": "$.x", "ResultPath": "$.r"}, {"x": {"y": 1}, "r": {"y": 1}}),
        ({"Parameters": {"a.$": "$.x.y", "b": 2}}, {"a": 1, "b": 2}),
        ({"InputPath": "$.x", "Parameters": {"a.$": "$.y"}, "ResultPath": "$.x.z"}, {"x": {"y": 1, "z": {"a": 1}}}),
    ],
)
def test_phases_of_a_pass_state(fields: dict[str, Any], output: Any) -> None:
    assert play(one({"Type": "Pass", **fields}), {"x": {"y": 1}}).output == output


def test_variables_see_the_result_and_the_old_values() -> None:
    definition = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Result": {"n": 1}, "Assign": {"a.$": "$.n", "b": "old"}, "Next": "B"},
            "B": {"Type": "Pass", "Assign": {"a": 2, "b.$": "$a"}, "OutputPath": "$a", "Next": "C"},
            "C": {"Type": "Pass", "Parameters": {"a.$": "$a", "b.$": "$b"}, "End": True},
        },
    }
    played = play(definition)
    assert played.output == {"a": 2, "b": 1}
    first, second, third = played.details("PassStateExited")
    assert first["assignedVariables"] == {"a": "1", "b": '"old"'}
    assert first["assignedVariablesDetails"] == {"truncated": False}
    assert second["output"] == "1"
    assert "assignedVariables" not in third


def test_context_object_of_a_pass_state() -> None:
    played = play(one({"Type": "Pass", "Parameters": {"c.$": "$$"}}), {"x": 1})
    context = played.output["c"]
    assert context["Execution"] == {
        "Id": ARN, "Input": {"x": 1}, "StartTime": "2023-11-14T22:13:20.000Z", "Name": "run",
        "RoleArn": "arn:aws:iam::123456789012:role/workflow", "RedriveCount": 0,
    }  # fmt: skip
    assert context["State"] == {"Name": "A", "EnteredTime": "2023-11-14T22:13:20.000Z"}
    assert context["StateMachine"]["Name"] == "machine"


def test_missing_path_fails_with_the_state_and_the_event_it_was_entered_at() -> None:
    played = play(one({"Type": "Pass", "Parameters": {"v.$": "$.no"}}), {"x": 1})
    assert (played.status, played.error) == ("FAILED", "States.Runtime")
    assert played.cause == (
        "An error occurred while executing the state 'A' (entered at the event id #2). "
        "The JSONPath '$.no' specified for the field 'v.$' could not be found in the input '{\"x\":1}'"
    )
    assert played.types == ["ExecutionStarted", "PassStateEntered", "ExecutionFailed"]
    assert played.previous == [0, 0, 2]


def test_choice_takes_the_first_rule_that_holds_and_its_variables() -> None:
    definition = one(
        {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.n", "NumericGreaterThan": 5, "Next": "Big", "Assign": {"size": "big"}},
                {"Variable": "$.n", "NumericGreaterThan": 0, "Next": "Small", "Assign": {"size": "small"}},
            ],
            "Default": "None",
            "Assign": {"size": "none"},
        },
        **{name: {"Type": "Pass", "Parameters": {"at": name, "size.$": "$size"}, "End": True}
           for name in ("Big", "Small", "None")},
    )  # fmt: skip
    assert play(definition, {"n": 7}).output == {"at": "Big", "size": "big"}
    assert play(definition, {"n": 1}).output == {"at": "Small", "size": "small"}
    assert play(definition, {"n": 0}).output == {"at": "None", "size": "none"}


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({}, '{ "a": {"n": 1}}'),
        ({"Assign": {"v": 1}}, '{ "a": {"n": 1}}'),
        ({"InputPath": "$.a"}, '{"n":1}'),
        ({"OutputPath": "$.a.n"}, "1"),
        ({"InputPath": "$.a", "OutputPath": "$.n"}, "1"),
        ({"OutputPath": None}, "{}"),
    ],
)
def test_choice_passes_on_what_its_paths_say_and_its_input_as_it_was_written(
    fields: dict[str, Any], output: str
) -> None:
    variable = "$.n" if "InputPath" in fields else "$.a.n"
    choice = {"Type": "Choice", "Choices": [{"Variable": variable, "NumericEquals": 1, "Next": "B"}], **fields}
    for state in (choice, {**choice, "Choices": [{**choice["Choices"][0], "NumericEquals": 2}], "Default": "B"}):
        played = play(one(state, B={"Type": "Pass", "End": True}), text='{ "a": {"n": 1}}')
        assert played.details("ChoiceStateExited")[0]["output"] == output
        assert played.details("PassStateEntered")[0]["input"] == output
        assert played.output == json.loads(output)


def test_choice_in_jsonata_makes_the_output_of_the_rule_that_it_takes() -> None:
    state = {
        "Type": "Choice", "Default": "B", "Output": {"by": "default"},
        "Choices": [
            {"Condition": "{% $states.input.n = 1 %}", "Next": "B", "Output": {"by": "rule"}},
            {"Condition": "{% $states.input.n = 2 %}", "Next": "B"},
        ],
    }  # fmt: skip
    definition = {"QueryLanguage": "JSONata", **one(state, B={"Type": "Pass", "End": True})}
    assert play(definition, {"n": 1}).output == {"by": "rule"}
    assert play(definition, {"n": 2}).output == {"n": 2}
    assert play(definition, {"n": 3}).output == {"by": "default"}


def test_choice_without_a_way_out_fails_as_the_service_does() -> None:
    definition = one(
        {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "B"}]}, B={"Type": "Succeed"}
    )
    played = play(definition, {"n": 2})
    assert played.error == "States.Runtime"
    assert played.cause == (
        "An error occurred while executing the state 'A' (entered at the event id #2). "
        "Failed to transition out of the state. The state does not point to a next state."
    )


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ({}, {}),
        ({"Error": "E"}, {"error": "E"}),
        ({"Cause": "c"}, {"cause": "c"}),
        ({"ErrorPath": "$.e", "CausePath": "States.Format('{}!', $.c)"}, {"error": "E", "cause": "C!"}),
    ],
)
def test_fail_says_what_it_names_and_nothing_else(fields: dict[str, Any], details: dict[str, str]) -> None:
    played = play(one({"Type": "Fail", **fields}), {"e": "E", "c": "C"})
    assert played.types == ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]
    assert played.details("ExecutionFailed") == [details]
    assert (played.error, played.cause) == (details.get("error"), details.get("cause"))


def test_fail_refuses_an_error_that_is_no_text() -> None:
    played = play(one({"Type": "Fail", "ErrorPath": "$.e"}), {"e": 1})
    assert played.error == "States.Runtime"
    assert played.cause is not None
    assert "Error of a Fail state must be a string, but was: 1" in played.cause


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"Seconds": 0}, 0),
        ({"Seconds": 31_536_000}, 31_536_000),
        ({"SecondsPath": "$.s"}, 60),
        ({"Timestamp": "2023-11-14T22:14:20Z"}, 60),
        ({"Timestamp": "2001-01-01T00:00:00+01:00"}, 0),
        ({"TimestampPath": "$.t"}, 90),
    ],
)
def test_wait_takes_its_time_in_virtual_seconds(fields: dict[str, Any], seconds: float) -> None:
    played = play(one({"Type": "Wait", **fields}), {"s": 60, "t": "2023-11-14T22:14:50.000Z"})
    assert played.status == "SUCCEEDED"
    assert played.seconds == seconds
    assert len(played.asked(SetTimer)) == 1
    assert played.types[1:3] == ["WaitStateEntered", "WaitStateExited"]


@pytest.mark.parametrize(
    ("fields", "payload", "text"),
    [
        ({"SecondsPath": "$.a.s"}, {}, "The SecondsPath parameter does not reference an input value: $.a.s"),
        ({"SecondsPath": "$.s"}, {"s": -1}, "The SecondsPath parameter does not reference a valid number"),
        ({"SecondsPath": "$.s"}, {"s": True}, "The SecondsPath parameter does not reference a valid number"),
        ({"TimestampPath": "$.t"}, {"t": "2016-12-05 21:29:29Z"},
         "a valid ISO-8601 extended offset date-time format string: $.t == 2016-12-05 21:29:29Z"),
    ],
)  # fmt: skip
def test_wait_for_what_is_no_time_fails(fields: dict[str, Any], payload: dict[str, Any], text: str) -> None:
    played = play(one({"Type": "Wait", **fields}), payload)
    assert played.error == "States.Runtime"
    assert played.cause is not None
    assert text in played.cause


def test_succeed_ends_with_its_output_path() -> None:
    played = play(one({"Type": "Succeed", "InputPath": "$.a", "OutputPath": "$.b"}), {"a": {"b": [1]}})
    assert played.output == [1]
    assert played.types[1:3] == ["SucceedStateEntered", "SucceedStateExited"]


def test_result_of_more_than_the_limit_fails() -> None:
    whole = {"Type": "Pass", "Result": "a" * 262_142}
    assert play(one(whole)).status == "SUCCEEDED"
    played = play(one({"Type": "Pass", "Result": "a" * 262_143}))
    assert played.error == "States.DataLimitExceeded"
    assert played.cause == (
        "The state/task 'A' returned a result with a size exceeding the maximum number of bytes service limit."
    )


def test_size_is_counted_in_bytes_not_characters() -> None:
    assert play(one({"Type": "Pass", "Result": "é" * 131_071})).status == "SUCCEEDED"
    assert play(one({"Type": "Pass", "Result": "é" * 131_072})).error == "States.DataLimitExceeded"


def test_random_draws_and_ids_come_from_the_seed_alone() -> None:
    state = {"Type": "Pass", "Parameters": {"u.$": "States.UUID()", "r.$": "States.MathRandom(1, 1000000)"}}
    first, second, other = play(one(state)), play(one(state)), play(one(state), born=header(seed=8))
    assert first.output == second.output
    assert first.output["u"] != other.output["u"]
    assert first.output["r"] != other.output["r"]
    assert uuid.UUID(first.output["u"]).version == 4
    assert 1 <= first.output["r"] < 1_000_000
