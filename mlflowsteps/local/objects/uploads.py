"""Multipart uploads: parts are files in ``.uploads/<id>/`` until they are completed into an object or aborted.

They outlive the process, as those of S3 do. Owns that folder; the object itself is made by the store's ``commit``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.objects.files import Files, ObjectInfo, Source, Written, check_key
from mlflowsteps.local.objects.index import Headers

__all__ = ["PartInfo", "Upload", "Uploads"]

_MOST_PARTS = 10_000
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload under way: what the object will be called and carry."""

    upload_id: str
    bucket: str
    key: str
    started: float
    content_type: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PartInfo:
    """One part of an upload; ``etag`` is the MD5 of its data, ``modified`` is in seconds since 1970."""

    number: int
    size: int
    etag: str
    modified: float


class Uploads:
    """The multipart uploads of a store.

    Args:
        files: the store's folder.
        commit: makes written data an object.
    """

    def __init__(self, files: Files, commit: Callable[[str, str, Written, Headers], ObjectInfo]) -> None:
        self._files = files
        self._commit = commit
        self._folder = files.folder / ".uploads"

    def create(
        self, bucket: str, key: str, *, content_type: str | None = None, metadata: Mapping[str, str] | None = None
    ) -> Upload:
        """Begin an upload."""
        self._files.check_writable()
        self._files.bucket(bucket)
        check_key(key)
        upload = Upload(uuid.uuid4().hex, bucket, key, time.time(), content_type or "", dict(metadata or {}))
        folder = self._folder / upload.upload_id
        folder.mkdir(parents=True)
        (folder / "upload.json").write_text(json.dumps({name: getattr(upload, name) for name in Upload.__slots__}))
        return upload

    def get(self, bucket: str, key: str, upload_id: str) -> Upload:
        """The upload of this id; ``NoSuchUpload`` where it was never begun, was completed or aborted."""
        try:
            if len(upload_id) == 32 and upload_id.isalnum():
                upload = Upload(**json.loads((self._folder / upload_id / "upload.json").read_text()))
                if (upload.bucket, upload.key) == (bucket, key):
                    return upload
        except FileNotFoundError:
            pass
        raise ServiceError(
            "NoSuchUpload",
            f"The upload {upload_id!r} of {key!r} in bucket {bucket!r} does not exist; it may have been aborted or "
            "completed.",
            404,
        )

    def list(self, bucket: str) -> Sequence[Upload]:
        """The uploads under way in a bucket, by key, then time."""
        self._files.bucket(bucket)
        found = []
        for path in self._folder.glob("*/upload.json"):
            upload = Upload(**json.loads(path.read_text()))
            if upload.bucket == bucket:
                found.append(upload)
        return sorted(found, key=lambda upload: (upload.key.encode(), upload.started))

    def put_part(self, bucket: str, key: str, upload_id: str, number: int, source: Source) -> PartInfo:
        """Store a part, in place of one of the same number.

        Args:
            bucket: the upload's bucket.
            key: the upload's key.
            upload_id: from ``create``.
            number: 1 to 10,000.
            source: the data.
        """
        self.get(bucket, key, upload_id)
        if not 1 <= number <= _MOST_PARTS:
            raise ServiceError("InvalidArgument", f"Part number {number} is not between 1 and {_MOST_PARTS}.")
        written = self._files.write(source)
        folder = self._folder / upload_id
        with self._files.lock:
            for old in folder.glob(f"{number:05d}-*"):
                old.unlink()
            try:
                written.path.replace(folder / f"{number:05d}-{written.md5}")
            except FileNotFoundError:  # aborted meanwhile
                written.path.unlink(missing_ok=True)
                self.get(bucket, key, upload_id)
                raise
        return PartInfo(number, written.size, written.md5, time.time())

    def parts(self, bucket: str, key: str, upload_id: str) -> Sequence[PartInfo]:
        """The parts stored so far, by number."""
        self.get(bucket, key, upload_id)
        return [_part(path) for path in sorted((self._folder / upload_id).glob("?????-*"))]

    def complete(self, bucket: str, key: str, upload_id: str, wanted: Sequence[tuple[int, str]]) -> ObjectInfo:
        """Make the object of the parts named, in the order of their numbers.

        Args:
            bucket: the upload's bucket.
            key: the upload's key.
            upload_id: from ``create``.
            wanted: (number, ETag) of each part, numbers ascending.

        Raises:
            ServiceError: ``InvalidPart``, ``InvalidPartOrder``, ``NoSuchUpload``.
        """
        upload = self.get(bucket, key, upload_id)
        numbers = [number for number, _ in wanted]
        if not numbers or numbers != sorted(set(numbers)):
            raise ServiceError("InvalidPartOrder", f"Parts must be named in ascending order, each once, not {numbers}.")
        paths = [self._named_part(upload_id, number, etag) for number, etag in wanted]
        digest = hashlib.md5(b"".join(bytes.fromhex(path.name[6:]) for path in paths), usedforsecurity=False)
        written = self._join(paths)
        headers = (f"{digest.hexdigest()}-{len(paths)}", upload.content_type, dict(upload.metadata))
        info = self._commit(bucket, key, written, headers)
        self._drop(upload_id)
        return info

    def _named_part(self, upload_id: str, number: int, etag: str) -> Path:
        md5 = etag.strip('"')
        path = self._folder / upload_id / f"{number:05d}-{md5}"
        if not md5.isalnum() or not path.is_file():
            raise ServiceError("InvalidPart", f"Part {number} with ETag {etag} was not uploaded.")
        return path

    def _join(self, paths: Sequence[Path]) -> Written:
        joined = self._files.write(b"")
        try:
            with joined.path.open("ab", buffering=0) as target:
                for path in paths:
                    with path.open("rb") as part:
                        shutil.copyfileobj(part, target, _CHUNK)
        except BaseException:
            joined.path.unlink(missing_ok=True)
            raise
        return joined

    def abort(self, bucket: str, key: str, upload_id: str) -> None:
        """Drop an upload and its parts."""
        self._files.check_writable()
        self.get(bucket, key, upload_id)
        self._drop(upload_id)

    def _drop(self, upload_id: str) -> None:
        folder = self._folder / upload_id
        with self._files.lock:
            (folder / "upload.json").unlink(missing_ok=True)  # first: from here on there is no such upload
            shutil.rmtree(folder)


def _part(path: Path) -> PartInfo:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ServiceError("InternalError", f"{path} is no plain file.", 500)
    return PartInfo(int(path.name[:5]), found.st_size, path.name[6:], found.st_mtime)
