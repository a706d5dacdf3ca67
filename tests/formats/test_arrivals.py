"""The calendar of delivery: strips of days, the troubled ones first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from auditkit.formats.arrivals import Run, calendar
from auditkit.formats.destinations import places

START = datetime(2026, 7, 1, tzinfo=UTC)


def row(log: str, number: int, state: str, **more: Any) -> dict[str, Any]:
    """Make one row of the delivery table."""
    day = START + timedelta(days=number)
    return {
        "flow_log_id": log, "day": day, "account_id": "111122223333", "region": "eu-west-1", "state": state, "reason": "",
        "resource_id": "vpc-1", "log_destination": "s3://b", "in_api": True, "gap_minutes": 0, **more,
    }  # fmt: skip


def test_no_rows_are_no_calendar() -> None:
    """Nothing to show is said as such, not drawn as an empty chart."""
    assert calendar([]) is None


def test_neighbouring_days_of_one_state_are_one_run_and_missing_days_are_none() -> None:
    """A flow log that began late, or has gone, has days on which nothing was due."""
    rows = [row("fl-1", n, s) for n, s in ((1, "whole"), (2, "whole"), (3, "gap"), (5, "whole"))] + [
        row("fl-2", 0, "whole")
    ]
    found = calendar(rows)
    assert found is not None
    (strip,) = found.troubled
    assert strip.runs == (Run("whole", 1, 2), Run("gap", 3, 1), Run("", 4, 1), Run("whole", 5, 1))
    assert strip.counts == {"gap": 1, "whole": 3}
    assert found.sound == 1
    assert found.totals == {"whole": 4, "gap": 1}
    assert len(found.days) == 6


def test_gaps_come_before_what_is_not_known_and_tell_their_reason() -> None:
    """The reader meets what failed first."""
    rows = [
        row("fl-idle", 0, "idle"),
        row("fl-unknown", 0, "unknown", gap_minutes=None, reason="AccessDenied"),
        row("fl-gap", 0, "gap", gap_minutes=75, reason="nothing from 03:10"),
        row("fl-gone", 0, "gap", gap_minutes=5, in_api=False),
        row("fl-gone", 1, "gap", gap_minutes=5, in_api=False),
    ]
    found = calendar(rows)
    assert found is not None
    assert [s.flow_log_id for s in found.troubled] == ["fl-gone", "fl-gap", "fl-unknown", "fl-idle"]
    assert [s.gone for s in found.troubled] == [True, False, False, False]
    assert (found.troubled[1].gap_minutes, found.troubled[1].reason) == (75, "nothing from 03:10")


def test_a_quarter_is_ticked_by_month_and_three_days_by_day() -> None:
    """The axis fits its length."""
    quarter = calendar([row("fl-1", n, "whole") for n in range(92)])
    days = calendar([row("fl-1", n, "whole") for n in range(3)])
    assert quarter is not None
    assert days is not None
    assert quarter.ticks == ((0, "Jul"), (31, "Aug"), (62, "Sep"))
    assert days.ticks == ((0, "1 Jul"), (1, "2 Jul"), (2, "3 Jul"))


BUCKET = {
    "log_destination": "s3://b", "log_destination_type": "s3", "account_id": "1", "region": "r", "exists": True, "approved": True,
    "approved_as": "central", "flow_log_ids": ["fl-1"], "encryption": "aws:kms", "kms_key_id": "arn:aws:kms:r:1:key/k",
}  # fmt: skip


def test_what_was_not_read_is_told_apart_from_what_is_broken() -> None:
    """A refusal is a question mark; a policy that refuses is a cross."""
    unread, broken = places(
        [
            {**BUCKET, "delivery_policy": None, "kms_key_state": None},
            {**BUCKET, "delivery_policy": "refuses", "refused_accounts": ["1", "2", "3", "4"], "kms_key_state": "PendingDeletion"},
        ],
        [],
    )  # fmt: skip
    assert {f.label: f.status for f in unread.delivers} == {
        "bucket": "pass", "Bucket policy": "inconclusive", "Key": "inconclusive", "Key policy": "inconclusive",
    }  # fmt: skip
    told = {f.label: (f.status, f.text) for f in broken.delivers}
    assert told["Bucket policy"] == ("fail", "does not let 1, 2, 3 and more write")
    assert told["Key"] == ("fail", "PendingDeletion")


def test_a_destination_that_is_absent_is_asked_nothing_more() -> None:
    """What does not exist has no encryption to be missing."""
    (place,) = places([{**BUCKET, "exists": False}], [])
    assert [(f.status, f.text) for f in place.delivers] == [("fail", "does not exist")]
    assert place.kept == ()


def test_the_roles_of_its_flow_logs_stand_with_the_log_group() -> None:
    """A role that cannot be read is no role that works."""
    group = {
        **BUCKET,
        "log_destination": "log-group:1:r:g",
        "log_destination_type": "cloud-watch-logs",
        "kms_key_id": "",
    }
    logs = [
        {"log_destination": "log-group:1:r:g", "deliver_role": role} for role in ("works", "untrusted", None, "works")
    ]
    (place,) = places([group], logs)
    assert [(f.status, f.text) for f in place.delivers if f.label == "Role"] == [
        ("inconclusive", "not read"),
        ("fail", "does not trust the flow logs service"),
        ("pass", "may deliver (2 flow logs)"),
    ]
