"""Distributed Maps on a runtime: children, counts, tolerated failures, stopping, updating, going on after a restart."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlflowsteps.local import LocalRuntime, VirtualClock

from .conftest import BUCKET, PASS, Bench, call, over, reader, writer

WAIT = {"Type": "Wait", "Seconds": 3600, "End": True}


def test_standard_children_are_executions_of_their_own(bench: Bench) -> None:
    arn = bench.start(over(PASS), [1, {"a": 2}])
    assert json.loads(bench.end(arn)["output"]) == [1, {"a": 2}]
    map_run = bench.map_run(arn)
    children = bench.states.list_executions(mapRunArn=map_run["mapRunArn"])["executions"]
    assert [child["status"] for child in children] == ["SUCCEEDED", "SUCCEEDED"]
    child = bench.states.describe_execution(executionArn=children[0]["executionArn"])
    assert ":execution:m0/Rows:" in child["executionArn"]
    assert child["stateMachineArn"].endswith(":stateMachine:m0/Rows")
    assert child["mapRunArn"] == map_run["mapRunArn"]
    assert child["input"] == '{"a":2}'
    history = bench.states.get_execution_history(executionArn=child["executionArn"])["events"]
    assert [event["type"] for event in history] == [
        "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    machine = bench.states.describe_state_machine_for_execution(executionArn=child["executionArn"])
    assert (machine["label"], json.loads(machine["definition"])["StartAt"]) == ("Rows", "A")
    parent = arn.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    assert len(bench.states.list_executions(stateMachineArn=parent)["executions"]) == 1


def test_express_children_are_not_listed(bench: Bench) -> None:
    arn = bench.start(over(PASS, "EXPRESS"), [1, 2, 3])
    assert json.loads(bench.end(arn)["output"]) == [1, 2, 3]
    map_run = bench.map_run(arn)
    assert map_run["executionCounts"]["succeeded"] == 3
    assert bench.states.list_executions(mapRunArn=map_run["mapRunArn"])["executions"] == []


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_children_that_wait_and_call_keep_the_order_of_the_items(bench: Bench, kind: str) -> None:
    bench.runtime.register_function("double", lambda event, _context: event * 2)
    wait = {"Type": "Wait", "SecondsPath": "$", "Next": "B"}
    state = over(wait, kind)
    state["ItemProcessor"]["States"]["B"] = call("double")
    assert bench.run(state, [30, 10, 20]) == [60, 20, 40]


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_no_more_children_run_than_max_concurrency_says(bench: Bench, kind: str) -> None:
    lock, running, most = threading.Lock(), [0], [0]

    def work(event: Any, _context: Any) -> Any:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        barrier.wait(5)
        with lock:
            running[0] -= 1
        return event

    barrier = threading.Barrier(2)
    bench.runtime.register_function("work", work)
    assert bench.run(over(call("work"), kind, MaxConcurrency=2), list(range(6))) == list(range(6))
    assert most[0] == 2


def failing(event: Any, _context: Any) -> Any:
    if event < 0:
        raise ValueError("negative")
    return event


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
@pytest.mark.parametrize("fields", [{"ToleratedFailureCount": 1}, {"ToleratedFailurePercentage": 40}])
def test_tolerated_failures_stand_among_the_results(bench: Bench, kind: str, fields: dict[str, Any]) -> None:
    bench.runtime.register_function("failing", failing)
    arn = bench.start(over(call("failing"), kind, **fields), [1, -1, 2])
    first, second, third = json.loads(bench.end(arn)["output"])
    assert (first, third) == (1, 2)
    assert second["Error"] == "ValueError"
    counts = bench.map_run(arn)["itemCounts"]
    assert (counts["succeeded"], counts["failed"], counts["total"]) == (2, 1, 3)


def test_one_failure_more_fails_the_map_run_and_aborts_what_runs(bench: Bench) -> None:
    bench.runtime.register_function("failing", failing)
    state = over({"Type": "Choice", "Choices": [{"Variable": "$", "NumericLessThan": 0, "Next": "F"}], "Default": "W"},
                 ToleratedFailureCount=1)  # fmt: skip
    state["ItemProcessor"]["States"] |= {"F": call("failing"), "W": WAIT}
    arn = bench.start(state, [1, -1, -2, 4])
    found = bench.end(arn)
    assert (found["status"], found["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    map_run = bench.map_run(arn)
    assert map_run["status"] == "FAILED"
    assert (map_run["executionCounts"]["failed"], map_run["executionCounts"]["aborted"]) == (2, 2)
    children = bench.states.list_executions(mapRunArn=map_run["mapRunArn"], statusFilter="ABORTED")["executions"]
    assert len(children) == 2


def test_runtime_error_of_a_child_fails_the_child_alone(bench: Bench) -> None:
    state = {"Type": "Pass", "Parameters": {"v.$": "$.v"}, "End": True}
    first, second = bench.run(over(state, ToleratedFailureCount=1), [{"v": 1}, {}])
    assert first == {"v": 1}
    assert second["Error"] == "States.Runtime"


def test_children_see_no_variables_of_the_parent(bench: Bench) -> None:
    state = over({"Type": "Pass", "Parameters": {"v.$": "$v"}, "End": True})
    begin = {"Type": "Pass", "Assign": {"v": 1}, "Next": "M"}
    machine = bench.states.create_state_machine(
        name="vars", definition=json.dumps({"StartAt": "S", "States": {"S": begin, "M": state}}),
        roleArn="arn:aws:iam::123456789012:role/r",
    )  # fmt: skip
    arn = bench.states.start_execution(stateMachineArn=machine["stateMachineArn"], input="[1]")["executionArn"]
    assert bench.end(arn)["status"] == "FAILED"


def test_items_of_no_count_towards_the_history_limit(bench: Bench) -> None:
    arn = bench.start(over(PASS, "EXPRESS"), list(range(20_000)))
    assert bench.end(arn)["status"] == "SUCCEEDED"
    assert len(bench.states.get_execution_history(executionArn=arn)["events"]) == 8


def test_results_larger_than_an_output_fail(bench: Bench) -> None:
    big = {"Type": "Pass", "Result": "x" * 1000, "End": True}
    error, cause = bench.fail(over(big, "EXPRESS"), list(range(300)))
    assert error == "States.DataLimitExceeded"
    assert "exceeding the maximum number of bytes service limit" in cause


def test_stopped_execution_aborts_its_map_run_and_children(bench: Bench) -> None:
    bench.runtime.register_function("release", lambda event, _context: event)
    token = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
             "Parameters": {"FunctionName": "release", "Payload": {"t.$": "$$.Task.Token"}}, "End": True}  # fmt: skip
    arn = bench.start(over(token), [1, 2])
    map_run = started(bench, arn, 2)
    bench.states.stop_execution(executionArn=arn)
    ended(bench, map_run["mapRunArn"])
    found = bench.states.describe_map_run(mapRunArn=map_run["mapRunArn"])
    assert (found["status"], found["executionCounts"]["aborted"]) == ("ABORTED", 2)


def started(bench: Bench, arn: str, children: int) -> dict[str, Any]:
    """The Map Run of an execution, once so many children run."""
    for _ in range(2_000):
        rows = bench.states.list_map_runs(executionArn=arn)["mapRuns"]
        if rows:
            found: dict[str, Any] = bench.states.describe_map_run(mapRunArn=rows[0]["mapRunArn"])
            if found["executionCounts"]["running"] == children:
                return found
        threading.Event().wait(0.005)
    raise AssertionError("the children were not started")


def ended(bench: Bench, map_run_arn: str) -> None:
    """Wait until no child of a Map Run runs."""
    for child in bench.states.list_executions(mapRunArn=map_run_arn)["executions"]:
        bench.runtime.wait(child["executionArn"], timeout=30)
    for _ in range(2_000):
        if bench.states.describe_map_run(mapRunArn=map_run_arn)["status"] != "RUNNING":
            return
        threading.Event().wait(0.005)
    raise AssertionError("the Map Run did not end")


def test_update_lets_more_children_run(bench: Bench) -> None:
    go = threading.Event()

    def wait(event: Any, _context: Any) -> Any:
        go.wait(30)
        return event

    bench.runtime.register_function("wait", wait)
    arn = bench.start(over(call("wait"), MaxConcurrency=1), [1, 2, 3])
    map_run = started(bench, arn, 1)
    bench.states.update_map_run(mapRunArn=map_run["mapRunArn"], maxConcurrency=3, toleratedFailureCount=7)
    found = started(bench, arn, 3)
    go.set()
    assert (found["maxConcurrency"], found["toleratedFailureCount"]) == (3, 7)
    assert bench.end(arn)["status"] == "SUCCEEDED"
    with pytest.raises(ClientError, match="cannot be updated"):
        bench.states.update_map_run(mapRunArn=map_run["mapRunArn"], maxConcurrency=1)


def test_unknown_map_runs_are_refused(bench: Bench) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:mapRun:m/Rows:none"
    for operation, further in (
        ("describe_map_run", {}),
        ("update_map_run", {"maxConcurrency": 1}),
        ("list_executions", {}),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(bench.states, operation)(mapRunArn=arn, **further)
        assert caught.value.response["Error"]["Code"] == "ResourceNotFound"
    with pytest.raises(ClientError) as caught:
        bench.states.describe_map_run(mapRunArn="arn:aws:states:us-east-1:123456789012:stateMachine:m")
    assert caught.value.response["Error"]["Code"] == "InvalidArn"


def test_map_runs_are_listed_newest_first_and_in_pages(bench: Bench) -> None:
    inner = over(PASS, "EXPRESS")
    del inner["End"]
    second = over(PASS, "EXPRESS", Label="Second")
    second["ItemProcessor"] |= {"StartAt": "B", "States": {"B": PASS}}
    definition = {"StartAt": "M", "States": {"M": {**inner, "Next": "N"}, "N": second}}
    made = bench.states.create_state_machine(
        name="two", definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/r"
    )
    arn = bench.states.start_execution(stateMachineArn=made["stateMachineArn"], input="[1]")["executionArn"]
    bench.end(arn)
    newest = bench.states.list_map_runs(executionArn=arn, maxResults=1)
    oldest = bench.states.list_map_runs(executionArn=arn, maxResults=1, nextToken=newest["nextToken"])
    assert "two/Second:" in newest["mapRuns"][0]["mapRunArn"]
    assert "two/Rows:" in oldest["mapRuns"][0]["mapRunArn"]
    assert "nextToken" not in oldest


def test_virtual_time_passes_over_the_waits_of_children(bench: Bench) -> None:
    arn = bench.start(over(WAIT, MaxConcurrency=2), [1, 2, 3, 4])
    found = bench.end(arn)
    assert (found["stopDate"] - found["startDate"]).total_seconds() == 7200


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
@pytest.mark.parametrize("checkpoint", [1, 2_000])
def test_map_run_goes_on_where_it_was_after_a_restart(
    tmp_path: Path, kind: str, checkpoint: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlflowsteps.local.map_runs.runner.CHECKPOINT", checkpoint)
    rows = reader("rows.csv", "CSV", CSVHeaderLocation="FIRST_ROW")
    state = over(call("slow"), kind, MaxConcurrency=2, ItemReader=rows, ResultWriter=writer(Transformation="COMPACT"))
    seen: list[str] = []
    reached, go = threading.Event(), threading.Event()

    def slow(event: Any, _context: Any) -> Any:
        if event["n"] == "5":
            reached.set()
            go.wait(30)
        seen.append(event["n"])
        return event["n"]

    runtime = LocalRuntime(tmp_path / "runtime", clock=VirtualClock())
    runtime.client("s3").create_bucket(Bucket=BUCKET)
    runtime.register_function("slow", slow)
    bench = Bench(runtime)
    bench.put("rows.csv", "n\n" + "".join(f"{number}\n" for number in range(10)))
    arn = bench.start(state)
    assert reached.wait(30)
    runtime.close()
    go.set()
    with LocalRuntime(tmp_path / "runtime", clock=VirtualClock()) as again:
        again.register_function("slow", slow)
        bench = Bench(again)
        found = bench.end(arn)
        assert found["status"] == "SUCCEEDED"
        manifest = bench.get(json.loads(found["output"])["ResultWriterDetails"]["Key"])
        (file,) = manifest["ResultFiles"]["SUCCEEDED"]
        assert sorted(bench.get(file["Key"])) == [str(number) for number in range(10)]
        counts = bench.map_run(arn)["itemCounts"]
        assert (counts["total"], counts["succeeded"]) == (10, 10)
        if checkpoint == 1:  # what was recorded as ended is not run again: all before the fifth, but for one under way
            assert sum(seen.count(str(number)) > 1 for number in range(5)) <= 1
        if kind == "STANDARD":  # each child is there once
            listed = again.client("stepfunctions").list_executions(mapRunArn=bench.map_run(arn)["mapRunArn"])
            assert len(listed["executions"]) == 10


def test_map_run_whose_execution_is_over_is_aborted_after_a_restart(tmp_path: Path) -> None:
    runtime = LocalRuntime(tmp_path / "runtime")
    bench = Bench(runtime)
    reached, go = threading.Event(), threading.Event()

    def wait(event: Any, _context: Any) -> Any:
        reached.set()
        go.wait(30)
        return event

    runtime.register_function("wait", wait)
    arn = bench.start(over(call("wait")), [1])
    assert reached.wait(30)
    record = started(bench, arn, 1)
    runtime.close()
    go.set()
    with LocalRuntime(tmp_path / "runtime", resume=False) as again:
        again.register_function("wait", lambda event, _context: event)
        again.client("stepfunctions").stop_execution(executionArn=arn)
        again.resume()
        ended(Bench(again), record["mapRunArn"])
        found = again.client("stepfunctions").describe_map_run(mapRunArn=record["mapRunArn"])
        assert found["status"] == "ABORTED"


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_gathered_results_outlive_a_restart(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlflowsteps.local.map_runs.runner.CHECKPOINT", 1)
    reached, go = threading.Event(), threading.Event()

    def slow(event: Any, _context: Any) -> Any:
        if event == 3:
            reached.set()
            go.wait(30)
        return event * 10

    runtime = LocalRuntime(tmp_path / "runtime", clock=VirtualClock())
    runtime.register_function("slow", slow)
    arn = Bench(runtime).start(over(call("slow"), kind, MaxConcurrency=1), [0, 1, 2, 3, 4])
    assert reached.wait(30)
    runtime.close()
    go.set()
    with LocalRuntime(tmp_path / "runtime", clock=VirtualClock()) as again:
        again.register_function("slow", slow)
        assert json.loads(Bench(again).end(arn)["output"]) == [0, 10, 20, 30, 40]
