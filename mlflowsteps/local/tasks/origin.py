"""Which task a call to one of the runtime's own services is made for.

A handler sets it around its call of a boto3 client. The call is answered on the same thread, so the service sees it and
gives it to what it makes. A task that is begun again after a restart so recognises what it made before, in place of
failing on a name that is taken.
"""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["ORIGIN"]

ORIGIN: ContextVar[str | None] = ContextVar("mlflowsteps_task", default=None)
"""The ``task_id`` of the task that calls; None for any other caller."""
