"""Parallel and inline Map: branches, iterations, their events, and what their failures cut off."""

from __future__ import annotations

from typing import Any

import pytest

from mlflowsteps.local.interpreter import CancelTask, CancelTimer, StartTask

from .driver import Reply, echo, fail, never, play, succeed

F = "arn:aws:lambda:us-east-1:123456789012:function:f"
CALL = {"Type": "Task", "Resource": F, "End": True}
PASS = {"Type": "Pass", "End": True}
BOOM = {"Type": "Fail", "Error": "Boom", "Cause": "sibling failed"}


def branch(**states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def parallel(*branches: dict[str, Any], **fields: Any) -> dict[str, Any]:
    state = {"Type": "Parallel", "Branches": list(branches), "End": True, **fields}
    return {"StartAt": "P", "States": {"P": state, "H": PASS}}


def over(processor: dict[str, Any], **fields: Any) -> dict[str, Any]:
    state = {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}
    return {"StartAt": "M", "States": {"M": state, "H": PASS}}


def pause(seconds: int, **more: Any) -> dict[str, Any]:
    return {"Type": "Wait", "Seconds": seconds, **(more or {"End": True})}


# --- Parallel


def test_branches_follow_the_start_each_on_a_chain_of_its_own() -> None:
    two = [branch(A1={"Type": "Pass", "Next": "A2"}, A2=PASS), branch(B1={"Type": "Pass", "Next": "B2"}, B2=PASS)]
    played = play(parallel(*two), {"x": "a"})
    assert played.output == [{"x": "a"}, {"x": "a"}]
    assert len(played.history) == 14
    started = played.events("ParallelStateStarted")[0]["id"]
    entered = {event["stateEnteredEventDetails"]["name"]: event for event in played.events("PassStateEntered")}
    assert entered["A1"]["previousEventId"] == entered["B1"]["previousEventId"] == started
    last = played.history[-4]["id"]
    assert played.types[-3:] == ["ParallelStateSucceeded", "ParallelStateExited", "ExecutionSucceeded"]
    assert played.previous[-3:] == [last, last, last + 2]


def test_outputs_stand_in_the_order_of_the_branches() -> None:
    slow = [branch(A=pause(5, Next="X"), X={"Type": "Pass", "Result": 1, "End": True}),
            branch(B={"Type": "Pass", "Result": 2, "End": True})]  # fmt: skip
    played = play(parallel(*slow))
    assert played.output == [1, 2]
    assert played.seconds == 5


def test_failing_branch_fails_the_state_with_its_error() -> None:
    played = play(parallel(branch(B=BOOM)))
    assert played.types[3:] == ["FailStateEntered", "ParallelStateFailed", "ExecutionFailed"]
    assert played.previous == [0, 0, 2, 3, 4, 5]
    assert (played.error, played.cause) == ("Boom", "sibling failed")


def test_failed_task_of_a_branch_is_recorded_as_aborted() -> None:
    state = parallel(branch(T=CALL), Catch=[{"ErrorEquals": ["States.ALL"], "Next": "H"}])
    played = play(state, {}, lambda _: fail("E", "c"))
    assert played.types[3:10] == [
        "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionFailed",
        "TaskStateAborted", "ParallelStateFailed", "ParallelStateExited",
    ]  # fmt: skip
    assert played.previous[7:10] == [7, 7, 9]
    assert played.output == {"Error": "E", "Cause": "c"}


def test_siblings_are_cut_off_where_they_stand_and_their_tasks_cancelled() -> None:
    state = parallel(
        branch(W=pause(100)), branch(T={**CALL, "TimeoutSeconds": 50}), branch(F=pause(1, Next="B"), B=BOOM),
        branch(Q=parallel(branch(V=pause(9)))["States"]["P"]),
    )  # fmt: skip
    played = play(state, {}, never)
    failure = played.events("FailStateEntered")[0]["id"]
    cut = [event for event in played.history if event["id"] > failure]
    assert [event["type"] for event in cut] == [
        "WaitStateAborted", "TaskStateAborted", "ParallelStateAborted", "WaitStateAborted", "ParallelStateFailed",
        "ExecutionFailed",
    ]  # fmt: skip
    assert {event["previousEventId"] for event in cut[:-1]} == {failure}
    assert played.asked(CancelTask) == [CancelTask(1)]
    assert len(played.asked(CancelTimer)) == 3
    assert played.seconds == 1


def test_retried_parallel_starts_again_without_a_failed_event() -> None:
    state = parallel(branch(B=BOOM), Retry=[{"ErrorEquals": ["Boom"], "MaxAttempts": 1}])
    played = play(state)
    assert played.types[2:] == [
        "ParallelStateStarted", "FailStateEntered", "ParallelStateStarted", "FailStateEntered",
        "ParallelStateFailed", "ExecutionFailed",
    ]  # fmt: skip
    assert played.previous == [0, 0, 2, 3, 4, 5, 6, 7]


def test_runtime_error_in_a_branch_leaves_no_event_but_the_end() -> None:
    played = play(parallel(branch(A={"Type": "Pass", "Parameters": {"m.$": "$.no"}, "End": True}), branch(W=pause(9))))
    assert played.types == [
        "ExecutionStarted", "ParallelStateEntered", "ParallelStateStarted", "PassStateEntered", "ExecutionFailed",
    ]  # fmt: skip
    assert played.cause is not None
    assert "state 'A' (entered at the event id #4)" in played.cause


def test_variables_of_a_branch_are_its_own() -> None:
    inner = branch(A={"Type": "Pass", "Assign": {"v": "inner", "w": 1}, "Next": "B"},
                   B={"Type": "Pass", "Parameters": {"v.$": "$v"}, "End": True})  # fmt: skip
    definition = {
        "StartAt": "S",
        "States": {
            "S": {"Type": "Pass", "Assign": {"v": "outer"}, "Next": "P"},
            "P": {"Type": "Parallel", "Next": "E",
                  "Branches": [inner, branch(C={**PASS, "Parameters": {"v.$": "$v"}})]},
            "E": {"Type": "Pass", "Parameters": {"v.$": "$v", "all.$": "$"}, "End": True},
        },
    }  # fmt: skip
    assert play(definition).output == {"v": "outer", "all": [{"v": "inner"}, {"v": "outer"}]}


# --- Map


def test_iterations_one_at_a_time_chain_as_recorded() -> None:
    played = play(over(branch(A=PASS), MaxConcurrency=1), [1, {}])
    assert played.types[2:] == [
        "MapStateStarted",
        *["MapIterationStarted", "PassStateEntered", "PassStateExited", "MapIterationSucceeded"] * 2,
        "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert played.previous == [0, 0, 2, 3, 4, 5, 6, 6, 8, 9, 10, 11, 11, 13]
    assert played.details("MapStateStarted") == [{"length": 2}]
    assert played.details("MapIterationStarted") == [{"name": "M", "index": 0}, {"name": "M", "index": 1}]


def test_map_over_nothing_exits_from_its_started_event() -> None:
    played = play(over(branch(A=PASS)), [])
    assert played.types[2:] == ["MapStateStarted", "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded"]
    assert played.previous == [0, 0, 2, 3, 3, 5]
    assert played.output == []


@pytest.mark.parametrize("key", ["ItemSelector", "Parameters"])
def test_selector_sees_the_item_and_the_input(key: str) -> None:
    template = {"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "all.$": "$.list", "c": 1}
    state = over(branch(A=PASS), ItemsPath="$.list", InputPath="$.in", ResultPath="$.out", **{key: template})
    played = play(state, {"in": {"list": ["a"]}})
    assert played.output == {"in": {"list": ["a"]}, "out": [{"v": "a", "i": 0, "all": ["a"], "c": 1}]}


def test_item_is_seen_in_all_states_of_an_iteration() -> None:
    deep = parallel(branch(B={**PASS, "Parameters": {"i.$": "$$.Map.Item.Index"}}))["States"]["P"]
    played = play(over(branch(A={"Type": "Pass", "Next": "P"}, P=deep)), ["x", "y"])
    assert played.output == [[{"i": 0}], [{"i": 1}]]


@pytest.mark.parametrize(("limit", "together"), [(1, 1), (3, 3), (0, 40), (None, 40), (1000, 40)])
def test_at_most_so_many_iterations_at_a_time(limit: int | None, together: int) -> None:
    running: list[int] = []
    most = 0

    def answer(command: StartTask) -> Reply:
        nonlocal most
        running.append(command.task)
        ended = {c for c in running if c <= command.task - together}
        most = max(most, len(running) - len(ended))
        return succeed(command.parameters, after=10)

    fields = {} if limit is None else {"MaxConcurrency": limit}
    played = play(over(branch(T=CALL), **fields), list(range(100)), answer)
    assert played.output == list(range(100))
    assert most == together
    assert played.seconds == 10 * -(-100 // together)


def test_failing_iteration_cuts_off_the_others_in_the_services_order() -> None:
    inner = branch(
        R={"Type": "Choice", "Default": "Long",
           "Choices": [{"Variable": "$.k", "StringEquals": "fail", "Next": "Pause"}]},
        Long=pause(15), Pause=pause(1, Next="Boom"), Boom=BOOM,
    )  # fmt: skip
    played = play(over(inner), [{"k": "long"}, {"k": "fail"}])
    at = played.types.index("FailStateEntered")
    failure = played.history[at]["id"]
    assert played.types[at + 1 :] == [
        "MapIterationAborted", "WaitStateAborted", "MapIterationFailed", "MapStateFailed", "ExecutionFailed",
    ]  # fmt: skip
    assert played.previous[at + 1 : at + 5] == [failure] * 4
    assert played.details("MapIterationAborted") == [{"name": "M", "index": 0}]
    assert played.details("MapIterationFailed") == [{"name": "M", "index": 1}]
    assert played.error == "Boom"


def test_retried_map_starts_again_from_the_failing_event() -> None:
    state = over(branch(B=BOOM), MaxConcurrency=1, Retry=[{"ErrorEquals": ["Boom"], "MaxAttempts": 1}])
    played = play(state, [1])
    assert played.types[2:] == [
        "MapStateStarted", "MapIterationStarted", "FailStateEntered", "MapIterationFailed",
        "MapStateStarted", "MapIterationStarted", "FailStateEntered", "MapIterationFailed",
        "MapStateFailed", "ExecutionFailed",
    ]  # fmt: skip
    assert played.previous == [0, 0, 2, 3, 4, 5, 5, 7, 8, 9, 9, 11]


def test_caught_map_exits_with_the_error() -> None:
    state = over(branch(B=BOOM), Catch=[{"ErrorEquals": ["Boom"], "Next": "H", "ResultPath": "$[0]"}])
    played = play(state, [1])
    assert played.output == [{"Error": "Boom", "Cause": "sibling failed"}]
    assert played.types[-5:] == [
        "MapStateFailed", "MapStateExited", "PassStateEntered", "PassStateExited", "ExecutionSucceeded",
    ]  # fmt: skip


def test_items_that_are_no_list_fail_before_the_start() -> None:
    played = play(over(branch(A=PASS), ItemsPath="$.a"), {"a": 1})
    assert played.types == ["ExecutionStarted", "MapStateEntered", "ExecutionFailed"]
    assert played.cause is not None
    assert played.cause.endswith('Reference path "$.a" must point to array.')


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("ToleratedFailureCountPath", "x",
         'The ToleratedFailureCountPath field refers to value "x" which is not a valid integer: $.v'),
        ("ToleratedFailurePercentagePath", {},
         'The ToleratedFailurePercentagePath field refers to value "{}" which is not a valid float: $.v'),
        ("ToleratedFailurePercentagePath", -1, "ToleratedFailurePercentage must be between 0 and 100."),
    ],
)  # fmt: skip
def test_invalid_tolerance_fails_right_after_the_start(field: str, value: Any, text: str) -> None:
    played = play(over(branch(A=PASS), ItemsPath="$.l", **{field: "$.v"}), {"l": [1], "v": value})
    assert played.types == ["ExecutionStarted", "MapStateEntered", "MapStateStarted", "ExecutionFailed"]
    assert played.cause == f"An error occurred while executing the state 'M' (entered at the event id #2). {text}"


def test_selector_that_fails_midway_cuts_off_what_runs() -> None:
    state = over(branch(W=pause(5)), MaxConcurrency=2,
                 ItemSelector={"v.$": "States.ArrayGetItem($$.Map.Item.Value, 0)"},
                 Catch=[{"ErrorEquals": ["States.ALL"], "Next": "H"}])  # fmt: skip
    played = play(state, [[1], [2], []])
    assert played.status == "SUCCEEDED"
    assert played.output["Error"] == "States.IntrinsicFailure"
    assert played.types.count("MapIterationAborted") == played.types.count("WaitStateAborted")


def test_nested_maps_gather_lists_of_lists() -> None:
    inner = over(branch(T=CALL))["States"]["M"]
    played = play(over(branch(N=inner)), [[1, 2], [], [3]], echo)
    assert played.output == [[1, 2], [], [3]]


def test_parallel_inside_map_inside_parallel_fails_up_to_the_catcher() -> None:
    deep = parallel(branch(B=BOOM), branch(W=pause(9)))["States"]["P"]
    middle = over(branch(D=deep), ItemsPath="$.l")["States"]["M"]
    state = parallel(branch(M2=middle), branch(W2=pause(9)), Catch=[{"ErrorEquals": ["Boom"], "Next": "H"}])
    played = play(state, {"l": [1]})
    assert played.output["Error"] == "Boom"
    failed = [name for name in played.types if name.endswith(("Failed", "Aborted"))]
    # The branch beside the failing one had not been entered yet; the outer one had.
    assert failed == [
        "ParallelStateFailed", "MapIterationFailed", "MapStateFailed", "WaitStateAborted", "ParallelStateFailed",
    ]  # fmt: skip
