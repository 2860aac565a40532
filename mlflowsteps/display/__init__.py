"""What a person sees: graphs, progress, tables and reports, in notebooks, terminals and files.

Owns HTML and terminal output round what ``graph`` draws. Calls no service, makes no network request and needs neither
IPython nor an optional package. Every value is escaped where it is put in; no templates are filled with data. Input
dicts are never modified.
"""

from __future__ import annotations

from mlflowsteps.display.live import Live
from mlflowsteps.display.progress import ProgressView
from mlflowsteps.display.report import JobFacts, Report
from mlflowsteps.display.tables import EventList, ExecutionList, WorkflowList
from mlflowsteps.display.view import GraphView

__all__ = ["EventList", "ExecutionList", "GraphView", "JobFacts", "Live", "ProgressView", "Report", "WorkflowList"]
