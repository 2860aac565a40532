"""Rows in RecordIO-protobuf, as the built-in algorithms read and SDK 2's ``record_set`` writes them.

Only dense and sparse tensors of numbers are read, with checked lengths; a damaged file is told by its byte. Answers are
written in the same form, as SDK 2's predictors of these algorithms want them.

Source:
    Amazon SageMaker developer guide, "Common data formats for training" (the Record message); Apache MXNet's RecordIO.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlflowsteps.local.jobs.images.textdata import Rows, TextError

__all__ = ["MOST_RECORD_BYTES", "read_recordio", "record", "write_answers"]

_MAGIC = 0xCED7230A
MOST_RECORD_BYTES = _LENGTH_BITS = (1 << 29) - 1
_FLOAT32, _FLOAT64, _INT32 = 2, 3, 7
_MAX_WIDTH = 10_000_000
Fields = Iterator[tuple[int, int | bytes]]


def read_recordio(data: bytes, *, name: str, label: bool) -> Rows:
    """The rows of a file or request.

    Args:
        data: the bytes.
        name: of the file, for messages.
        label: whether each record must have a label.

    Raises:
        TextError: the data is damaged, or rows differ in width.
    """
    import numpy as np

    rows, labels = [], []
    try:
        for record in _records(data):
            features, target = _record(record)
            rows.append(features)
            labels.append(target)
    except (struct.error, IndexError, ValueError) as error:
        raise TextError(f"{name}, record {len(rows) + 1}: this is no RecordIO-protobuf of numbers: {error}") from error
    width = max(map(len, rows), default=0)
    if any(len(row) != width for row in rows):
        raise TextError(f"{name}: rows have from {min(map(len, rows))} to {width} values; all must have as many.")
    if label and any(target is None for target in labels):
        raise TextError(f"{name}: record {labels.index(None) + 1} has no label.")
    found = [target for target in labels if target is not None]
    given = np.array(found, np.float32) if len(found) == len(rows) and rows else None
    return Rows(np.array(rows, np.float32).reshape(len(rows), width), given)


def record(data: bytes) -> bytes:
    r"""Data wrapped as one record of RecordIO.

    >>> record(b"abcde")
    b'\n#\xd7\xce\x05\x00\x00\x00abcde\x00\x00\x00'
    """
    return struct.pack("<II", _MAGIC, len(data)) + data + b"\0" * (-len(data) % 4)


def write_answers(rows: Iterable[Mapping[str, float | Sequence[float]]]) -> bytes:
    """One record a row, whose labels are its values.

    Args:
        rows: numbers, or lists of them, by name.
    """
    return b"".join(record(b"".join(_label(name, value) for name, value in row.items())) for row in rows)


def _label(name: str, value: float | Sequence[float]) -> bytes:
    """An entry of a Record's map ``label``: name to Value, a Float32Tensor."""
    numbers = [float(item) for item in value] if isinstance(value, Sequence) else [float(value)]
    tensor = _message(1, struct.pack(f"<{len(numbers)}f", *numbers))
    return _message(2, _message(1, name.encode()) + _message(2, _message(_FLOAT32, tensor)))


def _message(number: int, data: bytes) -> bytes:
    """A protobuf field of bytes."""
    head, length = bytearray([number << 3 | 2]), len(data)
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*head, length]) + data


def _records(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        magic, length = struct.unpack_from("<II", data, place)
        length &= _LENGTH_BITS
        if magic != _MAGIC or place + 8 + length > len(data):
            raise ValueError(f"byte {place} begins no whole record")
        yield data[place + 8 : place + 8 + length]
        place += 8 + (length + 3) // 4 * 4


def _record(data: bytes) -> tuple[list[float], float | None]:
    features: list[float] = []
    target: float | None = None
    for number, value in _fields(data):
        if number in (1, 2) and isinstance(value, bytes):  # maps of a name to a Value
            tensor = next((item for key, item in _fields(value) if key == 2 and isinstance(item, bytes)), b"")
            found = _tensor(tensor)
            if number == 1:
                features = found
            elif found:
                target = found[0]
    return features, target


def _tensor(data: bytes) -> list[float]:
    for number, value in _fields(data):
        if number in (_FLOAT32, _FLOAT64, _INT32) and isinstance(value, bytes):
            return _values(value, number)
    raise ValueError("a value is no tensor of numbers")


def _values(data: bytes, kind: int) -> list[float]:
    values: list[float] = []
    keys: list[int] = []
    shape: list[int] = []
    for number, value in _fields(data):
        packed = value if isinstance(value, bytes) else b""
        if number == 1 and kind == _INT32:
            values += [float(item) for item in _varints(packed)]
        elif number == 1:
            size, mark = (4, "f") if kind == _FLOAT32 else (8, "d")
            values += struct.unpack(f"<{len(packed) // size}{mark}", packed)
        elif number == 2:
            keys += _varints(packed)
        elif number == 3:
            shape += _varints(packed)
    return _dense(values, keys, shape) if keys else values


def _dense(values: list[float], keys: list[int], shape: list[int]) -> list[float]:
    width = shape[0] if shape else max(keys) + 1
    if len(keys) != len(values) or max(keys) >= width or width > _MAX_WIDTH:
        raise ValueError(f"{len(keys)} keys for {len(values)} values in a width of {width}")
    found = [0.0] * width
    for key, value in zip(keys, values, strict=True):
        found[key] = value
    return found


def _fields(data: bytes) -> Fields:
    """Numbers and values of a protobuf message's fields."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        kind = tag & 7
        if kind == 0:
            value, place = _varint(data, place)
            yield tag >> 3, value
            continue
        if kind == 2:
            length, place = _varint(data, place)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if place + length > len(data):
            raise ValueError("a field is longer than its record")
        yield tag >> 3, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    found = shift = 0
    while True:
        byte = data[place]
        place += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return found, place
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")


def _varints(data: bytes) -> list[int]:
    found, place = [], 0
    while place < len(data):
        value, place = _varint(data, place)
        found.append(value)
    return found
