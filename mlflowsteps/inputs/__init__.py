"""Placeholders: values that are known only while a workflow runs.

``ExecutionInput`` is what an execution is started with, ``StepInput`` what a state is given, ``context`` what the
execution knows of itself, ``intrinsics`` the functions the service computes with. They may stand wherever a value may.
"""

from __future__ import annotations

from mlflowsteps.inputs import intrinsics
from mlflowsteps.inputs.context_object import context
from mlflowsteps.inputs.expressions import Expression, Variable
from mlflowsteps.inputs.models import Default
from mlflowsteps.inputs.placeholders import (
    ExecutionInput,
    MapItemIndex,
    MapItemValue,
    Placeholder,
    StepInput,
    StepResult,
)
from mlflowsteps.inputs.schema import ValidationResult

__all__ = [
    "Default",
    "ExecutionInput",
    "Expression",
    "MapItemIndex",
    "MapItemValue",
    "Placeholder",
    "StepInput",
    "StepResult",
    "ValidationResult",
    "Variable",
    "context",
    "intrinsics",
]
