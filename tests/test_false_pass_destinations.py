"""Ways in which what AWS says of destinations once looked better than it is."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from auditkit.engines.duckdb import arrow_table
from auditkit.inventory import read
from auditkit.inventory.bucket_policy import is_wide
from auditkit.inventory.statements import read_policy
from auditkit.inventory.writers import Organization, Writer
from auditkit.model.flow_logs import Destination
from auditkit.model.inventory import Call, Inventory
from auditkit.model.schema import INVENTORY, TABLES
from tests.inventory.conftest import ACCOUNT, REGION, call, listings, meta

OTHER = "444455556666"
S3 = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::logs/vpc/"}
GROUP = {"LogGroupName": "flow"}
WRITE = {
    "Effect": "Allow",
    "Principal": {"Service": "delivery.logs.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::logs/*",
}
OURS = WRITE | {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
TOO_MUCH = 10**30


def flow_log(**more: Any) -> dict[str, Any]:
    return {"FlowLogId": "fl-00000001", "ResourceId": "vpc-1234abcd", "TrafficType": "ALL", **more}


def asked(service: str, operation: str, answer: Any = None, resource: str = "logs", **more: Any) -> Call:
    region = REGION if service in ("kms", "logs") else "global"
    return call(operation, answer, **({"service": service, "region": region, "resource": resource} | more))


def estate(*calls: Call, **rows: Any) -> Inventory:
    return read(meta(ACCOUNT), [*listings(**rows), *calls])


def bucket(*calls: Call, **log: Any) -> Destination:
    (row,) = estate(asked("s3", "HeadBucket", {}), *calls, FlowLogs=[flow_log(**S3, **log)]).destinations
    return row


def policy(*statements: Any) -> dict[str, str]:
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})}


def groups(*rows: Any) -> Call:
    return asked("logs", "DescribeLogGroups", {"logGroups": list(rows)}, resource="")


# -- who may write to a bucket ---------------------------------------------------------------------------------------

EVERYBODY = WRITE | {"Principal": "*"}
# fmt: off
STRANGERS = [
    ("an organization with a wildcard", WRITE | {"Condition": {"StringLike": {"aws:SourceOrgID": "o-a*"}}}),
    ("people of an organization with a wildcard", EVERYBODY | {"Condition": {"StringLike": {"aws:PrincipalOrgID": "o-a*"}}}),
    ("people of accounts with a wildcard", EVERYBODY | {"Condition": {"StringLike": {"aws:PrincipalAccount": "7*"}}}),
    ("any account, in a region where none of ours is", WRITE | {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:logs:us-west-2:*:*"}}}),
    ("any account, in keys of another region", WRITE | {"Resource": "arn:aws:s3:::logs/vpc/AWSLogs/*/vpcflowlogs/us-west-2/*"}),
    ("whoever makes the object public", EVERYBODY | {"Condition": {"StringEquals": {"s3:x-amz-acl": "public-read"}}}),
    ("whoever comes without TLS", EVERYBODY | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}),
    ("all accounts but those that begin with 0", WRITE | {"Condition": {"StringNotLike": {"aws:SourceAccount": "0*"}}}),
    ("accounts by two wildcards", WRITE | {"Condition": {"StringLike": {"aws:SourceAccount": "7*"}, "ArnLike": {"aws:SourceArn": "arn:aws:logs:*:*5:*"}}}),
    ("accounts by number", WRITE | {"Condition": {"NumericGreaterThan": {"aws:SourceAccount": "900000000000"}}}),
    ("accounts of no organization", WRITE | {"Condition": {"StringEqualsIfExists": {"aws:SourceOrgID": "o-ours"}}}),
    ("people of no organization", EVERYBODY | {"Condition": {"Null": {"aws:PrincipalOrgID": "true"}}}),
    ("people who do not say who they are", EVERYBODY | {"Condition": {"StringEqualsIfExists": {"aws:PrincipalAccount": ACCOUNT}}}),
]
# fmt: on


@pytest.mark.parametrize("statement", [case[1] for case in STRANGERS], ids=[case[0] for case in STRANGERS])
def test_a_policy_that_lets_some_stranger_in_is_not_exact(statement: Any) -> None:
    row = bucket(asked("s3", "GetBucketPolicy", policy(OURS, statement)))
    assert (row.delivery_policy, row.delivery_policy_width) in (("allows", "wide"), ("allows", None))


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceAccount": [ACCOUNT, OTHER]}},
        {"StringLike": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": "arn:aws:logs:*:*:*"}},
        {"ArnEquals": {"aws:SourceArn": f"arn:aws:logs:*:{ACCOUNT}:*"}},
    ],
)
def test_a_policy_that_names_who_may_is_exact(condition: Any) -> None:
    row = bucket(asked("s3", "GetBucketPolicy", policy(WRITE | {"Condition": condition})))
    assert (row.delivery_policy, row.delivery_policy_width) == ("allows", "exact")


@pytest.mark.parametrize("account", ["*" * 12 + "x", "0*?*?*?*?*?*?*?*?*", "?" * 12])
def test_a_policy_made_to_be_slow_is_judged_in_time(account: str) -> None:
    arns = [f"arn:aws:logs:*:{account}{number}" for number in range(900)]
    allows = EVERYBODY | {"Condition": {"StringLike": {"aws:SourceArn": arns}}}
    writers = [Writer(f"{n:012d}", "eu-west-1", f"{n:012d}/vpcflowlogs/eu-west-1/") for n in range(300)]
    begun = time.process_time()
    is_wide(read_policy({"Statement": allows}), writers, "arn:aws:s3:::logs/AWSLogs/", Organization("aws"))
    assert time.process_time() - begun < 10


def test_a_statement_of_a_key_without_a_resource_allows_nothing() -> None:
    """KMS takes it, and gives it no effect."""
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}}
    statement = {"Effect": "Allow", "Principal": WRITE["Principal"], "Action": "kms:*"}
    told = [
        asked("s3", "GetBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [default]}}),
        asked(
            "kms", "DescribeKey", {"KeyMetadata": {"Arn": arn, "KeyState": "Enabled", "KeyManager": "CUSTOMER"}}, arn
        ),
    ]
    for more, verdict in (({"Resource": "*"}, "allows"), ({}, None)):
        key = asked("kms", "GetKeyPolicy", policy(statement | more), arn)
        assert bucket(*told, key).kms_key_policy == verdict


# -- what is not told, or not as AWS tells it ------------------------------------------------------------------------


def test_a_flow_log_that_tells_no_destination_has_one_of_which_nothing_is_known() -> None:
    """Without a row, every control on destinations would have nothing to judge, and say that it does not apply."""
    elsewhere = listings(OTHER, FlowLogs=[flow_log(FlowLogId="fl-00000002", LogDestinationType="s3")])
    rows = estate(*elsewhere, FlowLogs=[flow_log(LogDestinationType="s3")]).destinations
    assert [(row.log_destination, row.account_id, row.exists) for row in rows] == [
        ("", ACCOUNT, None),
        ("", OTHER, None),
    ]


@pytest.mark.parametrize("seconds", [0, -60, 601, 999_999, TOO_MUCH])
def test_an_interval_that_aws_does_not_have_is_none(seconds: int) -> None:
    """By one of a week, a flow log that speaks once a week has no gap; one of 0 conforms to every baseline."""
    built = estate(FlowLogs=[flow_log(**S3, MaxAggregationInterval=seconds)])
    assert (built.flow_logs, [one.table for one in built.unread]) == ((), ["flow_logs"])


@pytest.mark.parametrize("status", [{}, {"Status": "enabled"}, {"Status": ""}])
def test_a_lifecycle_rule_of_unknown_status_may_expire_everything(status: Any) -> None:
    rule = {"Filter": {"Prefix": ""}, "Expiration": {"Days": 1}, **status}
    assert bucket(asked("s3", "GetBucketLifecycleConfiguration", {"Rules": [rule]})).retention_days is None


def test_a_log_group_without_a_name_may_be_any() -> None:
    """It could be the one in use, which is then not proven absent."""
    built = estate(groups({"retentionInDays": 7}), FlowLogs=[flow_log(**GROUP)])
    assert (built.destinations[0].exists, [one.resource for one in built.unread]) == (None, ["flow"])


@pytest.mark.parametrize("order", [1, -1])
def test_a_log_group_told_of_twice_is_kept_for_an_unknown_time(order: int) -> None:
    calls = [groups({"logGroupName": "flow", "retentionInDays": days}) for days in (7, 1096, 7)][::order]
    built = estate(*calls, FlowLogs=[flow_log(**GROUP)])
    assert (built.destinations[0].exists, built.destinations[0].retention_days) == (True, None)
    assert [one.table for one in built.unread] == ["destinations"]


LOCK = {"ObjectLockEnabled": "Enabled"}
LARGE = [
    asked(
        "s3", "GetBucketLifecycleConfiguration", {"Rules": [{"Status": "Enabled", "Expiration": {"Days": TOO_MUCH}}]}
    ),
    *(
        asked(
            "s3",
            "GetObjectLockConfiguration",
            {"ObjectLockConfiguration": LOCK | {"Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", **how}}}},
        )
        for how in ({"Days": TOO_MUCH}, {"Years": 2**62})
    ),
    groups({"logGroupName": "flow", "retentionInDays": TOO_MUCH}),
    call(
        "DescribeNetworkAcls",
        {
            "NetworkAcls": [
                {
                    "NetworkAclId": "acl-1",
                    "Entries": [
                        {
                            "Egress": False,
                            "RuleNumber": TOO_MUCH,
                            "Protocol": "-1",
                            "RuleAction": "allow",
                            "CidrBlock": "::/0",
                        }
                    ],
                }
            ]
        },
        page=2,
    ),
]


@pytest.mark.parametrize("answer", LARGE, ids=lambda one: one.operation)
def test_a_number_that_no_column_can_hold_is_unread(answer: Call) -> None:
    logs = [flow_log(**S3), flow_log(FlowLogId="fl-00000002", **GROUP)]
    built = estate(asked("s3", "HeadBucket", {}), answer, FlowLogs=logs)
    for name in INVENTORY:
        arrow_table(TABLES[name].columns, getattr(built, name))
    assert any("too" in one.error for one in built.unread)


# -- the roles of flow logs ------------------------------------------------------------------------------------------

TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}
MAY = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}}


def role(arn: str, **listing: Any) -> str | None:
    """The verdict on a flow log that names role/deep/flow, where IAM finds a role of that name."""
    calls = (
        asked("iam", "GetRole", {"Role": {"Arn": arn, "AssumeRolePolicyDocument": TRUST}}, "flow"),
        asked("iam", "ListRolePolicies", {"PolicyNames": ["p"], "IsTruncated": False} | listing, "flow"),
        asked("iam", "ListAttachedRolePolicies", {"AttachedPolicies": [], "IsTruncated": False}, "flow"),
        asked("iam", "GetRolePolicy", {"PolicyDocument": MAY}, "flow/p"),
        groups({"logGroupName": "flow"}),
    )
    named = {"DeliverLogsPermissionArn": f"arn:aws:iam::{ACCOUNT}:role/deep/flow"}
    (log,) = estate(*calls, FlowLogs=[flow_log(**GROUP, **named)]).flow_logs
    return log.deliver_role


def test_a_role_of_the_same_name_under_another_path_is_another() -> None:
    assert role(f"arn:aws:iam::{ACCOUNT}:role/deep/flow") == "works"
    assert role(f"arn:aws:iam::{ACCOUNT}:role/flow") == "absent"
    assert role(f"arn:aws:iam::{ACCOUNT}:role/deep/another") is None


def test_a_listing_that_does_not_say_whether_it_ends_has_not_ended() -> None:
    assert role(f"arn:aws:iam::{ACCOUNT}:role/deep/flow", IsTruncated="true") is None


def test_a_stream_of_another_account_needs_a_role() -> None:
    """Where none is told, that it needs none is not so."""
    there = {"LogDestinationType": "kinesis-data-firehose"}
    for account, verdict in ((ACCOUNT, "-"), (OTHER, None)):
        arn = f"arn:aws:firehose:{REGION}:{account}:deliverystream/flow"
        (log,) = estate(FlowLogs=[flow_log(**there, LogDestination=arn)]).flow_logs
        assert log.deliver_role == verdict


def test_an_answer_about_another_thing_tells_nothing() -> None:
    """Of a snapshot that was put together by hand."""
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}}
    key = {"Arn": f"{arn}2", "KeyState": "Enabled", "KeyManager": "CUSTOMER"}
    assert (
        bucket(
            asked("s3", "GetBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [default]}}),
            asked("kms", "DescribeKey", {"KeyMetadata": key}, arn),
        ).kms_key_state
        is None
    )
    stream = {"DeliveryStreamName": "other", "DeliveryStreamStatus": "ACTIVE"}
    told = call("DescribeDeliveryStream", {"DeliveryStreamDescription": stream}, service="firehose", resource="flow")
    to = {
        "LogDestinationType": "kinesis-data-firehose",
        "LogDestination": f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/flow",
    }
    built = estate(told, FlowLogs=[flow_log(**to)])
    assert (built.destinations[0].delivery_stream_status, len(built.unread)) == (None, 1)
