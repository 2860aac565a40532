"""RedriveExecution, and whether an execution may be redriven."""

from __future__ import annotations

from mlflowsteps.local.quotas import Quotas
from mlflowsteps.local.services.stepfunctions.base import Operations, Record
from mlflowsteps.local.services.stepfunctions.refusals import refuse
from mlflowsteps.local.services.stepfunctions.tokens import check_length
from mlflowsteps.local.store import ExecutionRecord

__all__ = ["RedriveOperations", "redrive_status"]

DAY_SECONDS = 86_400.0


class RedriveOperations(Operations):
    """The operation that lets an execution that has ended go on."""

    def redrive_execution(self, params: Record) -> Record:
        """RedriveExecution. The same token again gives the redrive that was made."""
        token = params.get("clientToken")
        check_length("clientToken", token, 64)
        record = self._execution(params["executionArn"])
        if token is not None and record.redrive_token == token:
            return {"redriveDate": record.redrive_time}
        reason = redrive_status(record, self._now(), self._quotas).get("redriveStatusReason")
        if reason is None and self._store.executions.last_event_id(record.id) >= self._quotas.history_events - 1:
            reason = "Execution history event limit exceeded"
        if reason is not None:
            raise refuse("ExecutionNotRedrivable", reason)
        try:
            redriven = self._scheduler.redrive(record.arn, token)
        except RuntimeError as error:
            raise refuse("ExecutionNotRedrivable", f"Execution cannot be redriven: {error}") from error
        if not redriven:
            raise refuse("ExecutionNotRedrivable", "Execution is RUNNING and cannot be redriven")
        return {"redriveDate": self._execution(record.arn).redrive_time}


def redrive_status(record: ExecutionRecord, now: float, quotas: Quotas) -> Record:
    """Whether an execution may be redriven, and if not, why, as DescribeExecution says it.

    Args:
        record: the execution.
        now: the time, epoch seconds.
        quotas: how long after its end, and how often.
    """
    if "mapRunArn" in record.header.get("extra", {}) and record.status != "SUCCEEDED":
        reason = "Execution is a child of a Map Run and cannot be redriven by itself"
        return {"redriveStatus": "REDRIVABLE_BY_MAP_RUN", "redriveStatusReason": reason}
    reason = ""
    if record.status in ("RUNNING", "SUCCEEDED"):
        reason = f"Execution is {record.status} and cannot be redriven"
    elif record.stop_time is not None and now - record.stop_time > quotas.redrive_days * DAY_SECONDS:
        reason = f"Execution redrivable period of {quotas.redrive_days:g} days exceeded"
    elif record.redrives >= quotas.redrives:
        reason = f"Execution redrive limit of {quotas.redrives} exceeded"
    if reason:
        return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    return {"redriveStatus": "REDRIVABLE"}
