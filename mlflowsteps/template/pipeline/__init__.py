"""The pipelines, one module each, and what they share."""

from __future__ import annotations

from mlflowsteps.template.pipeline.inference import InferencePipeline
from mlflowsteps.template.pipeline.train import TrainingPipeline

__all__ = ["InferencePipeline", "TrainingPipeline"]
