"""Executions: start, stop, describe, list, history."""

from __future__ import annotations

import hashlib
import math
import uuid
from concurrent.futures import Future
from typing import Any

from mlflowsteps.asl.arns import execution_arn, express_arn
from mlflowsteps.asl.payloads import loads
from mlflowsteps.asl.references import variable_references
from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.interpreter import RunHeader
from mlflowsteps.local.services.stepfunctions.aliases import route
from mlflowsteps.local.services.stepfunctions.base import Record
from mlflowsteps.local.services.stepfunctions.checks import (
    check_choice,
    check_included,
    check_json,
    check_name,
    machine_parts,
)
from mlflowsteps.local.services.stepfunctions.map_runs import MapRunOperations
from mlflowsteps.local.services.stepfunctions.redrives import redrive_status
from mlflowsteps.local.services.stepfunctions.refusals import refuse
from mlflowsteps.local.services.stepfunctions.tokens import check_length
from mlflowsteps.local.store import ExecutionRecord

__all__ = ["ExecutionOperations"]

STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")
INCLUDED = {"included": True}
PAYLOADS = ("input", "output", "inputDetails", "outputDetails", "parameters", "assignedVariables")
# What an execution keeps of its state machine, for DescribeStateMachineForExecution.
KEPT = ("updateDate", "revisionId", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")


class ExecutionOperations(MapRunOperations):
    """Operations on executions."""

    def start_execution(self, params: Record) -> Record:
        """StartExecution. The same name and input again, while it runs, give the execution that is there."""
        machine, header = self._begin(params)
        express = machine["type"] == "EXPRESS"
        extra = _extra(machine, params)
        if not express and self._scheduler.running >= self._quotas.open_executions:
            raise refuse("ExecutionLimitExceeded", f"At most {self._quotas.open_executions} executions run at a time")
        started = self._scheduler.start(header, machine["definition"], durable=not express, extra=extra)
        if started:
            return {"executionArn": header.execution_arn, "startDate": header.start_time}
        known = self._store.executions.get(header.execution_arn)
        if known is None or known.status != "RUNNING" or known.header["input_text"] != header.input_text:
            raise refuse("ExecutionAlreadyExists", header.execution_arn)
        return {"executionArn": known.arn, "startDate": known.start_time}

    def start_sync_execution(self, params: Record) -> Record:
        """StartSyncExecution: runs an execution of an EXPRESS state machine to its end."""
        machine, header = self._begin(params)
        if machine["type"] != "EXPRESS":
            raise refuse(
                "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"
            )
        ended: Future[ExecutionRecord] = Future()
        self._scheduler.start(header, machine["definition"], durable=False, watcher=ended.set_result)
        record = self._scheduler.result(ended)
        response = _times_and_ends(record) | {"input": header.input_text, "inputDetails": INCLUDED}
        response["billingDetails"] = _billing(record)
        if "traceHeader" in params:
            response["traceHeader"] = params["traceHeader"]
        return response if check_included(params) else _metadata(response)

    def stop_execution(self, params: Record) -> Record:
        """StopExecution. Returns when the stop is stored; an execution that has ended is left as it is."""
        check_length("error", params.get("error"), 256)
        check_length("cause", params.get("cause"), 32_768)
        record = self._execution(params["executionArn"])
        self._scheduler.stop(record.arn, params.get("error"), params.get("cause"))
        return {"stopDate": self._execution(record.arn).stop_time}

    def describe_execution(self, params: Record) -> Record:
        """DescribeExecution."""
        record = self._execution(params["executionArn"])
        if record.status == "RUNNING" and self._scheduler.fault:  # else who polls would poll for ever
            raise ServiceError("InternalFailure", self._scheduler.fault, 500)
        response = _times_and_ends(record) | {"input": record.header["input_text"], "inputDetails": INCLUDED}
        response |= {"redriveCount": record.redrives} | redrive_status(record, self._now(), self._quotas)
        if "traceHeader" in record.header["extra"]:
            response["traceHeader"] = record.header["extra"]["traceHeader"]
        return response if check_included(params) else _metadata(response)

    def describe_state_machine_for_execution(self, params: Record) -> Record:
        """DescribeStateMachineForExecution: the state machine as it was when the execution started."""
        record = self._execution(params["executionArn"])
        header = record.header
        response = {
            "stateMachineArn": record.machine_arn,
            "name": header["machine_name"],
            "definition": self._store.executions.definition(record.digest),
            "roleArn": header["role_arn"],
        }
        if "mapRunArn" in header["extra"]:
            response["mapRunArn"] = header["extra"]["mapRunArn"]
            response["label"] = record.machine_arn.rpartition("/")[2]
        response |= {key: header["extra"][key] for key in KEPT if key in header["extra"]}
        if not check_included(params):
            return response | {"definition": ""}
        references = variable_references(loads(response["definition"]))
        return response | ({"variableReferences": references} if references else {})

    def list_executions(self, params: Record) -> Record:
        """ListExecutions of a state machine, newest first."""
        if ("stateMachineArn" in params) == ("mapRunArn" in params):
            raise refuse("ValidationException", "Exactly one of stateMachineArn and mapRunArn must be given")
        if "mapRunArn" in params:
            return self._list_children(params)
        machine, qualifier = self._listed(params["stateMachineArn"])
        status = params.get("statusFilter")
        if machine["type"] == "EXPRESS":
            raise refuse(
                "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"
            )
        if status is not None:
            check_choice(status, "statusFilter", STATUSES)
        if "redriveFilter" in params:
            raise refuse("ValidationException", "A redriveFilter may be given with a mapRunArn alone")
        listing = f"ListExecutions {params['stateMachineArn']} {status}"
        size, before = self._page(params, listing, int)
        found = self._store.executions.page(
            machine["arn"], status=status, before=before, limit=size + 1, extra=qualifier
        )
        response: Record = {"executions": [_row(record) for record in found[:size]]}
        if len(found) > size:
            response["nextToken"] = self._next_page(listing, found[size - 1].id)
        return response

    def get_execution_history(self, params: Record) -> Record:
        """GetExecutionHistory."""
        record, reverse = self._execution(params["executionArn"]), bool(params.get("reverseOrder"))
        listing = f"GetExecutionHistory {record.arn} {reverse}"
        size, position = self._page(params, listing, int)
        bounds: dict[str, Any] = {} if position is None else {"before" if reverse else "after": position}
        events = self._store.executions.history(record.id, limit=size + 1, reverse=reverse, **bounds)
        page = events[:size]
        response: Record = {"events": page}
        if len(events) > size:
            response["nextToken"] = self._next_page(listing, page[-1]["id"])
        if params.get("includeExecutionData") is False:
            response["events"] = [_without_payloads(event) for event in page]
        return response

    def _begin(self, params: Record) -> tuple[Record, RunHeader]:
        """Check what starts an execution; make what it is born with."""
        name = check_name(params["name"], self._quotas.name_length) if "name" in params else str(uuid.uuid4())
        machine = self._runnable(params["stateMachineArn"], name)
        text = params.get("input", "{}")
        check_json(text, "input", "InvalidExecutionInput", self._quotas.payload_bytes)
        check_length("traceHeader", params.get("traceHeader"), 256)
        express, base = machine["type"] == "EXPRESS", machine["base"]
        arn = express_arn(base, name, str(uuid.uuid4())) if express else execution_arn(base, name)
        now = self._now()
        # From what the execution is called and when it starts: in virtual time the same run draws the same numbers.
        seed = int.from_bytes(hashlib.sha256(f"{arn} {now}".encode()).digest()[:8])
        header = RunHeader(
            execution_arn=arn,
            name=name,
            role_arn=machine["roleArn"],
            machine_arn=machine["arn"],
            machine_name=machine["name"],
            start_time=now,
            seed=seed,
            input_text=text,
            machine_type=machine["type"],
            max_events=self._quotas.history_events,
            max_payload_bytes=self._quotas.payload_bytes,
            max_variables_bytes=self._quotas.variables_bytes,
            express_seconds=self._quotas.express_seconds,
        )
        return machine, header

    def _runnable(self, arn: str, name: str) -> Record:
        """What an execution of this name runs: a state machine or a version of it.

        Returns:
            Its record, with ``base``, the ARN of the state machine, and ``aliasArn`` where it was found by an alias.
        """
        qualifier = machine_parts(arn)[1]
        if qualifier is None:
            return {**self._machine(arn), "base": arn}
        alias = None if qualifier.isdecimal() else self._alias(arn)
        version = self._version(arn if alias is None else route(alias, f"{arn} {name} {self._now()}"))
        if version is None:
            raise refuse("StateMachineDoesNotExist", arn)
        return version if alias is None else {**version, "aliasArn": arn}

    def _listed(self, arn: str) -> tuple[Record, tuple[str, str] | None]:
        """The state machine whose executions are asked for, and what of their ``extra`` they must have."""
        qualifier = machine_parts(arn)[1]
        if qualifier is None:
            return self._machine(arn), None
        record = self._version(arn) if qualifier.isdecimal() else self._alias(arn)
        if record is None:
            raise refuse("StateMachineDoesNotExist", arn)
        base = self._machine(arn.rpartition(":")[0])
        return base, ("versionArn" if qualifier.isdecimal() else "aliasArn", arn)


def _extra(machine: Record, params: Record) -> Record:
    """What an execution keeps beside its header."""
    extra = {key: machine[key] for key in (*KEPT, "aliasArn") if key in machine}
    if "number" in machine:
        extra |= {"versionArn": machine["arn"], "updateDate": machine["creationDate"]}
    if "traceHeader" in params:
        extra["traceHeader"] = params["traceHeader"]
    return extra


_KEPT_ARNS = (
    ("mapRunArn", "mapRunArn"),
    ("stateMachineVersionArn", "versionArn"),
    ("stateMachineAliasArn", "aliasArn"),
)


def _metadata(response: Record) -> Record:
    """A description without the payloads."""
    shown = {key: value for key, value in response.items() if key not in ("input", "output")}
    return shown | {key: {"included": False} for key in ("inputDetails", "outputDetails") if key in response}


def _times_and_ends(record: ExecutionRecord) -> Record:
    response: Record = {
        "executionArn": record.arn,
        "stateMachineArn": record.machine_arn,
        "name": record.header["name"],
        "status": record.status,
        "startDate": record.start_time,
    }
    extra = record.header.get("extra", {})
    for member, kept in _KEPT_ARNS:
        if kept in extra:
            response[member] = extra[kept]
    if record.stop_time is not None:
        response["stopDate"] = record.stop_time
    if record.redrive_time is not None:
        response["redriveDate"] = record.redrive_time
    response |= record.result
    if "output" in response:
        response["outputDetails"] = INCLUDED
    return response


def _row(record: ExecutionRecord) -> Record:
    shown = _times_and_ends(record)
    keys = (
        "executionArn", "stateMachineArn", "stateMachineVersionArn", "stateMachineAliasArn", "name", "status",
        "startDate", "stopDate", "redriveDate",
    )  # fmt: skip
    return {key: shown[key] for key in keys if key in shown} | {"redriveCount": record.redrives}


def _billing(record: ExecutionRecord) -> Record:
    """What the service would bill: 64 MB, in steps of 100 ms."""
    milliseconds = ((record.stop_time or record.start_time) - record.start_time) * 1000
    return {
        "billedMemoryUsedInMB": 64,
        "billedDurationInMilliseconds": max(1, math.ceil(milliseconds / 100)) * 100,
    }


def _without_payloads(event: Record) -> Record:
    return {
        key: {name: item for name, item in value.items() if name not in PAYLOADS} if isinstance(value, dict) else value
        for key, value in event.items()
    }
