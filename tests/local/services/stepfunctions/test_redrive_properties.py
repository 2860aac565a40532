"""Executions whose tasks fail by chance, redriven until they succeed, come to what they would have come to at once."""

import json
import random

import pytest

from mlflowsteps.exceptions import StatesError
from tests.local.scheduler.bench import FUNCTION, Handler

INPUT = {"items": [{"items": [{"items": []}]}, {"items": []}]}
MOST = 60


class Unlucky(Handler):
    """Fails by chance; else it gives its input, with two items."""

    def __init__(self, rng):
        super().__init__(self._answer)
        self.rng, self.chance = rng, 0.0

    def _answer(self, request, report):
        if self.rng.random() < self.chance:
            raise StatesError("Broken", "by chance")
        report.succeeded({**request.parameters, "items": [{"items": [1]}, {"items": []}]})


class Maker:
    """Random definitions of tasks, Parallel and Map states, nested."""

    def __init__(self, rng):
        self.rng, self.names = rng, 0

    def machine(self, depth):
        names = []
        for _ in range(self.rng.randint(1, 3)):
            self.names += 1
            names.append(f"S{self.names}")
        ways = [{"Next": name} for name in names[1:]] + [{"End": True}]
        states = {name: {**self.state(depth), **way} for name, way in zip(names, ways, strict=True)}
        return {"StartAt": names[0], "States": states}

    def state(self, depth):
        kind = self.rng.random() if depth else 0.0
        if kind < 0.5:
            retry = [{"ErrorEquals": ["Broken"], "MaxAttempts": 1}] if self.rng.random() < 0.3 else []
            return {"Type": "Task", "Resource": FUNCTION + "unlucky", "Retry": retry}
        if kind < 0.7:
            branches = [self.machine(depth - 1) for _ in range(self.rng.randint(1, 3))]
            return {"Type": "Parallel", "Branches": branches, "OutputPath": "$[0]"}
        processor, limit = self.machine(depth - 1), self.rng.randint(0, 2)
        return {
            "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": limit, "ItemProcessor": processor,
            "ResultPath": "$.r",
        }  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_an_unlucky_execution_ends_as_a_lucky_one(service, seed):
    rng = random.Random(seed)
    tasks = service.handlers[FUNCTION + "unlucky"] = Unlucky(rng)
    arn = service.make("m", Maker(rng).machine(3))
    lucky = service.describe_execution({"executionArn": service.finish(arn, input=json.dumps(INPUT))})
    tasks.chance = 0.25
    execution = service.finish(arn, input=json.dumps(INPUT))
    for _ in range(MOST):
        found = service.describe_execution({"executionArn": execution})
        if found["status"] == lucky["status"]:
            break
        service.redrive_execution({"executionArn": execution})
        service.scheduler.wait(execution, 30)
    assert (found["status"], found.get("output")) == (lucky["status"], lucky.get("output"))
    page = service.get_execution_history({"executionArn": execution, "maxResults": 1000})["events"]
    assert [event["id"] for event in page] == list(range(1, len(page) + 1))
    assert len(page) == 1000 or sum(one["type"] == "ExecutionRedriven" for one in page) == found["redriveCount"]
