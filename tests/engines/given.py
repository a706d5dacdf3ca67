"""Objects for the reader, and what it gives, as plain Python."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditkit.engines.reading import ObjectRead, Reader
from auditkit.model.records import LogObject

V2 = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
FORMAT = " ".join(f"${{{name}}}" for name in V2.split())
GOOD = "2 111122223333 eni-1 203.0.113.9 10.0.0.5 51000 22 6 10 840 1782864000 1782864060 ACCEPT OK"
QUIET = "2 111122223333 eni-1 - - - - - - - 1782864000 1782864060 - NODATA"


def log_object(number: int = 0, **more: Any) -> LogObject:
    told = {"account_id": "111122223333", "region": "eu-central-1", "flow_log_id": "fl-1", "size": 1}
    return LogObject(uri=f"s3://b/{number}", key=str(number), slot=datetime(2026, 7, 1, tzinfo=UTC), **(told | more))


def read(*stored: bytes, reader: Reader | None = None, **more: Any) -> tuple[list[ObjectRead], list[dict[str, Any]]]:
    """What each object held, and every row of every batch, by object and line."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / str(at) for at in range(len(stored))]
        for path, data in zip(paths, stored, strict=True):
            path.write_bytes(data)
        reader = reader or Reader()
        tables = [batch.table for batch in reader.read([(log_object(i, **more), p) for i, p in enumerate(paths)])]
    rows = [row for table in tables for row in table.to_pylist()]
    return reader.objects, sorted(rows, key=lambda row: (row["obj"], row["line"]))


def counts(one: ObjectRead) -> tuple[int, int, int, int]:
    return one.ok, one.nodata, one.skipdata, one.damaged


def text(*lines: str, end: str = "\n") -> bytes:
    return ("\n".join(lines) + end).encode()


def lines_of(rows: Sequence[dict[str, Any]]) -> list[int]:
    return [row["line"] for row in rows]
