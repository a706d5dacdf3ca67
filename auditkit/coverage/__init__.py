"""Snapshot → one coverage row per resource, one delivery row per flow log and day (pure)."""

from __future__ import annotations

from auditkit.coverage.days import days
from auditkit.coverage.delivery import arrivals, delivers, with_delivery
from auditkit.coverage.doubts import Reading
from auditkit.coverage.history import History
from auditkit.coverage.rows import judge
from auditkit.coverage.uses import Uses
from auditkit.coverage.verdict import TRAFFIC, Judge, owners, state_of

__all__ = [
    "TRAFFIC",
    "History",
    "Judge",
    "Reading",
    "Uses",
    "arrivals",
    "days",
    "delivers",
    "judge",
    "owners",
    "state_of",
    "with_delivery",
]
