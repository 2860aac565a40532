"""Task tokens: what the worker of a task tells of it."""

from __future__ import annotations

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.scheduler import TokenError
from mlflowsteps.local.services.stepfunctions.base import Operations, Record
from mlflowsteps.local.services.stepfunctions.checks import check_json
from mlflowsteps.local.services.stepfunctions.refusals import refuse, validation_error

__all__ = ["TokenOperations"]


class TokenOperations(Operations):
    """Operations with a task token."""

    def send_task_success(self, params: Record) -> Record:
        """SendTaskSuccess. Returns when the result is stored."""
        try:
            self._scheduler.check_token(params["taskToken"])  # first, as the service does
            check_json(params["output"], "output", "InvalidOutput", self._quotas.payload_bytes)
            self._scheduler.send_task_success(params["taskToken"], params["output"])
        except TokenError as error:
            raise _refused(error) from None
        return {}

    def send_task_failure(self, params: Record) -> Record:
        """SendTaskFailure. Returns when the failure is stored."""
        error, cause = params.get("error"), params.get("cause")
        check_length("error", error, 256)
        check_length("cause", cause, 32_768)
        try:
            self._scheduler.send_task_failure(params["taskToken"], error, cause)
        except TokenError as refused:
            raise _refused(refused) from None
        return {}

    def send_task_heartbeat(self, params: Record) -> Record:
        """SendTaskHeartbeat."""
        try:
            self._scheduler.send_task_heartbeat(params["taskToken"])
        except TokenError as error:
            raise _refused(error) from None
        return {}


def check_length(member: str, value: str | None, most: int) -> None:
    """Raise ValidationException where a text is too long."""
    if value is not None and len(value) > most:
        raise validation_error(member, value, f"Member must have length less than or equal to {most}")


def _refused(error: TokenError) -> ServiceError:
    if error.known:
        return refuse("TaskTimedOut", "Provided task does not exist anymore")
    return refuse("InvalidToken", "Invalid token")
