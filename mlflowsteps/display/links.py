"""Addresses of the AWS console, by partition; nothing is asked of AWS.

A local runtime's ARNs have the same shape as AWS's own, so whether a link makes sense is the caller's to say.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from mlflowsteps.graph.visits import Visit

__all__ = ["execution_link", "job_arn", "machine_link", "resource_link"]

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
_SAGEMAKER = {
    "training-job": "jobs",
    "processing-job": "processing-jobs",
    "transform-job": "transform-jobs",
    "hyper-parameter-tuning-job": "hyper-tuning-jobs",
    "model": "models",
    "endpoint": "endpoints",
    "endpoint-config": "endpointConfig",
}
_ARN_KEYS = frozenset(
    f"{kind}Arn"
    for kind in (
        "TrainingJob",
        "ProcessingJob",
        "TransformJob",
        "HyperParameterTuningJob",
        "Model",
        "Endpoint",
        "EndpointConfig",
    )
)
_LONGEST_ANSWER = 1_000_000


def execution_link(arn: str) -> str:
    """The console's page of an execution; empty where the ARN is none.

    >>> execution_link("arn:aws-cn:states:cn-north-1:1:execution:m:e")
    'https://cn-north-1.console.amazonaws.cn/states/home?region=cn-north-1#/v2/executions/details/arn:aws-cn:states:cn-north-1:1:execution:m:e'
    """
    kind = "express-executions" if ":express:" in arn else "v2/executions"
    return _console(arn, "states", f"#/{kind}/details/{quote(arn, safe=':')}")


def machine_link(arn: str) -> str:
    """The console's page of a state machine; empty where the ARN is none."""
    return _console(arn, "states", f"#/statemachines/view/{quote(arn, safe=':')}")


def resource_link(arn: str) -> str:
    """The console's page of a SageMaker resource or a Lambda function; empty for any other."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return ""
    if parts[2] == "lambda":
        name = parts[5].removeprefix("function:").partition(":")[0]
        return _console(arn, "lambda", f"#/functions/{quote(name, safe='')}")
    kind, _, name = parts[5].partition("/")
    if parts[2] == "sagemaker" and kind in _SAGEMAKER and name:
        return _console(arn, "sagemaker", f"#/{_SAGEMAKER[kind]}/{quote(name, safe='')}")
    return ""


def job_arn(visit: Visit) -> str:
    """ARN of the SageMaker resource that a task made, by what the service answered; empty where it made none."""
    answer = visit.result
    if not isinstance(answer, str) or not answer.startswith("{") or len(answer) > _LONGEST_ANSWER:
        return ""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    made = (value for key, value in found.items() if key in _ARN_KEYS and isinstance(value, str))
    return next(made, "")


def _console(arn: str, service: str, place: str) -> str:
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or parts[1] not in _CONSOLES or not parts[3].replace("-", "").isalnum():
        return ""
    region = parts[3]
    return f"https://{region}.{_CONSOLES[parts[1]]}/{service}/home?region={region}{place}"
