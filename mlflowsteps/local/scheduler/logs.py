"""Logs of executions: one file for each log group, one JSON object on each line, as CloudWatch Logs is given them.

Owns which events a level takes, what a line holds, and where it is written. A line is written once its event is stored;
what a crash kept from being written is added when the execution is taken up again.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflowsteps.asl.events import details_key
from mlflowsteps.local.records import Json

__all__ = ["ExecutionLogs", "LogSettings"]

logger = logging.getLogger(__name__)

_ERROR = re.compile(r".*(Failed|Aborted|TimedOut)|FailStateEntered")
_FATAL = re.compile(r"Execution(Failed|Aborted|TimedOut)")
_TAKES = {"ALL": re.compile(r".*"), "ERROR": _ERROR, "FATAL": _FATAL}
_PAYLOADS = frozenset({"input", "output", "inputDetails", "outputDetails", "parameters", "assignedVariables",
                       "assignedVariablesDetails"})  # fmt: skip
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What of an execution is logged, and where.

    Args:
        level: ALL, ERROR or FATAL.
        include_data: with payloads.
        file: name of the file.
    """

    level: str
    include_data: bool
    file: str

    @classmethod
    def of(cls, configuration: Mapping[str, Any] | None) -> LogSettings | None:
        """The settings of a logging configuration; None where nothing is logged.

        >>> group = {"logGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:/aws/states/demo:*"}
        >>> LogSettings.of({"level": "ERROR", "destinations": [{"cloudWatchLogsLogGroup": group}]})
        LogSettings(level='ERROR', include_data=False, file='aws-states-demo.jsonl')
        """
        given = configuration or {}
        level, destinations = given.get("level", "OFF"), given.get("destinations") or []
        if level not in _TAKES or not destinations:
            return None
        arn = destinations[0]["cloudWatchLogsLogGroup"]["logGroupArn"]
        name = _UNSAFE.sub("-", arn.partition(":log-group:")[2].removesuffix(":*")).strip("-.") or "log"
        return cls(level, bool(given.get("includeExecutionData")), f"{name[:200]}.jsonl")


class ExecutionLogs:
    """Writes the logs of executions. Safe to use from several threads; writing never raises.

    Args:
        folder: where the files are; made when a first line is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def write(self, settings: LogSettings, execution_arn: str, events: Iterable[Mapping[str, Json]]) -> None:
        """Add the lines of events, those that the level takes."""
        takes = _TAKES[settings.level]
        lines = [_line(event, execution_arn, settings) for event in events if takes.fullmatch(event["type"])]
        if not lines:
            return
        data = "".join(lines).encode()
        try:
            with self._lock:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                file = os.open(self._folder / settings.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                with os.fdopen(file, "ab") as stream:
                    stream.write(data)
        except OSError:
            logger.exception("The log of execution %s could not be written", execution_arn)

    def catch_up(self, settings: LogSettings, execution_arn: str, events: Iterable[Mapping[str, Json]]) -> None:
        """Add the lines of events that are stored and were not written."""
        written = self._last_id(settings, execution_arn)
        self.write(settings, execution_arn, (event for event in events if event["id"] > written))

    def _last_id(self, settings: LogSettings, execution_arn: str) -> int:
        path, last = self._folder / settings.file, 0
        if not path.is_file():
            return 0
        with path.open("rb") as stream:
            for line in stream:
                if execution_arn.encode() in line:
                    last = max(last, _id_of(line, execution_arn))
        return last


def _id_of(line: bytes, execution_arn: str) -> int:
    try:
        document = json.loads(line)
        return int(document["id"]) if document["execution_arn"] == execution_arn else 0
    except (ValueError, KeyError, TypeError):  # cut off by a crash
        return 0


def _line(event: Mapping[str, Json], execution_arn: str, settings: LogSettings) -> str:
    details = event.get(details_key(event["type"]) or "") or {}
    if not settings.include_data:
        details = {key: value for key, value in details.items() if key not in _PAYLOADS}
    document = {
        "id": str(event["id"]),
        "type": event["type"],
        "details": details,
        "previous_event_id": str(event["previousEventId"]),
        "event_timestamp": str(round(event["timestamp"] * 1000)),
        "execution_arn": execution_arn,
    }
    return json.dumps(document, separators=(",", ":")) + "\n"
