"""Tables outgrow memory onto disk; a statement that cannot do with what it has gets more."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from auditkit.engines import duckdb as engines
from auditkit.engines.duckdb import DuckDB

LARGE = "SELECT list(i::VARCHAR || repeat('x', 200)) AS one FROM range(200000) t(i)"
"""One value of some 50 MB, which no disk can hold for it."""


def test_a_statement_that_needs_more_memory_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "MEMORY", 32)
    engine = DuckDB(tmp_path / "spill")
    with pytest.raises(duckdb.OutOfMemoryException):
        engine.db.execute(f"CREATE TABLE direct AS {LARGE}")
    engine.execute(f"CREATE TABLE made AS {LARGE}")
    assert engine.rows("SELECT len(one) AS n FROM made") == [{"n": 200_000}]
    engine.close()


def test_a_machine_that_has_no_more_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "MEMORY", 32)
    monkeypatch.setattr(engines, "_machine", lambda: 40)
    engine = DuckDB(tmp_path / "spill")
    with pytest.raises(duckdb.OutOfMemoryException):
        engine.execute(f"CREATE TABLE made AS {LARGE}")
    assert engine.rows("SELECT count(*) AS n FROM duckdb_tables()") == [{"n": 0}]
    engine.close()


def test_rows_that_outgrow_memory_lie_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "MEMORY", 48)
    engine = DuckDB(tmp_path / "spill")
    engine.execute("CREATE TABLE made AS SELECT i, (i * 7919) % 1000003 AS j FROM range(6000000) t(i)")
    assert engine.rows("SELECT sum(i)::BIGINT AS i FROM made") == [{"i": 5_999_999 * 3_000_000}]
    assert any((tmp_path / "spill").iterdir())
    engine.close()
