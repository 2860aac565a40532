"""Every Python block of the README and of the documentation runs, page by page, from top to bottom.

Blocks that need one of SageMaker's SDKs run where it is installed: ``tests/sdk2`` and ``tests/sdk3``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parity.pages import FORMS, PAGES, PLAIN, forms_of, program_of, run_apart

RUNNABLE = [page for page in PAGES if program_of(page).strip()]


def test_readme_and_guides_hold_programs() -> None:
    assert {"README.md", "getting-started.md", "concepts.md"} <= {page.name for page in RUNNABLE}


def test_every_form_that_a_block_is_marked_with_is_run_somewhere() -> None:
    assert {form for page in PAGES for form in forms_of(page)} == set(FORMS)


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_programs_of_the_page_run(page: Path, tmp_path: Path) -> None:
    run_apart(page, PLAIN, tmp_path)
