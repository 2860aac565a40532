"""One job while it is worked on: its request, folder, description, and how the description changes.

Owns the rules of statuses, times and reasons that all kinds share; what a job does stands in the module of its kind.
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mlflowsteps.local.jobs.container import Container, Record, Services
from mlflowsteps.local.jobs.failures import clip_reason
from mlflowsteps.local.jobs.folders import JobFolder
from mlflowsteps.local.jobs.kinds import PROCESSING, TRAINING, Kind
from mlflowsteps.local.jobs.process import Command, Control, Ending, remember

__all__ = ["LOCAL_KEY", "Job", "Record", "Services"]

LOCAL_KEY = "LocalRun"
"""A key of descriptions that the API does not have: LogFile, Folder and PathMode. botocore's parser drops it."""


@dataclass(eq=False)
class Job:
    """A job, from its creation or resumption to its end.

    Args:
        kind: its kind.
        name: as the user wrote it.
        request: the Create* request.
        folder: its folder.
        services: the runtime's parts.
        control: how others stop it.
        record: what is stored: Request, Origin, Description.
        save: stores ``record``.
    """

    kind: Kind
    name: str
    request: Record
    folder: JobFolder
    services: Services
    control: Control
    record: Record
    save: Callable[[], None]
    begun: float = field(default_factory=time.monotonic)

    @property
    def description(self) -> Record:
        """The Describe* response so far; change it by ``update`` only."""
        found: Record = self.record["Description"]
        return found

    def update(self, **changes: object) -> None:
        """Change the description and store it."""
        self.description.update(changes, LastModifiedTime=self.services.clock.now())
        if self.kind.name not in _WITH_LAST_MODIFIED:
            self.description.pop("LastModifiedTime")
        self.save()

    def enter(self, secondary: str, message: str) -> None:
        """A training job enters a secondary status; the other kinds have none."""
        if self.kind.name == TRAINING:
            rows = self._transitions(secondary, message, self.services.clock.now())
            self.update(SecondaryStatus=secondary, SecondaryStatusTransitions=rows)

    def _transitions(self, secondary: str, message: str, now: float) -> list[Record]:
        rows: list[Record] = copy.deepcopy(self.description.get("SecondaryStatusTransitions", []))
        if rows:
            rows[-1].setdefault("EndTime", now)
        rows.append({"Status": secondary, "StartTime": now, "StatusMessage": message})
        return rows

    def start_clock(self) -> None:
        """The job's time begins to count."""
        self.begun = time.monotonic()
        self.update(**{self._time_key("StartTime"): self.services.clock.now()})

    def finish(self, status: str, secondary: str, *, reason: str | None = None) -> None:
        """Set the final status, times and reason."""
        now = self.services.clock.now()
        changes: Record = {self.kind.status_key: status, self._time_key("EndTime"): now}
        if reason is not None:
            changes["FailureReason"] = reason
        if self.kind.name == TRAINING:
            if "TrainingStartTime" in self.description:
                seconds = max(1, math.ceil(time.monotonic() - self.begun))
                changes |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
            rows = self._transitions(secondary, _MESSAGES[status].format(log=self.folder.log), now)
            rows[-1]["EndTime"] = now
            changes |= {"SecondaryStatus": secondary, "SecondaryStatusTransitions": rows}
        self.update(**changes)

    def _time_key(self, suffix: str) -> str:
        return self.kind.title.removesuffix("Job") + suffix

    def reason(self, head: str) -> str:
        """A FailureReason with the log's path and end."""
        return clip_reason(head, log_path=str(self.folder.log), tail=self.folder.log_tail())

    @property
    def container(self) -> Container:
        """What runs the job's program."""
        return Container(self.folder, self.services, self.request, self.instances)

    @property
    def instances(self) -> int:
        """How many instances the request asks for."""
        cluster = (self.request.get("ProcessingResources") or {}).get("ClusterConfig")
        found = cluster or self.request.get("ResourceConfig") or {}
        groups = found.get("InstanceGroups") or []
        return int(found.get("InstanceCount") or sum(group["InstanceCount"] for group in groups) or 1)

    def run(
        self,
        commands: Sequence[Command],
        *,
        tick: Callable[[], None] | None = None,
    ) -> Ending:
        """Start the commands, one an instance, and wait for their end, their time-out or a stop."""
        self.control.check()
        for command in commands:
            self.folder.note(f"run {list(command.argv)} in {command.cwd} (path mode {self.services.mode})")
        processes = []
        try:
            processes += [self.control.start(command) for command in commands]
            remember(self.folder.processes, processes)
            limit = (self.request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", 86400)
            ending = self.control.wait(processes, max_runtime_seconds=float(limit), tick=tick)
        finally:
            self.control.terminate(processes, 0.0)
        self.folder.note(f"ended with exit code {ending.code}" + (f", {ending.stopped}" if ending.stopped else ""))
        return ending

    def read_result(self, path: str, limit: int = 1024) -> str | None:
        """The beginning of a file that the job may have written, such as ``/opt/ml/output/failure``."""
        with contextlib.suppress(OSError), self.folder.inside(path).open("rb") as file:
            return file.read(limit).decode("utf-8", "replace").strip() or None
        return None


_WITH_LAST_MODIFIED = frozenset({TRAINING, PROCESSING})
_MESSAGES = {
    "Completed": "Training job completed. Log: {log}",
    "Failed": "Training job failed. Log: {log}",
    "Stopped": "Training job stopped. Log: {log}",
}
