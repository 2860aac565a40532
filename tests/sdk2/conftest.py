"""These tests need SageMaker SDK 2 (bash .ci/run --all); elsewhere there is nothing to collect."""

from __future__ import annotations

import os
from importlib import metadata

# The SDK's own constructors make clients; without credentials boto3 would ask this machine's metadata service for them.
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


def _has_sdk() -> bool:
    try:
        return metadata.version("sagemaker").split(".")[0] == "2"
    except metadata.PackageNotFoundError:
        return False


collect_ignore_glob = [] if _has_sdk() else ["test_*.py"]
