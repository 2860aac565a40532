"""Every exception of mlflowsteps, and what each says about who must act.

::

    Exception
    ├── ValueError
    │   ├── DefinitionError      the author: the definition, all of its faults at once
    │   └── InvalidInput         the caller: the execution input does not fit its schema
    ├── ExecutionFailed          the reader of an output: the execution did not succeed
    ├── WorkflowNotFound         the caller: the workflow was not created yet
    ├── WorkflowExists           the caller: the name is taken by another definition; update() changes it
    ├── MissingRequiredParameter the author: a step lacks an argument it cannot do without
    ├── DuplicateStatesInChain   the author: one state stands twice in a chain
    ├── RuntimeBusy              the user: another process owns the runtime's folder
    ├── RuntimeClosed            the user: the runtime was closed
    ├── StatesError              the language: error name and cause; stays inside the engine
    └── ServiceError             a service: code and message; becomes botocore's ClientError

This room owns the exceptions and nothing else; it imports nothing of the package.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = [
    "DefinitionError",
    "Diagnostic",
    "DuplicateStatesInChain",
    "ExecutionFailed",
    "InvalidInput",
    "MissingRequiredParameter",
    "RuntimeBusy",
    "RuntimeClosed",
    "ServiceError",
    "StatesError",
    "WorkflowExists",
    "WorkflowNotFound",
]


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


class DefinitionError(ValueError):
    """A definition with faults; ``diagnostics`` holds every one of them, not just the first."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        count = len(self.diagnostics)
        head = "The definition has 1 fault:" if count == 1 else f"The definition has {count} faults:"
        super().__init__("\n".join([head, *(f"  {d}" for d in self.diagnostics)]))


class InvalidInput(ValueError):
    """An execution input that does not fit its schema, or is no JSON; the message lists every fault."""


class ExecutionFailed(Exception):
    """The output of an execution was asked for, but it did not succeed.

    Args:
        status: FAILED, TIMED_OUT or ABORTED.
        error: the error's name; None where there is none.
        cause: the cause, in full; None where there is none.
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
        if cause:
            lines.append(f"  cause: {cause}")
        if log_file:
            lines.append(f"  log: {log_file}")
        super().__init__("\n".join(lines))


class WorkflowNotFound(Exception):
    """A call that needs a created workflow was made on one that has no ARN yet."""


class WorkflowExists(Exception):
    """A workflow of this name exists with another definition or role; ``update`` changes it.

    Args:
        name: the workflow's name.
        state_machine_arn: ARN of the one that exists.
        what: what differs, such as ``definition and role``.
    """

    def __init__(self, name: str, state_machine_arn: str, what: str) -> None:
        self.name, self.state_machine_arn, self.what = name, state_machine_arn, what
        super().__init__(
            f"A workflow named {name!r} exists with a different {what} ({state_machine_arn}). To change it: "
            f"Workflow.attach({state_machine_arn!r}).update(definition=..., role=...); "
            "to keep both, choose another name."
        )


class MissingRequiredParameter(Exception):
    """A step or template lacks a parameter that it cannot do without."""


class DuplicateStatesInChain(Exception):
    """One state was put into a chain twice."""


class RuntimeBusy(Exception):
    """Another process owns the runtime's folder.

    Args:
        root: the folder.
        pid: the owner's process id; None where it cannot be read.
    """

    def __init__(self, root: str, pid: int | None) -> None:
        self.root, self.pid = root, pid
        super().__init__(
            f"The local runtime in {root} is in use by process {pid or 'unknown'}. Close it there, choose another "
            "folder, or open it with read_only=True to list, describe and read."
        )


class RuntimeClosed(Exception):
    """The runtime was closed; open a new LocalRuntime on the same folder to go on."""


class StatesError(Exception):
    """An error of the language itself, such as ``States.Timeout``; the engine turns it into events.

    Args:
        error: error name.
        cause: cause; None where the service gives none.
    """

    def __init__(self, error: str, cause: str | None = None) -> None:
        self.error, self.cause = error, cause
        super().__init__(f"{error}: {cause}" if cause else error)


class ServiceError(Exception):
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
