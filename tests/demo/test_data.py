"""The demo's data, script and arithmetic, without a runtime."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from mlflowsteps.demo.data import diabetes_csv, root_mean_square_error
from mlflowsteps.demo.workflow import SCRIPT


def run_script(source: Path, output: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, "--input", source, "--output", output]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def read(path: Path) -> list[list[float]]:
    with path.open(newline="") as stream:
        return [[float(cell) for cell in row] for row in csv.reader(stream)]


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    source = tmp_path / "raw"
    source.mkdir()
    (source / "diabetes.csv").write_text(diabetes_csv())
    run_script(source, tmp_path / "out").check_returncode()
    return tmp_path / "out"


def test_data_are_442_patients_of_ten_measurements_and_a_label() -> None:
    header, *rows = csv.reader(diabetes_csv().splitlines())

    assert header[-1] == "progression"
    assert len(rows) == 442
    assert {len(row) for row in rows} == {11}


def test_script_splits_every_row_into_one_part(outputs: Path) -> None:
    parts = {name: read(outputs / name / f"{name}.csv") for name in ("train", "validation", "test", "labels")}

    assert [len(parts[name]) for name in ("train", "validation", "test")] == [309, 66, 67]
    assert len(parts["labels"]) == len(parts["test"])
    labels = sorted(row[0] for name in ("train", "validation", "labels") for row in parts[name])
    assert labels == sorted(float(line.rsplit(",", 1)[1]) for line in diabetes_csv().splitlines()[1:])


def test_script_standardises_by_the_training_rows_and_puts_the_label_first(outputs: Path) -> None:
    training = read(outputs / "train" / "train.csv")

    for column in range(1, 11):
        values = [row[column] for row in training]
        mean = sum(values) / len(values)
        assert mean == pytest.approx(0, abs=1e-3)
        assert sum((value - mean) ** 2 for value in values) / len(values) == pytest.approx(1, abs=1e-3)
    assert min(row[0] for row in training) >= 25  # the least progression there is


def test_script_leaves_out_incomplete_and_repeated_rows(tmp_path: Path) -> None:
    header, *rows = diabetes_csv().splitlines()
    incomplete = "," + rows[0].split(",", 1)[1]
    (tmp_path / "raw.csv").write_text("\n".join([header, *rows, rows[3], incomplete, "", incomplete]))

    result = run_script(tmp_path / "raw.csv", tmp_path / "out")

    assert result.stdout.startswith("445 rows read, 442 kept")


def test_script_without_data_says_so_and_fails(tmp_path: Path) -> None:
    result = run_script(tmp_path, tmp_path / "out")

    assert result.returncode == 1
    assert result.stderr == f"no rows in any *.csv file of {tmp_path}\n"


def test_script_names_no_path_of_the_container() -> None:
    assert "/opt/ml" not in SCRIPT.read_text(encoding="utf-8")


def test_error_is_the_root_of_the_mean_square() -> None:
    assert root_mean_square_error([1.0, 1.0], [4.0, 5.0]) == pytest.approx((25 / 2) ** 0.5)


@pytest.mark.parametrize(("predictions", "labels"), [([], []), ([1.0], [1.0, 2.0])])
def test_error_of_nothing_or_of_unequal_lengths_is_refused(predictions: list[float], labels: list[float]) -> None:
    with pytest.raises(ValueError, match=r"empty|zip"):
        root_mean_square_error(predictions, labels)
