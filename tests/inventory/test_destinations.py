"""Destinations: what S3 and CloudWatch Logs say, and what their silence says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auditkit.inventory.lifecycle import covers, retention_days
from auditkit.model.inventory import Approved
from auditkit.model.tables import NEVER

OWN = "111122223333"
OTHER = "444455556666"
S3 = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::logs/vpc/"}
GROUP = {"LogGroupName": "flow"}
AS_OF = datetime(2026, 10, 1, tzinfo=UTC)


def flow_log(number, **row):
    return {"FlowLogId": f"fl-{number:08x}", "ResourceId": "vpc-1234abcd", "TrafficType": "ALL"} | row


@pytest.fixture
def s3(aws):
    def ask(operation, answer=None, **more):
        defaults = {"service": "s3", "region": "global", "resource": "logs"}
        return aws.call(operation, answer, **(defaults | more))

    return ask


def only(built):
    (row,) = built.destinations
    return row


BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
KMS = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:eu-central-1:111122223333:key/1"}
EXPIRES = {"Rules": [{"Status": "Enabled", "Filter": {"Prefix": "vpc/"}, "Expiration": {"Days": 400}}]}


def test_a_bucket_that_answers_everything(inventory, s3):
    row = only(
        inventory(
            s3("HeadBucket", {"BucketRegion": "eu-west-1"}),
            s3(
                "GetBucketEncryption",
                {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": KMS}]}},
            ),
            s3("GetBucketVersioning", {"Status": "Enabled"}),
            s3(
                "GetObjectLockConfiguration",
                {
                    "ObjectLockConfiguration": {
                        "ObjectLockEnabled": "Enabled",
                        "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 7, "Years": 0}},
                    }
                },
            ),
            s3("GetPublicAccessBlock", {"PublicAccessBlockConfiguration": BLOCKED}),
            s3("GetBucketLifecycleConfiguration", EXPIRES),
            FlowLogs=[flow_log(2, **S3), flow_log(1, **S3)],
            approved={"central": Approved(name="central", type="s3", bucket="logs")},
        )
    )
    assert (row.log_destination, row.log_destination_type, row.account_id) == ("s3://logs/vpc", "s3", OWN)
    assert (row.exists, row.region, row.approved, row.approved_as) == (True, "eu-west-1", True, "central")
    assert (row.encryption, row.kms_key_id) == ("aws:kms", KMS["KMSMasterKeyID"])
    assert (row.versioning, row.object_lock, row.public_access_blocked) == ("Enabled", "COMPLIANCE", True)
    assert (row.retention_days, row.flow_log_ids) == (400, ("fl-00000001", "fl-00000002"))


def test_not_configured_is_an_answer(inventory, s3):
    """S3 says by an error that a bucket lacks a setting: nothing is unread."""
    built = inventory(
        s3("HeadBucket", {}),
        s3("GetBucketEncryption", error="ServerSideEncryptionConfigurationNotFoundError"),
        s3("GetBucketVersioning", {}),
        s3("GetObjectLockConfiguration", error="ObjectLockConfigurationNotFoundError"),
        s3("GetPublicAccessBlock", error="NoSuchPublicAccessBlockConfiguration"),
        s3("GetBucketLifecycleConfiguration", error="NoSuchLifecycleConfiguration"),
        FlowLogs=[flow_log(1, **S3)],
    )
    row = only(built)
    assert (row.exists, row.encryption, row.kms_key_id, row.versioning) == (True, "none", "", "never")
    assert (row.object_lock, row.public_access_blocked, row.retention_days) == ("none", False, NEVER)
    assert built.unread == ()
    assert built.accounts[0].read == "read"


@pytest.mark.parametrize("code", ["404", "NoSuchBucket"])
def test_a_bucket_that_is_not_there_is_proven_absent(inventory, s3, code):
    calls = [s3("HeadBucket", error=code), s3("GetBucketEncryption", error="NoSuchBucket")]
    built = inventory(*calls, FlowLogs=[flow_log(1, **S3)])
    assert (only(built).exists, only(built).encryption, built.unread) == (False, None, ())


def test_a_refusal_proves_nothing(inventory, s3):
    built = inventory(s3("HeadBucket", error="403"), FlowLogs=[flow_log(1, **S3)])
    assert only(built).exists is None
    (missed,) = built.unread
    assert (missed.table, missed.resource, missed.call, missed.error) == (
        "destinations",
        "logs",
        "s3:HeadBucket",
        "403: told so",
    )
    assert not built.is_unread("destinations", OWN, "eu-central-1"), "other destinations are not touched"


def test_a_bucket_that_nobody_asked_about_is_not_known(inventory):
    row = only(inventory(FlowLogs=[flow_log(1, **S3)]))
    assert (row.exists, row.encryption, row.versioning, row.retention_days) == (None, None, None, None)


def test_one_accounts_answer_settles_what_another_was_refused(inventory, s3):
    refused = s3("GetBucketVersioning", error="AccessDenied", account_id=OTHER)
    built = inventory(refused, s3("GetBucketVersioning", {"Status": "Suspended"}), FlowLogs=[flow_log(1, **S3)])
    assert (only(built).versioning, only(built).exists, built.unread) == ("Suspended", True, ())


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("GetBucketEncryption", {}),
        ("GetBucketEncryption", {"ServerSideEncryptionConfiguration": "yes"}),
        ("GetObjectLockConfiguration", {"ObjectLockConfiguration": []}),
        ("GetPublicAccessBlock", {"PublicAccessBlockConfiguration": BLOCKED | {"BlockPublicAcls": "true"}}),
        ("GetBucketLifecycleConfiguration", {"Rules": [{"Status": "Enabled", "Expiration": {"Days": "7"}}]}),
        ("GetBucketLifecycleConfiguration", {}),
        ("HeadBucket", {"BucketRegion": 7}),
    ],
)
def test_an_answer_of_another_shape_is_unread(inventory, s3, operation, answer):
    built = inventory(s3(operation, answer), FlowLogs=[flow_log(1, **S3)])
    row = only(built)
    assert (row.encryption, row.object_lock, row.public_access_blocked, row.retention_days) == (None,) * 4
    assert [(one.call, one.resource) for one in built.unread] == [(f"s3:{operation}", "logs")]


def test_each_prefix_of_a_bucket_is_a_destination(inventory, s3):
    logs = [
        flow_log(1, **S3),
        flow_log(2, LogDestinationType="s3", LogDestination="arn:aws:s3:::logs"),
        flow_log(3, LogDestinationType="s3", LogDestination="arn:aws:s3:::logs/vpc"),
    ]
    built = inventory(s3("GetBucketLifecycleConfiguration", EXPIRES), FlowLogs=logs)
    assert [(one.log_destination, one.retention_days, one.flow_log_ids) for one in built.destinations] == [
        ("s3://logs", NEVER, ("fl-00000002",)),
        ("s3://logs/vpc", 400, ("fl-00000001", "fl-00000003")),
    ]


@pytest.mark.parametrize(
    ("rule", "reaches"),
    [
        ("", True),
        ("v", True),
        ("vpc", True),
        ("vpc/AWSLogs/", True),
        ("vpc/AWSLogs/1111", True),
        (f"vpc/AWSLogs/{OWN}/", True),
        (f"vpc/AWSLogs/{OWN}/vpcflowlogs/eu-central-1/", True),
        (f"vpc/AWSLogs/aws-account-id={OWN}/aws-service=vpcflowlogs/", True),
        (f"vpc/AWSLogs/{OWN}/CloudTrail/", False),
        (f"vpc/AWSLogs/{OWN}/CloudTrail", False),
        (f"vpc/AWSLogs/{OTHER}/", False),
        ("vpc/AWSLogs/9", False),
        ("vpc/athena/", False),
        ("vpcx", False),
        ("other/", False),
    ],
)
def test_a_lifecycle_rule_counts_where_it_can_reach_flow_logs(rule, reaches):
    assert covers(rule, "vpc", (OWN,)) is reaches


def rule(days, **more):
    return {"Status": "Enabled", "Expiration": {"Days": days}} | more


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ([], NEVER),
        ([rule(90, Status="Disabled")], NEVER),
        ([rule(90, Filter={}), rule(30, Prefix="AWSLogs/")], 30),
        ([rule(30, Filter={"And": {"Prefix": "athena/", "Tags": []}}), rule(365, Filter={"Prefix": ""})], 365),
        ([rule(30, Filter={"Tag": {"Key": "temporary", "Value": "yes"}})], 30),
        ([{"Status": "Enabled", "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}], NEVER),
        ([{"Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}], NEVER),
        ([{"Status": "Enabled", "Expiration": {"ExpiredObjectDeleteMarker": True}}], NEVER),
        ([{"Status": "Enabled", "Expiration": {"Date": "2026-10-11T00:00:00Z"}}], 10),
        ([{"Status": "Enabled", "Expiration": {"Date": "2020-01-01T00:00:00Z"}}], 0),
    ],
)
def test_the_first_rule_to_expire_logs_is_the_retention(rules, days):
    assert retention_days({"Rules": rules}, "", [OWN], AS_OF) == days


def group(name, **more):
    return {"logGroupName": name, "arn": f"arn:aws:logs:eu-central-1:{OWN}:log-group:{name}:*"} | more


def log_groups(aws, *rows, **more):
    return aws.call("DescribeLogGroups", {"logGroups": list(rows)}, service="logs", **more)


def test_a_log_group_is_found_by_its_exact_name(aws, inventory):
    found = log_groups(aws, group("flow-old", retentionInDays=1), group("flow", retentionInDays=365, kmsKeyId="arn:k"))
    row = only(inventory(found, FlowLogs=[flow_log(1, **GROUP)]))
    assert (row.log_destination, row.exists, row.retention_days) == (f"log-group:{OWN}:eu-central-1:flow", True, 365)
    assert (row.encryption, row.kms_key_id, row.versioning) == ("aws:kms", "arn:k", None)


def test_a_log_group_without_retention_keeps_for_ever(aws, inventory):
    row = only(inventory(log_groups(aws, group("flow")), FlowLogs=[flow_log(1, **GROUP)]))
    assert (row.retention_days, row.encryption, row.kms_key_id) == (NEVER, "AES256", "")


@pytest.mark.parametrize("resource", ["", "flow"])
def test_a_group_that_a_whole_listing_does_not_show_is_absent(aws, inventory, resource):
    row = only(inventory(log_groups(aws, group("flows"), resource=resource), FlowLogs=[flow_log(1, **GROUP)]))
    assert (row.exists, row.retention_days) == (False, None)


def test_a_group_is_not_absent_while_pages_are_missing(aws, inventory):
    half = aws.call("DescribeLogGroups", {"logGroups": [], "nextToken": "more"}, service="logs")
    built = inventory(half, FlowLogs=[flow_log(1, **GROUP)])
    assert only(built).exists is None
    assert [(one.table, one.resource) for one in built.unread] == [("destinations", "flow")]


def test_a_group_is_not_absent_where_the_listing_is_damaged(aws, inventory):
    """The row that cannot be read may have been the group."""
    odd = log_groups(aws, group("flow", retentionInDays="long"))
    built = inventory(odd, FlowLogs=[flow_log(1, **GROUP)])
    assert only(built).exists is None
    assert [one.resource for one in built.unread] == ["flow"]


def test_a_refused_listing_of_groups_touches_only_the_groups_in_use(aws, inventory):
    refused = aws.call("DescribeLogGroups", service="logs", error="AccessDeniedException")
    built = inventory(refused, FlowLogs=[flow_log(1, **GROUP), flow_log(2, LogGroupName="b"), flow_log(3, **S3)])
    assert [one.resource for one in built.unread] == ["b", "flow"]
    assert {one.exists for one in built.destinations} == {None}


def test_a_stream_stands_in_the_account_of_its_arn(inventory):
    arn = f"arn:aws:firehose:eu-west-1:{OTHER}:deliverystream/flow"
    log = flow_log(1, LogDestinationType="kinesis-data-firehose", LogDestination=arn)
    row = only(inventory(FlowLogs=[log]))
    assert (row.log_destination, row.account_id, row.region, row.exists) == (arn, OTHER, "eu-west-1", None)


def test_the_first_approval_that_accepts_names_a_destination(inventory):
    approved = {
        "narrow": Approved(name="narrow", type="s3", bucket="logs", prefix="dns"),
        "wide": Approved(name="wide", type="s3", bucket="logs"),
        "same": Approved(name="same", type="s3", bucket="logs", prefix="vpc"),
    }
    assert only(inventory(FlowLogs=[flow_log(1, **S3)], approved=approved)).approved_as == "wide"


def test_a_log_that_tells_no_destination_makes_no_row(inventory):
    built = inventory(FlowLogs=[flow_log(1)])
    assert (len(built.flow_logs), built.destinations) == (1, ())
