"""What the service calls its resources: keys, ARNs, statuses, and the texts of its errors, as a table by kind."""

from __future__ import annotations

from dataclasses import dataclass

from mlflowsteps.exceptions import ServiceError

__all__ = [
    "ENDPOINT",
    "ENDPOINT_CONFIG",
    "JOB_KINDS",
    "KINDS",
    "MODEL",
    "PROCESSING",
    "TRAINING",
    "TRANSFORM",
    "TUNING",
    "Kind",
]

TRAINING, PROCESSING, TRANSFORM = "training-job", "processing-job", "transform-job"
MODEL, ENDPOINT_CONFIG, ENDPOINT = "model", "endpoint-config", "endpoint"
TUNING = "hyper-parameter-tuning-job"
JOB_KINDS = (TRAINING, PROCESSING, TRANSFORM, TUNING)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource.

    Args:
        name: as in ARNs and design.md, such as ``training-job``.
        title: what the keys of requests and responses begin with, such as ``TrainingJob``.
        label: for a person.
        terminal: statuses that end the watching.
        duplicate_code: error code of a name that is taken.
    """

    name: str
    title: str
    label: str
    terminal: frozenset[str]
    duplicate_code: str

    @property
    def name_key(self) -> str:
        """Such as ``TrainingJobName``."""
        return f"{self.title}Name"

    @property
    def arn_key(self) -> str:
        """Such as ``TrainingJobArn``."""
        return f"{self.title}Arn"

    @property
    def status_key(self) -> str:
        """Such as ``TrainingJobStatus``; models and endpoint configurations have none."""
        return f"{self.title}Status"

    def arn(self, region: str, account_id: str, name: str) -> str:
        """The resource's ARN; its name in lower case, as the service makes it."""
        return f"arn:aws:sagemaker:{region}:{account_id}:{self.name}/{name.lower()}"

    def taken(self, arn: str) -> ServiceError:
        """What the service answers where the name is taken."""
        if self.duplicate_code == "ValidationException":
            return ServiceError(self.duplicate_code, f'Cannot create already existing {self.label} "{arn}".')
        return ServiceError(
            self.duplicate_code,
            f"{self.label[0].upper()}{self.label[1:]} names must be unique within an AWS account and region, and a "
            f"{self.label} with this name already exists ({arn}). Choose another name; in a workflow, "
            "steps.unique_job_name() makes a new one for each execution and retry.",
        )

    def missing(self, name: str, arn: str) -> ServiceError:
        """What the service answers where there is no such resource."""
        if self.name in JOB_KINDS:
            return ServiceError("ValidationException", f"Could not find requested {self.label} with name: {name}")
        return ServiceError("ValidationException", f'Could not find {self.label} "{arn}".')


_ENDED = frozenset({"Completed", "Failed", "Stopped"})

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(TRAINING, "TrainingJob", "training job", _ENDED, "ResourceInUse"),
        Kind(PROCESSING, "ProcessingJob", "processing job", _ENDED, "ResourceInUse"),
        Kind(TRANSFORM, "TransformJob", "transform job", _ENDED, "ResourceInUse"),
        Kind(TUNING, "HyperParameterTuningJob", "hyperparameter tuning job", _ENDED, "ResourceInUse"),
        Kind(MODEL, "Model", "model", frozenset(), "ValidationException"),
        Kind(ENDPOINT_CONFIG, "EndpointConfig", "endpoint configuration", frozenset(), "ValidationException"),
        Kind(ENDPOINT, "Endpoint", "endpoint", frozenset({"InService", "Failed"}), "ValidationException"),
    )
}
