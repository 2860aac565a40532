"""One state on its own: what a mock stands for, when the state has come to an end, and how it is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlflowsteps.asl.definition import compile_machine
from mlflowsteps.local.interpreter import TaskFailed, TaskSucceeded
from mlflowsteps.local.interpreter.probe import Mock, Probe, ProbeSettings

from .driver import START, header

F = "arn:aws:lambda:us-east-1:123456789012:function:f"
BRANCH = {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}}
TASK = {"Type": "Task", "Resource": F}
PARALLEL = {"Type": "Parallel", "Branches": [BRANCH]}
MAP = {"Type": "Map", "ItemProcessor": BRANCH, "ItemsPath": "$.l"}
WORKING = pytest.mark.parametrize("state", [TASK, PARALLEL, MAP], ids=["Task", "Parallel", "Map"])


def probe(state: dict[str, Any], payload: Any = None, **settings: Any) -> Probe:
    ends = state["Type"] in {"Succeed", "Fail", "Choice"}
    body = state if ends or "Next" in state else {**state, "End": True}
    machine = compile_machine({"StartAt": "A", "States": {"A": body, "N": {"Type": "Succeed"}}})
    text = json.dumps({"l": [1, 2, 3, 4]} if payload is None else payload)
    return Probe(machine, machine.states["A"], header(text), ProbeSettings({}, **settings))


def started(state: dict[str, Any], payload: Any = None, **settings: Any) -> Probe:
    one = probe(state, payload, **settings)
    assert one.start() is None
    return one


@WORKING
def test_a_mocked_result_is_what_the_work_came_to(state: dict[str, Any]) -> None:
    seen = started({**state, "Next": "N", "ResultPath": "$.r"}, {"l": []}, mock=Mock("[1]")).seen
    assert (seen.status, seen.next, seen.error) == ("SUCCEEDED", "N", None)
    assert json.loads(str(seen.output_text)) == {"l": [], "r": [1]}


@WORKING
def test_a_mocked_error_fails_the_state_by_its_name_and_cause(state: dict[str, Any]) -> None:
    seen = started(state, mock=Mock(error="E", cause="c")).seen
    assert (seen.status, seen.error, seen.cause, seen.next, seen.output_text) == ("FAILED", "E", "c", None, None)


@WORKING
def test_a_mocked_error_goes_to_the_catcher_that_names_it(state: dict[str, Any]) -> None:
    catch = [{"ErrorEquals": ["X"], "Next": "N"}, {"ErrorEquals": ["E"], "Next": "N", "ResultPath": "$.e"}]
    seen = started({**state, "Catch": catch}, {"l": []}, mock=Mock(error="E", cause="c")).seen
    assert (seen.status, seen.next, seen.error) == ("CAUGHT_ERROR", "N", "E")
    assert seen.phases["catchIndex"] == 1
    assert json.loads(str(seen.output_text)) == {"l": [], "e": {"Error": "E", "Cause": "c"}}


RETRY = [
    {"ErrorEquals": ["X"], "IntervalSeconds": 50},
    {"ErrorEquals": ["E"], "IntervalSeconds": 3, "BackoffRate": 2, "MaxAttempts": 2},
]


@WORKING
@pytest.mark.parametrize(
    ("made", "status", "retry"), [(0, "RETRIABLE", (1, 3)), (1, "RETRIABLE", (1, 6)), (2, "FAILED", None)]
)
def test_a_retrier_takes_an_error_up_until_its_attempts_are_made(
    state: dict[str, Any], made: int, status: str, retry: tuple[int, float] | None
) -> None:
    seen = started({**state, "Retry": RETRY}, mock=Mock(error="E"), retries=made).seen
    assert (seen.status, seen.retry) == (status, retry)


def test_the_wait_before_a_retry_is_told_to_the_millisecond() -> None:
    retry = [{"ErrorEquals": ["E"], "IntervalSeconds": 1, "BackoffRate": 1.23456}]
    assert started({**TASK, "Retry": retry}, mock=Mock(error="E"), retries=1).seen.retry == (0, 1.235)


@pytest.mark.parametrize(
    ("tolerated", "failed", "status"),
    [
        ({}, 0, "SUCCEEDED"),
        ({}, 1, "FAILED"),
        ({"ToleratedFailureCount": 2}, 2, "SUCCEEDED"),
        ({"ToleratedFailureCount": 2}, 3, "FAILED"),
        ({"ToleratedFailurePercentage": 50}, 2, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 50}, 3, "FAILED"),
        ({"ToleratedFailureCount": 1, "ToleratedFailurePercentage": 100}, 2, "FAILED"),
        ({"ToleratedFailureCount": 4, "ToleratedFailurePercentage": 25}, 1, "SUCCEEDED"),
        ({"ToleratedFailureCount": 4, "ToleratedFailurePercentage": 25}, 2, "FAILED"),
    ],
)
def test_a_map_fails_by_one_item_more_than_it_tolerates(tolerated: dict[str, Any], failed: int, status: str) -> None:
    processor = {**BRANCH, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    seen = started({**MAP, "ItemProcessor": processor, **tolerated}, mock=Mock("[]"), failed_items=failed).seen
    assert seen.status == status
    assert seen.error == (None if status == "SUCCEEDED" else "States.ExceedToleratedFailureThreshold")


def test_a_map_notes_its_items_and_numbers() -> None:
    state = {
        **MAP, "MaxConcurrency": 3, "ToleratedFailureCount": 0, "ToleratedFailurePercentage": 0,
        "ItemSelector": {"at.$": "$$.Map.Item.Index", "is.$": "$$.Map.Item.Value"},
    }  # fmt: skip
    phases = started(state, {"l": ["x", "y"]}, mock=Mock("[]")).seen.phases
    assert phases["afterItemsPath"] == ["x", "y"]
    assert phases["afterItemSelector"] == [{"at": 0, "is": "x"}, {"at": 1, "is": "y"}]
    assert (phases["maxConcurrency"], phases["toleratedFailureCount"], phases["toleratedFailurePercentage"]) == (
        3,
        0,
        0,
    )
    said_nothing = started(MAP, mock=Mock("[]")).seen.phases
    assert said_nothing["maxConcurrency"] == 0
    assert not {"toleratedFailureCount", "toleratedFailurePercentage", "afterItemSelector"} & said_nothing.keys()


def test_a_task_without_a_mock_is_told_of_by_the_caller() -> None:
    one = probe({**TASK, "Parameters": {"p": 1}, "Next": "N"})
    task = one.start()
    assert task is not None
    assert (task.parameters, one.seen.status) == ({"p": 1}, None)
    assert one.tell(TaskSucceeded(START, task.task, '{"r":1}')) is None
    assert (one.seen.status, one.seen.output_text, one.seen.phases["result"]) == ("SUCCEEDED", '{"r":1}', {"r": 1})

    other = probe(TASK)
    task = other.start()
    assert task is not None
    other.tell(TaskFailed(START, task.task, "E", "c"))
    assert (other.seen.status, other.seen.error, other.seen.cause) == ("FAILED", "E", "c")


def test_a_result_that_is_no_json_fails_the_state_and_is_not_noted() -> None:
    seen = started(TASK, mock=Mock("{nope")).seen
    assert (seen.status, seen.error) == ("FAILED", "States.Runtime")
    assert "result" not in seen.phases


@pytest.mark.parametrize(
    ("seconds", "status", "error"),
    [(0, "SUCCEEDED", None), (300, "SUCCEEDED", None), (301, "FAILED", "States.Timeout")],
)
def test_a_wait_is_passed_over_up_to_the_longest_time_of_a_test(seconds: int, status: str, error: str | None) -> None:
    seen = started({"Type": "Wait", "Seconds": seconds}, {"a": 1}).seen
    assert (seen.status, seen.error) == (status, error)
    assert seen.output_text == ('{"a": 1}' if error is None else None)


def test_states_that_need_nothing_come_to_their_end_at_once() -> None:
    assert started({"Type": "Pass", "Result": [1]}).seen.phases["result"] == [1]
    assert "result" not in started({"Type": "Pass"}).seen.phases
    fails = started({"Type": "Fail", "Error": "E", "Cause": "c"}).seen
    assert (fails.status, fails.error, fails.cause) == ("FAILED", "E", "c")
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "N"}]}
    assert started(choice, {"n": 1}).seen.next == "N"
    lost = started(choice, {"n": 2}).seen
    assert (lost.status, lost.error) == ("FAILED", "States.Runtime")
    assert str(lost.cause).startswith("Failed to transition")
