"""Objects as files: put, read, copy, delete, list. Whole or not at all: each object is written aside and then renamed.

Owns the folder ``s3/``: ``<bucket>/<key>`` (see ``names`` for keys that no file can have), ``.index.sqlite``,
``.partial/`` (being written) and ``.uploads/`` (parts of multipart uploads). It refuses to read or write outside of it:
names never leave the bucket's folder and symbolic links are not followed. Data is not synced to the disk before a call
returns: it survives the death of the process, not that of the machine.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.objects.files import BUCKET, Files, ObjectInfo, Source, Written, check_key, has_mode
from mlflowsteps.local.objects.index import Headers, Index
from mlflowsteps.local.objects.names import ESCAPED, KEY_SUFFIX
from mlflowsteps.local.objects.uploads import Uploads

__all__ = ["ObjectStore"]

_DEFAULT_TYPE = "binary/octet-stream"


class ObjectStore:
    """Buckets and objects in a folder; safe to use from several threads of one process.

    Args:
        folder: the folder, made where it is missing; usually ``<root>/s3``.
        read_only: list and read only; nothing is made or changed.

    Every method raises ServiceError: ``NoSuchBucket``, ``NoSuchKey``, ``AccessDenied`` (read only),
    ``KeyTooLongError``, ``InvalidBucketName``, ``BucketNotEmpty``.
    """

    def __init__(self, folder: Path | str, *, read_only: bool = False) -> None:
        self.folder = Path(folder).absolute()
        self._files = Files(self.folder, read_only=read_only)
        self._index = Index(self.folder / ".index.sqlite", read_only=read_only)
        self.uploads = Uploads(self._files, self._commit)

    def close(self) -> None:
        """Let the index go; the files stay."""
        self._index.close()

    def create_bucket(self, bucket: str) -> None:
        """Make a bucket; nothing happens where it exists.

        Args:
            bucket: 3 to 63 lower-case letters, digits, dots and hyphens.
        """
        self._files.check_writable()
        if not BUCKET.fullmatch(bucket):
            raise ServiceError(
                "InvalidBucketName",
                f"The bucket name {bucket!r} is not valid: 3 to 63 lower-case letters, digits, '.' and '-', a letter "
                "or digit at both ends.",
            )
        with self._files.lock:
            (self.folder / bucket).mkdir(exist_ok=True)

    def delete_bucket(self, bucket: str) -> None:
        """Take away an empty bucket; files in it that are no objects (links, pipes) are not taken away."""
        self._files.check_writable()
        with self._files.lock:
            folder = self._files.bucket(bucket)
            first = next(self.list(bucket), None)
            if first is not None:
                raise ServiceError("BucketNotEmpty", f"The bucket {bucket!r} holds {first.key!r}.", 409)
            for where, _, _ in os.walk(folder, topdown=False, followlinks=False):
                try:
                    Path(where).rmdir()
                except OSError as error:
                    text = f"The bucket {bucket!r} holds what is no object; take it away by hand: {where} ({error})."
                    raise ServiceError("BucketNotEmpty", text, 409) from error
            self._index.forget_bucket(bucket)

    def list_buckets(self) -> list[tuple[str, float]]:
        """(name, time of making in seconds since 1970) of every bucket, by name."""
        if not self.folder.is_dir():
            return []
        return sorted((path.name, path.stat().st_mtime) for path in self.folder.iterdir() if self.has_bucket(path.name))

    def has_bucket(self, bucket: str) -> bool:
        """True where the bucket exists."""
        return bool(BUCKET.fullmatch(bucket)) and has_mode(self.folder / bucket, stat.S_ISDIR)

    def put(
        self,
        bucket: str,
        key: str,
        source: Source,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Write an object, in place of one of the same key; readers see the old or the new one, never a part.

        Args:
            bucket: a bucket that exists.
            key: 1 to 1,024 bytes of UTF-8; any.
            source: the data: bytes, a binary file read to its end, or the path of a file.
            content_type: MIME type; ``binary/octet-stream``, as in S3, where None.
            metadata: the user's own headers.
        """
        self._files.bucket(bucket)
        check_key(key)
        written = self._files.write(source)
        return self._commit(bucket, key, written, (written.md5, content_type or "", dict(metadata or {})))

    def _commit(self, bucket: str, key: str, written: Written, headers: Headers) -> ObjectInfo:
        """Give written data its name: the one place where objects come to be."""
        headers = (headers[0], headers[1] or _DEFAULT_TYPE, {k.lower(): v for k, v in headers[2].items()})
        stamp = time.time_ns()
        try:
            os.utime(written.path, ns=(stamp, stamp))
            found = written.path.stat()  # what the file system made of the time
            with self._files.lock:
                target = self._files.place(self._files.bucket(bucket), key)
                self._index.put(bucket, key, found.st_size, found.st_mtime_ns, headers)
                written.path.replace(target)
                self._files.walker.forget(target.parent)
                self._index.forget(bucket, key, but=(found.st_size, found.st_mtime_ns))
        finally:
            written.path.unlink(missing_ok=True)
        return ObjectInfo(key, found.st_size, headers[0], found.st_mtime_ns / 1e9, headers[1], headers[2])

    def path(self, bucket: str, key: str) -> Path:
        """The file that holds an object: to read, not to write."""
        return self._files.find(bucket, key)

    def open(self, bucket: str, key: str) -> BinaryIO:
        """The object's data, opened to read; it stays what it is though the key is overwritten or deleted."""
        return self.read(bucket, key)[1]

    def read(self, bucket: str, key: str) -> tuple[ObjectInfo, BinaryIO]:
        """What ``head`` and ``open`` give, of one and the same version."""
        with self._files.lock:
            path = self._files.find(bucket, key)
            stream = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")
            return self._info(bucket, key, os.fstat(stream.fileno())), stream

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """What is known of an object."""
        with self._files.lock:
            return self._info(bucket, key, self._files.find(bucket, key).stat())

    def _info(self, bucket: str, key: str, found: os.stat_result) -> ObjectInfo:
        size, changed = found.st_size, found.st_mtime_ns
        headers = self._index.get(bucket, key, size, changed) or _own_headers(key, size, changed)
        return ObjectInfo(key, size, headers[0], changed / 1e9, headers[1], headers[2])

    def delete(self, bucket: str, key: str) -> None:
        """Take an object away, with the folders it leaves empty; nothing happens where there is none."""
        self._files.check_writable()
        with self._files.lock:
            folder = self._files.bucket(bucket)
            try:
                path = self._files.find(bucket, key)
            except ServiceError as error:
                if error.code == "NoSuchKey":
                    return
                raise
            path.unlink()
            if path.parent == folder / ESCAPED:
                path.with_name(path.name + KEY_SUFFIX).unlink(missing_ok=True)
            self._index.forget(bucket, key)
            self._files.walker.forget(path.parent)
            _prune(path.parent, folder)

    def copy(
        self,
        source: tuple[str, str],
        bucket: str,
        key: str,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Copy an object.

        Args:
            source: (bucket, key) of the one to copy.
            bucket: where to.
            key: where to; may be the source's own.
            content_type: the source's where None.
            metadata: the source's where None.
        """
        info, stream = self.read(*source)
        with stream:
            return self.put(
                bucket,
                key,
                stream,
                content_type=content_type or info.content_type,
                metadata=info.metadata if metadata is None else metadata,
            )

    def list(self, bucket: str, prefix: str = "", start_after: str | bytes = "") -> Iterator[ObjectInfo]:
        """The bucket's objects, ascending by the UTF-8 bytes of their keys; linear in what is read of it.

        Args:
            bucket: a bucket that exists.
            prefix: only keys that begin so; a plain prefix of text, not a folder.
            start_after: only keys above this one; bytes may stand for a key that no text can be.
        """
        folder = self._files.bucket(bucket)
        after = start_after.encode() if isinstance(start_after, str) else start_after
        return self._infos(bucket, self._files.walker.keys(folder, prefix, after))

    def _infos(self, bucket: str, keys: Iterator[tuple[str, Path]]) -> Iterator[ObjectInfo]:
        for key, path in keys:
            try:
                with self._files.lock:
                    info = self._info(bucket, key, path.stat(follow_symlinks=False))
            except FileNotFoundError:  # deleted since the folder was read
                continue
            yield info


def _guess_type(key: str) -> str:
    return mimetypes.guess_type(key.rsplit("/", 1)[-1])[0] or _DEFAULT_TYPE


def _own_headers(key: str, size: int, mtime_ns: int) -> Headers:
    digest = hashlib.md5(f"{size} {mtime_ns}".encode(), usedforsecurity=False).hexdigest()
    return f"{digest}-1", _guess_type(key), {}


def _prune(folder: Path, top: Path) -> None:
    while folder != top:
        try:
            folder.rmdir()
        except OSError:  # not empty
            return
        folder = folder.parent
