"""Packages that a user's requirements.txt asks for: those that the running Python lacks, in a folder of their own.

The folder is named by what is asked for (the lines, the files they name, the Python), so that jobs share it and install
nothing twice; it goes on the job's path. The user's environment is never changed: a container is thrown away after the
job, a virtual environment is not.

As a process, ``requirements FILE FOLDER`` installs ``FILE``.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["PACKAGES", "InstallError", "folder_for", "install", "main", "missing_lines"]

_LAST_WORDS = 400  # characters of pip's own message that stand in the error
PACKAGES = "MLFLOWSTEPS_PACKAGES"
"""Variable of a job's environment: the folder that holds the folders; empty where nothing is to be installed."""

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


class InstallError(Exception):
    """pip could not install what is asked for; the text is the contract's InstallRequirementsError."""


def folder_for(file: Path, packages: Path) -> Path | None:
    """The folder that a requirements file's packages belong in; None where the running Python has them all.

    Args:
        file: the requirements file; nothing is asked for where it does not exist.
        packages: folder that holds the folders.
    """
    lines = missing_lines(file.read_text(encoding="utf-8")) if file.is_file() else []
    if not lines:
        return None
    digest = hashlib.sha256("\n".join([sys.version, sys.prefix, *lines]).encode())
    if any(line.startswith("-") or "/" in line for line in lines):  # other files may count: "-r more.txt", "./a.whl"
        for other in sorted(path for path in file.parent.rglob("*") if path.is_file() and not path.is_symlink()):
            if "__pycache__" not in other.parts:  # what Python makes of the sources differs from run to run
                digest.update(other.relative_to(file.parent).as_posix().encode() + b"\0" + other.read_bytes())
    return packages / digest.hexdigest()[:32]


def install(file: Path, packages: str) -> list[str]:
    """Install what a requirements file asks for and the running Python lacks.

    Args:
        file: the requirements file; nothing happens where it does not exist.
        packages: folder that holds the folders; empty: nothing is installed.

    Returns:
        The folder to put on the path; none where nothing is needed, or nothing is to be installed.

    Raises:
        InstallError: pip failed.
    """
    folder = folder_for(file, Path(packages or "."))
    if folder is None:
        return []
    if not packages:
        _say(f"{file.name} asks for packages that are not here, and install_requirements=False: nothing is installed")
        return []
    if not folder.is_dir():
        _fill(file, folder)
    return [str(folder)]


def _fill(file: Path, folder: Path) -> None:
    """Install into a folder beside, which takes its name when it is whole; another job may have been faster."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lines = missing_lines(file.read_text(encoding="utf-8"))
    _say(f"installing {', '.join(lines)} into {folder}")
    beside = Path(tempfile.mkdtemp(prefix=f"{folder.name[:8]}-", dir=folder.parent))
    wanted = file.with_name(f".{file.name}.missing")  # beside the file: its lines may name files from there
    wanted.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-cache-dir", "--target"]
    environment = {name: value for name, value in os.environ.items() if name != "PIP_TARGET"}
    try:
        found = subprocess.run(  # noqa: S603 - the user's own packages are the point
            [*command, str(beside), "-r", wanted.name],
            check=False,
            cwd=file.parent,
            env=environment,
            stderr=subprocess.PIPE,
        )
        sys.stderr.buffer.write(found.stderr)
        sys.stderr.buffer.flush()
        if found.returncode:
            said = found.stderr.decode("utf-8", "replace").strip()[-_LAST_WORDS:]
            shown = shlex.join([sys.executable, "-m", "pip", "install", "-r", file.name])
            raise InstallError(
                f'InstallRequirementsError:\nExitCode {found.returncode}\nErrorMessage "{said}"\nCommand "{shown}"'
            )
        if not folder.is_dir():
            _name(beside, folder)
    finally:
        wanted.unlink(missing_ok=True)
        shutil.rmtree(beside, ignore_errors=True)


def _name(beside: Path, folder: Path) -> None:
    try:
        beside.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another job was faster
            raise


def _say(text: str) -> None:
    print(f"[INFO] {text}", flush=True)  # noqa: T201 - the container's log


def main() -> int:
    """Install; returns the exit code."""
    try:
        install(Path(sys.argv[1]), sys.argv[2])
    except InstallError as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201 - the container's log
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
