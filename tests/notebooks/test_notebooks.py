"""Every notebook runs from top to bottom on the embedded runtime, and is committed with the outputs of such a run.

``MLFLOWSTEPS_UPDATE_NOTEBOOKS=1`` writes the outputs of the run into the notebooks.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
UPDATE = "MLFLOWSTEPS_UPDATE_NOTEBOOKS"


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook: Any) -> str:
    """What every cell printed or showed as text."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return "\n".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


def pictures(notebook: Any) -> list[str]:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook, run in an empty folder by a kernel that is given no AWS configuration."""
    path = FOLDER / "train_transform_deploy.ipynb"
    notebook = nbformat.read(path, as_version=4)
    folder = tmp_path_factory.mktemp("notebook")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(folder)}}, record_timing=False
    )
    client.execute(env=kept)
    if os.environ.get(UPDATE):
        nbformat.write(notebook, path)
    return notebook


def test_model_beats_the_mean_and_the_endpoint_agrees_with_the_batch(executed: Any) -> None:
    told = texts(executed)
    (model, mean), *_ = re.findall(r"model: (\S+)   mean: (\S+)", told)
    (endpoint, batch), *_ = re.findall(r"endpoint: (\S+)   batch: (\S+)", told)

    assert float(model) < 0.85 * float(mean)
    assert endpoint == batch


def test_graph_progress_and_tables_are_self_contained(executed: Any) -> None:
    shown = pictures(executed)

    assert len(shown) == 5  # graph, progress, events, executions, workflows
    assert all("<script src" not in html and "<link" not in html for html in shown)
    assert all(state in html for html in shown[:3] for state in ("Train", "Save model", "Deploy endpoint"))


def test_run_leaves_nothing_on_standard_error(executed: Any) -> None:
    outputs = [output for cell in code_cells(executed) for output in cell.outputs]

    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_committed_as_it_ran(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    counts = [cell.execution_count for cell in code_cells(notebook)]

    assert counts == list(range(1, len(counts) + 1)), f"run the tests with {UPDATE}=1"
    assert pictures(notebook)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_names_no_home_folder(path: Path) -> None:
    assert not re.search(r"/(home|root|Users|work)/\w", path.read_text(encoding="utf-8"))
