"""Amazon resource names: reading and making them, and what a Task's Resource names.

Accounts are read leniently (10 and 12 digits occur in the wild, templates say ``your-account-id``); whether a service
or an action exists is the catalog's and the validator's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = [
    "NAME_FORBIDDEN", "NAME_LENGTH", "Arn", "Resource", "activity_arn", "execution_arn", "express_arn", "is_name",
    "lambda_arn", "map_run_arn", "parse_arn", "parse_resource", "role_arn", "sagemaker_arn", "state_machine_arn",
]  # fmt: skip

REQUEST_RESPONSE = "request_response"
_PATTERNS = {".sync": "sync", ".sync:2": "sync:2", ".waitForTaskToken": "waitForTaskToken"}

NAME_LENGTH = 80

# Blanks, wildcards, brackets, special and control characters: the list of CreateStateMachine's documentation. Lone
# surrogates are no characters at all, and have no UTF-8.
NAME_FORBIDDEN = re.compile(r"[\s?*<>{}\[\]\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def is_name(name: str, most: int = NAME_LENGTH) -> bool:
    """Whether a state machine, execution or activity may have this name.

    >>> is_name("Train-1"), is_name("Train 1")
    (True, False)
    """
    return 1 <= len(name) <= most and not NAME_FORBIDDEN.search(name)


@dataclass(frozen=True, slots=True)
class Arn:
    """The parts of an ARN; ``resource`` is all that stands behind the account."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


@dataclass(frozen=True, slots=True)
class Resource:
    """What the Resource of a Task names.

    Args:
        kind: ``lambda`` (a function's ARN), ``activity``, ``optimized`` (``arn:aws:states:::sns:publish``), ``aws-sdk``
            (``arn:aws:states:::aws-sdk:s3:listBuckets``), ``state-machine``, or ``other`` for any other ARN.
        text: the Resource as written.
        service: service it goes to, such as ``sagemaker``; for a function ``lambda``, for an activity ``states``.
        action: action of the service, such as ``createTrainingJob``; for a function or an activity its name.
        pattern: ``request_response``, ``sync``, ``sync:2`` or ``waitForTaskToken``.
        partition: such as ``aws``.
        region: of a function or an activity; empty for integrations.
        account: of a function or an activity; empty for integrations.
        resource_type: as history events write it: ``lambda``, ``sagemaker``, ``aws-sdk:s3``.
        resource_name: as history events write it: the action with its pattern, such as ``createTrainingJob.sync``.
    """

    kind: str
    text: str
    service: str
    action: str
    pattern: str = REQUEST_RESPONSE
    partition: str = "aws"
    region: str = ""
    account: str = ""
    resource_type: str = ""
    resource_name: str = ""


@lru_cache(maxsize=4096)
def parse_arn(text: str) -> Arn:
    """Take an ARN apart.

    Raises:
        ValueError: the text is no ARN.

    >>> parse_arn("arn:aws:states:us-east-1:123456789012:stateMachine:Demo").resource
    'stateMachine:Demo'
    """
    parts = text.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
        raise ValueError(f"{text[:200]!r} is no ARN: arn:<partition>:<service>:<region>:<account>:<resource>")
    return Arn(parts[1], parts[2], parts[3], parts[4], parts[5])


@lru_cache(maxsize=4096)
def parse_resource(text: str) -> Resource:
    """What a Task's Resource names.

    Raises:
        ValueError: the text is no ARN, or an ARN of Step Functions that no task can name.

    >>> resource = parse_resource("arn:aws:states:::sagemaker:createTrainingJob.sync")
    >>> resource.kind, resource.service, resource.action, resource.pattern
    ('optimized', 'sagemaker', 'createTrainingJob', 'sync')
    """
    arn = parse_arn(text)
    if arn.service == "states":
        return _states_resource(text, arn)
    kind, _, name = arn.resource.partition(":")
    if arn.service == "lambda" and kind == "function":
        return Resource(
            "lambda", text, "lambda", name, REQUEST_RESPONSE, arn.partition, arn.region, arn.account, "lambda", "invoke"
        )
    return Resource("other", text, arn.service, arn.resource, REQUEST_RESPONSE, arn.partition, arn.region, arn.account)


def _states_resource(text: str, arn: Arn) -> Resource:
    kind, _, rest = arn.resource.partition(":")
    if kind in {"activity", "stateMachine"} and rest and arn.account:
        found = "activity" if kind == "activity" else "state-machine"
        return Resource(found, text, "states", rest, REQUEST_RESPONSE, arn.partition, arn.region, arn.account)
    sdk = kind == "aws-sdk"
    service, _, call = rest.partition(":") if sdk else (kind, "", rest)
    action, pattern = _split_pattern(call)
    if not service or not action:
        raise ValueError(
            f"{text[:200]!r} names no action: arn:aws:states:::<service>:<action>[.sync|.waitForTaskToken]"
        )
    kind_of = "aws-sdk" if sdk else "optimized"
    return Resource(
        kind_of, text, service, action, pattern, arn.partition, arn.region, arn.account,
        f"aws-sdk:{service}" if sdk else service, call,
    )  # fmt: skip


def _split_pattern(call: str) -> tuple[str, str]:
    for suffix, pattern in _PATTERNS.items():
        if call.endswith(suffix):
            return call[: -len(suffix)], pattern
    return call, REQUEST_RESPONSE


# --- makers


def state_machine_arn(region: str, account: str, name: str, *, partition: str = "aws") -> str:
    """ARN of a state machine.

    >>> state_machine_arn("us-east-1", "123456789012", "Demo")
    'arn:aws:states:us-east-1:123456789012:stateMachine:Demo'
    """
    return f"arn:{partition}:states:{region}:{account}:stateMachine:{name}"


def execution_arn(machine_arn: str, name: str) -> str:
    """ARN of a standard execution of a state machine.

    >>> execution_arn("arn:aws:states:us-east-1:123456789012:stateMachine:Demo", "run-1")
    'arn:aws:states:us-east-1:123456789012:execution:Demo:run-1'
    """
    return _of_machine(machine_arn, "execution", name)


def express_arn(machine_arn: str, name: str, run_id: str) -> str:
    """ARN of an express execution; ``run_id`` is unique, the name need not be.

    >>> express_arn("arn:aws:states:us-east-1:123456789012:stateMachine:Demo", "run-1", "id")
    'arn:aws:states:us-east-1:123456789012:express:Demo:run-1:id'
    """
    return _of_machine(machine_arn, "express", f"{name}:{run_id}")


def map_run_arn(machine_arn: str, label: str, run_id: str) -> str:
    """ARN of a Map Run: ``label`` is the Map's Label, or one made for it.

    >>> map_run_arn("arn:aws:states:us-east-1:123456789012:stateMachine:Demo", "Rows", "id")
    'arn:aws:states:us-east-1:123456789012:mapRun:Demo/Rows:id'
    """
    arn = parse_arn(machine_arn)
    name = arn.resource.split(":")[1]
    return f"arn:{arn.partition}:states:{arn.region}:{arn.account}:mapRun:{name}/{label}:{run_id}"


def _of_machine(machine_arn: str, kind: str, rest: str) -> str:
    arn = parse_arn(machine_arn)
    # `stateMachine:name`, `stateMachine:name:version-or-alias` or `stateMachine:name/label`: executions bear the name.
    name = arn.resource.split(":")[1]
    return f"arn:{arn.partition}:states:{arn.region}:{arn.account}:{kind}:{name}:{rest}"


def activity_arn(region: str, account: str, name: str, *, partition: str = "aws") -> str:
    """ARN of an activity.

    >>> activity_arn("us-east-1", "123456789012", "Approve")
    'arn:aws:states:us-east-1:123456789012:activity:Approve'
    """
    return f"arn:{partition}:states:{region}:{account}:activity:{name}"


def lambda_arn(region: str, account: str, name: str, *, partition: str = "aws", qualifier: str = "") -> str:
    """ARN of a Lambda function, or of a version or alias of it.

    >>> lambda_arn("us-east-1", "123456789012", "seed", qualifier="live")
    'arn:aws:lambda:us-east-1:123456789012:function:seed:live'
    """
    suffix = f":{qualifier}" if qualifier else ""
    return f"arn:{partition}:lambda:{region}:{account}:function:{name}{suffix}"


def sagemaker_arn(region: str, account: str, kind: str, name: str, *, partition: str = "aws") -> str:
    """ARN of a SageMaker resource; the service writes names in lower case.

    Kinds are such as ``training-job``, ``model`` or ``endpoint-config``.

    >>> sagemaker_arn("us-east-1", "123456789012", "training-job", "My-Job")
    'arn:aws:sagemaker:us-east-1:123456789012:training-job/my-job'
    """
    return f"arn:{partition}:sagemaker:{region}:{account}:{kind}/{name.lower()}"


def role_arn(account: str, name: str, *, partition: str = "aws") -> str:
    """ARN of an IAM role.

    >>> role_arn("123456789012", "Admin")
    'arn:aws:iam::123456789012:role/Admin'
    """
    return f"arn:{partition}:iam::{account}:role/{name}"
