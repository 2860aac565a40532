"""How objects of either SDK are asked alike: what a method returns, Clarify's analyses, batch transforms.

Nothing of the SDKs is imported. What one SDK alone has is ``from_sdk2`` or ``from_sdk3``.
"""

from __future__ import annotations

import inspect
from typing import Any

from mlflowsteps.exceptions import DefinitionError, Diagnostic
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.sagemaker.objects import Ask
from mlflowsteps.steps.sagemaker.staging import JOB_NAME
from mlflowsteps.steps.sagemaker.variables import described

__all__ = ["UNWATCHED", "analyse", "run_arguments", "taken", "transform"]

UNWATCHED = {"wait": False, "logs": False, "job_name": JOB_NAME}
"""Keywords of a method that starts a job: nobody waits for it, and its name is the step's."""

_NO_DATA = "s3://mlflowsteps-no-data"


def run_arguments(found: Any, session: Any) -> Json:
    """The request behind what a method returns under a pipeline session.

    Args:
        found: what it returned.
        session: the session that took the request.
    """
    if getattr(found, "need_runtime_repack", None):
        raise DefinitionError([_REPACKED])
    for name in ("create_model_request", "create_model_package_request"):
        if getattr(found, name, None):
            return getattr(found, name)
    while getattr(found, "func", None) is not None:  # SDK 3's FrameworkProcessor returns one that returns another
        found = found.func(*found.func_args, **_with_job_name(found))
    if session.context is None:
        raise TypeError(f"{found!r} made no request")
    return session.context.args


def _with_job_name(found: Any) -> dict[str, Any]:
    """The keywords of a call that waits, with a job's name where it takes one: the SDK would make one up."""
    signature = inspect.signature(found.func)
    given = signature.bind_partial(*found.func_args, **found.func_kwargs).arguments
    named = "job_name" in signature.parameters and given.get("job_name") is None
    return {**found.func_kwargs, **({"job_name": JOB_NAME} if named else {})}


_REPACKED = Diagnostic(
    "MODEL_IS_REPACKED",
    "",
    "The SDK would download the model's archive, put the script into it and upload it again, which needs AWS.",
    "Put code/inference.py into model.tar.gz when it is made, and leave entry_point and source_dir out; or give a "
    "framework version that reads its script from SAGEMAKER_SUBMIT_DIRECTORY.",
)


def analyse(processor: Any, ask: Ask, session: Any) -> Json:
    """A job of Clarify: its processor has a method for each analysis, and none of them is ``run``."""
    call = {**UNWATCHED, **ask.call}
    method = call.pop("method", None)
    methods = [name for name in dir(processor) if name.startswith("run_")]
    if method not in methods:
        raise TypeError(
            f"{type(processor).__name__} has no run of its own: give the step call={{'method': ..., ...}} with one of "
            f"{', '.join(methods)} and that method's arguments; method is {method!r}"
        )
    return run_arguments(getattr(processor, method)(**call), session)


def transform(transformer: Any, ask: Ask, session: Any) -> Json:
    """A batch transform; its data may be the step's, which is put in afterwards."""
    call = {**UNWATCHED, "data": _NO_DATA, **ask.call}
    found = dict(described(run_arguments(transformer.transform(**call), session)))
    if call["data"] == _NO_DATA:
        found["TransformInput"] = {key: item for key, item in found["TransformInput"].items() if key != "DataSource"}
    return found


def taken(given: Any, ask: Ask, session: Any) -> Json:  # noqa: ARG001 - as the others
    """The request that a session took already."""
    return given.args
