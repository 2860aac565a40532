"""Shows a committed notebook, with the outputs it was committed with, as a page of the site; nothing is executed.

A page that holds ``<!-- notebook: NAME -->`` becomes ``notebooks/NAME.ipynb``: its Markdown as it stands, its code as
code, its outputs below. The page's own text is what is read where no site is built. This is all that we need of what
myst-nb and nbsphinx do, without their dependencies (a cache with a database, pandoc).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
MARKER = re.compile(r"<!-- notebook: (\w+) -->")


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("source-read", show_notebook)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def show_notebook(app: Sphinx, _name: str, source: list[str]) -> None:
    """Put the notebook in the page's place where the page names one."""
    marker = MARKER.search(source[0])
    if marker is None:
        return
    path = NOTEBOOKS / f"{marker.group(1)}.ipynb"
    app.env.note_dependency(str(path))
    source[0] = page(json.loads(path.read_text(encoding="utf-8")))


def page(notebook: dict[str, Any]) -> str:
    """The notebook as MyST text."""
    return "\n\n".join(part for cell in notebook["cells"] for part in MAKERS[cell["cell_type"]](cell)) + "\n"


def told(value: str | list[str]) -> str:
    """A text of a notebook, which may be stored in lines."""
    return value if isinstance(value, str) else "".join(value)


def markdown_cell(cell: dict[str, Any]) -> list[str]:
    """Its text."""
    return [told(cell["source"])]


def code_cell(cell: dict[str, Any]) -> list[str]:
    """Its code and what it showed."""
    shown = [output(given) for given in cell["outputs"]]
    return [fenced("python", told(cell["source"])), *(text for text in shown if text)]


def output(given: dict[str, Any]) -> str:
    """One output in its richest form that a page can show; "" where it shows nothing."""
    if given["output_type"] == "stream":
        return fenced("text", told(given["text"]))
    data = given.get("data", {})
    return next((show(told(data[kind])) for kind, show in KINDS.items() if kind in data), "")


def fenced(language: str, text: str) -> str:
    """The text in a fence that is longer than any in it."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


MAKERS = {"markdown": markdown_cell, "code": code_cell}
KINDS = {
    "text/html": lambda text: fenced("{raw} html", text),
    "text/markdown": lambda text: text,
    "text/plain": lambda text: fenced("text", text),
}
