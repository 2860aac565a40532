"""Every Python block of the README and of the documentation runs, page by page, from top to bottom."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
PAGES = [TREE / "README.md", *sorted((TREE / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(<!-- not run: .+ -->\n)?```python\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)


def program_of(page: Path) -> str:
    """The page's Python blocks as one program, each at its own line so that a traceback leads to it."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * len(text.splitlines())
    for block in BLOCK.finditer(text):
        if block.group(1) is None:
            first = text.count("\n", 0, block.start(2))
            code = block.group(2).splitlines()
            lines[first : first + len(code)] = code
    return "\n".join(lines)


RUNNABLE = [page for page in PAGES if program_of(page).strip()]


def test_readme_and_guides_hold_programs() -> None:
    assert {"README.md", "getting-started.md", "concepts.md"} <= {page.name for page in RUNNABLE}


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_programs_of_the_page_run(page: Path, tmp_path: Path) -> None:
    program = tmp_path / f"{page.stem}.py"
    program.write_text(program_of(page), encoding="utf-8")

    result = subprocess.run(
        [sys.executable, program], check=False, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )

    assert result.returncode == 0, f"{page}:\n{result.stderr}"
