"""Draws every sample, light and dark, as graph and as progress, for a person to look at.

Run as a program: ``python -m tests.graph.gallery FOLDER``. PNGs need the package resvg-py; without it only SVGs and
HTML pages are written.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from mlflowsteps.display import EventList, ExecutionList, GraphView, ProgressView, WorkflowList
from mlflowsteps.display.html import Markup, page
from tests.graph import histories, samples
from tests.graph.histories import BEGIN

ARN = "arn:aws:states:us-east-1:123456789012:execution:Churn:run-1"


def progress() -> dict[str, ProgressView]:
    failed = histories.target_failed()
    end = failed[-1]["timestamp"]
    running = {"name": "running", "status": "RUNNING", "startDate": BEGIN, "executionArn": ARN}
    ended = {"name": "failed", "status": "FAILED", "startDate": BEGIN, "stopDate": end, "executionArn": ARN}
    return {
        "progress-running": ProgressView(samples.TARGET, running, histories.target_running(), now=BEGIN + 140),
        "progress-failed": ProgressView(samples.TARGET, ended, failed, links=False),
        "progress-map": ProgressView(histories.MAPPED, running, histories.map_run(), now=BEGIN + 60),
    }


def tables() -> str:
    failed = histories.target_failed()
    executions = [
        {"executionArn": ARN, "name": "run-1", "status": "RUNNING", "startDate": BEGIN},
        {"executionArn": ARN, "name": "run-0", "status": "FAILED", "startDate": BEGIN, "stopDate": BEGIN + 90.25}
        | {"error": "States.TaskFailed"},
    ]
    machine = ARN.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    parts = [
        ExecutionList(executions, note="showing 2 of more: raise max_items", title="Churn"),
        WorkflowList([{"stateMachineArn": machine, "name": "Churn", "type": "STANDARD", "creationDate": BEGIN}]),
        WorkflowList([]),
        EventList(failed, definition=samples.TARGET),
    ]
    return page("Tables", Markup("".join(part.to_html() for part in parts)))


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    suffixes = [".svg", ".html"] + ([".png"] if importlib.util.find_spec("resvg_py") else [])
    views: dict[str, GraphView | ProgressView] = dict(progress())
    for name, definition in samples.EVERY.items():
        views[name] = GraphView(definition, title=name)
        views[f"{name}-landscape"] = GraphView(definition, title=name, portrait=False)
    views["large"] = GraphView(samples.large(200), title="200 states")
    for name, view in views.items():
        for suffix in suffixes:
            view.save(folder / f"{name}{suffix}")
        (folder / f"{name}-dark.svg").write_text(view.to_svg(dark=True), encoding="utf-8")
    (folder / "tables.html").write_text(tables(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
