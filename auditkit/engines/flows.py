"""SQL that turns lines into flow records: each flow once, which side is local, who began, who the other side is (pure).

`flows` holds numbers; what they stand for lies in small tables beside it (`places`, `addresses`, `texts`, `remotes`), and
`relation` joins those that a question asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from auditkit.engines.lines import STORED, Lines, absent
from auditkit.model.addresses import PRIVATE, cidr
from auditkit.model.records import FIELDS
from auditkit.model.schema import RAW_ONLY

IDLE = 432_000
"""Seconds for which a security group may remember an idle connection (its largest setting): older flags tell nothing."""
TOLD = ("account_id", "region", "vpc_id", "subnet_id", "instance_id", "interface_id")
"""Fields of a record that a place keeps: they are the same in most lines of one interface."""
PLACE = (
    "unit", "account_id", "region", "vpc_id", "subnet_id", "instance_id", "interface_id", "flow_log_id", "resource_type", "baseline", "service", "subject", "subject_type",
    "vpc_tags", "subnet_tags", "interface_tags", "account_tags",
)  # fmt: skip
"""Columns of flow_records that a place has."""
REMOTE = ("account_id", "vpc_id", "interface_id", "service", "subject", "subject_type")
REMOTE_TAGS = ("vpc_tags", "subnet_tags", "interface_tags", "account_tags")
_WORDS = {
    "direction": ("-", "ingress", "egress"),
    "initiator": ("-", "local", "remote"),
    "initiator_by_ports": ("-", "local", "remote"),
    "initiator_basis": ("-", "flags", "earlier_flags", "none"),
}
"""Column → its words, by number."""
_ADDRESSES = ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr", "local_address", "remote_address")
_FAR_SERVICE = ("pkt_src_aws_service", "pkt_dst_aws_service")


def places(lines: Lines) -> str:
    """Return the statement that makes `places`: what is known of an interface, as its records and the inventory tell it.

    Needs the lines, `origins`, `texts` and `units`.
    """
    keys = [c for c in TOLD if c in lines.columns]
    told = ", ".join(f't_{c}.text AS "{c}"' if c in keys else f'{_lacking(c)} AS "{c}"' for c in TOLD)
    joins = " ".join(f'LEFT JOIN texts t_{c} ON t_{c}.code = d."{c}"' for c in keys)
    codes = "".join(f', "{c}"' for c in keys)
    return f"""
CREATE OR REPLACE TABLE places AS
WITH d AS (SELECT DISTINCT unit, tgw, origin{codes} FROM ({lines.all(keys)})),
said AS (
  SELECT row_number() OVER () AS place, d.unit AS unit_code, d.tgw, d.origin{"".join(f', d."{c}" AS code_{c}' for c in keys)}, w.text AS unit, {told}
  FROM d LEFT JOIN texts w ON w.code = d.unit {joins}
)
SELECT s.place::INTEGER AS place, s.unit_code, s.tgw, s.origin{"".join(f", s.code_{c}" for c in keys)}, s.unit,
  coalesce(u.account_id, nullif(nullif(s.account_id, 'unknown'), '-'), o.account_id) AS account_id,
  coalesce(u.region, nullif(s.region, '-'), o.region) AS region,
  CASE WHEN u.unit IS NOT NULL THEN u.vpc_id ELSE s.vpc_id END AS vpc_id,
  CASE WHEN u.unit IS NOT NULL THEN u.subnet_id ELSE s.subnet_id END AS subnet_id,
  coalesce(s.instance_id, u.instance_id) AS instance_id,
  s.interface_id, o.flow_log_id,
  coalesce(u.resource_type, CASE WHEN s.tgw THEN 'transit-gateway-attachment' WHEN s.unit LIKE 'nat-%' THEN 'nat-gateway' ELSE 'network-interface' END) AS resource_type,
  u.baseline, u.service, coalesce(u.subject, s.unit) AS subject, coalesce(u.subject_type, 'network-interface') AS subject_type,
  u.vpc_tags, u.subnet_tags, u.interface_tags, u.account_tags,
  (dense_rank() OVER (ORDER BY CASE WHEN u.unit IS NOT NULL THEN u.vpc_id ELSE s.vpc_id END NULLS FIRST))::INTEGER AS network
FROM said s JOIN origins o ON o.origin = s.origin LEFT JOIN units u ON u.unit = s.unit
"""


def _lacking(column: str) -> str:
    """What stands for a field that no format has."""
    kinds = next(f.kinds for f in FIELDS if f.column == column)
    return "NULL::VARCHAR" if "transit-gateway" in kinds else "CASE WHEN d.tgw THEN '-' END"


def private(column: str) -> str:
    """Return whether a 128-bit number is a private address."""
    ranges = (f"{column} BETWEEN {low}::UHUGEINT AND {high}::UHUGEINT" for low, high in map(cidr, PRIVATE))
    return f"({' OR '.join(ranges)})"


OWN = """
CREATE OR REPLACE TABLE own AS
SELECT DISTINCT t.code AS unit, a.code AS address FROM own_ranges o JOIN texts t ON t.text = o.unit JOIN addresses a ON a.ip = o.low WHERE o.low = o.high
UNION
SELECT DISTINCT t.code, a.code FROM (SELECT * FROM own_ranges WHERE low < high) o JOIN texts t ON t.text = o.unit JOIN addresses a ON a.ip BETWEEN o.low AND o.high
"""
"""The interface's own addresses among those seen, as numbers."""


def own_of_strangers(lines: Lines) -> str:
    """Return the statement that adds the addresses of interfaces that the inventory does not have.

    Such a one owns the one private address that stands in each of its records, where all its peers are public; anything
    else tells nothing.
    """
    return f"""
INSERT INTO own
WITH stocked AS (SELECT DISTINCT t.code AS unit FROM own_ranges o JOIN texts t ON t.text = o.unit), lonely AS (
  SELECT unit, srcaddr, dstaddr, count(*) AS n FROM ({lines.all(("srcaddr", "dstaddr"))})
  WHERE NOT tgw AND unit IS NOT NULL AND unit NOT IN (SELECT unit FROM stocked) GROUP BY ALL
), votes AS (
  SELECT unit, address, sum(n) AS n FROM (
    SELECT unit, srcaddr AS address, n FROM lonely UNION ALL SELECT unit, dstaddr, n FROM lonely WHERE dstaddr <> srcaddr
  ) GROUP BY ALL
), guessed AS (
  SELECT v.unit, min(v.address) AS address FROM votes v JOIN (SELECT unit, sum(n) AS n FROM lonely GROUP BY unit) t USING (unit)
  JOIN addresses a ON a.code = v.address
  WHERE v.n = t.n AND {private("a.ip")} GROUP BY v.unit HAVING count(*) = 1
), doubtful AS (
  SELECT v.unit FROM votes v JOIN addresses a ON a.code = v.address WHERE {private("a.ip")} GROUP BY v.unit HAVING count(*) > 1
)
SELECT unit, address FROM guessed WHERE unit NOT IN (SELECT unit FROM doubtful)
"""


HIDES = """
CREATE OR REPLACE TABLE hides AS
WITH networks AS (SELECT DISTINCT network, vpc_id FROM places),
hidden AS (SELECT DISTINCT i.vpc_id, i.ip, a.code FROM intermediaries i JOIN addresses a ON a.ip = i.ip)
SELECT DISTINCT n.network, h.code AS address FROM networks n JOIN hidden h ON h.vpc_id = CASE
  WHEN EXISTS (SELECT 1 FROM vpc_ranges v WHERE v.unit = n.vpc_id AND h.ip BETWEEN v.low AND v.high) THEN n.vpc_id ELSE '*' END
"""
"""Which addresses are an intermediary's, seen from which VPC: an address of its own CIDRs is one of its own VPC."""


def flows(lines: Lines, service_ports: Collection[int]) -> list[str]:
    """Return the statements that make `flows`: each flow once, with what tells of its two sides.

    Needs the lines, `objects`, `places`, `chosen_lines`, `own`, `hides` and `period_days`.

    Args:
        lines: the formats.
        service_ports: ports that loaded controls name; those below 1024 are always service ports.
    """
    listed = ", ".join(str(p) for p in sorted(service_ports) if p >= 1024) or "-1"

    def service(column: str) -> str:
        return f"(({column} BETWEEN 1 AND 1023) OR {column} IN ({listed}))"

    keys = [c for c in TOLD if c in lines.columns]
    kept = [c for c in lines.columns if c not in keys]
    has = set(lines.columns)
    fields = ", ".join(f'"{c}"' for c in kept) + (", other_fields" if lines.others else "")
    same = " AND ".join(f'p.code_{c} IS NOT DISTINCT FROM l."{c}"' for c in keys)

    def field(column: str) -> str:
        return f'"{column}"' if column in has else "NULL"

    def packet(column: str, plain: str) -> str:
        return f"coalesce(nullif({column}, 0), {field(plain)})" if column in has else field(plain)

    flags = "tcp_flags" in has
    direction = f"""CASE WHEN tgw THEN 0 {"WHEN flow_direction = (SELECT code FROM texts WHERE text = 'ingress') THEN 1 WHEN flow_direction = (SELECT code FROM texts WHERE text = 'egress') THEN 2" if "flow_direction" in has else ""}
      WHEN dst_own AND NOT src_own THEN 1 WHEN src_own AND NOT dst_own THEN 2 END"""
    by_flags = (
        f"""CASE WHEN direction = 0 THEN 0 WHEN direction IS NULL OR {field("protocol")} <> 6 OR tcp_flags IS NULL THEN NULL
      WHEN tcp_flags & 18 = 18 THEN CASE direction WHEN 1 THEN 1 ELSE 2 END
      WHEN tcp_flags & 2 = 2 THEN CASE direction WHEN 1 THEN 2 ELSE 1 END END"""
        if flags
        else "CASE WHEN direction = 0 THEN 0 END"
    )
    owned = "SELECT unit, address FROM own"
    taken = f"""
WITH taken AS (
  SELECT l.obj, l.line, l.tgw, l.unit, {", ".join(f'l."{c}"' for c in kept) or "NULL AS nothing"}{", l.other_fields" if lines.others else ""}, p.place, p.network, c.day,
    {"s.address IS NOT NULL" if "srcaddr" in has else "false"} AS src_own, {"d.address IS NOT NULL" if "dstaddr" in has else "false"} AS dst_own
  FROM ({lines.all()}) l JOIN objects o USING (obj)
  JOIN chosen_lines c ON c.unit = l.unit AND c.origin = l.origin AND c.day = (coalesce({'l."start"' if "start" in has else "NULL"}, o.slot) // 86400)::INTEGER
  JOIN places p ON p.unit_code = l.unit AND p.tgw = l.tgw AND p.origin = l.origin {"AND " + same if same else ""}
  {f"LEFT JOIN ({owned}) s ON s.unit = l.unit AND s.address = l.srcaddr" if "srcaddr" in has else ""}
  {f"LEFT JOIN ({owned}) d ON d.unit = l.unit AND d.address = l.dstaddr" if "dstaddr" in has else ""}
  WHERE c.day IN (SELECT (day - '1970-01-01'::DATE)::INTEGER FROM period_days)
    {"AND CASE l.action WHEN 'ACCEPT' THEN c.accept WHEN 'REJECT' THEN c.reject ELSE true END" if "action" in has else ""}
), turned AS (
  SELECT *, {direction} AS direction FROM taken
), sided AS (
  SELECT *,
    CASE direction WHEN 0 THEN 0 WHEN 1 THEN {field("dstaddr")} WHEN 2 THEN {field("srcaddr")} END::INTEGER AS local_address,
    CASE direction WHEN 0 THEN 0 WHEN 1 THEN {field("dstport")} WHEN 2 THEN {field("srcport")} END::USMALLINT AS local_port,
    CASE direction WHEN 0 THEN 0 WHEN 1 THEN {packet("pkt_srcaddr", "srcaddr")} WHEN 2 THEN {packet("pkt_dstaddr", "dstaddr")} END::INTEGER AS far_address,
    CASE direction WHEN 0 THEN 0 WHEN 1 THEN {field("srcport")} WHEN 2 THEN {field("dstport")} END::USMALLINT AS remote_port,
    ({by_flags})::UTINYINT AS by_flags
  FROM turned
)"""
    by_ports = (
        f"""CASE WHEN {{initiator}} IS NULL AND protocol IN (6, 17) AND direction > 0 THEN
    CASE WHEN {service("local_port")} AND NOT {service("remote_port")} THEN 2
      WHEN {service("remote_port")} AND NOT {service("local_port")} THEN 1 END END"""
        if "protocol" in has
        else "NULL"
    )

    def final(initiator: str, source: str) -> str:
        return f"""
SELECT obj, line, tgw, place, network, day{", " + fields if kept else ""}, direction::UTINYINT AS direction, local_address, local_port, remote_port,
  CASE WHEN h.address IS NULL THEN far_address END AS remote_address, ({initiator})::UTINYINT AS initiator,
  ({by_ports.format(initiator=initiator)})::UTINYINT AS initiator_by_ports,
  CASE WHEN direction = 0 THEN 0 WHEN by_flags IS NOT NULL THEN 1 WHEN ({initiator}) IS NOT NULL THEN 2 ELSE 3 END::UTINYINT AS initiator_basis
FROM {source} LEFT JOIN (SELECT network AS h_network, address FROM hides) h ON h.h_network = network AND h.address = far_address"""

    if not flags or "protocol" not in has or "start" not in has:
        return [f"CREATE OR REPLACE TABLE flows AS {taken} {final('by_flags', 'sided')}"]
    tuple_ = "unit, local_address, local_port, far_address, remote_port"
    known = " AND ".join(f"{c} IS NOT NULL" for c in tuple_.split(", "))  # what is not known may be another connection
    return [
        f"CREATE OR REPLACE TABLE sided AS {taken} SELECT * FROM sided",
        f"""
CREATE OR REPLACE TABLE began AS
WITH mixed AS (
  SELECT {tuple_} FROM sided WHERE protocol = 6 AND direction > 0 AND {known} GROUP BY ALL
  HAVING count(by_flags) > 0 AND count(by_flags) < count(*)
), looked_back AS (
  SELECT s.obj AS b_obj, s.line AS b_line, s.by_flags, s."start",
    max(s."start") FILTER (s.by_flags = 1) OVER w AS local_began, max(s."start") FILTER (s.by_flags = 2) OVER w AS remote_began
  FROM sided s JOIN mixed m ON {" AND ".join(f"m.{c} = s.{c}" for c in tuple_.split(", "))} WHERE s.protocol = 6 AND s.direction > 0
  WINDOW w AS (PARTITION BY s.unit, s.local_address, s.local_port, s.far_address, s.remote_port ORDER BY s."start" RANGE UNBOUNDED PRECEDING)
)
SELECT b_obj, b_line, CASE
    WHEN coalesce(local_began, -1) > coalesce(remote_began, -1) THEN 1 WHEN coalesce(remote_began, -1) > coalesce(local_began, -1) THEN 2 END AS began
FROM looked_back WHERE by_flags IS NULL AND "start" - greatest(local_began, remote_began) <= {IDLE}
""",
        f"CREATE OR REPLACE TABLE flows AS {final('coalesce(by_flags, began)', 'sided LEFT JOIN began ON b_obj = obj AND b_line = line')}",
        "DROP TABLE sided",
        "DROP TABLE began",
    ]


MEMBER = "_in_network_"
"""In the name of a column that says whether an address is in a network."""
MOST = 2_000_000
"""Addresses that are worth an enumeration."""


def enumerated(table: str, columns: Collection[str]) -> Iterator[str]:
    """Give the statements that make enumerations of the texts in some columns of a table, none of them all NULL."""
    for column in columns:
        type_ = f"{table}_{column}"
        yield f"DROP TYPE IF EXISTS {type_}"
        yield f'CREATE TYPE {type_} AS ENUM (SELECT DISTINCT "{column}" FROM {table} WHERE "{column}" IS NOT NULL ORDER BY ALL)'
    if columns:
        casts = ", ".join(f'"{c}"::{table}_{c} AS "{c}"' for c in columns)
        yield f"CREATE OR REPLACE TABLE {table} AS SELECT * REPLACE ({casts}) FROM {table}"


def relation(lines: Lines, columns: Collection[str] | None, *, whole: bool, only: str = "") -> str:
    """Return a select over `flows` with columns of flow_records, joining what they need.

    Args:
        lines: the formats.
        columns: columns of flow_records, `<address column>_ip`, `_id`, `obj`, `network`; None: all of them.
        whole: whether everything in scope was read, so that an address that is nowhere found is none of ours.
        only: a select of `_id`s, to leave all other rows out early.
    """
    wanted = list(dict.fromkeys(ALL if columns is None else columns))
    joins: dict[str, str] = {}
    out = [f'{_column(c, lines, joins, whole=whole)} AS "{c}"' for c in wanted]
    base = (
        f"(SELECT rowid AS _id, * FROM flows WHERE rowid IN ({only}))"
        if only
        else "(SELECT rowid AS _id, * FROM flows)"
    )
    return f"SELECT {', '.join(out)} FROM {base} f {' '.join(joins.values())}"


def _column(  # noqa: C901 - a list of cases
    column: str, lines: Lines, joins: dict[str, str], *, whole: bool
) -> str:
    if column in ("_id", "obj", "line", "network"):
        return f"f.{column}"
    if column in PLACE:
        joins["p"] = "JOIN places p ON p.place = f.place"
        return f'p."{column}"'
    if column == "object":
        joins["o"] = "JOIN objects o ON o.obj = f.obj"
        return "o.uri"
    if column == "day":
        return "('1970-01-01'::TIMESTAMP + to_days(f.day)) AT TIME ZONE 'UTC'"
    if column in _WORDS:
        arms = " ".join(f"WHEN {n} THEN '{word}'" for n, word in enumerate(_WORDS[column]))
        return f"CASE f.{column} {arms} END"
    if column == "remote_aws_service":
        near, far = (_column(c, lines, joins, whole=whole) for c in _FAR_SERVICE)
        return f"CASE f.direction WHEN 0 THEN '-' WHEN 1 THEN {near} WHEN 2 THEN {far} END"
    if column.startswith("remote_") and column.removeprefix("remote_") in (*REMOTE, *REMOTE_TAGS):
        return _remote(column.removeprefix("remote_"), joins, whole=whole)
    if column == "other_fields":
        return "f.other_fields" if lines.others else "MAP {}::MAP(VARCHAR, VARCHAR)"
    if (at := column.rfind(MEMBER)) > 0:
        plain = column[:at]
        if plain not in lines.columns and plain not in ("local_address", "remote_address"):
            value = _field(plain, plain, lines, joins)  # no format has the address: NULL, or `-` where it cannot apply
            return f"CASE WHEN {value} IS NOT NULL THEN FALSE END"
        joins[plain] = f'LEFT JOIN addresses a_{plain} ON a_{plain}.code = f."{plain}"'
        return f"a_{plain}.{column[at:]}"
    plain = column.removesuffix("_ip")
    if plain in _ADDRESSES and (plain in lines.columns or plain in ("local_address", "remote_address")):
        joins[plain] = f'LEFT JOIN addresses a_{plain} ON a_{plain}.code = f."{plain}"'
        return f"a_{plain}.{'ip' if column != plain else 'text'}"
    return _field(column, plain, lines, joins)


def _field(column: str, plain: str, lines: Lines, joins: dict[str, str]) -> str:
    found = next((f for f in STORED if f.column == plain), None)
    if found is None:  # local_port, remote_port
        return f"f.{column}"
    if column != plain:
        return "NULL::UHUGEINT"
    if column in lines.columns:
        if found.type != "aws" or column == "action":
            return f'f."{column}"'
        joins[column] = f'LEFT JOIN texts t_{column} ON t_{column}.code = f."{column}"'
        return f"t_{column}.text"
    number = found.type in ("integer", "port", "protocol")
    type_ = "BIGINT" if number else "VARCHAR"
    lacking = [kind for kind in ("vpc", "transit-gateway") if absent(found, kind) is not None]
    if not lacking:
        return f"NULL::{type_}"
    value = "0" if number else "'-'"
    return f"CASE WHEN {'NOT ' if lacking == ['vpc'] else ''}f.tgw THEN {value} END::{type_}"


def _remote(column: str, joins: dict[str, str], *, whole: bool) -> str:
    joins["m"] = "LEFT JOIN remotes m ON m.network = f.network AND m.address = f.remote_address"
    none = "MAP {}::MAP(VARCHAR, VARCHAR)" if column in REMOTE_TAGS else "'-'"
    strange = none if whole else "NULL"
    return f'CASE WHEN f.remote_address IS NULL THEN NULL WHEN f.remote_address = 0 THEN {none} WHEN m.address IS NULL THEN {strange} ELSE m."{column}" END'


_NAMES = tuple(f.column for f in FIELDS if f.name not in RAW_ONLY)
ALL = (
    "_id", "obj", "unit", *_NAMES, "direction", "local_address", "local_port", "remote_address", "remote_port", "remote_aws_service",
    *(f"remote_{c}" for c in (*REMOTE, *REMOTE_TAGS)), "initiator", "initiator_by_ports", "initiator_basis",
    *(c for c in PLACE if c not in _NAMES and c != "unit"), "other_fields", "day", "object", "line", *(f"{a}_ip" for a in _ADDRESSES),
)  # fmt: skip
"""Every column of the relation."""
