"""What holds for every workflow: drawn by hypothesis from all state types, with drawn results of tasks."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlflowsteps.asl.events import DETAILS_KEYS
from mlflowsteps.local.interpreter import CancelTask, CancelTimer, End, SetTimer, StartTask
from tests.counting import calls_of

from .driver import Played, Reply, beat, echo, fail, header, never, play, succeed

F = "arn:aws:lambda:us-east-1:123456789012:function:f"
TOKEN = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
ERRORS = st.sampled_from(["E", "X", "States.ALL", "States.TaskFailed", "States.Timeout", "States.Runtime"])
PATHS = st.sampled_from(["$", "$.a", "$.a.b", "$[0]", "$$.Execution.Name"])


def fields(kind: str, names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    name = st.sampled_from(names)
    retry = st.fixed_dictionaries({
        "ErrorEquals": st.lists(ERRORS, min_size=1, max_size=2), "MaxAttempts": st.integers(0, 2),
        "IntervalSeconds": st.integers(1, 9), "JitterStrategy": st.sampled_from(["FULL", "NONE"]),
    })  # fmt: skip
    catch = st.fixed_dictionaries(
        {"ErrorEquals": st.lists(ERRORS, min_size=1, max_size=2), "Next": name},
        optional={"ResultPath": st.sampled_from(["$", "$.e", None]), "Assign": st.just({"c.$": "$.Error"})},
    )
    common = {
        "OutputPath": PATHS, "ResultPath": st.sampled_from(["$", "$.r", None]),
        "Parameters": st.sampled_from([{"p.$": "$"}, {"p.$": "$.a"}, {"n.$": "States.MathAdd(1, 2)"}, {}]),
        "Assign": st.sampled_from([{"v.$": "$"}, {"v": 1}]),
    }  # fmt: skip
    trouble = {"Retry": st.lists(retry, max_size=2), "Catch": st.lists(catch, max_size=2)}
    own: dict[str, dict[str, Any]] = {
        "Pass": {**common, "Result": st.just({"a": {"b": 1}})},
        "Task": {**common, **trouble, "TimeoutSeconds": st.integers(1, 50)},
        "Wait": {"Seconds": st.integers(0, 99)},
        "Succeed": {},
        "Fail": {"Error": ERRORS},
        "Parallel": {**common, **trouble},
        "Map": {**common, **trouble, "MaxConcurrency": st.integers(0, 3)},
    }
    return st.fixed_dictionaries({}, optional=own[kind])


@st.composite
def states(draw: st.DrawFn, names: list[str], depth: int) -> dict[str, Any]:
    kinds = ["Pass", "Task", "Wait", "Succeed", "Fail", "Choice"] + (["Parallel", "Map"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    name = st.sampled_from(names)
    if kind == "Choice":
        rule = {"Variable": "$.a", "IsPresent": True, "Next": draw(name)}
        return {"Type": kind, "Choices": [rule], **draw(st.fixed_dictionaries({}, optional={"Default": name}))}
    state = {"Type": kind, **draw(fields(kind, names))}
    if kind == "Task":
        state["Resource"] = draw(st.sampled_from([F, TOKEN]))
    if kind == "Wait":
        state.setdefault("Seconds", 1)
    if kind == "Parallel":
        state["Branches"] = draw(st.lists(machines(depth - 1), min_size=1, max_size=3))
    if kind == "Map":
        mode = draw(st.sampled_from(["INLINE", "DISTRIBUTED"]))
        state["ItemProcessor"] = {**draw(machines(depth - 1)), "ProcessorConfig": {"Mode": mode}}
        state["ItemsPath"] = "$.items"
    if kind not in {"Succeed", "Fail"}:
        state.update({"Next": draw(name)} if draw(st.booleans()) else {"End": True})
    return state


@st.composite
def machines(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    names = [f"S{n}" for n in range(draw(st.integers(1, 4)))]
    return {"StartAt": names[0], "States": {name: draw(states(names, depth)) for name in names}}


REPLIES = st.lists(
    st.sampled_from([succeed({"a": {"b": 2}, "items": [1, 2]}), succeed(None, 7), fail("E", "c"), fail("X", None, 3)]),
    min_size=1, max_size=4,
)  # fmt: skip


def check(played: Played) -> None:
    assert [event["id"] for event in played.history] == list(range(1, len(played.history) + 1))
    for event in played.history:
        assert 0 <= event["previousEventId"] < event["id"]
        assert event["type"] in DETAILS_KEYS
        details = {key for key in event if key.endswith("Details")}
        assert details == ({DETAILS_KEYS[event["type"]]} - {None})
    if played.end is not None:
        assert played.commands[-1] is played.end
        assert sum(isinstance(command, End) for command in played.commands) == 1
        assert played.types[-1].startswith("Execution")
    started = [command.task for command in played.asked(StartTask)]
    assert started == list(range(1, len(started) + 1))
    assert {command.task for command in played.asked(CancelTask)} <= set(started)
    timers = [command.timer for command in played.asked(SetTimer)]
    assert timers == list(range(1, len(timers) + 1))
    cancelled = [command.timer for command in played.asked(CancelTimer)]
    assert len(set(cancelled)) == len(cancelled)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(machines(), REPLIES, st.sampled_from([None, 0, 5, 60]))
def test_every_workflow_keeps_its_history_in_order_and_folds_again(
    definition: dict[str, Any], replies: list[Reply], stop_after: float | None
) -> None:
    turn = iter(replies * 100_000)
    born = header('{"a": {"b": 1}, "items": [{"a": 1}, 2, {"items": [3]}]}', max_events=300)
    played = play(
        definition, answer=lambda _: next(turn), born=born, stop_after=stop_after, until=10_000_000
    )  # fmt: skip
    check(played)
    assert played.end is not None


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(machines())
def test_workflow_whose_tasks_never_answer_waits_or_ends(definition: dict[str, Any]) -> None:
    check(play(definition, answer=never, until=10_000, born=header('{"items": [1]}', max_events=300)))


def test_every_kind_of_reply_to_a_running_task_is_taken() -> None:
    state = {"Type": "Task", "Resource": TOKEN, "HeartbeatSeconds": 5, "End": True}
    check(play({"StartAt": "A", "States": {"A": state}}, {}, lambda _: [beat(1), beat(2), succeed(1, 3), beat(4)]))


def calls_per_item(length: int) -> float:
    inner = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": F, "End": True}}}
    loop = {
        "StartAt": "M",
        "States": {"M": {"Type": "Map", "ItemProcessor": inner, "End": True}},
    }
    born = header(str(list(range(length))), "EXPRESS")
    played = []
    calls = calls_of(lambda: played.append(play(loop, answer=echo, born=born, replay=False)))
    assert played[0].output[-1] == length - 1
    return calls / length


def test_map_of_many_items_takes_work_in_proportion() -> None:
    assert calls_per_item(4_000) < 1.2 * calls_per_item(500)
