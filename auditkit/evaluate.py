"""One control, one table → counts per account and region, groups of rows that break it, and what was not decided.

One path for every table. The verdict on a row is `where AND fail_where`: TRUE breaks the control, FALSE is fine, NULL is undecided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from auditkit.model.addresses import Networks
from auditkit.model.condition import UNDECIDED, All, Condition, Test, tests, truth
from auditkit.model.control import Control, Having
from auditkit.model.records import FIELDS
from auditkit.model.schema import RAW_ONLY, TABLES
from auditkit.query import Compiler, name, text

EVIDENCE_ROWS = 5
PEERS = 5
_WINDOWS = {"1h": '"start" // 3600', "1d": "epoch(day)::BIGINT", "period": "0"}
_OPERATORS = {"gt": ">", "ge": ">="}
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

    def relation(self, table: str, columns: Collection[str] | None, only: str = "") -> str:
        """Return a select over a table with some of its columns (None: all) and `_id`; `only` selects the `_id`s wanted."""

    def weighed(self, table: str, columns: Collection[str]) -> tuple[str, str]:
        """Return a select with some columns, and the number of rows that each of its rows stands for."""


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
class Sampled:
    """What was drawn of the interface-days that a control is about, in one account and region."""

    population: int = 0
    """Interface-days that it is about."""
    drawn: int = 0
    """How many of them were drawn, for this control or another."""
    first: int = 0
    """How many of lowest rank were drawn without one left out."""
    base: int = 0
    """How many were drawn because of their rank among all of the account and region."""
    deviations: Counter[str] = field(default_factory=Counter)
    """Reason → interface-days drawn that break the control, or that were not observed for the actions asked about."""
    outside: Counter[str] = field(default_factory=Counter)
    """Reason, or nothing where observed → interface-days that only records tell of: nobody could have drawn them."""

    @property
    def unobserved(self) -> Counter[str]:
        """Reason → interface-days, drawn or not to be drawn, that were not observed, as if there were no sample."""
        lost = self.deviations + self.outside
        return Counter({why: n for why, n in lost.items() if why not in ("", BROKEN, MISSING)})


BROKEN = "it breaks the control"
MISSING = "log objects of it are missing"


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
    sampled: Sampled | None = None
    """What was drawn, where a sample was read; not summed up."""

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


def evaluate(control: Control, engine: Engine, networks: Networks, *, sampled: bool = False) -> Outcome:
    """Judge every row of the control's table.

    The engine must hold the table, and `interface_days` for controls on flow records.

    Args:
        control: the control.
        engine: holds the tables.
        networks: that conditions name.
        sampled: only a sample was read, and the engine has the table `sampled` (interface_id, day, rank, drawn, base, missing).
    """
    where, verdict = verdict_sql(control, networks)
    flows = control.table == "flow_records"
    drawn = " WHERE observed <> 'sampled_out'" if sampled and control.table == "interface_days" else ""
    cells: dict[tuple[str, str], Cell] = {}
    rows, weight = engine.weighed(control.table, _needed(control, control.where))
    for row in engine.rows(
        f"SELECT account_id, region, sum({weight})::BIGINT AS n FROM (SELECT * FROM ({rows}){drawn}) WHERE ({where}) IS NOT FALSE GROUP BY ALL ORDER BY ALL"
    ):
        cells[row["account_id"] or "", row["region"] or ""] = Cell(examined=row["n"])
    # Of flows only what judging and telling of groups asks for is looked up: what else a record says, the samples show.
    source = engine.relation(control.table, _needed(control) if flows else None)
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE judged AS SELECT * FROM (SELECT *, ({verdict}) AS verdict FROM (SELECT * FROM ({source}){drawn}) "
        f"WHERE {_candidates(control, networks)}) WHERE verdict IS NOT FALSE"
    )
    if control.having is not None:
        _apply_having(control, control.having, engine)
    _undecided(control, engine, cells)
    if sampled and control.table in ("flow_records", "interface_days"):
        _sample(control, engine, networks, cells)
    elif control.table == "flow_records":
        _population(control, engine, networks, cells)
    return Outcome(control, cells, tuple(_groups(control, engine)))


def _needed(control: Control, *conditions: Condition) -> tuple[str, ...]:
    """The columns that some conditions of a control need; or, without any, all that judging its rows and grouping them does."""
    table = TABLES[control.table]
    used = [t.column for one in conditions or (control.where, control.fail_where) for t in tests(one)]
    used += ["account_id", "region"]
    if control.table == "flow_records":
        if "vpc" in {
            item
            for one in conditions or (control.where, control.fail_where)
            for t in tests(one)
            if t.type == "address"
            for item in t.value
        }:
            used.append("vpc_id")
        if not conditions:
            having = control.having.column if control.having else ""
            used += [*control.group_by, *([having] if having else []), *_TOLD]
        used += [f"{c}_ip" for c in used if (column := table.column(c)) is not None and column.type == "address"]
    if any(c.name == "at_least" for c in table.columns):
        used.append("at_least")
    return tuple(dict.fromkeys(used))


_TOLD = (
    "unit", "day", "obj", "line", "start", "end", "bytes", "packets", "initiator", "initiator_by_ports", "initiator_basis", "remote_address",
)  # fmt: skip
"""Columns that every judged flow keeps: what groups tell of theirs."""
_SHOWN = (
    "object", "line", "account_id", "region", "vpc_id", "subnet_id", "interface_id", "subject", "subject_type", "service", "action", "protocol", "tcp_flags",
    "flow_direction", "direction", "srcaddr", "dstaddr", "srcport", "dstport", "pkt_srcaddr", "pkt_dstaddr", "local_address", "local_port", "remote_address",
    "remote_port", "remote_interface_id", "remote_vpc_id", "initiator", "initiator_by_ports", "initiator_basis", "traffic_path", "type", "start", "end", "bytes", "packets",
)  # fmt: skip
"""Columns of the flows that a finding shows."""


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
    """Judge groups with bounds: low over rows that are TRUE, high over rows that are not FALSE.

    A row whose key is not known whole may be of any group that it does not contradict, or of one that nothing else is of:
    it counts for the high of all of them, and for the low of none; by itself it breaks a threshold that one row breaks.
    """
    breaks = f"{_OPERATORS[having.op]} {having.threshold}"
    row, low, high, open_, values = _measured(having)
    keys = (*control.group_by, "_window")
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE judged AS SELECT *, {_WINDOWS[having.per]} AS _window, "
        f"coalesce(verdict AND {row} {breaks}, FALSE) AS _alone FROM judged"
    )
    told = engine.rows(
        f"SELECT {', '.join(f'coalesce(bool_or({name(k)} IS NULL), FALSE) AS {name(k)}' for k in keys)} FROM judged"
    )[0]
    unknown = " OR ".join(f"{name(k)} IS NULL" for k in keys)
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE bounds AS SELECT *, row_number() OVER () AS _id, NOT ({unknown}) AS _known FROM "
        f"(SELECT {_keys(keys)}, {low} AS _low, {high} AS _high, {open_} AS _open, "
        f"{values if any(told.values()) else 'NULL'} AS _values FROM judged GROUP BY ALL)"
    )
    # Keys that are known of every row are compared plainly, so that only what shares them is looked at.
    may = " AND ".join(
        f"(n.{name(k)} IS NULL OR b.{name(k)} IS NULL OR n.{name(k)} = b.{name(k)})"
        if told[k]
        else f"n.{name(k)} = b.{name(k)}"
        for k in keys
    )
    total = (
        "sum(n._high)"
        if having.measure != "distinct"
        else "len(list_distinct(flatten(list(n._values)))) + sum(n._high - len(n._values))"
    )
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE more AS SELECT b._id, "
        f"{total} AS _high, bool_or(n._open) AS _open FROM bounds b JOIN bounds n ON {may} WHERE (NOT n._known OR n._id = b._id) GROUP BY b._id"
        if any(told.values())
        else "CREATE OR REPLACE TEMP TABLE more AS SELECT _id, _high, _open FROM bounds"
    )
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE windows AS SELECT {', '.join(f'b.{name(k)}' for k in keys)}, b._known, "
        f"CASE WHEN b._known AND b._low {breaks} THEN TRUE WHEN m._open OR m._high {breaks} THEN NULL ELSE FALSE END AS _breaks "
        "FROM bounds b JOIN more m USING (_id)"
    )
    same = " AND ".join(f"j.{name(k)} IS NOT DISTINCT FROM w.{name(k)}" for k in keys)
    certain = "(j.verdict AND w._breaks) OR (j._alone AND NOT w._known)"
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE judged AS "
        f"SELECT j.* EXCLUDE (_window, _alone) REPLACE (CASE WHEN {certain} THEN TRUE ELSE NULL END AS verdict) "
        f"FROM judged j JOIN windows w ON {same} WHERE {certain} OR w._breaks IS NULL"
    )


def _measured(having: Having) -> tuple[str, str, str, str, str]:
    """SQL of what one row counts for at least, and of a group: at least, at most, whether it may be any number, the values."""
    if having.measure == "flows":
        return "1", "count(*) FILTER (verdict)", "count(*)", "FALSE", "NULL"
    column = name(having.column if having.measure == "distinct" else having.measure)
    if having.measure == "distinct":  # a value that is not known is one all the same
        low = f"greatest(count(DISTINCT {column}) FILTER (verdict), (count(*) FILTER (verdict) > 0)::BIGINT)"
        high = f"count(DISTINCT {column}) + count(*) FILTER ({column} IS NULL)"
        return "1", low, high, "FALSE", f"coalesce(list(DISTINCT {column}) FILTER ({column} IS NOT NULL), [])"
    low = f"coalesce(sum({column}) FILTER (verdict), 0)"
    return f"coalesce({column}, 0)", low, f"coalesce(sum({column}), 0)", f"bool_or({column} IS NULL)", "NULL"


def _undecided(control: Control, engine: Engine, cells: dict[tuple[str, str], Cell]) -> None:
    """Say which columns left rows undecided."""
    used = {t.column: _is_open(t) for t in (*tests(control.where), *tests(control.fail_where))}
    if control.having is not None:
        counted = control.having.column or {"flows": ""}.get(control.having.measure, control.having.measure)
        used = {c: f"{name(c)} IS NULL" for c in (*control.group_by, counted) if c} | used
    nulls = ", ".join(f"count(*) FILTER ({sql}) AS {name('n_' + c)}" for c, sql in used.items())
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
    order = '"start", obj, line' if flows else ", ".join(texts)
    facts = _FLOW_FACTS if flows else ""
    rows = engine.rows(
        f"SELECT {keys}, count(*) AS _rows, min(account_id) AS _account, min(region) AS _region{facts} "
        f"FROM {source} GROUP BY {keys} ORDER BY {keys}"
    )
    if not rows:
        return
    picked = f"FROM {source} QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {order}) <= {EVIDENCE_ROWS}"
    if flows:
        engine.execute(
            f'CREATE OR REPLACE TEMP TABLE picked AS SELECT _id, {keys}, obj AS _obj, line AS _line, "start" AS _start {picked}'
        )
        shown = engine.relation(control.table, (*_SHOWN, *(k for k in by if k not in _SHOWN)), "SELECT _id FROM picked")
        found = engine.rows(
            f"SELECT w.* FROM picked p JOIN ({shown}) w ON w._id = p._id ORDER BY {', '.join(f'p.{name(k)}' for k in by)}, p._start, p._obj, p._line"
        )
    else:
        found = engine.rows(f"SELECT * {picked} ORDER BY {keys}, {order}")
    samples = _by_group(by, found)
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
    """Count the interface-days that the control is about, and those not observed for the actions it asks about."""
    for row in engine.rows(
        f"SELECT account_id, region, CASE WHEN seen THEN '' ELSE reason END AS reason, count(*) AS days "
        f"FROM ({_in_scope(control, networks)}) GROUP BY ALL ORDER BY ALL"
    ):
        cell = cells.setdefault((row["account_id"] or "", row["region"] or ""), Cell())
        cell.days += row["days"]
        if row["reason"]:
            cell.unobserved[row["reason"]] += row["days"]


def _in_scope(control: Control, networks: Networks) -> str:
    """Select the interface-days that a control on flow records is about, and whether they were `seen`; else, the `reason`.

    An interface-day is in scope unless what is known of it beforehand already makes the verdict FALSE.
    """
    both = All((control.where, control.fail_where))
    base = {c.name: name(c.name) if c.name in _STANDING else "NULL" for c in TABLES["flow_records"].columns}

    def asks(columns: dict[str, str]) -> str:
        return f"({Compiler(networks, base | columns).sql(both)}) IS NOT FALSE"

    accept, reject, transit = asks({"action": "'ACCEPT'"}), asks({"action": "'REJECT'"}), asks(_of_transit_gateways())
    return f"""
  SELECT account_id, region, interface_id, day, CASE WHEN reason <> '' THEN reason WHEN observed = 'accept' THEN 'only ACCEPT is logged'
      WHEN observed = 'reject' THEN 'only REJECT is logged' ELSE 'not observed' END AS reason,
    observed = 'all' OR (observed = 'accept' AND NOT _reject) OR (observed = 'reject' AND NOT _accept) AS seen, observed
  FROM (
    SELECT *, resource_type <> '{_ATTACHMENT}' AND {accept} AS _accept, resource_type <> '{_ATTACHMENT}' AND {reject} AS _reject,
      resource_type = '{_ATTACHMENT}' AND {transit} AS _transit
    FROM interface_days
  ) WHERE _accept OR _reject OR _transit"""


def _of_interface_days(control: Control, networks: Networks) -> str:
    """Select the interface-days that a control on interface_days is about: what it says of them is seen."""
    base = {c.name: name(c.name) if c.name in _STANDING else "NULL" for c in TABLES["interface_days"].columns}
    both = Compiler(networks, base).sql(All((control.where, control.fail_where)))
    return f"SELECT account_id, region, interface_id, day, reason, TRUE AS seen, observed FROM interface_days WHERE ({both}) IS NOT FALSE"


def _sample(control: Control, engine: Engine, networks: Networks, cells: dict[tuple[str, str], Cell]) -> None:
    """Count what was drawn of the interface-days that the control is about, and how many of these deviate.

    What nothing can tell of is known without a draw, and was not observed. Ranks among those that the control is about
    decide which of them are a sample of them.
    """
    flows = control.table == "flow_records"
    unit = "unit" if flows else "interface_id"
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE broken AS SELECT DISTINCT {unit} AS interface_id, day FROM judged WHERE verdict"
    )
    engine.execute(f"""
CREATE OR REPLACE TEMP TABLE asked AS
SELECT d.account_id, d.region, coalesce(s.drawn, false) AS drawn, coalesce(s.base, false) AS base, s.rank IS NULL AS outside,
  CASE WHEN NOT d.seen AND (d.observed <> 'sampled_out' OR s.rank IS NULL) THEN d.reason WHEN b.interface_id IS NOT NULL THEN '{BROKEN}'
    WHEN s.drawn AND s.missing THEN '{MISSING}' ELSE '' END AS why,
  row_number() OVER (PARTITION BY d.account_id, d.region, s.rank IS NULL ORDER BY s.rank, d.interface_id, d.day) AS place
FROM ({_in_scope(control, networks) if flows else _of_interface_days(control, networks)}) d
LEFT JOIN sampled s ON s.interface_id = d.interface_id AND s.day = d.day
LEFT JOIN broken b ON b.interface_id = d.interface_id AND b.day = d.day""")
    for row in engine.rows(
        "SELECT account_id, region, count(*) AS population, count(*) FILTER (drawn) AS drawn, count(*) FILTER (base) AS base, "
        "coalesce(min(place) FILTER (NOT drawn) - 1, count(*)) AS first FROM asked WHERE NOT outside GROUP BY ALL ORDER BY ALL"
    ):
        cell = cells.setdefault((row.pop("account_id") or "", row.pop("region") or ""), Cell())
        cell.sampled = Sampled(**row)
        cell.days = row["population"]
    for row in engine.rows(
        "SELECT account_id, region, drawn, outside, why, count(*) AS days FROM asked WHERE outside OR why <> '' GROUP BY ALL ORDER BY ALL"
    ):
        cell = cells.setdefault((row["account_id"] or "", row["region"] or ""), Cell())
        cell.sampled = cell.sampled or Sampled()
        if row["outside"]:
            cell.sampled.outside[row["why"]] += row["days"]
        elif row["drawn"]:
            cell.sampled.deviations[row["why"]] += row["days"]
        elif row["why"] != BROKEN:
            cell.unobserved[row["why"]] += row["days"]


def may_break(control: Control, unit: Mapping[str, Any]) -> bool:
    """Tell whether what is known of an interface, attachment or NAT gateway beforehand lets it break a control, in any record.

    Args:
        control: on flow_records or interface_days.
        unit: its columns, as `interface_days` has them.
    """
    both = All((control.where, control.fail_where))
    row = {column: unit.get(column) for column in _STANDING}
    if control.table != "flow_records":
        return truth(both, row) is not False
    if unit["resource_type"] == _ATTACHMENT:
        return truth(both, row | _TOLD_OF_GATEWAYS) is not False
    return any(truth(both, row | {"action": action}) is not False for action in ("ACCEPT", "REJECT"))


def _of_transit_gateways() -> dict[str, str]:
    """Columns that cannot apply to a transit gateway's record, as SQL."""
    out = {c: str(v) if isinstance(v, int) else text(v) for c, v in _TOLD_OF_GATEWAYS.items()}
    addresses = ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr", "local_address", "remote_address")
    return out | {f"{a}_ip": "NULL::UHUGEINT" for a in addresses}


def _gateways() -> dict[str, str | int]:
    numbers = ("integer", "port", "protocol")
    out: dict[str, str | int] = {
        f.column: 0 if f.type in numbers else "-"
        for f in FIELDS
        if "transit-gateway" not in f.kinds and f.name not in RAW_ONLY
    }
    out |= dict.fromkeys(("direction", "local_address", "remote_address", "initiator", "initiator_basis"), "-")
    out |= {"local_port": 0, "remote_port": 0}
    return {column: value for column, value in out.items() if column not in _STANDING} | {"interface_id": "-"}


_TOLD_OF_GATEWAYS = _gateways()
"""Column → what stands in it where it cannot apply to a transit gateway's record."""
