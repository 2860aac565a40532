"""Old names: ``install()`` lets ``import stepfunctions`` give this package, so that an old notebook runs as it is.

It owns the alias, and the list of modules that are here only because the old SDK had them. What else differs from the
old SDK stands in the migration guide.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["SHIMS", "install", "uninstall"]

OLD, OURS = "stepfunctions", "mlflowsteps"

SHIMS: dict[str, str] = {
    "inputs.utils": "helpers of inputs.schema",
    "steps.fields": "asl.fields as an enumeration",
    "steps.utils": "steps.tags, steps.integration_resources, and merge_dicts",
    "template.utils": "parameters of a step, replaced by paths",
    "template.pipeline.common": "what template.pipeline.train and .inference share",
    "workflow.cloudformation": "export as a CloudFormation template",
    "workflow.stepfunctions": "workflow.workflow, workflow.execution and display",
    "workflow.utils": "user agent of clients, coloured log lines",
    "workflow.widgets": "display, by the names of the old classes",
    "workflow.widgets.events_table": "history events as an old table",
    "workflow.widgets.executions_table": "executions as an old table",
    "workflow.widgets.graph": "display.GraphView and display.ProgressView by their old names",
    "workflow.widgets.utils": "times and console addresses of the old tables",
    "workflow.widgets.workflows_table": "workflows as an old table",
}
"""Modules that the old SDK had and that are no rooms here, and what stands behind each."""


class _Alias(Loader):
    """Loads one of our modules under an old name; it is the same module object, and keeps its own name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002 - the protocol's signature
        """The module that is there already, or is loaded under its own name."""
        module = importlib.import_module(self.name)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is run again; the machinery has written the alias's spec over the module's."""
        module.__spec__ = self.spec


class _Finder(MetaPathFinder):
    """Finds ``stepfunctions`` and all below it among our modules."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol's signature
        target: ModuleType | None = None,  # noqa: ARG002 - the protocol's signature
    ) -> ModuleSpec | None:
        """The alias; None for names that are not below ``stepfunctions``, or that we have no module for."""
        root, _, rest = fullname.partition(".")
        name = f"{OURS}.{rest}" if rest else OURS
        if root != OLD or importlib.util.find_spec(name) is None:
            return None
        return ModuleSpec(fullname, _Alias(name), is_package=True)


_FINDER = _Finder()


def install() -> None:
    """Let ``import stepfunctions`` give this package, in this process from now on; once more changes nothing.

    Raises:
        RuntimeError: the real ``stepfunctions`` is imported already; objects of both would be mixed.

    >>> install()
    >>> import stepfunctions
    >>> stepfunctions.__name__
    'mlflowsteps'
    >>> uninstall()
    """
    there = sys.modules.get(OLD)
    if there is not None and there is not sys.modules.get(OURS):
        raise RuntimeError(
            f"The package stepfunctions is imported already, from {getattr(there, '__file__', None)}. Call "
            "mlflowsteps.compat.install() before the first 'import stepfunctions', in a notebook after restarting its "
            "kernel; or leave it out: workflows take objects of the real package as they are."
        )
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def uninstall() -> None:
    """Take the alias back: the next ``import stepfunctions`` finds the real package, if there is one."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
    ours = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == OLD}
    for name, module in ours.items():
        if module.__name__.partition(".")[0] == OURS:
            del sys.modules[name]
