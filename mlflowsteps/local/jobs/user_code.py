"""What the SDKs put into a job to run the user's code there: local copies of it, made fit for this machine.

SDK 3's training jobs bring a channel ``sm_drivers`` with ``sm_train.sh``, framework processors of both SDKs a
``runproc.sh`` and a ``sourcedir.tar.gz``. They name ``/opt/ml`` literally and run pip for the user's requirements.
Where jobs have no ``/opt/ml`` of their own it is replaced in these copies; packages are installed before, into a folder
on the job's path (``images.requirements``), because their pip would change the running Python. What the user wrote
stays as it is: a script may put its own sources, requirements included, beside the model.
"""

from __future__ import annotations

import re
from pathlib import Path

from mlflowsteps.local.jobs.code import unpack_archive
from mlflowsteps.local.jobs.failures import JobFailure, JobStopped
from mlflowsteps.local.jobs.images.builtin import builtin_command
from mlflowsteps.local.jobs.images.requirements import folder_for
from mlflowsteps.local.jobs.job import Job
from mlflowsteps.local.jobs.pathmode import REWRITTEN, refuse_literal_paths, rewrite

__all__ = ["prepare_processing", "prepare_training"]

_INSTALLS = re.compile(r"(install_requirements\.py\s+['\"]?)([^\s'\"]+)")
_LOOKS_FOR = re.compile(r"(-f\s+')([^']+\.txt)(?=')")
_NOTHING = "/opt/ml/input/data/sm_drivers/no_requirements.txt"
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
        files, text = _without_pip(script.read_text(encoding="utf-8"), _INSTALLS, data / "code", _NOTHING)
        found += [folder for file in files for folder in _install(job, file)]
        script.write_text(text, encoding="utf-8")
        (data / "sm_drivers" / Path(_NOTHING).name).touch()
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
        files, text = _without_pip(text, _LOOKS_FOR, source, "/dev/null")  # no regular file: nothing to install
        found += [folder for file in files for folder in _install(job, file)]
        if job.services.mode == REWRITTEN:
            environment = job.container.command([], job.request.get("Environment") or {}).environment
            refuse_literal_paths(sorted(source.rglob("*")), environment)
    if job.services.mode == REWRITTEN:
        text = rewrite(text, job.folder.opt_ml(host))
    script.write_text(text, encoding="utf-8")
    beside = archive.with_name(script.name)  # where SDK 3 puts it, too
    if beside.is_file():
        beside.write_text(text, encoding="utf-8")
    return found


def _without_pip(text: str, pattern: re.Pattern[str], folder: Path, instead: str) -> tuple[list[Path], str]:
    """The requirements files that a driver's script installs, and the script with another name in their places.

    Args:
        text: the script.
        pattern: group 1 is what stays before a file's name, group 2 the name.
        folder: where the files are; what is not there stays in the script.
        instead: the other name.
    """
    files = {match[2]: folder / match[2] for match in pattern.finditer(text) if (folder / match[2]).is_file()}
    return list(files.values()), pattern.sub(lambda m: m[1] + (instead if m[2] in files else m[2]), text)


def _rewrite_tree(folder: Path, opt_ml: Path) -> None:
    for file in sorted(folder.rglob("*")):
        if file.suffix in _TEXTS and file.is_file():
            text = file.read_text(encoding="utf-8")
            file.write_text(rewrite(text, opt_ml), encoding="utf-8")


def _install(job: Job, file: Path) -> list[str]:
    """Install a requirements file's packages; gives the folder for PYTHONPATH, where there is one."""
    packages = job.services.packages
    folder = folder_for(file, packages or Path())
    if folder is None:
        return []
    if packages is None:
        job.folder.note(f"{file.name}: nothing is installed, because of install_requirements=False")
        return []
    if not folder.is_dir():
        _run_pip(job, file, str(packages))
    return [str(folder)]


def _run_pip(job: Job, file: Path, packages: str) -> None:
    command = job.container.command(builtin_command("requirements", str(file), packages), {})
    ending = job.run([command])
    if ending.stopped:
        raise JobStopped(ending.stopped)
    if ending.code:
        tail = job.folder.log_tail()
        start = tail.rfind("InstallRequirementsError")
        text = tail[start:] if start >= 0 else f"InstallRequirementsError: exit code {ending.code}"
        raise JobFailure(job.reason(f"AlgorithmError: {text}, exit code: 1"))
