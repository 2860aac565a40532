"""InvokeEndpoint and InvokeEndpointAsync as a client sends them."""

from __future__ import annotations

from unittest.mock import create_autospec

import pytest

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.manager import JobManager
from mlflowsteps.local.services.sagemaker_runtime import SageMakerRuntime


@pytest.mark.parametrize("operation", ["invoke_endpoint", "invoke_endpoint_async"])
@pytest.mark.parametrize("name", ["ContentType", "CustomAttributes", "TargetModel"])
@pytest.mark.parametrize("value", ["a\r\nb: c", "é"])
def test_what_cannot_be_a_header_is_refused_by_its_name(operation: str, name: str, value: str) -> None:
    service = SageMakerRuntime(create_autospec(JobManager))
    with pytest.raises(ServiceError, match=f"{name} .* must be printable ASCII"):
        getattr(service, operation)({"EndpointName": "e", "Body": b"", name: value})
