"""The embedded engine: tables in DuckDB, evaluated by the SQL of `auditkit.query`."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditkit.engines import flows, peers, traffic
from auditkit.engines.lines import SILENT, Lines
from auditkit.engines.reading import ObjectRead, Reader
from auditkit.model.addresses import Networks, address
from auditkit.model.columnar import ARROW, Rows, array
from auditkit.model.delivery import DELIVERY_STATES, LOCAL, Tally
from auditkit.model.records import LogObject
from auditkit.model.schema import TABLES, Table
from auditkit.model.tables import Column
from auditkit.query import among, text

_EPOCH = date(1970, 1, 1)
ORIGINS = pa.schema([("origin", pa.int32()), *((n, pa.string()) for n in ("flow_log_id", "account_id", "region"))])
OBJECTS = pa.schema([("obj", pa.uint32()), ("uri", pa.string()), ("slot", pa.int64())])
OPTIONAL: dict[str, tuple[Column, ...]] = {
    "own_public": (Column("unit", "text", ""), Column("ip", "text", "")),
    "known_vpcs": (
        *(Column(n, "text", "") for n in ("vpc_id", "account_id")),
        *(Column(n, "tags", "") for n in ("vpc_tags", "account_tags")),
    ),
    "known_subnets": (*(Column(n, "text", "") for n in ("vpc_id", "low", "high")), Column("subnet_tags", "tags", "")),
    "sample_days": (Column("unit", "text", ""), Column("day", "text", "")),
}
"""Tables that `derive` may be given."""
_ACCUSED = ", ".join(
    {
        "initiator": "coalesce(w.initiator, w.initiator_by_ports)",
        "initiator_basis": "CASE WHEN w.initiator IS NULL AND w.initiator_by_ports IS NOT NULL THEN 'ports' ELSE w.initiator_basis END",
    }.get(c.name, f'w."{c.name}"')
    for c in TABLES["flow_records"].columns
)


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


_GROUP = 100_000
"""Rows that are written at once."""
MEMORY = 640
"""MiB that tables may take before they go to disk: what Python holds comes on top."""


T = TypeVar("T")


class DuckDB:
    """Tables in memory, spilling to a folder of their own when they outgrow it.

    Every statement is built by this program; text of others only comes in as quoted literals or as columns.
    """

    def __init__(self, spill: Path | None = None) -> None:
        self.db = duckdb.connect(
            ":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        )
        self.db.execute("SET TimeZone = 'UTC'")
        # What is shown is sorted; keeping an order of insertion takes memory.
        self.db.execute("SET preserve_insertion_order = false")
        if spill is not None:
            spill.mkdir(parents=True, exist_ok=True)
            self.db.execute("SET temp_directory = ?", [str(spill)])
            self.db.execute(f"SET memory_limit = '{MEMORY}MiB'")
        self._memory = MEMORY
        self.reader = Reader()
        self.lines = Lines()
        self.derived = False
        self._told: dict[str, list[dict[str, Any]]] = {}
        self._members: tuple[Networks, dict[str, str]] | None = None
        self.whole = False

    def close(self) -> None:
        """Let everything go."""
        self.db.close()

    def add(self, name: str, table: pa.Table) -> None:
        """Make a table of the engine."""
        self.db.register("_incoming", table)
        self.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM _incoming')
        self.db.unregister("_incoming")

    def add_rows(self, name: str, columns: Sequence[Column], rows: Iterable[Any]) -> None:
        """Make a table of dataclass rows."""
        self.add(name, arrow_table(columns, rows))

    def arrow(self, sql: str) -> pa.Table:
        """Run one select."""
        table: pa.Table = self._run(lambda: self.db.sql(sql).to_arrow_table())
        return table

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Run one select that gives few rows."""
        out: list[dict[str, Any]] = self.arrow(sql).to_pylist()
        return out

    def execute(self, sql: str) -> None:
        """Run one statement."""
        self._run(lambda: self.db.execute(sql))

    def _run(self, statement: Callable[[], T]) -> T:
        """Run a statement; one that cannot do with the memory given gets more, while the machine has it."""
        while True:
            try:
                return statement()
            except duckdb.OutOfMemoryException:
                if 2 * self._memory > _machine():
                    raise
                self._memory *= 2
                self.db.execute(f"SET memory_limit = '{self._memory}MiB'")

    def load(self, objects: Iterable[tuple[LogObject, Path]]) -> list[ObjectRead]:
        """Read log objects: their lines with log-status OK, and what NODATA and SKIPDATA say.

        Returns:
            what each object held, in order.
        """
        self.execute(SILENT)
        for batch in self.reader.read(objects):
            table, statements = self.lines.statements(batch, self.reader.objects)
            self.db.register("_batch", table)
            for sql in statements:
                self.execute(sql)
            self.db.unregister("_batch")
        self._name()
        return self.reader.objects

    def _name(self) -> None:
        """Make the tables of what the numbers stand for, and the view that shows lines as they were."""
        self.add("texts", self.lines.texts.table())
        self._addresses(self.lines.addresses.table(), self.reader.addresses)
        rows = self.lines.origins.rows()
        self.add("origins", pa.Table.from_pylist(rows, ORIGINS))
        objects = [(o.number, o.object.uri, int(o.object.slot.timestamp())) for o in self.reader.objects]
        self.execute(f"CREATE OR REPLACE VIEW lines AS {self.lines.shown()}")
        self.execute("CREATE OR REPLACE VIEW silences AS SELECT * FROM silent")
        self.add(
            "objects",
            pa.table(list(map(pa.array, zip(*objects, strict=True))) or [[]] * 3, names=["obj", "uri", "slot"]).cast(
                OBJECTS
            ),
        )

    def derive(
        self,
        tables: Mapping[str, tuple[Sequence[Column], Iterable[Mapping[str, Any]]]],
        service_ports: Iterable[int],
        *,
        whole: bool = False,
    ) -> None:
        """Make `interface_days` and the flow records of what was loaded.

        Args:
            tables: units, log_ranks, log_traffic, log_born, hurt_days, own_ranges, intermediaries, vpc_ranges, period_days, and
                if there are any own_public, known_vpcs, known_subnets and sample_days: columns and rows. Days are ISO text,
                128-bit numbers decimal text.
            service_ports: ports that loaded controls name.
            whole: whether everything in scope was read, so that an address that is nowhere found is none of ours.
        """
        self.whole = whole
        given = {name: (columns, ()) for name, columns in OPTIONAL.items()} | dict(tables)
        for name, (columns, rows) in given.items():
            if name == "objects":  # told by what was loaded
                continue
            self.add(name, arrow_table(columns, rows))
        for name, casts in traffic.CASTS.items():
            self.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * REPLACE ({casts}) FROM {name}")
        for statement in self._statements(frozenset(service_ports), sampled="sample_days" in tables):
            self.execute(statement)
        self.derived = True
        self.execute(f"CREATE OR REPLACE VIEW flow_records AS {self.relation('flow_records', None)}")
        for name in ("unit_days", "holders", "own", "own_ranges"):  # large, and done with
            self.execute(f"DROP TABLE {name}")
        pa.default_memory_pool().release_unused()

    def _statements(self, service_ports: Collection[int], *, sampled: bool) -> Iterator[str]:
        lines = self.lines
        yield from (
            traffic.heard(lines), traffic.DAYS_SEEN, "DROP TABLE heard", traffic.LOG_TRAFFIC_OF_THE_GONE, traffic.CHOSEN, traffic.CHOSEN_LINES,
            traffic.UNIT_DAYS, traffic.NEIGHBOURS, traffic.minutes("minutes_ok", lines.all(("start", "end"))),
            traffic.minutes("minutes_nodata", "SELECT * FROM silent WHERE log_status = 'NODATA'"),
            traffic.minutes("minutes_skipdata", "SELECT * FROM silent WHERE log_status = 'SKIPDATA'"),
            traffic.DRAWN if sampled else traffic.NOT_DRAWN, traffic.INTERFACE_DAYS,
            flows.places(lines), flows.OWN, *self._strangers(), flows.HIDES, *flows.flows(lines, service_ports),
            *(f"DROP TABLE {one.table}" for one in lines.formats.values()),
            peers.HOLDERS, peers.remotes(whole=self.whole),
        )  # fmt: skip
        yield from self._words()

    def _words(self) -> Iterator[str]:
        """Keep the texts of places and addresses as enumerations: in the rows that are judged, a number stands for each."""
        some = [c for c in flows.PLACE if not c.endswith("_tags")]
        yield from flows.enumerated("places", [c for c in some if self._filled("places", c)])
        if len(self.lines.addresses) <= flows.MOST:
            yield from flows.enumerated("addresses", ["text"])

    def _filled(self, table: str, column: str) -> bool:
        return bool(self.rows(f'SELECT count("{column}") > 0 AS there FROM {table}')[0]["there"])

    def _strangers(self) -> list[str]:
        """Guess the addresses of interfaces that the inventory does not have, where there are any."""
        if not {"srcaddr", "dstaddr"} <= set(self.lines.columns):
            return []
        return [flows.own_of_strangers(self.lines)]

    def relation(self, table: str, columns: Collection[str] | None, only: str = "") -> str:
        """Return a select over a table with some of its columns and `_id`, the number of the row.

        Args:
            table: its name.
            columns: beside those of the table, on flow records `<address column>_ip` and `obj`; None: all.
            only: a select of `_id`s, to leave all other rows out early.
        """
        if table == "flow_records" and self.derived:
            wanted = None if columns is None else ("_id", *columns)
            return flows.relation(self.lines, wanted, whole=self.whole, only=only)
        where = f" WHERE rowid IN ({only})" if only else ""
        return f'SELECT rowid AS _id, * FROM "{table}"{where}'

    def again(self, sql: str) -> list[dict[str, Any]]:
        """Run one select over tables that judging leaves as they are; it is answered once."""
        if sql not in self._told:
            self._told[sql] = self.rows(sql)
        return self._told[sql]

    def members(self, networks: Networks) -> Mapping[str, str]:
        """Say of each address once which networks it is in: those that are known whole.

        Returns:
            network → ending of the columns of flow records that say so; empty where there are only plain tables.
        """
        if not self.derived:
            return {}
        if self._members is None or self._members[0] is not networks:
            some = {n: one for n, one in sorted(networks.named.items()) if one.whole and not one.maybe}
            endings = {n: f"{flows.MEMBER}{at}" for at, n in enumerate(some)}
            flags = "".join(f", coalesce({among('ip', some[n].ranges)}, false) AS {e}" for n, e in endings.items())
            old = [c for c in self.arrow("SELECT * FROM addresses LIMIT 0").column_names if c.startswith(flows.MEMBER)]
            kept = f"* EXCLUDE ({', '.join(old)})" if old else "*"
            self.execute(f"CREATE OR REPLACE TABLE addresses AS SELECT {kept}{flags} FROM addresses")
            self._members = (networks, endings)
            self._told.clear()  # the columns mean something else now
        return self._members[1]

    def weighed(self, table: str, columns: Collection[str]) -> tuple[str, str]:
        """Return a select with some columns, and the number of rows that each of its rows stands for.

        Flow records of one interface are counted once for all where nothing else is asked of them.
        """
        if table == "flow_records" and self.derived and set(columns) <= set(flows.PLACE):
            names = "".join(f', p."{c}"' for c in columns)
            return (
                f"SELECT n{names} FROM places p JOIN (SELECT place, count(*) AS n FROM flows GROUP BY place) c ON c.place = p.place",
                "n",
            )
        return self.relation(table, columns), "1"

    def interfaces_seen(self) -> list[dict[str, Any]]:
        """Interfaces, regional NAT gateways and attachments that records tell of, with what they say of each."""
        told = "interface_id, account_id, region, vpc_id, subnet_id"
        return self.rows(
            f"SELECT DISTINCT {told}, instance_id FROM places WHERE interface_id <> '-' AND place IN (SELECT place FROM flows) "
            f"UNION SELECT DISTINCT {told}, NULL FROM interface_days WHERE observed <> 'none' ORDER BY ALL"
        )

    def tallies(self, index: Path) -> tuple[Tally, ...]:
        """Count what keys say: objects, bytes and slots of each flow log, bucket and UTC day; records are not looked at.

        Args:
            index: records/index.parquet; an object counts once, whether it was read or not. One that AWS has not named
                tells nothing of delivery.
        """
        columns = ["uri", "account_id", "region", "flow_log_id", "slot", "size"]
        named = (pc.field("carrier") != "lines") | pc.field("carrier").is_null()
        told = "carrier" in pq.read_schema(index).names  # an earlier version knew of no others
        self.db.register("_index", pq.read_table(index, columns=columns, filters=named if told else None))
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
        self._told.clear()
        for column, values in (("account_id", accounts), ("region", regions)):
            if values:
                there = f"{column} NOT IN ({', '.join(map(text, values))})"
                self.execute(f"DELETE FROM interface_days WHERE {there}")
                self.execute(f"DELETE FROM flows WHERE place IN (SELECT place FROM places WHERE {there})")

    def begin_matches(self) -> None:
        """Make the table of the records that break a control."""
        self.execute("CREATE OR REPLACE TABLE matches (control_id VARCHAR, _id BIGINT)")

    def keep_matches(self, control_id: str) -> None:
        """Keep the records that `evaluate` has just judged to break a control."""
        self.execute(f"INSERT INTO matches SELECT {text(control_id)}, _id FROM judged WHERE verdict")

    def write_matches(self, path: Path) -> None:
        """Write every record that broke a control, once for each control, with the initiator that ports accused.

        The same records give the same bytes; they never are in memory all at once.
        """
        columns = (*(c.name for c in TABLES["flow_records"].columns), "initiator_by_ports")
        types = {c.name: ARROW[c.type] for c in TABLES["flow_records"].columns}
        schema = pa.schema([("control_id", pa.string()), *types.items()])
        self.execute(
            "CREATE OR REPLACE TABLE ordered AS SELECT m.control_id, m._id, row_number() OVER (ORDER BY m.control_id, f.obj, f.line) AS n "
            f"FROM matches m JOIN ({self.relation('flow_records', ('obj', 'line'))}) f ON f._id = m._id"
        )
        total = self.rows("SELECT count(*) AS n FROM ordered")[0]["n"]
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(path, schema, compression="zstd", store_schema=False) as file:
            for first in range(0, total, _GROUP):
                some = f"SELECT * FROM ordered WHERE n > {first} AND n <= {first + _GROUP}"
                wide = self.relation("flow_records", columns, f"SELECT _id FROM ({some})")
                table = self.arrow(
                    f"SELECT m.control_id, {_ACCUSED} FROM ({some}) m JOIN ({wide}) w ON w._id = m._id ORDER BY m.n"
                )
                file.write_table(table.rename_columns(schema.names).cast(schema), _GROUP)
        self.execute("DROP TABLE ordered")

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
        """(regional NAT gateway, flow log) of which records came."""
        rows = self.rows(
            f"SELECT DISTINCT t.text AS unit, o.flow_log_id FROM ({self.lines.all(())}) l JOIN origins o USING (origin) "
            "JOIN texts t ON t.code = l.unit WHERE t.text LIKE 'nat-%'"
        )
        return {(r["unit"], r["flow_log_id"]) for r in rows}

    def _addresses(self, table: pa.Table, known: Mapping[str, int | None]) -> None:
        """Make the table of the distinct addresses, each parsed once: code, text, and its integer, NULL for `-`."""
        numbers = [known.get(one) for one in table["text"].to_pylist()]
        table = table.append_column("hi", pa.array([None if n is None else n >> 64 for n in numbers], pa.uint64()))
        table = table.append_column(
            "lo", pa.array([None if n is None else n & (2**64 - 1) for n in numbers], pa.uint64())
        )
        self.add("addresses", table)
        self.execute(
            "CREATE OR REPLACE TABLE addresses AS SELECT code, text, hi::UHUGEINT * 18446744073709551616::UHUGEINT + lo::UHUGEINT AS ip FROM addresses"
        )


def of_rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> DuckDB:
    """Make an engine that holds only some rows of one table, numbered in `_row`, and no interface-days.

    Addresses get their numbers; a column that a row leaves out is NULL.
    """
    engine = DuckDB()
    given = arrow_table(table.columns, rows).append_column("_row", pa.array(range(len(rows)), pa.int32()))
    if table.name == "flow_records":
        given = given.append_column("initiator_by_ports", pa.array([None] * len(rows), pa.string()))
        given = given.append_column("obj", pa.array(range(len(rows)), pa.uint32()))
    engine.add("_rows", given)
    columns = [c.name for c in table.columns if c.type == "address"]
    texts = sorted({r[c] for r in rows for c in columns if r.get(c) is not None})
    numbered = pa.table({"code": pa.array(range(len(texts)), pa.int32()), "text": pa.array(texts, pa.string())})
    engine._addresses(numbered, {one: address(one) for one in texts})  # noqa: SLF001 - its own class
    numbers = "".join(f', (SELECT ip FROM addresses a WHERE a.text = r."{c}") AS "{c}_ip"' for c in columns)
    if table.name != "interface_days":
        engine.add("interface_days", arrow_table(TABLES["interface_days"].columns, []))
    engine.execute(f"CREATE TABLE {table.name} AS SELECT r.*{numbers} FROM _rows r")
    return engine


def _machine() -> int:
    """Memory of this machine, MiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def _typed(name: str, table: pa.Table) -> pa.Table:
    """Give a table of the engine the types of its contract."""
    types = {c.name: ARROW[c.type] for c in TABLES[name].columns}
    return table.cast(pa.schema([(n, types.get(n, table.schema.field(n).type)) for n in table.column_names]))


def asdict_shallow(row: Any) -> dict[str, Any]:
    """Fields of a dataclass, without copying what is in them."""
    return {name: getattr(row, name) for name in row.__dataclass_fields__}
