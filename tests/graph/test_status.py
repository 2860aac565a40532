from __future__ import annotations

import copy
import json
import random
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from mlflowsteps.graph.status import StatusTracker, execution_status
from tests.graph import histories, samples
from tests.graph.histories import BEGIN, MAPPED, History
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


def test_visit_holds_what_its_events_say():
    history = History()
    history.start()
    entered = history.enter("Train Step", 0, value={"in": 1})
    history.wait(2)
    at = history.done(history.schedule(entered, "sagemaker", "createTrainingJob.sync"), {"job": "j"})
    history.add("ExecutionSucceeded", history.exit("Train Step", at, value={"out": 2}), {"output": "{}"})
    tracker = StatusTracker(samples.S1)
    assert tracker.feed(history.events) == len(history.events) == 7
    status = tracker.status()
    visit = status.states["Train Step"].shown
    assert (visit.input, visit.result, visit.output) == ('{"in": 1}', '{"job": "j"}', '{"out": 2}')
    assert (visit.resource, visit.parameters) == ("sagemaker:createTrainingJob.sync", '{"a":1}')
    assert (visit.attempts, visit.started_id, visit.iteration, visit.error) == (1, entered, None, None)
    assert (visit.entered, visit.exited, visit.seconds()) == (BEGIN + 2, BEGIN + 8, 6)
    assert (status.start, status.end, status.transitions, status.unplaced) == (BEGIN + 1, BEGIN + 9, 1, 0)
    assert (status.error, status.failed) == (None, None)
    assert status.taken == {("~start", "Train Step", False), ("Train Step", "~end", False)}
    assert tracker.place_of(at) is visit
    assert tracker.place_of(1) is None
    assert tracker.place_of(99) is None
    assert status.states["Train Step"].summary() == "Succeeded · 6 s"


def test_function_by_arn_has_its_arn_and_input_for_resource_and_parameters():
    history = History()
    history.start()
    at = history.enter("Train Step", 0)
    history.add("LambdaFunctionScheduled", at, {"resource": "arn:f", "input": '{"n":1}'})
    visit = execution_status(samples.S1, history.events).states["Train Step"].shown
    assert (visit.resource, visit.parameters, visit.attempts) == ("arn:f", '{"n":1}', 1)


@pytest.mark.parametrize("kind", ["Task", "LambdaFunction", "Activity"])
@pytest.mark.parametrize("end", ["Failed", "TimedOut", "ScheduleFailed"])
def test_each_way_a_task_can_fail_is_a_failure_of_its_state(kind, end):
    history = History()
    history.start()
    at = history.add(f"{kind}Scheduled", history.enter("Train Step", 0), {"resource": "r"})
    at = history.add(f"{kind}{end}", at, {"cause": "c"} if end == "TimedOut" else {"error": "E", "cause": "c"})
    history.add("ExecutionFailed", at, {"error": "Whole", "cause": "all"})
    status = execution_status(samples.S1, history.events)
    state = status.states["Train Step"]
    assert state.status == "FAILED"
    assert (state.error, state.cause) == ("States.Timeout" if end == "TimedOut" else "E", "c")
    assert (status.error, status.cause) == ("Whole", "all")
    assert ("Train Step", "~end", False) in status.taken


def test_state_that_fails_without_an_event_of_its_own_has_the_error_of_the_execution():
    history = History()
    history.start()
    at = history.enter("Train Step", 0)
    history.add("ExecutionFailed", at, {"error": "States.Runtime", "cause": "no path"})
    state = execution_status(samples.S1, history.events).states["Train Step"]
    assert (state.status, state.error, state.cause) == ("FAILED", "States.Runtime", "no path")


def test_execution_that_fails_before_any_state_has_no_state_that_failed():
    history = History()
    history.add("ExecutionFailed", history.start(), {"error": "E"})
    status = execution_status(samples.S1, history.events)
    assert (status.status, status.error, status.failed, statuses(status)) == ("FAILED", "E", None, {})


def test_error_that_a_later_state_went_on_from_is_not_what_failed():
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]
    definition = samples.machine(
        {"A": {"Type": "Task", "Resource": "r", "End": True, "Catch": catch}, "B": {"Type": "Pass", "End": True}}
    )
    history = History()
    history.start()
    at = history.exit("A", history.fail(history.schedule(history.enter("A", 0))))
    status = execution_status(definition, history.events)
    assert (status.states["A"].status, status.failed) == ("CAUGHT", None)
    history.add("ExecutionSucceeded", history.exit("B", history.enter("B", at, "Pass"), "Pass"), {})
    status = execution_status(definition, history.events)
    assert statuses(status) == {"A": "CAUGHT", "B": "SUCCEEDED"}
    assert ("A", "B", True) in status.taken
    assert status.failed is None


def test_times_are_read_from_numbers_and_from_datetimes_with_and_without_a_zone():
    def started(timestamp):
        return execution_status(samples.S1, [{"id": 1, "type": "ExecutionStarted", "timestamp": timestamp}]).start

    assert started(5) == started(5.0) == 5.0
    assert started(datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)) == 5.0
    assert started(datetime(1970, 1, 1, 0, 0, 5)) == 5.0  # noqa: DTZ001 - the case that is tested
    assert started(datetime(1970, 1, 1, 1, 0, 5, tzinfo=timezone(timedelta(hours=1)))) == 5.0
    for odd in (None, True, "5", [5]):
        assert started(odd) is None


def test_running_state_is_timed_until_now_and_an_ended_one_until_its_end():
    history = History()
    history.start()
    history.schedule(history.enter("Train Step", 0))
    visit = execution_status(samples.S1, history.events).states["Train Step"].shown
    assert visit.seconds() is None
    assert visit.seconds(BEGIN + 62) == 60
    assert visit.seconds(BEGIN) == 0
    ended = execution_status(samples.S1, history.events, status="TIMED_OUT").states["Train Step"].shown
    assert ended.seconds(BEGIN + 62) == ended.seconds() == 2


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("TIMED_OUT", "TIMED_OUT"),
        ("ABORTED", "ABORTED"),
        ("FAILED", "ABORTED"),
        ("RUNNING", "RUNNING"),
        ("PENDING_REDRIVE", "RUNNING"),
    ],
)
def test_what_is_still_open_takes_the_fate_that_the_description_tells(status, word):
    history = History()
    history.start()
    history.schedule(history.enter("Train Step", 0))
    found = execution_status(samples.S1, history.events, status=status)
    assert (found.status, statuses(found)) == (status, {"Train Step": word})


def test_attempt_that_failed_is_what_a_state_failed_by_when_the_execution_is_described_as_failed():
    history = History()
    history.start()
    history.fail(history.schedule(history.enter("Train Step", 0)))
    found = execution_status(samples.S1, history.events, status="FAILED")
    assert statuses(found) == {"Train Step": "FAILED"}


def test_counts_of_a_map_run_are_those_that_are_not_zero():
    history = History()
    history.start()
    begun = history.add("MapStateStarted", history.enter("Each", 0, "Map"), {"length": 0})
    history.add("MapRunStarted", begun, {"mapRunArn": "arn:run"})
    tracker = StatusTracker(MAPPED)
    tracker.feed(history.events)
    assert tracker.status().states["Each"].summary() == "Running"
    tracker.set_map_run("arn:other", {"total": 3, "succeeded": 3})
    assert tracker.status().states["Each"].shown.counts == {}
    tracker.set_map_run(
        "arn:run", {"total": 10, "succeeded": 4, "failed": 0, "timedOut": 2, "aborted": 1, "running": 3}
    )
    shown = tracker.status().states["Each"].shown
    assert (shown.length, shown.counts) == (10, {"SUCCEEDED": 4, "TIMED_OUT": 2, "ABORTED": 1, "RUNNING": 3})
    assert tracker.status().states["Each"].summary() == "Running · 4/10, 2 failed"


def test_state_in_a_map_tells_how_many_of_its_iterations_stand_so():
    def summary(iterations, failing):
        status = execution_status(MAPPED, histories.map_run(iterations, failing))
        return status.states["Each/Score"].summary(BEGIN)

    assert summary(5, 1).startswith("Running · 1/5")
    assert summary(3, 3).startswith("Failed · 3 times")
    assert "times" not in summary(1, 1)


def test_summary_counts_attempts_from_the_second_on():
    history = History()
    history.start()
    at = history.schedule(history.enter("Train Step", 0))
    assert "attempt" not in execution_status(samples.S1, history.events).states["Train Step"].summary()
    history.schedule(history.fail(at))
    assert execution_status(samples.S1, history.events).states["Train Step"].summary() == "Running · 2 attempts"


def test_events_that_were_read_are_passed_over_and_not_counted():
    history = History()
    history.start()
    history.schedule(history.enter("Train Step", 0))
    tracker = StatusTracker(samples.S1)
    assert tracker.feed(history.events[:2]) == 2
    assert tracker.feed(history.events) == 2
    assert tracker.feed(history.events) == 0
    assert tracker.status().events == 4
    assert tracker.status().states["Train Step"].attempts == 1


def test_map_whose_iterations_have_not_ended_counts_none_of_them():
    history = History()
    history.start()
    history.add("MapStateStarted", history.enter("Each", 0, "Map"), {"length": 3})
    assert execution_status(MAPPED, history.events).states["Each"].summary() == "Running · 0/3"
    history = History()
    history.start()
    begun = history.add("MapStateStarted", history.enter("Each", 0, "Map"), {})
    history.add("MapIterationStarted", begun, {"name": "Each", "index": 0})
    assert execution_status(MAPPED, history.events).states["Each"].summary() == "Running · 0/1"


def test_history_is_read_without_its_definition_by_the_names_alone():
    status = execution_status(None, histories.map_run(3, 1))
    assert statuses(status) == {"Each": "RUNNING", "Each/Score": "RUNNING"}
    assert status.states["Each"].shown.counts == {"RUNNING": 1, "FAILED": 1, "SUCCEEDED": 1}
    status = execution_status(None, histories.target_failed())
    found = statuses(status)
    assert found["Train candidates"] == "CAUGHT"
    assert found["Train candidates/Train XGBoost"] == "SUCCEEDED"
    assert found["Train candidates/Train LightGBM"] == "FAILED"
    assert found["Train candidates/Train linear baseline"] == "ABORTED"
    assert status.unplaced == 0


def test_state_that_the_definition_does_not_have_stands_in_the_one_branch_there_is():
    parallel = {"Type": "Parallel", "End": True, "Branches": [samples.chain("A")]}
    history = History()
    history.start()
    begun = history.add("ParallelStateStarted", history.enter("P", 0, "Parallel"))
    history.enter("New", begun)
    assert statuses(execution_status(samples.machine({"P": parallel}), history.events)) == {
        "P": "RUNNING",
        "P/0/New": "RUNNING",
    }
    parallel["Branches"] = [samples.chain("A"), samples.chain("B")]
    assert "P/New" in statuses(execution_status(samples.machine({"P": parallel}), history.events))


def test_nested_containers_end_by_their_own_kind():
    inner = {"Type": "Map", "End": True, "ItemProcessor": samples.chain("A")}
    outer = {"Type": "Parallel", "End": True, "Branches": [samples.machine({"M": inner})]}
    history = History()
    history.start()
    begun = history.add("ParallelStateStarted", history.enter("P", 0, "Parallel"))
    begun = history.add("MapStateStarted", history.enter("M", begun, "Map"), {"length": 1})
    begun = history.add("MapIterationStarted", begun, {"name": "M", "index": 0})
    at = history.fail(history.schedule(history.enter("A", begun)))
    at = history.add("MapIterationFailed", at, {"name": "M", "index": 0})
    at = history.add("MapStateFailed", at, {"error": "States.TaskFailed"})
    definition = samples.machine({"P": outer})
    assert execution_status(definition, history.events).states["P"].shown.failed is False
    at = history.add("ParallelStateFailed", at, {"error": "Outer", "cause": "c"})
    history.add("ExecutionFailed", at, {"error": "Outer", "cause": "c"})
    status = execution_status(definition, history.events)
    assert statuses(status) == {"P": "FAILED", "P/0/M": "FAILED", "P/0/M/A": "FAILED"}
    assert (status.states["P"].error, status.states["P/0/M"].error) == ("Outer", "States.TaskFailed")
    assert status.failed.path == "P/0/M/A"


def test_redrive_opens_the_containers_of_the_state_that_failed_again():
    history = History()
    history.start()
    begun = history.add("MapStateStarted", history.enter("Each", 0, "Map"), {"length": 1})
    at = history.add("MapIterationStarted", begun, {"name": "Each", "index": 0})
    at = history.fail(history.schedule(history.enter("Score", at)))
    at = history.add("MapIterationFailed", at, {"name": "Each", "index": 0})
    at = history.add("MapStateFailed", at, {"error": "States.TaskFailed"})
    at = history.add("ExecutionFailed", at, {"error": "States.TaskFailed"})
    assert statuses(execution_status(MAPPED, history.events)) == {"Each": "FAILED", "Each/Score": "FAILED"}
    history.add("ExecutionRedriven", at, {"redriveCount": 1})
    status = execution_status(MAPPED, history.events)
    assert (status.status, status.error, status.failed, status.end) == ("RUNNING", None, None, None)
    assert statuses(status) == {"Each": "RUNNING", "Each/Score": "RUNNING"}


def test_iteration_whose_start_is_missing_leaves_no_negative_count():
    history = History()
    history.start()
    begun = history.add("MapStateStarted", history.enter("Each", 0, "Map"), {"length": 2})
    history.add("MapIterationSucceeded", begun, {"name": "Each", "index": 0})
    assert execution_status(MAPPED, history.events).states["Each"].shown.counts == {"RUNNING": 0, "SUCCEEDED": 1}


def test_event_without_a_number_enters_a_state_all_the_same():
    event = {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Train Step"}}
    visit = execution_status(samples.S1, [event]).states["Train Step"].shown
    assert (visit.started_id, visit.status, visit.entered) == (0, "RUNNING", None)
