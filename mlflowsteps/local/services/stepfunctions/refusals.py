"""The service's refusals: code and text of each, in one place."""

from __future__ import annotations

from mlflowsteps.exceptions import ServiceError

__all__ = ["REFUSALS", "refuse", "validation_error"]

REFUSALS: dict[str, str] = {
    "ActivityDoesNotExist": "Activity Does Not Exist: '{}'",
    "ExecutionAlreadyExists": "Execution Already Exists: '{}'",
    "ExecutionDoesNotExist": "Execution Does Not Exist: '{}'",
    "InvalidArn": "Invalid Arn: '{}'",
    "InvalidDefinition": "Invalid State Machine Definition: '{}'",
    "InvalidExecutionInput": "Invalid State Machine Execution Input: '{}'",
    "InvalidName": "Invalid Name: '{}'",
    "InvalidOutput": "Invalid Output: '{}'",
    "InvalidToken": "Invalid Token: '{}'",
    "MissingRequiredParameter": "{}",
    "ResourceNotFound": "Resource not found: '{}'",
    "StateMachineAlreadyExists": "State Machine Already Exists: '{}'",
    "StateMachineDoesNotExist": "State Machine Does Not Exist: '{}'",
    "StateMachineTypeNotSupported": "{}",
    "TaskDoesNotExist": "Task Does Not Exist: '{}'",
    "TaskTimedOut": "Task Timed Out: '{}'",
    "TooManyTags": "Too Many Tags: '{}'",
    "ValidationException": "{}",
}
"""Text of each code; the hole takes the value or the reason."""


def refuse(code: str, detail: str) -> ServiceError:
    """The refusal of a code, to be raised.

    >>> refuse("StateMachineDoesNotExist", "arn:...").message
    "State Machine Does Not Exist: 'arn:...'"
    """
    return ServiceError(code, REFUSALS[code].format(detail))


def validation_error(member: str, value: object, constraint: str) -> ServiceError:
    """The refusal of a value that breaks a constraint of the API's model."""
    text = str(value)
    shown = text if len(text) <= 200 else text[:200] + "..."
    return refuse(
        "ValidationException",
        f"1 validation error detected: Value '{shown}' at '{member}' failed to satisfy constraint: {constraint}",
    )
