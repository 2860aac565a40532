"""The model that a training will have made, as a request of CreateModel and as the old SDK's Model was read and set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.sagemaker.requests import FrozenRequest

__all__ = ["ExpectedModel", "script_environment"]

_SCRIPT_MODE = {
    "sagemaker_program": "SAGEMAKER_PROGRAM",
    "sagemaker_submit_directory": "SAGEMAKER_SUBMIT_DIRECTORY",
    "sagemaker_container_log_level": "SAGEMAKER_CONTAINER_LOG_LEVEL",
    "sagemaker_region": "SAGEMAKER_REGION",
}
"""Hyperparameters by which SDK 2's script mode names a script, and what serving containers read instead."""

_PLACES: dict[str, tuple[str, ...]] = {
    "name": ("ModelName",),
    "role": ("ExecutionRoleArn",),
    "vpc_config": ("VpcConfig",),
    "image_uri": ("PrimaryContainer", "Image"),
    "model_data": ("PrimaryContainer", "ModelDataUrl"),
    "env": ("PrimaryContainer", "Environment"),
    "entry_point": ("PrimaryContainer", "Environment", "SAGEMAKER_PROGRAM"),
    "source_dir": ("PrimaryContainer", "Environment", "SAGEMAKER_SUBMIT_DIRECTORY"),
}
"""Attributes of SageMaker SDK 2's Model, and where the request holds them."""


class ExpectedModel(FrozenRequest):
    """A request of CreateModel; ``name``, ``role``, ``vpc_config``, ``image_uri``, ``model_data``, ``env``,
    ``entry_point`` and ``source_dir`` of it can be read and set as attributes, as SageMaker SDK 2's Model has them.
    """  # noqa: D205 - one sentence

    def __getattr__(self, name: str) -> Any:
        if name not in _PLACES:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}; it has {', '.join(_PLACES)}")
        found: Any = self._request
        for key in _PLACES[name]:
            found = found.get(key, {})
        return found if found != {} or name == "env" else None

    def __setattr__(self, name: str, value: Json) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
            return
        if name not in _PLACES:
            raise AttributeError(f"{name!r} of an expected model cannot be set; {', '.join(_PLACES)} can")
        *outer, last = _PLACES[name]
        holder: Any = self._request
        for key in outer:
            holder = holder.setdefault(key, {})
        holder.pop(f"{last}.$", None)
        holder[last] = value


def script_environment(hyperparameters: Json) -> dict[str, Json]:
    """What a serving container is told of the script that a training ran; empty where it ran none.

    >>> script_environment({"sagemaker_program": '"train.py"', "eta": "0.1"})
    {'SAGEMAKER_PROGRAM': 'train.py'}
    """
    if not isinstance(hyperparameters, Mapping) or "sagemaker_program" not in hyperparameters:
        return {}
    return {
        variable: _unquoted(hyperparameters[key]) for key, variable in _SCRIPT_MODE.items() if key in hyperparameters
    }


def _unquoted(value: Json) -> Json:
    """SDK 2 writes hyperparameters of scripts as JSON."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return found if isinstance(found, str) else value
