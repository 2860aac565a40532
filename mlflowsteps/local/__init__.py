"""Step Functions, SageMaker, S3 and Lambda on this machine: the embedded runtime.

``LocalRuntime`` is loaded when it is first asked for; importing this package starts and loads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflowsteps.local.active import active

if TYPE_CHECKING:
    from mlflowsteps.local.clock import SystemClock, VirtualClock
    from mlflowsteps.local.runtime import LocalRuntime

__all__ = ["LocalRuntime", "SystemClock", "VirtualClock", "active"]


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name == "LocalRuntime":
        from mlflowsteps.local.runtime import LocalRuntime

        return LocalRuntime
    if name in ("SystemClock", "VirtualClock"):
        from mlflowsteps.local import clock

        return getattr(clock, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
