"""Clean, split and standardise a CSV file: the script of the demo's processing job.

It runs as it stands in SageMaker's scikit-learn image and on a laptop. Where its input and outputs are it learns from
its arguments, never from a path of its own, so that it can also be run by hand::

    python transform.py --input raw.csv --output out

It reads every ``*.csv`` under ``--input`` (a header; numbers, the label in the last column) and writes to ``--output``

- ``train/train.csv`` and ``validation/validation.csv``: what the built-in XGBoost reads: no header, the label first;
- ``test/test.csv``: the features of the rows held back, for the batch transform;
- ``labels/labels.csv``: the labels of those rows, in the same order, to judge the predictions by.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def read_rows(folder: Path) -> np.ndarray:
    """Read the numbers of every CSV file in ``folder``; an empty cell becomes NaN."""
    files = sorted(folder.rglob("*.csv")) if folder.is_dir() else [folder]
    rows = []
    for file in files:
        with file.open(newline="") as stream:
            records = csv.reader(stream)
            next(records)  # the header
            rows += [[float(cell) if cell.strip() else float("nan") for cell in record] for record in records if record]
    if not rows:
        raise SystemExit(f"no rows in any *.csv file of {folder}")
    return np.array(rows)


def clean(rows: np.ndarray) -> np.ndarray:
    """Leave out rows with a value missing, and repeated rows."""
    complete = rows[~np.isnan(rows).any(axis=1)]
    return np.unique(complete, axis=0)


def write_rows(path: Path, rows: np.ndarray) -> None:
    """Write ``rows`` without a header, as SageMaker's built-in algorithms read CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, rows, delimiter=",", fmt="%.6g")


def main() -> None:
    """Run the job: read, clean, split, standardise, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    raw = read_rows(arguments.input)
    rows = clean(raw)
    training, held_back = train_test_split(rows, test_size=0.3, random_state=arguments.seed)
    validation, test = train_test_split(held_back, test_size=0.5, random_state=arguments.seed)

    # Mean and spread of the training rows only: the rows held back must not have a say in them.
    scaler = StandardScaler().fit(training[:, :-1])
    for name, part in (("train", training), ("validation", validation)):
        labelled = np.column_stack([part[:, -1], scaler.transform(part[:, :-1])])
        write_rows(arguments.output / name / (name + ".csv"), labelled)
    write_rows(arguments.output / "test" / "test.csv", scaler.transform(test[:, :-1]))
    write_rows(arguments.output / "labels" / "labels.csv", test[:, -1:])
    print(
        f"{len(raw)} rows read, {len(rows)} kept: {len(training)} train, {len(validation)} validation, {len(test)} test"
    )


if __name__ == "__main__":
    main()
