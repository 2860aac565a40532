"""Which runtime is active in this process; loading it loads nothing else of the engine."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflowsteps.local.runtime import LocalRuntime

__all__ = ["activate", "active", "deactivate"]

_lock = threading.Lock()
_stack: list[LocalRuntime] = []


def activate(runtime: LocalRuntime) -> None:
    """Make ``runtime`` the one that clients left out are taken from, in every thread of this process."""
    with _lock:
        _stack.append(runtime)


def deactivate(runtime: LocalRuntime) -> None:
    """Take back the latest ``activate`` of ``runtime``; nothing happens where there is none."""
    with _lock:
        for index in range(len(_stack) - 1, -1, -1):
            if _stack[index] is runtime:
                del _stack[index]
                return


def active() -> LocalRuntime | None:
    """The runtime activated last and not yet deactivated; None where there is none."""
    with _lock:
        return _stack[-1] if _stack else None
