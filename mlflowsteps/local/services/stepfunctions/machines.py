"""State machines: create, update, describe, list, delete, validate."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any

from mlflowsteps.asl.arns import state_machine_arn
from mlflowsteps.asl.payloads import Json, loads
from mlflowsteps.asl.references import variable_references
from mlflowsteps.asl.validate import invalid_definition_message, service_location, validate
from mlflowsteps.exceptions import Diagnostic, ServiceError
from mlflowsteps.local.scheduler import machine_of
from mlflowsteps.local.services.stepfunctions.base import ALIASES, MACHINES, VERSIONS, Record
from mlflowsteps.local.services.stepfunctions.checks import (
    check_choice,
    check_description,
    check_included,
    check_name,
    check_role,
    machine_parts,
)
from mlflowsteps.local.services.stepfunctions.encryption import check_encryption
from mlflowsteps.local.services.stepfunctions.logging import check_logging
from mlflowsteps.local.services.stepfunctions.refusals import refuse, validation_error
from mlflowsteps.local.services.stepfunctions.tags import check_tags
from mlflowsteps.local.services.stepfunctions.versions import VersionOperations

__all__ = ["MachineOperations"]

logger = logging.getLogger(__name__)

TYPES = ("STANDARD", "EXPRESS")
CHECKS: dict[str, Callable[[Record | None], Record]] = {
    "loggingConfiguration": check_logging,
    "tracingConfiguration": lambda given: {"enabled": False} | (given or {}),
    "encryptionConfiguration": check_encryption,
}
CONFIGURATIONS = tuple(CHECKS)


class MachineOperations(VersionOperations):
    """Operations on state machines."""

    def create_state_machine(self, params: Record) -> Record:
        """CreateStateMachine. The same name, definition, role and settings again give the ARN that is there."""
        _check_publish(params)
        name, kind = (
            check_name(params["name"], self._quotas.name_length),
            check_choice(params.get("type", "STANDARD"), "type", TYPES),
        )
        tags = check_tags(params.get("tags", []), {}, most=self._quotas.tags)
        role = check_role(params["roleArn"])
        definition = check_definition(params["definition"], kind, self._quotas.definition_bytes)
        now = self._now()
        arn = state_machine_arn(self._region, self._account_id, name)
        record: Record = {
            "arn": arn,
            "name": name,
            "definition": definition,
            "roleArn": role,
            "type": kind,
            "status": "ACTIVE",
        }
        record |= {key: check(params.get(key)) for key, check in CHECKS.items()}
        record |= {"creationDate": now, "updateDate": now}
        with self._store.database.write():
            if self._store.resources.insert(MACHINES, name, record):
                self._store.executions.purge(arn)  # those of a deleted state machine of this name
                self._store.tags.clear(arn)
                self._store.tags.add(arn, tags)
                if self._store.resources.count(MACHINES) >= self._quotas.state_machines:  # this one not counted yet
                    most = self._quotas.state_machines
                    raise refuse("StateMachineLimitExceeded", f"There are at most {most} state machines")
                return {"stateMachineArn": arn, "creationDate": now} | self._published(params, record)
            known = self._store.resources.get(MACHINES, name)
            if known is None or not _same(known, record):
                raise refuse("StateMachineAlreadyExists", arn)
            return {"stateMachineArn": arn, "creationDate": known["creationDate"]} | self._published(params, known)

    def update_state_machine(self, params: Record) -> Record:
        """UpdateStateMachine. Executions that run keep the definition and role they were started with."""
        _check_publish(params)
        changed = [key for key in ("definition", "roleArn", *CONFIGURATIONS) if key in params]
        if not changed:
            text = (
                "Either the definition, the role ARN, the LoggingConfiguration, the TracingConfiguration or the "
                "EncryptionConfiguration must be specified"
            )
            raise refuse("MissingRequiredParameter", text)
        known = self._machine(params["stateMachineArn"])
        if "roleArn" in params:
            check_role(params["roleArn"])
        if "definition" in params:
            check_definition(params["definition"], known["type"], self._quotas.definition_bytes)
        checked = {key: check(params[key]) for key, check in CHECKS.items() if key in params}
        now, revision = self._now(), str(uuid.uuid4())
        with self._store.database.write():
            record = self._machine(params["stateMachineArn"])
            record |= {key: params[key] for key in changed} | checked | {"updateDate": now, "revisionId": revision}
            self._store.resources.put(MACHINES, record["name"], record)
            return {"updateDate": now, "revisionId": revision} | self._published(params, record)

    def _published(self, params: Record, record: Record) -> Record:
        if not params.get("publish"):
            return {}
        version = self._publish(record, check_description(params.get("versionDescription")))
        return {"stateMachineVersionArn": version["arn"]}

    def describe_state_machine(self, params: Record) -> Record:
        """DescribeStateMachine, or one of its versions."""
        arn = params["stateMachineArn"]
        record = self._version(arn) or self._machine(arn)
        keys = ["name", "status", "definition", "roleArn", "type", "creationDate", *CONFIGURATIONS]
        keys += [key for key in ("revisionId", "description") if key in record]
        response = {"stateMachineArn": record["arn"]} | {key: record[key] for key in keys}
        if not check_included(params):
            return response | {"definition": ""}
        references = variable_references(loads(record["definition"]))
        return response | ({"variableReferences": references} if references else {})

    def delete_state_machine(self, params: Record) -> Record:
        """DeleteStateMachine. Its executions are stopped; they can be described until the name is taken again."""
        arn = params["stateMachineArn"]
        name, qualifier = machine_parts(arn)
        if qualifier is not None:
            raise refuse("InvalidArn", arn)
        with self._store.database.write():
            known = self._store.resources.get(MACHINES, name)
            if known is None or known["arn"] != arn:
                return {}
            self._store.resources.delete(MACHINES, name)
            self._store.tags.clear(arn)
            for kind in (VERSIONS, ALIASES):
                for one in self._of_machine(kind, name):
                    self._store.resources.delete(kind, f"{name}:{one.get('number', one['name'])}")
        for record in self._store.executions.running(arn):
            self._scheduler.stop(record.arn)
        return {}

    def list_state_machines(self, params: Record) -> Record:
        """ListStateMachines, by name."""
        size, after = self._page(params, "ListStateMachines", str)
        records = sorted(self._store.resources.list(MACHINES), key=lambda record: str(record["name"]))
        rest = [record for record in records if after is None or record["name"] > str(after)]
        page = [
            {
                "stateMachineArn": record["arn"],
                "name": record["name"],
                "type": record["type"],
                "creationDate": record["creationDate"],
            }
            for record in rest[:size]
        ]
        response: Record = {"stateMachines": page}
        if len(rest) > size:
            response["nextToken"] = self._next_page("ListStateMachines", page[-1]["name"])
        return response

    def validate_state_machine_definition(self, params: Record) -> Record:
        """ValidateStateMachineDefinition."""
        kind = check_choice(params.get("type", "STANDARD"), "type", TYPES)
        severity = check_choice(params.get("severity", "ERROR"), "severity", ("ERROR", "WARNING"))
        wanted = params.get("maxResults") or 100
        if not 0 <= wanted <= 100:
            raise validation_error("maxResults", wanted, "Member must have value less than or equal to 100")
        try:
            definition = loads(params["definition"])
        except ValueError:
            definition = None
        shown = validate(params["definition"], machine_type=kind, warnings=severity == "WARNING")
        failed = any(diagnostic.severity == "ERROR" for diagnostic in shown)
        return {
            "result": "FAIL" if failed else "OK",
            "diagnostics": [_diagnostic(definition, diagnostic) for diagnostic in shown[:wanted]],
            "truncated": len(shown) > wanted,
        }


def check_definition(definition: str, kind: str, most: int) -> str:
    """A definition that is valid, and has at most so many bytes.

    Raises:
        ServiceError: InvalidDefinition, with every error there is.
    """
    size = len(definition.encode("utf-8", "surrogatepass"))
    if size > most:
        raise validation_error("definition", definition, f"Member must have length less than or equal to {most}")
    faults = validate(definition, machine_type=kind)
    if faults:
        raise ServiceError("InvalidDefinition", invalid_definition_message(definition, faults))
    try:
        machine_of(definition)  # kept for the first execution
    except Exception as error:  # a fault that no rule names yet: better here than when an execution starts
        logger.exception("A definition that was found valid cannot be compiled")
        raise refuse("InvalidDefinition", f"SCHEMA_VALIDATION_FAILED: {error}") from error
    return definition


def _diagnostic(definition: Json, diagnostic: Diagnostic) -> Record:
    place = service_location(definition, diagnostic)
    shown = {"severity": diagnostic.severity, "code": diagnostic.code, "message": diagnostic.message}
    return shown | ({"location": place} if place else {})


def _same(known: Record, wanted: Record) -> bool:
    """Whether a state machine is what a second create asks for; white space and order of its JSON aside."""
    keys: tuple[str, ...] = ("roleArn", "type", *CONFIGURATIONS)
    if any(known[key] != wanted[key] for key in keys):
        return False
    one, other = known["definition"], wanted["definition"]
    return bool(one == other) or bool(loads(one) == loads(other))


def _check_publish(params: dict[str, Any]) -> None:
    if "versionDescription" in params and not params.get("publish"):
        raise refuse("ValidationException", "Version description can only be set when publish is true")
