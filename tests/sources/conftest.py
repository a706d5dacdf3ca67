"""The bucket of the organization, and a client for each account, watched."""

from __future__ import annotations

import pytest

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
