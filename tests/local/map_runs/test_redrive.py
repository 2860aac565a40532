"""Map Runs redriven with their executions: what succeeded stays, what failed goes on, what was not started starts."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from mlflowsteps.local import LocalRuntime, VirtualClock

from .conftest import Bench, call, over, writer
from .test_map_runs import started

WAIT = {"Type": "Wait", "Seconds": 3600, "End": True}


class Flaky:
    """A function that fails while it is broken, for negative numbers; else it gives what it was given."""

    def __init__(self, bench: Bench) -> None:
        self.broken, self.calls = True, []
        self._lock = threading.Lock()
        bench.runtime.register_function("flaky", self)

    def __call__(self, event: Any, _context: Any) -> Any:
        with self._lock:
            self.calls.append(event)
        if self.broken and event < 0:
            raise ValueError("negative")
        return event


def two_steps(kind: str = "STANDARD", **fields: Any) -> dict[str, Any]:
    """A Distributed Map whose children pass first, and then call the function."""
    state = over({"Type": "Pass", "Next": "B"}, kind, **fields)
    state["ItemProcessor"]["States"]["B"] = call("flaky")
    return state


def redrive(bench: Bench, arn: str) -> dict[str, Any]:
    bench.states.redrive_execution(executionArn=arn)
    return bench.end(arn)


def types(bench: Bench, arn: str) -> list[str]:
    return [event["type"] for event in bench.states.get_execution_history(executionArn=arn)["events"]]


def test_failed_children_go_on_and_those_that_succeeded_stay(bench: Bench) -> None:
    flaky = Flaky(bench)
    arn = bench.start(two_steps(MaxConcurrency=1), [1, -2, 3])
    assert bench.end(arn)["status"] == "FAILED"
    before = bench.map_run(arn)
    flaky.broken = False
    assert json.loads(redrive(bench, arn)["output"]) == [1, -2, 3]
    assert flaky.calls == [1, -2, -2, 3]
    after = bench.map_run(arn)
    assert after["mapRunArn"] == before["mapRunArn"]
    assert (before["status"], before["redriveCount"], "redriveDate" in before) == ("FAILED", 0, False)
    assert (after["status"], after["redriveCount"], "redriveDate" in after) == ("SUCCEEDED", 1, True)
    counts = after["executionCounts"]
    assert [counts[name] for name in ("succeeded", "failed", "pendingRedrive", "total")] == [3, 0, 0, 3]
    children = bench.states.list_executions(mapRunArn=after["mapRunArn"], redriveFilter="REDRIVEN")["executions"]
    assert [(child["redriveCount"], child["status"]) for child in children] == [(1, "SUCCEEDED")]
    assert types(bench, children[0]["executionArn"]).count("PassStateEntered") == 1


def test_history_tells_of_the_redrive_of_the_map_run(bench: Bench) -> None:
    flaky = Flaky(bench)
    arn = bench.start(two_steps(), [-1])
    bench.end(arn)
    assert redrive(bench, arn)["status"] == "FAILED"
    flaky.broken = False
    assert redrive(bench, arn)["status"] == "SUCCEEDED"
    events = bench.states.get_execution_history(executionArn=arn)["events"]
    assert [event["type"] for event in events] == [
        "ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapRunStarted", "MapRunFailed", "MapStateFailed",
        "ExecutionFailed", "ExecutionRedriven", "MapRunRedriven", "MapRunFailed", "MapStateFailed", "ExecutionFailed",
        "ExecutionRedriven", "MapRunRedriven", "MapRunSucceeded", "MapStateSucceeded", "MapStateExited",
        "ExecutionSucceeded",
    ]  # fmt: skip
    found = [event["mapRunRedrivenEventDetails"] for event in events if event["type"] == "MapRunRedriven"]
    map_run = bench.map_run(arn)["mapRunArn"]
    assert found == [{"mapRunArn": map_run, "redriveCount": 1}, {"mapRunArn": map_run, "redriveCount": 2}]


def test_children_wait_for_their_turn_as_pending_redrive(bench: Bench) -> None:
    flaky = Flaky(bench)
    arn = bench.start(two_steps(MaxConcurrency=1, ToleratedFailureCount=2), [-1, -2, -3, 4])
    bench.end(arn)
    flaky.broken = False
    reached, go_on = threading.Event(), threading.Event()

    def hold(event: Any, _context: Any) -> Any:
        reached.set()
        assert go_on.wait(30)
        return event

    bench.runtime.register_function("flaky", hold)
    bench.states.redrive_execution(executionArn=arn)
    assert reached.wait(30)
    map_run = started(bench, arn, 1)
    listed = bench.states.list_executions(mapRunArn=map_run["mapRunArn"], statusFilter="PENDING_REDRIVE")
    go_on.set()
    assert map_run["status"] == "RUNNING"
    for counts in (map_run["itemCounts"], map_run["executionCounts"]):
        assert (counts["running"], counts["pendingRedrive"], counts["failed"], counts["total"]) == (1, 2, 0, 3)
    assert len(listed["executions"]) == 2
    assert json.loads(bench.end(arn)["output"]) == [-1, -2, -3, 4]


def test_stopped_map_run_is_redriven(bench: Bench) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def hold(event: Any, _context: Any) -> Any:
        reached.set()
        go_on.wait(30)
        return event

    bench.runtime.register_function("hold", hold)
    arn = bench.start(over(call("hold")), [1, 2])
    assert reached.wait(30)
    bench.states.stop_execution(executionArn=arn)
    bench.states.redrive_execution(executionArn=arn)  # while the Map Run may still be stopping its children
    go_on.set()
    assert json.loads(bench.end(arn)["output"]) == [1, 2]
    map_run = bench.map_run(arn)
    assert (map_run["status"], map_run["redriveCount"]) == ("SUCCEEDED", 1)


def test_express_children_all_run_anew(bench: Bench) -> None:
    flaky = Flaky(bench)
    arn = bench.start(two_steps("EXPRESS", MaxConcurrency=1), [1, -2])
    bench.end(arn)
    flaky.broken = False
    assert json.loads(redrive(bench, arn)["output"]) == [1, -2]
    assert flaky.calls == [1, -2, 1, -2]
    assert bench.map_run(arn)["executionCounts"]["succeeded"] == 2


def test_results_of_a_redrive_are_written_with_those_from_before(bench: Bench) -> None:
    flaky = Flaky(bench)
    arn = bench.start(two_steps(ResultWriter=writer(), MaxConcurrency=1), [1, -2, 3])
    bench.end(arn)
    flaky.broken = False
    output = json.loads(redrive(bench, arn)["output"])
    manifest = bench.get(output["ResultWriterDetails"]["Key"])
    assert manifest["ResultFiles"]["FAILED"] == manifest["ResultFiles"]["PENDING"] == []
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    entries = {entry["Input"]: entry for entry in bench.get(file["Key"])}
    assert {text: entry["RedriveCount"] for text, entry in entries.items()} == {"1": 0, "-2": 1, "3": 0}


def test_redrive_that_fails_early_writes_what_had_succeeded(bench: Bench) -> None:
    Flaky(bench)
    arn = bench.start(two_steps(ResultWriter=writer(), MaxConcurrency=1, ToleratedFailureCount=1), [-1, 2, -3, 4])
    bench.end(arn)
    assert redrive(bench, arn)["status"] == "FAILED"
    run = bench.map_run(arn)["mapRunArn"].rpartition(":")[2]
    manifest = bench.get(f"out/{run}/manifest.json")
    found = {kind: [entry["Input"] for file in files for entry in bench.get(file["Key"])]
             for kind, files in manifest["ResultFiles"].items()}  # fmt: skip
    assert found == {"FAILED": ["-1", "-3"], "PENDING": ["4"], "SUCCEEDED": ["2"]}


def test_too_large_results_start_another_map_run(bench: Bench) -> None:
    big = {"Type": "Pass", "Result": "x" * 1000, "End": True}
    arn = bench.start(over(big, "EXPRESS"), list(range(300)))
    assert bench.end(arn)["error"] == "States.DataLimitExceeded"
    redrive(bench, arn)
    assert "MapRunRedriven" not in types(bench, arn)
    assert len(bench.states.list_map_runs(executionArn=arn)["mapRuns"]) == 2


def test_retry_after_a_redrive_is_another_map_run(bench: Bench) -> None:
    Flaky(bench)
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    arn = bench.start(two_steps(Retry=retry), [-1])
    bench.end(arn)
    redrive(bench, arn)
    found = [one for one in types(bench, arn) if one in ("MapRunStarted", "MapRunRedriven")]
    assert found == ["MapRunStarted", "MapRunStarted", "MapRunRedriven", "MapRunStarted"]


def test_map_run_in_a_branch_is_redriven_when_its_sibling_fails(bench: Bench) -> None:
    flaky = Flaky(bench)
    branches = [{"StartAt": "W", "States": {"W": over(WAIT)}},
                {"StartAt": "T", "States": {"T": {**call("flaky"), "InputPath": "$[0]"}}}]  # fmt: skip
    arn = bench.start({"Type": "Parallel", "Branches": branches, "End": True}, [-1])
    assert bench.end(arn)["status"] == "FAILED"
    flaky.broken = False
    assert json.loads(redrive(bench, arn)["output"]) == [[-1], -1]
    assert bench.map_run(arn)["redriveCount"] == 1


def test_redriven_map_run_goes_on_after_a_restart(tmp_path: Path) -> None:
    runtime = LocalRuntime(tmp_path / "runtime", clock=VirtualClock())
    bench = Bench(runtime)
    Flaky(bench)
    arn = bench.start(two_steps(MaxConcurrency=1, ToleratedFailureCount=1), [1, -2, -3, 4])
    bench.end(arn)
    reached, go = threading.Event(), threading.Event()

    def hold(event: Any, _context: Any) -> Any:
        reached.set()
        go.wait(30)
        return event

    runtime.register_function("flaky", hold)
    bench.states.redrive_execution(executionArn=arn)
    assert reached.wait(30)
    runtime.close()
    go.set()
    with LocalRuntime(tmp_path / "runtime", clock=VirtualClock(), resume=False) as again:
        bench = Bench(again)
        flaky = Flaky(bench)
        flaky.broken = False
        again.resume()
        assert json.loads(bench.end(arn)["output"]) == [1, -2, -3, 4]
        map_run = bench.map_run(arn)
        assert (map_run["redriveCount"], map_run["executionCounts"]["total"]) == (1, 4)
        assert 1 not in flaky.calls
