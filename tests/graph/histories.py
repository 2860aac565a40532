"""Histories as GetExecutionHistory gives them, written event by event with an explicit chain."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

BEGIN = 1_760_000_000.0


class History:
    """Writes events; every method returns the new event's id, which later ones name as ``after``."""

    def __init__(self, *, datetimes: bool = False) -> None:
        self.events: list[dict[str, Any]] = []
        self.now = BEGIN
        self._datetimes = datetimes

    def add(self, kind: str, after: int = 0, details: dict[str, Any] | None = None, *, key: str = "") -> int:
        self.now += 1.0
        event: dict[str, Any] = {
            "id": len(self.events) + 1,
            "previousEventId": after,
            "timestamp": datetime.fromtimestamp(self.now, UTC) if self._datetimes else self.now,
            "type": kind,
        }
        if details is not None:
            event[key or f"{kind[0].lower()}{kind[1:]}EventDetails"] = details
        self.events.append(event)
        return len(self.events)

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def start(self, value: Any = None) -> int:
        return self.add("ExecutionStarted", 0, {"input": json.dumps(value or {}), "inputDetails": {"truncated": False}})

    def enter(self, name: str, after: int, kind: str = "Task", value: Any = None) -> int:
        details = {"name": name, "input": json.dumps(value or {}), "inputDetails": {"truncated": False}}
        return self.add(f"{kind}StateEntered", after, details, key="stateEnteredEventDetails")

    def exit(self, name: str, after: int, kind: str = "Task", value: Any = None) -> int:
        details = {"name": name, "output": json.dumps(value or {}), "outputDetails": {"truncated": False}}
        return self.add(f"{kind}StateExited", after, details, key="stateExitedEventDetails")

    def schedule(self, after: int, kind: str = "lambda", action: str = "invoke") -> int:
        details = {"resourceType": kind, "resource": action, "region": "us-east-1", "parameters": '{"a":1}'}
        at = self.add("TaskScheduled", after, details)
        return self.add("TaskStarted", at, {"resourceType": kind, "resource": action})

    def fail(self, after: int, error: str = "States.TaskFailed", cause: str = "it broke") -> int:
        details = {"resourceType": "lambda", "resource": "invoke", "error": error, "cause": cause}
        return self.add("TaskFailed", after, details)

    def done(self, after: int, value: Any = None) -> int:
        details = {"resourceType": "lambda", "resource": "invoke", "output": json.dumps(value or {})}
        return self.add("TaskSucceeded", after, details)

    def task(self, name: str, after: int, *, took: float = 1.0, value: Any = None) -> int:
        at = self.schedule(self.enter(name, after, value=value))
        self.wait(took)
        return self.exit(name, self.done(at, value), value=value)


def target_running() -> list[dict[str, Any]]:
    """The sample ``TARGET``: one branch retries, one goes on, one is done."""
    history = History(datetimes=True)
    history.start({"round": 0, "data": "s3://bucket/churn.csv"})
    at = history.task("Validate input", 0, took=3)
    prepare = history.fail(history.schedule(history.enter("Prepare data", at)), "SageMaker.Throttling", "slow down")
    prepare = history.done(history.schedule(prepare, "sagemaker", "createProcessingJob.sync"))
    history.wait(40)
    at = history.exit("Prepare data", prepare)
    at = history.add("ParallelStateStarted", history.enter("Train candidates", at, "Parallel"))
    first = history.schedule(history.enter("Train XGBoost", at), "sagemaker", "createTrainingJob.sync")
    second = history.schedule(history.enter("Train LightGBM", at), "sagemaker", "createTrainingJob.sync")
    third = history.schedule(history.enter("Train linear baseline", at), "sagemaker", "createTrainingJob.sync")
    history.wait(20)
    history.exit("Train linear baseline", history.done(third), value={"auc": 0.71})
    history.wait(30)
    first = history.exit("Train XGBoost", history.done(first), value={"auc": 0.93})
    history.schedule(history.enter("Log XGBoost", first))
    history.wait(5)
    assert second
    return history.events


def target_failed() -> list[dict[str, Any]]:
    """The sample ``TARGET``: a failed branch, caught, one catch to Notify failure and the Fail state."""
    history = History()
    history.start({"round": 0})
    at = history.task("Validate input", 0, took=3)
    at = history.task("Prepare data", at, took=40)
    at = history.add("ParallelStateStarted", history.enter("Train candidates", at, "Parallel"))
    first = history.schedule(history.enter("Train XGBoost", at), "sagemaker", "createTrainingJob.sync")
    second = history.schedule(history.enter("Train LightGBM", at), "sagemaker", "createTrainingJob.sync")
    history.schedule(history.enter("Train linear baseline", at), "sagemaker", "createTrainingJob.sync")
    history.wait(30)
    first = history.exit("Train XGBoost", history.done(first), value={"auc": 0.93})
    cause = json.dumps(
        {"FailureReason": "AlgorithmError: out of memory, exit code 137", "LogFile": "jobs/lgbm/log.txt"}
    )
    second = history.fail(second, "States.TaskFailed", cause)
    second = history.add("ParallelStateFailed", second, {"error": "States.TaskFailed", "cause": cause})
    at = history.exit("Train candidates", second, "Parallel")
    at = history.task("Notify failure", at)
    at = history.enter("Failed", at, "Fail")
    history.add("ExecutionFailed", at, {"error": "NotGoodEnough", "cause": cause})
    return history.events


def map_run(iterations: int = 5, failing: int = 1) -> list[dict[str, Any]]:
    """The sample ``TARGET`` from its Map on would need all before it; this is of ``MAPPED``."""
    history = History()
    history.start()
    begun = history.add("MapStateStarted", history.enter("Each", 0, "Map"), {"length": iterations})
    starts = [
        history.add("MapIterationStarted", begun, {"name": "Each", "index": index}) for index in range(iterations)
    ]
    tasks = [history.schedule(history.enter("Score", at)) for at in starts]
    for index, at in enumerate(tasks):
        if index < failing:
            ended = history.fail(at)
            history.add("MapIterationFailed", ended, {"name": "Each", "index": index})
        elif index < iterations - 1:
            ended = history.exit("Score", history.done(at))
            history.add("MapIterationSucceeded", ended, {"name": "Each", "index": index})
    return history.events


MAPPED = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "End": True,
            "ItemProcessor": {
                "StartAt": "Score",
                "States": {"Score": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}},
            },
        }
    },
}
