"""Versions and aliases of a state machine: what was published, and which of it a name leads to."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from mlflowsteps.workflow.client import StepFunctionsClient

__all__ = ["Versioned"]


class Versioned(ABC):
    """What has versions and aliases: a workflow. Its clients need the operations of Step Functions for them."""

    @property
    @abstractmethod
    def client(self) -> StepFunctionsClient:
        """The client that is asked."""

    @abstractmethod
    def _required_arn(self, what: str) -> str:
        """ARN of the state machine.

        Raises:
            WorkflowNotFound: it does not exist.
        """

    def publish_version(self, description: str | None = None) -> str:
        """Publish what the state machine is now as a version, which never changes.

        Args:
            description: a remark for people, at most 256 characters.

        Returns:
            The version's ARN; that of the newest one where nothing changed since.
        """
        given = {} if description is None else {"description": description}
        arn = self._required_arn("publish a version")
        found = self.client.publish_state_machine_version(stateMachineArn=arn, **given)
        return str(found["stateMachineVersionArn"])

    def versions(self) -> Iterator[dict[str, Any]]:
        """The published versions, the newest first: ``stateMachineVersionArn``, ``creationDate``; a lazy iterator."""
        arn = self._required_arn("list its versions")
        return self._paged("list_state_machine_versions", "stateMachineVersions", arn)

    def delete_version(self, version: int | str) -> None:
        """Delete a version that no alias leads to.

        Args:
            version: its number, or its ARN.
        """
        arn = self.qualified_arn(version)
        self.client.delete_state_machine_version(stateMachineVersionArn=arn)

    def set_alias(
        self, name: str, versions: int | str | Mapping[int | str, int], description: str | None = None
    ) -> str:
        """Let a name lead to a version, or share executions out between two; made or changed.

        Args:
            name: the alias.
            versions: number or ARN of a version; or of two of them, with their weights in percent: ``{1: 90, 2: 10}``.
            description: a remark for people.

        Returns:
            The alias's ARN.

        Raises:
            ValueError: not one or two versions, or the weights are not 100 in all.
        """
        routes = dict(versions) if isinstance(versions, Mapping) else {versions: 100}
        if not 1 <= len(routes) <= 2 or sum(routes.values()) != 100:
            raise ValueError(f"Alias {name!r} leads to one or two versions, with weights of 100 in all, not {routes}")
        routing = [
            {"stateMachineVersionArn": self.qualified_arn(version), "weight": weight}
            for version, weight in routes.items()
        ]
        given: dict[str, Any] = {"routingConfiguration": routing}
        if description is not None:
            given["description"] = description
        arn = self.qualified_arn(name)
        with contextlib.suppress(self.client.exceptions.ResourceNotFound):
            self.client.update_state_machine_alias(stateMachineAliasArn=arn, **given)
            return arn
        return str(self.client.create_state_machine_alias(name=name, **given)["stateMachineAliasArn"])

    def aliases(self) -> Iterator[dict[str, Any]]:
        """The aliases: ``stateMachineAliasArn``, ``creationDate``; asked for as they are taken."""
        arn = self._required_arn("list its aliases")
        return self._paged("list_state_machine_aliases", "stateMachineAliases", arn)

    def delete_alias(self, name: str) -> None:
        """Delete an alias; the versions stay.

        Args:
            name: the alias.
        """
        self.client.delete_state_machine_alias(stateMachineAliasArn=self.qualified_arn(name))

    def qualified_arn(self, qualifier: int | str | None) -> str:
        """ARN of a version or alias; of the state machine itself for None.

        Args:
            qualifier: number of a version, name of an alias, or the ARN of either.
        """
        if isinstance(qualifier, str) and qualifier.startswith("arn:"):
            return qualifier
        arn = self._required_arn("be qualified")
        return arn if qualifier is None else f"{arn}:{qualifier}"

    def _paged(self, operation: str, key: str, arn: str) -> Iterator[dict[str, Any]]:
        """Rows of a list for which boto3 has no paginator."""
        token: dict[str, str] = {}
        while True:
            page = getattr(self.client, operation)(stateMachineArn=arn, **token)
            yield from page[key]
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}
