"""The request that an object of SageMaker's SDKs would send, made without a call to AWS.

The object is copied with all that it holds, the copy gets a session that calls nobody, and the SDK's own method makes
the request. It owns what is done round that call, and to every request after it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from mlflowsteps.exceptions import DefinitionError
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.integration_resources import current_region
from mlflowsteps.steps.remarks import warn_author
from mlflowsteps.steps.sagemaker import from_sdk2, from_sdk3
from mlflowsteps.steps.sagemaker.objects import Ask, Kind, class_names, copied_object, find_session, texts_of
from mlflowsteps.steps.sagemaker.staging import JOB_NAME, Request, missing_file
from mlflowsteps.steps.sagemaker.variables import described, is_variable

__all__ = ["classes_for", "extract", "kind_of"]


def kind_of(given: object) -> Kind | None:
    """How an object is asked for its request; None for what has none."""
    for name in class_names(given):
        found = from_sdk2.KINDS.get(name) or from_sdk3.KINDS.get(name)
        if found is not None:
            return found
    return None


def classes_for(operation: str) -> str:
    """The classes of objects that make a request of an operation, for a message."""
    kinds = [*from_sdk2.KINDS.items(), *from_sdk3.KINDS.items()]
    names = {name for (_, name), kind in kinds if operation in kind.operations and not name.startswith("_")}
    return f"an object of {', '.join(sorted(names)) or 'no class'} or a class made of it"


_lock = threading.RLock()  # the SDKs are told by an environment variable to leave IAM alone, and that is the process's


def extract(given: object, kind: Kind, ask: Ask) -> Request:
    """The request that an object would send.

    Args:
        given: the object; stays as it is.
        kind: how it is asked.
        ask: what it is asked.

    Returns:
        The request in boto3's shape with expressions for SageMaker's variables, and the files that it needs in S3.

    Raises:
        DefinitionError: the SDK would have called AWS; the call and the fix are named.
    """
    from mlflowsteps.steps.sagemaker.seclusion import secluded
    from mlflowsteps.steps.sagemaker.sessions import offline_for, session_for

    source = find_session(given)
    region = getattr(source, "boto_region_name", None) or current_region()
    if region is None:
        raise ValueError(
            f"{type(given).__name__} has no session, and no region is set: give it a sagemaker_session, or set "
            "AWS_REGION"
        )
    with _lock, _quiet():
        offline = offline_for(region)
        session = session_for(kind.sdk, offline, source)
        roles: list[Any] = []
        session.expand_role = _as_given(roles)
        told = _names_in_paths([given, ask.call, source])
        stage = offline.begin(told)
        session.upload_data = _noting_folders(session.upload_data, stage.add_folder)
        memo: dict[int, Any] = {}
        twin = copied_object(given, session, memo)
        call = {key: copied_object(value, session, memo) for key, value in ask.call.items()}
        try:
            with secluded(kind.sdk, offline):
                found = kind.ask(twin, Ask(ask.operation, call), session)
        except FileNotFoundError as error:
            raise DefinitionError([missing_file(error.filename)]) from error
        finally:
            offline.check(type(given).__name__)  # what was refused says more than what came of it
        settled, uploads = stage.settle(described(found))
    _warn_of_role_names(roles)
    return Request(_named(settled, told), uploads, complete=True)


def _names_in_paths(given: object) -> frozenset[str]:
    """The parts of the paths that the user has given: a job of last week has a time in its name, too."""
    return frozenset(part for text in texts_of(given) if "/" in text for part in text.split("/"))


def _named(value: Json, told: AbstractSet[str]) -> Json:
    """Names in paths that the SDK has just made with the time in them become the job's."""
    if isinstance(value, str):
        return _OWN_NAME.sub(lambda match: match[0] if match[0] in told else JOB_NAME, value)
    if isinstance(value, Mapping):
        return {key: _named(item, told) for key, item in value.items()}
    return [_named(item, told) for item in value] if isinstance(value, list) else value


# The only times that SDK 3 puts into requests: the last part of a name, alone or between slashes.
_OWN_NAME = re.compile(r"(?<=/)[A-Za-z0-9-]+-(\d{14}|\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-\d{3})(?=/|$)")


def _as_given(roles: list[Any]) -> Callable[[Any], Any]:
    """In place of the SDK's question to IAM: gives roles as they are, and notes them."""

    def expand_role(role: Any) -> Any:
        roles.append(role)
        return role

    return expand_role


def _warn_of_role_names(roles: Iterable[Any]) -> None:
    """Tell of roles that are names: the SDK would ask IAM for their ARNs."""
    for role in dict.fromkeys(role for role in roles if isinstance(role, str) and not is_variable(role)):
        if "/" not in role:
            warn_author(
                f"The role {role!r} is a name, and SageMaker takes ARNs: give arn:aws:iam::<account>:role/{role}. "
                "Building a step does not ask IAM for it."
            )


def _noting_folders(upload: Callable[..., str], note: Callable[[str], None]) -> Callable[..., str]:
    def upload_data(path: str, *arguments: Any, **keywords: Any) -> str:
        uri = upload(path, *arguments, **keywords)
        if os.path.isdir(path):  # noqa: PTH112 - as the SDK tells it
            note(uri)
        return uri

    return upload_data


_TELEMETRY_LOGGERS = ("sagemaker.telemetry.telemetry_logging", "sagemaker.core.telemetry.telemetry_logging")


def _no_remark(record: logging.LogRecord) -> bool:
    """False for the remark on how telemetry is switched off: it is off."""
    return "TelemetryOptOut" not in record.getMessage()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No question to IAM, and no remark that nothing is started: nothing was to be."""
    name = "SAGEMAKER_VALIDATE_ROLE"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        with warnings.catch_warnings(), contextlib.ExitStack() as stack:
            for logger in map(logging.getLogger, _TELEMETRY_LOGGERS):
                logger.addFilter(_no_remark)
                stack.callback(logger.removeFilter, _no_remark)
            warnings.filterwarnings("ignore", message="Running within a PipelineSession")
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before
