"""Every exception of mlflowsteps, and what each says about who must act.

::

    Exception
    └── MlflowStepsError                 base of all of them
        ├── DefinitionError              the author: all faults of a definition; a ValueError, as the next four
        ├── InvalidInput                 the caller: the execution input does not fit its schema
        ├── InvalidExpression            the author: a path, intrinsic function, choice rule or JSONata
        ├── FolderVersionError           the user: the folder is no runtime's, or a newer release's
        ├── StoreVersionError            the user: the store is none of ours, or a newer release's
        ├── ExecutionFailed              the reader of an output: the execution did not succeed
        ├── WorkflowNotFound             the caller: the workflow was not created yet
        ├── WorkflowExists               the caller: the name is taken by another definition; update() changes it
        ├── MissingRequiredParameter     the author: a step lacks an argument it cannot do without
        ├── DuplicateStatesInChain       the author: one state stands twice in a chain
        ├── RuntimeBusy                  the user: the runtime's folder is open already
        ├── RuntimeClosed                the user: the runtime was closed
        ├── StatesError                  the language: error name and cause; stays inside the engine
        │   ├── PathError                a definite path found nothing
        │   └── LocatedError             an expression failed, in a field that is named
        └── ServiceError                 a service: code and message; becomes botocore's ClientError

An argument of the wrong type or value raises Python's TypeError or ValueError, a call that AWS or the local runtime
refuses botocore's ClientError. What one module raises for another of its room to catch stands beside it, not here.

This room owns the exceptions and nothing else; it imports nothing of the package.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = [
    "DefinitionError",
    "Diagnostic",
    "DuplicateStatesInChain",
    "ExecutionFailed",
    "FolderVersionError",
    "InvalidExpression",
    "InvalidInput",
    "LocatedError",
    "MissingRequiredParameter",
    "MlflowStepsError",
    "PathError",
    "RuntimeBusy",
    "RuntimeClosed",
    "ServiceError",
    "StatesError",
    "StoreVersionError",
    "WorkflowExists",
    "WorkflowNotFound",
]


class MlflowStepsError(Exception):
    """Base of this package's exceptions; they can be copied and sent to another process."""

    def __reduce__(self) -> tuple[object, ...]:
        # Exception's own calls the class with its message, which those with arguments of their own do not take.
        return _remade, (type(self), self.args, self.__dict__.copy())


def _remade(kind: type[MlflowStepsError], args: tuple[object, ...], state: dict[str, object]) -> MlflowStepsError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault of a definition, and how to mend it.

    Args:
        code: the service's own code where it has one (``MISSING_TRANSITION_TARGET``), else ours.
        pointer: JSON pointer (RFC 6901) into the definition; empty for the whole of it.
        message: what is wrong, with the value found.
        hint: what to write instead; empty where the message says it already.
        severity: ``ERROR`` or ``WARNING``.
    """

    code: str
    pointer: str
    message: str
    hint: str = ""
    severity: str = "ERROR"

    def __str__(self) -> str:
        place = self.pointer or "definition"
        hint = f" Fix: {self.hint}" if self.hint else ""
        return f"{place}: {self.message} [{self.code}]{hint}"


class DefinitionError(MlflowStepsError, ValueError):
    """A definition with faults; ``diagnostics`` holds every one of them, not just the first."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        count = len(self.diagnostics)
        head = "The definition has 1 fault:" if count == 1 else f"The definition has {count} faults:"
        super().__init__("\n".join([head, *(f"  {d}" for d in self.diagnostics)]))


class InvalidInput(MlflowStepsError, ValueError):
    """An execution input that does not fit its schema, or is no JSON; the message lists every fault."""


class InvalidExpression(MlflowStepsError, ValueError):
    """A path, intrinsic function, choice rule or JSONata expression that cannot be compiled.

    Args:
        text: the expression.
        reason: what is wrong with it, as a sentence without a full stop.
        position: index into ``text`` where it goes wrong; None where there is no one place.
        hint: what to write instead; empty where there is nothing to say.
    """

    def __init__(self, text: str, reason: str, position: int | None = None, hint: str = "") -> None:
        self.text, self.reason, self.position, self.hint = text, reason, position, hint
        where = "" if position is None else f" at character {position}"
        super().__init__(f"{_shortened(text)!r}: {reason}{where}")


def _shortened(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


class FolderVersionError(MlflowStepsError, ValueError):
    """The folder is no local runtime's, or was written by a newer release."""


class StoreVersionError(MlflowStepsError, ValueError):
    """The file is no store of ours, or one that a newer release wrote."""


class ExecutionFailed(MlflowStepsError):
    """The output of an execution was asked for, but it did not succeed.

    Args:
        status: FAILED, TIMED_OUT or ABORTED.
        error: the error's name; None where there is none.
        cause: the cause, in full; None where there is none. The message shows a job's FailureReason alone.
        execution_arn: which execution.
        state: name of the state that failed; None where the history does not tell.
        log_file: path of the failed job's log; None where there is none.
    """

    def __init__(
        self,
        status: str,
        error: str | None,
        cause: str | None,
        execution_arn: str,
        state: str | None = None,
        log_file: str | None = None,
    ) -> None:
        self.status, self.error, self.cause = status, error, cause
        self.execution_arn, self.state, self.log_file = execution_arn, state, log_file
        name = execution_arn.rsplit(":", 1)[-1]
        where = f" in state {state!r}" if state else ""
        lines = [f"Execution {name} ended {status}{where}: {error or 'no error name'}"]
        reason = _reason(cause)
        if reason:
            lines.append(f"  reason: {reason}")
        elif cause:
            lines.append(f"  cause: {cause}")
        if log_file:
            lines.append(f"  log: {log_file}")
        super().__init__("\n".join(lines))


def _reason(cause: str | None) -> str | None:
    """Why it failed, where the cause is the whole description of a job that says so; None elsewhere.

    >>> _reason('{"TrainingJobName": "x", "FailureReason": "AlgorithmError: Exit Code: 1"}')
    'AlgorithmError: Exit Code: 1'
    """
    try:
        found = json.loads(cause or "")
    except (ValueError, RecursionError):
        return None
    reason = found.get("FailureReason") if isinstance(found, dict) else None
    return reason if isinstance(reason, str) else None


class WorkflowNotFound(MlflowStepsError):
    """A call that needs a created workflow was made on one that has no ARN yet."""


class WorkflowExists(MlflowStepsError):
    """A workflow of this name exists with another definition or role; ``upsert`` changes it.

    Args:
        name: the workflow's name.
        state_machine_arn: ARN of the one that exists.
        what: what differs, such as ``definition and role``.
    """

    def __init__(self, name: str, state_machine_arn: str, what: str) -> None:
        self.name, self.state_machine_arn, self.what = name, state_machine_arn, what
        ways = "Choose another name, or delete that one first: a type cannot be changed."
        if "type" not in what:
            ways = "To make it what this one is, call upsert() instead of create(); to keep both, choose another name."
        super().__init__(f"A workflow named {name!r} exists with a different {what} ({state_machine_arn}). {ways}")


class MissingRequiredParameter(MlflowStepsError):
    """A step or template lacks a parameter that it cannot do without."""


class DuplicateStatesInChain(MlflowStepsError):
    """One state was put into a chain twice."""


class RuntimeBusy(MlflowStepsError):
    """The runtime's folder is open already: in another process, or in this one.

    Args:
        root: the folder.
        pid: the owner's process id; None where it cannot be read.
    """

    def __init__(self, root: str, pid: int | None) -> None:
        self.root, self.pid = root, pid
        where = (
            f"is open in this process ({pid}) already. Go on with that LocalRuntime, close() it first"
            if pid == os.getpid()
            else f"is in use by process {pid or 'unknown'}. Close it there"
        )
        super().__init__(
            f"The local runtime in {root} {where}, choose another folder, or open it with read_only=True to list, "
            "describe and read."
        )


class RuntimeClosed(MlflowStepsError):
    """The runtime was closed; open a new LocalRuntime on the same folder to go on."""


class StatesError(MlflowStepsError):
    """An error of the language itself, such as ``States.Timeout``; the engine turns it into events.

    Args:
        error: error name.
        cause: cause; None where the service gives none.
    """

    def __init__(self, error: str, cause: str | None = None) -> None:
        self.error, self.cause = error, cause
        super().__init__(f"{error}: {cause}" if cause else error)


class PathError(StatesError):
    """A definite path found nothing. Its cause is the wording of InputPath and its like.

    Args:
        path: the path's text.
        detail: what was not found, such as ``No results for path: $['a']``.
        past_end: the path's last segment is an index beyond the end of an array that is there.
    """

    def __init__(self, path: str, detail: str, *, past_end: bool = False) -> None:
        self.path, self.detail, self.past_end = path, detail, past_end
        super().__init__("States.Runtime", f"Invalid path '{path}' : {detail}")


class LocatedError(StatesError):
    """An error of an expression, with the field it stands in; histories show it as EvaluationFailed.

    Args:
        error: error name.
        cause: cause.
        location: the field, such as ``Arguments/Name``; None where there is no one field.
    """

    def __init__(self, error: str, cause: str, location: str | None) -> None:
        super().__init__(error, cause)
        self.location = location


class ServiceError(MlflowStepsError):
    """What a simulated service answers in place of a result; clients see botocore's ClientError.

    Args:
        code: the service's error code, such as ``ResourceInUse``.
        message: for a person: the value and the fix.
        status: HTTP status.
        details: further members of the error, as the service's model names them.
    """

    def __init__(self, code: str, message: str, status: int = 400, details: Mapping[str, object] | None = None) -> None:
        self.code, self.message, self.status = code, message, status
        self.details = dict(details or {})
        super().__init__(f"{code}: {message}")
