"""The model registry's operations of the SageMaker API, brought to ``jobs.model_registry``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mlflowsteps.local.records import Json
from mlflowsteps.local.tasks.origin import ORIGIN

if TYPE_CHECKING:
    from mlflowsteps.local.jobs.model_registry import ModelRegistry

__all__ = ["RegistryOperations"]

Params = dict[str, Json]
Page = Callable[[str, list[Params], Params], Params]


class RegistryOperations:
    """One method per operation, named as boto3's.

    Args:
        registry: the model registry.
        page: cuts a listing into pages (member, entries, parameters).
        tag: sets the tags of a request for an ARN.
    """

    def __init__(self, registry: ModelRegistry, page: Page, tag: Callable[[str, Params], None]) -> None:
        self._registry, self._page, self._tag = registry, page, tag

    def create_model_package_group(self, params: Params) -> Params:
        """Make a group."""
        arn = self._registry.create_group(params, origin=ORIGIN.get())
        self._tag(arn, params)
        return {"ModelPackageGroupArn": arn}

    def describe_model_package_group(self, params: Params) -> Params:
        """A group."""
        return self._registry.describe_group(params["ModelPackageGroupName"])

    def delete_model_package_group(self, params: Params) -> Params:
        """Delete an empty group."""
        self._registry.delete_group(params["ModelPackageGroupName"])
        return {}

    def list_model_package_groups(self, params: Params) -> Params:
        """The groups."""
        found = _chosen(list(self._registry.groups()), params, "ModelPackageGroupName")
        return self._page("ModelPackageGroupSummaryList", found, params)

    def create_model_package(self, params: Params) -> Params:
        """Make a package."""
        arn = self._registry.create_package(params, origin=ORIGIN.get())
        self._tag(arn, params)
        return {"ModelPackageArn": arn}

    def describe_model_package(self, params: Params) -> Params:
        """A package."""
        return self._registry.describe_package(params["ModelPackageName"])

    def update_model_package(self, params: Params) -> Params:
        """Approve a package, or change what is said of it."""
        return {"ModelPackageArn": self._registry.update_package(params)}

    def delete_model_package(self, params: Params) -> Params:
        """Delete a package."""
        self._registry.delete_package(params["ModelPackageName"])
        return {}

    def list_model_packages(self, params: Params) -> Params:
        """The packages of a group, or those without one."""
        group, kind = params.get("ModelPackageGroupName"), params.get("ModelPackageType", "Unversioned")
        found = _chosen(list(self._registry.packages(group, kind)), params, "ModelPackageArn")
        status = params.get("ModelApprovalStatus")
        found = [entry for entry in found if status in (None, entry.get("ModelApprovalStatus"))]
        return self._page("ModelPackageSummaryList", found, params)


def _chosen(entries: list[Params], params: Params, name_key: str) -> list[Params]:
    """The entries that a listing asks for, in its order."""
    wanted = str(params.get("NameContains", "")).lower()
    found = [entry for entry in entries if wanted in str(entry[name_key]).lower()]
    after, before = params.get("CreationTimeAfter"), params.get("CreationTimeBefore")
    found = [entry for entry in found if after is None or entry["CreationTime"] > after]
    found = [entry for entry in found if before is None or entry["CreationTime"] < before]
    if params.get("SortBy") == "Name":
        found.sort(key=lambda entry: str(entry[name_key]))
        return found[::-1] if params.get("SortOrder") == "Descending" else found
    return found[::-1] if params.get("SortOrder") == "Ascending" else found
