"""Models and endpoint configurations: records, and what of them stands for containers."""

from __future__ import annotations

import copy

from mlflowsteps.local.jobs.container import Record

__all__ = ["containers_of", "describe_endpoint_config", "describe_model"]

_MODEL = ["PrimaryContainer", "Containers", "InferenceExecutionConfig", "ExecutionRoleArn", "VpcConfig"]
_CONFIG = [
    "ProductionVariants",
    "ShadowProductionVariants",
    "DataCaptureConfig",
    "KmsKeyId",
    "AsyncInferenceConfig",
    "ExecutionRoleArn",
    "VpcConfig",
]


def describe_model(request: Record) -> Record:
    """What DescribeModel answers."""
    found = {key: copy.deepcopy(request[key]) for key in _MODEL if key in request}
    found["EnableNetworkIsolation"] = bool(request.get("EnableNetworkIsolation", False))
    return found


def describe_endpoint_config(request: Record) -> Record:
    """What DescribeEndpointConfig answers."""
    found = {key: copy.deepcopy(request[key]) for key in _CONFIG if key in request}
    found["EnableNetworkIsolation"] = bool(request.get("EnableNetworkIsolation", False))
    for variant in [*found["ProductionVariants"], *found.get("ShadowProductionVariants", ())]:
        variant.setdefault("InitialVariantWeight", 1.0)
    return found


def containers_of(model: Record) -> list[Record]:
    """One CreateModel request for each container of a model, with that container as its PrimaryContainer."""
    single = model.get("PrimaryContainer")
    containers = [single] if single else list(model.get("Containers") or ())
    rest = {key: value for key, value in model.items() if key not in ("PrimaryContainer", "Containers")}
    return [rest | {"PrimaryContainer": copy.deepcopy(container)} for container in containers]
