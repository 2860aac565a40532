"""Readers, batchers and writers of a Distributed Map, typed: what stands in ItemReader, ItemBatcher and ResultWriter.

Each is a small object that a Map takes in place of the dict; it is written under the names of the query language that
the Map has. Their facts are those of ``asl.rules.containers``, which judges the definition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.integration_resources import get_service_integration_arn
from mlflowsteps.steps.keywords import Text, WholeNumber
from mlflowsteps.steps.parts import Part, given

__all__ = [
    "ItemBatcher",
    "ResultWriter",
    "S3CsvReader",
    "S3JsonLinesReader",
    "S3JsonReader",
    "S3ManifestReader",
    "S3ObjectsReader",
    "S3ParquetReader",
]

Delimiter: TypeAlias = Literal["COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"]
InputType: TypeAlias = Literal["CSV", "JSON", "JSONL", "PARQUET"]


class _FileReader(Part):
    """Items from one object of S3."""

    def __init__(self, bucket: Text, key: Text, version_id: Text | None, config: Mapping[str, Json]) -> None:
        resource = get_service_integration_arn("s3", "getObject")
        arguments = {"Bucket": bucket, "Key": key, "VersionId": version_id}
        super().__init__({"Resource": resource, "ReaderConfig": given(config)}, arguments)


def _csv(headers: Sequence[str] | None, delimiter: Delimiter | None) -> dict[str, Json]:
    return {
        "CSVHeaderLocation": "FIRST_ROW" if headers is None else "GIVEN",
        "CSVHeaders": None if headers is None else list(headers),
        "CSVDelimiter": delimiter,
    }


class S3CsvReader(_FileReader):
    """Items are the rows of a CSV file, as objects by column.

    Args:
        bucket: the bucket.
        key: the file's key.
        headers: names of the columns; None: the first row holds them.
        delimiter: what separates columns; a comma where left out.
        max_items: most items to read.
        version_id: version of the object.
    """

    def __init__(
        self,
        bucket: Text,
        key: Text,
        *,
        headers: Sequence[str] | None = None,
        delimiter: Delimiter | None = None,
        max_items: WholeNumber | None = None,
        version_id: Text | None = None,
    ) -> None:
        super().__init__(
            bucket, key, version_id, {"InputType": "CSV", **_csv(headers, delimiter), "MaxItems": max_items}
        )


class S3JsonReader(_FileReader):
    """Items are the elements of an array in a JSON file.

    Args:
        bucket: the bucket.
        key: the file's key.
        items_pointer: JSON pointer of the array in the file, such as ``/rows``; the whole file where left out.
        max_items: most items to read.
        version_id: version of the object.
    """

    def __init__(
        self,
        bucket: Text,
        key: Text,
        *,
        items_pointer: str | None = None,
        max_items: WholeNumber | None = None,
        version_id: Text | None = None,
    ) -> None:
        config = {"InputType": "JSON", "ItemsPointer": items_pointer, "MaxItems": max_items}
        super().__init__(bucket, key, version_id, config)


class S3JsonLinesReader(_FileReader):
    """Items are the lines of a file, each of them JSON.

    Args:
        bucket: the bucket.
        key: the file's key.
        max_items: most items to read.
        version_id: version of the object.
    """

    def __init__(
        self, bucket: Text, key: Text, *, max_items: WholeNumber | None = None, version_id: Text | None = None
    ) -> None:
        super().__init__(bucket, key, version_id, {"InputType": "JSONL", "MaxItems": max_items})


class S3ParquetReader(_FileReader):
    """Items are the rows of a Parquet file.

    Args:
        bucket: the bucket.
        key: the file's key.
        max_items: most items to read.
        version_id: version of the object.
    """

    def __init__(
        self, bucket: Text, key: Text, *, max_items: WholeNumber | None = None, version_id: Text | None = None
    ) -> None:
        super().__init__(bucket, key, version_id, {"InputType": "PARQUET", "MaxItems": max_items})


class S3ManifestReader(_FileReader):
    """Items are what a manifest lists: the objects of an S3 inventory, or the rows that an Athena UNLOAD wrote.

    Args:
        bucket: the bucket.
        key: the manifest's key.
        manifest_type: whose manifest it is.
        input_type: kind of the files that a manifest of Athena lists.
        headers: names of the columns of its CSV files; None: their first rows hold them.
        delimiter: what separates their columns.
        max_items: most items to read.
        version_id: version of the object.
    """

    def __init__(
        self,
        bucket: Text,
        key: Text,
        *,
        manifest_type: Literal["S3_INVENTORY", "ATHENA_DATA"] = "S3_INVENTORY",
        input_type: InputType | None = None,
        headers: Sequence[str] | None = None,
        delimiter: Delimiter | None = None,
        max_items: WholeNumber | None = None,
        version_id: Text | None = None,
    ) -> None:
        if (input_type is None) != (manifest_type == "S3_INVENTORY"):
            raise ValueError("input_type says what the files of a manifest of ATHENA_DATA are; give both or neither")
        config = {"InputType": input_type or "MANIFEST", "ManifestType": manifest_type, "MaxItems": max_items}
        if input_type == "CSV":
            config.update(_csv(headers, delimiter))
        super().__init__(bucket, key, version_id, config)


class S3ObjectsReader(Part):
    """Items are the objects below a prefix, as ListObjectsV2 lists them; or what stands in them.

    Args:
        bucket: the bucket.
        prefix: beginning of their keys; all objects where left out.
        flatten: kind of the objects, to take the items in all of them for the items; None: the listing.
        max_items: most items to read.
    """

    def __init__(
        self,
        bucket: Text,
        prefix: Text | None = None,
        *,
        flatten: InputType | None = None,
        max_items: WholeNumber | None = None,
    ) -> None:
        config: dict[str, Json] = {"MaxItems": max_items}
        if flatten is not None:
            config.update({"InputType": flatten, "Transformation": "LOAD_AND_FLATTEN"})
        if flatten == "CSV":
            config.update(_csv(None, None))
        resource = get_service_integration_arn("s3", "listObjectsV2")
        super().__init__(
            {"Resource": resource, "ReaderConfig": given(config) or None}, {"Bucket": bucket, "Prefix": prefix}
        )


class ItemBatcher(Part):
    """Puts items into batches; each child execution is given ``{"Items": [...], "BatchInput": ...}``.

    Args:
        max_items_per_batch: most items of a batch.
        max_input_bytes_per_batch: most bytes of a child's input, 1 to 262,144.
        batch_input: what each batch is given beside its items.

    Raises:
        ValueError: neither bound is given.
    """

    def __init__(
        self,
        max_items_per_batch: WholeNumber | None = None,
        max_input_bytes_per_batch: WholeNumber | None = None,
        batch_input: Json = None,
    ) -> None:
        if max_items_per_batch is None and max_input_bytes_per_batch is None:
            raise ValueError("ItemBatcher needs max_items_per_batch, max_input_bytes_per_batch, or both")
        bounds = {"MaxItemsPerBatch": max_items_per_batch, "MaxInputBytesPerBatch": max_input_bytes_per_batch}
        super().__init__({**bounds, "BatchInput": batch_input})


class ResultWriter(Part):
    """Writes the results of the child executions to S3, or says what form they have.

    Args:
        bucket: the bucket; results stay in the state's output where left out.
        prefix: beginning of the keys.
        transformation: NONE: with what each execution was; COMPACT: the outputs; FLATTEN: the outputs, lists joined.
        output_type: JSON, or a line of JSON for each.

    Raises:
        ValueError: nothing is given, or a prefix without a bucket.
    """

    def __init__(
        self,
        bucket: Text | None = None,
        prefix: Text | None = None,
        *,
        transformation: Literal["NONE", "COMPACT", "FLATTEN"] | None = None,
        output_type: Literal["JSON", "JSONL"] | None = None,
    ) -> None:
        config = given({"Transformation": transformation, "OutputType": output_type})
        if bucket is None and (prefix is not None or not config):
            raise ValueError("ResultWriter needs a bucket, or the form of the results: transformation, output_type")
        resource = None if bucket is None else get_service_integration_arn("s3", "putObject")
        arguments = None if bucket is None else {"Bucket": bucket, "Prefix": prefix}
        super().__init__({"Resource": resource, "WriterConfig": config or None}, arguments)
