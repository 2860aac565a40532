"""Mocked results of TestState, judged by the model of the API that would have given them.

Owns what STRICT and PRESENT ask for: every required member (STRICT), and the right kind for each member that is there.
A service's models are botocore's; integrations that have none take any result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlflowsteps.asl.arns import Resource
from mlflowsteps.asl.payloads import Json
from mlflowsteps.catalog.integrations import find_integration
from mlflowsteps.local.services.stepfunctions.refusals import refuse
from mlflowsteps.local.tasks.names import boto_service
from mlflowsteps.local.tasks.shapes import pascal_case

__all__ = ["MODES", "check_mock_result"]

MODES = ("STRICT", "PRESENT", "NONE")
_ANY_JSON = frozenset({("lambda", "Payload"), ("stepfunctions", "Input"), ("stepfunctions", "Output")})
"""Members that Step Functions reads as JSON where the API has text."""


def check_mock_result(resource: Resource, result: Json, mode: str) -> None:
    """Judge a mocked result.

    Args:
        resource: what the state calls.
        result: what it is taken to have answered.
        mode: STRICT, PRESENT or NONE.

    Raises:
        ServiceError: ValidationException, with the first member that is wrong.
    """
    if mode == "NONE":
        return
    found = _answer_of(resource)
    if found is None:
        return
    service, shape = found
    fault = next(_faults(shape, result, "", service, strict=mode == "STRICT"), None)
    if fault is not None:
        raise refuse("ValidationException", f"Mock result schema validation error: {fault}")


def _answer_of(resource: Resource) -> tuple[str, Any] | None:
    """boto3's name of the service, and the model of the answer; for ``.sync`` it is the answer of the polling call."""
    from mlflowsteps.local.services.session import service_model  # loads boto3

    if resource.kind == "aws-sdk":
        service = boto_service(resource.service)
        operation = resource.action[:1].upper() + resource.action[1:]
    else:
        row = find_integration(resource.service, resource.action) if resource.kind == "optimized" else None
        if row is None or not row.client or resource.pattern == "waitForTaskToken":
            return None
        service, operation = row.client, row.operation
        if resource.pattern.startswith("sync") and row.job is not None:
            operation = row.job.describe
    model = service_model(service) if service else None
    if service is None or model is None or operation not in model.operation_names:
        return None
    shape = model.operation_model(operation).output_shape
    return None if shape is None else (service, shape)


def _faults(shape: Any, value: Json, path: str, service: str, *, strict: bool) -> Iterator[str]:
    """What is wrong, outermost first; an explicit list, so that depth does not recurse."""
    waiting = [(shape, value, path)]
    while waiting:
        shape, value, path = waiting.pop()
        wanted, fits = _KINDS.get(shape.type_name, ("", None))
        if fits is not None and not fits(value):
            yield f"Field '{path}' must be {wanted}" if path else f"The result must be {wanted}"
        elif shape.type_name == "structure":
            names = {pascal_case(name): member for name, member in shape.members.items()}
            if strict:
                required = (pascal_case(name) for name in shape.required_members)
                yield from (f"Required field '{_at(path, name)}' is missing" for name in required if name not in value)
            waiting.extend(
                (names[name], item, _at(path, name))
                for name, item in value.items()
                if name in names and item is not None and (service, name) not in _ANY_JSON
            )
        elif shape.type_name == "list":
            waiting.extend((shape.member, item, f"{path}[{at}]") for at, item in enumerate(value))
        elif shape.type_name == "map":
            waiting.extend((shape.value, item, _at(path, name)) for name, item in value.items())


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: Mapping[str, tuple[str, Callable[[Json], bool]]] = {
    "structure": ("an object", lambda value: isinstance(value, dict)),
    "map": ("an object", lambda value: isinstance(value, dict)),
    "list": ("an array", lambda value: isinstance(value, list)),
    "string": ("a string", lambda value: isinstance(value, str)),
    "character": ("a string", lambda value: isinstance(value, str)),
    "boolean": ("a boolean", lambda value: isinstance(value, bool)),
    "integer": ("a number", _number),
    "long": ("a number", _number),
    "float": ("a number", _number),
    "double": ("a number", _number),
    "bigdecimal": ("a number", _number),
    "timestamp": ("a timestamp", lambda value: isinstance(value, str) or _number(value)),
}
