"""SQL that turns lines into interface-days: who was seen, by which flow log, for how long (pure)."""

from __future__ import annotations

from auditkit.engines.lines import Lines

HOUR = 3600
LATE = 1800
"""Seconds after which a flow log tells of an interface that was attached, at the latest."""

CASTS = {
    "hurt_days": "day::DATE AS day",
    "period_days": "day::DATE AS day",
    "own_ranges": "low::UHUGEINT AS low, high::UHUGEINT AS high",
    "vpc_ranges": "low::UHUGEINT AS low, high::UHUGEINT AS high",
    "intermediaries": "ip::UHUGEINT AS ip",
    "own_public": "ip::UHUGEINT AS ip",
    "known_subnets": "low::UHUGEINT AS low, high::UHUGEINT AS high",
    "sample_days": "day::DATE AS day",
}
"""Table → columns that come as text."""

UNIT_DAYS = """
CREATE OR REPLACE TABLE unit_days AS
SELECT u.unit, p.day FROM units u CROSS JOIN period_days p
WHERE u.in_use AND coalesce(to_timestamp(u.attached)::DATE, p.day) <= p.day
"""
"""Every interface × UTC day on which it was in use."""


def heard(lines: Lines) -> str:
    """Return the statement that makes `heard`: lines summed up by what they speak of, still as numbers.

    Needs the lines, `silent` and `objects` (obj, slot).
    """
    columns = ("account_id", "vpc_id", "subnet_id", "start", "end", "action")
    return f"""
CREATE OR REPLACE TABLE heard AS
WITH said AS (
  SELECT obj, unit, tgw, origin, account_id, vpc_id, subnet_id, "start" AS s, "end" AS e, action, false AS skipped, false AS again FROM ({lines.all(columns)})
  UNION ALL BY NAME
  SELECT obj, unit, tgw, origin, account_id, vpc_id, subnet_id, "start" AS s, "end" AS e, NULL AS action, log_status = 'SKIPDATA' AS skipped, false AS again FROM silent
  UNION ALL BY NAME  -- records skipped over midnight are missing on both days
  SELECT obj, unit, tgw, origin, account_id, vpc_id, subnet_id, "end" - 1 AS s, "end" AS e, NULL AS action, true AS skipped, true AS again FROM silent
  WHERE log_status = 'SKIPDATA' AND ("end" - 1) // 86400 > "start" // 86400
)
SELECT s.unit, s.tgw, s.origin, s.account_id, s.vpc_id, s.subnet_id, (coalesce(s.s, o.slot) // 86400)::INTEGER AS day,
  count(*) FILTER (skipped) AS skipped, min(coalesce(s.s, o.slot)) AS first, max(coalesce(s.e, o.slot)) AS last,
  bool_or(action = 'ACCEPT') AS saw_accept, bool_or(action = 'REJECT') AS saw_reject
FROM said s JOIN objects o USING (obj)
WHERE s.unit IS NOT NULL
GROUP BY ALL
"""


DAYS_SEEN = """
CREATE OR REPLACE TABLE days_seen AS
SELECT t.text AS unit, CASE WHEN h.tgw THEN 'transit-gateway' ELSE 'vpc' END AS kind, o.flow_log_id, '1970-01-01'::DATE + h.day AS day,
  min(o.account_id) AS account_id, min(o.region) AS region,
  min(nullif(nullif(a.text, 'unknown'), '-')) AS owner_id, min(nullif(v.text, '-')) AS vpc_id, min(nullif(s.text, '-')) AS subnet_id,
  sum(h.skipped) AS skipped, min(h.first) AS first, max(h.last) AS last, bool_or(h.saw_accept) AS saw_accept, bool_or(h.saw_reject) AS saw_reject
FROM heard h JOIN origins o ON o.origin = h.origin JOIN texts t ON t.code = h.unit
LEFT JOIN texts a ON a.code = h.account_id LEFT JOIN texts v ON v.code = h.vpc_id LEFT JOIN texts s ON s.code = h.subnet_id
GROUP BY ALL
"""
"""unit × day × flow log: who spoke of what. Needs `heard`, `origins` (origin, flow_log_id, account_id, region) and `texts`."""

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


CHOSEN_LINES = """
CREATE OR REPLACE TABLE chosen_lines AS
SELECT t.code AS unit, o.origin, (c.day - '1970-01-01'::DATE)::INTEGER AS day,
  coalesce(bool_or(c.action = 'ACCEPT'), false) AS accept, coalesce(bool_or(c.action = 'REJECT'), false) AS reject
FROM chosen c JOIN texts t ON t.text = c.unit JOIN origins o ON o.flow_log_id = c.flow_log_id
GROUP BY ALL
"""
"""`chosen` as numbers: which lines of a unit and day are taken, those of ACCEPT, of REJECT, or both."""


def minutes(name: str, lines: str) -> str:
    """Return the statement that makes a table of unit, day and the minutes, begun ones whole, that lines of the chosen
    flow logs span; overlaps count once.

    Args:
        name: of the table.
        lines: select that gives obj, unit, origin, start and end.
    """  # noqa: D205
    return f"""
CREATE OR REPLACE TABLE {name} AS
WITH spans AS (
  SELECT l.unit, l.origin, (coalesce(l."start", o.slot) // 86400)::INTEGER AS day, l."start" AS s, max(l."end") AS e
  FROM ({lines}) l JOIN objects o USING (obj) WHERE l.unit IS NOT NULL GROUP BY ALL
), ours AS (
  SELECT s.unit, s.day, s.s, max(s.e) AS e FROM spans s JOIN chosen_lines c ON c.unit = s.unit AND c.origin = s.origin AND c.day = s.day GROUP BY ALL
)
SELECT t.text AS unit, '1970-01-01'::DATE + day AS day, (sum(e - s + 1) + 59) // 60 AS minutes FROM (
  SELECT unit, day, isle, min(s) AS s, max(e) AS e FROM (
    SELECT *, sum(CASE WHEN s > reach THEN 1 ELSE 0 END) OVER (PARTITION BY unit, day ORDER BY s, e ROWS UNBOUNDED PRECEDING) AS isle FROM (
      SELECT *, coalesce(max(e) OVER (PARTITION BY unit, day ORDER BY s, e ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), -1) AS reach FROM ours
    )
  ) GROUP BY unit, day, isle
) i JOIN texts t ON t.code = i.unit GROUP BY t.text, day
"""


DRAWN = """
CREATE OR REPLACE TABLE drawn AS
SELECT p.unit, p.day, count(s.unit) AS drawn FROM (SELECT unit, day FROM unit_days UNION SELECT unit, day FROM days_seen) p
LEFT JOIN sample_days s ON s.unit = p.unit AND s.day = p.day GROUP BY p.unit, p.day
"""
"""unit × day: whether a sample holds it. Needs `sample_days` (unit, day); without a sample the table is empty."""

NOT_DRAWN = "CREATE OR REPLACE TABLE drawn (unit VARCHAR, day DATE, drawn BIGINT)"

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


INTERFACE_DAYS = """
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
  CASE WHEN d.drawn = 0 THEN 'sampled_out'
    WHEN k.accept_log IS NULL AND k.reject_log IS NULL THEN CASE WHEN s.unit IS NOT NULL THEN 'part' ELSE 'none' END
    WHEN k.skipped > 0 OR k.short OR h.unit IS NOT NULL OR y.unit IS NOT NULL THEN 'part'
    WHEN k.reject_log IS NULL THEN 'accept' WHEN k.accept_log IS NULL THEN 'reject' ELSE 'all' END AS observed,
  coalesce(k.accept_log, k.reject_log, '') AS flow_log_id, coalesce(k.reject_log, '') AS reject_flow_log_id,
  coalesce(mo.minutes, 0)::BIGINT AS minutes_ok, coalesce(mn.minutes, 0)::BIGINT AS minutes_nodata, coalesce(ms.minutes, 0)::BIGINT AS minutes_skipdata,
  CASE WHEN coalesce(mo.minutes, 0) + coalesce(mn.minutes, 0) + coalesce(ms.minutes, 0) > 0 THEN
    (1000 * coalesce(ms.minutes, 0) + coalesce(mo.minutes, 0) + coalesce(mn.minutes, 0) + coalesce(ms.minutes, 0) - 1)
    // (coalesce(mo.minutes, 0) + coalesce(mn.minutes, 0) + coalesce(ms.minutes, 0)) END::BIGINT AS skipdata_rate,
  CASE WHEN n.spoke THEN 'spoke' WHEN NOT coalesce(u.logs_known, true) THEN NULL
    WHEN n.unit IS NULL THEN '-' WHEN NOT n.spoke THEN 'silent' END AS neighbours,
  CASE WHEN d.drawn = 0 THEN 'it was not drawn'
    WHEN k.unit IS NULL AND s.unit IS NULL THEN coalesce(u.silent, 'no record of it was found')
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
LEFT JOIN drawn d ON d.unit = p.unit AND d.day = p.day
LEFT JOIN minutes_ok mo ON mo.unit = p.unit AND mo.day = p.day
LEFT JOIN minutes_nodata mn ON mn.unit = p.unit AND mn.day = p.day
LEFT JOIN minutes_skipdata ms ON ms.unit = p.unit AND ms.day = p.day
ORDER BY account_id, region, interface_id, p.day
"""
"""Needs `units`, `unit_days` (unit, day), `neighbours`, `period_days`, `hurt_days` (flow_log_id, day, reason), `log_born` (flow_log_id, born)."""
