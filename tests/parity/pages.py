"""The documentation's Python blocks as programs: which blocks belong together, and running them in this process.

A comment before a block says what becomes of it: ``<!-- only with: FORM -->`` belongs to the program of that form,
``<!-- file: NAME -->`` is a file that the page's programs find beside them, ``<!-- not run: WHY -->`` neither. A block
without one belongs to every program of its page. The form ``PLAIN`` needs no SDK.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.parity.s2 import differences

TREE = Path(__file__).parents[2]
PAGES = [TREE / "README.md", *sorted((TREE / "docs").rglob("*.md"))]
MIGRATING = TREE / "docs" / "migrating-sagemaker.md"
PLAIN, OLD, SDK2, SDK3 = "plain requests", "stepfunctions", "SageMaker SDK 2", "SageMaker SDK 3"
FORMS = (PLAIN, OLD, SDK2, SDK3)

_BLOCK = re.compile(
    r"(?:<!-- (?P<kind>only with|file|not run): (?P<what>[^\n]+) -->\n)?```python\n(?P<code>.*?)^```",
    flags=re.DOTALL | re.MULTILINE,
)


def program_of(page: Path, form: str = PLAIN) -> str:
    """The page's blocks of one form as one program, each at its own line so that a traceback leads to it."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * len(text.splitlines())
    for block in _BLOCK.finditer(text):
        if block["kind"] is None or (block["kind"], block["what"]) == ("only with", form):
            first = text.count("\n", 0, block.start("code"))
            code = block["code"].splitlines()
            lines[first : first + len(code)] = code
    return "\n".join(lines)


def forms_of(page: Path) -> list[str]:
    """The forms that blocks of a page are marked with, once each."""
    return list(dict.fromkeys(b["what"] for b in _BLOCK.finditer(page.read_text("utf-8")) if b["kind"] == "only with"))


def write_files(page: Path, folder: Path) -> None:
    """Write the files that a page's programs find beside them."""
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        if block["kind"] == "file":
            file = folder / block["what"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block["code"], encoding="utf-8")


def run(page: Path, form: str) -> dict[str, Any]:
    """Run the page's program of a form in this process, in the current folder; gives its names."""
    write_files(page, Path.cwd())
    names: dict[str, Any] = {"__name__": page.stem}
    exec(compile(program_of(page, form), str(page), "exec"), names)
    return names


def run_apart(page: Path, form: str, folder: Path) -> None:
    """Run the page's program of a form in a process of its own.

    Raises:
        AssertionError: it fails; the message is what it wrote to its standard error.
    """
    program = folder / f"{page.stem}.py"
    program.write_text(program_of(page, form), encoding="utf-8")
    write_files(page, folder)
    result = subprocess.run(
        [sys.executable, program], check=False, cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, f"{page}, {form}:\n{result.stderr}"


def ended(names: dict[str, Any]) -> dict[str, Any]:
    """The names of a program that has ended, its runtime closed."""
    if "runtime" in names:
        names["runtime"].deactivate()
        names["runtime"].close()
    return names


_STATES_MEMBER = re.compile(r"/States/|/Parameters(?=/)|/\d+(?=/|$)|\.\$$")


def places(made: Any, expected: Any) -> list[str]:
    """State and member of each difference between two definitions, once each and without positions in lists."""
    found = differences(made, expected)
    return list(dict.fromkeys(_STATES_MEMBER.sub("", place).removeprefix("/") for place, _, _ in found))


def told(page: Path, form: str) -> list[str]:
    """State and member of each difference that a page's table tells of a form."""
    return re.findall(rf"^\| {re.escape(form)} \| `(.+?)` \|", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
