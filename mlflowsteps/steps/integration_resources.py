"""Names of the services that Task states call: integration patterns, resource ARNs and the partition they are in."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Sequence
from enum import Enum
from functools import cache
from pathlib import Path

__all__ = [
    "IntegrationPattern",
    "current_region",
    "get_aws_partition",
    "get_service_integration_arn",
    "is_integration_pattern_valid",
    "partition_of",
]

_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
}


class IntegrationPattern(Enum):
    """How a Task state waits for the service it calls."""

    WaitForTaskToken = "waitForTaskToken"
    """Until somebody sends the task token back."""
    WaitForCompletion = "sync"
    """Until the job has ended."""
    CallAndContinue = ""
    """Until the service has answered the call."""


def partition_of(region: str | None) -> str:
    """The partition that a region lies in; ``aws`` where it is not known.

    >>> partition_of("cn-north-1"), partition_of(None)
    ('aws-cn', 'aws')
    """
    return next((name for prefix, name in _PARTITIONS.items() if region and region.startswith(prefix)), "aws")


def current_region() -> str | None:
    """The region that boto3 would use: what the program told it, the environment's, the configuration file's.

    boto3 is not loaded for it.
    """
    environment = os.environ.get
    region = _told_to_boto3() or environment("AWS_REGION") or environment("AWS_DEFAULT_REGION")
    if region:
        return region
    profile = environment("AWS_PROFILE") or environment("AWS_DEFAULT_PROFILE") or "default"
    return _configured_region(environment("AWS_CONFIG_FILE") or "~/.aws/config", profile)


def _told_to_boto3() -> str | None:
    """The region of ``boto3.setup_default_session(region_name=...)``, or one that a test put in its place."""
    boto3 = sys.modules.get("boto3")
    if boto3 is None:
        return None
    replaced = vars(boto3.session.Session).get("region_name")
    if isinstance(replaced, str):
        return replaced
    core = getattr(boto3.DEFAULT_SESSION, "_session", None)
    told = core.instance_variables().get("region") if core is not None else None
    return told if isinstance(told, str) else None


@cache
def _configured_region(file: str, profile: str) -> str | None:
    """A profile's region; read once, since every step of a service asks for it."""
    parser = configparser.RawConfigParser()
    try:
        parser.read(Path(file).expanduser(), encoding="utf-8")
    except (configparser.Error, OSError, RuntimeError, UnicodeDecodeError):
        return None  # boto3 will say what is wrong with it when it is really needed
    section = "default" if profile == "default" else f"profile {profile}"
    return parser.get(section, "region", fallback=None)


def get_aws_partition() -> str:
    """The partition of the current region; ``aws`` where none is known."""
    return partition_of(current_region())


def get_service_integration_arn(
    service: str,
    api: str | Enum,
    integration_pattern: IntegrationPattern = IntegrationPattern.CallAndContinue,
    version: int | None = None,
) -> str:
    """The Resource of a Task state that calls a service.

    Args:
        service: the service, such as ``sagemaker``.
        api: its action, such as ``createTrainingJob``; an enum's value is taken.
        integration_pattern: how the state waits.
        version: version of the integration, such as 2 for ``.sync:2``.

    >>> get_service_integration_arn("states", "startExecution", IntegrationPattern.WaitForCompletion, 2)
    'arn:aws:states:::states:startExecution.sync:2'
    """
    action = api.value if isinstance(api, Enum) else api
    pattern = f".{integration_pattern.value}" if integration_pattern.value else ""
    suffix = f":{version}" if version else ""
    return f"arn:{get_aws_partition()}:states:::{service}:{action}{pattern}{suffix}"


def is_integration_pattern_valid(
    integration_pattern: IntegrationPattern, supported_integration_patterns: Sequence[IntegrationPattern]
) -> None:
    """Refuse a pattern that a step does not support.

    Raises:
        TypeError: it is no IntegrationPattern.
        ValueError: the step does not support it.
    """
    if not isinstance(integration_pattern, IntegrationPattern):
        raise TypeError(f"Integration pattern must be of type {IntegrationPattern}, not {integration_pattern!r}")
    if integration_pattern not in supported_integration_patterns:
        raise ValueError(
            f"Integration Pattern ({integration_pattern.name}) is not supported for this step - "
            f"Please use one of the following: {[pattern.name for pattern in supported_integration_patterns]}"
        )
