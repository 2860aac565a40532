"""Warnings: likely mistakes are told on request, and nothing that may be meant is."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.asl.validate import validate

JOB = "arn:aws:states:::sagemaker:createTrainingJob.sync"
SHARED = Path(__file__).parents[3] / "shared" / "conformance"
OURS = {"REPEATED_JOB_NAME", "NEVER_MATCHES", "PAYLOAD_NEAR_LIMIT", "PATH_NOT_PRODUCED"}


def chain(**states: dict[str, Any]) -> dict[str, Any]:
    """States one after the other."""
    names = list(states)
    for name, following in zip(names, [*names[1:], None], strict=True):
        if states[name]["Type"] not in ("Succeed", "Fail", "Choice"):
            states[name].update({"Next": following} if following else {"End": True})
    return {"StartAt": names[0], "States": states}


def told(definition: dict[str, Any]) -> list[tuple[str, str]]:
    assert validate(definition) == []  # a warning is no fault
    return [(found.code, found.pointer) for found in validate(definition, warnings=True)]


def job(name: dict[str, str], *errors: str, **more: Any) -> dict[str, Any]:
    request = {"RoleArn": "arn", "OutputDataConfig": {"S3OutputPath": "s3://b"}, **name}
    return {"Type": "Task", "Resource": JOB, "Parameters": request, "Retry": [{"ErrorEquals": list(errors), **more}]}


@pytest.mark.parametrize("name", [{"TrainingJobName": "a"}, {"TrainingJobName.$": "$$.Execution.Name"}])
@pytest.mark.parametrize("error", ["States.ALL", "States.TaskFailed", "States.Timeout"])
def test_a_retry_after_the_work_repeats_the_jobs_name(name: dict[str, str], error: str) -> None:
    assert told(chain(A=job(name, error))) == [("REPEATED_JOB_NAME", f"/States/A/Parameters/{next(iter(name))}")]


def test_a_name_that_changes_or_a_retry_before_the_work_is_no_mistake() -> None:
    changing = {"TrainingJobName.$": "States.Format('a-{}', $$.State.RetryCount)"}
    assert told(chain(A=job(changing, "States.ALL"))) == []
    assert told(chain(A=job({"TrainingJobName": "a"}, "SageMaker.AmazonSageMakerException"))) == []
    assert told(chain(A=job({"TrainingJobName": "a"}, "States.ALL", MaxAttempts=0))) == []


def test_an_entry_after_one_that_matches_its_errors_is_never_used() -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}
    catch = [{"ErrorEquals": [name], "Next": "B"} for name in ("E", "States.TaskFailed", "F", "States.Timeout", "E")]
    found = told(chain(A={**task, "Catch": catch}, B={"Type": "Succeed"}))
    assert found == [("NEVER_MATCHES", f"/States/A/Catch/{index}/ErrorEquals") for index in (2, 4)]


def test_a_literal_payload_near_the_limit_is_told_with_its_size() -> None:
    assert told(chain(A={"Type": "Pass", "Result": "x" * 210_000})) == [("PAYLOAD_NEAR_LIMIT", "/States/A/Result")]
    assert told(chain(A={"Type": "Pass", "Result": "x" * 200_000})) == []


def test_a_path_that_no_state_before_produces_is_told_with_the_near_miss() -> None:
    definition = chain(
        A={"Type": "Pass", "Result": {"bucket": "b", "key": "k"}},
        B={"Type": "Wait", "Seconds": 1},
        C={"Type": "Pass", "Parameters": {"x": [{"b.$": "$.buckt"}], "k.$": "$.key", "e.$": "$$.Execution.Name"}},
    )
    (found,) = validate(definition, warnings=True)
    assert (found.code, found.pointer) == ("PATH_NOT_PRODUCED", "/States/C/Parameters/x/0/b.$")
    assert found.hint == "Did you mean 'bucket'?"


@pytest.mark.parametrize(
    "between",
    [
        {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"},
        {"Type": "Pass", "ResultPath": "$.other", "Result": 1},
        {"Type": "Pass", "OutputPath": "$.bucket"},
        {"Type": "Pass", "InputPath": "$.bucket"},
        {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"other": 1}},
    ],
)
def test_what_may_be_there_is_no_mistake(between: dict[str, Any]) -> None:
    first = {"Type": "Pass", "Result": {"bucket": "b"}}
    assert told(chain(A=first, B=between, C={"Type": "Pass", "Parameters": {"x.$": "$.other"}})) == []


def test_ways_that_meet_bring_what_each_of_them_has() -> None:
    definition = chain(
        A={"Type": "Pass", "Result": {"go": True}},
        B={"Type": "Choice", "Choices": [{"Variable": "$.go", "IsPresent": True, "Next": "C"}], "Default": "D"},
        C={"Type": "Pass", "ResultPath": "$.extra", "Result": 1},
        D={"Type": "Pass", "Parameters": {"x.$": "$.extra", "y.$": "$.never"}},
    )
    assert told(definition) == [("PATH_NOT_PRODUCED", "/States/D/Parameters/y.$")]


def test_what_a_catcher_passes_on_is_error_and_cause() -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    states = {
        "A": {**task, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]},
        "B": {"Type": "Pass", "Parameters": {"e.$": "$.Error", "m.$": "$.message"}, "End": True},
    }
    assert told({"StartAt": "A", "States": states}) == [("PATH_NOT_PRODUCED", "/States/B/Parameters/m.$")]


def test_warnings_of_a_long_chain_take_time_in_proportion() -> None:
    def seconds(count: int) -> float:
        states = {f"S{n}": {"Type": "Pass", "ResultPath": f"$.k{n % 7}", "Result": n} for n in range(count)}
        definition = chain(First={"Type": "Pass", "Result": {}}, **states)
        begin = time.process_time()
        validate(definition, warnings=True)
        return time.process_time() - begin

    seconds(200)
    assert seconds(4_000) < 30 * seconds(400) + 0.5  # in proportion: 10 times


def definitions(document: Any) -> list[dict[str, Any]]:
    found, pending = [], [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict) and "StartAt" in value and "States" in value:
            found.append(value)
        elif isinstance(value, dict | list):
            pending.extend(value.values() if isinstance(value, dict) else value)
    return found


@pytest.mark.skipif(not SHARED.is_dir(), reason="no recorded behaviour beside the tree")
def test_definitions_that_the_service_took_raise_no_false_alarm() -> None:
    files = sorted(SHARED.glob("*.json"))
    known = [d for file in files for d in definitions(json.loads(file.read_text(encoding="utf-8"))) if not validate(d)]
    alarms = [found for d in known for found in validate(d, warnings=True) if found.code in OURS]
    # One of them holds a result above the limit on purpose: to see it fail.
    assert [(found.code, found.message.split(" of ")[0]) for found in alarms] in (
        [],
        [("PAYLOAD_NEAR_LIMIT", "Result alone has 263179 bytes")],
    )
    assert len(known) > 200
