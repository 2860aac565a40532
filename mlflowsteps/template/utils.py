"""Parameters of a step, replaced by paths: all of them, or those that are named."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Protocol

from mlflowsteps.inputs.syntax import Json, path_of_keys

__all__ = ["replace_parameters_with_context_object", "replace_parameters_with_jsonpath"]


class HasParameters(Protocol):
    """What these functions read of a step."""

    @property
    def state_id(self) -> str:
        """Its name."""
        ...

    @property
    def parameters(self) -> Json:
        """Its parameters."""
        ...


def replace_parameters_with_context_object(step: HasParameters) -> dict[str, Json]:
    """Parameters that read each value from the execution's input, under the step's name.

    Args:
        step: stays as it is.

    >>> from mlflowsteps.steps import Task
    >>> replace_parameters_with_context_object(Task("Count", parameters={"Limit": 3}))
    {'Limit.$': "$$.Execution.Input['Count'].Limit"}
    """
    root = "$$.Execution.Input" + path_of_keys([step.state_id])
    return {f"{key.removesuffix('.$')}.$": f"{root}.{key.removesuffix('.$')}" for key in step.parameters or {}}


def replace_parameters_with_jsonpath(step: HasParameters, params: Mapping[str, Json]) -> dict[str, Json]:
    """The parameters of a step, with those that ``params`` names replaced by paths; for ``step.update_parameters``.

    Args:
        step: stays as it is.
        params: nested as the parameters are; a key that ends in ``.$`` takes the place of the one without, and its
            value is a path. Other values are only the way to such keys. A list is walked item by item.

    Returns:
        New parameters.

    Raises:
        ValueError: a key is not in the parameters; the message names the nearest one.

    >>> from mlflowsteps.steps import Task
    >>> task = Task("Count", parameters={"Limit": 3, "Of": {"Name": "a", "Kind": "b"}})
    >>> replace_parameters_with_jsonpath(task, {"Of": {"Name.$": "$.name"}})
    {'Limit': 3, 'Of': {'Kind': 'b', 'Name.$': '$.name'}}
    """
    replaced: dict[str, Json] = _replaced(step.parameters or {}, params, f"step {step.state_id!r}")
    return replaced


def _replaced(source: Json, over: Json, place: str) -> Json:
    if isinstance(source, Mapping) and isinstance(over, Mapping):
        found = dict(source)
        for key, value in over.items():
            plain = key.removesuffix(".$")
            here = key if key in found else plain
            if here not in found:
                raise ValueError(_unknown(place, plain, source))
            if plain != key:
                del found[here]
                found[key] = value
            else:
                found[key] = _replaced(found[here], value, f"{place}/{plain}")
        return found
    if isinstance(source, list) and isinstance(over, list) and len(source) == len(over):
        pairs = zip(source, over, strict=True)
        return [_replaced(item, value, f"{place}/{index}") for index, (item, value) in enumerate(pairs)]
    return source


def _unknown(place: str, key: str, source: Mapping[str, Json]) -> str:
    near = get_close_matches(key, source, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" It has {', '.join(source) or 'none'}."
    return f"{place}: there is no parameter {key!r} to replace.{hint}"
