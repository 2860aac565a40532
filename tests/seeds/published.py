"""The seed workflows' definitions as their texts publish them, read from the developers' folder where it is there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"
ABALONE = SHARED / "data" / "abalone.libsvm"


def published(seed: str) -> list[dict[str, Any]]:
    """Every state machine definition in the text of a seed, such as ``S0``; skips the test where there is no text."""
    files = sorted((SHARED / "seeds").glob(f"{seed}-*.md"))
    if not files:
        pytest.skip(f"the text of seed {seed} is not on this machine")
    blocks = re.findall(r"```(?:json)?\n(.*?)```", files[0].read_text(encoding="utf-8"), re.DOTALL)
    documents = [json.loads(block) for block in blocks if block.lstrip().startswith("{")]
    return [document for document in documents if "StartAt" in document]


def abalone() -> list[str]:
    """The lines of the Abalone data set in libsvm form; skips the test where it is not there."""
    if not ABALONE.is_file():
        pytest.skip("the Abalone data set is not on this machine")
    return ABALONE.read_text(encoding="utf-8").splitlines()
