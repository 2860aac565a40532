"""Graphs of workflows and executions, from JSON texts."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from mlflowsteps.display import GraphView, ProgressView
from mlflowsteps.workflow.widgets.utils import create_sfn_execution_url

__all__ = ["ExecutionGraphWidget", "Html", "WorkflowGraphWidget"]


class Html:
    """HTML that a notebook shows.

    Args:
        data: the HTML.
    """

    def __init__(self, data: str) -> None:
        self.data = data

    def _repr_html_(self) -> str:
        return self.data

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.data)} characters)"


class WorkflowGraphWidget:
    """The graph of a workflow.

    Args:
        json_definition: its definition as JSON text.
    """

    def __init__(self, json_definition: str) -> None:
        self.definition: Any = json.loads(json_definition)

    def show(self, portrait: bool = True) -> Html:
        """The picture.

        Args:
            portrait: True: from top to bottom; False: from left to right.
        """
        return Html(GraphView(self.definition, portrait=portrait).to_html())


class ExecutionGraphWidget:
    """The graph of an execution, in the colours of its progress.

    Args:
        json_definition: the workflow's definition as JSON text.
        json_events: its history events as JSON text, the oldest first.
        execution_arn: ARN of the execution.
    """

    def __init__(self, json_definition: str, json_events: str, execution_arn: str) -> None:
        self.definition: Any = json.loads(json_definition)
        self.events = [event for event in json.loads(json_events) if event.get("type")]
        self.execution_arn = execution_arn

    def show(self, portrait: bool = True) -> Html:
        """The picture, and a link to the console.

        Args:
            portrait: True: from top to bottom; False: from left to right.
        """
        description = {"executionArn": self.execution_arn, "status": "RUNNING"}
        view = ProgressView(self.definition, description, self.events, portrait=portrait, links=False)
        address = escape(create_sfn_execution_url(self.execution_arn))
        return Html(f'{view.to_html()}<a href="{address}" target="_blank"> Inspect in AWS Step Functions </a>')
