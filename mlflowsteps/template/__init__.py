"""Ready-made pipelines: train and deploy an estimator, with or without a preprocessor before it.

It owns which steps such a pipeline has and how they are named; the steps themselves are ``steps``, the life of the
workflow is ``workflow``.
"""

from __future__ import annotations

from mlflowsteps.template.pipeline import InferencePipeline, TrainingPipeline

__all__ = ["InferencePipeline", "TrainingPipeline"]
