"""One job while it is worked on: its request, folder, description, and how the description changes.

Owns the rules of statuses, times and reasons that all kinds share; what a job does stands in the module of its kind.
"""

from __future__ import annotations

import contextlib
import copy
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mlflowsteps.local.jobs.cluster import instances_of
from mlflowsteps.local.jobs.container import Container, Record, Services
from mlflowsteps.local.jobs.failures import clip_reason, plain
from mlflowsteps.local.jobs.folders import JobFolder
from mlflowsteps.local.jobs.kinds import PROCESSING, TRAINING, TUNING, Kind
from mlflowsteps.local.jobs.process import Command, Control, Ending, kill_marked

__all__ = ["LOCAL_KEY", "MOST_INSTANCES", "Job", "Record", "Services"]

LOCAL_KEY = "LocalRun"
"""A key of descriptions that the API does not have: LogFile, Folder and PathMode. botocore's parser drops it."""

MOST_INSTANCES = 20
"""A job's instances are processes side by side on this machine."""


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
        save: stores ``record``; returns what tells those who wait for the job's end.
        alone: one instance does the work of all, whatever the request asks for.
    """

    kind: Kind
    name: str
    request: Record
    folder: JobFolder
    services: Services
    control: Control
    record: Record
    save: Callable[[], Callable[[], None]]
    alone: bool = False
    begun: float = field(default_factory=time.monotonic)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def description(self) -> Record:
        """The Describe* response so far; change it by ``update`` and its like only."""
        found: Record = self.record["Description"]
        return found

    def _change(self, make: Callable[[Record], Record]) -> None:
        """Change the description in one go (others stop the job meanwhile), store it, and tell who waits."""
        with self.lock:
            changes = make(self.description)
            self.description.update(changes)
            if self.kind.name in _WITH_LAST_MODIFIED:
                self.description["LastModifiedTime"] = self.services.clock.now()
            tell = self.save()
        tell()

    def update(self, **changes: object) -> None:
        """Change the description and store it."""
        self._change(lambda _: changes)

    def enter(self, secondary: str, message: str) -> None:
        """A training job enters a secondary status; the other kinds have none."""
        if self.kind.name == TRAINING:
            self._change(lambda known: self._transition(known, secondary, message, self.services.clock.now()))

    @staticmethod
    def _transition(known: Record, secondary: str, message: str, now: float) -> Record:
        rows: list[Record] = copy.deepcopy(known.get("SecondaryStatusTransitions", []))
        if rows:
            rows[-1].setdefault("EndTime", now)
        rows.append({"Status": secondary, "StartTime": now, "StatusMessage": message})
        return {"SecondaryStatus": secondary, "SecondaryStatusTransitions": rows}

    def start_clock(self) -> None:
        """The job's time begins to count."""
        self.begun = time.monotonic()
        self.update(**{self._time_key("StartTime"): self.services.clock.now()})

    def stop(self) -> None:
        """Ask for the job's end; it is Stopping until its processes have ended."""

        def stopping(known: Record) -> Record:
            if known[self.kind.status_key] != "InProgress":
                return {}
            changes: Record = {self.kind.status_key: "Stopping"}
            if self.kind.name == TRAINING:
                changes |= self._transition(known, "Stopping", "Stopping the training job", self.services.clock.now())
            return changes

        self._change(stopping)
        self.control.stop()

    def finish(self, status: str, secondary: str, *, reason: str | None = None) -> None:
        """Set the final status, times and reason."""
        now = self.services.clock.now()

        def finished(known: Record) -> Record:
            changes: Record = {self.kind.status_key: status, self._time_key("EndTime"): now}
            if reason is not None:
                changes["FailureReason"] = reason
            if self.kind.name == TRAINING:
                changes |= self._transition(known, secondary, _MESSAGES[status].format(log=self.folder.log), now)
                changes["SecondaryStatusTransitions"][-1]["EndTime"] = now
            if "TrainingStartTime" in known:
                seconds = max(1, math.ceil(time.monotonic() - self.begun))
                changes |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
            return changes

        self._change(finished)

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
        """How many instances of the program run."""
        return 1 if self.alone else instances_of(self.request)

    def run(
        self,
        commands: Sequence[Command],
        *,
        tick: Callable[[], None] | None = None,
    ) -> Ending:
        """Start the commands, one an instance, and wait for their end, their time-out or a stop."""
        self.control.check()
        if self.request.get("EnableNetworkIsolation") or (self.request.get("NetworkConfig") or {}).get(_ISOLATED):
            self.folder.note("EnableNetworkIsolation has no effect here: the job reaches what this machine reaches")
        for command in commands:
            self.folder.note(f"run {list(command.argv)} in {command.cwd} (path mode {self.services.mode})")
        processes = self.control.start(commands, self.folder.processes)
        try:
            limit = (self.request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", 86400)
            ending = self.control.wait(processes, max_runtime_seconds=float(limit), tick=tick)
        finally:
            self.control.terminate(processes, 0.0)
            if left := kill_marked(self.folder.path):
                self.folder.note(f"{left} processes that the job left running were killed, as with a container")
        self.folder.note(f"ended with exit code {ending.code}" + (f", {ending.stopped}" if ending.stopped else ""))
        return ending

    def read_result(self, path: str, limit: int = 1024) -> str | None:
        """The beginning of a file that the job may have written, such as ``/opt/ml/output/failure``."""
        file = self.folder.inside(path)
        with contextlib.suppress(OSError):
            if file.is_file():  # a pipe would be waited for
                with file.open("rb") as stream:
                    return plain(stream.read(limit).decode("utf-8", "replace")).strip() or None
        return None


_ISOLATED = "EnableNetworkIsolation"
_WITH_LAST_MODIFIED = frozenset({TRAINING, PROCESSING, TUNING})
_MESSAGES = {
    "Completed": "Training job completed. Log: {log}",
    "Failed": "Training job failed. Log: {log}",
    "Stopped": "Training job stopped. Log: {log}",
}
