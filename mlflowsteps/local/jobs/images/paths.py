"""The container's folders, as a job's process sees them. Standard library only: it is imported in job processes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["base_folder", "fail", "read_config"]


def base_folder() -> Path:
    """``/opt/ml``, or what stands for it where paths are rewritten."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def read_config(name: str) -> Any:
    """A document of ``input/config``; an empty one where it is not there."""
    file = base_folder() / "input/config" / name
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def fail(text: str) -> None:
    """Write why the job failed, which becomes its FailureReason; an existing file is kept."""
    file = base_folder() / "output/failure"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_text(text, encoding="utf-8")
