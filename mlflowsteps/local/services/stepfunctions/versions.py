"""Versions of state machines: numbered snapshots that never change.

Owns their numbers, which are never used again, and what of a state machine a version keeps. Records are kept by
``<state machine>:<number>``.
"""

from __future__ import annotations

from mlflowsteps.local.services.stepfunctions.base import ALIASES, MACHINES, VERSIONS, Operations, Record
from mlflowsteps.local.services.stepfunctions.checks import (
    check_description,
    machine_parts,
)
from mlflowsteps.local.services.stepfunctions.refusals import refuse

__all__ = ["VersionOperations"]

INITIAL = "INITIAL"
"""The revision of a state machine that was never updated."""
KEPT = (
    "name", "definition", "roleArn", "type", "status", "loggingConfiguration", "tracingConfiguration",
    "encryptionConfiguration", "revisionId",
)  # fmt: skip


class VersionOperations(Operations):
    """Operations on versions."""

    def publish_state_machine_version(self, params: Record) -> Record:
        """PublishStateMachineVersion. A revision that was published gives the version that is there."""
        arn, description = params["stateMachineArn"], check_description(params.get("description"))
        with self._store.database.write():
            record = self._machine(arn)
            wanted, current = params.get("revisionId"), record.get("revisionId", INITIAL)
            if wanted is not None and wanted != current:
                reason = (
                    f"Failed to publish the State Machine version for revision {wanted}. The current State Machine "
                    f"revision is {current}."
                )
                raise refuse("ConflictException", reason)
            version = self._publish(record, description)
        return {"creationDate": version["creationDate"], "stateMachineVersionArn": version["arn"]}

    def delete_state_machine_version(self, params: Record) -> Record:
        """DeleteStateMachineVersion. One that an alias names is kept; one that is not there is no fault."""
        arn = params["stateMachineVersionArn"]
        machine, number = machine_parts(arn)
        if number is None or not number.isdecimal():
            raise refuse("InvalidArn", arn)
        with self._store.database.write():
            for alias in self._of_machine(ALIASES, machine):
                if any(one["stateMachineVersionArn"] == arn for one in alias["routingConfiguration"]):
                    reason = (
                        "Version to be deleted must not be referenced by an alias. Current list of aliases referencing "
                        f"this version: [{alias['name']}]"
                    )
                    raise refuse("ConflictException", reason)
            known = self._store.resources.get(VERSIONS, f"{machine}:{number}")
            if known is not None and known["arn"] == arn:
                self._store.resources.delete(VERSIONS, f"{machine}:{number}")
        return {}

    def list_state_machine_versions(self, params: Record) -> Record:
        """ListStateMachineVersions, newest first; none of a state machine that is not there."""
        arn = params["stateMachineArn"]
        machine, qualifier = machine_parts(arn)
        if qualifier is not None:
            raise refuse("InvalidArn", arn)
        listing = f"ListStateMachineVersions {arn}"
        size, before = self._page(params, listing, int)
        found = sorted(self._of_machine(VERSIONS, machine), key=lambda record: -record["number"])
        rest = [one for one in found if one["base"] == arn and (before is None or one["number"] < before)]
        rows = [{"stateMachineVersionArn": one["arn"], "creationDate": one["creationDate"]} for one in rest[:size]]
        response: Record = {"stateMachineVersions": rows}
        if len(rest) > size:
            response["nextToken"] = self._next_page(listing, rest[size - 1]["number"])
        return response

    def _publish(self, record: Record, description: str | None) -> Record:
        """Make a version of a state machine as it stands; within a transaction.

        Args:
            record: the state machine.
            description: of the version; None: it has none.

        Returns:
            The version; the one that is there where this revision was published already.

        Raises:
            ServiceError: ConflictException, ServiceQuotaExceededException.
        """
        resources, name = self._store.resources, record["name"]
        last = record.get("lastVersion", 0)
        newest = resources.get(VERSIONS, f"{name}:{last}")
        if newest is not None and newest.get("revisionId") == record.get("revisionId"):
            if description is not None and description != newest.get("description"):
                raise refuse("ConflictException", f"Version {last} of this revision has another description.")
            return newest
        if len(self._of_machine(VERSIONS, name)) >= self._quotas.versions:
            raise refuse(
                "ServiceQuotaExceededException", f"A state machine has at most {self._quotas.versions} versions"
            )
        version: Record = {key: record[key] for key in KEPT if key in record}
        version |= {"machine": name, "base": record["arn"], "arn": f"{record['arn']}:{last + 1}", "number": last + 1}
        version["creationDate"] = self._now()
        if description is not None:
            version["description"] = description
        resources.put(VERSIONS, f"{name}:{last + 1}", version)
        resources.put(MACHINES, name, record | {"lastVersion": last + 1})
        return version
