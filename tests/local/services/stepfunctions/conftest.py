import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.local.clock import VirtualClock
from mlflowsteps.local.quotas import Quotas
from mlflowsteps.local.scheduler import Scheduler
from mlflowsteps.local.services.stepfunctions import StepFunctions
from mlflowsteps.local.store import Store
from tests.local.scheduler.bench import FUNCTION, TOKEN_TASK, Handler, answering, silent, submitting

ROLE = "arn:aws:iam::123456789012:role/workflow"
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


class Service(StepFunctions):
    """The service with its parts at hand."""

    def __init__(self, path: Path, *, quotas: Quotas | None = None, **options: Any) -> None:
        self.clock = VirtualClock(start=1_000_000.0)
        self.store = Store(path, **options)
        self.handlers: dict[str, Handler] = {
            FUNCTION + "echo": answering(lambda value: value),
            FUNCTION + "silent": silent(),
            TOKEN_TASK: submitting(),
        }
        self.scheduler = Scheduler(self.store, self.clock, self.handlers.__getitem__)
        where = {"region": "eu-central-1", "account_id": "123456789012"}
        super().__init__(self.store, self.scheduler, self.clock, quotas=quotas or Quotas(), **where)

    def make(self, name: str = "m", definition: dict[str, Any] | None = None, **params: Any) -> str:
        definition = PASS if definition is None else definition
        request = {"name": name, "definition": json.dumps(definition), "roleArn": ROLE}
        arn: str = self.create_state_machine(request | params)["stateMachineArn"]
        return arn

    def start(self, machine: str, **params: Any) -> str:
        arn: str = self.start_execution({"stateMachineArn": machine, **params})["executionArn"]
        return arn

    def finish(self, machine: str, **params: Any) -> str:
        arn = self.start(machine, **params)
        self.scheduler.wait(arn, 30)
        return arn

    def close(self) -> None:
        self.scheduler.close()
        self.store.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "store.sqlite")
    yield service
    service.close()
