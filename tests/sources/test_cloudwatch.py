"""Flow log records in CloudWatch Logs, over HTTP."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from auditkit.scan import Wanted, logs_clients
from auditkit.sources import Meter, OverBudget, SourceError
from auditkit.sources.cloudwatch import CloudWatchLogs, Group, Writer
from tests import aws
from tests.wire import answer, json_error

DAY = date(2026, 7, 1)
START = datetime(2026, 7, 1, tzinfo=UTC)
PERIOD = (START, START + timedelta(days=2))
NAME = "/carriers/flow"
ENI = "eni-0a1b2c3d"
LINE = f"2 111122223333 {ENI} 10.0.0.1 10.0.0.2 1 2 6 1 40 %d %d ACCEPT OK"


def millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@pytest.fixture
def group(estate):
    """A log group of its own, whose streams were written in July."""
    logs = estate.client("logs", estate.web)
    if not logs.describe_log_groups(logGroupNamePrefix=NAME)["logGroups"]:
        logs.create_log_group(logGroupName=NAME)
        for stream, moments in {
            f"{ENI}-all": [START + timedelta(hours=n) for n in range(-1, 49)],
            "eni-0000000a-all": [START + timedelta(days=1, hours=5)],
            "eni-0000000b-all": [START - timedelta(days=40)],
            "a/b c": [START],
        }.items():
            logs.create_log_stream(logGroupName=NAME, logStreamName=stream)
            events = [
                {"timestamp": millis(at), "message": LINE % (at.timestamp(), at.timestamp() + 60)} for at in moments
            ]
            put(logs, stream, events)
        logs.create_log_stream(logGroupName=NAME, logStreamName="eni-0000000c-all")
    return estate.web


def put(logs, stream: str, events: list[dict]) -> None:
    """Put events as if they had come on their day: moto refuses those older than two weeks, as AWS does."""
    from moto.logs.models import logs_backends

    account = logs.describe_log_groups(logGroupNamePrefix=NAME)["logGroups"][0]["arn"].split(":")[4]
    found = logs_backends[account]["us-east-1"].groups[NAME].streams[stream]
    found.put_log_events(events)


@pytest.fixture
def source(estate, group, wire):
    return made(wire, group)


def made(wire, account: str, meter: Meter | None = None, name: str = NAME, period=PERIOD, writers=None, **more):
    clients = logs_clients(wire.session, Wanted(aws.ROLE, None, None, (), None))
    who = writers or (lambda _stream, _until: (Writer("fl-1", "${version}"),))
    return CloudWatchLogs(
        clients, [Group(account, "us-east-1", name, who, **more)], period, PERIOD[1], meter or Meter(10**9)
    )


def named(found) -> list[str]:
    return sorted("/".join(obj.uri.rsplit("/", 2)[1:]) for obj in found)


def lines(path) -> list[dict]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def test_a_stream_has_an_object_for_each_day_that_it_may_have_spoken_of(source, group, told, listing) -> None:
    days = [DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)]
    found = listing(source, days)
    assert told == []
    assert [one for one in named(found) if one.startswith(ENI)] == [f"{ENI}-all/2026-07-01", f"{ENI}-all/2026-07-02"]
    assert "a%2Fb%20c/2026-07-01" in named(found)
    assert not any("2026-07-03" in one for one in named(found)), "nothing that begins then is of the period"
    obj = next(obj for obj in found if obj.uri.endswith(f"{ENI}-all/2026-07-01"))
    assert obj.uri == f"logs://{group}/us-east-1/{NAME}/{ENI}-all/2026-07-01"
    assert (obj.account_id, obj.region, obj.slot) == (group, "us-east-1", START)
    assert (obj.carrier, obj.formats, obj.flow_log_ids, obj.flow_log_id) == (
        "lines",
        ("${version}",),
        ("fl-1",),
        "fl-1",
    )


def test_a_stream_that_was_written_long_before_or_after_is_not_asked(wire, group, told, listing) -> None:
    """Its times are told late, so a day on either side is not taken for sure."""

    def streams(_):
        rows = [
            {"logStreamName": "long-ago", "firstEventTimestamp": 1, "lastEventTimestamp": millis(START) - 25 * 3600_000},
            {"logStreamName": "just-before", "firstEventTimestamp": 1, "lastEventTimestamp": millis(START) - 23 * 3600_000},
            {"logStreamName": "taken-in-late", "firstEventTimestamp": 1, "lastEventTimestamp": 5, "lastIngestionTime": millis(START)},
            {"logStreamName": "long-after", "firstEventTimestamp": millis(PERIOD[1]) + 25 * 3600_000},
            {"logStreamName": "young", "creationTime": millis(PERIOD[1]) + 25 * 3600_000},
            {"logStreamName": "says-nothing"},
        ]  # fmt: skip
        return answer(200, json.dumps({"logStreams": rows}), **{"x-amzn-RequestId": "r"})

    wire.fault("cloudwatch-logs:DescribeLogStreams", streams)
    found = listing(made(wire, group), [DAY])
    assert {obj.uri.rsplit("/", 2)[1] for obj in found} == {"just-before", "taken-in-late", "says-nothing"}


def test_a_day_is_read_whole_and_the_same_events_give_the_same_bytes(source, wire, tmp_path, told, listing) -> None:
    obj = next(obj for obj in listing(source, [DAY]) if ENI in obj.uri)
    got = source.fetch(obj, tmp_path / "one")
    events = lines(tmp_path / "one")
    assert len(events) == 24
    assert set(events[0]) == {"timestamp", "ingestionTime", "message"}
    assert [one["timestamp"] for one in events] == sorted(millis(START + timedelta(hours=n)) for n in range(24))
    assert got.size == (tmp_path / "one").stat().st_size
    assert got.told == len(gzip.decompress((tmp_path / "one").read_bytes()))
    assert source.fetch(obj, tmp_path / "two") == got
    assert (tmp_path / "one").read_bytes()[4:8] == b"\0\0\0\0", "no time in the head"


def test_the_first_day_begins_a_quarter_of_an_hour_before_the_period(wire, group, tmp_path, told, listing) -> None:
    """What begins before midnight and ends after it; the days within begin at midnight, and the last ends with the period."""
    period = (START + timedelta(minutes=10), START + timedelta(hours=3))
    (obj,) = [obj for obj in listing(made(wire, group, period=period), [DAY]) if ENI in obj.uri]
    made(wire, group, period=period).fetch(obj, tmp_path / "one")
    assert [one["timestamp"] for one in lines(tmp_path / "one")] == [
        millis(START + timedelta(hours=n)) for n in range(3)
    ]


def test_every_page_is_read_empty_ones_too(wire, group, tmp_path, told, listing) -> None:
    pages = [([1, 2], "a"), ([], "b"), ([3], "c"), ([], "c")]
    asked = []

    def page(request):
        asked.append(json.loads(request.body).get("nextToken"))
        events, token = pages[len(asked) - 1]
        rows = [{"timestamp": millis(START) + n, "message": "x"} for n in events]
        told = {"events": rows, "nextForwardToken": token}
        return answer(200, json.dumps(told), **{"x-amzn-RequestId": "r"})

    source = made(wire, group)
    obj = next(obj for obj in listing(source, [DAY]) if ENI in obj.uri)
    wire.fault(EVENTS, page)
    made(wire, group).fetch(obj, tmp_path / "one")
    assert asked == [None, "a", "b", "c"]
    assert [one["timestamp"] - millis(START) for one in lines(tmp_path / "one")] == [1, 2, 3]


EVENTS = "cloudwatch-logs:GetLogEvents"
STREAMS = "cloudwatch-logs:DescribeLogStreams"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"events": [], "nextForwardToken"', "MalformedAnswer: not a page of events"),
        ("<html>Sign in</html>", "MalformedAnswer: not a page of events"),
        ("{}", "MalformedAnswer: not a page of events"),
        ('{"events": []}', "MalformedAnswer: not a page of events"),
        ('{"events": 7, "nextForwardToken": "a"}', "Error"),
    ],
)
def test_a_torn_page_is_no_end(wire, group, tmp_path, told, listing, body: str, error: str) -> None:
    source = made(wire, group)
    obj = next(obj for obj in listing(source, [DAY]) if ENI in obj.uri)
    wire.fault(EVENTS, lambda _: answer(200, body, **{"x-amzn-RequestId": "r"}))
    with pytest.raises(SourceError) as raised:
        made(wire, group).fetch(obj, tmp_path / "one")
    assert error in raised.value.unread.error
    assert raised.value.unread.resource == obj.uri
    assert list(tmp_path.iterdir()) == []


def test_tokens_that_lead_in_a_circle_end(wire, group, tmp_path, told, listing) -> None:
    source = made(wire, group)
    obj = next(obj for obj in listing(source, [DAY]) if ENI in obj.uri)
    tokens = iter("abcab")

    def page(_):
        told = {"events": [{"timestamp": 1, "message": "x"}], "nextForwardToken": next(tokens)}
        return answer(200, json.dumps(told), **{"x-amzn-RequestId": "r"})

    wire.fault(EVENTS, page)
    with pytest.raises(SourceError, match="have no end"):
        made(wire, group).fetch(obj, tmp_path / "one")


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ResourceNotFoundException"])
def test_a_refusal_is_never_empty(source, wire, group, tmp_path, told, listing, code: str) -> None:
    obj = next(obj for obj in listing(source, [DAY]) if ENI in obj.uri)
    wire.fault(EVENTS, lambda _: json_error(code))
    with pytest.raises(SourceError) as raised:
        made(wire, group).fetch(obj, tmp_path / "one")
    assert raised.value.unread.error.startswith(f"{code}: no")
    assert (raised.value.unread.account_id, raised.value.unread.call) == (group, "logs:GetLogEvents")
    wire.fault(STREAMS, lambda _: json_error(code))
    assert listing(made(wire, group), [DAY]) == []
    assert [(u.resource, u.call, u.table) for u in told] == [
        (f"logs://{group}/us-east-1/{NAME}", "logs:DescribeLogStreams", "flow_records")
    ]


def test_a_listing_that_breaks_off_says_so_and_keeps_what_came(wire, group, told, listing) -> None:
    def streams(request):
        if "nextToken" in json.loads(request.body):
            return json_error("ThrottlingException")
        told = {"logStreams": [{"logStreamName": "one"}], "nextToken": "t"}
        return answer(200, json.dumps(told), **{"x-amzn-RequestId": "r"})

    wire.fault(STREAMS, streams)
    assert len(listing(made(wire, group), [DAY])) == 1
    assert [u.error for u in told] == ["ThrottlingException: no"]


@pytest.mark.parametrize("body", ["{}", '{"logStreams": [{}]}', '{"logStreams": [{"logStreamName": ""}]}'])
def test_what_is_no_listing_is_said(wire, group, told, listing, body: str) -> None:
    wire.fault(STREAMS, lambda _: answer(200, body, **{"x-amzn-RequestId": "r"}))
    assert listing(made(wire, group), [DAY]) == []
    assert [u.error for u in told] == ["MalformedAnswer: not a listing of streams"]


def test_a_group_that_is_missing_is_said(wire, group, told, listing) -> None:
    assert listing(made(wire, group, name="/no/such"), [DAY]) == []
    assert [u.error.partition(":")[0] for u in told] == ["ResourceNotFoundException"]


def test_a_group_of_another_account_is_not_asked(wire, group, told, listing) -> None:
    assert listing(made(wire, group, elsewhere=True), [DAY]) == []
    assert [u.error for u in told] == ["not asked: it is of another account or region than its flow logs"]
    assert wire.counts["cloudwatch-logs:DescribeLogStreams"] == 0


def test_an_empty_stream_is_an_empty_object(source, tmp_path, told, listing) -> None:
    obj = next(obj for obj in listing(source, [DAY]) if "eni-0000000a" in obj.uri)
    source.fetch(obj, tmp_path / "one")
    assert lines(tmp_path / "one") == []


def test_what_comes_is_counted_against_the_budget(wire, group, tmp_path, told, listing) -> None:
    source = made(wire, group, Meter(100))
    obj = next(obj for obj in listing(source, [DAY]) if ENI in obj.uri)
    with pytest.raises(OverBudget, match="over records"):
        source.fetch(obj, tmp_path / "one")
    assert list(tmp_path.iterdir()) == []


def test_the_period_s_share_of_the_group_is_an_estimate(wire, group) -> None:
    def groups(_):
        rows = [
            {"logGroupName": f"{NAME}-other", "storedBytes": 5},
            {"logGroupName": NAME, "storedBytes": 1000, "retentionInDays": 4, "creationTime": 1},
        ]
        return answer(200, json.dumps({"logGroups": rows}), **{"x-amzn-RequestId": "r"})

    wire.fault("cloudwatch-logs:DescribeLogGroups", groups)
    source = made(wire, group)
    (unit,) = source.units([DAY], {})
    assert unit.ask(lambda _: None).estimated == 500, "two days of the four that it keeps"
    wire.fault("cloudwatch-logs:DescribeLogGroups", lambda _: json_error("AccessDeniedException"))


def test_a_message_that_is_none_is_kept_for_the_reader_to_refuse(wire, group, tmp_path, told, listing) -> None:
    source = made(wire, group)
    obj = next(obj for obj in listing(source, [DAY]) if ENI in obj.uri)
    odd = [{"timestamp": millis(START), "message": "a\nb \ud800"}, {"timestamp": "x"}, {"message": None}]
    told_page = json.dumps({"events": odd, "nextForwardToken": "a"})
    wire.fault(EVENTS, lambda _: answer(200, told_page, **{"x-amzn-RequestId": "r"}))
    made(wire, group).fetch(obj, tmp_path / "one")
    assert len(lines(tmp_path / "one")) == 6, "each event is one line, and the last page came twice"
