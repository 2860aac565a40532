"""Amazon S3 on the object store: requests of its API to calls of ``ObjectStore``.

Owns the API's shapes, ranges, conditions, listing pages and the reading of headers; the files are the store's. It plays
buckets, objects and multipart uploads. Versions, ACLs, policies, encryption, tags and the like are refused as unknown
operations; such headers on an upload are ignored.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast
from urllib.parse import quote, unquote

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.objects import ObjectInfo, ObjectStore
from mlflowsteps.local.records import Json
from mlflowsteps.local.services.protocols import RAW, STATUS

__all__ = ["S3"]

Params = dict[str, Json]

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_MOST_PER_PAGE = 1000
_WHOLE_READ = 1 << 20  # objects up to this size are handed out from memory: no file stays open behind them


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing: objects and common prefixes in key order, and where the next one begins."""

    objects: list[ObjectInfo]
    prefixes: list[str]
    last: str
    truncated: bool


class S3:
    """One method per operation of the API, named as boto3's.

    Args:
        store: the objects.
        region: region the buckets are said to be in.
        account_id: their owner.
    """

    def __init__(self, store: ObjectStore, *, region: str, account_id: str) -> None:
        self._store = store
        self._region = region
        self._owner = {"ID": account_id, "DisplayName": "mlflowsteps"}

    def create_bucket(self, params: Params) -> Params:
        """Make a bucket; one that exists is the caller's own, which is no error."""
        self._store.create_bucket(params["Bucket"])
        return {"Location": "/" + params["Bucket"]}

    def head_bucket(self, params: Params) -> Params:
        """Whether a bucket exists."""
        self._require(params)
        return {"BucketRegion": self._region}

    def delete_bucket(self, params: Params) -> Params:
        """Take an empty bucket away."""
        self._store.delete_bucket(params["Bucket"])
        return {STATUS: 204}

    def list_buckets(self, params: Params) -> Params:
        """Every bucket."""
        prefix = params.get("Prefix", "")
        found = [
            {"Name": name, "CreationDate": made}
            for name, made in self._store.list_buckets()
            if name.startswith(prefix) and name > params.get("ContinuationToken", "")
        ]
        most = params.get("MaxBuckets", len(found))
        token = {"ContinuationToken": found[most - 1]["Name"]} if len(found) > most > 0 else {}
        return {"Buckets": found[:most], "Owner": self._owner, **token}

    def get_bucket_location(self, params: Params) -> Params:
        """The bucket's region; empty for us-east-1, as S3 has it."""
        self._require(params)
        region = "" if self._region == "us-east-1" else self._region
        return {RAW: f"<LocationConstraint>{region}</LocationConstraint>".encode()}

    def _require(self, params: Params) -> None:
        if not self._store.has_bucket(params["Bucket"]):
            raise ServiceError("NoSuchBucket", f"The bucket {params['Bucket']!r} does not exist.", 404)

    def put_object(self, params: Params) -> Params:
        """Write an object."""
        self._check_write_conditions(params)
        source = _checked(params)
        info = self._store.put(
            params["Bucket"],
            params["Key"],
            source,
            content_type=params.get("ContentType"),
            metadata=params.get("Metadata"),
        )
        return {"ETag": _quoted(info), "ServerSideEncryption": "AES256"} | _checksum_of(params)

    def _check_write_conditions(self, params: Params) -> None:
        if "IfMatch" not in params and "IfNoneMatch" not in params:
            return
        try:
            found: ObjectInfo | None = self._store.head(params["Bucket"], params["Key"])
        except ServiceError as error:
            if error.code != "NoSuchKey" or "IfMatch" in params:
                raise
            found = None
        if found and ("IfNoneMatch" in params or not _matches(params["IfMatch"], found)):
            raise _precondition_failed(params["Key"])

    def get_object(self, params: Params) -> Params:
        """An object's data, or a range of it."""
        info, stream = self._store.read(params["Bucket"], params["Key"])
        try:
            _check_read_conditions(params, info)
            start, length = _range(params, info.size)
            stream.seek(start)
            body = stream if length > _WHOLE_READ else io.BytesIO(stream.read(length))
        except BaseException:
            stream.close()
            raise
        if body is not stream:
            stream.close()
        return _range_headers(params, info, start, length) | _headers(info) | {"Body": body, "ContentLength": length}

    def head_object(self, params: Params) -> Params:
        """What is known of an object."""
        info = self._store.head(params["Bucket"], params["Key"])
        _check_read_conditions(params, info)
        start, length = _range(params, info.size)
        return _range_headers(params, info, start, length) | _headers(info) | {"ContentLength": length}

    def delete_object(self, params: Params) -> Params:
        """Take an object away; none there is no error."""
        self._store.delete(params["Bucket"], params["Key"])
        return {STATUS: 204}

    def delete_objects(self, params: Params) -> Params:
        """Take up to 1,000 objects away."""
        self._require(params)
        deleted, errors = [], []
        for entry in params["Delete"].get("Objects", []):
            try:
                self._store.delete(params["Bucket"], entry["Key"])
                deleted.append({"Key": entry["Key"]})
            except ServiceError as error:
                errors.append({"Key": entry["Key"], "Code": error.code, "Message": error.message})
        return {"Deleted": [] if params["Delete"].get("Quiet") else deleted, "Errors": errors}

    def copy_object(self, params: Params) -> Params:
        """Copy an object; metadata is the source's unless MetadataDirective is REPLACE."""
        source = _copy_source(params["CopySource"])
        _check_copy_conditions(params, self._store.head(*source))
        replace = params.get("MetadataDirective") == "REPLACE"
        info = self._store.copy(
            source,
            params["Bucket"],
            params["Key"],
            content_type=params.get("ContentType") if replace else None,
            metadata=params.get("Metadata", {}) if replace else None,
        )
        return {"CopyObjectResult": {"ETag": _quoted(info), "LastModified": info.modified}}

    def list_objects_v2(self, params: Params) -> Params:
        """A page of objects; ContinuationToken and StartAfter begin it."""
        token = params.get("ContinuationToken")
        after = _decode_token(token) if token else params.get("StartAfter", "")
        page = self._page(params, after)
        answer = _listing(params, page) | {"KeyCount": len(page.objects) + len(page.prefixes)}
        if page.truncated:
            answer["NextContinuationToken"] = _encode_token(page.last)
        for name in ("ContinuationToken", "StartAfter"):
            if name in params:
                answer[name] = params[name]
        return answer

    def list_objects(self, params: Params) -> Params:
        """A page of objects; Marker begins it."""
        page = self._page(params, params.get("Marker", ""))
        answer = _listing(params, page) | {"Marker": _encoded(params, params.get("Marker", ""))}
        if page.truncated:
            answer["NextMarker"] = _encoded(params, page.last)
        for entry in answer["Contents"]:
            entry["Owner"] = self._owner
        return answer

    def _page(self, params: Params, after: str) -> Page:
        prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter", "")
        most = min(params.get("MaxKeys", _MOST_PER_PAGE), _MOST_PER_PAGE)
        page = Page([], [], "", truncated=False)
        last = ""
        for entry in self._entries(params["Bucket"], prefix, delimiter, after):
            if len(page.objects) + len(page.prefixes) >= most:
                return Page(page.objects, page.prefixes, last, truncated=most > 0)
            if isinstance(entry, str):
                page.prefixes.append(entry)
                last = entry
            else:
                page.objects.append(entry)
                last = entry.key
        return page

    def _entries(self, bucket: str, prefix: str, delimiter: str, after: str) -> Iterator[ObjectInfo | str]:
        """Objects, and in place of those below a common prefix that prefix, whose keys are passed over unread."""
        start: bytes = after.encode()
        if delimiter and after.endswith(delimiter) and after.startswith(prefix) and after != prefix:
            start += b"\xff"  # above every key that begins with the common prefix given last
        while True:
            for info in self._store.list(bucket, prefix, start):
                common = _common_prefix(info.key, prefix, delimiter)
                if common is not None:
                    yield common
                    start = common.encode() + b"\xff"
                    break
                yield info
            else:
                return

    def create_multipart_upload(self, params: Params) -> Params:
        """Begin a multipart upload."""
        upload = self._store.uploads.create(
            params["Bucket"], params["Key"], content_type=params.get("ContentType"), metadata=params.get("Metadata")
        )
        return {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}

    def upload_part(self, params: Params) -> Params:
        """Store a part."""
        part = self._store.uploads.put_part(*_upload_of(params), params["PartNumber"], _checked(params))
        return {"ETag": f'"{part.etag}"', "ServerSideEncryption": "AES256"}

    def upload_part_copy(self, params: Params) -> Params:
        """Store a part, copied from an object."""
        info, stream = self._store.read(*_copy_source(params["CopySource"]))
        with stream:
            start, length = _range(
                {"Range": params["CopySourceRange"]} if "CopySourceRange" in params else {}, info.size
            )
            stream.seek(start)
            source = cast("BinaryIO", _Limited(stream, length))
            part = self._store.uploads.put_part(*_upload_of(params), params["PartNumber"], source)
        return {"CopyPartResult": {"ETag": f'"{part.etag}"', "LastModified": part.modified}}

    def complete_multipart_upload(self, params: Params) -> Params:
        """Make the object of its parts."""
        self._check_write_conditions(params)
        parts = params.get("MultipartUpload", {}).get("Parts", [])
        wanted = [(part["PartNumber"], part["ETag"]) for part in parts]
        info = self._store.uploads.complete(*_upload_of(params), wanted)
        place = {"Bucket": params["Bucket"], "Key": params["Key"]}
        return place | {"Location": f"/{params['Bucket']}/{quote(params['Key'])}", "ETag": _quoted(info)}

    def abort_multipart_upload(self, params: Params) -> Params:
        """Drop an upload and its parts."""
        self._store.uploads.abort(*_upload_of(params))
        return {STATUS: 204}

    def list_parts(self, params: Params) -> Params:
        """The parts of an upload."""
        after, most = int(params.get("PartNumberMarker") or 0), params.get("MaxParts", _MOST_PER_PAGE)
        parts = [part for part in self._store.uploads.parts(*_upload_of(params)) if part.number > after]
        page = parts[:most]
        return {name: params[name] for name in ("Bucket", "Key", "UploadId")} | {
            "PartNumberMarker": after,
            "NextPartNumberMarker": page[-1].number if page else 0,
            "MaxParts": most,
            "IsTruncated": len(parts) > len(page),
            "Parts": [
                {"PartNumber": p.number, "Size": p.size, "ETag": f'"{p.etag}"', "LastModified": p.modified}
                for p in page
            ],
        }

    def list_multipart_uploads(self, params: Params) -> Params:
        """The uploads under way in a bucket, all on one page."""
        prefix = params.get("Prefix", "")
        found = [upload for upload in self._store.uploads.list(params["Bucket"]) if upload.key.startswith(prefix)]
        return {
            "Bucket": params["Bucket"],
            "MaxUploads": max(len(found), _MOST_PER_PAGE),
            "IsTruncated": False,
            "Uploads": [
                {"UploadId": u.upload_id, "Key": _encoded(params, u.key), "Initiated": u.started, "Owner": self._owner}
                for u in found
            ],
        } | _echo(params, ("EncodingType",))


class _Limited(io.RawIOBase):
    """At most so many bytes of a stream."""

    def __init__(self, source: BinaryIO, length: int) -> None:
        self._source, self._left = source, length

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


class _Checked(io.RawIOBase):
    """A stream that raises at its end where its data does not fit the checksums given with it."""

    def __init__(self, source: BinaryIO, *, md5: str | None, crc32: str | None) -> None:
        self._source, self._wanted = source, (md5, crc32)
        self._md5, self._crc32 = hashlib.md5(usedforsecurity=False), 0

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._md5.update(data)
        self._crc32 = zlib.crc32(data, self._crc32)
        if not data or size < 0:
            self._compare()
        return data

    def _compare(self) -> None:
        found = (self._md5.digest(), self._crc32.to_bytes(4, "big"))
        for name, wanted, digest in zip(("Content-MD5", "CRC32"), self._wanted, found, strict=True):
            if wanted is not None and base64.b64encode(digest).decode() != wanted:
                raise ServiceError("BadDigest", f"The {name} that was given does not fit the data.")


def _checked(params: Params) -> BinaryIO:
    """The body to store, which is checked as it is read where checksums were given."""
    body: BinaryIO = params.get("Body") or io.BytesIO()
    md5, crc32 = params.get("ContentMD5"), params.get("ChecksumCRC32")
    return body if md5 is None and crc32 is None else cast("BinaryIO", _Checked(body, md5=md5, crc32=crc32))


def _checksum_of(params: Params) -> Params:
    return {"ChecksumType": "FULL_OBJECT"} | _echo(params, ("ChecksumCRC32",)) if "ChecksumCRC32" in params else {}


def _upload_of(params: Params) -> tuple[str, str, str]:
    return params["Bucket"], params["Key"], params["UploadId"]


def _quoted(info: ObjectInfo) -> str:
    return f'"{info.etag}"'


def _headers(info: ObjectInfo) -> Params:
    return {
        "AcceptRanges": "bytes",
        "LastModified": info.modified,
        "ETag": _quoted(info),
        "ContentType": info.content_type,
        "Metadata": dict(info.metadata),
        "ServerSideEncryption": "AES256",
    }


def _matches(wanted: str, info: ObjectInfo) -> bool:
    return wanted.strip() == "*" or info.etag in [part.strip().strip('"') for part in wanted.split(",")]


def _precondition_failed(key: str) -> ServiceError:
    return ServiceError("PreconditionFailed", f"A condition of the request does not hold for {key!r}.", 412)


def _check_read_conditions(params: Params, info: ObjectInfo) -> None:
    if "IfMatch" in params and not _matches(params["IfMatch"], info):
        raise _precondition_failed(info.key)
    if "IfNoneMatch" in params and _matches(params["IfNoneMatch"], info):
        raise ServiceError("NotModified", "Not Modified", 304)


def _check_copy_conditions(params: Params, info: ObjectInfo) -> None:
    wanted, unwanted = params.get("CopySourceIfMatch"), params.get("CopySourceIfNoneMatch")
    if (wanted and not _matches(wanted, info)) or (unwanted and _matches(unwanted, info)):
        raise _precondition_failed(info.key)


def _range(params: Mapping[str, Json], size: int) -> tuple[int, int]:
    """Start and length of what a Range header asks for; a header that is none of one range is ignored, as S3 does."""
    match = _RANGE.fullmatch(params.get("Range", ""))
    if not match or match[0] == "bytes=-":
        return 0, size
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
        satisfiable = int(last) > 0 and size > 0
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        satisfiable = start < size and start < end
    if not satisfiable:
        raise ServiceError("InvalidRange", f"The range {params['Range']} is not within the object's {size} bytes.", 416)
    return start, end - start


def _range_headers(params: Params, info: ObjectInfo, start: int, length: int) -> Params:
    asked = params.get("Range", "")
    if not _RANGE.fullmatch(asked) or asked == "bytes=-":
        return {}
    return {"ContentRange": f"bytes {start}-{start + length - 1}/{info.size}", STATUS: 206}


def _copy_source(text: str) -> tuple[str, str]:
    path = unquote(text.partition("?")[0], errors="strict").removeprefix("/")
    bucket, slash, key = path.partition("/")
    if not slash:
        raise ServiceError("InvalidArgument", f"CopySource {text!r} is no bucket/key.")
    return bucket, key


def _common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    if not delimiter:
        return None
    at = key.find(delimiter, len(prefix))
    return None if at < 0 else key[: at + len(delimiter)]


def _echo(params: Params, names: tuple[str, ...]) -> Params:
    return {name: params[name] for name in names if name in params}


def _encoded(params: Params, text: str) -> str:
    return quote(text, safe="/*-._~") if params.get("EncodingType") == "url" else text


def _listing(params: Params, page: Page) -> Params:
    return {
        "Name": params["Bucket"],
        "Prefix": _encoded(params, params.get("Prefix", "")),
        "MaxKeys": params.get("MaxKeys", _MOST_PER_PAGE),
        "IsTruncated": page.truncated,
        "Contents": [
            {
                "Key": _encoded(params, info.key),
                "LastModified": info.modified,
                "ETag": _quoted(info),
                "Size": info.size,
                "StorageClass": "STANDARD",
            }
            for info in page.objects
        ],
        "CommonPrefixes": [{"Prefix": _encoded(params, prefix)} for prefix in page.prefixes],
        **({"Delimiter": _encoded(params, params["Delimiter"])} if params.get("Delimiter") else {}),
        **_echo(params, ("EncodingType",)),
    }


def _encode_token(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def _decode_token(token: str) -> str:
    with contextlib.suppress(ValueError):
        return base64.urlsafe_b64decode(token).decode()
    raise ServiceError("InvalidArgument", f"The continuation token {token!r} was not given out by this store.")
