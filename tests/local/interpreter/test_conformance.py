"""Recorded executions of the service that need no other service, run through the interpreter alone."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .driver import header, play

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
CASES = SHARED / "conformance"
COMPARE = SHARED / "tools" / "conformance" / "compare.py"

pytestmark = pytest.mark.skipif(not COMPARE.exists(), reason="the recordings of the service are not beside this folder")


def cases() -> Iterator[dict[str, Any]]:
    for path in sorted(CASES.glob("*.json")) if COMPARE.exists() else ():
        for case in json.loads(path.read_text()):
            if case["kind"] == "execution" and not case["needs"] and isinstance(case["definition"], dict):
                yield case


def load_compare() -> Any:
    spec = importlib.util.spec_from_file_location("conformance_compare", COMPARE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def levels(case: dict[str, Any], compare: Any) -> tuple[tuple[bool, bool, bool | None], str | None]:
    account = "arn:aws:states:us-east-1:111111111111"
    born = header(
        case["input"] if case["input"] is not None else "{}",
        case["type"],
        role_arn=case["role"],
        machine_name=case["machine_name"],
        machine_arn=f"{account}:stateMachine:{case['machine_name']}",
        name=case["name"] or "run",
        execution_arn=f"{account}:execution:{case['machine_name']}:{case['name'] or 'run'}",
    )
    played = play(case["definition"], born=born)
    end = played.end
    assert end is not None
    result = {
        "status": end.status, "output": end.output_text, "error": end.error, "cause": end.cause,
        "events": played.history,
    }  # fmt: skip
    found: tuple[tuple[bool, bool, bool | None], str | None] = compare.execution_levels(case, result)
    return found
