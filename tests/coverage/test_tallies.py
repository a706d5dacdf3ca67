"""What the index says of keys, counted by the engine, and the newest object of each flow log."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from auditkit.audit.index import INDEX
from auditkit.coverage import arrivals
from auditkit.engines.duckdb import DuckDB, write_parquet
from auditkit.model.delivery import Tally
from tests.coverage.made import ACCOUNT, AS_OF, REGION, at, flow_log, keys, world


@pytest.fixture
def tallied(tmp_path):
    """Count rows of an index."""

    def count(*rows):
        full = [
            {
                **dict.fromkeys(INDEX.names, ""),
                "account_id": ACCOUNT,
                "region": REGION,
                "flow_log_id": "fl-1",
                "last_modified": None,
                "size": 7,
                **r,
            }
            for r in rows
        ]
        write_parquet(pa.Table.from_pylist(full, INDEX), tmp_path / "index.parquet")
        engine = DuckDB()
        found = engine.tallies(tmp_path / "index.parquet")
        engine.close()
        return found

    return count


def test_objects_are_counted_by_bucket_and_day_read_or_not(tallied):
    found = tallied(
        {"uri": "s3://b/1", "slot": at(1, "23:55"), "status": "read"},
        {"uri": "s3://b/2", "slot": at(2, "00:00"), "status": "unread"},
        {"uri": "s3://b/3", "slot": at(2, "00:05"), "status": "listed"},
        {"uri": "s3://b/4", "slot": at(2, "00:05"), "status": "listed", "size": None},
        {"uri": "logs/5", "slot": at(2, "12:00"), "status": "read"},
    )
    common = {"flow_log_id": "fl-1", "account_id": ACCOUNT, "region": REGION}
    assert found == (
        Tally(**common, bucket="b", day=date(2026, 7, 1), objects=1, bytes=7, slots=(287,)),
        Tally(**common, bucket="b", day=date(2026, 7, 2), objects=3, bytes=14, slots=(0, 1)),
        Tally(**common, bucket="local", day=date(2026, 7, 2), objects=1, bytes=7, slots=(144,)),
    )


def test_two_versions_of_an_object_are_one(tallied):
    rows = [{"uri": "s3://b/1", "slot": at(1), "version_id": v} for v in ("a", "b")]
    assert [(t.objects, t.bytes) for t in tallied(*rows)] == [(1, 7)]


def test_an_empty_index_tells_nothing(tallied):
    assert tallied() == ()


def test_the_newest_object_of_a_flow_log_is_its_last_arrival():
    known = [*keys((at(1), at(2))), *keys((at(2), at(2, "12:00")), bucket="local")]
    assert arrivals(world(flow_log()), known) == {"fl-1": at(2, "11:55")}


@pytest.mark.parametrize(
    "other", [{"account_id": "999999999999"}, {"region": "us-east-1"}, {"bucket": "other"}, {"log": "fl-9"}]
)
def test_a_key_that_another_could_have_made_is_no_arrival(other):
    assert arrivals(world(flow_log()), keys((at(1), at(2)), **other)) == {}


def test_an_object_of_the_future_is_no_arrival():
    later = keys((AS_OF.replace(year=2027), AS_OF.replace(year=2027, day=6)))
    assert arrivals(world(flow_log()), [*keys((at(1), at(2))), *later]) == {"fl-1": at(1, "23:55")}
