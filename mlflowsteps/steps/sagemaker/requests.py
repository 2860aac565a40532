"""SageMaker requests: taken from what the user gives, copied, changed by keywords, checked.

The order is one for all steps: the request given, the step's own keywords over it, ``parameters=`` over all. It owns
that order and the one seam (``request_of``) through which objects other than dicts are turned into requests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from mlflowsteps.catalog.sagemaker_requests import REQUEST_MEMBERS
from mlflowsteps.exceptions import MissingRequiredParameter
from mlflowsteps.inputs import intrinsics
from mlflowsteps.inputs.syntax import TOKEN, Json, Reference, token_of
from mlflowsteps.inputs.templates import adopted_reference
from mlflowsteps.steps.sagemaker.objects import Ask, class_names, is_sdk_object
from mlflowsteps.steps.sagemaker.staging import JOB_NAME, Request
from mlflowsteps.steps.sagemaker.variables import described
from mlflowsteps.steps.tags import tag_list

__all__ = [
    "FrozenRequest",
    "as_text",
    "checked",
    "copied",
    "merged",
    "named",
    "put",
    "put_tags",
    "request_of",
    "stringified",
    "take_overrides",
]


class FrozenRequest(Mapping[str, Any]):
    """A request that cannot be changed; reading gives copies.

    Args:
        request: the request in boto3's shape.
    """

    def __init__(self, request: Mapping[str, Json]) -> None:
        self._request = copied(request)

    def __getitem__(self, key: str) -> Any:
        return copied(self._request[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._request)

    def __len__(self) -> int:
        return len(self._request)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._request!r})"


def request_of(given: object, operation: str, what: str, *, call: Mapping[str, Any] | None = None) -> Request:
    """The request that an argument stands for, as a new dict.

    Args:
        given: a dict in the shape of boto3's request, what ``get_expected_model`` gives, an object of SageMaker's SDK 2
            or 3, or what its method returns under a PipelineSession.
        operation: the API operation, such as ``CreateTrainingJob``.
        what: the argument's name, such as ``estimator``.
        call: keywords for the object's own method, such as ``fit``.

    Returns:
        The request, with the files that it needs in S3. An SDK's has ``staging.JOB_NAME`` where its job's name stands.

    Raises:
        TypeError: it is none of these; the message says what is taken.
        DefinitionError: the SDK would have called AWS to make it.
    """
    if isinstance(given, Mapping):
        if call:
            raise TypeError(f"{what} is a request; {', '.join(call)} are for objects of SageMaker's SDKs")
        return Request(copied(given), getattr(given, "uploads", ()))
    if is_sdk_object(given):
        return _object_request(given, Ask(operation, call or {}), what)
    method = "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).lstrip("_")
    raise TypeError(
        f"{what} must be a dict in the shape of boto3's sagemaker client.{method}(...) request, without the name: "
        f"{', '.join(REQUEST_MEMBERS[operation][1:5])}, ...; or an object of SageMaker's Python SDK. It is {given!r} "
        f"({type(given).__name__})."
    )


def _object_request(given: object, ask: Ask, what: str) -> Request:
    from mlflowsteps.steps.sagemaker.extraction import classes_for, extract, kind_of  # loads boto3

    kind = kind_of(given)
    class_name = ".".join(next(class_names(given)))
    if kind is None or ask.operation not in kind.operations:
        fitting = _steps_of(kind.operations) if kind else f"; give a request, or {classes_for(ask.operation)}"
        raise TypeError(f"{what}: a {class_name} has no request of {ask.operation}{fitting}")
    found = extract(given, kind, ask)
    if not found.keys() <= set(REQUEST_MEMBERS[ask.operation]):
        nearest = max(_STEPS, key=lambda operation: len(found.keys() & set(REQUEST_MEMBERS[operation])))
        if nearest != ask.operation:
            raise TypeError(f"{what}: this {class_name} holds no request of {ask.operation}{_steps_of([nearest])}")
    return found


_STEPS = {
    "CreateTrainingJob": "TrainingStep",
    "CreateHyperParameterTuningJob": "TuningStep",
    "CreateProcessingJob": "ProcessingStep",
    "CreateTransformJob": "TransformStep",
    "CreateModel": "ModelStep",
    "CreateModelPackage": "ModelPackageStep",
    "CreateEndpointConfig": "EndpointConfigStep",
    "CreateEndpoint": "EndpointStep",
}


def _steps_of(operations: Iterable[str]) -> str:
    """Which steps take requests of these operations, for a message."""
    return f"; give it to {' or '.join(sorted(_STEPS[name] for name in operations if name in _STEPS))}"


def named(request: dict[str, Json], name_key: str) -> dict[str, Json]:
    """A request in which the job's name stands where an SDK was told to write one.

    Args:
        request: the request; stays as it is.
        name_key: member that holds the name; left out where nobody gave one.
    """
    name = request.get(name_key, request.get(f"{name_key}.$"))
    if name is None or name == JOB_NAME:
        return {key: value for key, value in request.items() if key != name_key}
    if isinstance(name, str) and f"{name_key}.$" in request:
        name = f"⟦{name}⟧"
    found: dict[str, Json] = _with_text(request, JOB_NAME, token_of(name) if isinstance(name, Reference) else str(name))
    return found


def _with_text(value: Json, old: str, new: str) -> Json:
    """A text put in place of another one, in all texts of a value."""
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, Mapping):
        return {key: _with_text(item, old, new) for key, item in value.items()}
    return [_with_text(item, old, new) for item in value] if isinstance(value, list) else value


def copied(value: Json) -> Json:
    """A copy of dicts and lists at every depth; placeholders stay as they are, the SDKs' objects become dicts.

    Raises:
        ValueError: it holds itself, or is nested too deeply.
    """
    try:
        return _copied(value)
    except RecursionError:
        raise ValueError(
            "A request, or a value for one, holds itself or is nested hundreds of levels deep; JSON does not"
        ) from None


def _copied(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(item) for item in value]
    return described(value) if is_sdk_object(value) else value


def merged(base: Json, over: Json) -> Json:
    """One value over another: objects are merged at every depth, anything else is replaced.

    ``"Key.$"`` and ``"Key"`` are the same key.

    >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"b.$": "$.b"}})
    {'a': {'c': 2, 'b.$': '$.b'}}
    """
    over = described(over) if is_sdk_object(over) else over
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return copied(over)
    found = dict(base)
    for key, value in over.items():
        twin = key[:-2] if key.endswith(".$") else f"{key}.$"
        found.pop(twin, None)
        found[key] = merged(found[key], value) if key in found else copied(value)
    return found


def put(request: dict[str, Json], path: str, value: Json) -> None:
    """Set one member of a request, unless the value is None.

    Args:
        request: changed in place.
        path: names from the top, joined by dots.
        value: the value.
    """
    if value is None:
        return
    *outer, last = path.split(".")
    for name in outer:
        inner = request[f"{name}.$"] if f"{name}.$" in request else request.setdefault(name, {})
        if not isinstance(inner, dict):
            raise TypeError(f"{name} of the request is {inner!r}: {path} cannot be set in it")
        request = inner
    request.pop(f"{last}.$", None)
    request[last] = copied(value)


def put_tags(request: dict[str, Json], tags: Json) -> None:
    """Set the tags, given as a dict or a list in either case of letters; a placeholder stays what it is."""
    if tags is not None and (isinstance(tags, Reference) or tags):
        put(request, "Tags", tags if isinstance(tags, Reference) else tag_list(copied(tags)))


def stringified(values: Json) -> Json:
    """The values of a map of strings (hyperparameters, environment) as SageMaker takes them.

    Numbers, booleans, lists and objects become JSON text; None leaves the entry out; a placeholder whose declared type
    is no text is formatted as text while the workflow runs.

    >>> stringified({"rounds": 5, "eta": 0.1, "verbose": True, "tags": ["a"], "gone": None})
    {'rounds': '5', 'eta': '0.1', 'verbose': 'true', 'tags': '["a"]'}
    """
    if not isinstance(values, Mapping):
        return values
    return {key: _as_text(value, f"{key}: ") for key, value in values.items() if value is not None}


def as_text(value: Json) -> Json:
    """One value as the text that SageMaker takes where it takes texts only.

    >>> as_text(True), as_text("⟦$.rounds⟧")
    ('true', "⟦States.Format('{}', $.rounds)⟧")

    Raises:
        TypeError: it is nothing that JSON has.
    """
    return _as_text(value, "")


def _as_text(value: Json, place: str) -> Json:
    value = adopted_reference(value)
    if isinstance(value, Reference):
        if value.type in (int, float, bool):
            return intrinsics.format("{}", value)
        return intrinsics.json_to_string(value) if value.type in (list, dict) else value
    if not isinstance(value, str):
        found = described(value)  # an enum's value, a number of numpy's
        if isinstance(found, str):
            return found
        try:
            return json.dumps(found, ensure_ascii=False)
        except TypeError:
            raise TypeError(
                f"{place}{value!r} ({type(value).__name__}) is no JSON value, and SageMaker takes text here: give "
                "str(value), or what JSON has"
            ) from None
    token = TOKEN.fullmatch(value)  # text that is a placeholder alone would be whatever that is: a number, say
    return f"⟦States.Format('{{}}', {token[1]})⟧" if token and not token[1].startswith("States.Format(") else value


def take_overrides(fields: dict[str, Json]) -> Json:
    """Take ``parameters`` (or ``arguments``, its name in JSONata) out of a step's keywords."""
    parameters, arguments = fields.pop("parameters", None), fields.pop("arguments", None)
    return parameters if parameters is not None else arguments


def checked(request: Json, operation: str, state_id: str, name_key: str, name: Json) -> Json:
    """The finished request: it has its name, and no member that the API does not know.

    Args:
        request: the request.
        operation: the API operation.
        state_id: the step, for messages.
        name_key: member that holds the name, such as ``TrainingJobName``.
        name: the argument that gives it, for the message.

    Raises:
        MissingRequiredParameter: it has no name.
        TypeError: a member is unknown; the message names the nearest one.
    """
    if not isinstance(request, dict):
        return request
    if name_key not in request and f"{name_key}.$" not in request:
        raise MissingRequiredParameter(f"Step {state_id!r} needs {name}=...: {operation} has no {name_key}.")
    for key in request:
        plain = str(key).removesuffix(".$")
        if plain not in REQUEST_MEMBERS[operation] and plain not in _installed_members(operation):
            near = get_close_matches(plain, REQUEST_MEMBERS[operation], n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" It has {', '.join(REQUEST_MEMBERS[operation])}."
            raise TypeError(f"Step {state_id!r}: {operation} has no member {plain!r}.{hint}")
    return request


@cache
def _installed_members(operation: str) -> frozenset[str]:
    """The members that the installed botocore knows: it may be newer than our table."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model(operation).input_shape
    return frozenset(shape.members if shape is not None else ())
