"""Steps of compute services: Lambda, Glue, Batch, ECS."""

from __future__ import annotations

from mlflowsteps.steps.integrations import CallbackStep, JobStep

__all__ = [
    "BatchSubmitJobStep",
    "EcsRunTaskStep",
    "GlueStartJobRunStep",
    "LambdaStep",
]


class LambdaStep(CallbackStep):
    """Invokes a Lambda function: ``FunctionName``, ``Payload``; the answer is in ``output()['Payload']``."""

    service, action = "lambda", "invoke"


class GlueStartJobRunStep(JobStep):
    """Runs a Glue job: ``JobName``, ``Arguments``."""

    service, action = "glue", "startJobRun"


class BatchSubmitJobStep(JobStep):
    """Runs a Batch job: ``JobName``, ``JobQueue``, ``JobDefinition``."""

    service, action = "batch", "submitJob"


class EcsRunTaskStep(JobStep):
    """Runs an ECS or Fargate task: ``Cluster``, ``TaskDefinition``."""

    service, action = "ecs", "runTask"
