"""The phases: order, what each sees, and that nothing is copied without need."""

from __future__ import annotations

import pytest

from mlflowsteps.asl.dataflow import (
    MAX_PAYLOAD_BYTES,
    JsonataFlow,
    PathFlow,
    error_output,
    iso_time,
    payload_text,
)  # fmt: skip
from mlflowsteps.asl.payloads import Scope
from mlflowsteps.exceptions import StatesError


def test_state_without_phases_passes_the_same_object_on() -> None:
    document = {"a": [1]}
    flow, scope = PathFlow(), Scope(document)
    assert flow.plain
    assert flow.payload(scope) is document
    assert flow.finish(scope, document) == (document, None)
    assert flow.finish(scope, document)[0] is document


def test_phases_see_what_the_language_says() -> None:
    seen: list[tuple[str, object]] = []

    def phase(name: str, value: object) -> object:
        def run(scope: Scope) -> object:
            seen.append((name, scope.input))
            return value

        return run

    flow = PathFlow(
        input_path=phase("InputPath", "effective"),
        parameters=phase("Parameters", "payload"),
        selector=phase("ResultSelector", "selected"),
        place=lambda document, result: seen.append(("ResultPath", (document, result))) or "placed",
        assign=phase("Assign", {"v": 1}),
        output_path=phase("OutputPath", "output"),
    )
    scope = Scope("raw")
    assert flow.payload(scope) == "payload"
    assert flow.finish(scope, "result") == ("output", {"v": 1})
    assert seen == [
        ("InputPath", "raw"), ("Parameters", "effective"), ("ResultSelector", "result"), ("Assign", "selected"),
        ("ResultPath", ("raw", "selected")), ("OutputPath", "placed"),
    ]  # fmt: skip


def test_jsonata_phases_see_states_and_no_result_where_there_is_none() -> None:
    seen: list[object] = []

    def phase(scope: Scope) -> object:
        seen.append(scope.input)
        return {"v": 1}

    flow = JsonataFlow(arguments=phase, output=phase, assign=phase)
    scope = Scope("raw", {"Execution": 1})
    flow.payload(scope)
    flow.finish(scope, "result")
    flow.caught(scope, "error")
    both = {"input": "raw", "context": {"Execution": 1}}
    assert seen == [both, {**both, "result": "result"}, {**both, "result": "result"},
                    {**both, "errorOutput": "error"}, {**both, "errorOutput": "error"}]  # fmt: skip
    assert not flow.plain
    assert JsonataFlow().plain


def test_error_output_always_has_both_keys() -> None:
    assert error_output(None, None) == {"Error": "", "Cause": ""}


def test_size_counts_bytes() -> None:
    assert len(payload_text("a" * (MAX_PAYLOAD_BYTES - 2), "S")) == MAX_PAYLOAD_BYTES
    for text in ("a" * (MAX_PAYLOAD_BYTES - 1), "\N{GRINNING FACE}" * (MAX_PAYLOAD_BYTES // 4)):
        with pytest.raises(StatesError, match="The state/task 'S' returned a result with a size exceeding"):
            payload_text(text, "S")


def test_times_are_written_in_utc_with_milliseconds() -> None:
    assert iso_time(1_700_000_000.1239) == "2023-11-14T22:13:20.123Z"
