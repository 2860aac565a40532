"""Rules about a Task's Resource, parameters and credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlflowsteps.asl.arns import Resource, parse_resource
from mlflowsteps.asl.rules.fields import is_expression
from mlflowsteps.asl.rules.view import State, fault, pointer
from mlflowsteps.asl.values import Json
from mlflowsteps.catalog.integrations import find_integration, near_integration
from mlflowsteps.exceptions import Diagnostic

__all__ = ["TASK_RULES"]

Found = Iterator[Diagnostic]

_NOT_RECOGNIZED = (
    "The resource provided {} is not recognized. The value is not a valid resource ARN, or the resource is not "
    "available in this region."
)
_SDK_SERVICE = re.compile(r"[a-z0-9]+")
_SDK_ACTION = re.compile(r"[a-z][A-Za-z0-9]*")
_SUFFIX = {"sync": ".sync", "sync:2": ".sync:2", "waitForTaskToken": ".waitForTaskToken"}


def _resource(state: State) -> Resource | None:
    text = state.body.get("Resource")
    if state.type != "Task" or not isinstance(text, str):
        return None
    try:
        return parse_resource(text)
    except ValueError:
        return None


def resource(state: State) -> Found:
    """Resource is the ARN of something that a task can call."""
    text = state.body.get("Resource")
    if state.type != "Task" or not isinstance(text, str):
        return
    where, found = pointer(state.pointer, "Resource"), _resource(state)
    if found is None:
        hint = "The ARN of a function or activity, or arn:aws:states:::<service>:<action>"
        yield fault(where, "Value is not a valid resource ARN", _lambda_hint(text) or hint)
    elif found.kind in _CHECKS:
        problem = _CHECKS[found.kind](found)
        if problem is not None:
            yield fault(where, _NOT_RECOGNIZED.format(text), problem)


def _lambda_hint(text: str) -> str:
    if re.fullmatch(r"[\w-]{1,64}", text):
        return f"For a Lambda function: arn:aws:lambda:<region>:<account>:function:{text}"
    return ""


def _optimized(found: Resource) -> str | None:
    row = find_integration(found.service, found.action)
    if row is None:
        near = near_integration(found.service, found.action)
        if near:
            return f"Did you mean arn:aws:states:::{near}{_SUFFIX.get(found.pattern, '')}?"
        return f"For any action of AWS: arn:aws:states:::aws-sdk:{found.service}:{found.action}"
    if found.pattern in row.patterns:
        return None
    if not row.patterns:
        return "It belongs to the ItemReader or ResultWriter of a Distributed Map; as a task use aws-sdk:s3"
    allowed = ", ".join(row.name + _SUFFIX.get(pattern, "") for pattern in sorted(row.patterns))
    return f"{row.name} may be called as {allowed}"


def _aws_sdk(found: Resource) -> str | None:
    if found.pattern in {"sync", "sync:2"}:
        return "aws-sdk integrations know .waitForTaskToken only, no .sync"
    if not _SDK_SERVICE.fullmatch(found.service):
        return "The service is written in small letters without dashes, such as sagemakerruntime"
    if not _SDK_ACTION.fullmatch(found.action):
        return f"The action begins with a small letter: {found.action[:1].lower()}{found.action[1:]}"
    return None


def _no_task(found: Resource) -> str:
    return (
        f"A task cannot call {found.service} by an ARN; use arn:aws:states:::<service>:<action>"
        if found.kind == "other"
        else "Use arn:aws:states:::states:startExecution with StateMachineArn"
    )


_CHECKS = {"optimized": _optimized, "aws-sdk": _aws_sdk, "other": _no_task, "state-machine": _no_task}


def express_patterns(state: State) -> Found:
    """In an Express workflow a task does not wait for a job or a token, and there are no activities."""
    found = _resource(state)
    if found is None or not state.level.express:
        return
    where = pointer(state.pointer, "Resource")
    hint = "Use a STANDARD state machine, or the request-response form"
    if found.pattern == "waitForTaskToken":
        # The blank at the end is the service's.
        yield fault(where, "Express state machine does not support '.waitForTaskToken' service integration ", hint)
    elif found.pattern in {"sync", "sync:2"}:
        yield fault(where, "Express state machine does not support '.sync' service integration", hint)
    elif found.kind == "activity":
        yield fault(where, "Express state machine does not support activities", hint)


def required_parameters(state: State) -> Found:
    """What the API cannot do without is in Parameters or Arguments."""
    found = _resource(state)
    row = find_integration(found.service, found.action) if found and found.kind == "optimized" else None
    name = "Arguments" if state.jsonata else "Parameters"
    given = state.body.get(name)
    if row is None or not isinstance(given, dict):
        return
    for field in row.required:
        if field not in given and field + ".$" not in given:
            hint = _misspelt(field, given) or f"{row.name} needs {', '.join(row.required)}"
            yield fault(pointer(state.pointer, name), f"The field '{field}' is required but was missing", hint)


def _misspelt(field: str, given: dict[str, Json]) -> str:
    for name in given:
        if name.removesuffix(".$").lower() == field.lower():
            return f"It is written {field!r}, not {name!r}"
    return ""


def credentials(state: State) -> Found:
    """Credentials name a role, and not for an activity."""
    given = state.body.get("Credentials")
    if state.type != "Task" or not isinstance(given, dict):
        return
    where, found = pointer(state.pointer, "Credentials"), _resource(state)
    if "RoleArn" not in given and "RoleArn.$" not in given:
        yield fault(where, "The field 'RoleArn' is required but was missing")
    for name in given:
        if name not in {"RoleArn", "RoleArn.$"}:
            yield fault(where, f"Field '{name}' is not supported", "Only RoleArn or RoleArn.$")
    role = given.get("RoleArn")
    if "RoleArn" in given and not (isinstance(role, str) and (role.startswith("arn:") or is_expression(role))):
        yield fault(pointer(where, "RoleArn"), "Value is not a valid role ARN", "arn:aws:iam::<account>:role/<name>")
    if found is not None and found.kind == "activity":
        yield fault(where, "The field 'Credentials' is not supported for activities", "Remove it")


TASK_RULES = (resource, express_patterns, required_parameters, credentials)
