"""Aliases of state machines: a name for one version, or for two with weights.

Owns routing: what an alias may point to, and which version an execution is given. Records are kept by
``<state machine>:<alias>``.
"""

from __future__ import annotations

import re

from mlflowsteps.asl.payloads import Entropy
from mlflowsteps.local.services.stepfunctions.base import ALIASES, VERSIONS, Operations, Record
from mlflowsteps.local.services.stepfunctions.checks import (
    check_description,
    machine_parts,
)
from mlflowsteps.local.services.stepfunctions.refusals import refuse

__all__ = ["AliasOperations", "route"]

_NAME = re.compile(r"(?=.*[a-zA-Z_\-.])[a-zA-Z0-9_\-.]{1,80}")


class AliasOperations(Operations):
    """Operations on aliases."""

    def create_state_machine_alias(self, params: Record) -> Record:
        """CreateStateMachineAlias. The same alias again gives the one that is there."""
        name, description = params["name"], check_description(params.get("description"))
        if not _NAME.fullmatch(name):
            raise refuse("InvalidName", name)
        with self._store.database.write():
            base = self._check_routing(params["routingConfiguration"])
            machine, now = machine_parts(base)[0], self._now()
            record: Record = {
                "arn": f"{base}:{name}",
                "machine": machine,
                "name": name,
                "routingConfiguration": params["routingConfiguration"],
                "creationDate": now,
                "updateDate": now,
            }
            if description is not None:
                record["description"] = description
            known = self._alias(record["arn"])
            if known is not None:
                if _meaning(known) != _meaning(record):
                    raise refuse(
                        "ConflictException", f"Failed to create alias {name}: it exists, and points elsewhere."
                    )
                return {"stateMachineAliasArn": known["arn"], "creationDate": known["creationDate"]}
            if len(self._of_machine(ALIASES, machine)) >= self._quotas.aliases:
                most = self._quotas.aliases
                raise refuse("ServiceQuotaExceededException", f"A state machine has at most {most} aliases")
            self._store.resources.put(ALIASES, f"{machine}:{name}", record)
        return {"stateMachineAliasArn": record["arn"], "creationDate": now}

    def update_state_machine_alias(self, params: Record) -> Record:
        """UpdateStateMachineAlias."""
        changed = {key: params[key] for key in ("description", "routingConfiguration") if key in params}
        if not changed:
            reason = "Either the description or the routingConfiguration must be specified"
            raise refuse("ValidationException", reason, reason_code="MISSING_REQUIRED_PARAMETER")
        check_description(params.get("description"))
        with self._store.database.write():
            record = self._known_alias(params["stateMachineAliasArn"])
            if "routingConfiguration" in changed:
                base = self._check_routing(changed["routingConfiguration"])
                if machine_parts(base)[0] != record["machine"]:
                    raise _bad_routing("An alias points to versions of its own state machine")
            record |= changed | {"updateDate": self._now()}
            self._store.resources.put(ALIASES, f"{record['machine']}:{record['name']}", record)
        return {"updateDate": record["updateDate"]}

    def delete_state_machine_alias(self, params: Record) -> Record:
        """DeleteStateMachineAlias."""
        with self._store.database.write():
            record = self._known_alias(params["stateMachineAliasArn"])
            self._store.resources.delete(ALIASES, f"{record['machine']}:{record['name']}")
        return {}

    def describe_state_machine_alias(self, params: Record) -> Record:
        """DescribeStateMachineAlias."""
        record = self._known_alias(params["stateMachineAliasArn"])
        keys = ("name", "description", "routingConfiguration", "creationDate", "updateDate")
        return {"stateMachineAliasArn": record["arn"]} | {key: record[key] for key in keys if key in record}

    def list_state_machine_aliases(self, params: Record) -> Record:
        """ListStateMachineAliases of a state machine, or of one of its versions; newest first."""
        arn = params["stateMachineArn"]
        machine, version = machine_parts(arn)
        if version is None:
            self._machine(arn)
        elif self._version(arn) is None:
            raise refuse("ResourceNotFound", arn)
        listing = f"ListStateMachineAliases {arn}"
        size, after = self._page(params, listing, str)
        found = [one for one in reversed(self._of_machine(ALIASES, machine)) if version is None or arn in _targets(one)]
        names = [one["name"] for one in found]
        first = names.index(after) + 1 if after in names else 0
        page = found[first : first + size]
        rows = [{"stateMachineAliasArn": one["arn"], "creationDate": one["creationDate"]} for one in page]
        response: Record = {"stateMachineAliases": rows}
        if len(found) > first + size:
            response["nextToken"] = self._next_page(listing, page[-1]["name"])
        return response

    def _known_alias(self, arn: str) -> Record:
        if machine_parts(arn)[1] is None:
            raise refuse("InvalidArn", arn)
        record = self._alias(arn)
        if record is None:
            raise refuse("ResourceNotFound", arn)
        return record

    def _check_routing(self, routing: list[Record]) -> str:
        """The ARN of the state machine whose versions a routing names.

        Raises:
            ServiceError: ValidationException, ResourceNotFound.
        """
        if not 1 <= len(routing) <= 2:
            raise _bad_routing("A routing configuration has one or two versions")
        weights = [one["weight"] for one in routing]
        if any(not 0 <= weight <= 100 for weight in weights) or sum(weights) != 100:
            raise _bad_routing("Sum of routing configuration weights must equal 100")
        arns = [one["stateMachineVersionArn"] for one in routing]
        bases: set[str] = set()
        for arn in arns:
            name, number = machine_parts(arn)
            if number is None or not number.isdecimal():
                raise refuse("InvalidArn", arn)
            version = self._store.resources.get(VERSIONS, f"{name}:{number}")
            if version is None or version["arn"] != arn:
                raise refuse("ResourceNotFound", arn)
            bases.add(version["base"])
        if len(bases) > 1:
            raise _bad_routing("Routing configuration must contain versions of the same state machine")
        if len(set(arns)) < len(arns):
            raise _bad_routing("Routing configuration must contain distinct state machine versions")
        return bases.pop()


def route(alias: Record, seed: str) -> str:
    """The ARN of the version that an execution started by an alias runs.

    Args:
        alias: the alias.
        seed: what the draw comes from; the same gives the same version.

    >>> route({"routingConfiguration": [{"stateMachineVersionArn": "v1", "weight": 100}]}, "execution")
    'v1'
    """
    left = Entropy(seed).draw() * 100
    for one in alias["routingConfiguration"]:
        left -= one["weight"]
        if left < 0:
            return str(one["stateMachineVersionArn"])
    return str(alias["routingConfiguration"][0]["stateMachineVersionArn"])


def _targets(alias: Record) -> list[str]:
    return [one["stateMachineVersionArn"] for one in alias["routingConfiguration"]]


def _meaning(alias: Record) -> tuple[object, ...]:
    routing = sorted((one["stateMachineVersionArn"], one["weight"]) for one in alias["routingConfiguration"])
    return alias.get("description"), routing


def _bad_routing(reason: str) -> Exception:
    return refuse("ValidationException", reason, reason_code="INVALID_ROUTING_CONFIGURATION")
