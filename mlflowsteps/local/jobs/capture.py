"""Data capture: what endpoints were asked and answered, as JSON Lines objects; of batch transforms, lists of objects.

Each invocation is an object of its own, since nothing is buffered that a crash could lose; keys have the service's form
``<prefix>/<endpoint>/<variant>/yyyy/mm/dd/hh/mm-ss-sss-<id>.jsonl``.

Source:
    Amazon SageMaker developer guide, "Capture data from real-time endpoint", "Capture data from batch transform job".
"""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.container import Record, Services
from mlflowsteps.local.jobs.failures import JobFailure
from mlflowsteps.local.jobs.transfer import read_uri

__all__ = ["Exchange", "capture", "capture_batch", "describe_capture"]

_CSV, _JSON = frozenset({"text/csv"}), frozenset({"application/json"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One invocation.

    Args:
        endpoint: the endpoint's name.
        variant: the variant that answered.
        sent: body and Content-Type of the request.
        answered: body and Content-Type of the response.
        inference_id: the caller's id of it; None where none was given.
    """

    endpoint: str
    variant: str
    sent: tuple[bytes, str]
    answered: tuple[bytes, str]
    inference_id: str | None = None


def describe_capture(config: Record | None) -> Record:
    """What DescribeEndpoint says of data capture."""
    if not config:
        return {}
    found = {
        "EnableCapture": bool(config.get("EnableCapture", True)),
        "CaptureStatus": "Started" if config.get("EnableCapture", True) else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }
    return {"DataCaptureConfig": found}


def capture(config: Record | None, exchange: Exchange, services: Services) -> str | None:
    """Store an invocation where the endpoint's configuration asks for it.

    Returns:
        Why it could not be stored, for the endpoint's log; None where all is well.
    """
    if not config or not config.get("EnableCapture", True):
        return None
    if random.random() * 100 >= config["InitialSamplingPercentage"]:  # noqa: S311 - sampling, not secrets
        return None
    now = datetime.fromtimestamp(services.clock.now(), UTC)
    name = f"{now:%M-%S}-{now.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
    line = json.dumps(_line(config, exchange, now), separators=(",", ":")) + "\n"
    try:
        bucket, prefix = read_uri(config["DestinationS3Uri"], "DataCaptureConfig")
        parts = [prefix.strip("/"), exchange.endpoint, exchange.variant, f"{now:%Y/%m/%d/%H}", name]
        services.objects.put(bucket, "/".join(part for part in parts if part), line.encode())
    except (ServiceError, JobFailure) as error:
        return f"data capture to {config['DestinationS3Uri']} failed: {error}"
    return None


def capture_batch(config: Record | None, services: Services, lists: Mapping[str, tuple[str, Sequence[str]]]) -> None:
    """Write which objects a batch transform read and wrote, as manifests ``<destination>/<list>/yyyy/mm/dd/hh/...``.

    Args:
        config: BatchDataCaptureConfig of the request; nothing happens without one.
        services: the runtime's parts.
        lists: by name (``input``, ``output``): the S3 URI that keys are below, and the keys' rest.

    Raises:
        JobFailure: the destination is no S3 URI.
        ServiceError: its bucket does not exist.
    """
    if not config:
        return
    now = datetime.fromtimestamp(services.clock.now(), UTC)
    bucket, prefix = read_uri(config["DestinationS3Uri"], "DataCaptureConfig")
    for name, (base, keys) in lists.items():
        parts = [prefix.strip("/"), name, f"{now:%Y/%m/%d/%H}", f"{now:%M-%S}-{uuid.uuid4()}.json"]
        body = json.dumps([{"prefix": base}, *keys])
        services.objects.put(bucket, "/".join(part for part in parts if part), body.encode())


def _line(config: Record, exchange: Exchange, now: datetime) -> Record:
    modes = {option["CaptureMode"] for option in config.get("CaptureOptions") or ()}
    both = "InputAndOutput" in modes
    data: Record = {}
    if both or "Input" in modes:
        data["endpointInput"] = _part(config, "INPUT", *exchange.sent)
    if both or "Output" in modes:
        data["endpointOutput"] = _part(config, "OUTPUT", *exchange.answered)
    metadata = {"eventId": str(uuid.uuid4()), "inferenceTime": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
    if exchange.inference_id is not None:
        metadata["inferenceId"] = exchange.inference_id
    return {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}


def _part(config: Record, mode: str, body: bytes, content_type: str) -> Record:
    kinds = config.get("CaptureContentTypeHeader") or {}
    media = content_type.split(";", maxsplit=1)[0].strip().lower()
    text = body.decode("utf-8", "replace")
    if media in _CSV | set(kinds.get("CsvContentTypes") or ()):
        encoding = "CSV"
    elif media in _JSON | set(kinds.get("JsonContentTypes") or ()):
        encoding = "JSON"
    else:
        encoding, text = "BASE64", base64.b64encode(body).decode()
    return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}
