"""Log groups that were refused, streams read for a sample, and delivery that is not known of what was drawn."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from auditkit.audit.flows import Flows
from auditkit.audit.speaking import Wanted
from auditkit.engines.duckdb import DuckDB
from auditkit.engines.ranks import rank
from auditkit.model.records import LogObject
from tests.oracles.harness import ACCOUNT, REGION, flow_log

DAY = datetime(2026, 9, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("resource", "days"),
    [(f"logs://{ACCOUNT}/{REGION}/a-group", 0), ("s3://b", 1), ("s3://b/AWSLogs/", 1), ("s3://other", 0), ("*", 1)],
)
def test_a_log_group_that_was_refused_hurts_no_flow_log_of_a_bucket(resource: str, days: int) -> None:
    flows: Any = object.__new__(Flows)
    records = SimpleNamespace(lines=())
    flows.inputs = SimpleNamespace(config=SimpleNamespace(model=SimpleNamespace(records=records)))
    flows.tallies, flows.period, flows.as_of = (), (DAY, DAY.replace(day=29)), DAY.replace(month=10)
    flows.run = SimpleNamespace(state={"unlisted": [{"account_id": ACCOUNT, "region": REGION, "resource": resource}]})
    assert len(flows._unlisted_days(SimpleNamespace(flow_logs=(flow_log(bucket="b"),)))) == days


def test_a_stream_s_day_may_end_on_the_day_that_was_drawn() -> None:
    """A record that begins before midnight lies with the day before; no record lies with the day after."""
    speakers: Any = SimpleNamespace(
        known=frozenset({"fl-1"}), of_unit={"eni-1": {"fl-1"}}, places=lambda *_: {(ACCOUNT, REGION)}
    )
    strata = [{"account_id": ACCOUNT, "region": REGION, "drawn": 1, "population": 9}]
    sample: Any = SimpleNamespace(facts={"strata": strata}, days={(ACCOUNT, REGION): [("eni-1", "2026-09-28")]})
    wanted = Wanted(sample, pa.table({"unit": ["eni-1"], "vpc_id": ["vpc-1"]}), speakers)

    def stream(day: int, log: str) -> LogObject:
        return LogObject(
            uri=f"logs://{ACCOUNT}/{REGION}/g/eni-1-all/2026-09-{day}", key="k", account_id=ACCOUNT, region=REGION, flow_log_id=log,
            slot=DAY.replace(day=day), size=0, carrier="lines", formats=("x",), flow_log_ids=(log,),
        )  # fmt: skip

    for log in ("fl-1", "fl-gone"):
        assert [day for day in range(25, 31) if wanted(stream(day, log))] == [27, 28, 29]


@pytest.mark.parametrize(
    ("accept", "reject", "states", "missing"),
    [
        ("fl-1", "fl-1", {"fl-1": "whole"}, False),
        ("fl-1", "fl-1", {"fl-1": "idle"}, False),
        ("fl-1", "fl-1", {"fl-1": "gap"}, True),
        ("fl-1", "fl-2", {"fl-1": "whole", "fl-2": "unknown"}, True),
        ("fl-1", "fl-2", {"fl-1": "whole", "fl-2": "idle"}, False),
        ("fl-1", "", {"fl-1": "whole"}, False),
        ("", "", {}, False),
        ("fl-1", "fl-1", {}, True),
        ("fl-1", "fl-2", {"fl-1": "whole"}, True),
    ],
)
def test_delivery_that_nothing_tells_of_is_not_whole(
    accept: str, reject: str, states: dict[str, str], *, missing: bool
) -> None:
    engine = DuckDB()
    at = "'2026-09-28T00:00:00Z'::TIMESTAMPTZ"
    engine.execute(
        f"CREATE TABLE interface_days AS SELECT 'eni-1' AS interface_id, {at} AS day, '{ACCOUNT}' AS account_id, "
        f"'{REGION}' AS region, '{accept}' AS flow_log_id, '{reject}' AS reject_flow_log_id"
    )
    engine.execute("CREATE TABLE units AS SELECT 'eni-1' AS unit, TRUE AS in_use, NULL::BIGINT AS attached")
    engine.execute("CREATE TABLE period_days AS SELECT '2026-09-28'::DATE AS day")
    engine.execute("CREATE TABLE delivered (flow_log_id VARCHAR, day TIMESTAMPTZ, state VARCHAR)")
    for log, state in states.items():
        engine.execute(f"INSERT INTO delivered VALUES ('{log}', {at}, '{state}')")
    drawn = {"account_id": [ACCOUNT], "region": [REGION], "rank": ["0"], "unit": ["eni-1"], "day": ["2026-09-28"]}
    rank(engine, {"seed": 1, "confidence": 0.95, "tolerable_rate": 0.05}, pa.table(drawn))
    assert engine.rows("SELECT drawn, missing FROM sampled") == [{"drawn": True, "missing": missing}]
    engine.close()
