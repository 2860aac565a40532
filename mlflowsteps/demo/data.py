"""The demo's data: the Lambda function that puts it into S3, and the judging of the predictions made of it.

The data are the 442 diabetes patients of Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression" (2004), as
scikit-learn carries them: ten measurements each, and how far the disease had gone on a year later (25 to 346).
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

__all__ = ["diabetes_csv", "root_mean_square_error", "seed_data"]


def seed_data(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Put the raw data into S3: the workflow's Lambda function ``seed-data``.

    Args:
        event: ``Bucket`` and ``Key`` of the object to write.
        context: Lambda's context; the embedded runtime's has ``client(name)``, which gives the runtime's clients.

    Returns:
        ``Bucket``, ``Key`` and ``Rows``, the number of patients.
    """
    text = diabetes_csv()
    s3 = context.client("s3") if hasattr(context, "client") else _s3()
    s3.put_object(Bucket=event["Bucket"], Key=event["Key"], Body=text.encode(), ContentType="text/csv")
    return {"Bucket": event["Bucket"], "Key": event["Key"], "Rows": text.count("\n") - 1}


def _s3() -> Any:
    import boto3

    return boto3.client("s3")


def diabetes_csv() -> str:
    """The data as CSV: a header, one line per patient, the label ``progression`` in the last column."""
    from sklearn.datasets import load_diabetes

    patients = load_diabetes(scaled=False)  # as measured: standardising them is the processing job's work
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*patients.feature_names, "progression"])
    for features, label in zip(patients.data.tolist(), patients.target.tolist(), strict=True):
        writer.writerow([*features, label])
    return text.getvalue()


def root_mean_square_error(predictions: Sequence[float], labels: Sequence[float]) -> float:
    """Typical size of the error, in the label's unit.

    Args:
        predictions: one number per row.
        labels: the true values, in the same order.

    Returns:
        The square root of the mean squared difference, >= 0.

    Raises:
        ValueError: the two differ in length, or are empty.

    >>> root_mean_square_error([1.0, 2.0], [1.0, 4.0]) == math.sqrt(2)
    True
    """
    if not labels:
        raise ValueError("there is no label to judge by: both sequences are empty")
    return math.sqrt(sum((p - y) ** 2 for p, y in zip(predictions, labels, strict=True)) / len(labels))
