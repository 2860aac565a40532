"""Starting, going on, stopping, time-outs and limits of executions; records; purity."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from mlflowsteps.asl.definition import compile_machine
from mlflowsteps.local.interpreter import (
    MAX_HISTORY_EVENTS,
    MAX_STEPS,
    CancelTask,
    Command,
    Continue,
    Continued,
    End,
    Event,
    Outcome,
    Started,
    StartTask,
    Stopped,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
    advance,
    new_run,
    task_token,
    token_owner,
)  # fmt: skip

from .driver import START, fail, header, never, play

F = "arn:aws:lambda:us-east-1:123456789012:function:f"
LOOP = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}}


def chain(length: int) -> dict[str, Any]:
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(length - 1)}
    return {"StartAt": "S0", "States": {**states, f"S{length - 1}": {"Type": "Pass", "End": True}}}


def test_endless_loop_asks_to_be_called_again_and_can_be_stopped() -> None:
    run = new_run(compile_machine(LOOP), header(machine_type="EXPRESS"))
    outcome = advance(run, Started(START))
    assert outcome.commands[-1] == Continue()
    assert len(outcome.history) == 1 + 2 * MAX_STEPS
    outcome = advance(run, Continued(START))
    assert outcome.commands == [Continue()]
    outcome = advance(run, Stopped(START + 1, "Enough"))
    assert [event["type"] for event in outcome.history] == ["ExecutionAborted"]
    assert outcome.commands[-1] == End("ABORTED", None, "Enough", None)
    assert advance(run, Continued(START)) == Outcome([], [])


def test_what_comes_between_two_continues_waits_for_its_turn() -> None:
    loop = {"StartAt": "A", "States": LOOP["States"]}
    definition = {
        "StartAt": "P",
        "States": {"P": {"Type": "Parallel", "End": True, "Branches": [
            loop, {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": F, "End": True}}}]}},
    }  # fmt: skip
    run = new_run(compile_machine(definition), header())
    first = advance(run, Started(START))
    assert sum(isinstance(command, Continue) for command in first.commands) == 1
    outcome = advance(run, TaskSucceeded(START, 1, "1"))
    assert [event["type"] for event in outcome.history] == ["LambdaFunctionSucceeded"]
    assert outcome.commands == []
    outcome = advance(run, Continued(START))
    assert "TaskStateExited" in {event["type"] for event in outcome.history}
    assert outcome.commands == [Continue()]


def test_history_ends_with_its_last_event_at_the_limit() -> None:
    played = play(LOOP)
    assert len(played.history) == MAX_HISTORY_EVENTS == 25_000
    last = played.history[-1]
    assert (last["id"], last["previousEventId"], last["type"]) == (25_000, 24_999, "ExecutionFailed")
    assert played.error == "States.Runtime"
    assert played.cause == "The execution reached the maximum number of history events (25000)."


def test_success_may_be_the_last_event_the_limit_allows() -> None:
    played = play(chain((25_000 - 2) // 2))
    assert (played.status, len(played.history)) == ("SUCCEEDED", 25_000)
    assert play(chain((25_000 - 2) // 2 + 1), replay=False).status == "FAILED"


def test_limit_within_a_map_is_caught_by_nothing() -> None:
    state = {
        "Type": "Map", "End": True, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "H"}],
        "ItemProcessor": {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}},
    }  # fmt: skip
    definition = {"StartAt": "M", "States": {"M": state, "H": {"Type": "Succeed"}}}
    played = play(definition, list(range(10_000)))
    assert (played.status, len(played.history)) == ("FAILED", 25_000)


def test_express_executions_have_no_such_limit() -> None:
    played = play(chain(13_000), born=header(machine_type="EXPRESS"))
    assert (played.status, len(played.history)) == ("SUCCEEDED", 26_002)


@pytest.mark.parametrize(
    ("state", "aborted"),
    [
        ({"Type": "Wait", "Seconds": 60, "End": True}, ["WaitStateAborted"]),
        ({"Type": "Task", "Resource": F, "TimeoutSeconds": 99, "End": True}, ["TaskStateAborted"]),
        ({"Type": "Map", "ItemsPath": "$.l", "MaxConcurrency": 1, "End": True, "ItemProcessor": {
            "StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}},
         ["MapStateAborted", "MapIterationAborted", "WaitStateAborted"]),
    ],
)  # fmt: skip
def test_stop_aborts_what_is_under_way_from_the_outside_in(state: dict[str, Any], aborted: list[str]) -> None:
    played = play({"StartAt": "A", "States": {"A": state}}, {"l": [1, 2]}, never, stop_after=5)
    assert played.status == "ABORTED"
    assert [name for name in played.types if name.endswith("Aborted")] == [*aborted, "ExecutionAborted"]
    assert played.details("ExecutionAborted") == [{"error": "Stop", "cause": "asked for"}]
    assert played.end == End("ABORTED", None, "Stop", "asked for")
    assert len(played.asked(CancelTask)) == len(played.asked(StartTask))
    assert played.seconds == 5


def test_stop_while_a_retry_waits() -> None:
    state = {"Type": "Task", "Resource": F, "End": True, "Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 100}]}
    played = play({"StartAt": "A", "States": {"A": state}}, {}, lambda _: fail("E"), stop_after=5)
    assert (played.status, played.seconds) == ("ABORTED", 5)


def test_time_out_of_the_machine_ends_with_a_status_of_its_own() -> None:
    definition = {"StartAt": "A", "TimeoutSeconds": 5, "States": {"A": {"Type": "Wait", "Seconds": 60, "End": True}}}
    played = play(definition)
    assert played.types[-1] == "ExecutionTimedOut"
    assert played.end == End("TIMED_OUT", None, None, None)
    assert played.seconds == 5


def test_express_executions_end_after_five_minutes() -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    played = play(definition, born=header(machine_type="EXPRESS"))
    assert (played.status, played.seconds) == ("TIMED_OUT", 300)


def test_events_after_the_end_and_unknown_timers_change_nothing() -> None:
    run = new_run(compile_machine(chain(1)), header())
    advance(run, TimerFired(START, 99))
    assert advance(run, Started(START)).commands == [End("SUCCEEDED", "{}")]
    for event in (Started(START), Stopped(START), TaskFailed(START, 1, "E"), TimerFired(START, 1)):
        assert advance(run, event) == Outcome([], [])


def test_stop_before_the_start_leaves_one_event() -> None:
    run = new_run(compile_machine(chain(1)), header())
    outcome = advance(run, Stopped(START))
    assert [event["type"] for event in outcome.history] == ["ExecutionAborted"]


def test_time_never_runs_backwards_in_a_history() -> None:
    run = new_run(compile_machine(LOOP), header())
    advance(run, Started(START + 10))
    outcome = advance(run, Continued(START))
    assert {event["timestamp"] for event in outcome.history} == {START + 10}


def test_input_that_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        new_run(compile_machine(chain(1)), header("{"))


# --- records


def test_records_read_what_they_write() -> None:
    event = TaskFailed(1.5, 2, None, "c", "submit")
    assert event.to_json() == {"kind": "TaskFailed", "now": 1.5, "task": 2, "cause": "c", "phase": "submit"}
    assert Event.from_json(event.to_json()) == event
    command = StartTask(1, "S", F, None, None, 3, None, "t")
    assert Command.from_json(command.to_json()) == command


@pytest.mark.parametrize(
    "document", [{}, {"kind": "Nope"}, {"kind": ["x"]}, {"kind": "Started"}, {"kind": "End", "now": 1}]
)
def test_records_that_do_not_fit_are_refused_by_name(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"No Event is called|do not fit"):
        Event.from_json(document)


@pytest.mark.parametrize("token", ["", "x", "AAAA", "W10=", "é", task_token("arn", 1)[:-4]])
def test_token_that_was_not_made_here_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="not a task token"):
        token_owner(token)


def test_room_loads_nothing_that_could_make_it_impure() -> None:
    code = (
        "import sys, mlflowsteps.local.interpreter.advance as a, mlflowsteps.asl.definition\n"
        "names = {'boto3', 'botocore', 'sqlite3', 'threading', 'random', 'uuid', 'subprocess', 'socket', 'IPython'}\n"
        "found = {n for m in list(sys.modules.values()) if getattr(m, '__name__', '').startswith('mlflowsteps.')\n"
        "         for n in names if hasattr(m, n) and 'interpreter' in m.__name__}\n"
        "print(sorted(found | (names & {'boto3', 'botocore', 'sqlite3', 'IPython'} & set(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
