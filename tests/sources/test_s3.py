"""Log objects in a bucket, over HTTP."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from auditkit.scan import Wanted, s3_clients
from auditkit.sources import SourceError
from auditkit.sources.s3 import S3, Place
from tests import aws
from tests.wire import answer

DENIED = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'


@pytest.fixture
def source(estate, wire):
    """The bucket, read with the credentials of the log archive."""
    clients = s3_clients(wire.session, Wanted(aws.ROLE, None, None, (), None))
    places = [
        Place(aws.BUCKET, "", estate.web, "us-east-1", estate.archive),
        Place(aws.BUCKET, "eu", estate.data, "eu-west-1", estate.archive),
        Place(aws.BUCKET, "", estate.data, "us-east-1", estate.archive),
    ]
    return S3(clients, places)


def listed(wire):
    """The prefixes asked for, by how many keys were wanted at most."""
    queries = [parse_qs(urlsplit(r.url).query) for name, r in wire.sent if name == "s3:ListObjectsV2"]
    return Counter(("probe" if "max-keys" in query else "day", query["prefix"][0]) for query in queries)


def test_the_objects_of_a_day_are_listed_in_every_layout(source, estate, told, listing):
    found = listing(source, [aws.DAY])
    assert sorted(obj.key for obj in found) == estate.keys
    assert told == []
    first = next(obj for obj in found if obj.account_id == estate.web)
    assert first.uri == f"s3://{aws.BUCKET}/{first.key}"
    assert (first.region, first.flow_log_id, first.slot) == (
        "us-east-1",
        estate.ids["pci-log"],
        datetime(2026, 7, 1, tzinfo=UTC),
    )
    assert first.size > 0
    assert len(first.etag) == 32
    assert first.last_modified.tzinfo is not None


def test_the_order_is_the_same_every_time(source, told, listing):
    assert listing(source, [aws.DAY]) == listing(source, [aws.DAY, aws.DAY])


def test_only_the_days_asked_for_are_listed_and_only_where_there_is_something(source, estate, wire, told, listing):
    day = date(2026, 6, 30)
    assert listing(source, [day]) == []
    asked = listed(wire)
    assert sum(count for (kind, _), count in asked.items() if kind == "probe") == 9
    assert [prefix for kind, prefix in sorted(asked) if kind == "day"] == [
        f"AWSLogs/{estate.web}/vpcflowlogs/us-east-1/2026/06/30/",
        f"eu/AWSLogs/aws-account-id={estate.data}/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2026/month=06/day=30/",
    ]
    assert listing(source, []) == []
    assert told == []


def test_every_page_is_read(source, wire, told, listing, monkeypatch):
    def small(params, **_):
        if "max-keys" not in params["query_string"]:
            params["query_string"]["max-keys"] = 5

    before = listing(source, [aws.DAY])
    wire.session.events.register("before-call.s3.ListObjectsV2", small)
    fresh = S3(watched_clients(wire), source._places)
    wire.sent.clear()
    assert listing(fresh, [aws.DAY]) == before
    assert wire.counts["s3:ListObjectsV2"] > 9 + 2


def watched_clients(wire):
    return s3_clients(wire.session, Wanted(aws.ROLE, None, None, (), None))


def test_a_refused_listing_is_said_and_the_others_go_on(source, estate, wire, told, listing):
    wire.fault("s3:ListObjectsV2", lambda r: answer(403, DENIED) if f"AWSLogs%2F{estate.web}" in r.url else None)
    found = listing(source, [aws.DAY])
    assert {obj.account_id for obj in found} == {estate.data}
    (unread,) = told
    assert (unread.account_id, unread.region, unread.table, unread.call) == (
        estate.web,
        "us-east-1",
        "flow_records",
        "s3:ListObjectsV2",
    )
    assert unread.resource == f"s3://{aws.BUCKET}/AWSLogs/{estate.web}/vpcflowlogs/us-east-1/"
    assert unread.error.startswith("AccessDenied: Access Denied (account ")


def test_a_day_whose_listing_breaks_off_is_said_and_names_the_day(source, estate, wire, told, listing):
    wire.fault("s3:ListObjectsV2", lambda r: answer(403, DENIED) if "2026%2F07%2F01" in r.url else None)
    found = listing(source, [date(2026, 6, 30), aws.DAY])
    assert {obj.account_id for obj in found} == {estate.data}
    assert [unread.resource for unread in told] == [
        f"s3://{aws.BUCKET}/AWSLogs/{estate.web}/vpcflowlogs/us-east-1/2026/07/01/"
    ]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("<html><body>Sign in</body></html>", "MalformedAnswer: not a listing"),
        ("<ListBucketResult><Name>", "500: Internal Server Error"),
    ],
)
def test_a_listing_that_is_none_is_said(source, wire, told, listing, body, error):
    wire.fault("s3:ListObjectsV2", lambda _: answer(200, body))
    assert listing(source, [aws.DAY]) == []
    assert len(told) == 3
    assert all(unread.error.startswith(error) for unread in told)


def test_a_bucket_that_is_gone_and_a_role_that_is_refused_are_said(estate, wire, told, listing):
    gone = S3(watched_clients(wire), [Place(aws.GONE, "", estate.data, "us-east-1", estate.data)])
    assert listing(gone, [aws.DAY]) == []
    assert [unread.error.split(":")[0] for unread in told] == ["NoSuchBucket"]
    wire.fault(
        "sts:AssumeRole",
        lambda _: answer(403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"),
    )
    shut = S3(watched_clients(wire), [Place(aws.BUCKET, "", estate.web, "us-east-1", estate.archive)])
    told.clear()
    assert listing(shut, [aws.DAY]) == []
    assert [unread.error.split(":")[0] for unread in told] == ["AccessDenied"]


def test_a_refusal_says_what_would_have_to_be_allowed(estate, wire, told, listing, tmp_path):
    obj = listing(S3(watched_clients(wire), [at(estate)]), [aws.DAY])[0]
    owned = replace(at(estate), owner=estate.archive)
    wire.fault("s3:ListObjectsV2", lambda _: answer(403, DENIED))
    assert listing(S3(watched_clients(wire), [owned]), [aws.DAY]) == []
    (unread,) = told
    assert unread.error == (
        f"AccessDenied: Access Denied (account {estate.archive} needs s3:ListBucket on the bucket, "
        f"and the bucket has to belong to account {estate.archive})"
    )
    wire.fault("s3:GetObject", lambda _: answer(403, DENIED))
    with pytest.raises(SourceError) as raised:
        S3(watched_clients(wire), [at(estate)]).fetch(obj, tmp_path / "object")
    needs = "needs s3:GetObject on the object, and kms:Decrypt if it is encrypted by KMS)"
    assert raised.value.unread.error == f"AccessDenied: Access Denied (account {estate.archive} {needs}"


def test_a_key_that_is_refused_is_told_from_an_object_that_is(estate, wire, listing, tmp_path):
    obj = listing(S3(watched_clients(wire), [at(estate)]), [aws.DAY])[0]
    denied = DENIED.replace("Access Denied", "User is not authorized to perform: kms:Decrypt on the resource")
    wire.fault("s3:GetObject", lambda _: answer(403, denied))
    with pytest.raises(SourceError) as raised:
        S3(watched_clients(wire), [at(estate)]).fetch(obj, tmp_path / "object")
    assert raised.value.unread.error.endswith("needs kms:Decrypt on the key that encrypts the object)")


def at(estate):
    return Place(aws.BUCKET, "", estate.web, "us-east-1", estate.archive)


def test_every_request_names_the_owner_that_is_known(estate, wire, listing, tmp_path):
    owned = S3(watched_clients(wire), [replace(at(estate), owner=estate.archive)])
    obj = listing(owned, [aws.DAY])[0]
    owned.fetch(obj, tmp_path / "object")
    named = [r.headers.get("x-amz-expected-bucket-owner") for name, r in wire.sent if name.startswith("s3:")]
    assert len(named) == 5
    assert {one.decode() if isinstance(one, bytes) else one for one in named} == {estate.archive}


def test_foreign_keys_are_counted(estate, wire):
    """The folder of the day holds one; another lies above it, and is not looked at."""
    source = S3(watched_clients(wire), [at(estate)])
    (probe,) = source.probes()
    (unit,) = source.units([aws.DAY], {probe.name: probe.ask(lambda _: None).inside})
    given = unit.ask(lambda _: None)
    assert (given.foreign, given.requests, given.unread) == (1, 1, ())


def test_a_prefix_inside_the_folder_of_a_day_is_listed_once(estate, wire, listing):
    """Whoever may name prefixes may nest them: no object counts twice."""
    slot = datetime(2026, 7, 1, tzinfo=UTC)
    bucket = "nested-prefixes"
    outer = aws.folder(estate.web, "us-east-1", slot)
    inner = outer.rstrip("/")
    s3 = estate.client("s3")
    s3.create_bucket(Bucket=bucket)
    keys = [
        outer + aws.name(estate.web, "us-east-1", "fl-1234abcd", slot),
        aws.folder(estate.web, "us-east-1", slot, inner) + aws.name(estate.web, "us-east-1", "fl-1234abcd", slot, "aa"),
    ]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    places = [Place(bucket, prefix, estate.web, "us-east-1", aws.MANAGEMENT) for prefix in ("", inner)]
    assert [obj.key for obj in listing(S3(watched_clients(wire), places), [aws.DAY])] == keys


def test_prefixes_that_differ_in_slashes_are_one(estate, wire, listing):
    places = [Place(aws.BUCKET, prefix, estate.data, "eu-west-1", estate.archive) for prefix in ("eu", "eu/", "/eu")]
    assert len(listing(S3(watched_clients(wire), places), [aws.DAY])) == 12


def test_a_listing_that_says_it_goes_on_and_not_how_is_not_whole(source, wire, told, listing):
    body = "<ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated></ListBucketResult>"
    wire.fault("s3:ListObjectsV2", lambda r: answer(200, body) if "2026%2F07%2F01" in r.url else None)
    listing(source, [aws.DAY])
    assert [unread.error for unread in told] == ["MalformedAnswer: the listing says that it goes on, and not how"]


def test_a_bucket_in_another_region_is_followed_there(estate, wire, listing, told):
    """S3 redirects what is signed for the wrong region; the next requests go straight to the right one."""
    moved = "<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>"

    def elsewhere(request):
        signed = request.headers["Authorization"]
        here = "/us-east-1/s3/" in (signed.decode() if isinstance(signed, bytes) else signed)
        return answer(301, moved, **{"x-amz-bucket-region": "eu-west-1"}) if here else None

    wire.fault("s3:ListObjectsV2", elsewhere)
    assert len(listing(S3(watched_clients(wire), [at(estate)]), [aws.DAY])) == 12
    assert told == []
    assert wire.counts["s3:ListObjectsV2"] == 4 + 1


def test_an_object_is_fetched_as_stored(source, estate, told, listing, tmp_path):
    obj = listing(source, [aws.DAY])[0]
    to = tmp_path / "deep" / "object.log.gz"
    fetched = source.fetch(obj, to)
    body = estate.client("s3", estate.archive).get_object(Bucket=aws.BUCKET, Key=obj.key)["Body"].read()
    assert to.read_bytes() == body
    assert (fetched.sha256, fetched.size, fetched.etag) == (hashlib.sha256(body).hexdigest(), obj.size, obj.etag)
    assert fetched.version_id not in ("", None)
    assert list(to.parent.iterdir()) == [to]


def test_an_object_that_vanished_or_changed_is_said(source, estate, told, listing, tmp_path):
    obj = listing(source, [aws.DAY])[0]
    to = tmp_path / "object"
    for wrong, code in (
        (replace(obj, uri=f"{obj.uri}x"), "NoSuchKey"),
        (replace(obj, etag="0" * 32), "PreconditionFailed"),
    ):
        with pytest.raises(SourceError, match=code) as raised:
            source.fetch(wrong, to)
        unread = raised.value.unread
        assert (unread.resource, unread.call, unread.account_id) == (wrong.uri, "s3:GetObject", obj.account_id)
        assert raised.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_refused_object_is_said(source, wire, told, listing, tmp_path):
    obj = listing(source, [aws.DAY])[0]
    wire.fault("s3:GetObject", lambda _: answer(403, DENIED))
    fresh = S3(watched_clients(wire), [Place(aws.BUCKET, "", obj.account_id, obj.region, aws.MANAGEMENT)])
    with pytest.raises(SourceError, match=r"could not be read: AccessDenied: Access Denied") as raised:
        fresh.fetch(obj, tmp_path / "object")
    assert "kms:Decrypt" in raised.value.hint


def test_a_download_that_breaks_off_leaves_nothing(source, wire, told, listing, tmp_path):
    obj = listing(source, [aws.DAY])[0]
    wire.session.events.register("before-parse.s3.GetObject", cut_off)
    fresh = S3(watched_clients(wire), [Place(aws.BUCKET, "", obj.account_id, obj.region, obj.account_id)])
    with pytest.raises(SourceError, match="IncompleteReadError"):
        fresh.fetch(obj, tmp_path / "object")
    assert list(tmp_path.iterdir()) == []


def cut_off(response_dict, **_):
    """Promise one byte more than comes."""
    body = response_dict["body"]
    body._content_length = int(body._content_length) + 1


def test_a_day_at_the_edge_belongs_to_the_day_of_its_slot(estate, wire, told, listing):
    bucket = "edge-of-day"
    s3 = estate.client("s3")
    s3.create_bucket(Bucket=bucket)
    last = datetime(2026, 7, 1, 23, 55, tzinfo=UTC)
    for slot in (last, last + timedelta(minutes=5)):
        key = aws.folder(estate.web, "us-east-1", slot, hourly=True) + aws.name(
            estate.web, "us-east-1", "fl-1234abcd", slot
        )
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    place = S3(watched_clients(wire), [Place(bucket, "", estate.web, "us-east-1", estate.management)])
    assert [obj.slot for obj in listing(place, [date(2026, 7, 1)])] == [last]
