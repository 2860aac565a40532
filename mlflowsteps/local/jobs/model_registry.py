"""The model registry: groups of model packages, their versions, and who approved them. Records only; nothing runs.

A package belongs to a group and is numbered in it, or has a name of its own. Models may name a package in place of an
image (``container_of``).

Source:
    Amazon SageMaker developer guide, "Model Registration Deployment with Model Registry"; the API's model.
"""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Mapping, Sequence

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.clock import Clock
from mlflowsteps.local.jobs.container import Record
from mlflowsteps.local.store import Resources

__all__ = ["ModelRegistry"]

GROUP, PACKAGE = "model-package-group", "model-package"
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_APPROVALS = ("Approved", "Rejected", "PendingManualApproval")
_ECHOED = [
    "ModelPackageDescription", "InferenceSpecification", "SourceAlgorithmSpecification", "ValidationSpecification",
    "MetadataProperties", "ModelMetrics", "Domain", "Task", "SamplePayloadUrl", "CustomerMetadataProperties",
    "DriftCheckBaselines", "AdditionalInferenceSpecifications", "SkipModelValidation", "SourceUri", "SecurityConfig",
    "ModelCard", "ModelLifeCycle", "ModelPackageRegistrationType",
]  # fmt: skip
_UPDATED = [
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
]


class ModelRegistry:
    """Model packages and their groups.

    Args:
        records: where they are kept.
        clock: tells their times.
        region: in ARNs.
        account_id: in ARNs.
    """

    def __init__(self, records: Resources, clock: Clock, *, region: str, account_id: str) -> None:
        self._records, self._clock = records, clock
        self._prefix = f"arn:aws:sagemaker:{region}:{account_id}:"
        self._lock = threading.Lock()

    # -- groups --------------------------------------------------------------------------------------------------

    def create_group(self, request: Record, *, origin: str | None = None) -> str:
        """Create a group; its ARN.

        Raises:
            ServiceError: the name is not valid, or taken by another origin.
        """
        name = request["ModelPackageGroupName"]
        _check_name("ModelPackageGroupName", name)
        arn = f"{self._prefix}{GROUP}/{name.lower()}"
        description: Record = {"ModelPackageGroupName": name, "ModelPackageGroupArn": arn}
        description |= {"CreationTime": self._clock.now(), "ModelPackageGroupStatus": "Completed", "CreatedBy": {}}
        if "ModelPackageGroupDescription" in request:
            description["ModelPackageGroupDescription"] = request["ModelPackageGroupDescription"]
        if not self._records.insert(GROUP, name.lower(), {"Origin": origin, "Description": description}):
            known = self._records.get(GROUP, name.lower()) or {}
            if origin is None or known.get("Origin") != origin:
                raise _refuse(f"Model Package Group already exists: {arn}")
        return arn

    def describe_group(self, name: str) -> Record:
        """A group, by name or ARN."""
        found = self._records.get(GROUP, name.rsplit("/", 1)[-1].lower())
        if found is None:
            raise _refuse(f"ModelPackageGroup {self._prefix}{GROUP}/{name.rsplit('/', 1)[-1].lower()} does not exist.")
        description: Record = found["Description"]
        return description

    def delete_group(self, name: str) -> str:
        """Delete a group that holds no package; its ARN."""
        group = self.describe_group(name)
        if self.packages(group["ModelPackageGroupName"]):
            raise ServiceError(
                "ConflictException",
                f"Model Package Group {group['ModelPackageGroupArn']} holds model packages; delete those first.",
            )
        self._records.delete(GROUP, group["ModelPackageGroupName"].lower())
        return str(group["ModelPackageGroupArn"])

    def groups(self) -> Sequence[Record]:
        """All groups, newest first."""
        return [record["Description"] for record in reversed(self._records.list(GROUP))]

    # -- packages ------------------------------------------------------------------------------------------------

    def create_package(self, request: Record, *, origin: str | None = None) -> str:
        """Create a package: a version of a group, or one with a name of its own; its ARN.

        Raises:
            ServiceError: the request is not valid, the group does not exist, or the name is taken.
        """
        group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
        if bool(group) == bool(name):
            raise _refuse("Exactly one of ModelPackageGroupName and ModelPackageName must be given.")
        _check_approval(request)
        with self._lock:  # versions are counted
            known = next((r for r in self._records.list(PACKAGE) if origin and r.get("Origin") == origin), None)
            if known is not None:
                return str(known["Description"]["ModelPackageArn"])
            identity = self._version(str(group)) if group else self._named(str(name))
            description = identity | self._described(request, versioned=bool(group))
            key = str(description["ModelPackageArn"]).split(f":{PACKAGE}/", 1)[1]
            if not self._records.insert(PACKAGE, key, {"Origin": origin, "Description": description}):
                raise _refuse(f"ModelPackage already exists: {description['ModelPackageArn']}")
        return str(description["ModelPackageArn"])

    def _version(self, group: str) -> Record:
        """The next version of a group; a number is not given twice, even where the last package was deleted."""
        found = self.describe_group(group)
        record = self._records.get(GROUP, found["ModelPackageGroupName"].lower()) or {}
        record["Versions"] = number = record.get("Versions", 0) + 1
        self._records.put(GROUP, found["ModelPackageGroupName"].lower(), record)
        arn = f"{self._prefix}{PACKAGE}/{found['ModelPackageGroupName'].lower()}/{number}"
        name = found["ModelPackageGroupName"]
        return {"ModelPackageGroupName": name, "ModelPackageVersion": number, "ModelPackageArn": arn}

    def _named(self, name: str) -> Record:
        _check_name("ModelPackageName", name)
        return {"ModelPackageName": name, "ModelPackageArn": f"{self._prefix}{PACKAGE}/{name.lower()}"}

    def _described(self, request: Record, *, versioned: bool) -> Record:
        found = {key: copy.deepcopy(request[key]) for key in _ECHOED if key in request}
        found |= {"CreationTime": self._clock.now(), "ModelPackageStatus": "Completed"}
        found["ModelPackageStatusDetails"] = {"ValidationStatuses": [], "ImageScanStatuses": []}
        found["CertifyForMarketplace"] = bool(request.get("CertifyForMarketplace", False))
        if versioned or "ModelApprovalStatus" in request:
            found["ModelApprovalStatus"] = request.get("ModelApprovalStatus", "PendingManualApproval")
        return found

    def describe_package(self, name: str) -> Record:
        """A package, by ARN or name."""
        description: Record = self._package(name)["Description"]
        return description

    def _package(self, name: str) -> Record:
        key = name.split(f":{PACKAGE}/", 1)[-1].lower()
        found = self._records.get(PACKAGE, key)
        if found is None:
            raise _refuse(f"ModelPackage {self._prefix}{PACKAGE}/{key} does not exist.")
        return found

    def update_package(self, request: Record) -> str:
        """Change a package's approval and metadata; its ARN."""
        _check_approval(request)
        with self._lock:
            record = self._package(request["ModelPackageArn"])
            description = record["Description"]
            description |= {key: copy.deepcopy(request[key]) for key in _UPDATED if key in request}
            metadata = description.get("CustomerMetadataProperties", {}) | request.get("CustomerMetadataProperties", {})
            for key in request.get("CustomerMetadataPropertiesToRemove") or ():
                metadata.pop(key, None)
            if metadata or "CustomerMetadataProperties" in description:
                description["CustomerMetadataProperties"] = metadata
            more = request.get("AdditionalInferenceSpecificationsToAdd")
            if more:
                description["AdditionalInferenceSpecifications"] = [
                    *description.get("AdditionalInferenceSpecifications", []), *copy.deepcopy(more)
                ]  # fmt: skip
            description["LastModifiedTime"] = self._clock.now()
            self._records.put(PACKAGE, description["ModelPackageArn"].split(f":{PACKAGE}/", 1)[1], record)
        return str(description["ModelPackageArn"])

    def delete_package(self, name: str) -> str:
        """Delete a package; its ARN."""
        arn = str(self.describe_package(name)["ModelPackageArn"])
        self._records.delete(PACKAGE, arn.split(f":{PACKAGE}/", 1)[1])
        return arn

    def packages(self, group: str | None = None, kind: str = "Unversioned") -> Sequence[Record]:
        """Packages, newest first.

        Args:
            group: name or ARN of a group: its versions; None: of no certain group.
            kind: ``Versioned``, ``Unversioned`` or ``Both``, where no group is given.
        """
        found = [record["Description"] for record in reversed(self._records.list(PACKAGE))]
        if group is not None:
            name = self.describe_group(group)["ModelPackageGroupName"]
            return [entry for entry in found if entry.get("ModelPackageGroupName") == name]
        wanted: Mapping[str, tuple[bool, ...]] = {"Versioned": (True,), "Unversioned": (False,), "Both": (True, False)}
        return [entry for entry in found if ("ModelPackageGroupName" in entry) in wanted[kind]]

    def containers_of(self, given: Record) -> list[Record]:
        """A model's container that names a package, as the package's containers; others as they are.

        Raises:
            ServiceError: there is no such package, or it cannot serve.
        """
        name = given.get("ModelPackageName")
        if not name:
            return [given]
        package = self.describe_package(name)
        containers = _specification(package, given.get("InferenceSpecificationName")).get("Containers") or []
        if not containers:
            raise _refuse(f"ModelPackage {package['ModelPackageArn']} has no InferenceSpecification to serve with.")
        return [_served(container, given) for container in containers]


_SERVED = ("Image", "ModelDataUrl", "ModelDataSource", "ContainerHostname")


def _specification(package: Record, name: str | None) -> Record:
    """What a package is served with: its own specification, or one of its additional ones by name."""
    if name is None:
        return package.get("InferenceSpecification") or {}
    rows = package.get("AdditionalInferenceSpecifications") or []
    found = next((row for row in rows if row["Name"] == name), None)
    if found is None:
        known, arn = ", ".join(row["Name"] for row in rows) or "none", package["ModelPackageArn"]
        raise _refuse(f"InferenceSpecificationName {name!r} is none of {arn}, which has {known}.")
    return dict(found)


def _served(container: Record, given: Record) -> Record:
    found = {key: copy.deepcopy(container[key]) for key in _SERVED if key in container}
    environment = (container.get("Environment") or {}) | (given.get("Environment") or {})
    return found | given | {"Environment": environment}


def _refuse(text: str) -> ServiceError:
    return ServiceError("ValidationException", text)


def _check_name(member: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise _refuse(f"{member} is {name!r}; it may have at most 63 letters, digits and single hyphens between them.")


def _check_approval(request: Record) -> None:
    status = request.get("ModelApprovalStatus")
    if status is not None and status not in _APPROVALS:
        raise _refuse(f"ModelApprovalStatus is {status!r}; it must be one of {', '.join(_APPROVALS)}.")
