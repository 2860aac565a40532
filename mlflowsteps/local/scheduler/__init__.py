"""Carries executions out: folds events, stores them in groups, then has tasks run, timers fire and callers told.

Owns the engine's thread and the worker threads. What an execution does next is the interpreter's to say.
"""

from __future__ import annotations

from mlflowsteps.local.scheduler.engine import milliseconds
from mlflowsteps.local.scheduler.scheduler import Scheduler, TokenError, machine_of

__all__ = ["Scheduler", "TokenError", "machine_of", "milliseconds"]
