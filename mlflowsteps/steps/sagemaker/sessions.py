"""Pipeline sessions of SageMaker's SDKs that call nobody, made after the user's own.

Loaded only with an SDK's object.
"""

from __future__ import annotations

import copy
import importlib
from functools import cache
from typing import Any

from mlflowsteps.steps.sagemaker.objects import is_sdk_object
from mlflowsteps.steps.sagemaker.offline import Offline
from mlflowsteps.steps.sagemaker.seclusion import has_sender

__all__ = ["offline_for", "session_for"]

_MODULES = {2: "sagemaker.workflow.pipeline_context", 3: "sagemaker.core.workflow.pipeline_context"}
_SILENT = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
_KEPT = ("default_bucket_prefix", "settings", "_config")
_PLAIN = (str, type(None))


@cache
def offline_for(region: str) -> Offline:
    """The boto session that calls nobody, one for each region."""
    return Offline(region)


@cache
def _template(sdk: int, offline: Offline) -> Any:
    made = importlib.import_module(_MODULES[sdk]).PipelineSession(
        boto_session=offline.boto_session, sagemaker_config=copy.deepcopy(_SILENT)
    )
    made.settings = type(made.settings)()  # the SDK's default is one object for all sessions of the process
    if getattr(made, "s3_resource", None) is not None:
        made.s3_resource = _Bucketless(made.s3_resource)
    return made


class _Bucketless:
    """boto3's S3 resource, whose objects are made only when more than an upload is asked of them.

    The SDKs upload folders file by file; boto3 takes milliseconds to make an object for each.

    Args:
        real: the resource.
    """

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def Object(self, bucket_name: str, key: str) -> _Place:  # noqa: N802 - boto3's name
        """An object by its place."""
        return _Place(self._real, bucket_name, key)


class _Place:
    """One object in S3.

    Args:
        resource: boto3's resource.
        bucket: its bucket.
        key: its key.
    """

    def __init__(self, resource: Any, bucket: str, key: str) -> None:
        self._resource, self._place = resource, (bucket, key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resource.Object(*self._place), name)

    def upload_file(self, Filename: str, *arguments: Any, **keywords: Any) -> None:  # noqa: N803 - boto3's name
        """Upload a file, as boto3's object does."""
        self._resource.meta.client.upload_file(Filename, *self._place, *arguments, **keywords)


def session_for(sdk: int, offline: Offline, source: Any) -> Any:
    """A pipeline session with the settings of the user's session, but none of its clients.

    Args:
        sdk: 2 or 3.
        offline: the boto session.
        source: the user's session; None: defaults.
    """
    made = copy.copy(_template(sdk, offline))
    made.context, made.settings = None, copy.copy(made.settings)  # SDK 3 notes things in the settings
    agent = getattr(made.sagemaker_client, "_user_agent_creator", made)
    vars(agent).pop("to_string", None)  # SDK 3's ModelBuilder puts one more function round it with each build
    made.sagemaker_config = _without_telemetry(getattr(source, "sagemaker_config", None), has_sender(sdk))
    if source is None:
        return made
    for name in _KEPT:
        value = getattr(source, name, made)
        if isinstance(value, _PLAIN) or (is_sdk_object(value) and value is not made):  # a stand-in has anything
            made.__dict__[name] = copy.copy(value)
    buckets = (getattr(source, name, None) for name in ("_default_bucket", "_default_bucket_name_override"))
    bucket = next((name for name in buckets if isinstance(name, str)), None)
    made._default_bucket = made._default_bucket_name_override = bucket  # noqa: SLF001 - where the SDK keeps it
    return made


def _without_telemetry(config: Any, silenced: bool) -> dict[str, Any]:
    """The user's defaults with telemetry off.

    None stay none where the sender itself is silenced: the SDKs check defaults against their schema, for a twentieth of
    a second, each time that they look for one.
    """
    if not config and silenced:
        return {}
    given = config if isinstance(config, dict) and config else {"SchemaVersion": "1.0"}
    found: dict[str, Any] = copy.deepcopy(given)
    modules = found.setdefault("SageMaker", {}).setdefault("PythonSDK", {}).setdefault("Modules", {})
    modules["TelemetryOptOut"] = True
    return found
