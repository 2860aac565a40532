"""Workflows in a Step Functions service: create, execute, watch and list them, on AWS and on the embedded runtime."""

from __future__ import annotations

from mlflowsteps.workflow.execution import Execution, ExecutionStatus
from mlflowsteps.workflow.workflow import Workflow

__all__ = ["Execution", "ExecutionStatus", "Workflow"]
