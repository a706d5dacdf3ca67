"""auditkit.yaml of a saved snapshot with local logs."""

from __future__ import annotations

DAY = "2026-07-02T00:00:00Z"
SAVED = """
snapshot: snapshot
period: {start: 2026-07-01, end: 2026-07-02}
organization:
  exclude:
    - {account: "222222222222", reason: sandbox, owner: platform, approved_by: ciso, approved_on: 2026-06-01, expires: 2027-03-01}
records: {local: [logs]}
"""
