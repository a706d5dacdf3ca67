"""What streams of a log group tell of arrival, and what they do not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from auditkit.coverage import with_delivery
from tests.coverage.made import (
    AS_OF,
    GROUP,
    LONG_AGO,
    at,
    group,
    interface,
    judged,
    states,
    streams,
    to_group,
    unread,
    world,
)

SPEAKING = streams(("eni-1-all", LONG_AGO, AS_OF - timedelta(minutes=9)))
UNDECIDED = {"flow_log_status": "ACTIVE", "deliver_logs_status": ""}


def delivers(*logs, **more):
    """Whether the first flow log delivers, and when something last arrived."""
    inventory = with_delivery(world(*logs, **more), {})
    first = next(log for log in inventory.flow_logs if log.flow_log_id == logs[0].flow_log_id)
    return first.delivers, first.last_arrival, inventory


def test_an_event_of_the_last_day_shows_that_a_flow_log_delivers():
    verdict, last, inventory = delivers(to_group(**UNDECIDED), log_streams=(SPEAKING,))
    assert (verdict, last) == (True, AS_OF - timedelta(minutes=7))
    assert inventory.flow_logs[0].delivers_reason == "an event arrived at 2026-07-04T23:53Z"
    assert {d.log_destination_type: d.last_arrival for d in inventory.destinations} == {
        "s3": None,
        "cloud-watch-logs": last,
    }


@pytest.mark.parametrize(
    "stream",
    [
        ("eni-1-all", LONG_AGO, AS_OF - timedelta(days=1, minutes=9)),
        ("eni-1-all", LONG_AGO, None),
        ("application", LONG_AGO, AS_OF - timedelta(minutes=9)),
    ],
    ids=["old", "empty", "another program's"],
)
def test_nothing_else_does(stream):
    assert delivers(to_group(**UNDECIDED), log_streams=(streams(stream),))[0] is None


def test_a_sign_against_outweighs_an_event():
    assert delivers(to_group(deliver_logs_error_message="Access error"), log_streams=(SPEAKING,))[0] is False


def test_an_event_of_an_interface_that_two_flow_logs_of_the_group_watch_is_neithers():
    """They share its stream."""
    other = to_group(flow_log_id="fl-2", resource_id="eni-1")
    assert delivers(to_group(**UNDECIDED), other, log_streams=(SPEAKING,))[0] is None
    elsewhere = to_group(flow_log_id="fl-2", resource_id="eni-2")
    two = (interface(), interface(interface_id="eni-2"))
    assert delivers(to_group(**UNDECIDED), elsewhere, log_streams=(SPEAKING,), network_interfaces=two)[0] is True


def test_an_event_older_than_the_flow_log_is_that_of_the_one_before_it():
    assert (
        delivers(to_group(creation_time=AS_OF - timedelta(minutes=5), **UNDECIDED), log_streams=(SPEAKING,))[0] is None
    )


# -- days --------------------------------------------------------------------------------------------------------------


def test_days_between_the_first_and_the_last_event_are_unknown_and_never_whole():
    rows = judged(world(to_group(), log_streams=(SPEAKING,)))
    assert [(r.state, r.gap_minutes, r.objects) for r in rows] == [("unknown", None, 0)] * 3
    assert rows[0].reason == "streams tell the first and last event, not whether all between came"


def test_days_after_the_last_event_of_all_are_gaps():
    rows = judged(world(to_group(), log_streams=(streams(("eni-1-all", LONG_AGO, at(2, "06:00"))),)))
    assert [(r.state, r.gap_minutes) for r in rows] == [("unknown", None), ("gap", 1077), ("gap", 1440)]
    assert rows[1].last == at(2, "06:02")


def test_a_stream_of_another_vpc_is_not_heard_and_one_of_nobody_known_is():
    """What nobody can place may be its own."""
    far = (interface(), interface(interface_id="eni-2", vpc_id="vpc-2", subnet_id="subnet-2"))
    late = ("eni-1-all", LONG_AGO, at(1, "06:00"))
    assert (
        states(world(to_group(), network_interfaces=far, log_streams=(streams(late, ("eni-2-all", LONG_AGO, AS_OF)),)))[
            3
        ]
        == "gap"
    )
    assert (
        states(world(to_group(), network_interfaces=far, log_streams=(streams(late, ("eni-9-all", LONG_AGO, AS_OF)),)))[
            3
        ]
        == "unknown"
    )


def test_streams_that_were_not_listed_are_no_younger_than_the_oldest_that_was():
    far = (interface(), interface(interface_id="eni-2", vpc_id="vpc-2", subnet_id="subnet-2"))
    some = streams(("eni-2-all", LONG_AGO, at(2, "23:50")), whole=False)
    assert states(world(to_group(), network_interfaces=far, log_streams=(some,))) == {
        1: "unknown",
        2: "unknown",
        3: "gap",
    }


def test_a_group_without_any_event_tells_that_nothing_came():
    assert set(states(world(to_group(), log_streams=(streams(),))).values()) == {"gap"}
    assert set(states(world(to_group(), log_streams=(streams(),), network_interfaces=())).values()) == {"idle"}


def test_days_before_the_first_event_are_gaps_or_expired():
    begun = streams(("eni-1-all", at(3), AS_OF))
    assert states(world(to_group(), log_streams=(begun,))) == {1: "gap", 2: "gap", 3: "unknown"}
    assert states(world(to_group(), log_streams=(begun,), destinations=(group(retention_days=3),))) == {
        1: "expired",
        2: "gap",
        3: "unknown",
    }


def test_before_the_first_event_of_some_of_the_streams_all_is_open():
    assert set(
        states(world(to_group(), log_streams=(streams(("eni-1-all", at(3), AS_OF), whole=False),))).values()
    ) == {"unknown"}


def test_without_streams_or_with_one_that_could_not_be_read_all_is_open():
    torn = unread("delivery", GROUP, "logs:DescribeLogStreams")
    assert set(states(world(to_group())).values()) == {"unknown"}
    ended = streams(("eni-1-all", LONG_AGO, at(1)))
    assert set(states(world(to_group(), log_streams=(ended,), unread=(torn,))).values()) == {"unknown"}


def test_today_is_pending_while_streams_lag_behind():
    now = at(2, "12:00")
    speaking = streams(("eni-1-all", LONG_AGO, at(2, "09:30")))
    assert states(world(to_group(), as_of=now, log_streams=(speaking,))) == {1: "unknown", 2: "pending"}


def test_a_group_that_does_not_exist_gets_nothing():
    assert set(states(world(to_group(), destinations=(group(exists=False, retention_days=None),))).values()) == {"gap"}
