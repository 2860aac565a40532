"""Configuration of the documentation's build: ``sphinx-build -W docs docs/_build``; nothing is downloaded by it."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "mlflowsteps"
author = "The mlflowsteps developers"
version = release = installed_version("mlflowsteps")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
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
html_static_path: list[str] = []
html_show_copyright = False
