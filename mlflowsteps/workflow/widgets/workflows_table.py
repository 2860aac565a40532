"""Workflows as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlflowsteps.workflow.widgets.utils import cell, create_sfn_workflow_url, format_time, link, row, table

__all__ = ["WorkflowsTableWidget"]


class WorkflowsTableWidget:
    """Workflows as a table.

    Args:
        workflows: entries of ListStateMachines.
    """

    def __init__(self, workflows: Sequence[Mapping[str, Any]]) -> None:
        self.workflows = workflows

    def show(self) -> str:
        """The table as HTML."""
        rows = (
            row(
                [
                    link(create_sfn_workflow_url(workflow["stateMachineArn"]), workflow["name"]),
                    cell(format_time(workflow["creationDate"])),
                ]
            )
            for workflow in self.workflows
        )
        return table(["Name", "Creation Date"], rows)
