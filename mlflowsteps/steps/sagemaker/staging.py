"""Files that a request needs in S3: planned while a workflow is written, carried out when it is created.

SageMaker's SDKs upload source code while they make a request. Here the upload becomes a plan: the file is kept, and its
key is made of its content, so that the same code gives the same definition. It owns the plan and its keys; it makes no
AWS call of its own: who creates the workflow hands in an S3 client.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tarfile
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlflowsteps.exceptions import DefinitionError, Diagnostic
from mlflowsteps.inputs.syntax import TOKEN, Json
from mlflowsteps.steps.chain import Chain
from mlflowsteps.steps.compile import Renderable, reachable
from mlflowsteps.steps.graphs import FrozenGraph, Graph
from mlflowsteps.steps.sagemaker.variables import is_variable

__all__ = ["JOB_NAME", "Request", "Stage", "Upload", "all_states", "carry_out", "missing_file", "uploads_of"]

JOB_NAME = "mlflowsteps-job-name"
"""What the SDKs are told the job's name is; the step's own takes its place in what they make of it."""

_FOLDER = "mlflowsteps"
_TIMED = re.compile(r"-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d(-\d{3})?$|-\d{14}$|(^|-)\d{10}(-[0-9a-f]{4})?$")
"""The last part of a name that an SDK made up: a time."""
_URI = re.compile(r"s3://[^\s\"'\\,]+")
_END = r"(?:\Z|[\s\"'\\,])"
"""What may come after a place in a text."""
_BLOCK = 1 << 20
_CACHE = "__pycache__"
"""What Python makes of sources beside them, which differs from machine to machine: it does not count."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file that must be in S3 before the workflow runs.

    Args:
        uri: ``s3://bucket/key`` it goes to; the key holds the hash of the content.
        file: copy of the file, made when the step was built.
        extra: further arguments of the upload, such as its encryption.
    """

    uri: str
    file: Path
    extra: tuple[tuple[str, Any], ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        """Bucket and key."""
        bucket, _, key = self.uri.removeprefix("s3://").partition("/")
        return bucket, key


class Request(dict[str, Any]):
    """A request, with the files that it needs in S3.

    Args:
        request: the request.
        uploads: the files.
        complete: True: an SDK made it, so that nothing may be missing in it.
    """

    def __init__(
        self, request: Mapping[str, Json] | None = None, uploads: Iterable[Upload] = (), *, complete: bool = False
    ) -> None:
        super().__init__(request or {})
        self.uploads, self.complete = tuple(uploads), complete


@dataclass(slots=True)
class _Found:
    file: Path
    digest: str
    extra: dict[str, Any] = field(default_factory=dict)


class Stage:
    """Takes the uploads of one request, and puts their final places into it.

    Args:
        told: names in paths that the user has given: they stay, also where they end in a time.
    """

    def __init__(self, told: AbstractSet[str] = frozenset()) -> None:
        self._told = told
        self._found: dict[str, _Found] = {}
        self._folders: set[str] = set()

    def add(self, bucket: str, key: str, file: Path, extra: Mapping[str, Any] | None = None) -> None:
        """Plan the upload of a file; it is copied at once, since the SDKs delete theirs.

        Args:
            bucket: where to.
            key: the key that the SDK has thought of.
            file: the file.
            extra: further arguments of the upload.
        """
        if _CACHE in key.split("/"):
            return
        if TOKEN.search(f"{bucket}/{key}"):
            raise DefinitionError([_unknown_place(f"s3://{bucket}/{key}", file)])
        unknown = [name for name, value in (extra or {}).items() if is_variable(value) or TOKEN.search(str(value))]
        if unknown:
            raise DefinitionError([_unknown_option(unknown[0], file)])
        if not file.is_file():
            raise DefinitionError([missing_file(file)])
        digest = content_hash(file)
        self._found[f"s3://{bucket}/{key}"] = _Found(_kept(file, digest), digest, dict(extra or {}))

    def add_folder(self, uri: str) -> None:
        """Remember that all that is uploaded below ``uri`` belongs together."""
        self._folders.add(uri.rstrip("/"))

    def settle(self, request: Json) -> tuple[Json, tuple[Upload, ...]]:
        """The request with the final places in it, and what is uploaded there.

        Args:
            request: the request as the SDK made it; stays as it is.
        """
        self._find_folders(request)
        places = self._places()
        spelled = {old: new for pair in places.items() for old, new in zip(*map(_spellings, pair), strict=True)}
        settled = _replaced(request, self._finder(places), spelled)
        uploads = [
            Upload(places[root] + uri[len(root) :], found.file, tuple(sorted(found.extra.items())))
            for uri, found in sorted(self._found.items())
            if (root := self._root(uri))
        ]
        return settled, tuple(uploads)

    def _finder(self, places: Mapping[str, str]) -> re.Pattern[str]:
        """Finds the places that an SDK has thought of in a text: names of files may hold blanks, commas and quotes."""
        ends = {root: rf"(?=/|{_END})" if root in self._folders else rf"(?=/?{_END})" for root in places}
        forms = dict.fromkeys(re.escape(form) + end for root, end in ends.items() for form in _spellings(root))
        return re.compile("|".join(forms) or "(?!)")

    def _find_folders(self, request: Json) -> None:
        """Folders that an SDK made up and filled file by file: the request names the folder only."""
        for uri in _uris(request):
            folder = uri.rstrip("/")
            if any(self._made_up(part) for part in folder.split("/")[3:]) and any(
                found.startswith(f"{folder}/") for found in self._found
            ):
                self.add_folder(folder)

    def _root(self, uri: str) -> str:
        """The folder that an upload belongs to, else its own place."""
        return next((folder for folder in sorted(self._folders) if uri.startswith(f"{folder}/")), uri)

    def _places(self) -> dict[str, str]:
        """Final place of each folder and file, the longest first.

        The same file with another encryption has another place: what is there is not uploaded again.
        """
        groups: dict[str, list[tuple[str, ...]]] = {}
        for uri, found in self._found.items():
            root = self._root(uri)
            extra = [repr(sorted(found.extra.items()))] if found.extra else []
            groups.setdefault(root, []).append((uri[len(root) :], found.digest, *extra))
        places = {root: self._keyed(root, _hash(repr(sorted(members)).encode())) for root, members in groups.items()}
        return dict(sorted(places.items(), key=lambda item: -len(item[0])))

    def _made_up(self, name: str) -> bool:
        """True for the name of a folder that the SDK made up: the job's, or one with a time."""
        return name == JOB_NAME or (name not in self._told and _TIMED.search(name) is not None)

    def _keyed(self, uri: str, digest: str) -> str:
        """A place with the content's hash where the SDK had the job's name or the time, else in a folder of its own.

        >>> Stage()._keyed("s3://b/mlflowsteps-job-name/source/sourcedir.tar.gz", "0123")
        's3://b/mlflowsteps/0123/source/sourcedir.tar.gz'
        """
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        parts = key.split("/")
        timed = [i for i, part in enumerate(parts) if self._made_up(part)]
        if not timed:
            return "/".join(["s3:/", bucket, *parts[:-1], _FOLDER, digest, parts[-1]])
        kept = [part for i, part in enumerate(parts) if i not in timed[1:]]
        return "/".join(["s3:/", bucket, *kept[: timed[0]], _FOLDER, digest, *kept[timed[0] + 1 :]])


def _spellings(place: str) -> tuple[str, str]:
    """A place as it is, and as it stands in a text that is JSON."""
    return place, json.dumps(place)[1:-1]


def _replaced(value: Json, finder: re.Pattern[str], places: Mapping[str, str]) -> Json:
    """A value with what the finder finds in its texts replaced."""
    if isinstance(value, str):
        return finder.sub(lambda match: places[match[0]], value)
    if isinstance(value, Mapping):
        return {key: _replaced(item, finder, places) for key, item in value.items()}
    return [_replaced(item, finder, places) for item in value] if isinstance(value, list | tuple) else value


def _uris(value: Json) -> Iterator[str]:
    """The places in S3 that a value names: each text that is one, and those in longer texts."""
    if isinstance(value, str):
        yield from [value] if value.startswith("s3://") else _URI.findall(value)
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _uris(item)


def _unknown_option(name: str, file: Path) -> Diagnostic:
    return Diagnostic(
        "UPLOAD_WITH_UNKNOWN_OPTION",
        "",
        f"{file} is uploaded when the workflow is created, but its {name} is known only while it runs.",
        "Set the placeholder by parameters={...} of the step in place of the object; or give the object's own method "
        "another key for the code, call={'kms_key': ...}, where it takes one.",
    )


def _unknown_place(uri: str, file: Path) -> Diagnostic:
    return Diagnostic(
        "UPLOAD_TO_UNKNOWN_PLACE",
        "",
        f"{file} would be uploaded to {uri} when the workflow is created, but that place is known only while it runs.",
        "Give the object a code_location without a placeholder, or its session a default_bucket.",
    )


def missing_file(file: Path | str) -> Diagnostic:
    """What is said of a file that is to be uploaded, but is not there.

    Args:
        file: as the user has given it.
    """
    return Diagnostic(
        "FILE_IS_MISSING",
        "",
        f"{file} is to be uploaded, but there is no such file.",
        f"Make it, or give its place from {Path.cwd()}; data in S3 is s3://bucket/key, or a placeholder for that.",
    )


# ------------------------------------------------------------------------------------------------------- contents


def content_hash(file: Path) -> str:
    """Hash of what a file holds; of an archive, of its members' names, modes and bytes, not of the times in it."""
    if file.name.endswith((".tar.gz", ".tgz", ".tar")):
        try:
            return _archive_hash(file)
        except (tarfile.TarError, OSError, EOFError):
            pass  # no archive, whatever its name says: its bytes count
    made = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            made.update(block)
    return made.hexdigest()[:32]


def _archive_hash(file: Path) -> str:
    rows = []
    with tarfile.open(file) as archive:
        for member in archive:
            if _CACHE in member.name.split("/"):
                continue
            stream = archive.extractfile(member) if member.isfile() else None
            body = hashlib.sha256(stream.read() if stream else b"").hexdigest()
            rows.append((member.name, member.type, member.mode & 0o111, member.linkname, body))
    return _hash(repr(sorted(rows)).encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


class _Keeper:
    """The folder of the files that wait for their upload; deleted when the process ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None

    def keep(self, file: Path, digest: str) -> Path:
        with self._lock:
            if self._folder is None or not self._folder.is_dir():
                self._folder = Path(tempfile.mkdtemp(prefix="mlflowsteps-staging-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            kept = self._folder / digest
            if not kept.exists():
                partial = kept.with_suffix(".part")
                shutil.copyfile(file, partial)
                partial.rename(kept)
            return kept


_keeper = _Keeper()


def _kept(file: Path, digest: str) -> Path:
    return _keeper.keep(file, digest)


# -------------------------------------------------------------------------------------------------- carrying it out


def uploads_of(graph: Graph) -> tuple[Upload, ...]:
    """All files that the steps of a graph, and of the machines in it, need in S3; each once."""
    found: dict[str, Upload] = {}
    for state in all_states(graph):
        for upload in getattr(state, "uploads", ()):
            found.setdefault(upload.uri, upload)
    return tuple(found.values())


def all_states(graph: Graph) -> Iterator[Renderable]:
    """The steps of a graph, and of the machines in it; none where the definition was given ready."""
    pending: list[Renderable | Chain] = [] if isinstance(graph, FrozenGraph) else [graph.branch]
    seen: set[int] = set()
    while pending:
        for state in reachable(pending.pop()):
            if id(state) not in seen:
                seen.add(id(state))
                pending.extend(state.nested())
                yield state


def carry_out(uploads: Iterable[Upload], client: Any) -> list[str]:
    """Upload what is not there yet; keys are made of contents, so that what is there is the same.

    Args:
        uploads: the plan.
        client: an S3 client, of boto3 or of a local runtime.

    Returns:
        The URIs that were uploaded.

    Raises:
        FileNotFoundError: a planned file is gone: the workflow was built in a process that has ended.
    """
    done = []
    for upload in uploads:
        bucket, key = upload.place
        extra = dict(upload.extra)
        if _is_there(client, bucket, key, extra.get("ExpectedBucketOwner")):
            continue
        if not upload.file.exists():
            raise FileNotFoundError(
                f"{upload.uri} is to be uploaded, but the copy of its file is gone. Build the step again in this "
                "process."
            )
        with upload.file.open("rb") as body:
            client.put_object(Bucket=bucket, Key=key, Body=body, **extra)
        done.append(upload.uri)
    return done


def _is_there(client: Any, bucket: str, key: str, owner: str | None) -> bool:
    from botocore.exceptions import ClientError

    try:
        client.head_object(Bucket=bucket, Key=key, **({"ExpectedBucketOwner": owner} if owner else {}))
    except ClientError as error:
        # 403 is what a role without s3:ListBucket is told of a key that is not there: the upload itself will tell.
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
            return False
        raise
    return True
