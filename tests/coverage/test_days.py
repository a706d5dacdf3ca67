"""Each state of a flow log's day, and what must never be taken for another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from auditkit.coverage import Reading
from tests.coverage.made import (
    ACCOUNT,
    AS_OF,
    BUCKET,
    PERIOD,
    at,
    bucket,
    event,
    flow_log,
    interface,
    judged,
    keys,
    states,
    unread,
    world,
)

ALL = (at(1), at(4))
"""The whole period."""
WHOLE = {1: "whole", 2: "whole", 3: "whole"}


def test_an_object_in_every_interval_is_whole():
    """Every ten minutes for a flow log that aggregates over ten."""
    rows = judged(world(flow_log()), keys(ALL))
    assert [(r.day.day, r.state, r.expected_minutes, r.gap_minutes, r.reason) for r in rows] == [
        (d, "whole", 1440, 0, "") for d in (1, 2, 3)
    ]
    assert [(r.objects, r.bytes, r.first, r.last) for r in rows] == [
        (144, 14400, at(d, "00:05"), at(d, "23:55")) for d in (1, 2, 3)
    ]
    assert {(r.in_api, r.resource_id, r.vpc_id, r.log_destination, r.log_destination_type) for r in rows} == {
        (True, "vpc-1", "vpc-1", f"s3://{BUCKET}", "s3")
    }
    assert (rows[0].vpc_tags, rows[0].account_tags) == ({"scope": "pci"}, {"env": "prod"})


def test_three_hours_without_an_object_are_a_gap_and_the_reason_tells_when():
    """The missing objects, from the slot that is missing first."""
    rows = judged(world(flow_log()), keys((at(1), at(2, "02:00")), (at(2, "05:00"), at(4))))
    assert [(r.state, r.gap_minutes) for r in rows] == [("whole", 0), ("gap", 185), ("whole", 0)]
    assert rows[1].reason == "nothing from 02:00 to 05:05"


def test_a_hole_over_midnight_is_shared_out():
    rows = judged(world(flow_log()), keys((at(1), at(1, "23:40")), (at(2, "00:10"), at(4))))
    assert [(r.state, r.gap_minutes) for r in rows] == [("gap", 20), ("gap", 15), ("whole", 0)]
    assert [r.reason for r in rows] == ["nothing from 23:40 to 24:00", "nothing from 00:00 to 00:15", ""]


def test_a_day_after_an_outage_that_begins_as_every_day_does_is_whole():
    """The first slot of a day may be ten minutes after midnight; that what came before it is missing is the other day's."""
    rows = judged(world(flow_log()), keys((at(1), at(2)), (at(3), at(4))))
    assert [(r.state, r.gap_minutes) for r in rows] == [("whole", 0), ("gap", 1440), ("whole", 0)]


@pytest.mark.parametrize(
    ("interval", "missing", "state"), [(600, 20, "whole"), (600, 25, "gap"), (60, 10, "whole"), (60, 15, "gap")]
)
def test_a_hole_may_be_as_long_as_an_interval_a_slot_and_a_little(interval, missing, state):
    """Ten minutes or one, five, and five more."""
    known = keys((at(1), at(2, "12:00")), (at(2, "12:00") + timedelta(minutes=missing), at(4)), every=5, first=0)
    assert states(world(flow_log(max_aggregation_interval=interval)), known)[2] == state


def test_nothing_is_due_before_a_flow_log_was_created_and_its_first_minutes():
    created = at(2, "12:02")
    rows = judged(world(flow_log(creation_time=created)), keys((at(2, "12:20"), at(4))))
    assert [(r.day.day, r.state, r.expected_minutes) for r in rows] == [(2, "whole", 1440 - 737), (3, "whole", 1440)]


def test_a_flow_log_that_has_never_delivered_since_it_was_created_is_a_gap():
    rows = judged(world(flow_log(creation_time=at(2, "12:00"))))
    assert [(r.day.day, r.state, r.gap_minutes, r.first, r.objects) for r in rows] == [
        (2, "gap", 705, None, 0),
        (3, "gap", 1440, None, 0),
    ]


def test_keys_older_than_the_creation_are_counted_and_believed_by_nobody():
    rows = judged(world(flow_log(creation_time=at(2))), keys(ALL))
    assert [(r.state, r.objects) for r in rows] == [("unknown", 144), ("whole", 144), ("whole", 144)]


def test_an_unknown_creation_time_leaves_the_days_before_the_first_key_open():
    rows = judged(world(flow_log(creation_time=None)), keys((at(2, "12:00"), at(4))))
    assert [r.state for r in rows] == ["unknown", "unknown", "whole"]
    assert rows[0].gap_minutes is None


# -- idle ------------------------------------------------------------------------------------------------------------


def test_nothing_in_use_and_nothing_said_is_idle():
    rows = judged(world(flow_log(), network_interfaces=()))
    assert [(r.state, r.expected_minutes, r.gap_minutes, r.reason) for r in rows] == [
        ("idle", 0, 0, "nothing was in use")
    ] * 3


def test_an_interface_that_is_unattached_today_may_have_been_in_use():
    assert set(
        states(world(flow_log(), network_interfaces=(interface(status="available", attach_time=None),))).values()
    ) == {"unknown"}


def test_days_before_the_first_attachment_are_idle_and_its_own_begins_with_it():
    found = judged(
        world(flow_log(), network_interfaces=(interface(attach_time=at(2, "12:00")),)), keys((at(2, "12:10"), at(4)))
    )
    assert [(r.state, r.expected_minutes) for r in found] == [("idle", 0), ("whole", 705), ("whole", 1440)]


def test_silence_after_the_attachment_is_a_gap():
    found = judged(world(flow_log(), network_interfaces=(interface(attach_time=at(2, "12:00")),)))
    assert [(r.state, r.gap_minutes) for r in found] == [("idle", 0), ("gap", 705), ("gap", 1440)]


def test_silence_of_what_had_spoken_is_never_idle():
    """What was in use then may be gone by now: of that the inventory of today tells nothing."""
    found = judged(world(flow_log(), network_interfaces=()), keys((at(1), at(2))))
    assert [r.state for r in found] == ["whole", "unknown", "unknown"]
    assert "had spoken before" in found[1].reason


def test_what_was_in_use_is_not_known_when_interfaces_were_not_read():
    blind = world(flow_log(), network_interfaces=(), unread=(unread("network_interfaces"),))
    assert set(states(blind).values()) == {"unknown"}
    assert states(blind, keys(ALL)) == WHOLE


def test_what_a_participant_has_in_a_shared_vpc_is_not_known_when_its_listing_was_refused():
    inventory = world(flow_log(), network_interfaces=())
    shared = replace(inventory, vpcs=(replace(inventory.vpcs[0], seen_from=(ACCOUNT, "222222222222")),))
    assert set(states(shared).values()) == {"unknown"}


@pytest.mark.parametrize("resource", ["tgw-1", "tgw-attach-1", "nat-1"])
def test_gateways_count_as_in_use(resource):
    assert set(states(world(flow_log(resource_id=resource), network_interfaces=())).values()) == {"gap"}


def test_an_interface_seen_in_records_only_is_nobody_who_is_in_use_today():
    assert set(
        states(
            world(flow_log(), network_interfaces=(interface(seen_in="records", status="", attach_time=None),))
        ).values()
    ) == {"idle"}


@pytest.mark.parametrize("traffic", ["REJECT", "ACCEPT", None])
def test_a_flow_log_of_one_action_may_have_nothing_to_tell(traffic):
    """NODATA says that no packet came; a packet that is not logged is none of that."""
    known = keys((at(1), at(2)))
    assert states(world(flow_log(traffic_type=traffic)), known) == {1: "whole", 2: "unknown", 3: "unknown"}


# -- pending, expired --------------------------------------------------------------------------------------------------


def test_a_day_that_is_not_over_is_pending():
    inventory = replace(world(flow_log()), as_of=at(2, "12:00"))
    assert states(inventory, keys((at(1), at(2, "11:40")))) == {1: "whole", 2: "pending"}


def test_a_day_whose_last_objects_may_be_under_way_is_pending():
    inventory = replace(world(flow_log()), as_of=at(2, "00:10"))
    assert states(inventory, keys((at(1), at(1, "23:50")))) == {1: "pending", 2: "pending"}


def test_a_gap_is_told_before_the_day_is_over():
    inventory = replace(world(flow_log()), as_of=at(2, "12:00"))
    assert states(inventory, keys((at(1), at(2, "06:00")))) == {1: "whole", 2: "gap"}


def test_a_flow_log_made_a_moment_ago_is_pending():
    inventory = replace(world(flow_log(creation_time=at(2, "11:55"))), as_of=at(2, "12:00"))
    assert states(inventory) == {2: "pending"}


def test_what_is_older_than_the_destination_keeps_is_expired():
    inventory = replace(world(flow_log(), destinations=(bucket(retention_days=2),)), as_of=at(4, "06:00"))
    rows = judged(inventory, keys((at(2, "06:00"), at(4))))
    assert [(r.state, r.gap_minutes) for r in rows] == [("expired", None), ("expired", None), ("whole", 0)]


def test_a_hole_after_the_horizon_is_a_gap_all_the_same():
    inventory = replace(world(flow_log(), destinations=(bucket(retention_days=2),)), as_of=at(4, "06:00"))
    rows = judged(inventory, keys((at(2, "12:00"), at(4))))
    assert [(r.state, r.gap_minutes) for r in rows] == [("expired", None), ("gap", 365), ("whole", 0)]


def test_a_hole_between_keys_has_not_expired():
    """What expires, expires from the old end."""
    inventory = replace(world(flow_log(), destinations=(bucket(retention_days=1),)), as_of=AS_OF)
    assert states(inventory, keys((at(1), at(1, "06:00")), (at(2), at(4))))[1] == "gap"


def test_without_the_lifecycle_a_hole_before_the_first_key_is_open():
    inventory = world(flow_log(), destinations=(bucket(retention_days=None),))
    assert states(inventory, keys((at(3), at(4)))) == {1: "unknown", 2: "unknown", 3: "whole"}
    assert states(inventory, keys((at(1), at(2)), (at(3), at(4))))[2] == "gap"


# -- unknown -----------------------------------------------------------------------------------------------------------


def test_keys_that_were_not_listed_are_unknown():
    assert set(states(world(flow_log()), (), Reading(keys=False)).values()) == {"unknown"}


def test_a_refused_bucket_is_unknown():
    refused = Reading(
        unlisted=(
            unread("flow_records", f"s3://{BUCKET}/AWSLogs/{ACCOUNT}/vpcflowlogs/eu-central-1/", "s3:ListObjectsV2"),
        )
    )
    rows = judged(world(flow_log()), (), refused)
    assert [(r.state, r.gap_minutes) for r in rows] == [("unknown", None)] * 3
    assert "AccessDenied" in rows[0].reason


@pytest.mark.parametrize(
    "folder",
    [
        "AWSLogs/1/vpcflowlogs/r/2026/07/02/",
        "AWSLogs/aws-account-id=1/x/year=2026/month=07/day=02/",
        "AWSLogs/1/r/2026/07/02/05/",
    ],
)
def test_one_day_that_could_not_be_listed_is_one_unknown_day(folder):
    reading = Reading(unlisted=(unread("flow_records", f"s3://{BUCKET}/{folder}"),))
    assert states(world(flow_log()), keys((at(1), at(2)), (at(3), at(4))), reading) == {
        1: "whole",
        2: "unknown",
        3: "whole",
    }
    assert states(world(flow_log()), keys(ALL), reading) == WHOLE


@pytest.mark.parametrize(
    "resource", ["s3://other/AWSLogs/", f"s3://{BUCKET}/elsewhere/AWSLogs/1/", f"s3://{BUCKET}/AWSLogs/1/x.log.gz"]
)
def test_what_could_not_be_listed_elsewhere_or_not_read_takes_nothing_away(resource):
    reading = Reading(unlisted=(unread("flow_records", resource),))
    assert states(world(flow_log()), keys((at(1), at(2)), (at(3), at(4))), reading)[2] == "gap"


def test_a_delivery_stream_is_unknown():
    log = flow_log(
        log_destination_type="kinesis-data-firehose",
        log_destination="arn:aws:firehose:r:1:deliverystream/x",
        bucket="",
        delivery_stream="x",
    )
    assert set(states(world(log)).values()) == {"unknown"}


def test_a_destination_that_does_not_exist_gets_nothing():
    rows = judged(world(flow_log(), destinations=(bucket(exists=False, retention_days=None),)))
    assert [(r.state, r.gap_minutes) for r in rows] == [("gap", 1440)] * 3
    assert rows[0].reason == "nothing from 00:00 to 24:00: its destination does not exist"


def test_keys_of_another_owner_region_or_bucket_are_not_its_own():
    """Whoever can write to a bucket can name a key as he likes."""
    inventory = world(flow_log())
    for other in ({"account_id": "999999999999"}, {"region": "us-east-1"}, {"bucket": "other"}):
        rows = [r for r in judged(inventory, keys(ALL, **other)) if r.in_api]
        assert [r.state for r in rows] == ["gap"] * 3


# -- local copies ------------------------------------------------------------------------------------------------------

LOCAL = Reading(keys=False, local=True)


def test_local_copies_count_as_keys():
    known = keys((at(1), at(2)), (at(3), at(4)), bucket="local")
    assert states(world(flow_log()), known, LOCAL) == {1: "whole", 2: "gap", 3: "whole"}


def test_without_any_copy_of_its_folder_it_is_not_known_whether_it_was_copied():
    other = flow_log(flow_log_id="fl-2")
    assert states(world(flow_log()), (), LOCAL) == dict.fromkeys((1, 2, 3), "unknown")
    rows = judged(world(flow_log(), other), keys(ALL, log="fl-2", bucket="local"), LOCAL)
    assert [r.state for r in rows if r.flow_log_id == "fl-1"] == ["gap"] * 3
    elsewhere = replace(other, bucket="other", log_destination="s3://other")
    rows = judged(world(flow_log(), elsewhere), keys(ALL, log="fl-2", bucket="local"), LOCAL)
    assert [r.state for r in rows if r.flow_log_id == "fl-1"] == ["unknown"] * 3


def test_a_copy_and_its_original_are_one_object():
    rows = judged(world(flow_log()), [*keys(ALL), *keys((at(1), at(2)), bucket="local")], Reading(local=True))
    assert rows[0].objects == 144


# -- gone --------------------------------------------------------------------------------------------------------------


def test_a_flow_log_that_was_deleted_owes_nothing_afterwards():
    known = keys((at(1), at(2, "12:00")), log="fl-gone")
    rows = judged(
        world(
            flow_log_events=(event("DeleteFlowLogs", at(2, "12:03"), "fl-gone"),),
            events_since={(ACCOUNT, "eu-central-1"): at(1)},
        ),
        known,
    )
    assert [(r.day.day, r.state, r.in_api, r.resource_id, r.vpc_id, r.expected_minutes) for r in rows] == [
        (1, "whole", False, "", None, 1440), (2, "whole", False, "", None, 723),
    ]  # fmt: skip
    assert {(r.log_destination, r.log_destination_type) for r in rows} == {(f"s3://{BUCKET}", "s3")}


def test_of_one_that_went_without_a_word_the_last_day_is_open():
    rows = judged(world(), keys((at(1, "09:00"), at(3, "12:00")), log="fl-gone"))
    assert [(r.day.day, r.state, r.in_api) for r in rows] == [
        (1, "unknown", False),
        (2, "whole", False),
        (3, "unknown", False),
    ]
    assert [r.reason for r in rows] == ["nothing tells when it was created", "", "nothing tells when it was deleted"]


def test_one_that_may_still_exist_where_flow_logs_were_not_read_stays_open():
    rows = judged(world(unread=(unread("flow_logs"),)), keys((at(1), at(2)), log="fl-x"))
    assert [(r.day.day, r.state, r.in_api) for r in rows] == [
        (1, "whole", None),
        (2, "unknown", None),
        (3, "unknown", None),
    ]


def test_cloudtrail_tells_of_one_that_was_made_and_deleted_and_left_no_key():
    events = (
        event("CreateFlowLogs", at(1, "10:00"), "fl-gone", on=("vpc-1",)),
        event("DeleteFlowLogs", at(2, "12:00"), "fl-gone"),
    )
    rows = judged(world(flow_log_events=events))
    assert [(r.day.day, r.state, r.resource_id, r.vpc_id) for r in rows] == [
        (1, "unknown", "vpc-1", "vpc-1"),
        (2, "unknown", "vpc-1", "vpc-1"),
    ]


def test_a_hole_of_one_that_is_gone_is_a_gap_only_where_what_it_was_on_is_known():
    known = keys((at(1), at(1, "06:00")), (at(1, "09:00"), at(2, "12:00")), log="fl-gone")
    deleted = event("DeleteFlowLogs", at(2, "12:00"), "fl-gone")
    assert states(world(flow_log_events=(deleted,)), known) == {1: "unknown", 2: "whole"}
    assert states(world(flow_log_events=(deleted,)), known, earlier=(flow_log(flow_log_id="fl-gone"),)) == {
        1: "gap",
        2: "whole",
    }


def test_objects_that_came_after_midnight_are_no_day_of_a_flow_log_deleted_before_it():
    known = keys((at(1), at(2, "00:10")), log="fl-gone")
    assert states(
        world(flow_log_events=(event("DeleteFlowLogs", at(1, "23:58"), "fl-gone"),)), known, period=PERIOD
    ) == {1: "whole"}


def test_flow_logs_of_accounts_out_of_scope_and_out_of_the_narrowing_have_no_rows():
    assert judged(world(), keys(ALL, account_id="999999999999")) == []
    assert judged(world(flow_log()), keys(ALL), Reading(place=lambda _, region: region != "eu-central-1")) == []
