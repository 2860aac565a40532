"""The recorded cases of the service, where this checkout has them beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.exceptions import StatesError

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "conformance"

needs_recordings = pytest.mark.skipif(not FOLDER.is_dir(), reason="no recordings at ../shared/conformance")


@cache
def cases(family: str) -> list[dict[str, Any]]:
    path = FOLDER / f"{family}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


@cache
def families() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def as_params(found: list[dict[str, Any]]) -> list[Any]:
    """One parameter a case; one skipped parameter where there are no recordings."""
    if not found:
        return [pytest.param(None, marks=pytest.mark.skip(reason="no recordings at ../shared/conformance"))]
    return [pytest.param(case, id=case["id"].split("::", 1)[-1]) for case in found]


def outcome(call: Callable[[], Any], made: Any = None) -> Any:
    """What a call gives (or ``made`` in its place), or the name of the language's error that it raises."""
    try:
        found = call()
    except StatesError as error:
        return error.error
    return found if made is None else made
