"""Snapshot → one coverage row per resource (pure)."""

from __future__ import annotations

from auditkit.coverage.delivery import delivers, with_delivery
from auditkit.coverage.rows import judge
from auditkit.coverage.verdict import TRAFFIC, Judge, state_of

__all__ = ["TRAFFIC", "Judge", "delivers", "judge", "state_of", "with_delivery"]
