"""A training job's channels: which objects each instance gets, as files or through pipes, and what is said of them.

Source:
    Amazon SageMaker developer guide, "Access Training Data", "Augmented Manifest Files"; the API's model.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.cluster import groups_of
from mlflowsteps.local.jobs.failures import JobFailure
from mlflowsteps.local.jobs.images.recordio import MOST_RECORD_BYTES, record
from mlflowsteps.local.jobs.job import Job, Record
from mlflowsteps.local.jobs.pipes import Pipe
from mlflowsteps.local.jobs.transfer import Source, download, read_uri, sources
from mlflowsteps.local.objects import ObjectStore

__all__ = ["channels_of", "configuration_of", "fill_channels", "open_pipes"]

_CHUNK_BYTES = 1 << 20
_MANIFEST = "AugmentedManifestFile"
Item = tuple[Source | bytes, ...]
"""What is kept together when objects are shuffled and divided: an object, or the attributes of a manifest's line."""


def channels_of(job: Job, host: int) -> list[tuple[Record, tuple[int, int]]]:
    """The channels of instance ``host``, each with (index from 0, count) of its share."""
    groups = groups_of(job.request, job.instances)
    found = []
    for channel in job.request.get("InputDataConfig") or ():
        source = channel["DataSource"].get("S3DataSource") or {}
        names = source.get("InstanceGroupNames")
        known = [group.name for group in groups]
        if names and len(groups) > 1 and not set(names) <= set(known):
            raise JobFailure(
                f"ClientError: channel {channel['ChannelName']!r}: InstanceGroupNames {names} must name groups of "
                f"ResourceConfig.InstanceGroups: {', '.join(known)}."
            )
        hosts = [n for group in groups if not names or len(groups) == 1 or group.name in names for n in group.hosts]
        if host in hosts:
            sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
            found.append((channel, (hosts.index(host), len(hosts)) if sharded else (0, 1)))
    return found


def input_mode(job: Job, channel: Record) -> str:
    """``File``, ``FastFile`` or ``Pipe``."""
    default = job.request["AlgorithmSpecification"].get("TrainingInputMode", "File")
    return str(channel.get("InputMode") or default)


def configuration_of(job: Job, channel: Record) -> dict[str, str]:
    """A channel's entry in ``inputdataconfig.json``."""
    source = channel["DataSource"].get("S3DataSource") or {}
    found = {
        "TrainingInputMode": input_mode(job, channel),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),  # the service's own spelling
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    if "ContentType" in channel:
        found["ContentType"] = channel["ContentType"]
    return found


def fill_channels(job: Job, folder: Path, host: int) -> None:
    """Download the channels that are read as files; where FastFile is asked for they are files too.

    Args:
        job: the job.
        folder: the instance's ``input/data``.
        host: its number.

    Raises:
        JobFailure: with the channel's name.
    """
    for channel, shard in channels_of(job, host):
        job.control.check()
        if input_mode(job, channel) == "Pipe":
            continue
        what, source = _source_of(channel)
        if source["S3DataType"] == _MANIFEST:
            raise JobFailure(f"ClientError: {what}: S3DataType {_MANIFEST} needs InputMode Pipe.")
        found = sources(job.services.objects, source["S3Uri"], source["S3DataType"], what)
        download(job.services.objects, found, folder / channel["ChannelName"], what, shard=shard)


def _source_of(channel: Record) -> tuple[str, Record]:
    what = f"channel {channel['ChannelName']!r}"
    source: Record | None = channel["DataSource"].get("S3DataSource")
    if not source:
        raise JobFailure(f"ClientError: {what} has no S3DataSource; the local runtime reads no other.")
    return what, source


def open_pipes(job: Job) -> list[Pipe]:
    """The pipes of all instances; to be closed when the job has ended.

    Raises:
        JobFailure: with the channel's name.
    """
    found: list[Pipe] = []
    try:
        for host in range(1, job.instances + 1):
            for channel, shard in channels_of(job, host):
                if input_mode(job, channel) == "Pipe":
                    base = job.folder.opt_ml(host) / "input/data" / channel["ChannelName"]
                    found.append(Pipe(base, _Epochs(job, channel, shard)))
    except BaseException:
        for pipe in found:
            pipe.close()
        raise
    return found


class _Epochs:
    """The bytes of a channel's epochs."""

    def __init__(self, job: Job, channel: Record, shard: tuple[int, int]) -> None:
        what, source = _source_of(channel)
        self._objects, self._shard = job.services.objects, shard
        self._seed = (channel.get("ShuffleConfig") or {}).get("Seed")
        self._wrapped = channel.get("RecordWrapperType") == "RecordIO"
        self._gzipped = channel.get("CompressionType") == "Gzip"
        self._items: Sequence[Item]
        if source["S3DataType"] == _MANIFEST:
            self._items = list(_manifest_items(self._objects, source, what))
        else:
            self._items = [(one,) for one in sources(self._objects, source["S3Uri"], source["S3DataType"], what)]
        if self._wrapped:
            self._check_sizes(what)

    def _check_sizes(self, what: str) -> None:
        for source in (piece for item in self._items for piece in item if isinstance(piece, Source)):
            if self._objects.head(source.bucket, source.key).size > MOST_RECORD_BYTES:
                raise JobFailure(
                    f"ClientError: {what}: s3://{source.bucket}/{source.key} is larger than a record of RecordIO may "
                    f"be ({MOST_RECORD_BYTES} bytes); split it."
                )

    def __call__(self, epoch: int) -> Iterator[bytes]:
        items = list(self._items)
        if self._seed is not None:
            random.Random(f"{self._seed}/{epoch}").shuffle(items)  # noqa: S311 - of experiments, not of secrets
        for item in items[self._shard[0] :: self._shard[1]]:
            for piece in item:
                yield from self._bytes_of(piece)

    def _bytes_of(self, piece: Source | bytes) -> Iterator[bytes]:
        if isinstance(piece, bytes):
            yield record(piece) if self._wrapped else piece
            return
        path = self._objects.path(piece.bucket, piece.key)
        with gzip.open(path, "rb") if self._gzipped else path.open("rb") as stream:
            if self._wrapped:
                yield record(_whole(stream, piece))
                return
            while chunk := stream.read(_CHUNK_BYTES):
                yield chunk


def _whole(stream: BinaryIO | gzip.GzipFile, piece: Source) -> bytes:
    """What becomes one record; a small gzip file may unpack to more than memory holds."""
    data = stream.read(MOST_RECORD_BYTES + 1)
    if len(data) > MOST_RECORD_BYTES:
        raise ValueError(
            f"s3://{piece.bucket}/{piece.key}, unpacked, is larger than a record of RecordIO may be "
            f"({MOST_RECORD_BYTES} bytes); split it"
        )
    return data


def _manifest_items(objects: ObjectStore, source: Record, what: str) -> Iterator[Item]:
    """An augmented manifest's lines: of each the attributes asked for, references as the objects they name."""
    names = source.get("AttributeNames") or []
    if not names:
        raise JobFailure(f"ClientError: {what}: S3DataType {_MANIFEST} needs AttributeNames.")
    for found in sources(objects, source["S3Uri"], "S3Object", what):
        lines = objects.path(found.bucket, found.key).read_bytes().splitlines()
        for number, line in enumerate(lines, 1):
            if line.strip():
                place = f"{what}: {found.relative}, line {number}"
                row = _row(line, place)
                yield tuple(_attribute(objects, row, name, place) for name in names)


def _row(line: bytes, place: str) -> Record:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise JobFailure(f"ClientError: {place} is no JSON object.")
    return row


def _attribute(objects: ObjectStore, row: Record, name: str, place: str) -> Source | bytes:
    if name not in row:
        raise JobFailure(f"ClientError: {place} has no attribute {name!r}; it has {', '.join(row) or 'none'}.")
    value: Any = row[name]
    if not name.endswith("-ref"):
        return value.encode() if isinstance(value, str) else json.dumps(value).encode()
    bucket, key = read_uri(str(value), f"{place}, {name}")
    try:
        objects.head(bucket, key)
    except ServiceError as error:
        raise JobFailure(f"ClientError: {place}, {name}: s3://{bucket}/{key}: {error.message}") from error
    return Source(bucket, key, key)
