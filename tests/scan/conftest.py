"""A session of the management account, and a scan with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

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


def scanned(wire: Wire, wanted: Wanted) -> Result:
    """Scan, and keep what came."""
    files: list[list[Call]] = []
    ticks: list[tuple[str, int, int]] = []
    meta = scan(wire.session, wanted, files.append, lambda *tick: ticks.append(tick), now=lambda: NOW)
    return Result(meta, files, ticks)


@pytest.fixture
def run(wire: Wire) -> Callable[..., Result]:
    """Scan, with the whole organization in scope unless told otherwise."""
    return lambda wanted=ALL: scanned(wire, wanted)


@cache
def scan_of_everything() -> tuple[Result, Wire]:
    """Scan once for all tests that only look at what came."""
    wire = watched()
    return scanned(wire, ALL), wire


@pytest.fixture
def whole(estate: aws.Estate) -> tuple[Result, Wire]:
    """What a scan of everything gave, and the requests it made."""
    return scan_of_everything()
