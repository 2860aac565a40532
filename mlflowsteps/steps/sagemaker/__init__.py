"""SageMaker steps: jobs, models and endpoints.

The first argument of each (estimator, processor, model, transformer, tuner) is the request itself, as a dict in boto3's
shape, or an object of SageMaker's Python SDK 2 or 3, which makes its own request. Building a step makes no call and
needs no client, network or credentials.
"""

from __future__ import annotations

import importlib
from typing import Any

from mlflowsteps.steps.sagemaker.convenience import (
    ApproveModelPackageStep,
    DeleteEndpointStep,
    DeployEndpointStep,
    ModelPackageGroupStep,
    ModelPackageStep,
    PipelineExecutionStep,
    WaitForEndpointStep,
)
from mlflowsteps.steps.sagemaker.hosting import EndpointConfigStep, EndpointStep, ModelStep
from mlflowsteps.steps.sagemaker.processing import ProcessingStep, TransformStep
from mlflowsteps.steps.sagemaker.requests import FrozenRequest
from mlflowsteps.steps.sagemaker.training import TrainingStep, TuningStep

__all__ = [
    "ApproveModelPackageStep",
    "DeleteEndpointStep",
    "DeployEndpointStep",
    "EndpointConfigStep",
    "EndpointStep",
    "FrozenRequest",
    "ModelPackageGroupStep",
    "ModelPackageStep",
    "ModelStep",
    "PipelineExecutionStep",
    "ProcessingStep",
    "TrainingStep",
    "TransformStep",
    "TuningStep",
    "WaitForEndpointStep",
]

# What the old SDK's module of this name had from SageMaker SDK 2; programs and tests take it from here.
_FROM_SDK = ("model_config", "processing_config", "training_config", "transform_config", "tuning_config")


def __getattr__(name: str) -> Any:
    """One of those functions, from the SDK itself.

    Raises:
        ImportError: SDK 2 is not installed.
    """
    if name not in _FROM_SDK:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module("sagemaker.workflow.airflow")
    except ImportError as error:
        raise ImportError(
            f"{name} is a function of SageMaker's Python SDK 2, which is not installed here. Steps do without it: give "
            "them the object itself, or a plain request; for the function, pip install 'sagemaker>=2,<3'."
        ) from error
    return getattr(module, name)
