"""A Chromium of the system's, driven by playwright; both are only used where they are there already.

Nothing is downloaded and nothing is asked of a network: pages come from memory or from files, and every other request
is recorded and refused.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((path for path in map(shutil.which, NAMES) if path), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the browser."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip(f"no Chromium on PATH (looked for {', '.join(NAMES)}); on Debian: apt-get install chromium")
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("the package playwright is not installed: pip install 'mlflowsteps[browser]'")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # Tests often run as root in a container, where Chromium's own sandbox cannot.
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


class Seen:
    """A page and what happened in it.

    Args:
        page: playwright's.
    """

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self._requested(request.url))
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._asked)
        page.route("**/*", self._answer)

    def _requested(self, address: str) -> None:
        if not address.startswith(("data:", "about:", "file:", "blob:")):
            self.requests.append(address)

    def _said(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _asked(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _answer(self, route: Any) -> None:
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            route.abort()

    def assert_quiet(self) -> None:
        """No script of a value's ran, nothing was asked of a network, nothing was complained about."""
        assert self.page.evaluate("window.__ran") is None
        assert self.requests == []
        assert self.complaints == []


Opener = Callable[..., Seen]


@pytest.fixture
def opened(browser: Any) -> Iterator[Opener]:
    """Opens HTML in a page that looks like a notebook's, or a file as it is."""
    contexts = []

    def open_page(content: str | Path, *, dark: bool = False, system_dark: bool | None = None) -> Seen:
        scheme = "dark" if (dark if system_dark is None else system_dark) else "light"
        context = browser.new_context(viewport={"width": 1200, "height": 1000}, color_scheme=scheme)
        contexts.append(context)
        seen = Seen(context.new_page())
        if isinstance(content, Path):
            seen.page.goto(content.as_uri())
        else:
            seen.page.set_content(notebook_like(content, dark=dark))
        return seen

    yield open_page
    for context in contexts:
        context.close()


def notebook_like(markup: str, *, dark: bool = False) -> str:
    """A page with a notebook's surroundings: the theme's colours on the body, none of our own style."""
    paper, ink, link = ("#111111", "#e0e0e0", "#64b5f6") if dark else ("#ffffff", "#212121", "#1565c0")
    style = (
        f"body{{margin:0;padding:12px;background:{paper};color:{ink};color-scheme:{'dark' if dark else 'light'}}}"
        f"a{{color:{link}}}"
    )
    return f"<!DOCTYPE html><html lang=en><head><style>{style}</style></head><body>{markup}</body></html>"
