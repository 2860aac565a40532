"""The optimized integrations of Step Functions, read once from ``integrations.toml``.

It owns the types of that table and the look-ups in it. The table's facts are explained at its top; what a task does
with them is ``local.tasks``' business.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

__all__ = ["Integration", "Job", "find_integration", "integrations", "near_integration"]


@dataclass(frozen=True, slots=True)
class Job:
    """How an integration is waited for (``.sync``).

    Args:
        describe: operation that is asked how it goes.
        key: parameters of ``describe`` and ``stop`` by name: ``request.X`` or ``response.X``, dotted, says where the
            value comes from; a tuple of one means a list of it.
        status: dotted place of the status in the response of ``describe``.
        succeeded: statuses of success.
        failed: statuses of failure.
        output: dotted place of the state's output in that response; empty for the whole of it.
        stop: operation that stops it; empty where there is none.
    """

    describe: str
    key: Mapping[str, str | tuple[str, ...]]
    status: str
    succeeded: frozenset[str]
    failed: frozenset[str]
    output: str = ""
    stop: str = ""


@dataclass(frozen=True, slots=True)
class Integration:
    """One action of one service, as a Task's Resource names it.

    Args:
        service: as in ``arn:aws:states:::service:action``.
        action: the action.
        client: boto3's name of the service; empty where Step Functions acts by itself.
        operation: API operation; empty where there is none.
        patterns: of ``request_response``, ``sync``, ``sync:2``, ``waitForTaskToken``; empty: no task may name it.
        required: top-level fields the call cannot do without.
        errors: prefix of error names.
        job: how it is waited for; None where it is not.
    """

    service: str
    action: str
    client: str
    operation: str
    patterns: frozenset[str]
    required: tuple[str, ...] = ()
    errors: str = ""
    job: Job | None = None

    @property
    def name(self) -> str:
        """``service:action``."""
        return f"{self.service}:{self.action}"


@cache
def integrations() -> Mapping[str, Integration]:
    """Every integration by ``service:action``.

    >>> sorted(integrations()["sagemaker:createTrainingJob"].patterns)
    ['request_response', 'sync']
    """
    from importlib import resources  # 10 ms; most programs never look anything up

    text = resources.files(__package__).joinpath("integrations.toml").read_text(encoding="utf-8")
    return MappingProxyType({name: _integration(name, row) for name, row in tomllib.loads(text).items()})


def find_integration(service: str, action: str) -> Integration | None:
    """The integration of a service's action; None where there is none.

    >>> find_integration("sagemaker", "createModel").operation
    'CreateModel'
    """
    return integrations().get(f"{service}:{action}")


def near_integration(service: str, action: str) -> str:
    """The ``service:action`` that was most likely meant; empty where nothing is near.

    >>> near_integration("sagemaker", "CreateTrainingJob")
    'sagemaker:createTrainingJob'
    """
    name = f"{service}:{action}"
    for known in integrations():
        if known.lower() == name.lower():
            return known
    near = difflib.get_close_matches(name[:200], integrations(), n=1, cutoff=0.75)
    return near[0] if near else ""


def _integration(name: str, row: Mapping[str, object]) -> Integration:
    service, _, action = name.partition(":")
    job = row.get("job")
    return Integration(
        service,
        action,
        str(row["client"]),
        str(row["operation"]),
        frozenset(_texts(row["patterns"])),
        _texts(row.get("required", ())),
        str(row.get("errors", "")),
        _job(job) if isinstance(job, dict) else None,
    )


def _job(row: Mapping[str, object]) -> Job:
    key = row["key"]
    if not isinstance(key, dict):
        raise TypeError(f"key is a table, not {key!r}")
    sources = {name: _texts(source) if isinstance(source, list) else str(source) for name, source in key.items()}
    return Job(
        str(row["describe"]),
        MappingProxyType(sources),
        str(row["status"]),
        frozenset(_texts(row["succeeded"])),
        frozenset(_texts(row["failed"])),
        str(row["output"]),
        str(row["stop"]),
    )


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list | tuple):
        raise TypeError(f"expected a list, not {values!r}")
    return tuple(str(value) for value in values)
