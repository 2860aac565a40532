"""What outlives the process: one SQLite file with state machines, executions, journals, histories and records.

One writer, readers beside it, in this process or another. What a group of events changes is stored in one transaction,
before any effect that those events order. This room stores and finds; it takes no decision about executions.
"""

from __future__ import annotations

from mlflowsteps.local.store.database import Database
from mlflowsteps.local.store.executions import Entry, ExecutionRecord, Executions
from mlflowsteps.local.store.resources import Resources
from mlflowsteps.local.store.store import Store
from mlflowsteps.local.store.tags import Tags

__all__ = ["Database", "Entry", "ExecutionRecord", "Executions", "Resources", "Store", "Tags"]
