"""Every notebook runs from top to bottom on the embedded runtime, and is committed with the outputs of such a run.

``MLFLOWSTEPS_UPDATE_NOTEBOOKS=1`` writes the outputs of the run into the notebooks.
"""

from __future__ import annotations

import base64
import functools
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
UPDATE = "MLFLOWSTEPS_UPDATE_NOTEBOOKS"
MOST_BYTES = 300_000
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

STATES = {
    "own_container_retry_alert": ["Train", "Alert", "Give up"],
    "parallel_experiments": ["Train all", "Train one", "Choose best", "Deploy"],
    "preprocess_and_train": ["Deliver", "Prepare", "Train"],
    "train_and_batch_transform": ["Seed", "Train", "Save model", "Predict"],
    "train_transform_deploy": ["Train", "Save model", "Deploy endpoint"],
}


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs_of(notebook: Any) -> list[Any]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def told_by(notebook: Any) -> str:
    """What every cell printed or showed as text."""
    outputs = outputs_of(notebook)
    return "\n".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


def tables(notebook: Any) -> list[list[list[str]]]:
    """The Markdown tables that cells show, row by row, without heads."""
    shown = [
        output.data["text/markdown"]
        for output in outputs_of(notebook)
        if output.get("data", {}).keys() & {"text/markdown"}
    ]
    own = [text for text in shown if text.startswith("|")]
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]] for text in own]


def pictures(notebook: Any) -> list[str]:
    """The HTML that cells show: graphs, progress and tables."""
    return [output.data["text/html"] for output in outputs_of(notebook) if "text/html" in output.get("data", {})]


def graphs(notebook: Any) -> list[str]:
    """The SVG of each graph that cells show."""
    encoded = [re.findall(r'<img data-graph[^>]+base64,([^"]+)"', html) for html in pictures(notebook)]
    return [base64.b64decode(text).decode() for texts in encoded for text in texts]


@functools.cache
def executed(name: str) -> Any:
    """The notebook, run in an empty folder by a kernel that is given no AWS configuration."""
    path = FOLDER / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(
            notebook, timeout=300, resources={"metadata": {"path": folder}}, record_timing=False
        )
        client.execute(env=kept)
        assert list(Path(folder).iterdir()) == [], "the notebook left files behind"
    if os.environ.get(UPDATE):
        nbformat.write(notebook, path)
    return notebook


def figures(name: str, pattern: str) -> tuple[str, ...]:
    """The groups of the first place where the pattern occurs in what the notebook told."""
    found = re.search(pattern, told_by(executed(name)))
    assert found, f"{name} does not tell {pattern!r}"
    return found.groups()


# --- What each one shows


def test_s0_the_model_of_preprocessed_rows_ranks_rows_it_never_saw() -> None:
    rows, area = figures("preprocess_and_train", r"test rows: (\d+)   AUC: (\S+)")

    assert int(rows) == 84  # 569 less the 12 with a missing measurement, 15 %
    assert float(area) > 0.95


def test_s1_the_batch_transform_answers_every_row_better_than_the_most_frequent_answer() -> None:
    right, rows, naive = map(
        int, figures("train_and_batch_transform", r"model: (\d+) of (\d+) right   .*?: (\d+) of \d+ right")
    )
    ((*counts,),) = tables(executed("train_and_batch_transform"))

    assert right > 2 * naive
    assert sum(int(row[grower + 1]) for grower, row in enumerate(counts)) == right
    assert sum(int(value) for row in counts for value in row[1:]) == rows


def test_s2_the_model_beats_the_mean_and_the_endpoint_agrees_with_the_batch() -> None:
    model, mean = map(float, figures("train_transform_deploy", r"model: (\S+)   mean: (\S+)"))
    endpoint, batch = figures("train_transform_deploy", r"endpoint: (\S+)   batch: (\S+)")

    assert model < 0.85 * mean
    assert endpoint == batch


def test_s3_throttling_is_survived_and_a_failing_program_alerts_somebody() -> None:
    name = "own_container_retry_alert"

    assert figures(name, r"attempts: (\d+)   alerts: (\d+)") == ("3", "0")
    assert figures(name, r"FAILED in '(.+)' with (\w+)") == ("Give up", "TrainingFailed")
    assert figures(name, r"Training on (\w+)'s data failed\nFailed because (.+)") == ("tuesday", "no such column: rent")


def test_s3_the_picture_of_the_failure_shows_caught_error_and_log() -> None:
    monday, tuesday = (html for html in pictures(executed("own_container_retry_alert")) if "Timeline" in html)

    assert "no such column: rent" in tuesday
    assert "no such column: rent" not in monday


def test_experiments_are_compared_and_the_best_one_is_deployed() -> None:
    name = "parallel_experiments"
    (rows,) = tables(executed(name))
    errors = [float(row[4]) for row in rows[:-1]]
    job, error, mean = figures(name, r"deployed: (\S+)   error: (\S+)   mean: (\S+)")

    assert len(rows) == 7
    assert errors == sorted(errors)
    assert rows[-1][0] == "not trained"
    assert [row[0] for row in rows if row[5]] == [job] == [rows[0][0]]
    assert float(error) < 0.9 * float(mean)


# --- What holds for all of them


def test_every_notebook_is_known_here() -> None:
    assert [path.stem for path in NOTEBOOKS] == sorted(STATES)


@every_notebook
def test_graph_progress_and_tables_are_self_contained(path: Path) -> None:
    shown, drawn = pictures(executed(path.stem)), graphs(executed(path.stem))

    assert len(drawn) >= 2  # the graph and the progress
    assert [svg[:40] for svg in drawn for state in STATES[path.stem] if state not in svg] == []
    assert any("ExecutionStarted" in html or "ExecutionSucceeded" in html for html in shown)
    assert all("<script src" not in html and "<link" not in html for html in shown)


@every_notebook
def test_run_leaves_nothing_on_standard_error(path: Path) -> None:
    assert [output.text for output in outputs_of(executed(path.stem)) if output.get("name") == "stderr"] == []


@every_notebook
def test_notebook_is_committed_as_it_ran(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    counts = [cell.execution_count for cell in code_cells(notebook)]

    assert counts == list(range(1, len(counts) + 1)), f"run the tests with {UPDATE}=1"
    assert pictures(notebook)


@every_notebook
def test_notebook_is_small_and_names_no_home_folder(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert len(text) < MOST_BYTES
    assert not re.search(r"/(home|root|Users|work)/\w", text)
