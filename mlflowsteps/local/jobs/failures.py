"""How the work on a job ends when it does not end well; all of it becomes the job's description in one place."""

from __future__ import annotations

import re

__all__ = ["JobAbandoned", "JobFailure", "JobStopped", "clip_reason", "plain"]

MAX_REASON = 1024
_COLOUR = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")  # a terminal's commands
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TRACE = re.compile(r"\++ ")  # what ``set -x`` of a shell writes, as the drivers of SageMaker SDK 3 do
_MISSING = re.compile(r"ModuleNotFoundError: No module named '([A-Za-z_]\w*)")
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "pyyaml", "PIL": "pillow", "cv2": "opencv-python-headless"}


class JobFailure(Exception):
    """The job fails; ``reason`` becomes its FailureReason.

    Args:
        reason: text, beginning with ``ClientError: ``, ``AlgorithmError: `` or ``InternalServerError: ``.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class JobStopped(Exception):
    """The job was stopped.

    Args:
        secondary: the SecondaryStatus: ``Stopped`` or ``MaxRuntimeExceeded``.
    """

    def __init__(self, secondary: str = "Stopped") -> None:
        self.secondary = secondary
        super().__init__(secondary)


class JobAbandoned(Exception):
    """The runtime is closing: the job stays InProgress and starts again, from scratch, when it is opened again."""


def clip_reason(head: str, *, log_path: str | None = None, tail: str = "") -> str:
    r"""A FailureReason of at most 1,024 characters: why, the log's path, and of the log's end what fits and is new.

    >>> clip_reason("AlgorithmError: Exit Code: 3", log_path="/jobs/a/log.txt", tail="last words")
    'AlgorithmError: Exit Code: 3\nLog: /jobs/a/log.txt\n...last words'
    """
    head, tail = plain(head), _unsaid(plain(tail), plain(head))
    where = _hint(head + tail) + (f"\nLog: {log_path}" if log_path else "")
    head = head[: max(MAX_REASON // 2, MAX_REASON - len(where) - len(tail) - 5)][: MAX_REASON - len(where)]
    room = MAX_REASON - len(head) - len(where) - 4
    if not tail or room < 20:
        return head + where
    return f"{head}{where}\n...{tail[-room:]}"


def plain(text: str) -> str:
    r"""Text without a terminal's colours and control characters.

    >>> plain("\x1b[31mred\x1b[0m\x00, \x07\\n")
    'red, \\n'
    """
    return _CONTROL.sub("", _COLOUR.sub("", text))


def _unsaid(tail: str, head: str) -> str:
    r"""A log's end without the lines that the reason's head holds, and without a shell's trace of its commands.

    >>> _unsaid("Loading\n  File 'a.py'\nKeyError: 'x'\n+++ exit 1", "AlgorithmError: KeyError: 'x'")
    "Loading\n  File 'a.py'"
    """
    lines = [line for line in tail.splitlines() if not _TRACE.match(line)]
    return "\n".join(line for line in lines if line.strip() and line.strip() not in head)


def _hint(text: str) -> str:
    """What to do where an image brings a package that is not here."""
    found = _MISSING.search(text)
    if found is None:
        return ""
    name = _DISTRIBUTIONS.get(found[1], found[1])
    return (
        f"\nHint: an image's own packages are not here; jobs run with the runtime's Python: pip install {name}, or "
        "name it in requirements.txt"
    )
