"""The embedded runtime as a whole: opening and closing its folder, registering, clients.

``local_runtime`` is ``LocalRuntime``, ``folder`` the folder on disk and who owns it, ``services`` what is played and by
whom, ``moto`` the Moto server for what the runtime does not play itself.
"""

from __future__ import annotations

from mlflowsteps.local.runtime.local_runtime import LocalRuntime, runtime_of

__all__ = ["LocalRuntime", "runtime_of"]
