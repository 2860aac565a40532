"""Retriers, catchers, and which error names they match."""

from __future__ import annotations

from typing import Any

import pytest

from mlflowsteps.asl.definition import Retrier
from mlflowsteps.local.interpreter import SetTimer, StartTask
from mlflowsteps.local.interpreter.errors import backoff_seconds, matches
from mlflowsteps.local.interpreter.run import Failure

from .driver import fail, in_turn, play, succeed

F = "arn:aws:lambda:us-east-1:123456789012:function:f"


def task(**fields: Any) -> dict[str, Any]:
    state = {"Type": "Task", "Resource": F, "End": True, **fields}
    return {"StartAt": "T", "States": {"T": state, "H": {"Type": "Pass", "End": True}, "G": {"Type": "Succeed"}}}


@pytest.mark.parametrize(
    ("names", "error", "expected"),
    [
        (["E"], "E", True),
        (["E"], "e", False),
        (["States.ALL"], "anything", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.TaskFailed"], "anything", True),
        (["States.TaskFailed"], "States.Permissions", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.TaskFailed"], "States.HeartbeatTimeout", False),
        (["States.Timeout"], "States.HeartbeatTimeout", True),
        (["States.HeartbeatTimeout"], "States.Timeout", False),
        (["States.ALL"], None, True),
    ],
)
def test_which_names_match_an_error(names: list[str], error: str | None, *, expected: bool) -> None:
    assert matches(frozenset(names), Failure(error)) is expected


@pytest.mark.parametrize("wildcard", ["States.ALL", "States.TaskFailed"])
def test_wildcards_do_not_match_what_the_engine_itself_could_not_do(wildcard: str) -> None:
    assert not matches(frozenset([wildcard]), Failure("States.Runtime", wildcards=False))
    assert matches(frozenset(["States.Runtime"]), Failure("States.Runtime", wildcards=False))


def test_backoff_grows_up_to_its_limit() -> None:
    retrier = Retrier(frozenset(), interval_seconds=3, backoff_rate=2, max_delay_seconds=10)
    assert [backoff_seconds(retrier, attempt, 0.9) for attempt in (1, 2, 3, 4)] == [3, 6, 10, 10]
    assert backoff_seconds(Retrier(frozenset()), 100_000, 0.0) == 99_999_999


def test_full_jitter_draws_below_the_delay() -> None:
    retrier = Retrier(frozenset(), interval_seconds=8, full_jitter=True)
    assert backoff_seconds(retrier, 1, 0.25) == 2
    with pytest.raises(ValueError, match="attempt must be 1 or more"):
        backoff_seconds(retrier, 0, 0.5)


def test_defaults_are_three_retries_after_1_2_and_4_seconds() -> None:
    played = play(task(Retry=[{"ErrorEquals": ["States.ALL"]}]), {}, lambda _: fail("E", "c"))
    assert len(played.asked(StartTask)) == 4
    assert played.seconds == 7
    assert played.types == [
        "ExecutionStarted", "TaskStateEntered",
        *["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionFailed"] * 4,
        "ExecutionFailed",
    ]  # fmt: skip
    assert played.previous[2:] == list(range(2, 15))


def test_retriers_count_each_for_itself_and_the_first_that_matches_decides() -> None:
    retry = [
        {"ErrorEquals": ["A"], "MaxAttempts": 1, "IntervalSeconds": 1},
        {"ErrorEquals": ["B"], "MaxAttempts": 2, "IntervalSeconds": 10, "BackoffRate": 1},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 5, "IntervalSeconds": 100},
    ]
    errors = [fail("A"), fail("B"), fail("B"), fail("A")]
    played = play(task(Retry=retry), {}, in_turn(*errors))
    assert played.error == "A"
    assert len(played.asked(StartTask)) == 4
    assert played.seconds == 1 + 10 + 10


def test_no_attempts_means_no_retry() -> None:
    played = play(task(Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 0}]), {}, lambda _: fail("E"))
    assert len(played.asked(StartTask)) == 1


def test_counts_begin_anew_when_the_state_is_entered_again() -> None:
    definition = {
        "StartAt": "T",
        "States": {
            "T": {"Type": "Task", "Resource": F, "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}], "Next": "C"},
            "C": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "T"}], "Default": "S"},
            "S": {"Type": "Succeed"},
        },
    }
    played = play(definition, {}, in_turn(fail("E"), succeed(1), fail("E"), succeed(2)))
    assert played.output == 2


def test_jitter_is_the_same_in_every_fold_and_not_the_full_delay() -> None:
    retry = [{"ErrorEquals": ["E"], "IntervalSeconds": 100, "MaxAttempts": 3, "JitterStrategy": "FULL"}]
    played = play(task(Retry=retry), {}, lambda _: fail("E"))
    assert len(played.asked(SetTimer)) == 3
    assert 0 < played.seconds < 700


def test_first_catcher_that_matches_takes_over() -> None:
    catch = [{"ErrorEquals": ["X"], "Next": "G"}, {"ErrorEquals": ["E"], "Next": "H", "ResultPath": "$.e"}]
    played = play(task(Catch=catch, OutputPath="$.never"), {"x": 1}, lambda _: fail("E", "c"))
    assert played.output == {"x": 1, "e": {"Error": "E", "Cause": "c"}}
    assert played.types[-4:] == ["TaskStateExited", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]


def test_catcher_skips_errors_it_does_not_name() -> None:
    assert play(task(Catch=[{"ErrorEquals": ["X"], "Next": "H"}]), {}, lambda _: fail("E")).error == "E"


def test_catcher_assigns_in_place_of_the_state() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "H", "Assign": {"v.$": "$.Error"}}]
    played = play(task(Catch=catch, Assign={"v": "not this"}), {}, lambda _: fail("E"))
    assert played.details("TaskStateExited")[0]["assignedVariables"] == {"v": '"E"'}


def test_catch_comes_after_the_last_retry() -> None:
    state = task(Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 1}], Catch=[{"ErrorEquals": ["E"], "Next": "H"}])
    played = play(state, {}, lambda _: fail("E"))
    assert len(played.asked(StartTask)) == 2
    assert played.status == "SUCCEEDED"


@pytest.mark.parametrize(
    "field", [{"ResultSelector": {"v.$": "$.no"}}, {"OutputPath": "$.no"}, {"Parameters": {"v.$": "$.no"}}]
)
def test_runtime_errors_of_the_engine_are_caught_by_nothing(field: dict[str, Any]) -> None:
    names = ["States.Runtime"]
    state = task(Catch=[{"ErrorEquals": names, "Next": "H"}], Retry=[{"ErrorEquals": names}], **field)
    played = play(state, {})
    assert (played.status, played.error) == ("FAILED", "States.Runtime")


def test_result_path_that_does_not_fit_can_be_caught() -> None:
    state = task(ResultPath="$.a.b", Catch=[{"ErrorEquals": ["States.ResultPathMatchFailure"], "Next": "H"}])
    played = play(state, {"a": 1})
    assert played.output["Error"] == "States.ResultPathMatchFailure"
    assert played.output["Cause"].startswith(
        "An error occurred while executing the state 'T' (entered at the event id #2)."
    )


def test_intrinsic_failure_can_be_caught_by_all() -> None:
    state = task(Parameters={"v.$": "States.StringToJson('{')"}, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "H"}])
    assert play(state, {}).output["Error"] == "States.IntrinsicFailure"


def test_catcher_that_fails_itself_fails_the_execution() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "H", "ResultPath": "$.a.b"}]
    played = play(task(Catch=catch), {"a": 1}, lambda _: fail("E"))
    assert played.error == "States.ResultPathMatchFailure"


def test_long_causes_are_cut_at_the_services_limit() -> None:
    played = play(task(), {}, lambda _: fail("E" * 300, "c" * 40_000))
    assert played.error is not None
    assert played.cause is not None
    assert (len(played.error), len(played.cause)) == (256, 32_768)
