"""Tasks that start another state machine: ``states:startExecution``, waited for or not.

Owns the form of its outputs, and the names of executions that the state leaves unnamed: made of the task's id, so that
a task that is begun again after a restart finds the execution that it started before.
"""

from __future__ import annotations

import uuid
from typing import Any

from mlflowsteps.asl.arns import execution_arn
from mlflowsteps.asl.payloads import loads
from mlflowsteps.exceptions import StatesError
from mlflowsteps.local.records import Json, TaskRequest
from mlflowsteps.local.tasks.aws_tasks import OptimizedTask

__all__ = ["ExecutionTask"]

_MEMBERS = frozenset(
    {"Cause", "Error", "ExecutionArn", "Input", "InputDetails", "Name", "Output", "OutputDetails", "StartDate",
     "StateMachineArn", "Status", "StopDate", "TraceHeader"}
)  # fmt: skip
_EXISTS = "StepFunctions.ExecutionAlreadyExistsException"


class ExecutionTask(OptimizedTask):
    """``arn:aws:states:::states:startExecution[.sync|.sync:2|.waitForTaskToken]``."""

    def parameters_of(self, task: TaskRequest) -> dict[str, Json]:
        """The state's parameters, with a name of the task's own where they have none."""
        given = super().parameters_of(task)
        return given if given.get("Name") else given | {"Name": _own_name(task)}

    def begun_before(self, task: TaskRequest, parameters: dict[str, Json], error: StatesError) -> dict[str, Any]:
        """The response to the first call, where the execution that exists has the task's own name."""
        if error.error != _EXISTS or parameters["name"] != _own_name(task):
            raise error
        arn = execution_arn(parameters["stateMachineArn"], parameters["name"])
        described = self.call("DescribeExecution", {"executionArn": arn}, task)
        return {name: described[name] for name in ("executionArn", "startDate", "ResponseMetadata")}

    def document_of(self, described: Json) -> Json:
        """The members that Step Functions gives, sorted; with ``.sync:2`` input and output are JSON, else text."""
        document = {name: value for name, value in sorted(described.items()) if name in _MEMBERS}
        if self._resource.pattern == "sync:2":
            document |= {name: loads(document[name]) for name in ("Input", "Output") if name in document}
        return document


def _own_name(task: TaskRequest) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, task.task_id))
