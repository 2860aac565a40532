"""Between the S3 store and a job's folder: which objects a data source names, where they go, and what is uploaded.

Owns the rules of S3Prefix, ManifestFile and ShardedByS3Key; keys are checked so that no file lands outside its folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.failures import JobFailure
from mlflowsteps.local.objects import ObjectStore, parse_s3_uri

__all__ = ["Source", "TreeUploader", "download", "read_uri", "require_bucket", "sources"]


@dataclass(frozen=True, slots=True)
class Source:
    """One object of a data source.

    Args:
        bucket: where it is.
        key: its key.
        relative: its path below the data source, parts that are safe as file names.
    """

    bucket: str
    key: str
    relative: str


def read_uri(uri: str, what: str) -> tuple[str, str]:
    """Bucket and key of a URI of the request.

    Args:
        uri: in any form that SageMaker takes.
        what: whose URI it is, for the message.

    Raises:
        JobFailure: it is none.
    """
    try:
        return parse_s3_uri(uri)
    except ValueError as error:
        raise JobFailure(f"ClientError: {what}: {error}") from error


def require_bucket(objects: ObjectStore, uri: str, what: str) -> None:
    """Fail early where the bucket that results are to go to does not exist.

    Raises:
        JobFailure: with the line that makes it.
    """
    bucket, _ = read_uri(uri, what)
    if not objects.has_bucket(bucket):
        raise JobFailure(
            f"ClientError: {what} is {uri}, but the bucket {bucket!r} does not exist in the runtime's S3 store. "
            f'Make it first: runtime.client("s3").create_bucket(Bucket="{bucket}")'
        )


def sources(objects: ObjectStore, uri: str, data_type: str, what: str) -> list[Source]:
    """The objects that a data source names, in the order of their keys, at least one.

    Args:
        objects: the S3 store.
        uri: S3Uri of the data source.
        data_type: ``S3Prefix``, ``S3Object`` or ``ManifestFile``.
        what: whose data it is, for messages, such as ``channel 'train'``.

    Raises:
        JobFailure: nothing is there, or a key cannot be a file.
    """
    readers = {"S3Prefix": _by_prefix, "S3Object": _by_key, "ManifestFile": _by_manifest}
    reader = readers.get(data_type)
    if reader is None:
        raise JobFailure(
            f"ClientError: {what}: S3DataType {data_type} is not played by the local runtime; use one of "
            f"{', '.join(sorted(readers))}."
        )
    bucket, key = read_uri(uri, what)
    try:
        found = list(reader(objects, bucket, key, what))
    except ServiceError as error:
        raise JobFailure(f"ClientError: Data download failed: {what}, {uri}: {error.message}") from error
    if not found:
        raise JobFailure(
            f'ClientError: Data download failed: No S3 objects found under S3 URL "{uri}" given in input data source '
            f"of {what}. Put them there first, for example with "
            f'runtime.client("s3").upload_file({_example(bucket, key)})'
        )
    return found


def _example(bucket: str, key: str) -> str:
    """Arguments that would upload what a key names: a file where it has an ending, else a folder.

    >>> _example("b", "code/sourcedir.tar.gz"), _example("b", "data/")
    ('"sourcedir.tar.gz", "b", "code/sourcedir.tar.gz"', '"file.csv", "b", "data/file.csv"')
    """
    name = key.rpartition("/")[2]
    place, file = (key, name) if "." in name else (f"{key.rstrip('/') or 'data'}/file.csv", "file.csv")
    return f'"{file}", "{bucket}", "{place}"'


def _by_prefix(objects: ObjectStore, bucket: str, prefix: str, what: str) -> Iterator[Source]:
    for info in objects.list(bucket, prefix):
        if not info.key.endswith("/"):  # a folder's marker, as the console makes it
            yield Source(bucket, info.key, _safe(_below(info.key, prefix), what, info.key))


def _by_key(objects: ObjectStore, bucket: str, key: str, what: str) -> Iterator[Source]:
    objects.head(bucket, key)
    yield Source(bucket, key, _safe(key.rsplit("/", 1)[-1], what, key))


def _below(key: str, prefix: str) -> str:
    """The part of a key that names its file below a prefix.

    >>> [_below(key, "csv/train") for key in ("csv/train", "csv/train/a/b.csv", "csv/train2/x")]
    ['train', 'a/b.csv', 'train2/x']
    """
    if key != prefix and (prefix == "" or prefix.endswith("/") or key.startswith(prefix + "/")):
        return key[len(prefix) :].lstrip("/")
    return key[prefix.rfind("/") + 1 :]


def _by_manifest(objects: ObjectStore, bucket: str, key: str, what: str) -> Iterator[Source]:
    with objects.open(bucket, key) as file:
        rows = _manifest(file.read(), what)
    base_bucket, base = read_uri(rows[0]["prefix"], what)
    for relative in rows[1:]:
        objects.head(base_bucket, base + relative)  # NoSuchKey names the one that is missing
        yield Source(base_bucket, base + relative, _safe(relative, what, relative))


def _manifest(text: bytes, what: str) -> list[Any]:
    try:
        rows = json.loads(text)
        good = isinstance(rows[0]["prefix"], str) and all(isinstance(row, str) for row in rows[1:])
    except (ValueError, LookupError, TypeError):
        good = False
    if not good:
        raise JobFailure(
            f"ClientError: {what}: the manifest is not of the form "
            '[{"prefix": "s3://bucket/folder/"}, "file-1.csv", "file-2.csv"].'
        )
    return list(rows)


def _safe(relative: str, what: str, key: str) -> str:
    parts = [part for part in relative.split("/") if part]
    if not parts or any(part in (".", "..") or "\0" in part or "\\" in part for part in parts):
        raise JobFailure(
            f"ClientError: {what}: the key {key!r} cannot be a file in the job's folder (a part of it is empty, '.', "
            "'..', or holds NUL or a backslash). Rename the object, or narrow the prefix."
        )
    return "/".join(parts)


def download(
    objects: ObjectStore, found: Sequence[Source], folder: Path, what: str, *, shard: tuple[int, int] = (0, 1)
) -> list[Path]:
    """Copy objects into a folder.

    Args:
        objects: the S3 store.
        found: the objects.
        folder: where to; made where it is missing.
        what: whose data it is, for messages.
        shard: (index from 0, count): take every count-th object, as ShardedByS3Key gives them to instances.

    Returns:
        The files.

    Raises:
        JobFailure: an object is gone, or two keys cannot both be files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for source in found[shard[0] :: shard[1]]:
        target = folder / source.relative
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                raise FileExistsError(f"two keys become the file {source.relative!r}")
            shutil.copyfile(objects.path(source.bucket, source.key), target)
        except (OSError, ServiceError) as error:
            raise JobFailure(
                f"ClientError: Data download failed: {what}: s3://{source.bucket}/{source.key}: {error}"
            ) from error
        files.append(target)
    return files


class TreeUploader:
    """Uploads a folder's files below an S3 URI; again only those that changed.

    Args:
        objects: the S3 store.
        folder: the local folder.
        uri: S3 URI that relative paths are added to.
        what: whose output it is, for messages.
    """

    def __init__(self, objects: ObjectStore, folder: Path, uri: str, what: str) -> None:
        self._objects, self._folder, self._uri, self._what = objects, folder, uri, what
        self._sent: dict[Path, tuple[int, int]] = {}

    def upload(self) -> None:
        """Upload what is new or changed; symbolic links are left out, and what a running job takes away meanwhile.

        Raises:
            JobFailure: the store refuses one.
        """
        bucket, prefix = read_uri(self._uri, self._what)
        base = f"{prefix.rstrip('/')}/" if prefix else ""
        for path in sorted(Path(top, name) for top, _, names in os.walk(self._folder) for name in names):
            with contextlib.suppress(FileNotFoundError):
                found = path.lstat()
                stamp = (found.st_size, found.st_mtime_ns)
                if stat.S_ISREG(found.st_mode) and self._sent.get(path) != stamp:
                    self._put(bucket, base + path.relative_to(self._folder).as_posix(), path)
                    self._sent[path] = stamp

    def _put(self, bucket: str, key: str, path: Path) -> None:
        try:
            self._objects.put(bucket, key, path)
        except (ServiceError, OSError) as error:
            path.lstat()  # FileNotFoundError: it is gone, which is the job's affair
            raise JobFailure(f"ClientError: {self._what}: s3://{bucket}/{key} cannot be written: {error}") from error
