"""The store's folder: its buckets, the file of a key, and data written aside before it becomes an object.

Shared by the store and its multipart uploads; the rules of names are in ``names``.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import stat
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.objects.names import ESCAPED, KEY_LIMIT, KEY_SUFFIX, escaped_name, fold, plain_parts
from mlflowsteps.local.objects.walk import Walker

__all__ = ["BUCKET", "Files", "ObjectInfo", "Source", "Written", "check_key", "has_mode"]

Source = bytes | BinaryIO | Path
"""What an object's data is taken from; a file object is read from where it stands to its end."""

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object without reading it.

    Args:
        key: its key.
        size: bytes.
        etag: entity tag, without quotes: MD5 of the data, or an opaque value with ``-`` in it.
        modified: when it was written, seconds since 1970.
        content_type: MIME type.
        metadata: the user's own, names in lower case.
    """

    key: str
    size: int
    etag: str
    modified: float
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)


class Written(NamedTuple):
    """Data written aside, not yet an object."""

    path: Path
    size: int
    md5: str


class Files:
    """The store's folder: temporary files, buckets and where a key lies. What ``ObjectStore`` and uploads share."""

    def __init__(self, folder: Path, *, read_only: bool) -> None:
        self.folder = folder
        self.read_only = read_only
        self.partial = folder / ".partial"
        self.walker = Walker()
        self.lock = threading.RLock()
        self.folds_case = (folder / "S3").exists() if folder.name == "s3" else False
        if read_only:
            return
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.partial, ignore_errors=True)  # what a killed process left half written
        self.partial.mkdir(exist_ok=True)
        probe = self.partial / "case"
        probe.touch()
        self.folds_case = (self.partial / "CASE").exists()
        probe.unlink()

    def check_writable(self) -> None:
        """Refuse changes where the runtime was opened to read."""
        if self.read_only:
            raise ServiceError("AccessDenied", "This runtime was opened with read_only=True; S3 can only be read.", 403)

    def write(self, source: Source) -> Written:
        """Copy data to a file aside; MD5 and size are taken on the way."""
        self.check_writable()
        if isinstance(source, Path):
            with source.open("rb") as opened:
                return self.write(opened)
        stream: BinaryIO = io.BytesIO(source) if isinstance(source, bytes | bytearray | memoryview) else source
        path = self.partial / uuid.uuid4().hex
        digest, size = hashlib.md5(usedforsecurity=False), 0
        try:
            with path.open("xb", buffering=0) as target:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    target.write(chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Written(path, size, digest.hexdigest())

    def bucket(self, name: str) -> Path:
        """Folder of a bucket that exists."""
        path = self.folder / name
        if not BUCKET.fullmatch(name) or not has_mode(path, stat.S_ISDIR):
            raise ServiceError(
                "NoSuchBucket",
                f"The bucket {name!r} does not exist in this runtime. Make it with "
                f'runtime.client("s3").create_bucket(Bucket={name!r}).',
                404,
            )
        return path

    def find(self, bucket: str, key: str) -> Path:
        """The file that holds an object."""
        folder = self.bucket(bucket)
        check_key(key)
        escaped = folder / ESCAPED / escaped_name(key)
        if has_mode(escaped, stat.S_ISREG):
            return escaped
        parts = plain_parts(key, len(os.fsencode(folder)))
        if parts and self._reachable(folder, parts[:-1]) and has_mode(folder.joinpath(*parts), stat.S_ISREG):
            return folder.joinpath(*parts)
        raise ServiceError(
            "NoSuchKey", f"The key {key!r} does not exist in bucket {bucket!r} of this runtime ({folder}).", 404
        )

    def _reachable(self, folder: Path, parents: tuple[str, ...]) -> bool:
        for name in parents:
            folder = folder / name
            if not has_mode(folder, stat.S_ISDIR):
                return False
        return True

    def place(self, folder: Path, key: str) -> Path:
        """Where a key's data is to be written, its folder made; held under ``lock`` until it is there."""
        escaped = folder / ESCAPED / escaped_name(key)
        parts = plain_parts(key, len(os.fsencode(folder)))
        if parts and not escaped.exists() and self._make_parents(folder, parts):
            return folder.joinpath(*parts)
        escaped.parent.mkdir(exist_ok=True)
        name = escaped.with_name(escaped.name + KEY_SUFFIX)
        if not name.exists():
            aside = self.write(key.encode())
            aside.path.replace(name)
        return escaped

    def _make_parents(self, folder: Path, parts: tuple[str, ...]) -> bool:
        for depth, name in enumerate(parts):
            path = folder / name
            if self.folds_case and _clashes(folder, name):
                return False
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                if depth < len(parts) - 1:
                    path.mkdir()
                folder = path
                continue
            except OSError:  # a name this file system does not take
                return False
            if not (stat.S_ISREG(mode) if depth == len(parts) - 1 else stat.S_ISDIR(mode)):
                return False
            folder = path
        return True


def check_key(key: str) -> None:
    """Refuse what is no key: empty, no Unicode text, more than 1,024 bytes."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise ServiceError("InvalidArgument", f"The key {key!r} is no Unicode text: {error}.") from error
    if size > KEY_LIMIT:
        raise ServiceError("KeyTooLongError", f"The key has {size} bytes; at most {KEY_LIMIT} are allowed: {key!r}.")
    if not key:
        raise ServiceError("InvalidArgument", "The key is empty; a key has at least one character.")


def has_mode(path: Path, kind: Callable[[int], bool]) -> bool:
    """Whether there is something of this kind (``stat.S_ISREG``, ...) here; links are not followed."""
    try:
        return kind(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _clashes(folder: Path, name: str) -> bool:
    wanted = fold(name)
    try:
        return any(entry != name and fold(entry) == wanted for entry in os.listdir(folder))  # noqa: PTH208 -- names are wanted
    except FileNotFoundError:
        return False
