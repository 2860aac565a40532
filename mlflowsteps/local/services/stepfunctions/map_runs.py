"""Map Runs: describe, list and update; and their child executions listed."""

from __future__ import annotations

from mlflowsteps.local.services.stepfunctions.base import Operations, Record
from mlflowsteps.local.services.stepfunctions.checks import (
    check_choice,
    resource_parts,
)
from mlflowsteps.local.services.stepfunctions.refusals import refuse, validation_error
from mlflowsteps.local.store import ExecutionRecord

__all__ = ["MapRunOperations", "child_row"]

STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")
MOST = 2**31 - 1

_LIMITS = {
    "maxConcurrency": "max_concurrency",
    "toleratedFailureCount": "tolerated_count",
    "toleratedFailurePercentage": "tolerated_percentage",
}


class MapRunOperations(Operations):
    """Operations on Map Runs."""

    def describe_map_run(self, params: Record) -> Record:
        """DescribeMapRun."""
        return self._map_run(params["mapRunArn"])

    def list_map_runs(self, params: Record) -> Record:
        """ListMapRuns of an execution, newest first."""
        record = self._execution(params["executionArn"])
        listing = f"ListMapRuns {record.arn}"
        size, start = self._page(params, listing, int, first=0)
        found = self._scheduler.map_runs.list(record.arn)
        response: Record = {"mapRuns": found[start : start + size]}
        if len(found) > start + size:
            response["nextToken"] = self._next_page(listing, start + size)
        return response

    def update_map_run(self, params: Record) -> Record:
        """UpdateMapRun: other limits for one that runs; those left out stay as they are."""
        changes = {ours: params[name] for name, ours in _LIMITS.items() if name in params}
        for name, ours in _LIMITS.items():
            most = 100 if ours == "tolerated_percentage" else MOST
            if ours in changes and not 0 <= changes[ours] <= most:
                bound = "greater than or equal to 0" if changes[ours] < 0 else f"less than or equal to {most}"
                raise validation_error(name, changes[ours], f"Member must have value {bound}")
        if not changes:
            reason = f"At least one of {', '.join(_LIMITS)} must be given"
            raise refuse("ValidationException", reason, reason_code="MISSING_REQUIRED_PARAMETER")
        found = self._map_run(params["mapRunArn"])
        if found["status"] != "RUNNING" or not self._scheduler.map_runs.update(found["mapRunArn"], **changes):
            reason = f"Map Run is {found['status']} and cannot be updated"
            raise refuse("ValidationException", reason, reason_code="CANNOT_UPDATE_COMPLETED_MAP_RUN")
        return {}

    def _map_run(self, arn: str) -> Record:
        resource_parts(arn, "mapRun")
        found = self._scheduler.map_runs.describe(arn)
        if found is None:
            raise refuse("ResourceNotFound", arn)
        return found

    def _list_children(self, params: Record) -> Record:
        """ListExecutions of a Map Run: those that are stored, so none of EXPRESS, newest first."""
        arn, status = params["mapRunArn"], params.get("statusFilter")
        self._map_run(arn)
        if status is not None:
            check_choice(status, "statusFilter", STATUSES)
        redriven = None
        if "redriveFilter" in params:
            wanted = check_choice(params["redriveFilter"], "redriveFilter", ("REDRIVEN", "NOT_REDRIVEN"))
            redriven = wanted == "REDRIVEN"
        listing = f"ListExecutions {arn} {status} {redriven}"
        size, before = self._page(params, listing, int)
        found = self._store.executions.page(map_run=arn, status=status, before=before, limit=size + 1)
        page = found[:size]
        response: Record = {
            "executions": [child_row(one) for one in page if redriven is None or bool(one.redrives) == redriven]
        }
        if len(found) > size:
            response["nextToken"] = self._next_page(listing, page[-1].id)
        return response


def child_row(record: ExecutionRecord) -> Record:
    """A child execution as ListExecutions shows it."""
    extra = record.header["extra"]
    row: Record = {
        "executionArn": record.arn,
        "stateMachineArn": record.machine_arn,
        "name": record.header["name"],
        "status": record.status,
        "startDate": record.start_time,
        "mapRunArn": extra["mapRunArn"],
        "itemCount": extra["itemCount"],
        "redriveCount": record.redrives,
    }
    return row | ({} if record.stop_time is None else {"stopDate": record.stop_time})
