"""The documentation's blocks for SDK 3 run, and make the workflow of plain requests."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from tests.parity import pages
from tests.parity.pages import MIGRATING, PLAIN, SDK3

RUNS = [page for page in pages.PAGES if SDK3 in pages.forms_of(page) and page != MIGRATING]  # it has its own test


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.mark.parametrize("page", RUNS, ids=lambda page: page.name)
def test_blocks_of_the_page_run(page: Path, tmp_path: Path) -> None:
    pages.run_apart(page, SDK3, tmp_path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with contextlib.chdir(tmp_path_factory.mktemp("plain")):
        return pages.ended(pages.run(MIGRATING, PLAIN))


def test_the_form_of_the_sdk_differs_from_plain_requests_as_the_page_tells(
    plain: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SAGEMAKER_VALIDATE_ROLE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)  # the page sets what it needs
    mine = pages.ended(pages.run(MIGRATING, SDK3))
    assert mine["predictions"] == plain["predictions"]
    expected = plain["workflow"].definition.to_dict()
    assert sorted(pages.places(mine["workflow"].definition.to_dict(), expected)) == sorted(pages.told(MIGRATING, SDK3))
