"""The instances of a job: how many its request asks for, and in which groups they are.

Source:
    Amazon SageMaker developer guide, "Train Using a Heterogeneous Cluster"; the API's model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Group", "groups_of", "instances_of"]

_ONLY_GROUP = "homogeneousCluster"


@dataclass(frozen=True, slots=True)
class Group:
    """An instance group.

    Args:
        name: its name.
        kind: its InstanceType.
        hosts: numbers of its instances, from 1.
    """

    name: str
    kind: str
    hosts: tuple[int, ...]


def _resources(request: Mapping[str, Any]) -> Mapping[str, Any]:
    cluster = (request.get("ProcessingResources") or {}).get("ClusterConfig")
    return cluster or request.get("ResourceConfig") or {}


def _first_preference(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The instances that are asked for first, where several kinds would do."""
    preferences = found.get("InstancePreferences") or [{}]
    return {**preferences[0], **found}


def instances_of(request: Mapping[str, Any]) -> int:
    """How many instances a request asks for.

    >>> instances_of({"ResourceConfig": {"InstanceGroups": [{"InstanceCount": 2}, {"InstanceCount": 1}]}})
    3
    """
    found = _first_preference(_resources(request))
    groups = found.get("InstanceGroups") or []
    return int(found.get("InstanceCount") or sum(group["InstanceCount"] for group in groups) or 1)


def groups_of(request: Mapping[str, Any], instances: int) -> list[Group]:
    """The instance groups of a training job, its instances numbered through.

    Args:
        request: the CreateTrainingJob request.
        instances: how many there are.
    """
    found = _first_preference(_resources(request))
    given = found.get("InstanceGroups") or []
    if not given or instances != instances_of(request):
        kind = found.get("InstanceType") or (given or [{}])[0].get("InstanceType") or "local"
        return [Group(_ONLY_GROUP, kind, tuple(range(1, instances + 1)))]
    groups, first = [], 1
    for group in given:
        hosts = tuple(range(first, first + group["InstanceCount"]))
        groups.append(Group(group["InstanceGroupName"], group["InstanceType"], hosts))
        first += len(hosts)
    return groups
