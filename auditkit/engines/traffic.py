"""SQL that turns lines into interface-days and flow records: who saw what, which side is local, who began (pure)."""

from __future__ import annotations

from collections.abc import Collection

from auditkit.model.addresses import PRIVATE, cidr
from auditkit.model.records import FIELDS, UNKNOWABLE
from auditkit.model.schema import RAW_ONLY

_NUMBERS = ("integer", "port", "protocol")


_OF_GATEWAYS = frozenset(f.column for f in FIELDS if f.kinds == ("transit-gateway",))


def kind_of(present: Collection[str]) -> str:
    """Tell what a format is of: any field that only transit gateways have says so."""
    return "vpc" if _OF_GATEWAYS.isdisjoint(present) else "transit-gateway"


def inserts(present: Collection[str], kind: str) -> list[str]:
    """Return the statements that put a batch, registered as `_batch`, into `lines` and `silences`.

    `-` that says "does not apply" becomes 0 in numbers; a field that the format lacks is NULL;
    a field that logs of this kind can never have does not apply.
    """
    names, values = [], []
    for f in FIELDS:
        if f.name == "log-status":
            continue
        names.append(f'"{f.column}"')
        number = f.type in _NUMBERS
        if f.column in present:
            value = f'"{f.column}"'
            values.append(f"coalesce({value}, 0)" if number and f.name not in UNKNOWABLE else value)
        elif kind not in f.kinds:
            values.append("0" if number else "'-'")
        else:
            values.append("NULL")
    unit = _unit(present, kind)
    end = '"end"' if "end" in present else "NULL"
    start = '"start"' if "start" in present else "NULL"
    optional = ", ".join(f'"{c}"' if c in present else "NULL" for c in ("account_id", "vpc_id", "subnet_id"))
    return [
        f"INSERT INTO lines (obj, line, kind, unit, {', '.join(names)}) "  # noqa: ISC004 - one statement on two lines
        f"SELECT obj, line, '{kind}', {unit}, {', '.join(values)} FROM _batch WHERE log_status = 'OK'",
        f"INSERT INTO silences SELECT obj, line, '{kind}', {unit}, log_status, {optional}, {start}, {end} FROM _batch WHERE log_status <> 'OK'",
    ]


def _unit(present: Collection[str], kind: str) -> str:
    """What a line speaks of: interface, attachment, or the regional NAT gateway that has no interface."""
    if kind == "transit-gateway":
        return '"tgw_attachment_id"' if "tgw_attachment_id" in present else "NULL"
    interface = "nullif(\"interface_id\", '-')" if "interface_id" in present else "NULL"
    resource = "nullif(\"resource_id\", '-')" if "resource_id" in present else "NULL"
    return f"coalesce({interface}, {resource})"


IDLE = 432_000
"""Seconds for which a security group may remember an idle connection (its largest setting): older flags tell nothing."""

HOUR = 3600
LATE = 1800
"""Seconds after which a flow log tells of an interface that was attached, at the latest."""

CASTS = {
    "hurt_days": "day::DATE AS day",
    "period_days": "day::DATE AS day",
    "own_ranges": "low::UHUGEINT AS low, high::UHUGEINT AS high",
    "vpc_ranges": "low::UHUGEINT AS low, high::UHUGEINT AS high",
    "intermediaries": "ip::UHUGEINT AS ip",
}
"""Table → columns that come as text."""

UNIT_DAYS = """
CREATE OR REPLACE TABLE unit_days AS
SELECT u.unit, p.day FROM units u CROSS JOIN period_days p
WHERE u.in_use AND coalesce(to_timestamp(u.attached)::DATE, p.day) <= p.day
"""
"""Every interface × UTC day on which it was in use."""

DAYS_SEEN = """
CREATE OR REPLACE TABLE days_seen AS
WITH said AS (
  SELECT obj, unit, kind, account_id, vpc_id, subnet_id, 'OK' AS status, "start" AS s, "end" AS e, action FROM lines
  UNION ALL BY NAME
  SELECT obj, unit, kind, account_id, vpc_id, subnet_id, log_status AS status, "start" AS s, "end" AS e, NULL AS action FROM silences
  UNION ALL BY NAME  -- records skipped over midnight are missing on both days
  SELECT obj, unit, kind, account_id, vpc_id, subnet_id, log_status AS status, "end" - 1 AS s, "end" AS e, NULL AS action FROM silences
  WHERE log_status = 'SKIPDATA' AND to_timestamp("end" - 1)::DATE > to_timestamp("start")::DATE
)
SELECT s.unit, s.kind, o.flow_log_id, to_timestamp(coalesce(s.s, o.slot))::DATE AS day,
  any_value(o.account_id ORDER BY o.account_id) AS account_id, any_value(o.region ORDER BY o.region) AS region,
  min(nullif(nullif(s.account_id, 'unknown'), '-')) AS owner_id, min(nullif(s.vpc_id, '-')) AS vpc_id, min(nullif(s.subnet_id, '-')) AS subnet_id,
  count(*) FILTER (status = 'SKIPDATA') AS skipped, min(coalesce(s.s, o.slot)) AS first, max(coalesce(s.e, o.slot)) AS last,
  bool_or(action = 'ACCEPT') AS saw_accept, bool_or(action = 'REJECT') AS saw_reject
FROM said s JOIN objects o USING (obj)
WHERE s.unit IS NOT NULL
GROUP BY s.unit, s.kind, o.flow_log_id, day
"""
"""unit × day × flow log: who spoke of what. Needs `objects` (obj, flow_log_id, account_id, region, slot)."""

CHOSEN = f"""
CREATE OR REPLACE TABLE chosen AS
WITH candidates AS (
  SELECT d.unit, d.day, d.flow_log_id, d.skipped, d.first, d.last, a.action,
    coalesce(r.conforming, false) AS conforming, coalesce(r.max_aggregation_interval, 86400) AS seconds
  FROM days_seen d
  LEFT JOIN units u ON u.unit = d.unit
  LEFT JOIN log_ranks r ON r.flow_log_id = d.flow_log_id AND r.baseline IS NOT DISTINCT FROM coalesce(u.baseline, '')
  LEFT JOIN log_traffic t ON t.flow_log_id = d.flow_log_id
  CROSS JOIN (VALUES ('ACCEPT'), ('REJECT')) a(action)
  WHERE CASE a.action WHEN 'ACCEPT' THEN t.accept ELSE t.reject END
)
SELECT unit, day, action, flow_log_id, skipped,
  first > min(first) OVER same + {HOUR} OR last < max(last) OVER same - {HOUR} AS short
FROM candidates
WINDOW same AS (PARTITION BY unit, day, action)
QUALIFY row_number() OVER (PARTITION BY unit, day, action ORDER BY conforming DESC, seconds, flow_log_id) = 1
"""
"""Exactly one flow log per unit, day and action: the first by conforming to the baseline, finest interval, id.
Needs `units`, `log_ranks` (flow_log_id, baseline, conforming, max_aggregation_interval) and `log_traffic` (flow_log_id, accept, reject)."""

LOG_TRAFFIC_OF_THE_GONE = """
INSERT INTO log_traffic
SELECT d.flow_log_id,
  bool_or(d.kind = 'transit-gateway') OR coalesce(bool_or(saw_accept), false),
  bool_or(d.kind = 'transit-gateway') OR coalesce(bool_or(saw_reject), false)
FROM days_seen d WHERE d.flow_log_id NOT IN (SELECT flow_log_id FROM log_traffic) GROUP BY d.flow_log_id
"""
"""A flow log that DescribeFlowLogs no longer shows is known to have logged the actions that its records show, no others."""


def minutes(table: str, condition: str) -> str:
    """Select unit, day and the minutes, begun ones whole, that lines of the chosen flow logs span; overlaps count once."""
    return f"""
SELECT unit, day, (sum(e - s + 1) + 59) // 60 AS minutes FROM (
  SELECT unit, day, isle, min(s) AS s, max(e) AS e FROM (
    SELECT *, sum(CASE WHEN s > reach THEN 1 ELSE 0 END) OVER (PARTITION BY unit, day ORDER BY s, e ROWS UNBOUNDED PRECEDING) AS isle FROM (
      SELECT *, coalesce(max(e) OVER (PARTITION BY unit, day ORDER BY s, e ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), -1) AS reach FROM (
        SELECT DISTINCT l.unit, to_timestamp(coalesce(l."start", o.slot))::DATE AS day, l."start" AS s, l."end" AS e
        FROM {table} l JOIN objects o USING (obj)
        WHERE {condition} AND EXISTS (SELECT 1 FROM chosen c WHERE c.unit = l.unit AND c.flow_log_id = o.flow_log_id
          AND c.day = to_timestamp(coalesce(l."start", o.slot))::DATE)
      )
    )
  ) GROUP BY unit, day, isle
) GROUP BY unit, day"""


NEIGHBOURS = f"""
CREATE OR REPLACE TABLE neighbours AS
WITH heard AS (
  SELECT flow_log_id, day, max(last) AS last, arg_max(unit, last) AS loudest FROM days_seen GROUP BY flow_log_id, day
), others AS (
  SELECT h.flow_log_id, h.day, h.loudest, h.last, max(s.last) AS next FROM heard h
  LEFT JOIN days_seen s ON s.flow_log_id = h.flow_log_id AND s.day = h.day AND s.unit <> h.loudest GROUP BY ALL
), watched AS (
  SELECT DISTINCT p.unit, p.day, l.flow_log_id FROM (
    SELECT unit, day FROM unit_days UNION SELECT unit, day FROM days_seen
  ) p JOIN (
    SELECT unit, unnest(flow_log_ids) AS flow_log_id FROM units UNION SELECT unit, flow_log_id FROM days_seen
  ) l ON l.unit = p.unit
)
SELECT w.unit, w.day, bool_or(CASE WHEN o.flow_log_id IS NOT NULL THEN
    coalesce(CASE WHEN o.loudest = w.unit THEN o.next ELSE o.last END >= coalesce(u.attached, 0) + {LATE}, false) END) AS spoke
FROM watched w LEFT JOIN others o ON o.flow_log_id = w.flow_log_id AND o.day = w.day LEFT JOIN units u ON u.unit = w.unit
GROUP BY w.unit, w.day
"""
"""unit × day: whether a flow log that speaks of it told of another on the day, later than it would have taken to tell of
this one; NULL where none of its flow logs told of anything."""


INTERFACE_DAYS = f"""
CREATE OR REPLACE TABLE interface_days AS
WITH population AS (
  SELECT unit, day, 'inventory' AS seen_in FROM unit_days
  UNION ALL
  SELECT DISTINCT d.unit, d.day, 'records' FROM days_seen d JOIN period_days p ON p.day = d.day
  WHERE NOT EXISTS (SELECT 1 FROM unit_days u WHERE u.unit = d.unit AND u.day = d.day)
), picked AS (
  SELECT unit, day, max(flow_log_id) FILTER (action = 'ACCEPT') AS accept_log, max(flow_log_id) FILTER (action = 'REJECT') AS reject_log, max(skipped) AS skipped, bool_or(short) AS short
  FROM chosen GROUP BY unit, day
), hurt AS (
  SELECT p.unit, p.day, min(h.reason) AS reason FROM picked p
  JOIN hurt_days h ON h.day = p.day AND (h.flow_log_id = p.accept_log OR h.flow_log_id = p.reject_log) GROUP BY p.unit, p.day
), spoke AS (SELECT DISTINCT unit, day FROM days_seen),
 anyone AS (
  SELECT unit, day, min(account_id) AS account_id, min(region) AS region, min(owner_id) AS owner_id, min(vpc_id) AS vpc_id, min(subnet_id) AS subnet_id, min(kind) AS kind
  FROM days_seen GROUP BY unit, day
), young AS (
  SELECT p.unit, p.day, max(b.born) AS born FROM picked p JOIN log_born b ON b.flow_log_id IN (p.accept_log, p.reject_log)
  LEFT JOIN units u ON u.unit = p.unit
  WHERE b.born > greatest(epoch(p.day::TIMESTAMP), coalesce(u.attached, 0)) + 900 GROUP BY p.unit, p.day
)
SELECT p.unit AS interface_id, p.day::TIMESTAMP AT TIME ZONE 'UTC' AS day,
  coalesce(u.account_id, a.owner_id, a.account_id) AS account_id, coalesce(u.region, a.region) AS region,
  coalesce(u.vpc_id, a.vpc_id) AS vpc_id, coalesce(u.subnet_id, a.subnet_id) AS subnet_id,
  CASE WHEN k.accept_log IS NULL AND k.reject_log IS NULL THEN CASE WHEN s.unit IS NOT NULL THEN 'part' ELSE 'none' END
    WHEN k.skipped > 0 OR k.short OR h.unit IS NOT NULL OR y.unit IS NOT NULL THEN 'part'
    WHEN k.reject_log IS NULL THEN 'accept' WHEN k.accept_log IS NULL THEN 'reject' ELSE 'all' END AS observed,
  coalesce(k.accept_log, k.reject_log, '') AS flow_log_id, coalesce(k.reject_log, '') AS reject_flow_log_id,
  coalesce(mo.minutes, 0)::BIGINT AS minutes_ok, coalesce(mn.minutes, 0)::BIGINT AS minutes_nodata, coalesce(ms.minutes, 0)::BIGINT AS minutes_skipdata,
  CASE WHEN coalesce(mo.minutes, 0) + coalesce(mn.minutes, 0) + coalesce(ms.minutes, 0) > 0 THEN
    (1000 * coalesce(ms.minutes, 0) + coalesce(mo.minutes, 0) + coalesce(mn.minutes, 0) + coalesce(ms.minutes, 0) - 1)
    // (coalesce(mo.minutes, 0) + coalesce(mn.minutes, 0) + coalesce(ms.minutes, 0)) END::BIGINT AS skipdata_rate,
  CASE WHEN n.spoke THEN 'spoke' WHEN NOT coalesce(u.logs_known, true) THEN NULL
    WHEN n.unit IS NULL THEN '-' WHEN NOT n.spoke THEN 'silent' END AS neighbours,
  CASE WHEN k.unit IS NULL AND s.unit IS NULL THEN coalesce(u.silent, 'no record of it was found')
    WHEN k.unit IS NULL THEN 'which traffic its flow log carries is not known'
    WHEN k.skipped > 0 THEN 'AWS skipped records (SKIPDATA)'
    WHEN h.unit IS NOT NULL THEN h.reason
    WHEN k.short THEN 'another flow log saw more of the day than the one read'
    WHEN y.unit IS NOT NULL THEN 'its flow log was created during the day'
    WHEN k.reject_log IS NULL THEN 'only ACCEPT is logged' WHEN k.accept_log IS NULL THEN 'only REJECT is logged' ELSE '' END AS reason,
  coalesce(u.resource_type, CASE WHEN a.kind = 'transit-gateway' THEN 'transit-gateway-attachment' WHEN p.unit LIKE 'nat-%' THEN 'nat-gateway' ELSE 'network-interface' END) AS resource_type,
  u.baseline, u.service, coalesce(u.subject, p.unit) AS subject, coalesce(u.subject_type, 'network-interface') AS subject_type,
  u.vpc_tags, u.subnet_tags, u.interface_tags, u.account_tags
FROM population p
LEFT JOIN units u ON u.unit = p.unit
LEFT JOIN picked k ON k.unit = p.unit AND k.day = p.day
LEFT JOIN hurt h ON h.unit = p.unit AND h.day = p.day
LEFT JOIN young y ON y.unit = p.unit AND y.day = p.day
LEFT JOIN spoke s ON s.unit = p.unit AND s.day = p.day
LEFT JOIN anyone a ON a.unit = p.unit AND a.day = p.day
LEFT JOIN neighbours n ON n.unit = p.unit AND n.day = p.day
LEFT JOIN ({minutes("lines", "true")}) mo ON mo.unit = p.unit AND mo.day = p.day
LEFT JOIN ({minutes("silences", "l.log_status = 'NODATA'")}) mn ON mn.unit = p.unit AND mn.day = p.day
LEFT JOIN ({minutes("silences", "l.log_status = 'SKIPDATA'")}) ms ON ms.unit = p.unit AND ms.day = p.day
ORDER BY account_id, region, interface_id, p.day
"""
"""Needs `units`, `unit_days` (unit, day), `neighbours`, `period_days`, `hurt_days` (flow_log_id, day, reason), `log_born` (flow_log_id, born)."""


def _private(column: str) -> str:
    return (
        "("
        + " OR ".join(f"{column} BETWEEN {low}::UHUGEINT AND {high}::UHUGEINT" for low, high in map(cidr, PRIVATE))
        + ")"
    )


OWN = f"""
CREATE OR REPLACE TABLE own AS
WITH pairs AS (
  SELECT DISTINCT unit, srcaddr AS address FROM lines WHERE kind = 'vpc'
  UNION SELECT DISTINCT unit, dstaddr FROM lines WHERE kind = 'vpc'
), stocked AS (SELECT DISTINCT unit FROM own_ranges), known AS (
  SELECT DISTINCT p.unit, p.address FROM pairs p JOIN addresses a ON a.address = p.address
  JOIN own_ranges o ON o.unit = p.unit AND a.ip BETWEEN o.low AND o.high
), lonely AS (
  SELECT unit, srcaddr, dstaddr, count(*) AS n FROM lines WHERE kind = 'vpc' AND unit NOT IN (SELECT unit FROM stocked) GROUP BY ALL
), votes AS (
  SELECT unit, address, sum(n) AS n FROM (
    SELECT unit, srcaddr AS address, n FROM lonely UNION ALL SELECT unit, dstaddr, n FROM lonely WHERE dstaddr <> srcaddr
  ) GROUP BY ALL
), guessed AS (
  SELECT v.unit, min(v.address) AS address FROM votes v JOIN (SELECT unit, sum(n) AS n FROM lonely GROUP BY unit) t USING (unit)
  JOIN addresses a ON a.address = v.address
  WHERE v.n = t.n AND {_private("a.ip")} GROUP BY v.unit HAVING count(*) = 1
), doubtful AS (
  SELECT v.unit FROM votes v JOIN addresses a ON a.address = v.address WHERE {_private("a.ip")} GROUP BY v.unit HAVING count(*) > 1
)
SELECT * FROM known UNION SELECT * FROM guessed WHERE unit NOT IN (SELECT unit FROM doubtful)
"""
"""The interface's own addresses among those seen. An interface that the inventory does not have owns the one private
address that stands in each of its records, where all its peers are public; anything else tells nothing."""


def flow_records(service_ports: Collection[int]) -> str:
    """Return the statement that makes `flow_records_base`: each flow once, with its derived columns.

    Needs `lines`, `objects`, `chosen`, `own`, `addresses`, `units`, `intermediaries` (vpc_id, ip), `vpc_ranges` (vpc_id, low, high).

    Args:
        service_ports: ports that loaded controls name; those below 1024 are always service ports.
    """
    listed = ", ".join(str(p) for p in sorted(service_ports) if p >= 1024) or "-1"

    def service(column: str) -> str:
        return f"(({column} BETWEEN 1 AND 1023) OR {column} IN ({listed}))"

    fields = ", ".join(
        f'b."{f.column}"'
        for f in FIELDS
        if f.name not in RAW_ONLY and f.column not in ("account_id", "region", "vpc_id", "subnet_id", "instance_id")
    )
    return f"""
CREATE OR REPLACE TABLE flow_records_base AS
WITH taken AS (
  SELECT l.*, o.flow_log_id, o.uri, o.account_id AS log_account_id, o.region AS log_region, to_timestamp(coalesce(l."start", o.slot))::DATE AS utc_day,
    u.vpc_id AS u_vpc_id, u.subnet_id AS u_subnet_id, u.account_id AS u_account_id, u.region AS u_region, u.unit IS NOT NULL AS known,
    s.address IS NOT NULL AS src_own, d.address IS NOT NULL AS dst_own
  FROM lines l JOIN objects o USING (obj)
  LEFT JOIN units u ON u.unit = l.unit
  LEFT JOIN own s ON s.unit = l.unit AND s.address = l.srcaddr
  LEFT JOIN own d ON d.unit = l.unit AND d.address = l.dstaddr
  WHERE to_timestamp(coalesce(l."start", o.slot))::DATE IN (SELECT day FROM period_days)
    AND EXISTS (SELECT 1 FROM chosen c WHERE c.unit = l.unit AND c.day = to_timestamp(coalesce(l."start", o.slot))::DATE AND c.flow_log_id = o.flow_log_id
      AND (l.action IS NULL OR l.action NOT IN ('ACCEPT', 'REJECT') OR c.action = l.action))
), turned AS (
  SELECT *, CASE WHEN kind = 'transit-gateway' THEN '-'
    WHEN flow_direction IN ('ingress', 'egress') THEN flow_direction
    WHEN dst_own AND NOT src_own THEN 'ingress' WHEN src_own AND NOT dst_own THEN 'egress' END AS direction
  FROM taken
), sided AS (
  SELECT *,
    CASE direction WHEN '-' THEN '-' WHEN 'ingress' THEN dstaddr WHEN 'egress' THEN srcaddr END AS local_address,
    CASE direction WHEN '-' THEN 0 WHEN 'ingress' THEN dstport WHEN 'egress' THEN srcport END AS local_port,
    CASE direction WHEN '-' THEN '-' WHEN 'ingress' THEN coalesce(nullif(pkt_srcaddr, '-'), srcaddr) WHEN 'egress' THEN coalesce(nullif(pkt_dstaddr, '-'), dstaddr) END AS far_address,
    CASE direction WHEN '-' THEN 0 WHEN 'ingress' THEN srcport WHEN 'egress' THEN dstport END AS remote_port,
    CASE WHEN direction = '-' THEN '-' WHEN direction IS NULL OR protocol <> 6 OR tcp_flags IS NULL THEN NULL
      WHEN tcp_flags & 18 = 18 THEN CASE direction WHEN 'ingress' THEN 'local' ELSE 'remote' END
      WHEN tcp_flags & 2 = 2 THEN CASE direction WHEN 'ingress' THEN 'remote' ELSE 'local' END END AS by_flags
  FROM turned
), looked_back AS (
  SELECT *,
    max("start") FILTER (by_flags = 'local') OVER w AS local_began, max("start") FILTER (by_flags = 'remote') OVER w AS remote_began
  FROM sided
  WINDOW w AS (PARTITION BY unit, local_address, local_port, far_address, remote_port, protocol ORDER BY "start" RANGE UNBOUNDED PRECEDING)
), begun AS (
  SELECT *,
    coalesce(by_flags, CASE WHEN protocol <> 6 OR direction IS NULL THEN NULL
      WHEN "start" - greatest(local_began, remote_began) > {IDLE} THEN NULL
      WHEN coalesce(local_began, -1) > coalesce(remote_began, -1) THEN 'local'
      WHEN coalesce(remote_began, -1) > coalesce(local_began, -1) THEN 'remote' END) AS initiator
  FROM looked_back
)
SELECT b.obj, b.line, b.kind, b.unit, b.uri AS "object", b.flow_log_id, b.utc_day::TIMESTAMP AT TIME ZONE 'UTC' AS day, {fields},
  coalesce(b.u_account_id, nullif(nullif(b.account_id, 'unknown'), '-'), b.log_account_id) AS account_id,
  coalesce(b.u_region, nullif(b.region, '-'), b.log_region) AS region,
  CASE WHEN b.known THEN b.u_vpc_id ELSE b.vpc_id END AS vpc_id, CASE WHEN b.known THEN b.u_subnet_id ELSE b.subnet_id END AS subnet_id,
  coalesce(b.instance_id, u.instance_id) AS instance_id,
  b.direction, b.local_address, b.local_port, b.remote_port,
  CASE WHEN i.ip IS NULL THEN b.far_address END AS remote_address,
  b.initiator,
  CASE WHEN b.initiator IS NULL AND b.protocol IN (6, 17) AND b.direction IS NOT NULL AND b.direction <> '-' THEN
    CASE WHEN {service("b.local_port")} AND NOT {service("b.remote_port")} THEN 'remote'
      WHEN {service("b.remote_port")} AND NOT {service("b.local_port")} THEN 'local' END END AS initiator_by_ports,
  CASE WHEN b.direction = '-' THEN '-' WHEN b.by_flags IS NOT NULL THEN 'flags' WHEN b.initiator IS NOT NULL THEN 'earlier_flags' ELSE 'none' END AS initiator_basis
FROM begun b
LEFT JOIN units u ON u.unit = b.unit
LEFT JOIN addresses f ON f.address = b.far_address
LEFT JOIN (SELECT DISTINCT vpc_id, ip FROM intermediaries) i ON i.ip = f.ip AND i.vpc_id = coalesce(
  CASE WHEN EXISTS (SELECT 1 FROM vpc_ranges v WHERE v.unit = coalesce(b.u_vpc_id, b.vpc_id) AND f.ip BETWEEN v.low AND v.high) THEN coalesce(b.u_vpc_id, b.vpc_id) END, '*')
ORDER BY b.obj, b.line
"""


FLOW_RECORDS = """
CREATE OR REPLACE TABLE flow_records AS
SELECT r.*, s.ip AS srcaddr_ip, d.ip AS dstaddr_ip, ps.ip AS pkt_srcaddr_ip, pd.ip AS pkt_dstaddr_ip, l.ip AS local_address_ip, m.ip AS remote_address_ip,
  coalesce(u.resource_type, CASE WHEN r.kind = 'transit-gateway' THEN 'transit-gateway-attachment' WHEN r.unit LIKE 'nat-%' THEN 'nat-gateway' ELSE 'network-interface' END) AS resource_type,
  u.baseline, u.service, coalesce(u.subject, r.unit) AS subject, coalesce(u.subject_type, 'network-interface') AS subject_type,
  u.vpc_tags, u.subnet_tags, u.interface_tags, u.account_tags,
  NULL::VARCHAR AS remote_aws_service, NULL::VARCHAR AS remote_account_id, NULL::VARCHAR AS remote_vpc_id, NULL::VARCHAR AS remote_interface_id,
  NULL::VARCHAR AS remote_service, NULL::VARCHAR AS remote_subject, NULL::VARCHAR AS remote_subject_type,
  NULL::MAP(VARCHAR, VARCHAR) AS remote_vpc_tags, NULL::MAP(VARCHAR, VARCHAR) AS remote_subnet_tags,
  NULL::MAP(VARCHAR, VARCHAR) AS remote_interface_tags, NULL::MAP(VARCHAR, VARCHAR) AS remote_account_tags, MAP {}::MAP(VARCHAR, VARCHAR) AS other_fields
FROM flow_records_base r
LEFT JOIN units u ON u.unit = r.unit
LEFT JOIN addresses s ON s.address = r.srcaddr LEFT JOIN addresses d ON d.address = r.dstaddr
LEFT JOIN addresses ps ON ps.address = r.pkt_srcaddr LEFT JOIN addresses pd ON pd.address = r.pkt_dstaddr
LEFT JOIN addresses l ON l.address = r.local_address LEFT JOIN addresses m ON m.address = r.remote_address
"""
"""What controls on flow_records judge."""
