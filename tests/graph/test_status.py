from __future__ import annotations

import copy
import json
import random
from pathlib import Path

import pytest

from mlflowsteps.graph.status import StatusTracker, execution_status
from tests.graph import histories, samples
from tests.graph.histories import MAPPED, History
from tests.graph.test_layout import CONFORMANCE


def statuses(status):
    return {path: state.status for path, state in status.states.items() if state.visits}


def test_running_execution_shows_each_branch_as_it_is():
    status = execution_status(samples.TARGET, histories.target_running())
    assert status.status == "RUNNING"
    assert statuses(status) == {
        "Validate input": "SUCCEEDED",
        "Prepare data": "SUCCEEDED",
        "Train candidates": "RUNNING",
        "Train candidates/0/Train XGBoost": "SUCCEEDED",
        "Train candidates/0/Log XGBoost": "RUNNING",
        "Train candidates/1/Train LightGBM": "RUNNING",
        "Train candidates/2/Train linear baseline": "SUCCEEDED",
    }
    assert status.states["Failed"].status == "NOT_STARTED"
    assert status.counts()["NOT_STARTED"] == 12
    prepare = status.states["Prepare data"]
    assert (prepare.attempts, prepare.error, prepare.cause) == (2, "SageMaker.Throttling", "slow down")
    assert prepare.end - prepare.start > 40
    assert status.states["Train candidates/0/Train XGBoost"].output == '{"auc": 0.93}'
    assert status.transitions == 7


def test_caught_failure_aborts_the_other_branches_and_takes_the_catch():
    status = execution_status(samples.TARGET, histories.target_failed())
    found = statuses(status)
    assert status.status == "FAILED"
    assert found["Train candidates"] == "CAUGHT"
    assert found["Train candidates/1/Train LightGBM"] == "FAILED"
    assert found["Train candidates/2/Train linear baseline"] == "ABORTED"
    assert found["Notify failure"] == "SUCCEEDED"
    assert found["Failed"] == "FAILED"
    assert ("Train candidates", "Notify failure", True) in status.taken
    assert ("Validate input", "Prepare data", False) in status.taken
    assert ("~start", "Validate input", False) in status.taken
    assert ("Failed", "~end", False) in status.taken
    assert status.failed.path == "Failed"


def test_interleaved_branches_with_the_same_first_state_are_told_apart():
    branch = samples.chain("A", "B")
    definition = samples.machine({"P": {"Type": "Parallel", "End": True, "Branches": [branch, branch]}})
    history = History()
    history.start()
    begun = history.add("ParallelStateStarted", history.enter("P", 0, "Parallel"))
    one, two = history.enter("A", begun), history.enter("A", begun)
    two = history.exit("A", history.done(history.schedule(two)))
    two = history.enter("B", two)
    history.fail(history.schedule(one))
    found = statuses(execution_status(definition, history.events))
    assert found["P/1/A"] == "SUCCEEDED"
    assert found["P/1/B"] == "RUNNING"
    assert "P/0/B" not in found
    assert execution_status(definition, history.events).states["P/0/A"].error == "States.TaskFailed"


def test_map_counts_its_iterations_and_the_state_inside_shows_what_runs():
    status = execution_status(MAPPED, histories.map_run(5, 1))
    each, score = status.states["Each"], status.states["Each/Score"]
    assert each.shown.counts == {"RUNNING": 1, "FAILED": 1, "SUCCEEDED": 3}
    assert each.summary().startswith("Running · 3/5, 1 failed")
    assert score.status == "RUNNING"
    assert score.tally == {"FAILED": 1, "SUCCEEDED": 3, "RUNNING": 1}
    assert [visit.iteration for visit in score.visits] == [0, 1, 2, 3, 4]


def test_sequential_map_iterations_hang_on_the_exit_of_the_one_before():
    history = History()
    history.start()
    last = history.add("MapStateStarted", history.enter("Each", 0, "Map"), {"length": 2})
    for index in range(2):
        begun = history.add("MapIterationStarted", last, {"name": "Each", "index": index})
        last = history.task("Score", begun)
        history.add("MapIterationSucceeded", last, {"name": "Each", "index": index})
    history.add("MapStateSucceeded", last)
    at = history.exit("Each", last, "Map")
    history.add("ExecutionSucceeded", at, {"output": "[]"})
    status = execution_status(MAPPED, history.events)
    assert statuses(status) == {"Each": "SUCCEEDED", "Each/Score": "SUCCEEDED"}
    assert status.states["Each"].shown.counts["SUCCEEDED"] == 2
    assert [visit.iteration for visit in status.states["Each/Score"].visits] == [0, 1]
    assert status.unplaced == 0


def test_loop_shows_the_latest_visit_and_counts_all():
    history = History()
    history.start()
    at = history.task("Submit job", 0)
    for _ in range(3):
        at = history.exit("Wait a moment", history.enter("Wait a moment", at, "Wait"), "Wait")
        at = history.task("Get status", at)
        at = history.exit("Job done?", history.enter("Job done?", at, "Choice"), "Choice")
    history.enter("Wait a moment", at, "Wait")
    status = execution_status(samples.LOOP, history.events)
    wait = status.states["Wait a moment"]
    assert wait.status == "RUNNING"
    assert len(wait.visits) == 4
    assert "visit 4" in wait.summary()
    assert ("Job done?", "Wait a moment", False) in status.taken


def test_state_waits_for_its_retry_between_attempts():
    history = History()
    history.start()
    history.fail(history.schedule(history.task("Validate input", 0) and history.enter("Prepare data", 6)))
    assert execution_status(samples.TARGET, history.events).states["Prepare data"].status == "RETRYING"


def test_failure_without_retry_or_catch_names_the_state():
    history = History()
    history.start()
    at = history.fail(history.schedule(history.enter("Train Step", 0)), "States.TaskFailed", "exit code 3")
    history.add("ExecutionFailed", at, {"error": "States.TaskFailed", "cause": "exit code 3"})
    status = execution_status(samples.S1, history.events)
    assert status.failed.path == "Train Step"
    assert statuses(status) == {"Train Step": "FAILED"}


@pytest.mark.parametrize(
    ("end", "word"), [("ExecutionAborted", "ABORTED"), ("ExecutionTimedOut", "TIMED_OUT")]
)  # fmt: skip
def test_end_of_the_execution_ends_what_was_open(end, word):
    history = History()
    history.start()
    history.schedule(history.enter("Train Step", 0))
    history.add(end, 0, {})
    status = execution_status(samples.S1, history.events)
    assert status.status == word
    assert statuses(status) == {"Train Step": word}


def test_description_closes_a_history_that_lacks_its_end():
    history = History()
    history.start()
    history.schedule(history.enter("Train Step", 0))
    assert statuses(execution_status(samples.S1, history.events, status="ABORTED")) == {"Train Step": "ABORTED"}


def test_retried_parallel_shows_its_latest_attempt_only():
    retry = [{"ErrorEquals": ["States.ALL"]}]
    parallel = {"Type": "Parallel", "End": True, "Retry": retry, "Branches": [samples.chain("A")]}
    definition = samples.machine({"P": parallel})
    history = History()
    history.start()
    begun = history.add("ParallelStateStarted", history.enter("P", 0, "Parallel"))
    failed = history.fail(history.schedule(history.enter("A", begun)))
    failed = history.add("ParallelStateFailed", failed, {"error": "States.TaskFailed"})
    assert execution_status(definition, history.events).states["P"].status == "RETRYING"
    history.task("A", history.add("ParallelStateStarted", failed))
    status = execution_status(definition, history.events)
    assert statuses(status) == {"P": "RUNNING", "P/0/A": "SUCCEEDED"}
    assert len(status.states["P/0/A"].visits) == 2


def test_failed_task_stays_failed_when_its_state_is_aborted_for_it():
    history = History()
    history.start()
    begun = history.add("MapStateStarted", history.enter("Each", 0, "Map"), {"length": 1})
    at = history.add("MapIterationStarted", begun, {"name": "Each", "index": 0})
    at = history.add("TaskStateAborted", history.fail(history.schedule(history.enter("Score", at))))
    at = history.add("MapIterationFailed", at, {"name": "Each", "index": 0})
    at = history.add("MapStateFailed", at, {"error": "States.TaskFailed"})
    history.add("ExecutionFailed", at, {"error": "States.TaskFailed"})
    status = execution_status(MAPPED, history.events)
    assert statuses(status) == {"Each": "FAILED", "Each/Score": "FAILED"}
    assert status.failed.path == "Each/Score"


def test_redrive_takes_the_execution_up_again():
    history = History()
    history.start()
    at = history.fail(history.schedule(history.enter("Train Step", 0)))
    at = history.add("ExecutionFailed", at, {"error": "States.TaskFailed"})
    at = history.add("ExecutionRedriven", at, {"redriveCount": 1})
    history.schedule(at)
    status = execution_status(samples.S1, history.events)
    assert status.status == "RUNNING"
    assert status.states["Train Step"].status == "RUNNING"
    assert status.states["Train Step"].attempts == 2


def test_map_run_counts_come_from_describe_map_run():
    history = History()
    history.start()
    begun = history.add("MapStateStarted", history.enter("Each", 0, "Map"), {"length": 0})
    history.add("MapRunStarted", begun, {"mapRunArn": "arn:run"})
    tracker = StatusTracker(MAPPED)
    tracker.feed(history.events)
    tracker.set_map_run("arn:run", {"total": 10, "succeeded": 7, "failed": 1, "running": 2})
    assert "7/10, 1 failed" in tracker.status().states["Each"].summary()


@pytest.mark.parametrize("make", [histories.target_running, histories.target_failed, histories.map_run])
def test_feeding_in_pieces_twice_and_whole_agree(make):
    definition = MAPPED if make is histories.map_run else samples.TARGET
    events = make()
    before = copy.deepcopy(events)
    whole = execution_status(definition, events)
    draw = random.Random(7)
    tracker, at = StatusTracker(definition), 0
    while at < len(events):
        step = draw.randint(1, 5)
        tracker.feed(events[max(0, at - 3) : at + step])
        tracker.status()
        at += step
    pieces = tracker.status()
    assert statuses(pieces) == statuses(whole)
    assert pieces.taken == whole.taken
    assert pieces.events == whole.events == len(events)
    assert events == before


def test_events_whose_beginning_is_missing_are_placed_by_name():
    events = histories.target_failed()[20:]
    status = execution_status(samples.TARGET, events)
    assert status.status == "FAILED"
    assert status.states["Notify failure"].status == "SUCCEEDED"
    assert status.unplaced > 0


def test_unknown_events_and_odd_details_do_not_stop_the_reading():
    events = [
        {},
        {"id": "x", "type": None},
        {"type": "TaskStateEntered"},
        {"id": 9, "type": "New", "previousEventId": 8},
    ]
    assert execution_status({}, events).events == 4


@pytest.mark.skipif(not CONFORMANCE.is_dir(), reason="the recorded conformance cases are not beside this checkout")
@pytest.mark.parametrize("file", sorted(CONFORMANCE.glob("*.json")), ids=lambda file: file.stem)
def test_recorded_histories_leave_nothing_open_and_nothing_unplaced(file: Path):
    for case in json.loads(file.read_text()):
        events = (case.get("expected") or {}).get("events") if case["kind"] == "execution" else None
        if not events or not isinstance(case["definition"], dict):
            continue
        status = execution_status(case["definition"], events)
        assert status.status == case["expected"]["status"]
        assert not {"RUNNING", "RETRYING"} & set(statuses(status).values()), case["id"]
        if not case["unordered"]:
            assert status.unplaced == 0
            assert set(status.states) == set(execution_status(case["definition"], []).states), case["id"]
