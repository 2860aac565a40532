"""One execution of a workflow: what it was given, what it does, what came of it."""

from __future__ import annotations

import contextlib
import html
import json
import logging
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mlflowsteps.exceptions import ExecutionFailed
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.workflow import history, polling
from mlflowsteps.workflow.client import Connection, StepFunctionsClient, connect

if TYPE_CHECKING:
    import datetime as dt
    from os import PathLike
    from pathlib import Path

    from mlflowsteps.display import EventList, ProgressView
    from mlflowsteps.workflow.following import Follower
    from mlflowsteps.workflow.workflow import Workflow

__all__ = ["Execution", "ExecutionStatus"]


logger = logging.getLogger(__name__)


class ExecutionStatus(StrEnum):
    """How an execution stands; each is equal to the API's text."""

    Running = "RUNNING"
    Succeeded = "SUCCEEDED"
    Failed = "FAILED"
    TimedOut = "TIMED_OUT"
    Aborted = "ABORTED"
    PendingRedrive = "PENDING_REDRIVE"

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise ValueError(f"{value!r} is no status of an execution; write one of {', '.join(cls)}")

    @property
    def ended(self) -> bool:
        """True where nothing more will happen."""
        return self not in (ExecutionStatus.Running, ExecutionStatus.PendingRedrive)


class Execution:
    """One execution of a workflow; ``Workflow.execute`` and ``list_executions`` give them.

    Args:
        workflow: the workflow.
        execution_arn: ARN of the execution.
        start_date: when it began.
        status: how it stood when it was last looked at.
        client: as ``Workflow``'s; the workflow's where left out.
        name: its name; the ARN's last part where left out.
        stop_date: when it ended; None where it runs, or it is not known.
        description: of one that has ended and that the service cannot describe: StartSyncExecution's response.
    """

    def __init__(
        self,
        workflow: Workflow,
        execution_arn: str,
        start_date: dt.datetime | None,
        status: ExecutionStatus | str,
        client: object = None,
        name: str | None = None,
        stop_date: dt.datetime | None = None,
        *,
        description: dict[str, Any] | None = None,
    ) -> None:
        self.workflow, self.execution_arn = workflow, execution_arn
        self.start_date, self.stop_date = start_date, stop_date
        self.status = ExecutionStatus(status)
        self.name = name if name is not None else _name_of(execution_arn)
        self._connection: Connection | None = None if client is None else connect(client)
        self._description = description
        self._definition: dict[str, Any] | None = None

    @property
    def client(self) -> StepFunctionsClient:
        """The client that is asked."""
        return self._connected.client

    @property
    def _connected(self) -> Connection:
        return self._connection or self.workflow.connection

    def describe(self) -> dict[str, Any]:
        """Ask how the execution stands; ``status`` and ``stop_date`` follow.

        Returns:
            DescribeExecution's response: name, status, startDate, stopDate, input, output, error, cause and more.
        """
        found = self._description or self.client.describe_execution(executionArn=self.execution_arn)
        self.status = ExecutionStatus(found.get("status", self.status))
        self.start_date = found.get("startDate", self.start_date)
        self.stop_date = found.get("stopDate")  # one that was redriven has none any more
        return found

    def stop(self, cause: str | None = None, error: str | None = None) -> dict[str, Any]:
        """End the execution; it becomes ABORTED.

        Args:
            cause: why, for a person.
            error: an error's name.

        Returns:
            StopExecution's response: stopDate.
        """
        given = {key: value for key, value in (("cause", cause), ("error", error)) if value is not None}
        return self.client.stop_execution(executionArn=self.execution_arn, **given)

    def redrive(self, client_token: str | None = None) -> dict[str, Any]:
        """Let a failed, aborted or timed-out execution go on where it failed; it becomes RUNNING again.

        Args:
            client_token: text by which the service knows a request that is sent twice.

        Returns:
            RedriveExecution's response: redriveDate.
        """
        given = {} if client_token is None else {"clientToken": client_token}
        found = self.client.redrive_execution(executionArn=self.execution_arn, **given)
        self.status, self.stop_date = ExecutionStatus.Running, None
        return found

    def definition(self) -> dict[str, Any]:
        """The definition that the execution began with, which may not be the workflow's any more.

        Returns:
            The dict; the workflow's own where the service tells none, as for executions of EXPRESS workflows.
        """
        if self._definition is None:
            self._definition = self._told_definition() or self.workflow.definition.to_dict()
        return self._definition

    def _told_definition(self) -> dict[str, Any] | None:
        """The definition by the service; None where it refuses to tell."""
        if self._description is not None or not hasattr(self.client, "describe_state_machine_for_execution"):
            return None
        from botocore.exceptions import ClientError

        try:
            found = self.client.describe_state_machine_for_execution(executionArn=self.execution_arn)
        except ClientError as error:  # no permission, EXPRESS, deleted: the picture is drawn all the same
            logger.info("The definition of %s is not told: %s", self.execution_arn, error)
            return None
        definition: dict[str, Any] = json.loads(found["definition"])
        return definition

    def wait(self, timeout: float | None = None) -> ExecutionStatus:
        """Wait until the execution has ended.

        A local runtime wakes the caller; AWS is asked at intervals that grow from half a second to 15 seconds.

        Args:
            timeout: seconds; None: as long as it takes.

        Returns:
            The status, be it success or failure.

        Raises:
            TimeoutError: it still ran after ``timeout`` seconds.
        """
        self._wait(timeout)
        return self.status

    def _wait(self, timeout: float | None) -> dict[str, Any]:
        """The description of the ended execution."""
        runtime = self._connected.runtime
        if runtime is not None:
            with contextlib.suppress(KeyError):  # no such execution: the service says so in its own words
                runtime.wait(self.execution_arn, timeout)
            timeout = 0
        found = polling.poll(self._ended, timeout=timeout)
        if found is None:
            raise TimeoutError(
                f"Execution {self.name} still runs ({self.status}). It goes on; wait again, or stop() it."
            )
        return found

    def _ended(self) -> dict[str, Any] | None:
        found = self.describe()
        return found if self.status.ended else None

    def get_input(self) -> Json:
        """What the execution was started with."""
        text = self.describe().get("input")
        return None if text is None else json.loads(text)

    def get_output(self, wait: bool = False) -> Json:
        """What came of the execution.

        Args:
            wait: wait until it has ended.

        Returns:
            The output; None where it still runs.

        Raises:
            ExecutionFailed: it ended otherwise than with success; names state, error, cause and, of a job of the local
                runtime, the log file.
        """
        found = self._wait(None) if wait else self.describe()
        if self.status is ExecutionStatus.Succeeded:
            text = found.get("output")
            return None if text is None else json.loads(text)
        if self.status.ended:
            raise self._failure(found)
        return None

    def _failure(self, found: dict[str, Any]) -> ExecutionFailed:
        return ExecutionFailed(
            str(self.status),
            found.get("error"),
            found.get("cause"),
            self.execution_arn,
            None if self._description else history.failed_state(self._events(reverse=True)),
            history.log_file(found.get("cause")),
        )

    def events(self, *, reverse: bool = False) -> Iterator[dict[str, Any]]:
        """Every event of the history, asked for page by page as they are taken.

        Args:
            reverse: the last one first.
        """
        return self._events(reverse=reverse)

    def _events(self, *, reverse: bool = False, max_items: int | None = None) -> Iterator[dict[str, Any]]:
        """The history's events, page by page as they are taken."""
        pages = self.client.get_paginator("get_execution_history").paginate(
            executionArn=self.execution_arn,
            reverseOrder=reverse,
            PaginationConfig={"MaxItems": max_items, "PageSize": 1000},
        )
        return (event for page in pages for event in page["events"])

    def list_events(self, max_items: int = 100, reverse_order: bool = False, html: bool = False) -> EventList:
        """The history's events.

        Args:
            max_items: most events.
            reverse_order: the last one first.
            html: for notebooks and files: the list shows itself as a table.

        Returns:
            A list of the API's events, unchanged, with ``to_html()`` and ``to_text()``.
        """
        from mlflowsteps.display import EventList

        rows = list(self._events(reverse=reverse_order, max_items=max_items))
        return EventList(
            rows,
            definition=self.workflow.definition.to_dict(),
            links=not self._connected.local,
            note=_shown(len(rows), max_items, "events"),
            html=html,
            start=self.start_date,
        )

    def render_progress(
        self,
        portrait: bool | None = None,
        max_events: int = 25000,
        *,
        follow: bool = False,
        poll: float = 2.0,
        logs: object = None,
        collapse: bool | None = None,
    ) -> ProgressView:
        """A picture of how the execution stands.

        Args:
            portrait: True: from top to bottom; False: from left to right; None: whichever suits.
            max_events: most events to look at.
            follow: show it again whenever something changes, until the execution has ended.
            poll: seconds between two looks at first; they grow to 15 while nothing happens.
            logs: boto3's CloudWatch Logs client, to show the last lines of a SageMaker job's log. A local runtime's
                jobs need none.
            collapse: draw Parallel and Map closed; None: only in workflows of more than 150 states.

        Returns:
            The picture, which shows itself in a notebook, saves itself (``save("progress.html")``) and prints as text.
        """
        follower = self._follower(portrait, max_events, logs, collapse)
        if follow:
            return self._follow(follower, poll)
        follower.look()
        return follower.view()

    def watch(self, portrait: bool | None = None, *, poll: float = 2.0, logs: object = None) -> ProgressView:
        """Show the execution until it has ended: ``render_progress(follow=True)``.

        Interrupting ends the watching, never the execution.
        """
        return self.render_progress(portrait, follow=True, poll=poll, logs=logs)

    def report(
        self, path: str | PathLike[str] = "report.html", *, max_events: int = 25000, logs: object = None
    ) -> Path:
        """Write all about the execution into one file that needs nothing outside itself.

        Graph, timeline, steps, inputs and outputs, the jobs' metrics and training curves, the definition, package
        versions, platform, and the commit of the folder it is called in.

        Args:
            path: an ``.html`` file; replaced where it exists.
            max_events: most events to look at.
            logs: boto3's CloudWatch Logs client, for training curves from jobs on AWS; a local runtime's need none.

        Returns:
            The path.

        Raises:
            ValueError: another suffix.
            OSError: the file cannot be written.
        """
        from mlflowsteps.workflow.job_logs import JobLogs
        from mlflowsteps.workflow.reporting import make_report

        follower = self._follower(None, max_events, logs)
        follower.look()
        return make_report(follower.view(), JobLogs(self._connected, logs)).save(path)

    def _follower(self, portrait: bool | None, max_events: int, logs: object, collapse: bool | None = None) -> Follower:
        from mlflowsteps.workflow.following import Follower
        from mlflowsteps.workflow.job_logs import JobLogs

        return Follower(
            self.client,
            self.execution_arn,
            self.describe,
            self.definition(),
            max_events=max_events,
            links=not self._connected.local,
            portrait=portrait,
            collapse=collapse,
            logs=JobLogs(self._connected, logs),
        )

    def _follow(self, follower: Follower, poll: float) -> ProgressView:
        from mlflowsteps.display import Live

        pace = polling.Pace(poll)
        with Live() as live:
            try:
                while True:
                    notes = self._look(follower, pace)
                    view = follower.view(*notes)
                    live.update(view)
                    if self.status.ended and not notes:
                        return view
                    self._rest(pace.next())
            except KeyboardInterrupt:
                if self.status.ended:  # there was nothing left to watch: the interrupt is meant for the program
                    raise
                view = follower.view(
                    "Watching was interrupted; the execution goes on. Call watch() again, or stop() it."
                )
                live.update(view)
                return view

    def _look(self, follower: Follower, pace: polling.Pace) -> list[str]:
        """Look once; a fault that will pass becomes a line to show, and the next look comes later."""
        try:
            if follower.look():
                pace.restart()
        except Exception as error:
            if not polling.is_passing(error):
                raise
            return [f"The service could not be asked just now; trying again: {error}"]
        return []

    def _rest(self, seconds: float) -> None:
        """Wait so long; a local runtime wakes us when the execution ends."""
        runtime = self._connected.runtime
        if runtime is not None:
            runtime.wait(self.execution_arn, seconds)
        else:
            polling.pause(seconds)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(execution_arn={self.execution_arn!r}, name={self.name!r}, "
            f"status={str(self.status)!r}, start_date={self.start_date!r})"
        )

    def _repr_html_(self) -> str:
        from mlflowsteps.display.links import execution_link

        address = "" if self._connected.local else execution_link(self.execution_arn)
        return f"Execution: {linked(address, self.execution_arn)}"


def linked(address: str, label: str) -> str:
    """HTML: the label as text, and as a link where there is an address."""
    shown = html.escape(label)
    return f'<a target="_blank" rel="noopener" href="{html.escape(address)}">{shown}</a>' if address else shown


def _name_of(execution_arn: str) -> str:
    """An execution's name; in the ARN of an express one an id follows it."""
    parts = execution_arn.split(":")
    return parts[7] if len(parts) > 8 and parts[5] == "express" else parts[-1]


def _shown(count: int, max_items: int | None, what: str) -> str:
    """What a list says where it may be cut."""
    return f"showing {count} {what}; there may be more: raise max_items" if count == max_items else ""
