"""Rows of numbers as text: CSV and libsvm, read with an error that names the line. Loads numpy and scipy when used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Rows", "TextError", "read_csv", "read_libsvm", "stack"]

_DELIMITERS = (",", ";", "\t", "|", " ")
_MAX_FEATURES = 10_000_000


class TextError(ValueError):
    """A line that is no row of numbers; the message names the line and the value."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of numbers.

    Args:
        features: a dense (n, m) float32 array with NaN for what is missing, or a sparse CSR matrix.
        labels: (n,) float32 array; None where the text has none.
        weights: (n,) float32 array; None where the text has none.
    """

    features: Any
    labels: np.ndarray | None = None
    weights: np.ndarray | None = None


def read_csv(text: str, *, name: str, label: bool, weight: bool = False) -> Rows:
    """Rows of CSV without a header; an empty field is a missing value.

    Args:
        text: the rows; blank lines are skipped.
        name: of the file, for messages.
        label: whether the first column is the label.
        weight: whether the column after the label is the row's weight.

    Raises:
        TextError: a field is no number, or a row is longer or shorter than the first.
    """
    import numpy as np

    rows: list[list[float]] = []
    delimiter = ","
    for number, line in _lines(text):
        if not rows:
            delimiter = next((mark for mark in _DELIMITERS if mark in line), ",")
        fields = [_number(field, name, number, column) for column, field in enumerate(line.split(delimiter), 1)]
        if rows and len(fields) != len(rows[0]):
            raise TextError(f"{name}, line {number}: {len(fields)} columns, but the first row has {len(rows[0])}.")
        rows.append(fields)
    table = np.array(rows, dtype=np.float32).reshape(len(rows), len(rows[0]) if rows else 0)
    first = int(label) + int(weight)
    if rows and table.shape[1] <= first:
        raise TextError(f"{name}: {table.shape[1]} columns; there is no feature beside the label.")
    if not rows:
        return Rows(table)
    return Rows(table[:, first:], table[:, 0] if label else None, table[:, 1] if weight else None)


def _number(field: str, name: str, line: int, column: int) -> float:
    field = field.strip().strip('"')
    if not field:
        return float("nan")
    try:
        return float(field)
    except ValueError:
        hint = " CSV for training has no header line." if line == 1 else ""
        raise TextError(f"{name}, line {line}, column {column}: {field[:40]!r} is no number.{hint}") from None


def read_libsvm(text: str, *, name: str, label: bool, features: int | None = None) -> Rows:
    """Rows of libsvm: ``label[:weight] [qid:n] index:value ...``; indexes are kept as they are.

    Args:
        text: the rows; blank lines and what follows ``#`` are skipped.
        name: of the file, for messages.
        label: whether each row must have one; else rows may begin with their first feature.
        features: the model's number of features; None: as many as there are.

    Raises:
        TextError: a part is no number, or an index is not among the model's features.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    labels: list[float] = []
    weights: list[float] = []
    values: list[float] = []
    indices: list[int] = []
    starts = [0]
    for number, line in _lines(text):
        parts = line.split("#", 1)[0].split()
        target, weight = _label(parts, name, number, required=label)
        labels.append(target)
        weights.append(weight)
        for part in parts:
            index, value = _pair(part, name, number)
            if index >= 0:
                indices.append(index)
                values.append(value)
        starts.append(len(indices))
    width = max(indices, default=-1) + 1
    if features is not None and width > features:
        raise TextError(f"{name}: feature index {width - 1} is above the model's last, {features - 1}.")
    shape = (len(labels), features if features is not None else width)
    table = csr_matrix((np.array(values, np.float32), indices, starts), shape=shape)
    return Rows(
        table,
        np.array(labels, np.float32),
        np.array(weights, np.float32) if any(weight != 1.0 for weight in weights) else None,
    )


def _label(parts: list[str], name: str, line: int, *, required: bool) -> tuple[float, float]:
    """Take the label, with its weight, off the parts; NaN where the row has none."""
    if not required and (not parts or ":" in parts[0]):
        return float("nan"), 1.0
    label, _, weight = (parts.pop(0) if parts else "").partition(":")
    try:
        return float(label), float(weight) if weight else 1.0
    except ValueError:
        hint = " Rows of CSV need the content type text/csv." if "," in label else ""
        raise TextError(f"{name}, line {line}: the label {label[:40]!r} is no number.{hint}") from None


def _pair(part: str, name: str, line: int) -> tuple[int, float]:
    index, colon, value = part.partition(":")
    if index == "qid":
        return -1, 0.0
    try:
        found = int(index), float(value)
    except ValueError:
        found = -1, 0.0
        colon = ""
    if not colon or not 0 <= found[0] < _MAX_FEATURES:
        raise TextError(f"{name}, line {line}: {part[:40]!r} is not of the form index:value.")
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


def stack(parts: Iterable[Rows]) -> Rows:
    """The rows of several files as one; files with fewer libsvm features are widened."""
    import numpy as np
    from scipy import sparse

    found = list(parts)
    width = max(part.features.shape[1] for part in found)
    if sparse.issparse(found[0].features):
        for part in found:
            part.features.resize(part.features.shape[0], width)
        features = sparse.vstack([part.features for part in found], format="csr")
    else:
        odd = next((part.features.shape[1] for part in found if part.features.shape[1] != width), None)
        if odd is not None:
            raise TextError(f"One file has {odd} feature columns, another {width}.")
        features = np.vstack([part.features for part in found])
    labels = [part.labels for part in found if part.labels is not None]
    weighted = any(part.weights is not None for part in found)
    ones = [np.ones(part.features.shape[0], np.float32) if part.weights is None else part.weights for part in found]
    return Rows(features, np.concatenate(labels) if labels else None, np.concatenate(ones) if weighted else None)
