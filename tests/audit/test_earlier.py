"""Earlier runs: what they tell of flow logs that are gone is kept with the run, and read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditkit.audit.earlier import FILE, earlier, keep_earlier
from auditkit.model.errors import AuditkitError
from auditkit.run import Run, parse_time
from tests.conftest import Audited


def after(audited: Audited) -> datetime:
    return parse_time(audited.assessment.as_of) + timedelta(days=90)


def test_flow_logs_of_an_earlier_run_come_back_as_they_were(audited: Audited, tmp_path: Path) -> None:
    """All that says what they were on, carried and wrote to; nothing of whether they deliver, which is past."""
    run = Run(tmp_path / "run")
    keep_earlier(run, [audited.run.path], after(audited))
    kept = earlier(run)
    rows = {r["flow_log_id"]: r for r in audited.run.rows("flow_logs")}
    assert len(kept) == len(rows) > 40
    for log in kept:
        row = rows[log.flow_log_id]
        told = ("account_id", "region", "resource_id", "traffic_type", "log_destination", "max_aggregation_interval")
        assert [getattr(log, name) for name in told] == [row[name] for name in told]
        assert list(log.fields) == row["fields"]
        assert log.creation_time == row["creation_time"]
        assert (log.delivers, log.last_arrival) == (None, None)


def test_of_several_runs_the_latest_counts(audited: Audited, tmp_path: Path) -> None:
    """Naming a run twice makes no flow log twice."""
    run = Run(tmp_path / "run")
    keep_earlier(run, [audited.run.path, audited.run.path], after(audited))
    ids = [(log.account_id, log.region, log.flow_log_id) for log in earlier(run)]
    assert len(set(ids)) == len(ids)


def test_a_run_that_is_not_earlier_is_refused(audited: Audited, tmp_path: Path) -> None:
    """The future tells nothing of the past."""
    run = Run(tmp_path / "run")
    with pytest.raises(AuditkitError, match="not before this run"):
        keep_earlier(run, [audited.run.path], datetime(2026, 1, 1, tzinfo=UTC))
    assert earlier(run) == ()


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    """A wrong path under previous: is an error, not an empty past."""
    with pytest.raises(AuditkitError, match="nowhere is not a run"):
        keep_earlier(Run(tmp_path / "run"), [tmp_path / "nowhere"], datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["", "{", '[{"as_of": "x"}]', '[{"as_of": "x", "flow_logs": [{"flow_log_id": 1}]}]', '"x"', "[1]"]
)
def test_a_damaged_copy_is_one_clear_error(tmp_path: Path, text: str) -> None:
    """Nothing is taken on trust from a run that somebody changed."""
    path = tmp_path / "run" / "records" / FILE
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(AuditkitError, match="is damaged"):
        earlier(Run(tmp_path / "run"))
