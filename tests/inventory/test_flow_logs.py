"""Flow logs: format, interval, destination, and what an absence means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auditkit.inventory.flow_logs import log_fields, target
from auditkit.model.flow_logs import Approved
from auditkit.model.records import TGW_DEFAULT, VPC_DEFAULT

OWN = "111122223333"
REGION = "eu-central-1"
OLD = {"FlowLogId": "fl-1234abcd", "FlowLogStatus": "ACTIVE", "ResourceId": "vpc-1234abcd", "TrafficType": "ALL"}
S3 = OLD | {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::logs"}


def one(inventory, **row):
    (flow_log,) = inventory(FlowLogs=[OLD | row]).flow_logs
    return flow_log


def test_an_old_answer_has_the_meaning_that_it_had(inventory):
    """Recordings of 2018 lack LogFormat, LogDestinationType, LogDestination, MaxAggregationInterval and Tags."""
    told = one(inventory, LogGroupName="flow", DeliverLogsErrorMessage="Access error")
    assert told.fields == VPC_DEFAULT
    assert (told.log_destination_type, told.log_group) == ("cloud-watch-logs", "flow")
    assert told.log_destination == f"log-group:{OWN}:{REGION}:flow"
    assert (told.max_aggregation_interval, told.file_format, told.flow_log_tags) == (600, "plain-text", {})
    assert (told.deliver_logs_status, told.deliver_logs_error_message) == ("", "Access error")
    assert (told.deliver_logs_permission_arn, told.deliver_cross_account_role) == ("", "")
    assert (told.hive_compatible_partitions, told.deliver_role) == (False, None)
    assert (told.creation_time, told.delivers, told.last_arrival) == (None, None, None)


def test_a_present_answer_is_read_whole(inventory):
    told = one(
        inventory,
        CreationTime="2026-07-01T09:15:00Z",
        DeliverLogsStatus="SUCCESS",
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::logs/vpc/flow/",
        LogFormat="${version} ${account-id}  ${a-field-of-2030}",
        MaxAggregationInterval=60,
        DestinationOptions={"FileFormat": "parquet", "HiveCompatiblePartitions": True, "PerHourPartition": True},
        DeliverLogsPermissionArn="arn:aws:iam::111122223333:role/flow",
        DeliverCrossAccountRole="arn:aws:iam::444455556666:role/AWSLogDeliveryFirehoseCrossAccountRole",
        Tags=[{"Key": "team", "Value": "net"}],
        TrafficType="REJECT",
    )
    assert told.creation_time == datetime(2026, 7, 1, 9, 15, tzinfo=UTC)
    assert (told.log_destination, told.bucket, told.prefix) == ("s3://logs/vpc/flow", "logs", "vpc/flow")
    assert told.fields == ("version", "account-id", "a-field-of-2030")
    assert (told.max_aggregation_interval, told.file_format, told.traffic_type) == (60, "parquet", "REJECT")
    assert told.flow_log_tags == {"team": "net"}
    assert told.hive_compatible_partitions
    assert told.deliver_logs_permission_arn == "arn:aws:iam::111122223333:role/flow"
    assert told.deliver_cross_account_role == "arn:aws:iam::444455556666:role/AWSLogDeliveryFirehoseCrossAccountRole"
    assert (told.account_id, told.region, told.kind) == (OWN, REGION, "vpc")


@pytest.mark.parametrize("resource", ["tgw-0a1b2c3d4e5f60718", "tgw-attach-0a1b2c3d4e5f60718"])
def test_a_transit_gateway_logs_everything_each_minute(inventory, resource):
    """TrafficType is not supported there, the interval is 60, the default format is all fields."""
    told = one(inventory, ResourceId=resource, TrafficType=None)
    assert (told.kind, told.traffic_type, told.max_aggregation_interval) == ("transit-gateway", "ALL", 60)
    assert told.fields == TGW_DEFAULT


@pytest.mark.parametrize("resource", ["nat-0a1b2c3d", "cn-0a1b2c3d", "", "mystery\n-1"])
def test_a_log_on_an_unknown_resource_is_kept(inventory, resource):
    assert (one(inventory, ResourceId=resource).resource_id, one(inventory, ResourceId=resource).kind) == (
        resource,
        "vpc",
    )


@pytest.mark.parametrize("traffic", [None, "", "all", "EVERYTHING"])
def test_a_traffic_type_that_is_none_is_not_known(inventory, traffic):
    assert one(inventory, TrafficType=traffic).traffic_type is None


@pytest.mark.parametrize(
    "time",
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00", "2031-01-01T00:00:00Z", "yesterday", "", 17, {"year": 2018}],
)
def test_an_absurd_time_is_no_time(inventory, time):
    built = inventory(FlowLogs=[OLD | {"CreationTime": time}])
    assert built.flow_logs[0].creation_time is None
    assert built.unread == ()


# fmt: off
TARGETS = [
    ("s3", "arn:aws:s3:::logs", "", "s3://logs"),
    ("s3", "arn:aws:s3:::logs/", "", "s3://logs"),
    ("s3", "arn:aws:s3:::logs//a/b//", "", "s3://logs/a/b"),
    ("", "arn:aws-cn:s3:::logs/a", "", "s3://logs/a"),
    ("s3", "arn:aws-us-gov:s3:::logs/test.log.gz", "", "s3://logs/test.log.gz"),
    ("s3", "not an arn", "", "not an arn"),
    ("cloud-watch-logs", "arn:aws:logs:eu-west-1:444455556666:log-group:/vpc/flow:*", "", "log-group:444455556666:eu-west-1:/vpc/flow"),
    ("cloud-watch-logs", "arn:aws:logs:eu-west-1:444455556666:log-group:flow", "flow", "log-group:444455556666:eu-west-1:flow"),
    ("cloud-watch-logs", "", "flow", "log-group:111122223333:eu-central-1:flow"),
    ("", "", "flow", "log-group:111122223333:eu-central-1:flow"),
    ("", "", "", ""),
    ("kinesis-data-firehose", "arn:aws:firehose:eu-west-1:444455556666:deliverystream/flow", "",
     "arn:aws:firehose:eu-west-1:444455556666:deliverystream/flow"),
    ("carrier-pigeon", "arn:aws:pigeon:::coop", "", "arn:aws:pigeon:::coop"),
]
# fmt: on


@pytest.mark.parametrize(("type_", "arn", "group", "canonical"), TARGETS)
def test_one_destination_has_one_spelling(type_, arn, group, canonical):
    assert target(type_, arn, group, OWN, REGION).canonical == canonical


def test_a_format_may_come_without_braces():
    assert log_fields("version srcaddr", "vpc") == ("version", "srcaddr")


APPROVED = Approved(name="central", type="s3", bucket="logs", prefix="/vpc/", account="999988887777")


@pytest.mark.parametrize(
    ("arn", "accepted"),
    [
        ("arn:aws:s3:::logs/vpc", True),
        ("arn:aws:s3:::logs/vpc/team/a/", True),
        ("arn:aws:s3:::logs/vpc2", False),
        ("arn:aws:s3:::logs", False),
        ("arn:aws:s3:::logs2/vpc", False),
        ("arn:aws:s3:::vpc/logs", False),
    ],
)
def test_an_approved_prefix_ends_on_a_slash(inventory, arn, accepted):
    """The account of an approved bucket is its expected owner, which no S3 ARN tells: not compared here."""
    assert APPROVED.accepts(one(inventory, LogDestinationType="s3", LogDestination=arn)) is accepted


def test_an_approved_bucket_without_prefix_takes_every_prefix(inventory):
    approved = Approved(name="central", type="s3", bucket="logs")
    assert approved.accepts(one(inventory, LogDestinationType="s3", LogDestination="arn:aws:s3:::logs/any/where"))


@pytest.mark.parametrize(("account", "accepted"), [("", True), (OWN, True), ("444455556666", False)])
def test_an_approved_group_without_arn_is_in_the_flow_logs_account(inventory, account, accepted):
    approved = Approved(name="ops", type="cloud-watch-logs", log_group="flow", account=account)
    assert approved.accepts(one(inventory, LogGroupName="flow")) is accepted


@pytest.mark.parametrize(
    ("type_", "arn"),
    [
        ("cloud-watch-logs", "arn:aws:logs:eu-west-1:444455556666:log-group:flow"),
        ("kinesis-data-firehose", "arn:aws:firehose:eu-west-1:444455556666:deliverystream/flow"),
    ],
)
@pytest.mark.parametrize(("account", "accepted"), [("", True), ("444455556666", True), (OWN, False)])
def test_an_approved_group_or_stream_is_compared_by_the_arns_account(inventory, type_, arn, account, accepted):
    told = one(inventory, LogDestinationType=type_, LogDestination=arn)
    assert (
        Approved(name="x", type=type_, log_group="flow", delivery_stream="flow", account=account).accepts(told)
        is accepted
    )
    assert not Approved(name="x", type=type_, log_group="flows", delivery_stream="flows").accepts(told)


@pytest.mark.parametrize("type_", ["s3", "cloud-watch-logs", "kinesis-data-firehose"])
def test_an_empty_approval_accepts_nothing(inventory, type_):
    """A destination of which nothing is known must not equal an approval that names nothing."""
    assert not Approved(name="x", type=type_).accepts(one(inventory, LogDestinationType=type_, LogDestination=""))
    assert not Approved(name="x", type=type_).accepts(one(inventory, LogDestinationType=type_, LogDestination="odd"))


def test_a_log_seen_from_two_accounts_is_one_row(aws, inventory):
    theirs = aws.call("DescribeFlowLogs", {"FlowLogs": [S3]}, account_id="000011112222")
    (told,) = inventory(theirs, FlowLogs=[S3]).flow_logs
    assert told.account_id == "000011112222"


def test_short_ids_are_unique_in_a_region_only(aws, inventory):
    """Eight digits of another region may be another flow log: neither is lost."""
    there = aws.call("DescribeFlowLogs", {"FlowLogs": [S3]}, region="us-east-1")
    assert [one.region for one in inventory(there, FlowLogs=[S3]).flow_logs] == ["eu-central-1", "us-east-1"]
