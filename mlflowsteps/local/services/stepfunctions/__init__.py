"""AWS Step Functions' API over the store and the scheduler.

Each operation is a method of ``StepFunctions`` named as boto3's: ``create_state_machine(params) -> response``, in the
API's shapes, times as epoch seconds. Refusals are ``ServiceError`` with the service's codes and texts. This room checks
what it is given and translates; what an execution does is the interpreter's, when it is done the scheduler's.
"""

from __future__ import annotations

from mlflowsteps.local.services.stepfunctions.base import ACTIVITIES
from mlflowsteps.local.services.stepfunctions.service import StepFunctions

__all__ = ["ACTIVITIES", "StepFunctions"]
