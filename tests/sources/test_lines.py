"""Files with records and no header, whose names AWS has not given: here and in buckets."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime

import pytest

from auditkit.scan import Wanted, s3_clients
from auditkit.sources.local import Local, LocalLines
from auditkit.sources.s3 import Place
from auditkit.sources.s3_lines import S3Lines
from auditkit.sources.shape import Shape, is_data
from tests import aws
from tests.wire import s3_error

DAY = date(2026, 7, 1)
ACCOUNT = "111122223333"
SHAPE = Shape(ACCOUNT, "us-east-1", ("${version}",), ("fl-1234abcd",))
WRITTEN = datetime(2026, 8, 9, 10, 11, 12, tzinfo=UTC)
FIREHOSE = "flow-1-2026-07-01-00-05-12-0a1b2c3d-1111-2222-3333-444455556666"


def slot(key: str, days=(DAY,)) -> str | None:
    made = SHAPE.made(f"s3://b/{key}", key, WRITTEN, frozenset(days))
    return made and f"{made.slot:%Y-%m-%dT%H:%M:%S}"


@pytest.mark.parametrize(
    ("key", "at"),
    [
        (FIREHOSE, "2026-07-01T00:05:12"),
        (f"2026/07/01/03/{FIREHOSE}.gz", "2026-07-01T00:05:12"),
        ("x/2026/07/01/03/part", "2026-07-01T03:00:00"),
        ("2026/07/01/part", "2026-07-01T00:00:00"),
        ("year=2026/month=07/day=01/hour=23/part.zst", "2026-07-01T23:00:00"),
        ("flow-20260701.txt", "2026-07-01T00:00:00"),
        ("dt=2026-07-02/part", "2026-07-02T00:00:00"),
        ("export-2031-01-01.csv", "2031-01-01T00:00:00"),
        ("flow-20261301.txt", "2026-08-09T10:11:12"),
        ("2026/13/01/part", "2026-08-09T10:11:12"),
        ("whatever", "2026-08-09T10:11:12"),
        ("2026/07/04/00/part", None),
        ("2026/06/29/00/part", None),
        ("2026/07/03/00/part", "2026-07-03T00:00:00"),
        ("2026/06/30/00/part", "2026-06-30T00:00:00"),
    ],
)
def test_the_time_of_a_file_stands_in_its_name_or_is_when_it_was_written(key: str, at: str | None) -> None:
    """One that Firehose wrote days before or after the period is not of it; any other date may be anybody's."""
    assert slot(key) == at


def test_the_flow_log_is_said_where_there_is_one() -> None:
    made = SHAPE.made("s3://b/k", "k", WRITTEN, frozenset([DAY]))
    assert (made.carrier, made.formats, made.flow_log_ids, made.flow_log_id) == (
        "lines",
        ("${version}",),
        ("fl-1234abcd",),
        "fl-1234abcd",
    )
    two = Shape(ACCOUNT, "us-east-1", ("${version}", "${version}"), ("fl-1", "fl-2"))
    assert two.made("s3://b/k", "k", WRITTEN, frozenset([DAY])).flow_log_id == ""
    unknown = Shape(ACCOUNT, "us-east-1", ("${version}",), ("",))
    assert unknown.made("s3://b/k", "k", WRITTEN, frozenset([DAY])).flow_log_id == ""


def test_what_aws_names_and_what_others_leave_behind_is_no_data() -> None:
    ours = aws.name(ACCOUNT, "us-east-1", "fl-1234abcd", WRITTEN)
    assert [is_data(one) for one in (ours, "", ".hidden", "_SUCCESS", "aws-logs-write-test", "000000.gz")] == [
        *[False] * 5,
        True,
    ]


def put(path, body: bytes = b"line\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    os.utime(path, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    return path


def test_local_files_of_any_name(tmp_path, told, listing) -> None:
    put(tmp_path / "in" / "2026" / "07" / "01" / FIREHOSE)
    put(tmp_path / "in" / "export.csv", b"timestamp,message\n")
    put(tmp_path / "in" / "2026" / "09" / "01" / "late")
    put(tmp_path / "in" / ".DS_Store")
    source = LocalLines((tmp_path / "in", tmp_path / "in" / "*.csv"), SHAPE)
    found = sorted(listing(source, [DAY]), key=lambda obj: obj.key)
    assert told == []
    assert [(obj.key, obj.size) for obj in found] == [(f"2026/07/01/{FIREHOSE}", 5), ("export.csv", 18)]
    assert found[1].slot == WRITTEN
    assert (found[0].account_id, found[0].region) == (ACCOUNT, "us-east-1")
    (unit,) = source.units([DAY])
    assert unit.ask(lambda _: None).foreign == 1
    fetched = source.fetch(found[0], tmp_path / "out")
    assert (fetched.size, (tmp_path / "out").read_bytes()) == (5, b"line\n")


def test_a_file_is_listed_by_one_source_only(tmp_path, told, listing) -> None:
    """What AWS has named belongs to the other, whose header tells the format."""
    put(tmp_path / "odd")
    put(tmp_path / aws.name(ACCOUNT, "us-east-1", "fl-1234abcd", datetime(2026, 7, 1, tzinfo=UTC)))
    both = [listing(one, [DAY]) for one in (Local((tmp_path,)), LocalLines((tmp_path,), SHAPE))]
    assert [[obj.carrier for obj in some] for some in both] == [["aws-key"], ["lines"]]


def test_a_link_that_leads_outside_is_said_with_its_owner(tmp_path, told, listing) -> None:
    put(tmp_path / "outside" / "one")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one").symlink_to(tmp_path / "outside" / "one")
    assert listing(LocalLines((tmp_path / "in",), SHAPE), [DAY]) == []
    assert [u.error for u in told] == ["a link that leads outside is not followed"]


# -- buckets -----------------------------------------------------------------------------------------------------------

BUCKET = "carriers-firehose"


@pytest.fixture
def bucket(estate):
    """What Firehose and an export wrote."""
    s3 = estate.client("s3", estate.archive)
    if BUCKET not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=BUCKET)
        for key in (
            f"hose/2026/07/01/00/{FIREHOSE}",
            "hose/2026/07/02/00/flow-1-2026-07-02-00-04-59-a",
            "hose/2026/09/01/00/flow-1-2026-09-01-00-00-00-b",
            "hose/failed/part",
            "hose/loose",
            "export/aws-logs-write-test",
            "export/task/eni-1-all/000000.gz",
            "exported/other",
        ):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"line\n")
    return estate.archive


def in_bucket(wire, reader: str, prefix: str) -> S3Lines:
    clients = s3_clients(wire.session, Wanted(aws.ROLE, None, None, (), None))
    return S3Lines(clients, Place(BUCKET, prefix, ACCOUNT, "us-east-1", reader), SHAPE)


def test_folders_by_day_are_listed_by_day(wire, bucket, tmp_path, told, listing) -> None:
    source = in_bucket(wire, bucket, "hose")
    found = listing(source, [DAY])
    assert told == []
    assert sorted(obj.key for obj in found) == [
        f"2026/07/01/00/{FIREHOSE}",
        "2026/07/02/00/flow-1-2026-07-02-00-04-59-a",
        "failed/part",
        "loose",
    ]
    assert wire.counts["s3:ListObjectsV2"] == 1 + 4 + 2, "one look, four days, what lies beside them"
    obj = next(obj for obj in found if obj.key == "loose")
    assert (obj.uri, obj.size, obj.carrier, len(obj.etag)) == (f"s3://{BUCKET}/hose/loose", 5, "lines", 32)
    assert source.fetch(obj, tmp_path / "out").size == 5


def test_a_prefix_is_a_folder_and_without_days_it_is_listed_whole(wire, bucket, told, listing) -> None:
    assert [obj.key for obj in listing(in_bucket(wire, bucket, "export"), [DAY])] == ["task/eni-1-all/000000.gz"]
    assert told == []


def test_a_refusal_is_said(wire, bucket, told, listing) -> None:
    wire.fault("s3:ListObjectsV2", lambda _: s3_error("AccessDenied"))
    assert listing(in_bucket(wire, bucket, "hose"), [DAY]) == []
    assert [(u.resource, u.account_id, u.error.partition(":")[0]) for u in told] == [
        (f"s3://{BUCKET}/hose/", ACCOUNT, "AccessDenied")
    ]
