"""The old SDK's helpers of this module's name: tags, partitions and the merging of dicts."""

from __future__ import annotations

from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.integration_resources import get_aws_partition, get_service_integration_arn
from mlflowsteps.steps.tags import tag_list

__all__ = ["get_aws_partition", "get_service_integration_arn", "merge_dicts", "tags_dict_to_kv_list"]


def tags_dict_to_kv_list(tags_dict: dict[str, str]) -> list[dict[str, Json]]:
    """Tags as SageMaker takes them.

    >>> tags_dict_to_kv_list({"team": "ml"})
    [{'Key': 'team', 'Value': 'ml'}]
    """
    return tag_list(tags_dict)


def merge_dicts(target: dict[str, Json], source: dict[str, Json]) -> None:
    """Put the entries of ``source`` into ``target``, dict by dict; ``source`` wins.

    Args:
        target: changed in place.
        source: stays as it is.
    """
    for key, value in source.items():
        if isinstance(target.get(key), dict) and isinstance(value, dict):
            merge_dicts(target[key], value)
        else:
            target[key] = value
