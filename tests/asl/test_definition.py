"""Definitions compiled: sharing, depth, defaults, and faults that name their place."""

from __future__ import annotations

from typing import Any

import pytest

from mlflowsteps.asl.definition import MapWork, ParallelWork, Retrier, TaskWork, compile_machine
from mlflowsteps.asl.payloads import Scope
from mlflowsteps.asl.settings import number_of
from mlflowsteps.exceptions import DefinitionError, StatesError

PASS = {"Type": "Pass", "End": True}
F = "arn:aws:lambda:us-east-1:123456789012:function:f"


def one(state: dict[str, Any]) -> Any:
    return compile_machine({"StartAt": "A", "States": {"A": state}}).states["A"]


def test_chain_of_ten_thousand_states_compiles() -> None:
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(10_000)}
    machine = compile_machine({"StartAt": "S0", "States": {**states, "S10000": PASS}})
    assert len(machine.states) == 10_001
    assert machine.states["S9999"].next == "S10000"


def test_nesting_does_not_recurse() -> None:
    inner: dict[str, Any] = {"StartAt": "A", "States": {"A": PASS}}
    for depth in range(5_000):
        kind: dict[str, Any] = (
            {"Type": "Map", "ItemProcessor": inner} if depth % 2 else {"Type": "Parallel", "Branches": [inner]}
        )
        inner = {"StartAt": "A", "States": {"A": {**kind, "End": True}}}
    machine = compile_machine(inner)
    depth = 0
    while machine.states["A"].type != "Pass":
        work = machine.states["A"].work
        assert isinstance(work, MapWork | ParallelWork)
        machine = work.processor if isinstance(work, MapWork) else work.branches[0]
        depth += 1
    assert depth == 5_000


def test_definition_is_left_unchanged() -> None:
    source = {"StartAt": "A", "States": {"A": {**PASS, "Parameters": {"x.$": "$.y"}}}}
    before = repr(source)
    compile_machine(source)
    assert repr(source) == before


def test_states_without_phases_are_plain() -> None:
    assert one(PASS).plain
    assert one({**PASS, "ResultPath": "$", "InputPath": "$", "OutputPath": "$"}).plain
    for field in ({"InputPath": "$.x"}, {"ResultPath": None}, {"Assign": {"a": 1}}, {"OutputPath": None}):
        assert not one({**PASS, **field}).plain


def test_retrier_defaults_are_the_languages() -> None:
    state = one({"Type": "Task", "Resource": F, "End": True, "Retry": [{"ErrorEquals": ["E"]}]})
    assert state.retriers == (Retrier(frozenset({"E"}), 1, 3, 2.0, 99_999_999.0, full_jitter=False),)


@pytest.mark.parametrize(
    ("value", "number"), [(5, 5), ("7", 7), ("-1", -1)],
)  # fmt: skip
def test_number_by_a_path_may_be_text(value: Any, number: int) -> None:
    state = one({"Type": "Task", "Resource": F, "End": True, "TimeoutSecondsPath": "$.t"})
    assert isinstance(state.work, TaskWork)
    assert number_of(state.work.timeout_seconds, Scope({"t": value})) == number


@pytest.mark.parametrize("value", [None, True, "x", 1.5, [], {}])
def test_number_by_a_path_that_is_none_says_so(value: Any) -> None:
    state = one({"Type": "Task", "Resource": F, "End": True, "TimeoutSecondsPath": "$.t"})
    assert isinstance(state.work, TaskWork)
    with pytest.raises(StatesError, match=r"TimeoutSecondsPath field refers to value .* not a valid integer: \$\.t"):
        number_of(state.work.timeout_seconds, Scope({"t": value}))


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"Type": "Nope"}, "'Nope'"),
        ({}, "'Type'"),
        ({"Type": "Task", "End": True}, "'Resource'"),
        ({"Type": "Task", "Resource": "f", "End": True}, "is no ARN"),
        ({"Type": "Pass", "InputPath": "x"}, "begins with"),
        ({"Type": "Pass", "Parameters": {"x.$": "nope"}}, "nope"),
        ({"Type": "Choice"}, "'Choices'"),
        ({"Type": "Map", "MaxConcurrency": "3", "ItemProcessor": {"StartAt": "A", "States": {"A": PASS}}}, "number"),
        ({"Type": "Map"}, "'Iterator'"),
        ({"Type": "Parallel", "Branches": [{"StartAt": "A"}]}, "no state machine"),
        ({"Type": "Wait", "End": True}, "needs Seconds"),
        ({"Type": "Pass", "Next": "B"}, "no state 'B'"),
        ({"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True, "Next": "C"}]}, "no state 'C'"),
        ({"Type": "Task", "Resource": F, "End": True, "Catch": [{"ErrorEquals": ["E"], "Next": "D"}]}, "no state 'D'"),
    ],
)
def test_what_cannot_be_compiled_is_named_with_its_place(state: dict[str, Any], text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        one(state)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.pointer.startswith("/States/A")
    assert text in diagnostic.message


@pytest.mark.parametrize("start_at", [None, "B", 1])
def test_start_that_is_no_state_is_a_fault(start_at: Any) -> None:
    with pytest.raises(DefinitionError, match="There is no state"):
        compile_machine({"StartAt": start_at, "States": {"A": PASS}})


def test_fault_in_a_nested_machine_has_the_whole_pointer() -> None:
    inner = {"StartAt": "B", "States": {"B": {"Type": "Pass", "InputPath": "!"}}}
    with pytest.raises(DefinitionError) as caught:
        one({"Type": "Parallel", "Branches": [{"StartAt": "C", "States": {"C": PASS}}, inner]})
    assert caught.value.diagnostics[0].pointer == "/States/A/Branches/1/States/B"
