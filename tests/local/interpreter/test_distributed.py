"""Distributed Map as its own execution sees it: what it commands, what its history shows, how it goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlflowsteps.asl.definition import compile_machine
from mlflowsteps.local.interpreter import CancelMapRun, MapRunEnded, Started, StartMapRun, StartTask, advance, new_run

from .driver import START, Reply, fail, header, never, play, succeed

F = "arn:aws:lambda:us-east-1:123456789012:function:f"
CALL = {"Type": "Task", "Resource": F, "End": True}


def over(state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "A",
                 "States": {"A": state}}  # fmt: skip
    own = {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}
    return {"StartAt": "D", "States": {"D": own, "H": {"Type": "Succeed"}}}


def failing(*items: int) -> Any:
    def answer(command: StartTask) -> Reply:
        return fail("E", "c") if command.parameters in items else succeed(command.parameters)

    return answer


def commanded(definition: dict[str, Any], payload: Any) -> StartMapRun:
    """The Map Run that a definition's first state commands."""
    run = new_run(compile_machine(definition), header(json.dumps(payload)))
    (command,) = [one for one in advance(run, Started(START)).commands if isinstance(one, StartMapRun)]
    return command


def test_parent_shows_the_map_run_and_no_items() -> None:
    played = play(over(CALL, Label="Rows"), [1, 2])
    assert played.types == [
        "ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapRunStarted", "MapRunSucceeded",
        "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert played.previous == [0, 0, 2, 3, 4, 5, 4, 7]
    (details,) = played.details("MapRunStarted")
    assert details["mapRunArn"].startswith("arn:aws:states:us-east-1:123456789012:mapRun:machine/Rows:")
    assert played.details("MapStateStarted") == [{"length": 2}]
    assert played.output == [1, 2]


def test_one_failure_is_too_many_where_nothing_is_said() -> None:
    played = play(over(CALL), [1, 2], failing(2))
    assert played.types[4:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]
    assert played.previous[4:] == [4, 5, 6]
    assert played.error == "States.ExceedToleratedFailureThreshold"
    assert played.cause == "The specified tolerated failure threshold was exceeded"
    assert played.details("MapRunFailed") == [{"error": played.error, "cause": played.cause}]


def test_stop_shows_the_map_run_and_cancels_it() -> None:
    played = play(over(CALL), [1, 2], never, stop_after=3)
    assert played.types[-3:] == ["MapStateAborted", "MapRunAborted", "ExecutionAborted"]
    assert played.asked(CancelMapRun) == [CancelMapRun(1)]


def test_time_out_of_the_execution_cancels_the_map_run() -> None:
    played = play({**over(CALL), "TimeoutSeconds": 5}, [1], never)
    assert played.status == "TIMED_OUT"
    assert played.asked(CancelMapRun) == [CancelMapRun(1)]


def test_failed_branch_cancels_the_map_run_beside_it() -> None:
    beside = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}}
    both = {"Type": "Parallel", "Branches": [over(CALL), beside], "End": True}
    played = play({"StartAt": "P", "States": {"P": both}}, [1], never)
    assert (played.status, played.error) == ("FAILED", "E")
    assert played.asked(CancelMapRun) == [CancelMapRun(1)]


def test_end_of_a_map_run_that_nobody_waits_for_changes_nothing() -> None:
    run = new_run(compile_machine(over(CALL)), header("[1]"))
    advance(run, Started(START))
    assert advance(run, MapRunEnded(START, 7, "SUCCEEDED", "[]")).history == []
    advance(run, MapRunEnded(START, 1, "SUCCEEDED", "[2]"))
    assert advance(run, MapRunEnded(START, 1, "SUCCEEDED", "[3]")).history == []


def test_map_run_is_told_all_it_needs() -> None:
    definition = over(
        CALL,
        MaxConcurrencyPath="$.most",
        ToleratedFailurePercentagePath="$.part",
        ToleratedFailureCount=3,
        ItemReader={
            "Resource": "arn:aws:states:::s3:getObject",
            "Parameters": {"Bucket.$": "$.bucket", "Key": "k"},
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "MaxItemsPath": "$.items"},
        },
        ItemBatcher={"MaxItemsPerBatchPath": "$.most", "BatchInput": {"of.$": "$.bucket"}},
        ResultWriter={"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket.$": "$.bucket"}},
        ItemSelector={"row.$": "$$.Map.Item.Value", "from.$": "$.bucket"},
    )
    spec = commanded(definition, {"most": 5, "part": 12.5, "bucket": "b", "items": 9}).spec
    assert (spec["max_concurrency"], spec["tolerated_count"], spec["tolerated_percentage"]) == (5, 3, 12.5)
    assert spec["items"] is None
    assert spec["reader"] == {
        "action": "getObject", "arguments": {"Bucket": "b", "Key": "k"}, "max_items": 9,
        "config": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
    }  # fmt: skip
    assert spec["batcher"] == {"max_items": 5, "max_bytes": None, "batch_input": {"of": "b"}}
    assert spec["writer"] == {"arguments": {"Bucket": "b"}, "config": {}}
    assert spec["selector"] == definition["States"]["D"]["ItemSelector"]
    assert spec["processor"]["StartAt"] == "A"
    assert "ProcessorConfig" not in spec["processor"]


def test_jsonata_fields_are_evaluated_before_the_map_run() -> None:
    definition = over(
        {"Type": "Pass", "End": True},
        ItemReader={
            "Resource": "arn:aws:states:::s3:listObjectsV2",
            "Arguments": {"Bucket": "{% $states.input.bucket %}"},
            "ReaderConfig": {"MaxItems": "{% 1 + 1 %}"},
        },
        ItemBatcher={"MaxInputBytesPerBatch": "{% 1000 %}"},
    )
    spec = commanded({"QueryLanguage": "JSONata", **definition}, {"bucket": "b"}).spec
    assert spec["reader"]["arguments"] == {"Bucket": "b"}
    assert spec["reader"]["max_items"] == 2
    assert spec["batcher"] == {"max_items": None, "max_bytes": 1000}
    assert spec["processor"]["QueryLanguage"] == "JSONata"


def test_members_of_an_object_are_items() -> None:
    assert commanded(over(CALL), {"a": 1}).spec["items"] == {"a": 1}


@pytest.mark.parametrize("value", [0, -1, 1.5])
def test_batch_of_no_whole_number_fails(value: float) -> None:
    definition = over(CALL, ItemsPath="$.l", ItemBatcher={"MaxItemsPerBatch": "{% $states.input.n %}"})
    del definition["States"]["D"]["ItemsPath"]
    definition = {**definition, "QueryLanguage": "JSONata"}
    definition["States"]["D"]["Items"] = [1]
    played = play(definition, {"n": value})
    assert played.error == "States.Runtime"
    assert "MaxItemsPerBatch must be a positive integer." in (played.cause or "")


def test_caught_map_run_goes_on_from_its_catcher() -> None:
    catch = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "H"}]
    played = play(over(CALL, Catch=catch), [1], failing(1))
    assert played.types[-5:] == [
        "MapStateFailed", "MapStateExited", "SucceedStateEntered", "SucceedStateExited", "ExecutionSucceeded",
    ]  # fmt: skip


def test_retried_map_state_starts_another_map_run() -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    played = play(over(CALL, Retry=retry), [1], failing(1))
    first, second = played.asked(StartMapRun)
    assert (first.map_run, second.map_run) == (1, 2)
    assert first.arn != second.arn
    assert (first.redrive, second.redrive) == (0, 0)
    assert played.types.count("MapRunFailed") == 2
