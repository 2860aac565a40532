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
    return importlib.import_module(_MODULES[sdk]).PipelineSession(
        boto_session=offline.boto_session, sagemaker_config=copy.deepcopy(_SILENT)
    )


def session_for(sdk: int, offline: Offline, source: Any) -> Any:
    """A pipeline session with the settings of the user's session, but none of its clients.

    Args:
        sdk: 2 or 3.
        offline: the boto session.
        source: the user's session; None: defaults.
    """
    made = copy.copy(_template(sdk, offline))
    made.context = None
    if source is None:
        return made
    made.sagemaker_config = _without_telemetry(getattr(source, "sagemaker_config", None))
    for name in _KEPT:
        value = getattr(source, name, made)
        if isinstance(value, _PLAIN) or (is_sdk_object(value) and value is not made):  # a stand-in has anything
            made.__dict__[name] = value
    buckets = (getattr(source, name, None) for name in ("_default_bucket", "_default_bucket_name_override"))
    bucket = next((name for name in buckets if isinstance(name, str)), None)
    made._default_bucket = made._default_bucket_name_override = bucket  # noqa: SLF001 - where the SDK keeps it
    return made


def _without_telemetry(config: Any) -> dict[str, Any]:
    given = config if isinstance(config, dict) and config else {"SchemaVersion": "1.0"}
    found: dict[str, Any] = copy.deepcopy(given)
    modules = found.setdefault("SageMaker", {}).setdefault("PythonSDK", {}).setdefault("Modules", {})
    modules["TelemetryOptOut"] = True
    return found
