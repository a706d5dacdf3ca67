"""Ids, addresses and moments of the example: all derived from names, none from a clock."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

START = datetime(2026, 9, 28, tzinfo=UTC)
END = datetime(2026, 10, 1, tzinfo=UTC)
COLLECTING = datetime(2026, 10, 1, 5, 40, tzinfo=UTC)
AS_OF = datetime(2026, 10, 1, 6, tzinfo=UTC)
TICK = 600
"""Seconds of one step of the example's traffic."""
TICKS = int((END - START).total_seconds()) // TICK
EPOCH = int(START.timestamp())


def digest(*names: object, length: int = 16) -> str:
    """Hexadecimal digits that depend on the names alone."""
    return hashlib.sha256("/".join(map(str, names)).encode()).hexdigest()[:length]


def resource_id(prefix: str, name: str) -> str:
    """An id as AWS writes it: 17 digits, the first a zero."""
    return f"{prefix}-0{digest(prefix, name)}"


def uuid(name: str) -> str:
    """A UUID of a name."""
    h = digest("uuid", name, length=32)
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


def iso(moment: datetime) -> str:
    """ISO 8601, UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def tick(text: str) -> int:
    """The step of `DD HH:MM` (day of the month, September)."""
    day, clock = text.split()
    hour, minute = map(int, clock.split(":"))
    return int((datetime(2026, 9, int(day), hour, minute, tzinfo=UTC) - START) / timedelta(seconds=TICK))


def tick_of(moment: str) -> int:
    """The first step that begins at or after an ISO 8601 moment."""
    return -int((START - datetime.fromisoformat(moment)) // timedelta(seconds=TICK))
