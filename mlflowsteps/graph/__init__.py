"""Definitions as pictures: read into a graph, laid out, drawn as SVG or text, coloured by an execution's history.

Pure: dicts in, graphs and text out. No clock, no network, no notebook; networkx is loaded only by ``build_graph``.
HTML, notebooks, terminals and files are the display room's.
"""

from __future__ import annotations

from mlflowsteps.graph.build import build_graph
from mlflowsteps.graph.status import StatusTracker, execution_status
from mlflowsteps.graph.visits import GraphStatus, StateStatus

__all__ = ["GraphStatus", "StateStatus", "StatusTracker", "build_graph", "execution_status"]
