"""Log streams: when something last arrived in a log group."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

OWNER = "111122223333"
REGION = "eu-central-1"
AT = datetime(2026, 9, 29, 10, tzinfo=UTC)
MS = int(AT.timestamp() * 1000)


def streams(aws, *rows, **more):
    answer = {"logStreams": list(rows)} | more.pop("also", {})
    return aws.call("DescribeLogStreams", answer, service="logs", resource=more.pop("group", "/vpc/flow"), **more)


def stream(name, last=MS, **more):
    return {
        "logStreamName": name,
        "firstEventTimestamp": MS - 3_600_000,
        "lastEventTimestamp": last,
        "lastIngestionTime": MS + 500,
    } | more


def test_the_newest_stream_comes_first(aws, inventory):
    rows = [stream("eni-1-all", MS - 5000), stream("eni-3-all", None), stream("eni-2-all")]
    built = inventory(streams(aws, *rows))
    (group,) = built.log_streams
    assert (group.account_id, group.region, group.log_group, group.whole) == (OWNER, REGION, "/vpc/flow", True)
    assert [one[0] for one in group.streams] == ["eni-2-all", "eni-1-all", "eni-3-all"]
    assert group.streams[0] == (
        "eni-2-all",
        AT.replace(hour=9),
        AT,
        datetime(2026, 9, 29, 10, 0, 0, 500_000, tzinfo=UTC),
    )
    assert group.streams[2][2] is None
    assert built.unread == ()


def test_more_streams_are_not_a_torn_listing(aws, inventory):
    """Only the first page is ever asked."""
    built = inventory(streams(aws, stream("eni-1-all"), also={"nextToken": "more"}))
    assert ([one.whole for one in built.log_streams], built.unread) == ([False], ())


def test_an_empty_group_is_known_to_be_empty(aws, inventory):
    built = inventory(streams(aws), streams(aws, group="/other"))
    assert [(one.log_group, one.streams, one.whole) for one in built.log_streams] == [
        ("/other", (), True),
        ("/vpc/flow", (), True),
    ]


def test_a_group_that_is_not_there_has_no_streams(aws, inventory):
    """That AWS knows no such group is an answer."""
    gone = aws.call("DescribeLogStreams", service="logs", resource="/vpc/flow", error="ResourceNotFoundException")
    built = inventory(gone)
    assert ([(one.streams, one.whole) for one in built.log_streams], built.unread) == ([((), True)], ())


def test_streams_that_were_refused_are_unread(aws, inventory):
    denied = aws.call("DescribeLogStreams", service="logs", resource="/vpc/flow", error="AccessDeniedException")
    built = inventory(denied)
    assert built.log_streams == ()
    assert [(one.table, one.resource) for one in built.unread] == [("delivery", "/vpc/flow")]
    assert not built.is_unread("delivery", OWNER, REGION)


@pytest.mark.parametrize(
    "absurd", [-62135596800000, 253402300799000, 10**30, -(10**30), 0, MS // 1000, MS + 3 * 86_400_000]
)
def test_a_time_that_cannot_be_is_none(aws, inventory, absurd):
    """Seconds in place of milliseconds, the year 1, the year 9999."""
    built = inventory(streams(aws, stream("eni-1-all", absurd)))
    assert (built.log_streams[0].streams[0][2], built.unread) == (None, ())


@pytest.mark.parametrize(
    "broken", [{"lastEventTimestamp": "now"}, {"lastIngestionTime": True}, {"logStreamName": None}]
)
def test_a_stream_of_another_shape_is_unread_and_the_others_are_there(aws, inventory, broken):
    built = inventory(streams(aws, stream("eni-1-all"), stream("eni-2-all") | broken))
    (group,) = built.log_streams
    assert ([one[0] for one in group.streams], group.whole) == (["eni-1-all"], False)
    assert [(one.table, one.resource) for one in built.unread] == [("delivery", "/vpc/flow")]


@pytest.mark.parametrize("answer", [{}, {"logStreams": None}, {"logStreams": {}}, {"logStreams": ["eni-1-all"]}])
def test_an_answer_without_streams_is_no_empty_group(aws, inventory, answer):
    built = inventory(aws.call("DescribeLogStreams", answer, service="logs", resource="/vpc/flow"))
    assert (built.log_streams, [one.table for one in built.unread]) == ((), ["delivery"])
