"""The service as a whole: every operation there is, in one object."""

from __future__ import annotations

from mlflowsteps.local.services.stepfunctions.activities import ActivityOperations
from mlflowsteps.local.services.stepfunctions.aliases import AliasOperations
from mlflowsteps.local.services.stepfunctions.executions import ExecutionOperations
from mlflowsteps.local.services.stepfunctions.machines import MachineOperations
from mlflowsteps.local.services.stepfunctions.redrives import RedriveOperations
from mlflowsteps.local.services.stepfunctions.state_tests import StateTestOperations
from mlflowsteps.local.services.stepfunctions.tags import TagOperations
from mlflowsteps.local.services.stepfunctions.tokens import TokenOperations

__all__ = ["StepFunctions"]


class StepFunctions(
    MachineOperations,
    AliasOperations,
    ExecutionOperations,
    RedriveOperations,
    TokenOperations,
    TagOperations,
    ActivityOperations,
    StateTestOperations,
):
    """AWS Step Functions. A method for each operation, named as boto3's: parameters in, response out.

    Safe to use from several threads. An operation that there is no method for is not played.
    """
