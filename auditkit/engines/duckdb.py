"""The embedded engine: tables in DuckDB, evaluated by the SQL of `auditkit.query`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from auditkit.engines import traffic
from auditkit.engines.text import Batch, ObjectRead, Reader
from auditkit.model.addresses import address
from auditkit.model.columnar import ARROW, Rows, array
from auditkit.model.delivery import DELIVERY_STATES, LOCAL, Tally
from auditkit.model.records import FIELDS, LogObject
from auditkit.model.schema import TABLES, Table
from auditkit.model.tables import Column
from auditkit.query import text

_EPOCH = date(1970, 1, 1)
_COLUMNS = ", ".join(f'"{c.name}"' for c in TABLES["flow_records"].columns)
_ACCUSED = _COLUMNS.replace('"initiator",', "coalesce(initiator, initiator_by_ports),").replace(
    '"initiator_basis"',
    "CASE WHEN initiator IS NULL AND initiator_by_ports IS NOT NULL THEN 'ports' ELSE initiator_basis END",
)
_SQL = {"aws": "VARCHAR", "address": "VARCHAR", "integer": "BIGINT", "port": "INTEGER", "protocol": "INTEGER"}


def arrow_table(columns: Sequence[Column], rows: Iterable[Any]) -> pa.Table:
    """Make a typed table of rows: mappings, dataclasses or a table; the columns decide the types, never the rows."""
    table = rows.table if isinstance(rows, Rows) else rows
    if isinstance(table, pa.Table):
        return table.select([c.name for c in columns]).cast(pa.schema([(c.name, ARROW[c.type]) for c in columns]))
    given = list(rows)
    if given and not isinstance(given[0], Mapping):
        return pa.table({c.name: array(c.type, [getattr(r, c.name) for r in given]) for c in columns})
    return pa.table({c.name: array(c.type, [r.get(c.name) for r in given]) for c in columns})


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table; the same rows give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", store_schema=False, row_group_size=100_000)


class DuckDB:
    """Tables in memory, spilling to a folder of their own when they outgrow it.

    Every statement is built by this program; text of others only comes in as quoted literals or as columns.
    """

    def __init__(self, spill: Path | None = None) -> None:
        self.db = duckdb.connect(
            ":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        )
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
        self.add(name, arrow_table(columns, rows))

    def arrow(self, sql: str) -> pa.Table:
        """Run one select."""
        return self.db.sql(sql).to_arrow_table()

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
        self.db.execute(
            f"CREATE OR REPLACE TABLE lines (obj UINTEGER, line UINTEGER, kind VARCHAR, unit VARCHAR, {fields})"
        )
        self.db.execute(
            "CREATE OR REPLACE TABLE silences (obj UINTEGER, line UINTEGER, kind VARCHAR, unit VARCHAR, log_status VARCHAR, "
            'account_id VARCHAR, vpc_id VARCHAR, subnet_id VARCHAR, "start" BIGINT, "end" BIGINT)'
        )
        for batch in self.reader.read(objects):
            self._insert(batch)
        self._count()
        self._addresses()
        return self.reader.objects

    def _insert(self, batch: Batch) -> None:
        self.db.register("_batch", batch.table)
        present = set(batch.table.column_names)
        kind = traffic.kind_of(present)
        for sql in traffic.inserts(present, kind):
            self.db.execute(sql)
        self.db.unregister("_batch")

    def _count(self) -> None:
        for row in self.rows("SELECT obj, count(*) AS n FROM lines GROUP BY obj"):
            self.reader.objects[row["obj"]].ok = row["n"]
        for row in self.rows("SELECT obj, log_status, count(*) AS n FROM silences GROUP BY ALL"):
            setattr(self.reader.objects[row["obj"]], row["log_status"].lower(), row["n"])

    def derive(
        self, tables: Mapping[str, tuple[Sequence[Column], Iterable[Mapping[str, Any]]]], service_ports: Iterable[int]
    ) -> None:
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
            traffic.DAYS_SEEN, traffic.LOG_TRAFFIC_OF_THE_GONE, traffic.CHOSEN, traffic.UNIT_DAYS, traffic.NEIGHBOURS, traffic.INTERFACE_DAYS,
            traffic.OWN, traffic.flow_records(frozenset(service_ports)), traffic.FLOW_RECORDS,
        ):  # fmt: skip
            self.db.execute(statement)
        for name in ("units", "unit_days"):  # large, and done with
            self.db.execute(f"DROP TABLE {name}")
        pa.default_memory_pool().release_unused()

    def interfaces_seen(self) -> list[dict[str, Any]]:
        """Interfaces, regional NAT gateways and attachments that records tell of, with what they say of each."""
        told = "interface_id, account_id, region, vpc_id, subnet_id"
        return self.rows(
            f"SELECT DISTINCT {told}, instance_id FROM flow_records WHERE interface_id <> '-' "
            f"UNION SELECT DISTINCT {told}, NULL FROM interface_days WHERE observed <> 'none' ORDER BY ALL"
        )

    def tallies(self, index: Path) -> tuple[Tally, ...]:
        """Count what keys say: objects, bytes and slots of each flow log, bucket and UTC day; records are not looked at.

        Args:
            index: records/index.parquet; an object counts once, whether it was read or not.
        """
        self.db.register(
            "_index", pq.read_table(index, columns=["uri", "account_id", "region", "flow_log_id", "slot", "size"])
        )
        rows = self.rows(
            "SELECT flow_log_id, account_id, region, bucket, minute // 1440 AS day, count(*) AS objects, sum(size)::HUGEINT AS bytes, "
            "list_sort(list(DISTINCT minute % 1440 // 5)) AS slots FROM ("
            "SELECT flow_log_id, account_id, region, CASE WHEN starts_with(uri, 's3://') THEN split_part(uri, '/', 3) "
            f"ELSE {text(LOCAL)} END AS bucket, epoch(slot)::BIGINT // 60 AS minute, max(coalesce(size, 0)) AS size "
            "FROM _index GROUP BY uri, flow_log_id, account_id, region, slot) GROUP BY ALL ORDER BY ALL"
        )
        self.db.unregister("_index")
        return tuple(
            Tally(
                **{**r, "day": _EPOCH + timedelta(days=r["day"]), "bytes": int(r["bytes"]), "slots": tuple(r["slots"])}
            )
            for r in rows
        )

    def narrow(self, accounts: Sequence[str], regions: Sequence[str]) -> None:
        """Keep only the interface-days and flow records of some accounts and regions; empty means all."""
        for column, values in (("account_id", accounts), ("region", regions)):
            for table in ("interface_days", "flow_records"):
                if values:
                    self.db.execute(f"DELETE FROM {table} WHERE {column} NOT IN ({', '.join(map(text, values))})")

    def begin_matches(self) -> None:
        """Make the table of the records that break a control."""
        self.db.execute(
            f"CREATE OR REPLACE TABLE matches AS SELECT ''::VARCHAR AS control_id, {_COLUMNS} FROM flow_records LIMIT 0"
        )

    def keep_matches(self, control_id: str) -> None:
        """Keep the records that `evaluate` has just judged to break a control, with the initiator that ports accused."""
        self.db.execute(
            f'INSERT INTO matches SELECT {text(control_id)}, {_ACCUSED} FROM judged WHERE verdict ORDER BY "object", line'
        )

    def matches(self) -> pa.Table:
        """Every record that broke a control, once for each control."""
        return _typed("flow_records", self.arrow('SELECT * FROM matches ORDER BY control_id, "object", line'))

    def interface_days(self) -> pa.Table:
        """The table of interface-days."""
        return _typed(
            "interface_days", self.arrow("SELECT * FROM interface_days ORDER BY account_id, region, interface_id, day")
        )

    def observed(self) -> dict[str, int]:
        """How many interface-days were observed how."""
        return {
            r["observed"]: r["n"]
            for r in self.rows("SELECT observed, count(*) AS n FROM interface_days GROUP BY observed ORDER BY observed")
        }

    def delivered(self) -> dict[str, int]:
        """How many flow-log-days have each state of delivery."""
        counts = self.rows("SELECT state, count(*) AS n FROM delivery GROUP BY state")
        return dict.fromkeys(DELIVERY_STATES, 0) | {r["state"]: r["n"] for r in counts}

    def nat_gateways_seen(self) -> set[tuple[str, str]]:
        """(regional NAT gateway, flow log) of which records came. Needs `objects`."""
        rows = self.rows(
            "SELECT DISTINCT l.unit, o.flow_log_id FROM lines l JOIN objects o USING (obj) WHERE l.unit LIKE 'nat-%'"
        )
        return {(r["unit"], r["flow_log_id"]) for r in rows}

    def top(self, column: str, *, rejected: bool = False, most: int = 10) -> list[dict[str, Any]]:
        """The top contributors by bytes, exact: key, bytes, packets, flows."""
        where = "WHERE action = 'REJECT'" if rejected else ""
        items = self.rows(
            f'SELECT "{column}"::VARCHAR AS key, coalesce(sum(bytes), 0)::HUGEINT AS bytes, coalesce(sum(packets), 0)::HUGEINT AS packets, '
            f"count(*) AS flows FROM flow_records {where} GROUP BY 1 HAVING key IS NOT NULL ORDER BY bytes DESC, flows DESC, key LIMIT {most}"
        )
        return [{**i, "bytes": int(i["bytes"]), "packets": int(i["packets"])} for i in items]

    def _addresses(self) -> None:
        """The distinct addresses, each with its number, so that each is parsed once."""
        known = sorted((text, number) for text, number in self.reader.addresses.items() if number is not None)
        table = pa.table(
            {
                "address": pa.array([text for text, _ in known], pa.string()),
                "hi": pa.array([number >> 64 for _, number in known], pa.uint64()),
                "lo": pa.array([number & (2**64 - 1) for _, number in known], pa.uint64()),
            }
        )
        self.add("addresses", table)
        self.db.execute(
            "CREATE OR REPLACE TABLE addresses AS SELECT address, hi::UHUGEINT * 18446744073709551616::UHUGEINT + lo::UHUGEINT AS ip FROM addresses"
        )


def of_rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> DuckDB:
    """Make an engine that holds only some rows of one table, numbered in `_row`, and no interface-days.

    Addresses get their numbers; a column that a row leaves out is NULL.
    """
    engine = DuckDB()
    given = arrow_table(table.columns, rows).append_column("_row", pa.array(range(len(rows)), pa.int32()))
    if table.name == "flow_records":
        given = given.append_column("initiator_by_ports", pa.array([None] * len(rows), pa.string()))
    engine.add("_rows", given)
    columns = [c.name for c in table.columns if c.type == "address"]
    texts = sorted({r[c] for r in rows for c in columns if r.get(c) is not None})
    engine.reader.addresses = {one: address(one) for one in texts}
    engine._addresses()  # noqa: SLF001 - its own class
    numbers = "".join(f', (SELECT ip FROM addresses a WHERE a.address = r."{c}") AS "{c}_ip"' for c in columns)
    if table.name != "interface_days":
        engine.add("interface_days", arrow_table(TABLES["interface_days"].columns, []))
    engine.execute(f"CREATE TABLE {table.name} AS SELECT r.*{numbers} FROM _rows r")
    return engine


def _typed(name: str, table: pa.Table) -> pa.Table:
    """Give a table of the engine the types of its contract."""
    types = {c.name: ARROW[c.type] for c in TABLES[name].columns}
    return table.cast(pa.schema([(n, types.get(n, table.schema.field(n).type)) for n in table.column_names]))


def asdict_shallow(row: Any) -> dict[str, Any]:
    """Fields of a dataclass, without copying what is in them."""
    return {name: getattr(row, name) for name in row.__dataclass_fields__}
