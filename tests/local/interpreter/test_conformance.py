"""Recorded executions of the service, run through the interpreter alone.

Cases that call other services are given the results that the recording shows, one after the other; so the events,
order, texts and flow of all recorded executions are compared, and only those.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mlflowsteps.local.interpreter import StartTask

from .driver import Played, Reply, fail, header, play, submit, succeed

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
CASES = SHARED / "conformance"
COMPARE = SHARED / "tools" / "conformance" / "compare.py"
ACCOUNT = "arn:aws:states:us-east-1:111111111111"

# What the interpreter alone cannot be compared by.
NOT_HERE = {
    "ItemReader": "items are read from S3",
    "ResultWriter": "results are written to S3",
    "TooFewResults": "the recording lacks results of tasks",
}


def cases() -> Iterator[dict[str, Any]]:
    for path in sorted(CASES.glob("*.json")) if COMPARE.exists() else ():
        for case in json.loads(path.read_text()):
            if case["kind"] == "execution" and isinstance(case["definition"], dict):
                yield case


def reason_to_skip(case: dict[str, Any]) -> str | None:
    text = json.dumps(case["definition"])
    found = next((why for word, why in NOT_HERE.items() if f'"{word}"' in text), None)
    if found is None and '"Task"' in text and not case["expected"]["events"]:
        return "no history was recorded to take results of tasks from"
    if found is None and '"DISTRIBUTED"' in text and '"Task"' in text:
        return "a child execution's tasks are not in the parent's history"
    if found is None and '"DISTRIBUTED"' in text and any(word in text for word in ('"ItemSelector"', '"Parameters"')):
        return "inputs of child executions are made by the Map Run"
    return found


@pytest.fixture(scope="module")
def compare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conformance_compare", COMPARE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recorded_replies(events: list[dict[str, Any]]) -> list[list[Reply]]:
    """What became of each task, in the order of their ends."""
    found: list[list[Reply]] = []
    submitted: list[Reply] = []
    for event in events:
        details = next((value for key, value in event.items() if key.endswith("Details")), {})
        match event["type"]:
            case "TaskSubmitted":
                submitted = [submit(details["output"])]
            case "TaskSucceeded" | "LambdaFunctionSucceeded":
                found.append([*submitted, succeed_text(details["output"])])
            case "TaskFailed" | "LambdaFunctionFailed":
                found.append([*submitted, fail(details.get("error"), text_of(details.get("cause")))])
            case "TaskTimedOut":
                found.append([])
            case _:
                continue
        if event["type"] != "TaskSubmitted":
            submitted = []
    return found


def text_of(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def succeed_text(output: Any) -> Reply:
    return succeed(json.loads(output) if isinstance(output, str) else output)


def run_case(case: dict[str, Any]) -> Played:
    machine, name = case["machine_name"], case["name"] or "run"
    born = header(
        case["input"] if case["input"] is not None else "{}",
        case["type"],
        role_arn=case["role"],
        machine_name=machine,
        machine_arn=f"{ACCOUNT}:stateMachine:{machine}",
        name=name,
        execution_arn=f"{ACCOUNT}:execution:{machine}:{name}",
    )
    replies = iter(recorded_replies(case["expected"]["events"] or []))

    def answer(command: StartTask) -> list[Reply]:
        return next(replies)

    return play(case["definition"], born=born, answer=answer)


def levels(case: dict[str, Any], compare: ModuleType) -> tuple[tuple[bool, bool, bool | None], str | None]:
    played = run_case(case)
    assert played.end is not None
    end = played.end
    result = {"status": end.status, "output": end.output_text, "error": end.error, "cause": end.cause}
    found: tuple[tuple[bool, bool, bool | None], str | None] = compare.execution_levels(
        case, {**result, "events": played.history}
    )
    return found


@pytest.mark.skipif(not COMPARE.exists(), reason="the recordings of the service are not beside this folder")
@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case["id"])
def test_recorded_execution_is_reproduced_in_every_detail(case: dict[str, Any], compare: ModuleType) -> None:
    why_not = reason_to_skip(case)
    if why_not is not None:
        pytest.skip(why_not)
    passed, why = levels(case, compare)
    assert passed[:2] == (True, True), why
    assert passed[2] is not False, why
