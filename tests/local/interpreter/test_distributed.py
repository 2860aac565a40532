"""Distributed Map of items in the state's input: what the parent's history shows, and tolerated failures."""

from __future__ import annotations

from typing import Any

import pytest

from mlflowsteps.local.interpreter import CancelTask, CancelTimer, SetTimer, StartTask

from .driver import Reply, fail, header, never, play, succeed

F = "arn:aws:lambda:us-east-1:123456789012:function:f"
CALL = {"Type": "Task", "Resource": F, "End": True}


def run(state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "A",
                 "States": {"A": state}}  # fmt: skip
    own = {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}
    return {"StartAt": "D", "States": {"D": own, "H": {"Type": "Succeed"}}}


def failing(*indices: int) -> Any:
    def answer(command: StartTask) -> Reply:
        return fail("E", "c") if command.parameters in indices else succeed(command.parameters)

    return answer


def test_parent_shows_the_map_run_and_no_items() -> None:
    played = play(run(CALL, Label="Rows"), [1, 2])
    assert played.types == [
        "ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapRunStarted", "MapRunSucceeded",
        "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert played.previous == [0, 0, 2, 3, 4, 5, 4, 7]
    (details,) = played.details("MapRunStarted")
    assert details["mapRunArn"].startswith("arn:aws:states:us-east-1:123456789012:mapRun:machine/Rows:")
    assert played.output == [1, 2]


def test_items_of_no_count_towards_the_history_limit() -> None:
    played = play(run({"Type": "Pass", "End": True}), list(range(10_000)))
    assert (played.status, len(played.history)) == ("SUCCEEDED", 8)


def test_child_that_never_ends_fails_by_a_limit_of_its_own() -> None:
    definition = run({"Type": "Pass", "Next": "A"}, ToleratedFailureCount=1)
    played = play(definition, [1], born=header("[1]", max_events=100))
    assert played.status == "SUCCEEDED"
    assert "maximum number of history events (100)" in played.output[0]["Cause"]


def test_one_failure_is_too_many_where_nothing_is_said() -> None:
    played = play(run(CALL), [1, 2], failing(2))
    assert played.types[4:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]
    assert played.previous[4:] == [4, 5, 6]
    assert played.error == "States.ExceedToleratedFailureThreshold"
    assert played.cause == "The specified tolerated failure threshold was exceeded"
    assert played.details("MapRunFailed") == [{"error": played.error, "cause": played.cause}]


@pytest.mark.parametrize(
    ("fields", "failed", "status"),
    [
        ({"ToleratedFailureCount": 1}, [1], "SUCCEEDED"),
        ({"ToleratedFailureCount": 1}, [1, 2], "FAILED"),
        ({"ToleratedFailurePercentage": 50}, [1, 2], "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 49.9}, [1, 2], "FAILED"),
        ({"ToleratedFailurePercentage": 100, "ToleratedFailureCount": 1}, [1, 2], "FAILED"),
        ({"ToleratedFailurePercentage": 100}, [1, 2, 3, 4], "SUCCEEDED"),
    ],
)
def test_failures_are_tolerated_up_to_the_threshold(fields: dict[str, Any], failed: list[int], status: str) -> None:
    played = play(run(CALL, **fields), [1, 2, 3, 4], failing(*failed))
    assert played.status == status
    if status == "SUCCEEDED":
        error = {"Error": "E", "Cause": "c"}
        assert played.output == [error if item in failed else item for item in [1, 2, 3, 4]]


def test_runtime_error_of_a_child_fails_the_child_alone() -> None:
    state = {"Type": "Pass", "Parameters": {"v.$": "$.v"}, "End": True}
    played = play(run(state, ToleratedFailureCount=1), [{"v": 1}, {}])
    assert played.status == "SUCCEEDED"
    assert played.output[0] == {"v": 1}
    assert played.output[1]["Error"] == "States.Runtime"
    assert play(run(state), [{}]).error == "States.ExceedToleratedFailureThreshold"


def test_failure_deep_in_a_child_cuts_off_that_child_alone() -> None:
    branches = [
        {"StartAt": "B", "States": {"B": {"Type": "Pass", "Parameters": {"v.$": "$.v"}, "End": True}}},
        {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9, "End": True}}},
    ]
    state = {"Type": "Parallel", "Branches": branches, "End": True}
    played = play(run(state, ToleratedFailureCount=1), [{"v": 1}, {}])
    assert (played.status, played.seconds) == ("SUCCEEDED", 9)
    assert played.output[0] == [{"v": 1}, {"v": 1}]


def test_exceeded_threshold_cancels_what_is_under_way_unseen() -> None:
    def answer(command: StartTask) -> Any:
        return fail("E", after=1) if command.parameters == 2 else never(command)

    played = play(run({**CALL, "TimeoutSeconds": 99}, MaxConcurrency=3), list(range(9)), answer)
    assert played.asked(CancelTask) == [CancelTask(1), CancelTask(2)]
    assert len(played.asked(CancelTimer)) == len(played.asked(SetTimer)) == 3
    assert not [name for name in played.types if name.endswith("Aborted")]


def test_stop_shows_the_map_run_and_nothing_below() -> None:
    played = play(run(CALL), [1, 2], never, stop_after=3)
    assert played.types[-3:] == ["MapStateAborted", "MapRunAborted", "ExecutionAborted"]
    assert len(played.asked(CancelTask)) == 2


def test_children_see_no_variables_of_the_parent() -> None:
    definition = run({"Type": "Pass", "Parameters": {"v.$": "$v"}, "End": True})
    definition["States"]["S"] = {"Type": "Pass", "Assign": {"v": 1}, "Next": "D"}
    definition["StartAt"] = "S"
    assert play(definition, [1]).status == "FAILED"


@pytest.mark.parametrize("field", ["ItemReader", "ItemBatcher", "ResultWriter"])
def test_what_is_not_here_is_refused_by_name_not_ignored(field: str) -> None:
    played = play(run(CALL, **{field: {}}), [1])
    assert played.error == "States.Runtime"
    assert played.cause is not None
    assert f"The local runtime has no {field}: give the items by ItemsPath" in played.cause


def test_caught_map_run_goes_on_from_its_catcher() -> None:
    catch = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "H"}]
    played = play(run(CALL, Catch=catch), [1], failing(1))
    assert played.types[-5:] == [
        "MapStateFailed", "MapStateExited", "SucceedStateEntered", "SucceedStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
