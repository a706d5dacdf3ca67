"""A session of the management account, and a scan with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from auditkit.model.inventory import Call
from auditkit.scan import Wanted, scan
from tests import aws
from tests.scan.result import ALL, NOW, Result
from tests.wire import Wire, isolate, watched


@pytest.fixture
def estate(monkeypatch: pytest.MonkeyPatch) -> aws.Estate:
    """The organization, as the only AWS that can be reached."""
    built = aws.estate()
    isolate(monkeypatch, built.endpoint)
    return built


@pytest.fixture
def wire(estate: aws.Estate) -> Wire:
    """The caller's session, watched."""
    return watched()


@pytest.fixture
def run(wire: Wire) -> Callable[..., Result]:
    """Scan, with the whole organization in scope unless told otherwise."""

    def go(wanted: Wanted = ALL) -> Result:
        files: list[list[Call]] = []
        ticks: list[tuple[str, int, int]] = []
        meta = scan(wire.session, wanted, files.append, lambda *tick: ticks.append(tick), now=lambda: NOW)
        return Result(meta, files, ticks)

    return go
