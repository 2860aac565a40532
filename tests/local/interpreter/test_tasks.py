"""The Task state: commands, events by family, time-outs, heartbeats, tokens."""

from __future__ import annotations

from typing import Any

import pytest

from mlflowsteps.asl.definition import compile_machine
from mlflowsteps.local.interpreter import (
    CancelTask,
    CancelTimer,
    End,
    SetTimer,
    Started,
    StartTask,
    TaskSucceeded,
    advance,
    new_run,
    token_owner,
)  # fmt: skip

from .driver import ARN, START, beat, echo, fail, header, never, play, submit, succeed, take

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
INVOKE = "arn:aws:states:::lambda:invoke"
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:approve"
TRAIN = "arn:aws:states:::sagemaker:createTrainingJob.sync"
TOKEN = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"


def task(resource: str = INVOKE, **fields: Any) -> dict[str, Any]:
    state = {"Type": "Task", "Resource": resource, "End": True, **fields}
    return {"StartAt": "T", "States": {"T": state, "Handled": {"Type": "Pass", "End": True}}}


def test_integration_has_task_events_with_its_resource() -> None:
    played = play(task(Parameters={"FunctionName": "f", "Payload.$": "$"}), {"x": 1}, lambda _: succeed({"r": 2}, 3))
    assert played.types[2:5] == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]
    assert played.previous == [0, 0, 2, 3, 4, 5, 6]
    both = {"resourceType": "lambda", "resource": "invoke"}
    assert played.details("TaskScheduled") == [
        {**both, "region": "us-east-1", "parameters": '{"FunctionName":"f","Payload":{"x":1}}'}
    ]
    assert played.details("TaskStarted") == [both]
    assert played.details("TaskSucceeded") == [{**both, "output": '{"r":2}', "outputDetails": {"truncated": False}}]
    assert (played.output, played.seconds) == ({"r": 2}, 3)


def test_function_by_arn_has_events_of_its_own() -> None:
    played = play(task(FUNCTION), {"x": 1})
    assert played.types[2:5] == ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"]
    assert played.details("LambdaFunctionScheduled") == [
        {"resource": FUNCTION, "input": '{"x": 1}', "inputDetails": {"truncated": False}}
    ]
    assert played.details("LambdaFunctionStarted") == [{}]


def test_activity_starts_when_a_worker_takes_it() -> None:
    played = play(task(ACTIVITY, HeartbeatSeconds=5), {}, lambda _: [take("w", 100), succeed(1, 104)])
    assert played.types[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    assert played.details("ActivityStarted") == [{"workerName": "w"}]
    assert played.status == "SUCCEEDED"


def test_command_names_all_that_carrying_out_needs() -> None:
    state = task(
        FUNCTION, TimeoutSeconds=9, HeartbeatSecondsPath="$.h", Parameters={"a.$": "$.a"},
        Credentials={"RoleArn.$": "$.role"},
    )  # fmt: skip
    played = play(state, {"h": 4, "a": [1], "role": "arn:r"})
    (command,) = played.asked(StartTask)
    assert token_owner(command.token) == (ARN, 1)
    assert command == StartTask(1, "T", FUNCTION, {"a": [1]}, 9, 4, "arn:r", command.token)
    (scheduled,) = played.details("LambdaFunctionScheduled")
    assert scheduled["timeoutInSeconds"] == 9
    assert scheduled["heartbeatInSeconds"] == 4
    assert scheduled["taskCredentials"] == {"roleArn": "arn:r"}


def test_token_stands_in_the_context_object_of_a_task_that_waits_for_it() -> None:
    state = task(TOKEN, Parameters={"t.$": "$$.Task.Token"})
    played = play(state, {}, lambda _: [submit({"id": 1}), succeed("done", 50)])
    (command,) = played.asked(StartTask)
    assert command.parameters == {"t": command.token}
    assert played.types[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    assert played.details("TaskSubmitted")[0]["output"] == '{"id":1}'
    assert played.details("TaskSubmitted")[0]["resource"] == "sendMessage.waitForTaskToken"
    assert play(task(INVOKE, Parameters={"t.$": "$$.Task.Token"})).error == "States.Runtime"


def test_time_out_fails_without_a_cause_and_cancels_the_task() -> None:
    played = play(task(TimeoutSeconds=5), {}, never)
    assert played.types[-2:] == ["TaskTimedOut", "ExecutionFailed"]
    assert played.details("TaskTimedOut") == [
        {"error": "States.Timeout", "resourceType": "lambda", "resource": "invoke"}
    ]
    assert played.details("ExecutionFailed") == [{"error": "States.Timeout"}]
    assert played.seconds == 5
    assert played.asked(CancelTask) == [CancelTask(1)]


def test_caught_time_out_has_an_empty_cause() -> None:
    state = task(TimeoutSeconds=5, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Handled"}])
    assert play(state, {}, never).output == {"Error": "States.Timeout", "Cause": ""}


@pytest.mark.parametrize(("path", "error"), [(FUNCTION, "LambdaFunctionTimedOut"), (ACTIVITY, "ActivityTimedOut")])
def test_time_out_of_each_family(path: str, error: str) -> None:
    played = play(task(path, TimeoutSeconds=1), {}, never)
    assert played.details(error) == [{"error": "States.Timeout"}]


def test_heartbeats_keep_a_task_alive_until_one_is_late() -> None:
    state = task(TOKEN, HeartbeatSeconds=10)
    played = play(state, {}, lambda _: [beat(9), beat(18), succeed("late", 40)])
    assert played.error == "States.HeartbeatTimeout"
    assert played.seconds == 28
    assert play(state, {}, lambda _: [beat(9), beat(18), succeed("in time", 27)]).output == "in time"


def test_heartbeats_are_asked_only_of_those_who_can_send_them() -> None:
    played = play(task(FUNCTION, HeartbeatSeconds=1), {}, lambda _: succeed("slow", 50))
    assert (played.output, played.asked(SetTimer)) == ("slow", [])
    assert play(task(ACTIVITY, HeartbeatSeconds=1), {}, lambda _: [take("w", 5), succeed(1, 7)]).error == (
        "States.HeartbeatTimeout"
    )


def test_timers_of_a_task_that_ended_are_taken_back() -> None:
    played = play(task(TOKEN, TimeoutSeconds=60, HeartbeatSeconds=30))
    timers = [command.timer for command in played.asked(SetTimer)]
    assert sorted(command.timer for command in played.asked(CancelTimer)) == timers
    assert played.asked(CancelTask) == []
    assert isinstance(played.commands[-1], End)


@pytest.mark.parametrize(
    ("resource", "phase", "event"),
    [
        (INVOKE, "run", "TaskFailed"),
        (INVOKE, "start", "TaskStartFailed"),
        (TRAIN, "submit", "TaskSubmitFailed"),
        (FUNCTION, "run", "LambdaFunctionFailed"),
        (FUNCTION, "schedule", "LambdaFunctionScheduleFailed"),
        (FUNCTION, "start", "LambdaFunctionStartFailed"),
        (ACTIVITY, "run", "ActivityFailed"),
        (ACTIVITY, "schedule", "ActivityScheduleFailed"),
    ],
)
def test_failure_becomes_the_event_of_its_phase(resource: str, phase: str, event: str) -> None:
    played = play(task(resource), {}, lambda _: fail("E", "c", phase=phase))
    assert played.types[-2:] == [event, "ExecutionFailed"]
    details = played.details(event)[0]
    assert (details["error"], details["cause"]) == ("E", "c")
    assert (played.error, played.cause) == ("E", "c")


def test_failure_without_error_and_cause_has_neither_key() -> None:
    played = play(task(FUNCTION), {}, lambda _: fail(None))
    assert played.details("LambdaFunctionFailed") == [{}]
    assert played.details("ExecutionFailed") == [{}]


@pytest.mark.parametrize(("resource", "name"), [(INVOKE, "lambda"), (FUNCTION, FUNCTION)])
def test_result_over_the_limit_is_a_failure_that_all_catches(resource: str, name: str) -> None:
    state = task(resource, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Handled"}])
    played = play(state, {}, lambda _: succeed("a" * 262_143))
    assert played.output == {
        "Error": "States.DataLimitExceeded",
        "Cause": f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes "
        "service limit.",
    }


def test_result_that_is_no_json_fails_the_state_with_its_name() -> None:
    run = new_run(compile_machine(task()), header())
    advance(run, Started(START))
    outcome = advance(run, TaskSucceeded(START, 1, "{nope"))
    assert [event["type"] for event in outcome.history] == ["TaskFailed", "ExecutionFailed"]
    (end,) = outcome.commands
    assert isinstance(end, End)
    assert end.error == "States.Runtime"
    assert end.cause is not None
    assert "state 'T' is no valid JSON" in end.cause


def test_phases_after_the_work() -> None:
    state = task(
        ResultSelector={"n.$": "$.Payload.n"}, ResultPath="$.out", OutputPath="$.out", Assign={"v.$": "$.n"},
        Next="Handled",
    )  # fmt: skip
    del state["States"]["T"]["End"]
    played = play(state, {"in": 0}, lambda _: succeed({"Payload": {"n": 3}, "More": 1}))
    assert played.output == {"n": 3}
    assert played.details("TaskStateExited")[0]["assignedVariables"] == {"v": "3"}


@pytest.mark.parametrize("name", ["TimeoutSecondsPath", "HeartbeatSecondsPath"])
def test_limit_whose_path_is_missing_fails_before_scheduling(name: str) -> None:
    played = play(task(**{name: "$.no"}), {"x": 1})
    assert played.cause == (
        "An error occurred while executing the state 'T' (entered at the event id #2). "
        "Invalid path '$.no' : No results for path: $['no']"
    )
    assert played.types == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]
    assert played.asked(StartTask) == []


def test_what_comes_for_a_task_that_is_over_changes_nothing() -> None:
    replies = [succeed("first"), succeed("second"), fail("E"), beat(0), submit({})]
    played = play(task(), {}, lambda _: replies)
    assert played.output == "first"
    assert play(task(), {}, lambda _: [*replies[2:3], *replies]).error == "E"


def test_text_of_the_result_is_kept_as_the_service_wrote_it() -> None:
    run = new_run(compile_machine(task()), header())
    advance(run, Started(START))
    outcome = advance(run, TaskSucceeded(START, 1, '{ "a" : 1 }'))
    assert outcome.history[0]["taskSucceededEventDetails"]["output"] == '{ "a" : 1 }'
    assert outcome.history[1]["stateExitedEventDetails"]["output"] == '{"a":1}'


def test_tasks_are_numbered_and_parameters_made_anew_for_each_attempt() -> None:
    state = task(Parameters={"n.$": "$$.State.RetryCount"}, Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 2}])
    replies = iter([fail("E"), fail("E"), succeed("ok")])
    played = play(state, {}, lambda _: next(replies))
    assert [(command.task, command.parameters) for command in played.asked(StartTask)] == [
        (1, {"n": 0}), (2, {"n": 1}), (3, {"n": 2}),
    ]  # fmt: skip
    assert played.output == "ok"
    assert play(task(), {"a": 1}, echo).output == {"a": 1}
