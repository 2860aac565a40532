"""Every notebook is a tutorial of the site, and every page of the documentation can be reached."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

TREE = Path(__file__).parents[2]
DOCS = TREE / "docs"
NOTEBOOKS = sorted((TREE / "notebooks").glob("*.ipynb"))
ENTRIES = re.compile(r"```\{toctree\}\n(.*?)```", flags=re.DOTALL)


@pytest.fixture(scope="module")
def extension() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notebook_pages", DOCS / "extensions" / "notebook_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def linked_from(page: Path) -> set[Path]:
    """The pages in the toctrees of this one, and in theirs."""
    lines = [line for block in ENTRIES.findall(page.read_text(encoding="utf-8")) for line in block.splitlines()]
    direct = {page.parent / f"{line}.md" for line in lines if line and not line.startswith(":")}
    return direct.union(*(linked_from(other) for other in direct))


def test_every_page_stands_in_a_toctree() -> None:
    assert linked_from(DOCS / "index.md") | {DOCS / "index.md"} == set(DOCS.rglob("*.md"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_a_tutorial_under_its_own_title(path: Path) -> None:
    stub = (DOCS / "tutorials" / f"{path.stem}.md").read_text(encoding="utf-8")
    first = nbformat.read(path, as_version=4).cells[0].source

    assert f"<!-- notebook: {path.stem} -->" in stub
    assert stub.splitlines()[0] == first.splitlines()[0]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_tutorial_has_every_cell_and_picture_of_its_notebook(extension: ModuleType, path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    page = extension.page(notebook)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]

    assert [cell.source for cell in notebook.cells if cell.source.rstrip() not in page] == []
    assert len(pictures) >= 3
    assert [html[:80] for html in pictures if html not in page] == []


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cells": [{"cell_type": "code", "source": [source], "outputs": list(outputs)}]}


def test_output_that_holds_a_fence_stays_within_its_own(extension: ModuleType) -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": ["```\n", "# no heading\n"]}

    assert extension.page(code("print(x)", stream)) == "```python\nprint(x)\n```\n\n````text\n```\n# no heading\n````\n"


def test_output_is_shown_in_its_richest_form(extension: ModuleType) -> None:
    shown = {"output_type": "display_data", "data": {"text/plain": "plain", "text/html": "<b>rich</b>"}}

    assert extension.page(code("x", shown)).endswith("```{raw} html\n<b>rich</b>\n```\n")
    assert extension.page(code("x", {"output_type": "display_data", "data": {"image/x": "?"}})) == "```python\nx\n```\n"
