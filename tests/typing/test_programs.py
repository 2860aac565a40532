"""Users' programs under a type checker: right ones pass, wrong ones are refused line by line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlflowsteps.asl.validate import validate
from tests.typing import language, today, training

HERE = Path(__file__).parent
TREE = HERE.parents[1]


def checked(*files: Path) -> str:
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", *map(str, files)]
    return subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=False).stdout


def test_users_programs_pass_strict_type_checking() -> None:
    assert checked(HERE / "training.py", HERE / "language.py", HERE / "today.py") == ""


def test_the_examples_of_the_documentation_pass_strict_type_checking() -> None:
    assert checked(*sorted((TREE / "docs" / "examples").glob("*.py"))) == ""


def test_each_mistake_is_refused_on_its_line_and_nothing_else_is() -> None:
    file = HERE / "wrong.py"
    expected = {
        (number, match[1])
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if (match := re.search(r"# error: (\S+)", line))
    }
    found = {(int(line), code) for line, code in re.findall(r"wrong\.py:(\d+): error: .*\[([\w-]+)\]", checked(file))}
    assert len(expected) > 5
    assert found == expected


@pytest.mark.parametrize(
    "definition",
    [language.build(), training.build().definition.to_dict(), today.build().definition.to_dict()],
    ids=["states", "jobs", "today"],
)
def test_the_programs_make_valid_definitions(definition: dict[str, object]) -> None:
    assert validate(definition) == []
