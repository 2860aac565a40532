"""What the SDKs put into a job to run the user's code there: local copies of it, made fit for this machine.

SDK 3's training jobs bring a channel ``sm_drivers`` with ``sm_train.sh``, framework processors of both SDKs a
``runproc.sh`` and a ``sourcedir.tar.gz``. They name ``/opt/ml`` literally and run pip for the user's requirements.
Where jobs have no ``/opt/ml`` of their own it is replaced in these copies; packages are installed before, into a folder
on the job's path (``images.requirements``), because their pip would change the running Python.
"""

from __future__ import annotations

import re
from pathlib import Path

from mlflowsteps.local.jobs import archives
from mlflowsteps.local.jobs.code import unpack_archive
from mlflowsteps.local.jobs.failures import JobFailure, JobStopped
from mlflowsteps.local.jobs.images.builtin import builtin_command
from mlflowsteps.local.jobs.images.requirements import folder_for
from mlflowsteps.local.jobs.job import Job
from mlflowsteps.local.jobs.pathmode import REWRITTEN, refuse_literal_paths, rewrite

__all__ = ["prepare_processing", "prepare_training"]

_INSTALLS = re.compile(r"install_requirements\.py\s+['\"]?([^\s'\"]+)")
_LOOKS_FOR = re.compile(r"-f\s+'([^']+\.txt)'")
_TEXTS = frozenset({".sh", ".py", ".json"})


def prepare_training(job: Job) -> list[str]:
    """Make the SDK's drivers fit for this machine and install the user's requirements.

    Returns:
        Folders for PYTHONPATH.

    Raises:
        JobFailure: pip failed.
    """
    found: list[str] = []
    for host in range(1, job.instances + 1):
        data = job.folder.opt_ml(host) / "input/data"
        script = data / "sm_drivers/sm_train.sh"
        if not script.is_file():
            continue
        text = script.read_text(encoding="utf-8")
        for name in _INSTALLS.findall(text):
            found += _take(job, data / "code" / name)
        if job.services.mode == REWRITTEN:
            _rewrite_tree(data / "sm_drivers", job.folder.opt_ml(host))
    return list(dict.fromkeys(found))


def prepare_processing(job: Job, argv: list[str]) -> list[str]:
    """Make a framework processor's script and source archive fit for this machine; see ``prepare_training``.

    Args:
        job: the job, its inputs downloaded.
        argv: program and arguments, as in a container.
    """
    path = next((part for part in argv if part.endswith("/runproc.sh")), None)
    if path is None:
        return []
    found: list[str] = []
    for host in range(1, job.instances + 1):
        script = job.folder.inside(path, host)
        if script.is_file():
            found += _prepare_source(job, script, host)
    return list(dict.fromkeys(found))


def _prepare_source(job: Job, script: Path, host: int) -> list[str]:
    text = script.read_text(encoding="utf-8")
    archive = job.folder.opt_ml(host) / "processing/input/code/sourcedir.tar.gz"
    found: list[str] = []
    if archive.is_file():
        source = job.folder.tmp / f"sourcedir-{host}"
        source.mkdir()
        unpack_archive(archive, source, "sourcedir.tar.gz")
        for name in _LOOKS_FOR.findall(text):
            file = source / name
            if file.is_file():
                found += _take(job, file)
                file.rename(file.with_name(f"{file.name}.installed"))  # the script's own pip finds nothing to do
        if job.services.mode == REWRITTEN:
            environment = job.container.command([], job.request.get("Environment") or {}).environment
            refuse_literal_paths(sorted(source.rglob("*")), environment)
        archive.unlink()
        archives.pack([source], archive)
    if job.services.mode == REWRITTEN:
        script.write_text(rewrite(text, job.folder.opt_ml(host)), encoding="utf-8")
    return found


def _rewrite_tree(folder: Path, opt_ml: Path) -> None:
    for file in sorted(folder.rglob("*")):
        if file.suffix in _TEXTS and file.is_file():
            text = file.read_text(encoding="utf-8")
            file.write_text(rewrite(text, opt_ml), encoding="utf-8")


def _take(job: Job, file: Path) -> list[str]:
    """Install a requirements file's packages, and leave its local copy without a line that pip would install."""
    if not file.is_file():
        return []
    packages = job.services.packages
    folder = folder_for(file, packages or Path())
    if folder is not None and packages is None:
        job.folder.note(f"{file.name}: nothing is installed, because of install_requirements=False")
    elif folder is not None and not folder.is_dir():
        _install(job, file, str(packages))
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("".join(f"# seen to by the local runtime: {line}\n" for line in lines), encoding="utf-8")
    return [str(folder)] if folder is not None and packages is not None else []


def _install(job: Job, file: Path, packages: str) -> None:
    command = job.container.command(builtin_command("requirements", str(file), packages), {})
    ending = job.run([command])
    if ending.stopped:
        raise JobStopped(ending.stopped)
    if ending.code:
        tail = job.folder.log_tail()
        start = tail.rfind("InstallRequirementsError")
        text = tail[start:] if start >= 0 else f"InstallRequirementsError: exit code {ending.code}"
        raise JobFailure(job.reason(f"AlgorithmError: {text}, exit code: 1"))
