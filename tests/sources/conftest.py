"""The bucket of the organization, and a client for each account, watched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

import pytest

from auditkit.model.records import LogObject
from auditkit.sources import Source
from tests import aws
from tests.wire import Wire, isolate, watched


@pytest.fixture
def estate(monkeypatch: pytest.MonkeyPatch) -> aws.Estate:
    """The organization, as the only AWS that can be reached."""
    built = aws.estate()
    isolate(monkeypatch, built.endpoint)
    return built


@pytest.fixture
def wire(estate: aws.Estate) -> Wire:
    """A session that is counted and can be answered wrongly on purpose."""
    return watched()


@pytest.fixture
def told() -> list:
    """What was said to be unread."""
    return []


@pytest.fixture
def listing(told) -> Callable[[Source, Iterable[date]], list[LogObject]]:
    """List a source's objects one unit after the other, in order."""

    def listed(source: Source, days: Iterable[date]) -> list[LogObject]:
        out: list[LogObject] = []
        found = {}
        for unit in source.probes():
            answer = unit.ask(out.extend)
            told.extend(answer.unread)
            found[unit.name] = answer.inside
        for unit in source.units(days, found):
            told.extend(unit.ask(out.extend).unread)
        return out

    return listed
