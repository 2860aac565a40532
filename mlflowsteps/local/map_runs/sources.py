"""Where items come from: the state's input, an object in S3, the objects of a bucket, or those that a manifest names.

Owns the two actions of ItemReader and what each of their inputs means. S3 is asked through the same clients as tasks
are carried out with; formats are ``formats``'.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from urllib.parse import unquote_plus

from mlflowsteps.exceptions import RuntimeClosed, StatesError
from mlflowsteps.local.map_runs.formats import FORMATS, csv_rows, open_stream, reader_error
from mlflowsteps.local.objects import parse_s3_uri
from mlflowsteps.local.records import Json
from mlflowsteps.local.tasks.calls import Clients
from mlflowsteps.local.tasks.errors import optimized_dialect, states_error

__all__ = ["MAX_ITEMS", "Bucket", "Item", "items_of_reader", "items_of_state"]

MAX_ITEMS = 100_000_000
"""Most items of one Map Run; a MaxItems beyond it is taken for it, as recorded."""

Item: TypeAlias = tuple[Json, str | None, str]
"""An item, its key where it is a member of an object, and its source as the context object names it."""

STATE_DATA = "STATE_DATA"


class Bucket:
    """Calls of S3 on behalf of a Map Run; they fail as an ItemReader or a ResultWriter does.

    Args:
        clients: who plays S3; None: nobody.
        error: the error's name, ``States.ItemReaderFailed`` or ``States.ResultWriterFailed``.
    """

    def __init__(self, clients: Clients | None, error: str) -> None:
        self._clients, self._error = clients, error

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the S3 client.

        Raises:
            StatesError: the call failed, or nothing plays S3.
        """
        played = None if self._clients is None else self._clients.find("s3")
        if played is None or self._clients is None:
            raise StatesError(self._error, "Nothing plays Amazon S3 here: the ItemReader and ResultWriter need it.")
        try:
            if not played.own:
                self._clients.check_fault("s3", "".join(word.title() for word in method.split("_")))
            response: dict[str, Any] = getattr(played.client, method)(**parameters)
        except RuntimeClosed:
            raise
        except Exception as error:
            raise StatesError(self._error, states_error(error, optimized_dialect("S3", "s3")).cause) from error
        return response


def items_of_state(items: Json) -> Iterator[Item]:
    """The items of a state's input: elements of an array, or members of an object."""
    if isinstance(items, dict):
        for key, value in items.items():
            yield value, key, STATE_DATA
    else:
        for value in items:
            yield value, None, STATE_DATA


def items_of_reader(reader: dict[str, Json], bucket: Bucket) -> Iterator[Item]:
    """The items that an ItemReader reads.

    Args:
        reader: ``action``, ``arguments``, ``config`` (the ReaderConfig) and ``max_items`` (None or 0: no bound).
        bucket: calls S3.

    Raises:
        StatesError: States.ItemReaderFailed.
    """
    most = reader["max_items"] or MAX_ITEMS
    if most < 0:
        raise reader_error("field MaxItems must be positive")
    config, arguments = reader["config"], reader["arguments"]
    found = _ACTIONS[reader["action"]](arguments, config, bucket)
    return itertools.islice(found, min(int(most), MAX_ITEMS))


# --- getObject


def _get_object(arguments: dict[str, Json], config: dict[str, Json], bucket: Bucket) -> Iterator[Item]:
    kind = config.get("InputType", "JSON")
    manifest = config.get("ManifestType") or ("S3_INVENTORY" if kind == "MANIFEST" else None)
    if manifest is not None:
        return _MANIFESTS[manifest](arguments, config, bucket)
    return _file(arguments, kind, config, bucket)


def _file(arguments: dict[str, Json], kind: str, config: dict[str, Json], bucket: Bucket) -> Iterator[Item]:
    """The items of one object."""
    source = f"S3://{arguments.get('Bucket')}/{arguments.get('Key')}"
    stream = open_stream(bucket.call("get_object", **_known(arguments, _GET))["Body"])
    try:
        for value, key in FORMATS[kind](stream, config):
            yield value, key, source
    finally:
        stream.close()


_GET = ("Bucket", "Key", "VersionId", "ExpectedBucketOwner", "RequestPayer")


def _known(arguments: dict[str, Json], names: tuple[str, ...]) -> dict[str, Json]:
    unknown = [name for name in arguments if name not in names]
    if unknown:
        raise reader_error(f"The ItemReader has no argument {unknown[0]!r}; it takes {', '.join(names)}.")
    return arguments


# --- manifests


def _inventory(arguments: dict[str, Json], config: dict[str, Json], bucket: Bucket) -> Iterator[Item]:
    """The objects that an inventory of S3 lists."""
    body = open_stream(bucket.call("get_object", **_known(arguments, _GET))["Body"])
    try:
        manifest = json.loads(body.read())
        columns = [name.strip() for name in manifest["fileSchema"].split(",")]
        files, kind = [file["key"] for file in manifest["files"]], manifest["fileFormat"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise reader_error(f"The manifest is no manifest.json of an S3 inventory: {error!r}") from error
    finally:
        body.close()
    place = str(manifest.get("destinationBucket", arguments.get("Bucket"))).rpartition(":")[2]
    if kind not in ("CSV", "Parquet"):
        raise reader_error(f"The inventory's files are {kind}; CSV and Parquet can be read.")
    given = {**config, "CSVHeaderLocation": "GIVEN", "CSVHeaders": columns}
    for key in files:
        for value, name, source in _file({"Bucket": place, "Key": key}, kind.upper(), given, bucket):
            if "Key" in value and kind == "CSV":
                value["Key"] = unquote_plus(value["Key"])
            yield value, name, source


def _athena(arguments: dict[str, Json], config: dict[str, Json], bucket: Bucket) -> Iterator[Item]:
    """The items of the files that a manifest of an Athena query lists."""
    body = open_stream(bucket.call("get_object", **_known(arguments, _GET))["Body"])
    kind = config.get("InputType", "MANIFEST")
    try:
        for row in csv_rows(body):
            try:
                place, key = parse_s3_uri(row[0])
            except ValueError as error:
                raise reader_error(f"The manifest names {row[0]!r}, which is no URI of S3: {error}") from error
            yield from _file(
                {"Bucket": place, "Key": key}, _kind_of(key) if kind == "MANIFEST" else kind, config, bucket
            )
    finally:
        body.close()


def _kind_of(key: str) -> str:
    """The format of a file by its name, where nothing is said; Athena's own is CSV."""
    ending = key.removesuffix(".gz").rpartition(".")[2].upper()
    return ending if ending in FORMATS else "CSV"


_MANIFESTS: dict[str, Callable[[dict[str, Json], dict[str, Json], Bucket], Iterator[Item]]] = {
    "S3_INVENTORY": _inventory,
    "ATHENA_DATA": _athena,
}


# --- listObjectsV2


def _list_objects(arguments: dict[str, Json], config: dict[str, Json], bucket: Bucket) -> Iterator[Item]:
    """The objects of a bucket, or, with LOAD_AND_FLATTEN, the items in them."""
    place = arguments.get("Bucket")
    flatten = config.get("Transformation") == "LOAD_AND_FLATTEN"
    for found in _listed(_known(arguments, _LIST), bucket):
        if not flatten:
            yield _described(found), None, f"S3://{place}"
        elif not found["Key"].endswith("/"):
            kind = config.get("InputType") or _kind_of(found["Key"])
            yield from _file({"Bucket": place, "Key": found["Key"]}, kind, config, bucket)


_LIST = (
    "Bucket",
    "Prefix",
    "Delimiter",
    "StartAfter",
    "MaxKeys",
    "ExpectedBucketOwner",
    "RequestPayer",
    "EncodingType",
)


def _listed(arguments: dict[str, Json], bucket: Bucket) -> Iterator[dict[str, Any]]:
    following: dict[str, Json] = {}
    while True:
        page = bucket.call("list_objects_v2", **arguments, **following)
        yield from page.get("Contents", ())
        if not page.get("IsTruncated"):
            return
        following = {"ContinuationToken": page["NextContinuationToken"]}


def _described(found: dict[str, Any]) -> Json:
    return {
        "Etag": found["ETag"],
        "Key": found["Key"],
        "LastModified": int(found["LastModified"].timestamp()),
        "Size": found["Size"],
        "StorageClass": found.get("StorageClass", "STANDARD"),
    }


_ACTIONS: dict[str, Callable[[dict[str, Json], dict[str, Json], Bucket], Iterator[Item]]] = {
    "getObject": _get_object,
    "listObjectsV2": _list_objects,
}
