"""Requests judged offline: by botocore's model of the API, and by what Step Functions' own integration takes.

The model (0.1 s to read) is loaded with the first request that is judged; no client, region or credentials are needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from mlflowsteps.catalog.sagemaker_requests import UNPROVEN_MEMBERS
from mlflowsteps.exceptions import DefinitionError, Diagnostic
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.inputs.templates import expression_text
from mlflowsteps.steps.remarks import warn_author

__all__ = ["check_request", "request_faults", "warn_of_local_mode", "warn_of_unproven"]

_UNKNOWN = re.compile(r'Unknown parameter in (?P<place>.+?): "(?P<name>.+?)", must be one of: (?P<known>.+)')
_MISSING = "Missing required parameter"
_ROLE_NAME = re.compile(r"Invalid length for parameter (\S+\.)?(Execution)?RoleArn,")
"""A short role is a name in place of an ARN, of which the author was warned; the old SDK let it pass."""


def request_faults(request: Json, operation: str, state_id: str, *, complete: bool) -> list[Diagnostic]:
    """What the API would refuse in a request for its shape; values that are placeholders are not judged.

    Args:
        request: the request.
        operation: the API operation.
        state_id: the step, for messages.
        complete: False: members that are missing are not told; the author may still add them.

    Returns:
        The faults, each with its place, its value and the nearest name.
    """
    from botocore.validate import ParamValidator

    shape = _shape(operation)
    if shape is None or not isinstance(request, Mapping):
        return []
    report = ParamValidator().validate(_plain(request, shape), shape)
    lines = [line for line in report.generate_report().splitlines() if complete or not line.startswith(_MISSING)]
    return [_diagnostic(line, operation, state_id) for line in lines if not _ROLE_NAME.match(line)]


def check_request(request: Json, operation: str, state_id: str) -> None:
    """Refuse a whole request that the API would refuse for its shape.

    Args:
        request: the request.
        operation: the API operation.
        state_id: the step, for messages.

    Raises:
        DefinitionError: it has faults, or something is missing in it.
    """
    faults = request_faults(request, operation, state_id, complete=True)
    if faults:
        raise DefinitionError(faults)


def warn_of_unproven(request: Json, operation: str, state_id: str) -> None:
    """Say which members of a request Step Functions' own integration may not know; it knows a fixed list."""
    if not isinstance(request, Mapping):
        return
    found = [key for key in request if str(key).removesuffix(".$") in UNPROVEN_MEMBERS.get(operation, ())]
    if found:
        warn_author(
            f"Step {state_id!r}: {', '.join(found)} of {operation} may not be known to Step Functions' integration "
            "with SageMaker, which then refuses the definition. integration='aws-sdk' takes every member."
        )


def warn_of_local_mode(request: Json, state_id: str) -> None:
    """Say that an instance type of the SDKs' local mode is none of SageMaker's.

    Args:
        request: the request.
        state_id: the step, for messages.
    """
    local = sorted({kind for kind in _instance_types(request) if kind in ("local", "local_gpu")})
    if local:
        warn_author(
            f"Step {state_id!r}: the instance type {local[0]!r} is the SDK's own local mode, and SageMaker refuses it. "
            "Give a type such as 'ml.m5.large': a LocalRuntime runs the job on this machine whatever the type."
        )


def _instance_types(value: Json) -> Iterator[Json]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "InstanceType":
                yield item if isinstance(item, str) else None
            elif key not in ("HyperParameters", "Environment"):
                yield from _instance_types(item)
    elif isinstance(value, list):
        for item in value:
            yield from _instance_types(item)


@cache
def _model() -> Any:
    from botocore.loaders import create_loader
    from botocore.model import ServiceModel

    return ServiceModel(create_loader().load_service_model("sagemaker", "service-2"), "sagemaker")


def _shape(operation: str) -> Any:
    model = _model()
    return model.operation_model(operation).input_shape if operation in model.operation_names else None


def _diagnostic(line: str, operation: str, state_id: str) -> Diagnostic:
    pointer = f"/States/{state_id.replace('~', '~0').replace('/', '~1')}/Parameters"
    match = _UNKNOWN.match(line)
    if match is None:
        return Diagnostic("INVALID_REQUEST", pointer, f"{operation}: {line}")
    near = get_close_matches(match["name"], match["known"].split(", "), n=1)
    hint = f"Did you mean {near[0]}?" if near else f"It has {match['known']}."
    return Diagnostic("INVALID_REQUEST", pointer, f"{operation} has no {match['place']}.{match['name']}.", hint)


# ------------------------------------------------------------------------ placeholders: something that fits the model


def _plain(value: Json, shape: Any) -> Json:
    """The value with a fitting sample for every placeholder, and with ``key`` for ``key.$``."""
    kind = shape.type_name if shape is not None else ""
    if shape is not None and expression_text(value) is not None:
        return _sample(shape)
    if isinstance(value, Mapping):
        return {name: item for key, raw in value.items() for name, item in [_member(str(key), raw, shape, kind)]}
    if isinstance(value, list | tuple):
        member = shape.member if kind == "list" else None
        return [_plain(item, member) for item in value]
    return value


def _member(key: str, value: Json, shape: Any, kind: str) -> tuple[str, Json]:
    name = key.removesuffix(".$")
    inner = shape.members.get(name) if kind == "structure" else shape.value if kind == "map" else None
    if key.endswith(".$") and inner is not None:
        return name, _sample(inner)
    return (name if inner is not None else key), _plain(value, inner)


def _sample(shape: Any) -> Json:
    """A value that the model takes."""
    least = int(shape.metadata.get("min", 1) or 1)
    samples: dict[str, Any] = {"string": "x" * least, "boolean": True, "map": {}, "timestamp": 0, "blob": b""}
    if shape.type_name == "structure":
        return {name: _sample(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [_sample(shape.member)] * least
    return samples.get(shape.type_name, least)
