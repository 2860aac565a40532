"""What of a request the local runtime cannot do, as a table: such a member is refused, never passed over.

The documentation's page on local SageMaker lists every member of the requests; a test holds it to this table and to
botocore's model. Jobs are refused when they begin, by their FailureReason; models and endpoint configurations, which
have none, when they are created.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlflowsteps.local.jobs.failures import JobFailure
from mlflowsteps.local.jobs.kinds import ENDPOINT_CONFIG, MODEL, PROCESSING, TRAINING, TRANSFORM, TUNING

__all__ = ["UNPLAYED", "Unplayed", "find_unplayed", "refuse_unplayed"]


@dataclass(frozen=True, slots=True)
class Unplayed:
    """A member that is refused.

    Args:
        path: where it stands, ``[]`` for each entry of a list, such as ``Outputs[].FeatureStoreOutput``.
        why: the reason and what to do instead, for the message.
        played: the values that are played all the same; any other is refused.
    """

    path: str
    why: str
    played: tuple[object, ...] = ()

    def below(self, prefix: str) -> Unplayed:
        """The same member of a structure that stands at ``prefix``."""
        return Unplayed(f"{prefix}.{self.path}", self.why, self.played)


_COPY = "copy the data into the runtime's S3 and give an S3DataSource"
_APP_MANAGED = "the program would read or write S3 by itself, which jobs here cannot; leave it out"
_CONVERSE = "it is a form of data for fine-tuning by AWS; use S3Prefix or ManifestFile"

_S3_TYPES = ("S3Prefix", "ManifestFile", "AugmentedManifestFile")

_TRAINING = (
    Unplayed("AlgorithmSpecification.AlgorithmName", "it is a resource of an AWS account; give a TrainingImage"),
    Unplayed("InputDataConfig[].DataSource.FileSystemDataSource", f"it lies in an AWS account's file system; {_COPY}"),
    Unplayed("InputDataConfig[].DataSource.DatasetSource", f"it is a resource of an AWS account; {_COPY}"),
    Unplayed("InputDataConfig[].DataSource.S3DataSource.S3DataType", _CONVERSE, _S3_TYPES),
    Unplayed("ServerlessJobConfig", "AWS trains its own models by it; give AlgorithmSpecification and ResourceConfig"),
    Unplayed("ModelPackageConfig", "it belongs to ServerlessJobConfig; register the model by CreateModelPackage"),
)
_CONTAINER = (
    Unplayed("ModelDataSource.S3DataSource.ManifestS3Uri", "give S3Uri and S3DataType S3Prefix or S3Object"),
    Unplayed(
        "AdditionalModelDataSources[].S3DataSource.ManifestS3Uri", "give S3Uri and S3DataType S3Prefix or S3Object"
    ),
)
_VARIANT = (Unplayed("InstancePools[].ModelNameOverride", "a variant has one model here; give ModelName alone"),)

UNPLAYED: Mapping[str, tuple[Unplayed, ...]] = {
    TRAINING: _TRAINING,
    PROCESSING: (
        Unplayed(
            "ProcessingInputs[].DatasetDefinition",
            "Athena and Redshift are out of reach; put the query's result into the runtime's S3 and give an S3Input",
        ),
        Unplayed("ProcessingInputs[].AppManaged", _APP_MANAGED, (False,)),
        Unplayed("ProcessingInputs[].S3Input.S3InputMode", "pipes are for training jobs here; use File", ("File",)),
        Unplayed("ProcessingInputs[].S3Input.S3CompressionType", "it acts in Pipe mode only; use None", ("None",)),
        Unplayed(
            "ProcessingOutputConfig.Outputs[].FeatureStoreOutput",
            "the feature store is out of reach; write the records to an S3Output, and ingest them on AWS",
        ),
        Unplayed("ProcessingOutputConfig.Outputs[].AppManaged", _APP_MANAGED, (False,)),
    ),
    TRANSFORM: (
        Unplayed("TransformInput.CompressionType", "use None or Gzip", ("None", "Gzip")),
        Unplayed("TransformOutput.AssembleWith", "use None or Line", ("None", "Line")),
        Unplayed("TransformInput.SplitType", "use None or Line", ("None", "Line")),
        Unplayed(
            "TransformInput.DataSource.S3DataSource.S3DataType",
            "use S3Prefix or ManifestFile",
            ("S3Prefix", "ManifestFile"),
        ),
        Unplayed("DataCaptureConfig.GenerateInferenceId", "no ids are added to the output; use false", (False,)),
    ),
    MODEL: (
        *(row.below("PrimaryContainer") for row in _CONTAINER),
        *(row.below("Containers[]") for row in _CONTAINER),
    ),
    ENDPOINT_CONFIG: (
        *(row.below("ProductionVariants[]") for row in _VARIANT),
        *(row.below("ShadowProductionVariants[]") for row in _VARIANT),
        Unplayed("ExplainerConfig", "SageMaker Clarify is not here; leave it out, and explain in a processing job"),
    ),
    TUNING: (
        *(row.below("TrainingJobDefinition") for row in _TRAINING[:4]),
        *(row.below("TrainingJobDefinitions[]") for row in _TRAINING[:4]),
    ),
}
"""By kind of resource."""

_NAMES = ("ChannelName", "InputName", "OutputName", "VariantName", "DefinitionName", "ContainerHostname")


def find_unplayed(kind: str, request: Mapping[str, Any]) -> str | None:
    """Why a request cannot be played: place, value and what to write instead; None where it can.

    Args:
        kind: the resource's kind, as in ``kinds``.
        request: the Create* request.

    >>> find_unplayed("transform-job", {"TransformInput": {"SplitType": "TFRecord"}})
    "TransformInput.SplitType 'TFRecord' is not played by the local runtime: use None or Line."
    """
    for row in UNPLAYED.get(kind, ()):
        for place, value in _at(request, row.path.split("."), ""):
            if value not in row.played:
                shown = f" {value!r}" if isinstance(value, str | bool) else ""
                return f"{place}{shown} is not played by the local runtime: {row.why}."
    return None


def refuse_unplayed(kind: str, request: Mapping[str, Any]) -> None:
    """Fail a job whose request cannot be played.

    Raises:
        JobFailure: see ``find_unplayed``.
    """
    if found := find_unplayed(kind, request):
        raise JobFailure(f"ClientError: {found}")


def _at(value: Any, parts: list[str], place: str) -> Iterator[tuple[str, Any]]:
    """The values at a path, each with its place as a person would write it."""
    if not parts:
        yield place, value
        return
    key = parts[0].removesuffix("[]")
    found = value.get(key) if isinstance(value, Mapping) else None
    if found is None:
        return
    place = f"{place}.{key}" if place else key
    if not parts[0].endswith("[]"):
        yield from _at(found, parts[1:], place)
        return
    for index, entry in enumerate(found):
        name = next((entry[key] for key in _NAMES if key in entry), index)
        yield from _at(entry, parts[1:], f"{place}[{name!r}]")
