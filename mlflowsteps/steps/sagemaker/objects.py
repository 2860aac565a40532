"""Objects of SageMaker's SDKs: told by their classes' names, and copied with another session in them.

Neither SDK is imported: an object proves that its own is loaded. It owns the telling and the copy; how an object is
asked for its request is ``asking``, ``from_sdk2`` and ``from_sdk3``, and what is done to the request ``extraction``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.sagemaker.variables import as_variable, is_variable

__all__ = ["Ask", "Kind", "class_names", "copied_object", "find_session", "is_sdk_object", "texts_of"]


@dataclass(frozen=True, slots=True)
class Ask:
    """What a step wants of an object.

    Args:
        operation: the API operation.
        call: keywords for the object's own method.
    """

    operation: str
    call: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """How the objects of one class are asked.

    Args:
        sdk: 2 or 3.
        operations: the operations that they have a request for.
        ask: called with the copy, what is asked and the session; gives the request.
    """

    sdk: int
    operations: frozenset[str]
    ask: Callable[[Any, Ask, Any], Json]


def class_names(given: object) -> Iterator[tuple[str, str]]:
    """Module and name of an object's class and its bases, as far as they are of SageMaker's SDKs."""
    for cls in type(given).__mro__:
        if cls.__module__.split(".", 1)[0] == "sagemaker":
            yield cls.__module__, cls.__name__


def is_sdk_object(given: object) -> bool:
    """True for objects of SageMaker's SDKs."""
    return next(class_names(given), None) is not None


# ------------------------------------------------------------------------------------------------ copies of objects


_SESSION = "sagemaker_session"
"""The attribute that holds an object's session; what stands in for one there, such as a test's mock, counts as one."""


def _is_session(value: object) -> bool:
    return any(name == "Session" for _, name in class_names(value))


def find_session(value: object, seen: set[int] | None = None) -> Any:
    """The SageMaker session that an object, or what it holds, has; None where there is none."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return None
    seen.add(id(value))
    if _is_session(value):
        return value
    if isinstance(value, Mapping):
        held = list(value.values())
    elif isinstance(value, list | tuple):
        held = list(value)
    else:
        attributes = getattr(value, "__dict__", {}) if is_sdk_object(value) else {}
        if attributes.get(_SESSION) is not None:
            return attributes[_SESSION]
        held = list(attributes.values())
    return next((found for item in held if (found := find_session(item, seen)) is not None), None)


def texts_of(value: object, seen: set[int] | None = None) -> Iterator[str]:
    """The texts in an object and in what it holds, as far as that is of an SDK or a collection."""
    seen = set() if seen is None else seen
    if isinstance(value, str):
        yield value
    elif id(value) not in seen:
        seen.add(id(value))
        if isinstance(value, Mapping):
            held: list[Any] = list(value.values())
        elif isinstance(value, list | tuple | set):
            held = list(value)
        else:
            held = list(getattr(value, "__dict__", {}).values()) if is_sdk_object(value) else []
        for item in held:
            yield from texts_of(item, seen)


def copied_object(value: Any, session: Any, memo: dict[int, Any]) -> Any:
    """An SDK's object with all that it holds, with sessions and clients replaced; everything else stays the same."""
    if id(value) in memo or _is_session(value):
        return memo.get(id(value), session)
    if isinstance(value, dict | list | tuple | set) and not is_sdk_object(value):
        return _copied_collection(value, session, memo)
    if isinstance(value, type) or not is_sdk_object(value) or is_variable(value) or not hasattr(value, "__dict__"):
        return as_variable(_replacement(value, session))
    twin = memo[id(value)] = copy.copy(value)
    for name, item in vars(value).items():
        twin.__dict__[name] = session if name == _SESSION else copied_object(item, session, memo)
    private = getattr(value, "__pydantic_private__", None)
    if private:
        object.__setattr__(
            twin, "__pydantic_private__", {k: copied_object(v, session, memo) for k, v in private.items()}
        )
    return twin


def _replacement(value: Any, session: Any) -> Any:
    """The session's own in place of a client or a session of boto3; any other value itself."""
    client = getattr(getattr(value, "meta", None), "service_model", None)
    if client is not None and type(value).__module__.startswith("botocore."):
        return session.boto_session.client(client.service_name)
    return session.boto_session if type(value).__module__ == "boto3.session" else value


def _copied_collection(value: Any, session: Any, memo: dict[int, Any]) -> Any:
    """A collection of the same class: an OrderedDict, a defaultdict or a namedtuple stays what it is."""
    if isinstance(value, dict):
        memo[id(value)] = made = copy.copy(value)
        for key, item in value.items():
            made[key] = copied_object(item, session, memo)
        return made
    items = [copied_object(item, session, memo) for item in value]
    if isinstance(value, tuple):
        make = getattr(value, "_make", tuple if type(value) is tuple else lambda _: value)
        return make(items)
    twin: Any = copy.copy(value)
    twin.clear()
    fill = twin.update if isinstance(value, set) else twin.extend
    fill(items)
    return twin
