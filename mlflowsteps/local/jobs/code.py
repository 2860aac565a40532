"""The user's scripts: fetching them from the S3 store into a job's folder, which containers do by themselves on AWS."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from mlflowsteps.local.jobs import archives
from mlflowsteps.local.jobs.container import Container
from mlflowsteps.local.jobs.failures import JobFailure
from mlflowsteps.local.jobs.transfer import download, sources

__all__ = ["decode", "fetch_code", "is_remote", "unpack_archive"]

_ARCHIVES = (".tar.gz", ".tgz", ".tar")


def decode(value: str) -> str:
    """A hyperparameter that may be JSON-encoded, as framework estimators send them.

    >>> decode('"train.py"'), decode("train.py"), decode("3")
    ('train.py', 'train.py', '3')
    """
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return found if isinstance(found, str) else value


def is_remote(uri: str) -> bool:
    """Whether a submit directory is to be fetched from S3, not a path in the container."""
    return "://" in uri and not uri.startswith("file:")


def fetch_code(container: Container, uri: str, folder: Path) -> None:
    """Download a script, or an archive of scripts, to ``folder``; archives are unpacked.

    Raises:
        JobFailure: it is not there, or is hostile.
    """
    what = f"source code {uri}"
    objects, aside = container.services.objects, container.folder.tmp / "source"
    shutil.rmtree(aside, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    for file in download(objects, sources(objects, uri, "S3Prefix", "the source code"), aside, what):
        if file.name.endswith(_ARCHIVES):
            unpack_archive(file, folder, what)
        else:
            target = folder / file.relative_to(aside)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
    shutil.rmtree(aside, ignore_errors=True)


def unpack_archive(file: Path, folder: Path, what: str) -> None:
    """Unpack a downloaded archive.

    Raises:
        JobFailure: it is damaged, too large or hostile.
    """
    try:
        archives.unpack(file, folder)
    except archives.ArchiveError as error:
        raise JobFailure(f"ClientError: {what}: {error}") from error
