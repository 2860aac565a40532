"""SageMaker steps: jobs, models and endpoints.

The first argument of each (estimator, processor, model, transformer, tuner) is the request itself, as a dict in boto3's
shape; building a step makes no call and needs no client, region, network or credentials.
"""

from __future__ import annotations

from mlflowsteps.steps.sagemaker.hosting import EndpointConfigStep, EndpointStep, ModelStep
from mlflowsteps.steps.sagemaker.processing import ProcessingStep, TransformStep
from mlflowsteps.steps.sagemaker.requests import FrozenRequest
from mlflowsteps.steps.sagemaker.training import TrainingStep, TuningStep

__all__ = [
    "EndpointConfigStep",
    "EndpointStep",
    "FrozenRequest",
    "ModelStep",
    "ProcessingStep",
    "TrainingStep",
    "TransformStep",
    "TuningStep",
]
