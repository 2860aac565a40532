"""What is known of an execution while it is followed: fetched piece by piece, each event once.

Owns how often the service is asked: at each look one DescribeExecution and, where fewer than 1,000 events are new, one
page of the history, read backwards to the last event known. Waiting is ``polling``'s, showing ``display``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mlflowsteps.display import ProgressView
from mlflowsteps.display.links import job_arn
from mlflowsteps.graph.status import StatusTracker
from mlflowsteps.graph.visits import StateStatus, Visit
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.workflow.polling import is_passing

if TYPE_CHECKING:
    from mlflowsteps.workflow.client import StepFunctionsClient
    from mlflowsteps.workflow.job_logs import JobLogs

__all__ = ["LOG_LINES", "Follower"]

LOG_LINES = 20
"""Last lines of a job's log that a view shows."""

_PAGE = 1000  # most that GetExecutionHistory gives
_MOST_JOBS = 5  # whose logs are read at one look
_LOGGED = ("RUNNING", "RETRYING", "FAILED", "TIMED_OUT", "CAUGHT")


class Follower:
    """One execution, looked at again and again.

    Args:
        client: answers describe_execution, get_execution_history and describe_map_run.
        execution_arn: which.
        describe: asks how the execution stands; one DescribeExecution.
        definition: the state machine's.
        max_events: most events to read.
        links: as in ``ProgressView``.
        portrait: as in ``ProgressView``.
        collapse: as in ``ProgressView``.
        logs: reads jobs' logs.
    """

    def __init__(
        self,
        client: StepFunctionsClient,
        execution_arn: str,
        describe: Callable[[], dict[str, Any]],
        definition: Json,
        *,
        max_events: int,
        links: bool,
        portrait: bool | None,
        logs: JobLogs,
        collapse: bool | None = None,
    ) -> None:
        self._client, self._arn, self._describe, self._logs = client, execution_arn, describe, logs
        self._definition, self._links = definition, links
        self._portrait, self._collapse = portrait, collapse
        self._tracker = StatusTracker(definition)
        self._last, self._room = 0, max_events
        self._map_runs: dict[str, Mapping[str, int]] = {}
        self._description: dict[str, Any] = {}

    def look(self) -> int:
        """Ask what is new.

        Returns:
            The number of new events.
        """
        # Before the events: those of the end are then among them.
        self._description = self._describe()
        added = self._newer()
        self._last = added[-1]["id"] if added else self._last
        self._room -= len(added)
        self._tracker.feed(added)
        return len(added)

    def view(self, *notes: str) -> ProgressView:
        """What is known, as a picture.

        Args:
            notes: lines for its header.
        """
        said = [*notes]
        states = self._tracker.status(self._description.get("status")).states
        self._count_items(states, said)
        logs = self._log_lines(states, said)
        return ProgressView(
            self._definition,
            self._description,
            (),
            portrait=self._portrait,
            collapse=self._collapse,
            notes=said,
            links=self._links,
            tracker=self._tracker,
            map_runs=self._map_runs,
            logs=logs,
        )

    def _newer(self) -> list[dict[str, Any]]:
        """The events after the last one known, oldest first, as many as there is still room for."""
        if self._room <= 0:
            return []
        reverse = self._last > 0
        pages = self._client.get_paginator("get_execution_history").paginate(
            executionArn=self._arn,
            reverseOrder=reverse,
            PaginationConfig={"MaxItems": None if reverse else self._room, "PageSize": _PAGE},
        )
        found: list[dict[str, Any]] = []
        for page in pages:
            events = page["events"]
            found += [event for event in events if event["id"] > self._last]
            if reverse and (not events or events[-1]["id"] <= self._last + 1):
                break  # the last one known, or all that came after it
        return (found[::-1] if reverse else found)[: self._room]

    def _count_items(self, states: Mapping[str, StateStatus], said: list[str]) -> None:
        """Ask after the items of each Distributed Map that had not ended when it was last asked."""
        for state in states.values():
            for visit in state.visits:
                arn = visit.map_run_arn
                if arn is None or (arn in self._map_runs and not visit.open):
                    continue
                try:
                    counts = self._client.describe_map_run(mapRunArn=arn)["itemCounts"]
                except Exception as error:  # noqa: BLE001 - a count is an ornament; the view says that it is missing
                    said.append(f"The items of {state.path} could not be counted: {error}")
                    continue
                self._map_runs[arn] = counts

    def _log_lines(self, states: Mapping[str, StateStatus], said: list[str]) -> dict[str, list[str]]:
        """Last lines of the logs of jobs that run or have failed."""
        found: dict[str, list[str]] = {}
        jobs = [(path, job_arn(visit)) for path, visit in _shown(states) if visit.status in _LOGGED]
        for path, arn in [job for job in jobs if job[1]][-_MOST_JOBS:]:
            try:
                lines = self._logs.lines(arn, LOG_LINES)
            except Exception as error:
                if not is_passing(error) and not _refused(error):
                    raise
                said.append(f"The log of {path} could not be read: {error}")
                continue
            if lines:
                found[path] = lines
        return found


def _shown(states: Mapping[str, StateStatus]) -> list[tuple[str, Visit]]:
    return [(path, state.shown) for path, state in states.items() if state.shown is not None]


def _refused(error: Exception) -> bool:
    """Whether the service answered with an error: of a log, that is told in the view."""
    from botocore.exceptions import ClientError

    return isinstance(error, ClientError)
