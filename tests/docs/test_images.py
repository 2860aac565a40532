"""The pictures of the documentation are what the code draws today."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

TREE = Path(__file__).parents[2]
IMAGES = TREE / "docs" / "images"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pictures, drawn now."""
    folder = tmp_path_factory.mktemp("images")
    subprocess.run([sys.executable, IMAGES / "make.py", folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("name", ["graph.svg", "progress.svg", "rooms.svg"])
def test_picture_is_up_to_date(drawn: Path, name: str) -> None:
    committed = (IMAGES / name).read_text(encoding="utf-8")

    assert (drawn / name).read_text(encoding="utf-8") == committed, "run: python docs/images/make.py"


def test_picture_of_the_execution_shows_every_step_of_the_demo_as_succeeded(drawn: Path) -> None:
    from mlflowsteps.demo.workflow import build_workflow

    states = build_workflow("bucket", "arn:aws:iam::123456789012:role/any").definition.to_dict()["States"]
    text = (drawn / "progress.svg").read_text(encoding="utf-8")

    assert [state for state in states if state not in text] == []
    assert text.count("Succeeded") >= len(states)


def test_picture_of_the_rooms_has_every_layer_of_the_import_contract(drawn: Path) -> None:
    contracts = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = [layer for contract in contracts for layer in contract.get("layers", [])]
    names = {name.strip() for layer in layers for name in layer.split("|") if "(" not in name}
    shown = {element.text for element in ET.parse(drawn / "rooms.svg").iter() if element.get("font-weight")}

    assert names <= shown
