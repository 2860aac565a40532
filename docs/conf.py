"""Configuration of the documentation's build: ``sphinx-build -W docs docs/_build``; nothing is downloaded by it."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "mlflowsteps"
author = "The mlflowsteps developers"
version = release = installed_version("mlflowsteps")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "notebook_pages"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True, "exclude-members": "known"}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# "Source" is a section of ours: where the standard or the service says so.
napoleon_custom_sections = [("Source", "notes_style")]

html_theme = "furo"
html_title = "mlflowsteps"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_copyright = False


def unlink_builtin_type(_app: Any, document: nodes.document) -> None:
    """Python's ``type`` in signatures is a plain word: Sphinx would look for it among our properties named ``type``."""
    for reference in [*document.findall(addnodes.pending_xref)]:
        if reference.get("reftarget") == "type":
            reference.replace_self(reference.children)


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("doctree-read", unlink_builtin_type)
