"""Amazon SageMaker Runtime: InvokeEndpoint and InvokeEndpointAsync, brought to the job manager's endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.records import Json

if TYPE_CHECKING:
    from mlflowsteps.local.jobs.manager import JobManager

__all__ = ["SageMakerRuntime"]

_BODY_LIMIT = 25 * 1024 * 1024  # bytes; the API's limit for real-time endpoints
_HEADERS = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
    "TargetModel": "X-Amzn-SageMaker-Target-Model",
    "TargetVariant": "X-Amzn-SageMaker-Target-Variant",
    "TargetContainerHostname": "X-Amzn-SageMaker-Target-Container-Hostname",
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
    "SessionId": "X-Amzn-SageMaker-Session-Id",
}


class SageMakerRuntime:
    """One method per operation played, named as boto3's.

    Args:
        jobs: the job manager, which runs the endpoints.
    """

    def __init__(self, jobs: JobManager) -> None:
        self._jobs = jobs

    def invoke_endpoint(self, params: dict[str, Json]) -> dict[str, Json]:
        """Ask an endpoint's model; its answer as it gives it."""
        _refuse_components(params)
        headers = _headers(params)
        result = self._jobs.invoke_endpoint(params["EndpointName"], _read(params.get("Body", b"")), headers)
        answer = {"Body": result.body, "ContentType": result.content_type}
        given = {name.lower(): value for name, value in result.headers.items()}
        attributes = given.get("x-amzn-sagemaker-custom-attributes")
        variant = given.get("x-amzn-invoked-production-variant", params.get("TargetVariant"))
        if attributes is not None:
            answer["CustomAttributes"] = attributes
        if variant is not None:
            answer["InvokedProductionVariant"] = variant
        return answer

    def invoke_endpoint_async(self, params: dict[str, Json]) -> dict[str, Json]:
        """Have an endpoint's model asked; its answer will be an object in S3."""
        _refuse_components(params)
        extension = str(params.get("S3OutputPathExtension") or "").strip("/")
        return self._jobs.invoke_endpoint_async(
            params["EndpointName"],
            params.get("InputLocation") or _read(params.get("Body", b"")),
            _headers(params),
            place=(f"{extension}/" if extension else "") + str(params.get("Filename") or ""),
            seconds=float(params.get("InvocationTimeoutSeconds") or 900),
        )


def _headers(params: dict[str, Json]) -> dict[str, str]:
    found = {name: str(params[name]) for name in _HEADERS if name in params}
    odd = next((name for name, value in found.items() if not (value.isascii() and value.isprintable())), None)
    if odd is not None:
        raise ServiceError("ValidationError", f"{odd} {found[odd]!r} must be printable ASCII: it becomes a header.")
    return {_HEADERS[name]: value for name, value in found.items()}


def _refuse_components(params: dict[str, Json]) -> None:
    if params.get("InferenceComponentName"):
        raise ServiceError("ValidationError", "InferenceComponentName: inference components are not played here.")


def _read(body: bytes | BinaryIO) -> bytes:
    data = body if isinstance(body, bytes) else body.read()
    if len(data) > _BODY_LIMIT:
        text = f"The request body has {len(data)} bytes; InvokeEndpoint takes at most {_BODY_LIMIT}."
        raise ServiceError("ValidationError", text)
    return data
