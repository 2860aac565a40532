"""The old SDK's module of this name: re-exports."""

from __future__ import annotations

from mlflowsteps.display import EventList as EventsList
from mlflowsteps.display import ExecutionList as ExecutionsList
from mlflowsteps.display import WorkflowList
from mlflowsteps.workflow.execution import Execution, ExecutionStatus
from mlflowsteps.workflow.workflow import Workflow

__all__ = ["EventsList", "Execution", "ExecutionStatus", "ExecutionsList", "Workflow", "WorkflowList"]
