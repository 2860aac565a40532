"""What a job's process is told by its environment: an allow-list of the user's, and the container contract's own.

Nothing of the user's ``AWS_*`` passes unless it is named in ``pass_environment``.
"""

from __future__ import annotations

import os
import shlex
import site
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlflowsteps.local.jobs.folders import OPT_ML, JobFolder
from mlflowsteps.local.jobs.pathmode import REWRITTEN, rewrite

__all__ = ["MARKER", "job_environment", "resolve_python"]

ALLOWED = ("LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
ALLOWED_PREFIX = "LC_"
MARKER = "MLFLOWSTEPS_JOB_FOLDER"  # tells our orphans from other people's processes
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
_PYTHONS = frozenset({"python", "python3"})


def job_environment(
    folder: JobFolder,
    *,
    mode: str,
    region: str,
    pass_environment: Sequence[str] = (),
    extra: Mapping[str, str] | None = None,
    host: int = 1,
    packages: Path | None = None,
    python_path: Sequence[str] = (),
) -> dict[str, str]:
    """The whole environment of a job's process.

    Args:
        folder: the job's folder; HOME, TMPDIR and the empty AWS configuration are in it.
        mode: path mode; where it is ``rewritten``, ``/opt/ml`` in the request's values is replaced.
        region: becomes AWS_REGION and AWS_DEFAULT_REGION.
        pass_environment: names of the user's variables to hand on beyond the allow-list.
        extra: the contract's variables and the request's Environment; they win.
        host: number of the instance, from 1.
        packages: folder that holds the folders of installed requirements; None: none is to be installed.
        python_path: folders for PYTHONPATH, before the job's own.

    Returns:
        Names and values; nothing else reaches the job.
    """
    found = {
        name: value
        for name, value in os.environ.items()
        if name in ALLOWED or name.startswith(ALLOWED_PREFIX) or name in pass_environment
    }
    bins = [str(_program_folder(folder)), str(Path(sys.executable).parent), os.environ.get("PATH", _DEFAULT_PATH)]
    found.setdefault("LANG", "C.UTF-8")
    if site.ENABLE_USER_SITE:  # HOME is the job's own, and pip's --user packages are found by it
        found["PYTHONUSERBASE"] = site.getuserbase()
    found.update(
        PATH=os.pathsep.join(dict.fromkeys(bins)),
        HOME=str(folder.home),
        TMPDIR=folder.scratch(),
        PYTHONUNBUFFERED="1",
        # A container's "pip install" is thrown away with it; the user's own environment must not be changed by a job.
        PIP_TARGET=str(folder.home / "packages"),
        PYTHONPATH=os.pathsep.join([*python_path, str(folder.home / "packages")]),
        MLFLOWSTEPS_PACKAGES=str(packages or ""),
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        AWS_REGION=region,
        AWS_DEFAULT_REGION=region,
        AWS_CONFIG_FILE=str(folder.etc / "aws-config"),
        AWS_SHARED_CREDENTIALS_FILE=str(folder.etc / "aws-credentials"),
        AWS_EC2_METADATA_DISABLED="true",
    )
    found.update(extra or {})
    if mode == REWRITTEN:
        found = {name: rewrite(value, folder.opt_ml(host)) for name, value in found.items()}
        found["SAGEMAKER_BASE_DIR"] = str(folder.opt_ml(host))
    else:
        found["SAGEMAKER_BASE_DIR"] = OPT_ML
    found[MARKER] = str(folder.path)
    return found


def resolve_python(command: Sequence[str]) -> list[str]:
    """The command with ``python`` or ``python3``, wherever a container has it, replaced by the running Python.

    >>> resolve_python(["/opt/conda/bin/python3", "a.py"])[1:]
    ['a.py']
    """
    if command and command[0].rsplit("/", 1)[-1] in _PYTHONS and not Path(command[0]).is_file():
        return [sys.executable, *command[1:]]
    if command and command[0] in {f"{folder}/{name}" for folder in ("/usr/bin", "/bin") for name in _PYTHONS}:
        return [sys.executable, *command[1:]]  # the machine's own Python is not the one with the user's packages
    return list(command)


def _program_folder(folder: JobFolder) -> Path:
    """A folder with ``pip``, which uninstalls nothing, and, where its own has them not, ``python`` and ``python3``."""
    shims = folder.etc / "bin"
    shims.mkdir(parents=True, exist_ok=True)
    python = shlex.quote(sys.executable)
    own = Path(sys.executable).parent
    lines = {name: f'exec {python} "$@"' for name in _PYTHONS if not (own / name).exists()}
    lines |= dict.fromkeys(("pip", "pip3"), f'{_NO_UNINSTALL}\nexec {python} -m pip "$@"')
    for name, line in lines.items():
        shim = shims / name  # a script, not a link: a virtual environment's Python looks beside its own path
        shim.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        shim.chmod(0o700)
    return shims


# The environment is the user's own: what an SDK's script would take out of a container stays in it.
_NO_UNINSTALL = '[ "$1" = uninstall ] && { echo "[mlflowsteps] passed over: pip $*"; exit 0; }'
