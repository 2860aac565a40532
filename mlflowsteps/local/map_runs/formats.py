"""The formats of item files: bytes in, items out, one by one.

Owns CSV, JSON, JSON Lines and Parquet; ``pointers`` reads JSON. It knows no S3. A file is never held as a whole, but
Parquet, whose index stands at its end, goes through a temporary file.
"""

from __future__ import annotations

import csv
import gzip
import io
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, TypeAlias, cast

from mlflowsteps.asl.payloads import loads
from mlflowsteps.exceptions import StatesError
from mlflowsteps.local.map_runs.pointers import json_items
from mlflowsteps.local.records import Json

__all__ = ["FORMATS", "READER_FAILED", "Found", "csv_rows", "open_stream", "parquet_items", "reader_error"]

READER_FAILED = "States.ItemReaderFailed"
_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_PARQUET_ROWS = 1_000

Found: TypeAlias = tuple[Json, str | None]
"""An item, and its key where it is the member of an object."""


def reader_error(cause: str) -> StatesError:
    """The error of a reader that cannot go on."""
    return StatesError(READER_FAILED, cause)


class _Raw(io.RawIOBase):
    """A response's body, which can only be read, as a raw stream; the source may be compressed."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()


def open_stream(body: Any) -> BinaryIO:
    """A body as a buffered stream, unpacked where it is gzip.

    Args:
        body: has ``read(size)`` and ``close()``.
    """
    stream = io.BufferedReader(_Raw(body), 1 << 16)
    if stream.peek(2)[:2] == b"\x1f\x8b":
        return cast("BinaryIO", gzip.GzipFile(fileobj=stream))
    return cast("BinaryIO", stream)


# --- CSV


def csv_rows(stream: BinaryIO, delimiter: str = ",") -> Iterator[list[str]]:
    """The rows of a CSV file; empty lines are no rows.

    Raises:
        StatesError: States.ItemReaderFailed: it is no CSV, or no UTF-8.
    """
    try:
        yield from filter(None, csv.reader(io.TextIOWrapper(stream, "utf-8-sig", newline=""), delimiter=delimiter))
    except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
        raise reader_error(f"The CSV file cannot be read: {error}") from error


def _csv_items(stream: BinaryIO, config: dict[str, Json]) -> Iterator[Found]:
    rows = csv_rows(stream, _DELIMITERS[config.get("CSVDelimiter", "COMMA")])
    if config.get("CSVHeaderLocation", "FIRST_ROW") == "GIVEN":
        headers: list[str] = list(config.get("CSVHeaders", ()))
    else:
        headers = next(rows, [])
    if len(set(headers)) < len(headers):
        raise reader_error("CSV headers cannot contain duplicates.")
    places = _order(headers)
    names, width, blank = [headers[at] for at in places], len(headers), [""] * len(headers)
    straight = places == list(range(width))
    for row in rows:
        cells = row + blank[len(row) :] if len(row) < width else row  # missing ones are empty, further ones dropped
        yield dict(zip(names, cells if straight else [cells[at] for at in places], strict=False)), None


def _order(headers: list[str]) -> list[int]:
    """In what order the service writes the columns: that of a hash table of Java."""
    size = 16
    while len(headers) > size * 3 // 4:
        size *= 2
    return sorted(range(len(headers)), key=lambda at: _spread(headers[at]) & (size - 1))


def _spread(text: str) -> int:
    found = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for at in range(0, len(units), 2):
        found = (found * 31 + (units[at] << 8 | units[at + 1])) & 0xFFFFFFFF
    return found ^ found >> 16


# --- JSON


def _json_items(stream: BinaryIO, config: dict[str, Json]) -> Iterator[Found]:
    try:
        yield from json_items(stream, config.get("ItemsPointer", ""))
    except (ValueError, OSError, EOFError) as error:
        raise reader_error(f"The JSON file cannot be read: {error}") from error


def _lines(stream: BinaryIO, config: dict[str, Json]) -> Iterator[Found]:
    del config
    number = 0
    try:
        for line in stream:
            number += 1
            if not line.isspace():
                yield loads(line), None
    except (ValueError, OSError, EOFError) as error:
        raise reader_error(f"Line {number} of the JSON Lines file cannot be read: {error}") from error


# --- Parquet


def parquet_items(stream: BinaryIO, config: dict[str, Json]) -> Iterator[Found]:
    """The rows of a Parquet file as objects.

    Raises:
        StatesError: States.ItemReaderFailed: it is no Parquet, or pyarrow is not installed.
    """
    del config
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise reader_error("Reading Parquet needs pyarrow: pip install 'mlflowsteps[parquet]'") from error
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(stream, file)
        try:
            for batch in ParquetFile(file).iter_batches(batch_size=_PARQUET_ROWS):
                for row in batch.to_pylist():
                    yield {name: _plain(value) for name, value in row.items()}, None
        except (ArrowException, OSError) as error:
            raise reader_error(f"The Parquet file cannot be read: {error}") from error


def _plain(value: Any) -> Json:
    """A value as JSON: times as ISO 8601, bytes and decimals as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


FORMATS: dict[str, Callable[[BinaryIO, dict[str, Json]], Iterator[Found]]] = {
    "CSV": _csv_items,
    "JSON": _json_items,
    "JSONL": _lines,
    "PARQUET": parquet_items,
}
"""What reads a file of an InputType, given the ReaderConfig."""
