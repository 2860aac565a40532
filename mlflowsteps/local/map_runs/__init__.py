"""Map Runs: the items of Distributed Maps, their child executions, and what becomes of the results.

``progress`` is the pure aggregate: numbers only. ``sources``, ``formats`` and ``pointers`` read items as a stream,
``inputs`` makes the children's inputs of them, ``results`` gathers or writes what comes back, ``runner`` carries one
Map Run out, ``manager`` knows them all. Executions are the scheduler's, which is handed in; no item is held longer than
its child runs, so that a million of them take no more memory than a thousand.
"""

from __future__ import annotations

from mlflowsteps.local.map_runs.manager import MapRuns
from mlflowsteps.local.map_runs.runner import Ended, Executions

__all__ = ["Ended", "Executions", "MapRuns"]
