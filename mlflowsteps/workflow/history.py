"""What an execution's history tells: which state failed, and where its log is.

It reads events as the API gives them and changes none of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["failed_state", "log_file"]

_ENDS = ("ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")
_LOG_LINE = re.compile(r"^Log: (.+)$", re.MULTILINE)


def failed_state(newest_first: Iterable[Mapping[str, Any]]) -> str | None:
    """Name of the state in which an execution failed.

    Args:
        newest_first: the events, the last one first; no more of them are taken than needed.

    Returns:
        The name; None where the history does not tell.
    """
    wanted: int | None = None
    for event in newest_first:
        if wanted is None:
            if event["type"] not in _ENDS:
                return None
            wanted = event.get("previousEventId")
        elif event["id"] == wanted:
            entered = event.get("stateEnteredEventDetails")
            if entered is not None:
                name: str | None = entered.get("name")
                return name
            wanted = event.get("previousEventId")
    return None


def log_file(cause: str | None) -> str | None:
    r"""Path of the failed job's log that a cause names; None where it names none.

    >>> log_file('{"FailureReason": "Exit Code: 3\\nLog: /jobs/a/log.txt\\n...last words"}')
    '/jobs/a/log.txt'
    """
    if not cause:
        return None
    text = cause
    try:
        document = json.loads(cause)
    except ValueError:
        document = None
    if isinstance(document, dict):
        local = document.get("LocalRun")
        if isinstance(local, dict) and isinstance(local.get("LogFile"), str):
            path: str = local["LogFile"]
            return path
        text = str(document.get("FailureReason") or "")
    match = _LOG_LINE.search(text)
    return match[1] if match else None
