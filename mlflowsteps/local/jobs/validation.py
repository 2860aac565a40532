"""What the service refuses beyond the shapes that botocore's model checks: names, counts, and what must be there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.kinds import ENDPOINT, ENDPOINT_CONFIG, MODEL, PROCESSING, TRAINING, TRANSFORM, TUNING, Kind
from mlflowsteps.local.jobs.tuning.requests import check_tuning
from mlflowsteps.local.jobs.unplayed import find_unplayed

__all__ = ["check_request"]

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_PROCESSING_ROOT = "/opt/ml/processing/"
_MAX_PROCESSING_SECONDS = 777_600
Request = dict[str, Any]


def check_request(kind: Kind, request: Request) -> None:
    """Refuse what the service refuses.

    Raises:
        ServiceError: ``ValidationException``, naming the member and the value.
    """
    _check_name(kind.name_key, request.get(kind.name_key))
    _CHECKS[kind.name](request)
    if kind.name in (MODEL, ENDPOINT_CONFIG) and (unplayed := find_unplayed(kind.name, request)):
        raise _refuse(unplayed)


def _refuse(text: str) -> ServiceError:
    return ServiceError("ValidationException", text)


def _check_name(member: str, name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        place = member[0].lower() + member[1:]
        raise _refuse(
            f"1 validation error detected: Value '{name}' at '{place}' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62} "
            "(letters, digits and single hyphens between them, at most 63)"
        )


def _check_count(member: str, values: Any, most: int) -> None:
    if len(values or ()) > most:
        raise _refuse(f"{member} holds {len(values)} entries; at most {most} are allowed.")


def _check_unique(member: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise _refuse(f"{member} names {name!r} twice; names must be unique.")
        seen.add(name)


def _check_texts(member: str, values: Any, most: int) -> None:
    for name, value in (values or {}).items():
        if not isinstance(value, str):
            raise _refuse(f"{member}[{name!r}] is {value!r}: values must be strings.")
        if len(value) > most:
            raise _refuse(f"{member}[{name!r}] has {len(value)} characters; at most {most} are allowed.")


def _check_training(request: Request) -> None:
    if request.get("ServerlessJobConfig"):
        return  # has no image; it fails as a job, with the reason
    algorithm = request.get("AlgorithmSpecification") or {}
    if bool(algorithm.get("TrainingImage")) == bool(algorithm.get("AlgorithmName")):
        raise _refuse("AlgorithmSpecification must have exactly one of TrainingImage and AlgorithmName.")
    if not request.get("ResourceConfig"):
        raise _refuse("ResourceConfig is required: InstanceCount, InstanceType and VolumeSizeInGB.")
    _check_count("HyperParameters", request.get("HyperParameters"), 100)
    _check_count("Environment", request.get("Environment"), 100)
    _check_count("InputDataConfig", request.get("InputDataConfig"), 20)
    _check_count("MetricDefinitions", algorithm.get("MetricDefinitions"), 40)
    _check_texts("HyperParameters", request.get("HyperParameters"), 2500)
    _check_texts("Environment", request.get("Environment"), 512)
    channels = [channel["ChannelName"] for channel in request.get("InputDataConfig") or ()]
    _check_unique("InputDataConfig", channels)
    for name in channels:
        _check_channel(name)
    for metric in algorithm.get("MetricDefinitions") or ():
        try:
            re.compile(metric["Regex"])
        except re.error as error:
            raise _refuse(f"The regex of metric {metric['Name']!r} does not compile: {error}.") from error


def _check_channel(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9.\-_]{1,64}", name) or name in (".", ".."):
        raise _refuse(f"The channel name {name!r} must match [A-Za-z0-9.\\-_]+, at most 64 characters.")


def _check_processing(request: Request) -> None:
    inputs = request.get("ProcessingInputs") or []
    outputs = (request.get("ProcessingOutputConfig") or {}).get("Outputs") or []
    _check_unique("ProcessingInputs", [item["InputName"] for item in inputs])
    _check_unique("ProcessingOutputConfig.Outputs", [item["OutputName"] for item in outputs])
    _check_count("ProcessingInputs", inputs, 10)
    _check_count("ProcessingOutputConfig.Outputs", outputs, 10)
    _check_count("Environment", request.get("Environment"), 100)
    limit = (request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", 1)
    if limit > _MAX_PROCESSING_SECONDS:
        raise _refuse(f"MaxRuntimeInSeconds is {limit}; it must be at most {_MAX_PROCESSING_SECONDS}.")
    for item in [*(row.get("S3Input") for row in inputs), *(row.get("S3Output") for row in outputs)]:
        path = (item or {}).get("LocalPath")
        if path is not None and not (path.rstrip("/") + "/").startswith(_PROCESSING_ROOT):
            raise _refuse(f"LocalPath {path!r} must begin with {_PROCESSING_ROOT}.")


def _check_transform(request: Request) -> None:
    given = request["TransformInput"]
    if not (given.get("DataSource") or {}).get("S3DataSource"):
        raise _refuse("TransformInput.DataSource must have an S3DataSource.")
    processing = request.get("DataProcessing") or {}
    output = request["TransformOutput"]
    split, assemble = given.get("SplitType", "None"), output.get("AssembleWith", "None")
    if processing.get("JoinSource", "None") == "Input" and split != assemble:
        raise _refuse(f"JoinSource Input needs SplitType ({split}) and AssembleWith ({assemble}) to be the same.")
    if request.get("MaxPayloadInMB", 6) > 100:
        raise _refuse(f"MaxPayloadInMB is {request['MaxPayloadInMB']}; it must be at most 100.")


def _check_model(request: Request) -> None:
    containers = request.get("Containers") or []
    if bool(request.get("PrimaryContainer")) == bool(containers):
        raise _refuse("Exactly one of PrimaryContainer and Containers must be given.")
    _check_count("Containers", containers, 15)
    for container in [request["PrimaryContainer"]] if request.get("PrimaryContainer") else containers:
        if not container.get("Image") and not container.get("ModelPackageName"):
            raise _refuse("A container definition must have an Image (or a ModelPackageName).")
        if container.get("Mode") == "MultiModel" and containers:
            raise _refuse("A container in Mode MultiModel must be the model's PrimaryContainer.")
        extra = [row["ChannelName"] for row in container.get("AdditionalModelDataSources") or ()]
        _check_unique("AdditionalModelDataSources", extra)
        for name in extra:
            _check_channel(name)


def _check_endpoint_config(request: Request) -> None:
    variants = request.get("ProductionVariants") or []
    if not variants:
        raise _refuse("ProductionVariants must have at least one entry.")
    variants = variants + (request.get("ShadowProductionVariants") or [])
    _check_unique("ProductionVariants", [variant["VariantName"] for variant in variants])
    for variant in variants:
        _check_name("VariantName", variant["VariantName"])
        if not variant.get("ModelName"):
            raise _refuse(
                f"ProductionVariants: {variant['VariantName']!r} has no ModelName; inference components are not played."
            )


def _check_endpoint(request: Request) -> None:
    _check_name("EndpointConfigName", request.get("EndpointConfigName"))


_CHECKS: dict[str, Callable[[Request], None]] = {
    TRAINING: _check_training,
    PROCESSING: _check_processing,
    TRANSFORM: _check_transform,
    TUNING: check_tuning,
    MODEL: _check_model,
    ENDPOINT_CONFIG: _check_endpoint_config,
    ENDPOINT: _check_endpoint,
}
