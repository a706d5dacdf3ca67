"""One control, one table → counts per account and region, groups of rows that break it, and what was not decided.

One path for every table. The verdict on a row is `where AND fail_where`: TRUE breaks the control, FALSE is fine, NULL is undecided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from auditkit.model.addresses import Networks
from auditkit.model.condition import UNDECIDED, All, Condition, Test, tests
from auditkit.model.control import Control, Having
from auditkit.model.records import FIELDS
from auditkit.model.schema import RAW_ONLY, TABLES
from auditkit.query import Compiler, name, text

EVIDENCE_ROWS = 5
PEERS = 5
_WINDOWS = {"1h": 'coalesce("start", epoch(day)::BIGINT) // 3600', "1d": "epoch(day)::BIGINT", "period": "0"}
_ATTACHMENT = "transit-gateway-attachment"
# Columns of a flow record that are known of an interface-day before any record of it is read.
_STANDING = (
    "account_id", "region", "vpc_id", "subnet_id", "interface_id", "resource_type", "baseline",
    "service", "subject", "subject_type", "vpc_tags", "subnet_tags", "interface_tags", "account_tags",
)  # fmt: skip


class Engine(Protocol):
    """What evaluation needs of an engine."""

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Run one select."""

    def execute(self, sql: str) -> None:
        """Run one statement."""


@dataclass(frozen=True)
class Group:
    """Rows of one group that break a control, or that cannot be decided."""

    key: dict[str, Any]
    """Values of group_by."""
    account_id: str
    """Account."""
    region: str
    """Region."""
    fails: bool
    """True when a row breaks the control; False when all are undecided."""
    facts: dict[str, Any]
    """rows; for flows also first, last, bytes, packets, basis, peers."""
    sample: tuple[dict[str, Any], ...]
    """Up to five rows, whole."""


@dataclass
class Cell:
    """One account and region."""

    examined: int = 0
    """Rows for which `where` is not FALSE."""
    days: int = 0
    """Interface-days in scope, for flow records."""
    unobserved: Counter[str] = field(default_factory=Counter)
    """Reason → interface-days that were not observed for the actions asked about."""
    open: Counter[str] = field(default_factory=Counter)
    """Column → rows that it leaves undecided."""

    def __add__(self, other: Cell) -> Cell:
        """Sum two cells up."""
        return Cell(
            self.examined + other.examined,
            self.days + other.days,
            self.unobserved + other.unobserved,
            self.open + other.open,
        )

    def reasons(self, table: str) -> list[str]:
        """Say what was not decided."""
        out = []
        if missing := self.unobserved.total():
            why = "; ".join(
                f"{text} ({n:,})" for text, n in sorted(self.unobserved.items(), key=lambda i: (-i[1], i[0]))
            )
            out.append(f"{missing:,} of {self.days:,} interface-days in scope were not observed: {why}")
        for column_name, n in sorted(self.open.items()):
            column = TABLES[table].column(column_name)
            why = "it is unknown" if column is None or column.type == "state" else column.null
            out.append(f"{column_name} leaves {n:,} of the {self.examined:,} rows examined undecided: {why}")
        return out


@dataclass(frozen=True)
class Outcome:
    """What one control found."""

    control: Control
    """The control."""
    cells: dict[tuple[str, str], Cell]
    """(account, region) → counts."""
    groups: tuple[Group, ...]
    """Sorted by key."""


def verdict_sql(control: Control, networks: Networks) -> tuple[str, str]:
    """Return the SQL of `where` and of the verdict.

    On flow records ports may accuse, never acquit: the initiator that ports suggest counts only where it makes the verdict TRUE.
    """
    plain = Compiler(networks)
    where = plain.sql(control.where)
    both = All((control.where, control.fail_where))
    verdict = plain.sql(both)
    if control.table == "flow_records" and any(t.column == "initiator" for t in tests(both)):
        accused = Compiler(networks, {"initiator": "initiator_by_ports"}).sql(both)
        verdict = f"(CASE WHEN initiator IS NULL AND initiator_by_ports IS NOT NULL AND {accused} THEN TRUE ELSE {verdict} END)"
    return where, verdict


def evaluate(control: Control, engine: Engine, networks: Networks) -> Outcome:
    """Judge every row of the control's table.

    The engine must hold the table, and `interface_days` for controls on flow records.
    """
    where, verdict = verdict_sql(control, networks)
    table = name(control.table)
    cells: dict[tuple[str, str], Cell] = {}
    for row in engine.rows(
        f"SELECT account_id, region, count(*) AS n FROM {table} WHERE ({where}) IS NOT FALSE GROUP BY ALL ORDER BY ALL"
    ):
        cells[row["account_id"] or "", row["region"] or ""] = Cell(examined=row["n"])
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE judged AS SELECT * FROM (SELECT *, ({verdict}) AS verdict FROM {table} "
        f"WHERE {_candidates(control, networks)}) WHERE verdict IS NOT FALSE"
    )
    if control.having is not None:
        _apply_having(control, control.having, engine)
    _undecided(control, engine, cells)
    if control.table == "flow_records":
        _population(control, engine, networks, cells)
    return Outcome(control, cells, tuple(_groups(control, engine)))


def _candidates(control: Control, networks: Networks) -> str:
    """Rows that no part of the condition already clears: an AND is FALSE exactly if one of its parts is.

    Said part by part, so that the engine need not judge the dear parts of rows that a cheap one clears.
    """
    compiler = Compiler(networks)
    parts = [part for part in _conjuncts(All((control.where, control.fail_where))) if not _of_initiator(part)]
    return " AND ".join(f"({compiler.sql(part)}) IS NOT FALSE" for part in parts) or "TRUE"


def _conjuncts(condition: Condition) -> Iterable[Condition]:
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _conjuncts(part)
    else:
        yield condition


def _of_initiator(condition: Condition) -> bool:
    return any(test.column == "initiator" for test in tests(condition))


def _keys(by: tuple[str, ...]) -> str:
    return ", ".join(map(name, by))


def _apply_having(control: Control, having: Having, engine: Engine) -> None:
    """Judge groups with bounds: low over rows that are TRUE, high over rows that are not FALSE."""
    window = _WINDOWS[having.per]
    match having.measure:
        case "flows":
            low, high = "count(*) FILTER (verdict)", "count(*)"
        case "distinct":
            column = name(having.column)
            low = f"count(DISTINCT {column}) FILTER (verdict)"
            high = f"count(DISTINCT {column}) + count(*) FILTER ({column} IS NULL)"
        case measure:
            low, high = f"coalesce(sum({name(measure)}) FILTER (verdict), 0)", f"coalesce(sum({name(measure)}), 0)"
            # NULL could be any number
            high = f"CASE WHEN count(*) FILTER ({name(measure)} IS NULL) > 0 THEN {2**62} ELSE {high} END"
    op = {"gt": ">", "ge": ">="}[having.op]
    keys = (*control.group_by, "_window")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE judged AS SELECT *, {window} AS _window FROM judged")
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE bounds AS SELECT {_keys(keys)}, {low} AS _low, {high} AS _high FROM judged GROUP BY ALL"
    )
    # Rows whose key is not known may belong to any group that they do not contradict.
    may = " AND ".join(f"(n.{name(k)} IS NULL OR n.{name(k)} = b.{name(k)})" for k in control.group_by)
    lost = " OR ".join(f"n.{name(k)} IS NULL" for k in control.group_by)
    own = " AND ".join(f"b.{name(k)} IS NOT NULL" for k in control.group_by)
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE windows AS SELECT {_keys(keys)}, CASE WHEN _low {op} {having.threshold} THEN TRUE "
        f"WHEN _high::DOUBLE + _more {op} {having.threshold} THEN NULL ELSE FALSE END AS _breaks FROM ("
        f"SELECT b.*, coalesce((SELECT sum(n._high::DOUBLE) FROM bounds n WHERE ({lost}) AND ({own}) AND n._window = b._window AND {may}), 0) "
        "AS _more FROM bounds b)"
    )
    same = " AND ".join(f"j.{name(k)} IS NOT DISTINCT FROM w.{name(k)}" for k in keys)
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE judged AS "
        "SELECT j.* EXCLUDE (_window) REPLACE (CASE WHEN w._breaks THEN TRUE ELSE NULL END AS verdict) "
        f"FROM judged j JOIN windows w ON {same} WHERE w._breaks IS NOT FALSE AND (j.verdict OR w._breaks IS NULL)"
    )


def _undecided(control: Control, engine: Engine, cells: dict[tuple[str, str], Cell]) -> None:
    """Say which columns left rows undecided."""
    used = {t.column: t for t in (*tests(control.where), *tests(control.fail_where))}
    nulls = ", ".join(f"count(*) FILTER ({_is_open(t)}) AS {name('n_' + c)}" for c, t in used.items())
    for row in engine.rows(
        f"SELECT account_id, region, {nulls} FROM judged WHERE verdict IS NULL GROUP BY account_id, region ORDER BY ALL"
    ):
        cell = cells.setdefault((row["account_id"] or "", row["region"] or ""), Cell())
        cell.open.update({c: row["n_" + c] for c in used if row["n_" + c]})


def _is_open(test: Test) -> str:
    column = name(test.column)
    if test.type == "open":
        return f"coalesce({column} IN ({', '.join(map(text, UNDECIDED))}), TRUE)"
    return f"{column} = 'unknown'" if test.type == "state" else f"{column} IS NULL"


def _groups(control: Control, engine: Engine) -> Iterable[Group]:
    """Groups that break the control, then those that are only undecided.

    Undecided flows are told once for each resource, not for each port: what is missing is the same for all of them.
    """
    flows = control.table == "flow_records"
    yield from _fold(control, engine, control.group_by, "(SELECT * FROM judged WHERE verdict)", fails=True)
    source = (
        "(SELECT * EXCLUDE (_fails) FROM (SELECT *, bool_or(coalesce(verdict, false)) "
        f"OVER (PARTITION BY {_keys(control.group_by)}) AS _fails FROM judged) WHERE verdict IS NULL AND NOT _fails)"
    )
    standing = tuple(k for k in control.group_by if k in _STANDING) or ("account_id", "region")
    yield from _fold(control, engine, standing if flows else control.group_by, source, fails=False)


def _fold(control: Control, engine: Engine, by: tuple[str, ...], source: str, *, fails: bool) -> Iterable[Group]:
    keys = _keys(by)
    flows = control.table == "flow_records"
    texts = (name(c.name) for c in TABLES[control.table].columns if c.type in ("text", "aws", "time"))
    order = '"start", "object", line' if flows else ", ".join(texts)
    facts = _FLOW_FACTS if flows else ""
    rows = engine.rows(
        f"SELECT {keys}, count(*) AS _rows, min(account_id) AS _account, min(region) AS _region{facts} "
        f"FROM {source} GROUP BY {keys} ORDER BY {keys}"
    )
    if not rows:
        return
    samples = _by_group(
        by,
        engine.rows(
            f"SELECT * FROM {source} QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {order}) <= {EVIDENCE_ROWS} "
            f"ORDER BY {keys}, {order}"
        ),
    )
    peers = _peers(by, engine, source) if flows else {}
    for row in rows:
        key = {k: row[k] for k in by}
        same = _hashable(key)
        yield Group(
            key,
            row["_account"] or "",
            row["_region"] or "",
            fails,
            _facts(row, peers.get(same, [])),
            tuple(samples[same]),
        )


_FLOW_FACTS = (
    ', min("start") AS _first, max("end") AS _last, sum(bytes)::HUGEINT AS _bytes, sum(packets)::HUGEINT AS _packets, '
    "count(*) FILTER (initiator IS NULL AND initiator_by_ports IS NOT NULL) AS _ports, "
    "count(*) FILTER (initiator_basis = 'flags') AS _flags, count(*) FILTER (initiator_basis = 'earlier_flags') AS _earlier"
)


def _facts(row: dict[str, Any], peers: list[dict[str, Any]]) -> dict[str, Any]:
    facts: dict[str, Any] = {"rows": row["_rows"]}
    if "_first" in row:
        basis = {"flags": row["_flags"], "earlier_flags": row["_earlier"], "ports": row["_ports"]}
        facts |= {
            "first": row["_first"],
            "last": row["_last"],
            "bytes": int(row["_bytes"] or 0),
            "packets": int(row["_packets"] or 0),
            "basis": {k: v for k, v in basis.items() if v},
            "peers": peers,
        }
    return facts


def _peers(by: tuple[str, ...], engine: Engine, source: str) -> dict[Any, list[dict[str, Any]]]:
    keys = _keys(by)
    rows = engine.rows(
        f"SELECT {keys}, remote_address AS _peer, count(*) AS _rows, coalesce(sum(bytes), 0)::HUGEINT AS _bytes FROM {source} "
        f"WHERE remote_address IS NOT NULL GROUP BY {keys}, _peer "
        f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY _bytes DESC, _peer) <= {PEERS} ORDER BY {keys}, _bytes DESC, _peer"
    )
    return {
        same: [{"address": r["_peer"], "rows": r["_rows"], "bytes": int(r["_bytes"])} for r in some]
        for same, some in _by_group(by, rows).items()
    }


def _by_group(by: tuple[str, ...], rows: list[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    out: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        out.setdefault(_hashable({k: row[k] for k in by}), []).append(row)
    return out


def _hashable(key: dict[str, Any]) -> Any:
    return tuple(tuple(v) if isinstance(v, list) else v for v in key.values())


def _population(control: Control, engine: Engine, networks: Networks, cells: dict[tuple[str, str], Cell]) -> None:
    """Count the interface-days that the control is about, and those not observed for the actions it asks about.

    An interface-day is in scope unless what is known of it beforehand already makes the verdict FALSE.
    """
    both = All((control.where, control.fail_where))
    base = {c.name: name(c.name) if c.name in _STANDING else "NULL" for c in TABLES["flow_records"].columns}

    def asks(columns: dict[str, str]) -> str:
        return f"({Compiler(networks, base | columns).sql(both)}) IS NOT FALSE"

    accept, reject, transit = asks({"action": "'ACCEPT'"}), asks({"action": "'REJECT'"}), asks(_of_transit_gateways())
    sql = f"""
SELECT account_id, region, CASE WHEN seen THEN '' ELSE reason END AS reason, count(*) AS days
FROM (
  SELECT account_id, region, CASE WHEN reason <> '' THEN reason WHEN observed = 'accept' THEN 'only ACCEPT is logged'
      WHEN observed = 'reject' THEN 'only REJECT is logged' ELSE 'not observed' END AS reason,
    observed = 'all' OR (observed = 'accept' AND NOT _reject) OR (observed = 'reject' AND NOT _accept) AS seen
  FROM (
    SELECT *, resource_type <> '{_ATTACHMENT}' AND {accept} AS _accept, resource_type <> '{_ATTACHMENT}' AND {reject} AS _reject,
      resource_type = '{_ATTACHMENT}' AND {transit} AS _transit
    FROM interface_days
  ) WHERE _accept OR _reject OR _transit
) GROUP BY ALL ORDER BY ALL"""
    for row in engine.rows(sql):
        cell = cells.setdefault((row["account_id"] or "", row["region"] or ""), Cell())
        cell.days += row["days"]
        if row["reason"]:
            cell.unobserved[row["reason"]] += row["days"]


def _of_transit_gateways() -> dict[str, str]:
    """Columns that cannot apply to a transit gateway's record."""
    numbers = ("integer", "port", "protocol")
    out = {
        f.column: "0" if f.type in numbers else "'-'"
        for f in FIELDS
        if "transit-gateway" not in f.kinds and f.name not in RAW_ONLY
    }
    out |= dict.fromkeys(("direction", "local_address", "remote_address", "initiator", "initiator_basis"), "'-'")
    out |= {"local_port": "0", "remote_port": "0"}
    out = {column: value for column, value in out.items() if column not in _STANDING}
    addresses = ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr", "local_address", "remote_address")
    return {**out, "interface_id": "'-'", **{f"{a}_ip": "NULL::UHUGEINT" for a in addresses}}
