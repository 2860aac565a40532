"""History events as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mlflowsteps.workflow.widgets.utils import (
    cell,
    format_time,
    get_elapsed_ms,
    link,
    row,
    sagemaker_console_link,
    table,
)

__all__ = ["EventsTableWidget"]

_PAGES = {
    "TrainingJob": ("Sagemaker training job", "jobs"),
    "ProcessingJob": ("Sagemaker processing job", "processing-jobs"),
    "TransformJob": ("Sagemaker transform job", "transformJobs"),
    "HyperParameterTuningJob": ("Sagemaker tuning job", "hyper-tuning-jobs"),
    "Model": ("Sagemaker model", "models"),
    "EndpointConfig": ("Sagemaker endpoint configuration", "endpointConfig"),
    "Endpoint": ("Sagemaker endpoint", "endpoints"),
}
"""What ``create...`` makes: its name in the table, and its page in the console."""

_HEADINGS = ["ID", "Type", "Step", "Resource", "Elapsed Time (ms)", "Timestamp"]


class EventsTableWidget:
    """History events as a table; the events stay as they are.

    Args:
        events: events of GetExecutionHistory, the oldest first.
    """

    def __init__(self, events: Sequence[Mapping[str, Any]]) -> None:
        self.events = events
        self._by_id = {event.get("id"): event for event in events}

    def show(self) -> str:
        """The table as HTML; each row is followed by one with the event's details."""
        start = self.events[0].get("timestamp") if self.events else None
        return table(_HEADINGS, (part for event in self.events for part in self._rows(event, start)))

    def _rows(self, event: Mapping[str, Any], start: Any) -> list[str]:
        time = event.get("timestamp")
        resource, address = self._resource(event)
        cells = [
            cell(event.get("id", "")),
            cell(event.get("type", "")),
            cell(self._step(event)),
            link(address, resource),
            cell("-" if start is None or time is None else get_elapsed_ms(start, time)),
            cell(format_time(time)),
        ]
        text = json.dumps(_unpacked(_details(event)), indent=4, default=str, ensure_ascii=False)
        detail = f'<tr><td class="execution-event-detail" colspan="6"><pre>{escape(text)}</pre></td></tr>'
        return [row(cells), detail]

    def _step(self, event: Mapping[str, Any]) -> str:
        """Name of the state that an event belongs to: its own, or that of the event it follows from."""
        seen: set[Any] = set()
        node: Mapping[str, Any] | None = event
        while node is not None and not str(node.get("type", "")).startswith("Execution"):
            name = _details(node).get("name")
            if name:
                return str(name)
            seen.add(node.get("id"))
            previous = node.get("previousEventId")
            node = None if previous in seen else self._by_id.get(previous)
        return ""

    def _resource(self, event: Mapping[str, Any]) -> tuple[str, str]:
        """What an event's resource is called, and its address; an address only where the job's name is known."""
        if str(event.get("type", "")).startswith("LambdaFunction"):
            return "Lambda", ""
        details = _details(event)
        resource = str(details.get("resource", ""))
        if not resource:
            return "-", ""
        if details.get("resourceType") != "sagemaker":
            return f"{details.get('resourceType', '')}:{resource}", ""
        kind = resource.removeprefix("create").removeprefix("update").partition(".")[0]
        label, page = _PAGES.get(kind, (resource, ""))
        name = self._job_name(event, f"{kind}Name")
        return label, sagemaker_console_link(page, name) if page and name else ""

    def _job_name(self, event: Mapping[str, Any], key: str) -> str:
        """The job's name, from the parameters that the task was scheduled with."""
        node: Mapping[str, Any] | None = event
        for _ in range(len(self.events)):
            if node is None or not str(node.get("type", "")).startswith("Task"):
                return ""
            parameters = _loaded(_details(node).get("parameters"))
            if isinstance(parameters, dict):
                return str(parameters.get(key, ""))
            node = self._by_id.get(node.get("previousEventId"))
        return ""


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The details of an event, whatever its type."""
    return next((v for k, v in event.items() if k.endswith("EventDetails") and isinstance(v, Mapping)), {})


def _unpacked(value: Any) -> Any:
    """Details with the JSON in their texts unpacked; a copy."""
    if isinstance(value, Mapping):
        return {key: _unpacked(item) if isinstance(item, Mapping) else _loaded(item) for key, item in value.items()}
    return _loaded(value)


def _loaded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
