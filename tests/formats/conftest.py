"""What the formats' tests share: the sample, built once, and a real browser."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from pypdf import PdfReader

from auditkit.formats import build


def _load() -> ModuleType:
    """Load sample.py by path: the tests are no package."""
    spec = importlib.util.spec_from_file_location("formats_sample", Path(__file__).with_name("sample.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def invented() -> ModuleType:
    """The module sample.py."""
    return _load()


@pytest.fixture(scope="session")
def estate(invented: ModuleType) -> Any:
    """The sample assessment and its tables."""
    return invented.sample()


@pytest.fixture(scope="session")
def html(estate: Any, invented: ModuleType) -> str:
    """report.html of the sample."""
    return build("html", *estate, invented.MADE).decode()


@pytest.fixture(scope="session")
def pdf(invented: ModuleType) -> PdfReader:
    """report.pdf of a sample with fewer findings, hostile names among them."""
    return PdfReader(BytesIO(build("pdf", *invented.sample(5), invented.MADE)))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield started
        started.close()


class Visit:
    """A page that was opened, and everything suspicious that it did."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.path = path
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda r: self.requests.append(r.url))
        page.on("console", lambda m: self.complaints.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda e: self.complaints.append(f"error: {e}"))
        page.on("dialog", lambda d: (self.complaints.append(f"dialog: {d.message}"), d.dismiss()))

    def go(self, fragment: str = "", *, script: bool = True) -> Page:
        """Open the report at a fragment."""
        self.page.goto("about:blank")
        self.page.goto(self.path.as_uri() + fragment)
        if script:
            self.page.wait_for_selector("html[data-ready]")
        return self.page


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Visit]]:
    """Return a function that puts a report into a fresh browser context."""
    contexts = []

    def open_(document: str, **options: Any) -> Visit:
        path = tmp_path / "report.html"
        path.write_text(document, "utf-8")
        contexts.append(browser.new_context(reduced_motion="reduce", **options))
        return Visit(contexts[-1].new_page(), path)

    yield open_
    for context in contexts:
        context.close()
