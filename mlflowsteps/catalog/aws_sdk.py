"""The naming rules of ``aws-sdk`` resources, by which a Task calls any action of any AWS service.

It owns the rules and their exceptions (``aws_sdk.toml``). Names and models of services come in as arguments: botocore's
installed data holds them, and nothing here loads it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from functools import cache

__all__ = ["find_operation", "find_service", "member_name", "near_service", "resource_action", "resource_service"]


@cache
def _exceptions() -> Mapping[str, Mapping[str, str]]:
    from importlib import resources

    text = resources.files(__package__).joinpath("aws_sdk.toml").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, str]] = tomllib.loads(text)
    return found


def find_service(name: str, services: Collection[str]) -> str | None:
    """boto3's name of a service.

    Args:
        name: as an aws-sdk resource writes it, or boto3's own.
        services: boto3's names of all services.

    Returns:
        The name; None where there is no such service.

    >>> [find_service(name, ["logs", "dms", "s3"]) for name in ("cloudwatchlogs", "databasemigration", "S3", "no")]
    ['logs', 'dms', 's3', None]
    """
    if name in services:
        return name
    squashed = _squashed(name)
    known = {service.replace("-", ""): service for service in services}
    known.update((key, service) for key, service in _exceptions()["services"].items() if service in services)
    return known.get(squashed) or known.get(squashed + "service")


def near_service(name: str, services: Collection[str]) -> str:
    """The service that was most likely meant; empty where nothing is near.

    >>> near_service("sagemker", ["s3", "sagemaker"])
    'sagemaker'
    """
    near = difflib.get_close_matches(_squashed(name)[:60], services, n=1)
    return near[0] if near else ""


def resource_service(service_id: str) -> str:
    """A service as aws-sdk resources write it, by botocore's service id.

    >>> [resource_service(name) for name in ("Cognito Identity Provider", "Database Migration Service", "SFN")]
    ['cognitoidentityprovider', 'databasemigration', 'sfn']
    """
    return _squashed(service_id).removesuffix("service")


def resource_action(operation: str) -> str:
    """An operation as aws-sdk resources write it.

    >>> resource_action("ListObjectsV2")
    'listObjectsV2'
    """
    return operation[:1].lower() + operation[1:]


def find_operation(action: str, operations: Collection[str]) -> tuple[str | None, str]:
    """The operation that an action names, and what was most likely meant where there is none.

    Args:
        action: in the resource's, the API's or boto3's writing: ``listBuckets``, ``ListBuckets``, ``list_buckets``.
        operations: the API's operations.

    >>> find_operation("list_buckets", ["ListBuckets"]), find_operation("listBucket", ["ListBuckets"])
    (('ListBuckets', ''), (None, 'listBuckets'))
    """
    folded = {operation.lower(): operation for operation in operations}
    wanted = action.replace("_", "").lower()
    if wanted in folded:
        return folded[wanted], ""
    near = difflib.get_close_matches(wanted[:100], folded, n=1)
    return None, resource_action(folded[near[0]]) if near else ""


def member_name(name: str) -> str:
    """A request's member as states write it.

    >>> member_name("stateMachineArn"), member_name("Equals")
    ('StateMachineArn', 'EqualsValue')
    """
    return _exceptions()["members"].get(name) or name[:1].upper() + name[1:]


def _squashed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
