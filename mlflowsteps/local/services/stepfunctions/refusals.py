"""The service's refusals: code and text of each, in one place."""

from __future__ import annotations

from mlflowsteps.exceptions import ServiceError

__all__ = ["REFUSALS", "refuse", "validation_error"]

REFUSALS: dict[str, str] = {
    "ActivityAlreadyExists": "Activity Already Exists: '{}'",
    "ActivityDoesNotExist": "Activity Does Not Exist: '{}'",
    "ActivityLimitExceeded": "{}",
    "ActivityWorkerLimitExceeded": "{}",
    "ConflictException": "{}",
    "ExecutionAlreadyExists": "Execution Already Exists: '{}'",
    "ExecutionDoesNotExist": "Execution Does Not Exist: '{}'",
    "ExecutionLimitExceeded": "{}",
    "ExecutionNotRedrivable": "{}",
    "InvalidArn": "Invalid Arn: '{}'",
    "InvalidDefinition": "Invalid State Machine Definition: '{}'",
    "InvalidEncryptionConfiguration": "Invalid Encryption Configuration: {}",
    "InvalidExecutionInput": "Invalid State Machine Execution Input: '{}'",
    "InvalidLoggingConfiguration": "Invalid Logging Configuration: {}",
    "InvalidName": "Invalid Name: '{}'",
    "InvalidOutput": "Invalid Output: '{}'",
    "InvalidToken": "Invalid Token: '{}'",
    "MissingRequiredParameter": "{}",
    "ResourceNotFound": "Resource not found: '{}'",
    "ServiceQuotaExceededException": "{}",
    "StateMachineAlreadyExists": "State Machine Already Exists: '{}'",
    "StateMachineDoesNotExist": "State Machine Does Not Exist: '{}'",
    "StateMachineLimitExceeded": "{}",
    "StateMachineTypeNotSupported": "{}",
    "TaskDoesNotExist": "Task Does Not Exist: '{}'",
    "TaskTimedOut": "Task Timed Out: '{}'",
    "TooManyTags": "Too Many Tags: '{}'",
    "ValidationException": "{}",
}
"""Text of each code; the hole takes the value or the reason."""


def refuse(code: str, detail: str, *, reason_code: str = "") -> ServiceError:
    """The refusal of a code, to be raised.

    Args:
        code: the service's code.
        detail: the value or the reason.
        reason_code: what the API's model calls the reason of a ValidationException; empty where it has none.

    >>> refuse("StateMachineDoesNotExist", "arn:...").message
    "State Machine Does Not Exist: 'arn:...'"
    """
    details = {"reason": reason_code} if reason_code else None
    return ServiceError(code, REFUSALS[code].format(detail), details=details)


def validation_error(member: str, value: object, constraint: str) -> ServiceError:
    """The refusal of a value that breaks a constraint of the API's model."""
    text = str(value)
    shown = text if len(text) <= 200 else text[:200] + "..."
    return refuse(
        "ValidationException",
        f"1 validation error detected: Value '{shown}' at '{member}' failed to satisfy constraint: {constraint}",
    )
