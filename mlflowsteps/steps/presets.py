"""Ready retriers and catchers, and names of jobs that stay unique when a state is tried again."""

from __future__ import annotations

from mlflowsteps.inputs import intrinsics
from mlflowsteps.inputs.context_object import context
from mlflowsteps.inputs.expressions import Expression
from mlflowsteps.steps.keywords import PathText, Text
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.state import Step

__all__ = ["THROTTLED", "catch_all", "retry_throttling", "sagemaker_retry", "unique_job_name"]

THROTTLED: dict[str, tuple[str, ...]] = {
    "lambda": (
        "Lambda.TooManyRequestsException",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.ClientExecutionTimeoutException",
    ),
    "sagemaker": ("SageMaker.AmazonSageMakerException", "SageMaker.ResourceLimitExceededException"),
    "dynamodb": (
        "DynamoDB.ProvisionedThroughputExceededException",
        "DynamoDB.RequestLimitExceededException",
        "DynamoDB.ThrottlingException",
        "DynamoDB.InternalServerErrorException",
    ),
    "batch": ("Batch.AWSBatchException",),
    "ecs": ("ECS.AmazonECSException", "ECS.ServerException"),
    "glue": ("Glue.ConcurrentRunsExceededException", "Glue.AWSGlueException"),
    "athena": ("Athena.TooManyRequestsException", "Athena.AmazonAthenaException"),
    "sns": ("SNS.AmazonSNSException",),
    "sqs": ("SQS.AmazonSQSException",),
    "states": ("StepFunctions.ExecutionLimitExceededException", "StepFunctions.AWSStepFunctionsException"),
}
"""Error names by which optimized integrations tell of throttling and of faults of the service itself, by service.

Services that tell unmodelled errors by one name, as SageMaker does, tell a wrong request by it, too.
"""


def retry_throttling(
    *services: str, max_attempts: int = 6, interval_seconds: int = 2, max_delay_seconds: int = 120
) -> Retry:
    """A retrier for calls that a service rejected because it was busy: longer and longer intervals, drawn at random.

    Work that was begun and failed (``States.TaskFailed``) is not tried again.

    Args:
        services: as in Resources: ``lambda``, ``sagemaker``, ...; all of ``THROTTLED`` where left out.
        max_attempts: most retries.
        interval_seconds: seconds before the first one, at most.
        max_delay_seconds: longest interval in seconds.

    Raises:
        ValueError: a service whose errors are not known.
    """
    unknown = [service for service in services if service not in THROTTLED]
    if unknown:
        raise ValueError(
            f"No errors are known of {', '.join(map(repr, unknown))}; known: {', '.join(THROTTLED)}. For others, write "
            "Retry(error_equals=[...])."
        )
    return Retry(
        error_equals=[name for service in services or THROTTLED for name in THROTTLED[service]],
        interval_seconds=interval_seconds,
        max_attempts=max_attempts,
        backoff_rate=2.0,
        max_delay_seconds=max_delay_seconds,
        jitter_strategy="FULL",
    )


def sagemaker_retry(max_attempts: int = 5, interval_seconds: int = 15, max_delay_seconds: int = 600) -> Retry:
    """A retrier for jobs that SageMaker did not take: throttled, or no instance left in the quota.

    A job that ran and failed is not run again: that would cost the same once more. Retried creations need no new name,
    as no job was made; where your own retriers also name ``States.TaskFailed`` or ``States.ALL``, use
    ``unique_job_name``.

    Args:
        max_attempts: most retries.
        interval_seconds: seconds before the first one, at most.
        max_delay_seconds: longest interval in seconds.
    """
    return retry_throttling(
        "sagemaker",
        max_attempts=max_attempts,
        interval_seconds=interval_seconds,
        max_delay_seconds=max_delay_seconds,
    )


def catch_all(next_step: Step, result_path: PathText | None = "$.error") -> Catch:
    """A catcher for every error, which keeps the input and puts ``{Error, Cause}`` beside it.

    Args:
        next_step: state or chain to go on with.
        result_path: where ``{Error, Cause}`` goes in the state's input.
    """
    return Catch(next_step, error_equals=["States.ALL"], result_path=result_path)


def unique_job_name(base: Text | None = None) -> Expression:
    """A job's name that is another one in each execution and at each retry: ``<base>-<execution>-<retry count>``.

    SageMaker's names have 63 characters at most. The names that the service gives to executions have 36, which leaves
    24 for ``base``.

    Args:
        base: what the name begins with; a placeholder is taken to be unique in each execution already, so that only the
            retry count is added to it. None: the execution's name.
    """
    count = context.state.retry_count
    if base is None or isinstance(base, Expression):
        return intrinsics.format("{}-{}", context.execution.name if base is None else base, count)
    return intrinsics.format("{}-{}-{}", base, context.execution.name, count)
