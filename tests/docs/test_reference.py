"""Every public name of the rooms a user imports stands in the reference."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
ROOMS = ["steps", "inputs", "workflow", "local", "display", "exceptions"]


def named_one_by_one(room: str) -> set[str]:
    page = (REFERENCE / f"{room}.md").read_text(encoding="utf-8")
    return set(re.findall(rf"auto(?:class|function|data):: mlflowsteps\.{room}\.(\w+)", page))


@pytest.mark.parametrize("room", ROOMS)
def test_public_names_stand_in_the_reference(room: str) -> None:
    module = importlib.import_module(f"mlflowsteps.{room}")
    page = (REFERENCE / f"{room}.md").read_text(encoding="utf-8")
    # autodoc sees what the module holds once imported; a name that is loaded when first asked for it does not see
    program = f"import mlflowsteps.{room} as m; print(*[n for n in m.__all__ if n in vars(m)])"
    eager = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    found = named_one_by_one(room) | (set() if ":no-members:" in page else set(eager))

    assert found == set(module.__all__)
