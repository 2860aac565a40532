"""These tests need SageMaker SDK 2 (bash .ci/run --all); elsewhere there is nothing to collect."""

from __future__ import annotations

from importlib import metadata


def _has_sdk() -> bool:
    try:
        return metadata.version("sagemaker").split(".")[0] == "2"
    except metadata.PackageNotFoundError:
        return False


collect_ignore_glob = [] if _has_sdk() else ["test_*.py"]
