"""What a state machine has beside its definition and role: type, logging, tracing, encryption, versions and tags.

It owns how these are written into requests, and how the tags that are wanted differ from those that are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlflowsteps.inputs.syntax import Json

__all__ = ["Settings", "tag_changes"]

TYPES = ("STANDARD", "EXPRESS")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a state machine; None leaves one as it is, or as the service sets it.

    Args:
        type: STANDARD or EXPRESS; it cannot be changed later.
        logging_configuration: CreateStateMachine's ``loggingConfiguration``.
        tracing: whether X-Ray traces executions.
        encryption_configuration: CreateStateMachine's ``encryptionConfiguration``.
        publish: publish a version with each creation and update.
        version_description: of that version.

    Raises:
        ValueError: another type; a description without ``publish``.
    """

    type: str = "STANDARD"
    logging_configuration: Mapping[str, Json] | None = None
    tracing: bool | None = None
    encryption_configuration: Mapping[str, Json] | None = None
    publish: bool = False
    version_description: str | None = None

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ValueError(f"type must be STANDARD or EXPRESS, not {self.type!r}")
        if self.version_description is not None and not self.publish:
            raise ValueError("version_description describes the version that publish=True makes; give both")

    @classmethod
    def described(cls, description: Mapping[str, Any]) -> Settings:
        """The settings of a state machine as DescribeStateMachine tells them."""
        return cls(
            description.get("type") or "STANDARD",
            description.get("loggingConfiguration"),
            (description.get("tracingConfiguration") or {}).get("enabled"),
            description.get("encryptionConfiguration"),
        )

    def for_update(self) -> dict[str, Any]:
        """The arguments of UpdateStateMachine."""
        given: dict[str, Any] = {
            "loggingConfiguration": self.logging_configuration,
            "tracingConfiguration": None if self.tracing is None else {"enabled": self.tracing},
            "encryptionConfiguration": self.encryption_configuration,
            "publish": self.publish or None,
            "versionDescription": self.version_description,
        }
        return {name: value for name, value in given.items() if value is not None}

    def are_those_of(self, description: Mapping[str, Any]) -> bool:
        """True where a machine has every setting that was given, by its DescribeStateMachine."""
        given = self.for_update()
        return all(description.get(name) == value for name, value in given.items() if name.endswith("Configuration"))

    def for_creation(self) -> dict[str, Any]:
        """The arguments of CreateStateMachine."""
        kind = {"type": self.type} if self.type != "STANDARD" else {}
        return {**kind, **self.for_update()}

    def for_template(self) -> dict[str, Json]:
        """The properties of CloudFormation's AWS::StepFunctions::StateMachine."""
        given = {name: value for name, value in self.for_update().items() if name.endswith("Configuration")}
        kind = {"StateMachineType": self.type} if self.type != "STANDARD" else {}
        return {**kind, **{_pascal(name): _pascal_keys(value) for name, value in given.items()}}


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def _pascal_keys(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {_pascal(key): _pascal_keys(item) for key, item in value.items()}
    return [_pascal_keys(item) for item in value] if isinstance(value, list | tuple) else value


def tag_changes(
    there: Iterable[Mapping[str, str]], wanted: Iterable[Mapping[str, str]]
) -> tuple[list[dict[str, str]], list[str]]:
    """Tags to set, and keys of tags to remove; AWS's own (``aws:``) stay.

    >>> tag_changes([{"key": "a", "value": "1"}, {"key": "b", "value": "2"}], [{"key": "a", "value": "3"}])
    ([{'key': 'a', 'value': '3'}], ['b'])
    """
    old = {tag["key"]: tag["value"] for tag in there}
    new = {tag["key"]: tag["value"] for tag in wanted}
    changed = [{"key": key, "value": value} for key, value in new.items() if old.get(key) != value]
    return changed, [key for key in old if key not in new and not key.startswith("aws:")]
