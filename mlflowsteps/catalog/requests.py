"""Requests judged by botocore's service models: unknown, missing and wrong members, with place and near miss.

It reads a model as plain data, which is handed in. Which values are known only at run time is the caller's to say.
"""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlflowsteps.catalog.aws_sdk import member_name

__all__ = ["RequestFault", "judge_request"]

Json: TypeAlias = Any
Model: TypeAlias = Mapping[str, Any]
Keys: TypeAlias = tuple[str | int, ...]
_Pending: TypeAlias = tuple[Keys, Model, Json]


@dataclass(frozen=True, slots=True)
class RequestFault:
    """One fault of a request.

    Args:
        keys: names and indices that lead to it.
        message: what is wrong, with the value.
        hint: what to write instead.
    """

    keys: Keys
    message: str
    hint: str = ""


_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "structure": ((Mapping,), "an object"),
    "map": ((Mapping,), "an object"),
    "list": ((list, tuple), "a list"),
    "string": ((str,), "text"),
    "character": ((str,), "text"),
    "integer": ((int,), "an integer"),
    "long": ((int,), "an integer"),
    "float": ((int, float), "a number"),
    "double": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
    "timestamp": ((str, int, float), "a time"),
}


def judge_request(
    model: Model, operation: str, request: Json, exempt: Callable[[Json], bool]
) -> Iterator[RequestFault]:
    """Every fault of a request as states write it, with members in Pascal case.

    Args:
        model: botocore's model of the service (``service-2``).
        operation: name of the operation.
        request: the payload; a key that ends in ``.$`` holds a path or intrinsic.
        exempt: True for a value that is known only at run time.

    Raises:
        KeyError: the model has no such operation.
    """
    shapes = model["shapes"]
    name = model["operations"][operation].get("input", {}).get("shape")
    top: Model = shapes[name] if name else {"type": "structure", "members": {}}
    pending: deque[_Pending] = deque([((), top, {} if request is None else request)])
    while pending:
        keys, shape, value = pending.popleft()
        if exempt(value) or _free(shape):
            continue
        kinds, kind = _KINDS.get(shape["type"], ((object,), ""))
        fits = isinstance(value, kinds) and (shape["type"] == "boolean" or not isinstance(value, bool))
        if not fits:
            yield RequestFault(keys, f"Expected {kind}, found {_shown(value)}")
        elif shape["type"] == "structure":
            yield from _structure(shapes, keys, shape, value, pending)
        elif shape["type"] in ("list", "map"):
            pending += _elements(shapes, keys, shape, value)


def _free(shape: Model) -> bool:
    """True where any JSON may stand: documents, JSON text and bytes."""
    return shape["type"] == "blob" or bool(shape.get("document")) or bool(shape.get("jsonvalue"))


def _structure(
    shapes: Model, keys: Keys, shape: Model, value: Mapping[str, Json], pending: deque[_Pending]
) -> Iterator[RequestFault]:
    members = {member_name(name): (name, member) for name, member in shape["members"].items()}
    given = {str(key).removesuffix(".$"): str(key).endswith(".$") for key in value}
    for key, item in value.items():
        name = str(key).removesuffix(".$")
        if name not in members:
            yield RequestFault((*keys, key), f"There is no member {name!r}", _near(name, members))
        elif not given[name]:
            pending.append(((*keys, key), _shape_of(shapes, members[name][1]), item))
    for name in shape.get("required", ()):
        if member_name(name) not in given and not shape["members"][name].get("idempotencyToken"):
            yield RequestFault(
                keys, f"{member_name(name)!r} is missing", f"Give {member_name(name)!r}, which is needed"
            )


def _elements(shapes: Model, keys: Keys, shape: Model, value: Json) -> list[_Pending]:
    if shape["type"] == "list":
        inner = _shape_of(shapes, shape["member"])
        return [((*keys, index), inner, item) for index, item in enumerate(value)]
    inner = _shape_of(shapes, shape["value"])
    return [((*keys, key), inner, item) for key, item in value.items() if not str(key).endswith(".$")]


def _shape_of(shapes: Model, member: Model) -> Model:
    found: Model = shapes[member["shape"]]
    return {**found, "jsonvalue": True} if member.get("jsonvalue") else found


def _near(name: str, members: Mapping[str, Any]) -> str:
    folded = {member.lower(): member for member in members}
    near = difflib.get_close_matches(name[:100].lower(), folded, n=1)
    if near:
        return f"Did you mean {folded[near[0]]!r}?"
    listed = ", ".join(members) or "none"
    return f"Its members: {listed[:400]}"


def _shown(value: Json) -> str:
    if isinstance(value, Mapping):
        return "an object"
    text = "a list" if isinstance(value, list | tuple) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
