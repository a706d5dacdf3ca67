"""SQL that finds what used open security group rules: accepted flows at the interfaces that have a group now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from auditkit.engines.duckdb import DuckDB

_COLUMNS = (
    "interface_id", "account_id", "vpc_id", "region", "direction", "srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr", "protocol", "local_port", "remote_address_ip",
    "initiator", "action",
)  # fmt: skip
_WITH_PORTS = (6, 17)
_MOST_BORDERS = 64
"""Borders of ranges of addresses beyond which addresses are kept as they are."""
_MOST_RANGES = 200
"""Ranges of ports beyond which all ports of a protocol are looked at."""

RULES = pa.schema(
    [(n, pa.int64()) for n in ("n", "protocol", "from_port", "to_port")]
    + [(n, pa.string()) for n in ("group_id", "low", "high")]
    + [("typed", pa.bool_())]
)
"""Open rules: their number, what they are for, and one range of addresses in a row; `typed` where they are for one type of ICMP."""
MEMBERS = pa.schema([("group_id", pa.string()), ("interface_id", pa.string())])
"""The interfaces that have a group now."""
PLACES = pa.schema([(n, pa.string()) for n in ("group_id", "vpc_id", "region", "account_id")])
"""The VPCs in which a group is, and the accounts that may have interfaces there."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one rule, or of one group's interfaces."""

    surely: bool = False
    """An accepted flow that the other side began fits it."""
    perhaps: bool = False
    """An accepted flow may fit it: who began, the address, or the type of ICMP is not known."""
    perhaps_gone: str = ""
    """An interface that is gone, and may have had the group, with a flow that may fit it."""


@dataclass(frozen=True, slots=True)
class Days:
    """How a group's interfaces were observed."""

    days: int = 0
    """Interface-days."""
    unobserved: int = 0
    """Those on which not all accepted traffic was seen."""
    interface_id: str = ""
    """One of them, or one that is gone and may have had the group."""
    loose: str = ""
    """An interface with the group that has no interface-day, and may have been in use: it is attached to nothing now."""


def rules_used(
    engine: DuckDB, rules: pa.Table, members: pa.Table, places: pa.Table, known: pa.Table
) -> tuple[Mapping[int, Seen], Mapping[str, Days]]:
    """Look among the accepted flows for those that used open rules.

    Args:
        engine: with flow_records, interface_days, units and period_days.
        rules: as RULES.
        members: as MEMBERS.
        places: as PLACES.
        known: the column interface_id: the interfaces that exist now.

    Returns:
        rule number → what was seen of it; group → how it was observed. What is not there was not seen.
    """
    for name, table in (("_rules", rules), ("_members", members), ("_places", places), ("_known", known)):
        engine.add(name, table)
    engine.execute(
        "CREATE OR REPLACE TABLE _rules AS SELECT * REPLACE (low::UHUGEINT AS low, high::UHUGEINT AS high) FROM _rules"
    )
    engine.execute(
        f"CREATE OR REPLACE TABLE _used AS {_FLOWS.format(wanted=_wanted(rules), ip=_cut(rules), flows=engine.relation('flow_records', _COLUMNS))}"
    )
    seen = {r["n"]: Seen(bool(r["surely"]), bool(r["perhaps"]), r["gone"] or "") for r in engine.rows(_SEEN)}
    days = {
        r["group_id"]: Days(r["days"], r["unobserved"], r["interface_id"] or "", r["loose"] or "")
        for r in engine.rows(_DAYS)
    }
    for name in ("_rules", "_members", "_places", "_known", "_used"):
        engine.execute(f"DROP TABLE {name}")
    return seen, days


def _wanted(rules: pa.Table) -> str:
    """The protocols and ports that open rules are for, as a condition."""
    ports: dict[int, set[tuple[int, int]]] = {}
    for row in rules.select(["protocol", "from_port", "to_port"]).to_pylist():
        ports.setdefault(row["protocol"], set()).add((row["from_port"], row["to_port"]))
    if -1 in ports:
        return "TRUE"
    return " OR ".join(("protocol IS NULL", *(f"(protocol = {p}{_ports(p, of)})" for p, of in sorted(ports.items()))))


def _cut(rules: pa.Table) -> str:
    """The address, or for few ranges the border below it: to all of them that is the same, and flows become few."""
    pairs = zip(rules["low"].to_pylist(), rules["high"].to_pylist(), strict=True)
    borders = sorted({border for low, high in pairs for border in (int(low), int(high) + 1) if border < 1 << 128})
    if len(borders) > _MOST_BORDERS:
        return "f.remote_address_ip"
    arms = " ".join(f"WHEN f.remote_address_ip >= {one}::UHUGEINT THEN {one}::UHUGEINT" for one in reversed(borders))
    return f"CASE {arms} WHEN f.remote_address_ip IS NOT NULL THEN 0::UHUGEINT END"


def _ports(protocol: int, ranges: Iterable[tuple[int, int]]) -> str:
    some = sorted(ranges)
    if protocol not in _WITH_PORTS or len(some) > _MOST_RANGES:
        return ""
    return f" AND (local_port IS NULL OR {' OR '.join(f'local_port BETWEEN {low} AND {high}' for low, high in some)})"


_FLOWS = """
SELECT f.interface_id, k.interface_id IS NULL AS gone,
  CASE WHEN k.interface_id IS NULL THEN nullif(nullif(f.vpc_id, '-'), '') END AS vpc_id, f.account_id, f.region, f.protocol, f.local_port,
  -- Where the record has two addresses of the other side, rules saw one of them.
  CASE WHEN CASE f.direction WHEN 'ingress' THEN f.pkt_srcaddr NOT IN ('-', f.srcaddr) WHEN 'egress' THEN f.pkt_dstaddr NOT IN ('-', f.dstaddr) END
    THEN NULL ELSE {ip} END AS ip,
  bool_or(coalesce(f.initiator = 'remote' AND f.action = 'ACCEPT', FALSE)) AS surely
FROM ({flows}) f
LEFT JOIN _known k ON k.interface_id = f.interface_id
WHERE coalesce(f.action, 'ACCEPT') = 'ACCEPT' AND coalesce(f.initiator, '') <> 'local' AND f.interface_id <> '-' AND ({wanted})
  AND (k.interface_id IS NULL OR f.interface_id IN (SELECT interface_id FROM _members))
GROUP BY ALL
"""
"""What could have used a rule, once: interface, protocol, port and address."""

_FITS = """(r.protocol = -1 OR u.protocol IS NULL OR r.protocol = u.protocol)
  AND (r.protocol NOT IN (6, 17) OR u.local_port IS NULL OR u.local_port BETWEEN r.from_port AND r.to_port)
  AND (u.ip IS NULL OR u.ip BETWEEN r.low AND r.high)"""

_SURE = """u.surely AND NOT r.typed AND u.ip IS NOT NULL AND (r.protocol = -1 OR u.protocol IS NOT NULL)
  AND (r.protocol NOT IN (6, 17) OR u.local_port IS NOT NULL)"""

_IN_PLACE = "p.region = {0}.region AND CASE WHEN {0}.vpc_id IS NULL THEN p.account_id = {0}.account_id ELSE p.vpc_id = {0}.vpc_id END"
"""Of an interface that is gone often nothing tells its VPC: then it may have been in any of those open to its account."""

_SEEN = f"""
SELECT n, bool_or(surely) AS surely, bool_or(perhaps) AS perhaps, min(gone) AS gone FROM (
  SELECT r.n, bool_or({_SURE}) AS surely, TRUE AS perhaps, NULL AS gone
  FROM _used u JOIN _members m ON m.interface_id = u.interface_id JOIN _rules r ON r.group_id = m.group_id
  WHERE {_FITS} GROUP BY r.n
  UNION ALL
  SELECT r.n, FALSE, FALSE, min(u.interface_id)
  FROM _used u JOIN _places p ON {_IN_PLACE.format("u")} JOIN _rules r ON r.group_id = p.group_id
  WHERE u.gone AND {_FITS} GROUP BY r.n
) GROUP BY n
"""

_DAYS = f"""
WITH days AS (
  SELECT d.interface_id, nullif(nullif(d.vpc_id, '-'), '') AS vpc_id, d.account_id, d.region, count(*) AS days, count(*) FILTER (d.observed NOT IN ('all', 'accept')) AS unobserved
  FROM interface_days d WHERE d.resource_type = 'network-interface' GROUP BY ALL
)
SELECT group_id, sum(days)::BIGINT AS days, sum(unobserved)::BIGINT AS unobserved, min(interface_id) FILTER (unobserved > 0) AS interface_id,
  min(loose) AS loose
FROM (
  SELECT m.group_id, d.interface_id, d.days, d.unobserved, NULL AS loose FROM days d JOIN _members m ON m.interface_id = d.interface_id
  UNION ALL
  SELECT DISTINCT p.group_id, d.interface_id, 0, d.unobserved, NULL
  FROM days d ANTI JOIN _known k ON k.interface_id = d.interface_id
  JOIN _places p ON {_IN_PLACE.format("d")}
  WHERE d.unobserved > 0
  UNION ALL  -- of one that was attached after the period it is told that it was not in use
  SELECT m.group_id, NULL, 0, 0, m.interface_id
  FROM _members m ANTI JOIN days d ON d.interface_id = m.interface_id LEFT JOIN units u ON u.unit = m.interface_id
  WHERE NOT coalesce(u.in_use AND to_timestamp(u.attached)::DATE > (SELECT max(day) FROM period_days), FALSE)
) GROUP BY group_id
"""


def table(schema: pa.Schema, rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    """Make a typed table of tuples in the order of a schema."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([pa.array(values, f.type) for values, f in zip(columns, schema, strict=True)], schema=schema)
