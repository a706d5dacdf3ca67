"""What flow logs lead to is asked once, by whoever can answer for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from auditkit.scan.buckets import SETTINGS
from auditkit.scan.destinations import NOT_ENTERED
from tests import aws
from tests.scan.result import ALL
from tests.wire import answer, as_text, s3_error, sts_error

STRANGER = "999999999999"
EAST = replace(ALL, only_regions=("us-east-1",))


@pytest.fixture
def flow_log(wire, estate):
    """Let the account `web` answer one flow log more in us-east-1."""

    def add(**row):
        def more(parsed, **_):
            if any(one["FlowLogId"] == estate.ids["pci-log"] for one in parsed["FlowLogs"]):
                parsed["FlowLogs"].append({"FlowLogId": f"fl-{len(row)}", "ResourceId": estate.ids["pci"], **row})

        wire.session.events.register("after-call.ec2.DescribeFlowLogs", more)

    return add


def stream(account, name="flow"):
    return {
        "LogDestinationType": "kinesis-data-firehose",
        "LogDestination": f"arn:aws:firehose:us-east-1:{account}:deliverystream/{name}",
    }


def refuse_role_in(account):
    return lambda request: sts_error("AccessDenied") if account in as_text(request.body) else None


def expected(calls):
    return [(call.asked or {}).get("ExpectedBucketOwner") for call in calls]


# --- buckets --------------------------------------------------------------------------------------------------------


def test_the_owner_of_a_bucket_is_looked_for_among_who_uses_it_then_the_caller_then_the_rest(run, estate):
    found = run(ALL)
    heads = found.of("HeadBucket", resource=aws.BUCKET)
    users, callers = sorted([estate.web, estate.data]), [estate.management]
    assert expected(heads) == [*users, *callers, estate.archive]
    assert [call.account_id for call in heads] == expected(heads)
    assert [bool(call.answer) for call in heads] == [False, False, False, True]
    for operation in SETTINGS:
        (call,) = [c for c in found.of(operation, resource=aws.BUCKET) if c.service == "s3"]
        assert (call.account_id, expected([call])) == (estate.archive, [estate.archive])
        assert call.region == "global"


def test_the_configured_owner_is_asked_first(run, estate):
    found = run(replace(EAST, bucket_accounts={aws.BUCKET: estate.archive}))
    assert expected(found.of("HeadBucket", resource=aws.BUCKET)) == [estate.archive]


def test_a_configured_owner_who_is_not_the_owner_is_not_believed(run, estate):
    found = run(replace(ALL, bucket_accounts={aws.BUCKET: estate.management}))
    assert expected(found.of("HeadBucket", resource=aws.BUCKET))[0] == estate.management
    assert expected(found.of("GetBucketPolicyStatus", resource=aws.BUCKET)) == [estate.archive]


def test_an_owner_who_cannot_be_entered_is_asked_about_by_who_uses_the_bucket(run, estate, wire):
    wire.fault("sts:AssumeRole", refuse_role_in(estate.archive))
    found = run(replace(EAST, bucket_accounts={aws.BUCKET: estate.archive}))
    (head,) = found.of("HeadBucket", resource=aws.BUCKET)
    user = min(estate.web, estate.data)
    assert (head.account_id, expected([head]), bool(head.answer)) == (user, [estate.archive], True)
    (account,) = found.of("GetPublicAccessBlock", resource=estate.archive)
    assert (account.service, account.account_id, account.region) == ("s3control", estate.archive, "global")


def test_a_bucket_whose_owner_nobody_is_is_asked_about_without_one(run, estate, wire):
    found = run(replace(EAST, only_accounts=(estate.web,)))
    heads = found.of("HeadBucket", resource=aws.BUCKET)
    assert expected(heads) == [estate.web, estate.management]
    assert all(call.error["code"] == "403" for call in heads)
    assert expected(found.of("GetBucketEncryption", resource=aws.BUCKET)) == [None]
    assert [c for c in found.calls if c.service == "s3control"] == []
    # The key's ARN says whose it is, so its owner needs not be proven.
    assert [c.resource for c in found.of("DescribeKey")] == [estate.ids["key"]]


def test_a_bucket_that_is_gone_has_no_owner_to_look_for(run, estate):
    found = run(ALL)
    (head,) = found.of("HeadBucket", resource=aws.GONE)
    assert head.error["code"] == "404"


def test_a_bucket_of_another_region_is_found_there(run, estate, wire):
    def elsewhere(request):
        if "/eu-west-1/s3/" in request.headers["Authorization"].decode():
            return None
        return answer(301, "", **{"x-amz-bucket-region": "eu-west-1", "x-amz-request-id": "r-1"})

    for operation in ("HeadBucket", *SETTINGS):
        wire.fault(f"s3:{operation}", elsewhere)
    found = run(replace(EAST, bucket_accounts={aws.BUCKET: estate.archive}))
    (head,) = found.of("HeadBucket", resource=aws.BUCKET)
    assert head.error is None
    assert found.rows("GetBucketEncryption", "ServerSideEncryptionConfiguration") != []
    assert {c.error["code"] for c in found.calls if c.service == "s3" and c.error and c.resource == aws.BUCKET} <= {
        "NoSuchBucketPolicy",
        "OwnershipControlsNotFoundError",
    }


def test_the_region_that_s3_tells_is_asked_directly(run, estate, wire):
    def tell(parsed, **_):
        parsed["BucketRegion"] = "eu-west-1"

    wire.session.events.register("after-call.s3.HeadBucket", tell)
    run(replace(EAST, bucket_accounts={aws.BUCKET: estate.archive}))
    regions = {
        request.headers["Authorization"].decode().split("/")[2]
        for name, request in wire.sent
        if name == "s3:GetBucketEncryption" and aws.BUCKET in request.url
    }
    assert regions == {"eu-west-1"}


def test_what_cannot_be_a_bucket_is_not_asked_about(run, flow_log, wire):
    for name in ("x--use1-az4--x-s3", "a", "..", "arn:aws:s3:us-west-2:1:accesspoint"):
        flow_log(LogDestinationType="s3", LogDestination=f"arn:aws:s3:::{name}")
    found = run(EAST)
    assert {c.resource for c in found.calls if c.service == "s3"} == {aws.BUCKET}
    assert wire.counts["s3:CreateSession"] == 0


# --- keys, streams and roles ----------------------------------------------------------------------------------------


def test_a_key_is_asked_about_where_it_is_by_whose_it_is(run, estate):
    found = run(ALL)
    (described,), (policy,) = found.of("DescribeKey"), found.of("GetKeyPolicy")
    for call in (described, policy):
        assert (call.service, call.account_id, call.region) == ("kms", estate.archive, "us-east-1")
        assert call.resource == estate.ids["key"]
    assert described.answer["KeyMetadata"]["Enabled"] is True
    assert "Statement" in policy.answer["Policy"]
    assert policy.asked == {"PolicyName": "default"}


def test_the_key_of_a_log_group_is_asked_about(run, estate, wire):
    arn = estate.ids["key"].replace(estate.archive, estate.web)

    def encrypted(parsed, **_):
        parsed["logGroups"][0]["kmsKeyId"] = arn

    wire.session.events.register("after-call.cloudwatch-logs.DescribeLogGroups", encrypted)
    found = run(replace(EAST, only_accounts=(estate.web,)))
    assert {(c.account_id, c.resource, c.error["code"]) for c in found.of("DescribeKey") if c.error} == {
        (estate.web, arn, "NotFoundException")
    }


@pytest.mark.parametrize("name", ["11111111-2222-3333-4444-555555555555", "alias/logs"])
def test_a_key_without_arn_is_one_of_the_buckets_owner_and_region(run, estate, wire, name):
    def encrypted(parsed, **_):
        rule = parsed["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
        rule["KMSMasterKeyID"] = name

    wire.session.events.register("after-call.s3.GetBucketEncryption", encrypted)
    found = run(replace(EAST, bucket_accounts={aws.BUCKET: estate.archive}))
    assert [(c.account_id, c.region, c.resource) for c in found.of("DescribeKey")] == [
        (estate.archive, "us-east-1", name)
    ]
    nobodys = run(replace(EAST, only_accounts=(estate.web,)))
    assert nobodys.of("DescribeKey") == []


def test_a_stream_is_asked_about_in_its_account_and_region_with_its_key(run, estate, flow_log):
    flow_log(**stream(estate.data))
    found = run(EAST)
    (call,) = found.of("DescribeDeliveryStream")
    assert (call.service, call.account_id, call.region, call.resource) == (
        "firehose",
        estate.data,
        "us-east-1",
        "flow",
    )
    assert call.answer["DeliveryStreamDescription"]["DeliveryStreamName"] == "flow"
    assert estate.ids["stream-key"] in {c.resource for c in found.of("GetKeyPolicy", account_id=estate.data)}


def test_a_role_is_told_with_its_policies(run, estate):
    found = run(EAST)
    calls = [(c.operation, c.resource) for c in found.calls if c.service == "iam"]
    managed = f"arn:aws:iam::{estate.web}:policy/more"
    assert calls == [
        ("GetRole", "flow"),
        ("ListRolePolicies", "flow"),
        ("GetRolePolicy", "flow/deliver"),
        ("ListAttachedRolePolicies", "flow"),
        ("GetPolicy", managed),
        ("GetPolicyVersion", managed),
    ]
    assert {(c.account_id, c.region) for c in found.calls if c.service == "iam"} == {(estate.web, "global")}
    trust = found.of("GetRole")[0].answer["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    document = found.of("GetPolicyVersion")[0].answer["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Effect"] == "Allow"


def test_a_role_that_is_gone_is_asked_no_further(run, estate, flow_log):
    flow_log(DeliverLogsPermissionArn=f"arn:aws:iam::{estate.web}:role/a/path/gone")
    found = run(EAST)
    assert [(c.operation, c.error["code"]) for c in found.calls if c.service == "iam" and c.resource == "gone"] == [
        ("GetRole", "NoSuchEntity")
    ]


def test_the_account_of_a_role_or_stream_is_entered_if_the_organization_has_it(run, estate, flow_log):
    flow_log(**stream(estate.data), DeliverCrossAccountRole=f"arn:aws:iam::{estate.data}:role/AWSLogDelivery")
    found = run(replace(EAST, only_accounts=(estate.web,)))
    assert estate.data in {c.account_id for c in found.of("AssumeRole")}
    assert found.of("DescribeVpcs", account_id=estate.data) == []
    assert [c.account_id for c in found.of("DescribeDeliveryStream")] == [estate.data]
    assert [c.account_id for c in found.of("GetRole", resource="AWSLogDelivery")] == [estate.data]


def test_a_name_means_nothing_in_another_account(run, estate, flow_log, wire):
    """The role `flow` and the stream of a stranger must not be looked up in an account that has some of that name."""
    flow_log(**stream(STRANGER), DeliverCrossAccountRole=f"arn:aws:iam::{STRANGER}:role/flow")
    found = run(EAST)
    assert STRANGER not in {c.account_id for c in found.of("AssumeRole")}
    told = {(c.operation, c.resource): c.error["code"] for c in found.calls if c.account_id == STRANGER}
    assert told == {("DescribeDeliveryStream", "flow"): NOT_ENTERED, ("GetRole", "flow"): NOT_ENTERED}
    assert wire.counts["firehose:DescribeDeliveryStream"] == 0
    assert wire.counts["iam:GetRole"] == 1


def test_each_thing_is_asked_once_whatever_the_number_of_flow_logs(run, estate, flow_log):
    for _ in range(3):
        flow_log(**stream(estate.data), DeliverLogsPermissionArn=f"arn:aws:iam::{estate.web}:role/flow")
    found = run(EAST)
    asked = Counter(
        (c.name, c.account_id, c.resource) for c in found.calls if c.service in ("firehose", "kms", "iam", "s3control")
    )
    assert set(asked.values()) == {1}
    assert ("firehose:DescribeDeliveryStream", estate.data, "flow") in asked


def test_a_refusal_by_s3_control_leaves_the_rest(run, estate, wire):
    wire.fault("s3-control:GetPublicAccessBlock", lambda _: s3_error("AccessDenied"))
    found = run(replace(EAST, bucket_accounts={aws.BUCKET: estate.archive}))
    (call,) = found.of("GetPublicAccessBlock", resource=estate.archive)
    assert call.error["code"] == "AccessDenied"
    assert found.of("DescribeKey") != []
