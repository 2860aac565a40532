"""Packages that a user's requirements.txt asks for: those that the running Python lacks, into the job's own folder.

The user's environment is never changed: a container is thrown away after the job, a virtual environment is not.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["install", "missing_lines"]

_SIMPLE = re.compile(r"([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*((?:[<>=!~]=?=?[^;#\s]+\s*,?\s*)*)(?:#.*)?$")
_COMPARE = re.compile(r"(==|>=|<=|!=|>|<|~=)\s*([\w.*+!-]+)")


def missing_lines(text: str) -> list[str]:
    r"""The lines of a requirements file that the running Python does not satisfy, as far as can be told.

    Lines that are not of the form ``name[extra]>=1,<2`` (options, URLs, markers) count as missing.

    >>> missing_lines("# nothing\npip>=1\n")
    []
    """
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#") and not _satisfied(line)]


def _satisfied(line: str) -> bool:
    match = _SIMPLE.fullmatch(line)
    if not match:
        return False
    try:
        version = importlib.metadata.version(match[1])
    except importlib.metadata.PackageNotFoundError:
        return False
    return all(_holds(version, mark, wanted) for mark, wanted in _COMPARE.findall(match[2]))


def _holds(version: str, mark: str, wanted: str) -> bool:
    if mark == "==" and wanted.endswith(".*"):
        return (version + ".").startswith(wanted[:-1])
    left, right = _parts(version), _parts(wanted)
    if mark == "~=":
        return left >= right and left[: len(right) - 1] == right[:-1]
    width = max(len(left), len(right))
    left, right = left + (0,) * (width - len(left)), right + (0,) * (width - len(right))
    return {
        "==": left == right,
        "!=": left != right,
        ">=": left >= right,
        "<=": left <= right,
        ">": left > right,
        "<": left < right,
    }[mark]


def _parts(version: str) -> tuple[int, ...]:
    """The release numbers, ``(1, 2, 0)``; what follows them is passed over."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(number) for number in match[0].split(".")) if match else ()


def install(file: Path, target: Path) -> int:
    """Install what is missing into ``target``.

    Args:
        file: the requirements file; nothing happens where it does not exist.
        target: a folder of the job's own; made where it is needed, and to be put on PYTHONPATH.

    Returns:
        pip's exit code; 0 where nothing was missing.
    """
    lines = missing_lines(file.read_text(encoding="utf-8")) if file.is_file() else []
    if not lines:
        return 0
    target.mkdir(parents=True, exist_ok=True)
    wanted = target / "requirements.missing.txt"
    wanted.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"[INFO] installing {', '.join(lines)} into the job's own folder", flush=True)  # noqa: T201
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--target", str(target)]
    found = subprocess.run([*command, "-r", str(wanted)], check=False, cwd=file.parent, env=dict(os.environ))  # noqa: S603
    return found.returncode
