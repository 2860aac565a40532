"""The pictures of the documentation are what the code draws today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def test_picture_of_the_demo_is_up_to_date(tmp_path: Path) -> None:
    subprocess.run([sys.executable, IMAGES / "make.py", tmp_path], check=True, capture_output=True)

    drawn = (tmp_path / "graph.svg").read_text(encoding="utf-8")
    committed = (IMAGES / "graph.svg").read_text(encoding="utf-8")
    assert drawn == committed, "run: python docs/images/make.py"
