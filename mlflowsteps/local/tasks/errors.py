"""Errors of services as Step Functions names and words them.

Two dialects: the optimized integrations, written with version 1 of the Java SDK, and aws-sdk, written with version 2.

Source:
    Recorded histories of the service; developer guide, "Handling errors", for the names.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from mlflowsteps.exceptions import ServiceError, StatesError
from mlflowsteps.local.tasks.names import java_service, java_v2_service

__all__ = ["Dialect", "aws_sdk_dialect", "optimized_dialect", "states_error"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the errors of one service are named and worded.

    Args:
        prefix: what stands before the dot.
        unknown: name, after the dot, of an error that the service's model does not know.
        cause: pattern of the cause, with message, status, code and request_id.
    """

    prefix: str
    unknown: str
    cause: str


def optimized_dialect(prefix: str, client: str) -> Dialect:
    """How an optimized integration words it, such as ``SageMaker.AmazonSageMakerException``."""
    java = java_service(client)
    about = f"Service: {java}; Status Code: {{status}}; Error Code: {{code}}; Request ID: {{request_id}}; Proxy: null"
    return Dialect(prefix, java.removesuffix("v2") + "Exception", f"{{message}} ({about})")


def aws_sdk_dialect(service_id: str) -> Dialect:
    """How an aws-sdk integration words it, such as ``DynamoDb.ResourceNotFoundException``."""
    java = java_v2_service(service_id)
    cause = f"{{message}} (Service: {java}, Status Code: {{status}}, Request ID: {{request_id}}) (SDK Attempt Count: 1)"
    return Dialect(java, java + "Exception", cause)


def states_error(error: Exception, dialect: Dialect, service_model: Any = None) -> StatesError:
    """The error that a task fails with when a call of a client raised.

    Args:
        error: what it raised.
        dialect: how to word it.
        service_model: botocore's model, which tells the errors a service declares; None where there is none.
    """
    if isinstance(error, StatesError):
        return error
    response = getattr(error, "response", None)
    if isinstance(error, ServiceError):
        code, message, status, request_id = error.code, error.message, error.status, str(uuid.uuid4())
    elif isinstance(response, dict) and "Error" in response:
        about = response.get("ResponseMetadata", {})
        code, message = response["Error"].get("Code", "Unknown"), response["Error"].get("Message", "")
        status, request_id = about.get("HTTPStatusCode", 400), about.get("RequestId", str(uuid.uuid4()))
    elif type(error).__name__ == "ParamValidationError":  # the service would say so, had the request been sent
        code, message, status, request_id = "ValidationException", str(error), 400, str(uuid.uuid4())
    else:
        return StatesError(f"{dialect.prefix}.SdkClientException", f"{type(error).__name__}: {error}")
    name = _declared_name(code, service_model) or dialect.unknown
    cause = dialect.cause.format(message=message, status=status, code=code, request_id=request_id)
    return StatesError(f"{dialect.prefix}.{name}", cause)


def _declared_name(code: str, service_model: Any) -> str | None:
    shape = service_model.shape_for_error_code(code) if service_model is not None else None
    if shape is None:
        return None
    name = str(shape.name)
    return name if name.endswith("Exception") else name + "Exception"
