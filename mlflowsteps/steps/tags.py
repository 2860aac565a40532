"""Tags: any form a user writes, in the form each service takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlflowsteps.inputs.syntax import Json

__all__ = ["tag_list"]


def tag_list(
    tags: Mapping[str, Json] | Iterable[Mapping[str, Json]] | None, upper: bool = True
) -> list[dict[str, Json]]:
    """Tags as a list of keys and values.

    Args:
        tags: a dict, or a list of ``{"Key": ..., "Value": ...}`` or ``{"key": ..., "value": ...}``; None for none.
        upper: ``Key`` and ``Value``, as SageMaker takes them; False: ``key`` and ``value``, as Step Functions does.

    Raises:
        ValueError: an entry is none of these.

    >>> tag_list([{"key": "team", "value": "ml"}])
    [{'Key': 'team', 'Value': 'ml'}]
    """
    names = ("Key", "Value") if upper else ("key", "value")
    pairs = tags.items() if isinstance(tags, Mapping) else [_pair(tag) for tag in tags or ()]
    return [dict(zip(names, pair, strict=True)) for pair in pairs]


def _pair(tag: Mapping[str, Json]) -> tuple[Json, Json]:
    for key, value in (("Key", "Value"), ("key", "value")):
        if isinstance(tag, Mapping) and set(tag) == {key, value}:
            return tag[key], tag[value]
    raise ValueError(f"A tag is {{'Key': ..., 'Value': ...}}, or tags are a dict {{key: value}}; not {tag!r}")
