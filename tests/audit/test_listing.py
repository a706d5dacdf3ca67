"""Listing onto disk: in order, once, whole or not at all, and no more than was asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.audit import listing as module
from auditkit.audit.fetching import Fetching, _Names
from auditkit.audit.index import GROUP, IndexWriter
from auditkit.audit.listing import Listing, Piece, Totals, _groups
from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Unread
from auditkit.model.records import LogObject
from auditkit.run import Run
from auditkit.sources import Answer, Unit

DAYS = [date(2026, 7, 1)]


def obj(uri: str, size: int = 1, **more: object) -> LogObject:
    fields = {
        "account_id": "111122223333",
        "region": "eu-west-1",
        "flow_log_id": "fl-1",
        "slot": datetime(2026, 7, 1, tzinfo=UTC),
    }
    return LogObject(uri=uri, key=uri.rpartition("/")[2], size=size, **{**fields, **more})


@dataclass
class Fake:
    """A source of named units."""

    has: dict[str, list[LogObject]]
    broken: frozenset[str] = frozenset()
    threads: int = 2
    asked: list[str] = field(default_factory=list)

    def probes(self) -> Sequence[Unit]:
        return [Unit("probe", lambda _: self._answer("probe", [], lambda _: None))]

    def units(self, days, found) -> Sequence[Unit]:
        assert found == {"probe": ("inside",)}
        return [Unit(name, lambda put, name=name: self._answer(name, self.has[name], put)) for name in sorted(self.has)]

    def _answer(self, name: str, objects: list[LogObject], put: Callable) -> Answer:
        self.asked.append(name)
        for one in objects:
            put([one])
        lost = Unread(account_id="1", region="r", table="t", resource=name, call="c", error="e")
        return Answer(inside=("inside",), foreign=1, unread=(lost,) if name in self.broken else ())


def run(folder: Path, *sources: Fake, check: Callable[[Totals], None] = lambda _: None) -> Listing:
    one = Listing(folder)
    one.run(sources, DAYS, lambda o: o.size > 0, check, lambda *_: None)
    return one


def uris(one: Listing) -> list[str]:
    return [o.uri for _, o in one.objects()]


def test_objects_come_sorted_and_once_with_all_they_had(tmp_path: Path) -> None:
    whole = obj("s3://b/1", etag="e", version_id="v", last_modified=datetime(2026, 7, 1, 3, 4, 5, 678, tzinfo=UTC))
    source = Fake({"one": [obj("s3://b/3"), whole], "two": [obj("s3://b/2"), obj("s3://b/3"), obj("s3://b/9", 0)]})
    one = run(tmp_path, source)
    assert uris(one) == ["s3://b/1", "s3://b/2", "s3://b/3"]
    assert next(one.objects()) == (0, whole)
    assert (one.totals.objects, one.totals.bytes, one.totals.foreign) == (4, 4, 3)


def test_what_was_listed_whole_is_not_asked_again_and_what_failed_is(tmp_path: Path) -> None:
    has = {"one": [obj("a")], "two": [obj("b")], "three": [obj("c")]}
    first = run(tmp_path, Fake(has, frozenset({"two"})))
    assert [u.resource for u in first.totals.unread] == ["two"]
    again = Fake(has)
    second = run(tmp_path, again)
    assert again.asked == ["two"]
    assert uris(second) == uris(first) == ["a", "b", "c"]
    assert (second.totals.objects, second.totals.foreign) == (3, 4)
    second.forget()
    assert not tmp_path.exists()


def test_a_part_whose_file_is_gone_is_asked_again(tmp_path: Path) -> None:
    has = {"one": [obj("a")], "two": [obj("b")]}
    run(tmp_path, Fake(has))
    next(tmp_path.glob("*.gz")).unlink()
    again = Fake(has)
    assert uris(run(tmp_path, again)) == ["a", "b"]
    assert len(again.asked) == 1


def test_two_sources_keep_apart(tmp_path: Path) -> None:
    one = run(tmp_path, Fake({"one": [obj("a"), obj("c")]}), Fake({"other": [obj("b")]}))
    assert [(n, o.uri) for n, o in one.objects()] == [(0, "a"), (1, "b"), (0, "c")]


def test_a_file_of_which_two_entries_tell_different_things_is_refused(tmp_path: Path) -> None:
    """Whichever is taken, records would be credited to a flow log that did not write them."""
    lines = {"carrier": "lines", "formats": ("${start}",)}
    sources = [Fake({"x": [obj("file", flow_log_ids=(one,), **lines)]}) for one in ("fl-1", "fl-2")]
    with pytest.raises(AuditkitError, match=r"two entries of records\.from name file"):
        uris(run(tmp_path / "other", *sources))
    assert uris(run(tmp_path / "same", sources[0], sources[0])) == ["file"]


def test_over_the_budget_the_listing_ends_at_once(tmp_path: Path) -> None:
    def check(totals: Totals) -> None:
        if totals.objects > 5:
            raise AuditkitError(f"{totals.objects} are too many")

    source = Fake({f"{n:03}": [obj(f"{n:03}/{m}") for m in range(4)] for n in range(200)})
    with pytest.raises(AuditkitError, match="6 are too many"):
        run(tmp_path, source, check=check)
    assert len(source.asked) < 20
    assert not [t for t in threading.enumerate() if t.name.startswith("ahead")]


def test_a_large_unit_is_cut_into_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD", 20)
    names = [f"{n:03}" for n in range(100)]
    one = run(tmp_path, Fake({"one": [obj(n) for n in reversed(names)]}))
    assert uris(one) == names
    assert len(list(tmp_path.glob("*.gz"))) == 10


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=12))
def test_only_pieces_that_overlap_are_merged(pairs) -> None:
    pieces = sorted(Piece(f"{min(p):02}", f"{max(p):02}", str(n), 0) for n, p in enumerate(pairs))
    groups = list(_groups(pieces))
    assert [piece for group in groups for piece in group] == pieces
    for before, after in pairwise(groups):
        assert max(piece.last for piece in before) < min(piece.first for piece in after)
    for group in groups:
        for at, piece in enumerate(group[1:], 1):
            assert piece.first <= max(p.last for p in group[:at])


# -- names of copies -------------------------------------------------------------------------------------------------

NAME = "111122223333_vpcflowlogs_eu-west-1_fl-1234abcd_20260701T0000Z_aa.log.gz"


def copies(*uris: str) -> list[str]:
    names = _Names()
    return [names.name(obj(uri)).removeprefix("111122223333/eu-west-1/2026/07/01/") for uri in sorted(uris)]


def test_objects_of_one_name_have_copies_of_their_own() -> None:
    """In two buckets, layouts or hours."""
    plain = "AWSLogs/111122223333/vpcflowlogs/eu-west-1/2026/07/01"
    hive = "AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2026/month=07/day=01"
    given = [
        f"s3://a/{plain}/{NAME}",
        f"s3://a/{plain}/00/{NAME}",
        f"s3://a/{hive}/{NAME}",
        f"s3://b/{plain}/{NAME}",
        f"/x/{NAME}",
    ]
    assert copies(*given) == [NAME, f"2-{NAME}", f"2.2-{NAME}", f"3-{NAME}", f"4-{NAME}"]


def test_a_name_does_not_depend_on_what_else_there_is_in_its_folder() -> None:
    other = NAME.replace("T0000Z", "T0005Z")
    plain = "s3://a/AWSLogs/111122223333/vpcflowlogs/eu-west-1/2026/07/01"
    assert copies(f"{plain}/{NAME}", f"{plain}/{other}") == [NAME, other]


# -- the index -------------------------------------------------------------------------------------------------------


def rows(count: int):
    start = datetime(2026, 7, 1, tzinfo=UTC)
    objects = ((0, obj(f"s3://b/{n:07}", slot=start + timedelta(seconds=n))) for n in range(count))
    return Fetching(Run(Path("none")), [], str).listed(objects)


def test_the_index_is_written_group_by_group_and_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with IndexWriter(tmp_path / name) as index:
            for row in rows(GROUP + 10):
                index.add(row)
    file = pq.ParquetFile(tmp_path / "one")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [GROUP, 10]
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    last = file.read_row_group(1).to_pylist()[-1]
    assert (last["uri"], last["status"], last["kept"]) == (f"s3://b/{GROUP + 9:07}", "listed", "")


def test_an_index_without_objects_has_its_columns(tmp_path: Path) -> None:
    with IndexWriter(tmp_path / "index"):
        pass
    assert pq.read_table(tmp_path / "index").num_rows == 0
    assert "flow_log_id" in pq.read_table(tmp_path / "index").column_names


def test_an_index_that_was_given_up_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no space"):
        _given_up(tmp_path / "index")
    assert list(tmp_path.iterdir()) == []


def _given_up(path: Path) -> None:
    with IndexWriter(path) as index:
        index.add(next(rows(1)))
        raise OSError("no space")
