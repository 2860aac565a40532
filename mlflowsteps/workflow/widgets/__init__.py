"""The old SDK's widgets, by their names: graphs and tables as HTML that loads nothing and runs no script.

``Workflow.render_graph``, ``Execution.render_progress`` and the lists' ``to_html`` are today's way to them.
"""

from __future__ import annotations

from mlflowsteps.workflow.widgets.events_table import EventsTableWidget
from mlflowsteps.workflow.widgets.executions_table import ExecutionsTableWidget
from mlflowsteps.workflow.widgets.graph import ExecutionGraphWidget, WorkflowGraphWidget
from mlflowsteps.workflow.widgets.workflows_table import WorkflowsTableWidget

__all__ = [
    "EventsTableWidget",
    "ExecutionGraphWidget",
    "ExecutionsTableWidget",
    "WorkflowGraphWidget",
    "WorkflowsTableWidget",
]
