"""What an execution may hold: each bound is the last value that is taken, and the first one beyond it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from mlflowsteps.local.interpreter import StartTask

from .driver import echo, fail, header, play, succeed

F = "arn:aws:lambda:us-east-1:123456789012:function:f"
PASS = {"Type": "Pass", "End": True}
LIMIT = "States.DataLimitExceeded"


def one(**state: Any) -> dict[str, Any]:
    return {"StartAt": "A", "States": {"A": {"End": True, **state}, "H": PASS}}


def text(size: int) -> str:
    """A text whose JSON has so many bytes."""
    return "x" * (size - 2)


MADE: dict[str, dict[str, Any]] = {
    "a result": one(Type="Pass", Result=text(100)),
    "a payload of a task": one(Type="Task", Resource=F, Parameters=text(100), ResultPath=None),
    "an output": one(Type="Task", Resource=F, Parameters={}, ResultSelector=text(100)),
    "a payload of branches": one(
        Type="Parallel", Parameters=text(100), ResultPath=None, Branches=[{"StartAt": "B", "States": {"B": PASS}}]
    ),
    "an item": one(
        Type="Map", ItemsPath="$.l", ItemSelector=text(100), ResultPath=None,
        ItemProcessor={"StartAt": "B", "States": {"B": PASS}},
    ),
    "a variable": one(Type="Pass", Assign={"v": text(100)}),
    "variables of one state": one(Type="Pass", Assign={"v": text(60), "w": text(40)}),
}  # fmt: skip


@pytest.mark.parametrize("what", MADE)
def test_what_a_state_makes_may_have_just_as_many_bytes_as_the_header_says(what: str) -> None:
    taken = play(MADE[what], {"l": [1]}, born=header('{"l":[1]}', max_payload_bytes=100))
    refused = play(MADE[what], {"l": [1]}, born=header('{"l":[1]}', max_payload_bytes=99))
    assert taken.status == "SUCCEEDED", taken.cause
    assert refused.error == LIMIT
    assert "'A'" in str(refused.cause)


def test_result_of_a_task_may_have_just_as_many_bytes_as_the_header_says() -> None:
    definition = one(Type="Task", Resource=F)
    assert play(definition, answer=lambda _: succeed(text(100)), born=header(max_payload_bytes=100)).status == (
        "SUCCEEDED"
    )
    assert play(definition, answer=lambda _: succeed(text(101)), born=header(max_payload_bytes=100)).error == LIMIT


def test_output_of_a_catcher_is_bound_as_that_of_a_state() -> None:
    state = one(Type="Task", Resource=F, Catch=[{"ErrorEquals": ["E"], "Next": "H"}])
    size = len('{"Error":"E","Cause":"ccc"}')
    assert play(state, {}, lambda _: fail("E", "ccc"), born=header(max_payload_bytes=size)).status == "SUCCEEDED"
    assert play(state, {}, lambda _: fail("E", "cccc"), born=header(max_payload_bytes=size)).error == LIMIT


def assigning(*names: str) -> dict[str, Any]:
    states = {
        f"S{at}": {"Type": "Pass", "Assign": {name: text(40)}, "Next": f"S{at + 1}"} for at, name in enumerate(names)
    }
    return {"StartAt": "S0", "States": {**states, f"S{len(names)}": {"Type": "Succeed"}}}


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (["a", "b"], "SUCCEEDED"),
        (["a", "b", "a", "b"], "SUCCEEDED"),  # what is set again is counted once
        (["a", "b", "c"], "FAILED"),
    ],
)
def test_all_variables_together_may_have_just_as_many_bytes_as_the_header_says(names: list[str], status: str) -> None:
    played = play(assigning(*names), born=header(max_variables_bytes=80))
    assert played.status == status
    assert (played.error or LIMIT) == LIMIT


def test_variables_of_the_outside_count_in_a_branch() -> None:
    inside = {"StartAt": "B", "States": {"B": {"Type": "Pass", "Assign": {"b": text(41)}, "End": True}}}
    definition = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Assign": {"a": text(40)}, "Next": "P"},
            "P": {"Type": "Parallel", "Branches": [inside], "End": True},
        },
    }
    assert play(definition, born=header(max_variables_bytes=81)).status == "SUCCEEDED"
    assert play(definition, born=header(max_variables_bytes=80)).error == LIMIT


@pytest.mark.parametrize(
    ("machine_type", "own", "seconds"),
    [("EXPRESS", None, 20), ("EXPRESS", 7, 7), ("EXPRESS", 50, 20), ("STANDARD", 7, 7), ("STANDARD", 50, 50)],
)
def test_an_execution_takes_as_long_as_the_shorter_of_its_limits(
    machine_type: str, own: int | None, seconds: float
) -> None:
    definition = one(Type="Wait", Seconds=100)
    definition |= {} if own is None else {"TimeoutSeconds": own}
    played = play(definition, born=header(machine_type=machine_type, express_seconds=20))
    assert (played.status, played.seconds) == ("TIMED_OUT", seconds)


@pytest.mark.parametrize(("limit", "status"), [(6, "SUCCEEDED"), (5, "FAILED")])
def test_a_history_may_have_just_as_many_events_as_the_header_says(limit: int, status: str) -> None:
    states = {"A": {"Type": "Pass", "Next": "B"}, "B": PASS}
    played = play({"StartAt": "A", "States": states}, born=header(max_events=limit))
    assert (played.status, len(played.history)) == (status, limit)


def test_a_history_that_is_full_lets_no_task_start() -> None:
    definition = one(Type="Task", Resource=F)
    assert play(definition, answer=echo, born=header(max_events=4)).asked(StartTask) == []
    assert len(play(definition, answer=echo, born=header(max_events=5)).asked(StartTask)) == 1


def test_the_service_s_bounds_are_those_of_a_header_that_says_nothing() -> None:
    born = header()
    assert (born.max_events, born.max_payload_bytes, born.max_variables_bytes, born.express_seconds) == (
        25_000, 262_144, 10_485_760, 300,
    )  # fmt: skip
