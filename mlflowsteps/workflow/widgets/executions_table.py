"""Executions as a table."""

from __future__ import annotations

from collections.abc import Sequence

from mlflowsteps.workflow.execution import Execution
from mlflowsteps.workflow.widgets.utils import cell, create_sfn_execution_url, format_time, link, row, table

__all__ = ["ExecutionsTableWidget"]


class ExecutionsTableWidget:
    """Executions as a table.

    Args:
        executions: the executions.
    """

    def __init__(self, executions: Sequence[Execution]) -> None:
        self.executions = executions

    def show(self) -> str:
        """The table as HTML."""
        rows = (
            row(
                [
                    link(create_sfn_execution_url(execution.execution_arn), str(execution.name)),
                    cell(execution.status),
                    cell(format_time(execution.start_date)),
                    cell(format_time(execution.stop_date)),
                ]
            )
            for execution in self.executions
        )
        return table(["Name", "Status", "Started", "End Time"], rows)
