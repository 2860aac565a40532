"""The documentation's blocks for SDK 2 and for the old package run, and make the workflow of plain requests."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.parity import pages
from tests.parity.pages import MIGRATING, OLD, PLAIN, SDK2

RUNS = [
    (page, form)
    for page in pages.PAGES
    for form in pages.forms_of(page)
    if form in (OLD, SDK2) and page != MIGRATING  # which has tests of its own below
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    level = logging.getLogger().level  # the old package sets it
    yield
    logging.getLogger().setLevel(level)


@pytest.mark.parametrize(("page", "form"), RUNS, ids=lambda value: getattr(value, "name", value))
def test_blocks_of_the_page_run(page: Path, form: str, tmp_path: Path) -> None:
    pages.run_apart(page, form, tmp_path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with contextlib.chdir(tmp_path_factory.mktemp("plain")):
        return pages.ended(pages.run(MIGRATING, PLAIN))


def test_the_form_of_the_sdk_differs_from_plain_requests_as_the_page_tells(plain: dict[str, Any]) -> None:
    mine = pages.ended(pages.run(MIGRATING, SDK2))
    assert mine["predictions"] == plain["predictions"]
    expected = plain["workflow"].definition.to_dict()
    assert sorted(pages.places(mine["workflow"].definition.to_dict(), expected)) == sorted(pages.told(MIGRATING, SDK2))


def test_the_old_package_makes_the_definition_of_the_same_objects_but_for_what_the_page_tells(
    plain: dict[str, Any],
) -> None:
    old = pages.ended(pages.run(MIGRATING, OLD))
    assert old["predictions"] == plain["predictions"]
    found = pages.places(old["workflow"].definition.to_dict(), plain["workflow"].definition.to_dict())
    own_key = "Prepare/ProcessingInputs/S3Input/S3Uri"
    assert sorted([*found, own_key]) == sorted(pages.told(MIGRATING, SDK2))
