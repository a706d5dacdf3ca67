"""What of the population was drawn, and which rank everything has: for judging a control by a sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from auditkit.engines import traffic
from auditkit.engines.duckdb import DuckDB, arrow_table
from auditkit.model.tables import Column
from auditkit.sampling import HEX, needed

_BASE = (Column("account_id", "text", ""), Column("region", "text", ""), Column("base", "integer", ""))
_POPULATION = """SELECT i.interface_id, i.day, i.account_id, i.region, i.flow_log_id, i.reject_flow_log_id FROM interface_days i
  JOIN unit_days u ON u.unit = i.interface_id AND u.day = i.day::DATE"""
"""What could have been drawn: what only records tell of, nobody knew of before."""


def rank(engine: DuckDB, facts: Mapping[str, Any], drawn: pa.Table) -> None:
    """Give the engine the table `sampled`: every interface-day that could have been drawn, with its rank.

    `base` marks those drawn by their rank in the whole of their account and region; `missing`, those drawn whose flow log did
    not deliver all through the day, or of which that is not known.

    Args:
        engine: holds interface_days, units, period_days and `delivered`: the delivery of all flow logs, whoever owns them.
        facts: seed, confidence and tolerable_rate.
        drawn: account_id, region, rank, unit and day of what was drawn.
    """
    engine.add("drawn_days", drawn)
    engine.execute(traffic.UNIT_DAYS)
    sizes = engine.rows(f"SELECT account_id, region, count(*) AS n FROM ({_POPULATION}) GROUP BY ALL ORDER BY ALL")
    base = [{**row, "base": needed(row["n"], facts["confidence"], facts["tolerable_rate"])} for row in sizes]
    engine.add("base_sizes", arrow_table(_BASE, base))
    name = f"concat_ws('/', '{int(facts['seed'])}', account_id, region, interface_id, strftime(day, '%Y-%m-%d'))"
    engine.execute(f"""
CREATE OR REPLACE TABLE sampled AS
WITH ranked AS (
  SELECT p.*, p.hash AS rank, d.unit IS NOT NULL AS drawn,
    row_number() OVER (PARTITION BY p.account_id, p.region ORDER BY p.hash, p.interface_id, p.day) AS place
  FROM (SELECT *, sha256({name})[1:{HEX}] AS hash FROM ({_POPULATION})) p
  LEFT JOIN drawn_days d ON d.unit = p.interface_id AND d.day = strftime(p.day, '%Y-%m-%d')
), sized AS (
  SELECT r.account_id, r.region, any_value(b.base) AS base, bool_and(r.drawn) FILTER (r.place <= b.base) AS whole
  FROM ranked r JOIN base_sizes b ON b.account_id = r.account_id AND b.region = r.region GROUP BY r.account_id, r.region
), told AS (
  SELECT flow_log_id, day, bool_and(coalesce(state IN ('whole', 'idle'), FALSE)) AS whole FROM delivered GROUP BY flow_log_id, day
)
SELECT r.interface_id, r.day, r.rank, r.drawn, r.drawn AND w.whole AND r.place <= w.base AS base,
  -- What no row tells of is not known to be whole.
  r.drawn AND ((r.flow_log_id <> '' AND a.whole IS NOT TRUE) OR (r.reject_flow_log_id <> '' AND b.whole IS NOT TRUE)) AS missing
FROM ranked r
JOIN sized w ON w.account_id = r.account_id AND w.region = r.region
LEFT JOIN told a ON a.flow_log_id = r.flow_log_id AND a.day = r.day
LEFT JOIN told b ON b.flow_log_id = r.reject_flow_log_id AND b.day = r.day""")
    engine.execute("DROP TABLE unit_days")
