"""The embedded engine: tables in DuckDB, evaluated by the SQL of `auditkit.query`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from auditkit.engines import traffic
from auditkit.engines.text import Batch, ObjectRead, Reader
from auditkit.model.records import FIELDS, LogObject
from auditkit.model.tables import Column

ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "aws": pa.string(),
    "address": pa.string(),
    "state": pa.string(),
    "integer": pa.int64(),
    "port": pa.int32(),
    "protocol": pa.int32(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "tags": pa.map_(pa.string(), pa.string()),
    "list": pa.list_(pa.string()),
}
_SQL = {"aws": "VARCHAR", "address": "VARCHAR", "integer": "BIGINT", "port": "INTEGER", "protocol": "INTEGER"}


def arrow_table(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Make a typed table; the columns decide the types, never the rows."""
    given = list(rows)
    arrays = {c.name: pa.array([_plain(c, r.get(c.name)) for r in given], ARROW[c.type]) for c in columns}
    return pa.table(arrays)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table; the same rows give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", store_schema=False, row_group_size=100_000)


def _plain(column: Column, value: Any) -> Any:
    if value is None:
        return None
    if column.type == "tags":
        return sorted(value.items())
    return list(value) if column.type == "list" else value


class DuckDB:
    """Tables in memory, spilling to a folder of their own when they outgrow it.

    Every statement is built by this program; text of others only comes in as quoted literals or as columns.
    """

    def __init__(self, spill: Path | None = None) -> None:
        self.db = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
        self.db.execute("SET TimeZone = 'UTC'")
        self.db.execute("SET preserve_insertion_order = true")
        if spill is not None:
            spill.mkdir(parents=True, exist_ok=True)
            self.db.execute("SET temp_directory = ?", [str(spill)])
        self.reader = Reader()

    def close(self) -> None:
        """Let everything go."""
        self.db.close()

    def add(self, name: str, table: pa.Table) -> None:
        """Make a table of the engine."""
        self.db.register("_incoming", table)
        self.db.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM _incoming')
        self.db.unregister("_incoming")

    def add_rows(self, name: str, columns: Sequence[Column], rows: Iterable[Any]) -> None:
        """Make a table of dataclass rows."""
        self.add(name, arrow_table(columns, (row if isinstance(row, dict) else asdict_shallow(row) for row in rows)))

    def arrow(self, sql: str) -> pa.Table:
        """Run one select."""
        return self.db.execute(sql).to_arrow_table()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Run one select that gives few rows."""
        out: list[dict[str, Any]] = self.arrow(sql).to_pylist()
        return out

    def execute(self, sql: str) -> None:
        """Run one statement."""
        self.db.execute(sql)

    def load(self, objects: Iterable[tuple[LogObject, Path]]) -> list[ObjectRead]:
        """Read log objects into `lines` (log-status OK) and `silences` (NODATA, SKIPDATA).

        Returns:
            what each object held, in order.
        """
        fields = ", ".join(f'"{f.column}" {_SQL[f.type]}' for f in FIELDS if f.name != "log-status")
        self.db.execute(f"CREATE OR REPLACE TABLE lines (obj UINTEGER, line UINTEGER, kind VARCHAR, unit VARCHAR, {fields})")
        self.db.execute(
            "CREATE OR REPLACE TABLE silences (obj UINTEGER, line UINTEGER, kind VARCHAR, unit VARCHAR, log_status VARCHAR, "
            "account_id VARCHAR, vpc_id VARCHAR, subnet_id VARCHAR, \"start\" BIGINT, \"end\" BIGINT)"
        )
        for batch in self.reader.read(objects):
            self._insert(batch)
        self._count()
        self._addresses()
        return self.reader.objects

    def _insert(self, batch: Batch) -> None:
        self.db.register("_batch", batch.table)
        present = set(batch.table.column_names)
        kind = "transit-gateway" if "tgw_id" in present else "vpc"
        for sql in traffic.inserts(present, kind):
            self.db.execute(sql)
        self.db.unregister("_batch")

    def _count(self) -> None:
        for row in self.rows("SELECT obj, count(*) AS n FROM lines GROUP BY obj"):
            self.reader.objects[row["obj"]].ok = row["n"]
        for row in self.rows("SELECT obj, log_status, count(*) AS n FROM silences GROUP BY ALL"):
            setattr(self.reader.objects[row["obj"]], row["log_status"].lower(), row["n"])

    def derive(self, tables: Mapping[str, tuple[Sequence[Column], Iterable[Mapping[str, Any]]]], service_ports: Iterable[int]) -> None:
        """Make `interface_days` and `flow_records` of what was loaded.

        Args:
            tables: objects, units, log_ranks, log_traffic, log_born, hurt_days, own_ranges, intermediaries, vpc_ranges,
                period_days: columns and rows. Days are ISO text, 128-bit numbers decimal text.
            service_ports: ports that loaded controls name.
        """
        for name, (columns, rows) in tables.items():
            self.add(name, arrow_table(columns, rows))
        for name, casts in traffic.CASTS.items():
            self.db.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * REPLACE ({casts}) FROM {name}")
        for statement in (
            traffic.DAYS_SEEN, traffic.LOG_TRAFFIC_OF_THE_GONE, traffic.CHOSEN, traffic.UNIT_DAYS, traffic.INTERFACE_DAYS,
            traffic.OWN, traffic.flow_records(frozenset(service_ports)), traffic.FLOW_RECORDS,
        ):  # fmt: skip
            self.db.execute(statement)

    def _addresses(self) -> None:
        """The distinct addresses, each with its number, so that each is parsed once."""
        known = sorted((text, number) for text, number in self.reader.addresses.items() if number is not None)
        table = pa.table({
            "address": pa.array([text for text, _ in known], pa.string()),
            "hi": pa.array([number >> 64 for _, number in known], pa.uint64()),
            "lo": pa.array([number & (2**64 - 1) for _, number in known], pa.uint64()),
        })
        self.add("addresses", table)
        self.db.execute(
            "CREATE OR REPLACE TABLE addresses AS SELECT address, hi::UHUGEINT * 18446744073709551616::UHUGEINT + lo::UHUGEINT AS ip FROM addresses"
        )


def asdict_shallow(row: Any) -> dict[str, Any]:
    """Fields of a dataclass, without copying what is in them."""
    return {name: getattr(row, name) for name in row.__dataclass_fields__}
