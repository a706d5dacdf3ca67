"""Listing and reading what does not say how much it is: estimated first, counted as it comes, and gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from auditkit.audit.collect import READ, _Shown, within
from auditkit.audit.fetching import Fetching
from auditkit.audit.index import INDEX, IndexWriter, log_object
from auditkit.audit.journal import Journal
from auditkit.audit.listing import Listing, Totals
from auditkit.audit.options import silent
from auditkit.config.schema import BudgetModel
from auditkit.model.errors import AuditkitError
from auditkit.model.records import LogObject
from auditkit.run import Run
from auditkit.sources import Answer, Fetched, Meter, OverBudget, Unit

DAY = datetime(2026, 7, 1, tzinfo=UTC)


def stream(number: int) -> LogObject:
    return LogObject(
        uri=f"logs://111122223333/eu-west-1//flow/eni-{number}/2026-07-01",
        key=f"/flow/eni-{number}/2026-07-01",
        account_id="111122223333",
        region="eu-west-1",
        flow_log_id="",
        slot=DAY,
        size=0,
        carrier="lines",
        formats=("${version} ${start}", "${start}"),
        flow_log_ids=("fl-1", "fl-2"),
    )


@dataclass
class Group:
    """A source of five streams of forty bytes each, which are five as stored."""

    meter: Meter
    threads: int = 1
    listing: str = "logs:DescribeLogStreams"
    fetched: list[str] = field(default_factory=list)
    asked: int = 0

    def probes(self) -> Sequence[Unit]:
        return ()

    def units(self, days, found) -> Sequence[Unit]:
        def ask(put) -> Answer:
            self.asked += 1
            put([stream(n) for n in range(5)])
            return Answer(estimated=150, requests=1)

        return [Unit("group", ask)]

    def fetch(self, obj: LogObject, to: Path) -> Fetched:
        self.meter.spend(40)
        self.fetched.append(obj.uri.split("/")[6])
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(b"lines")
        return Fetched(sha256="0" * 64, size=5, told=40)


def listed(run: Run, group: Group, most: int = 10**6) -> Listing:
    listing = Listing(run.path / "listed")
    budget = BudgetModel(bytes=str(most))
    listing.run([group], [DAY.date()], lambda _: True, lambda totals: within(budget, totals), silent)
    return listing


def read(run: Run, meter: Meter) -> Group:
    """List and fetch as collecting does, and write the index."""
    group = Group(meter)
    listing = listed(run, group)
    fetching = Fetching(run, [group], str, meter)
    with Journal(run.path / "journal.jsonl") as journal, IndexWriter(run.index) as index:
        for row in fetching.rows(listing.objects(), journal, listing.totals.objects):
            index.add(row)
    return group


def test_what_a_stream_may_hold_comes_back_from_the_disk(tmp_path: Path) -> None:
    """Formats and flow logs of each object, the listing's and the index's."""
    run = Run(tmp_path)
    group = Group(Meter(0))
    assert [obj for _, obj in listed(run, group).objects()] == [stream(n) for n in range(5)]
    again = listed(run, group)
    assert [obj for _, obj in again.objects()] == [stream(n) for n in range(5)]
    assert (group.asked, again.totals.estimated, again.totals.requests) == (1, 150, 0), "not asked again"
    read(run, Meter(10**6))
    rows = pq.read_table(run.index).to_pylist()
    assert pq.read_schema(run.index).equals(INDEX)
    assert [row["size"] for row in rows] == [5] * 5
    assert [row["kept"].rpartition("/")[0] for row in rows] == ["111122223333/eu-west-1/2026/07/01"] * 5
    assert len({row["kept"] for row in rows}) == 5
    assert all(row["kept"].endswith(".jsonl.gz") for row in rows)
    assert [log_object(row).formats for row in rows] == [stream(0).formats] * 5
    assert [log_object(row).flow_log_ids for row in rows] == [stream(0).flow_log_ids] * 5


def test_a_part_that_another_version_listed_is_listed_anew(tmp_path: Path) -> None:
    group = Group(Meter(0))
    listed(Run(tmp_path), group)
    journal = tmp_path / "listed" / "units.jsonl"
    journal.write_text(journal.read_text().replace('"columns":13', '"columns":10').replace('"columns":', '"c":'))
    assert len(list(listed(Run(tmp_path), group).objects())) == 5
    assert group.asked == 2


def test_an_estimate_over_the_budget_is_refused_before_reading(tmp_path: Path) -> None:
    with pytest.raises(AuditkitError, match="5 log objects of about 150 bytes") as raised:
        listed(Run(tmp_path), Group(Meter(0)), most=149)
    assert "Nothing was read." in raised.value.hint
    listed(Run(tmp_path), Group(Meter(0)), most=150)


def test_what_comes_is_counted_over_all_attempts(tmp_path: Path) -> None:
    """Broken off over the budget, it goes on where it was, and what came before still counts."""
    run = Run(tmp_path)
    with pytest.raises(OverBudget):
        read(run, Meter(100))
    assert not run.index.exists()
    with pytest.raises(OverBudget):
        read(run, Meter(199))
    group = read(run, Meter(200))
    assert len(group.fetched) == 1, "the others were there"
    assert [row["status"] for row in pq.read_table(run.index).to_pylist()] == ["read"] * 5


def test_a_torn_journal_and_a_lost_copy_are_read_again(tmp_path: Path) -> None:
    run = Run(tmp_path)
    read(run, Meter(10**6))
    undisturbed = run.index.read_bytes()
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    (run.kept / pq.read_table(run.index).to_pylist()[1]["kept"]).unlink()
    group = read(run, Meter(10**6))
    assert group.fetched == ["eni-1", "eni-4"]
    assert run.index.read_bytes() == undisturbed


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        (Totals(objects=200, bytes=4_000_000), [(READ, 100, 200), (f"MB of {READ}", 2, 4), (READ, 200, 200), (f"MB of {READ}", 4, 4)]),
        (Totals(objects=100, bytes=0, estimated=9), [(READ, 100, 100), (f"MB of {READ}", 2, 0)]),
    ],
)  # fmt: skip
def test_progress_tells_objects_and_megabytes(totals: Totals, said: list) -> None:
    ticks = []
    shown = _Shown(lambda *tick: ticks.append(tick), totals)
    for _ in range(totals.objects):
        shown.add({"size": 20_000})
    assert ticks == said


def test_small_logs_need_no_megabytes() -> None:
    ticks = []
    _Shown(lambda *tick: ticks.append(tick), Totals(objects=1, bytes=5)).add({"size": 5})
    assert ticks == [(READ, 1, 1)]
