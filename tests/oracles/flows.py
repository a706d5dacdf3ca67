"""Flow records of some rows, as an engine holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditkit.engines.duckdb import DuckDB, of_rows
from auditkit.model.schema import TABLES
from auditkit.query import text


def engine_of(rows: Sequence[Mapping[str, Any]]) -> DuckDB:
    """The rows as flows of one object, with what ports say of who began (`initiator_by_ports`)."""
    engine = of_rows(TABLES["flow_records"], [{"object": "o", "line": at, **row} for at, row in enumerate(rows)])
    engine.execute("ALTER TABLE flow_records ADD COLUMN IF NOT EXISTS obj UINTEGER DEFAULT 0")
    for at, row in enumerate(rows):
        if row.get("initiator_by_ports") is not None:
            accused = text(row["initiator_by_ports"])
            engine.execute(f"UPDATE flow_records SET initiator_by_ports = {accused} WHERE _row = {at}")
    return engine
