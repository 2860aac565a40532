"""The container's folders, as a job's process sees them. Standard library only: it is imported in job processes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["base_folder", "channel_files", "fail", "read_config"]


def base_folder() -> Path:
    """``/opt/ml``, or what stands for it where paths are rewritten."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def read_config(name: str) -> Any:
    """A document of ``input/config``; an empty one where it is not there."""
    file = base_folder() / "input/config" / name
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def channel_files(name: str, config: Mapping[str, str]) -> list[Path]:
    """The files of a channel in the order of their names; in Pipe mode the pipe of its first epoch.

    Args:
        name: the channel's.
        config: its entry in ``inputdataconfig.json``.

    Returns:
        Files without those that begin, or lie in a folder that begins, with ``.`` or ``_``.
    """
    folder = base_folder() / "input/data" / name
    if config.get("TrainingInputMode") == "Pipe":
        return [folder.with_name(f"{name}_0")]
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [file for file in files if not any(part[0] in "._" for part in file.relative_to(folder).parts)]


def fail(text: str) -> None:
    """Write why the job failed, which becomes its FailureReason; an existing file is kept."""
    file = base_folder() / "output/failure"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_text(text, encoding="utf-8")
