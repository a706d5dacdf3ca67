"""Destinations: what S3 and CloudWatch Logs say, and what their silence says."""

from __future__ import annotations

import json

import pytest

from auditkit.model.flow_logs import Approved
from auditkit.model.tables import NEVER

OWN = "111122223333"
OTHER = "444455556666"
S3 = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::logs/vpc/"}
GROUP = {"LogGroupName": "flow"}


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
    assert (row.object_lock_days, row.owner_account_id, row.owner_in_organization) == (7, None, None)
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
    assert (row.object_lock, row.object_lock_days, row.retention_days) == ("none", 0, NEVER)
    assert (row.kms_key_state, row.kms_key_manager, row.kms_key_policy) == ("-", "-", "-")
    assert row.public_access_blocked is None, "the account may block it, which nobody asked"
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


def group(name, **more):
    return {"logGroupName": name, "arn": f"arn:aws:logs:eu-central-1:{OWN}:log-group:{name}:*"} | more


def log_groups(aws, *rows, **more):
    return aws.call("DescribeLogGroups", {"logGroups": list(rows)}, service="logs", **more)


def test_a_log_group_is_found_by_its_exact_name(aws, inventory):
    found = log_groups(aws, group("flow-old", retentionInDays=1), group("flow", retentionInDays=365, kmsKeyId="arn:k"))
    row = only(inventory(found, FlowLogs=[flow_log(1, **GROUP)]))
    assert (row.log_destination, row.exists, row.retention_days) == (f"log-group:{OWN}:eu-central-1:flow", True, 365)
    assert (row.encryption, row.kms_key_id, row.versioning) == ("aws:kms", "arn:k", None)
    assert (row.owner_account_id, row.owner_in_organization, row.log_group_class) == (OWN, True, "STANDARD")
    assert (row.kms_key_state, row.kms_key_policy) == (None, None), "nobody asked KMS"
    assert (row.delivery_policy, row.delivery_policy_width, row.public, row.access_logging) == ("-", "-", False, False)
    assert (row.object_ownership, row.delivery_stream_status) == ("-", "-")


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


def test_a_log_that_tells_no_destination_makes_a_row_of_which_nothing_is_known(inventory):
    row = only(inventory(FlowLogs=[flow_log(1)]))
    assert (row.log_destination, row.exists, row.flow_log_ids) == ("", None, ("fl-00000001",))


# -- whose bucket, and who may write to it -----------------------------------------------------------------------------


def listed(aws, *ids):
    rows = [{"Id": one, "Name": "", "State": "ACTIVE"} for one in ids]
    return aws.call("ListAccounts", {"Accounts": rows}, service="organizations", region="global")


def test_the_owner_is_the_account_for_which_s3_answers(aws, inventory, s3):
    """S3 refuses a question about a bucket of another owner than expected: for one candidate that is no lack."""
    built = inventory(
        s3("HeadBucket", error="403", asked={"ExpectedBucketOwner": OWN}),
        s3("HeadBucket", {"BucketRegion": "eu-west-1"}, asked={"ExpectedBucketOwner": OTHER}),
        listed(aws, OWN, OTHER),
        FlowLogs=[flow_log(1, **S3)],
    )
    row = only(built)
    assert (row.owner_account_id, row.owner_in_organization, row.account_id) == (OTHER, True, OTHER)
    assert (row.region, built.unread) == ("eu-west-1", ())


@pytest.mark.parametrize(("members", "inside"), [((OWN,), False), ((), None)])
def test_a_bucket_of_a_stranger_stands_in_the_flow_logs_account(aws, inventory, s3, members, inside):
    head = s3("HeadBucket", {}, asked={"ExpectedBucketOwner": "999988887777"})
    more = [listed(aws, *members)] if members else []
    row = only(inventory(head, *more, FlowLogs=[flow_log(1, **S3)]))
    assert (row.owner_account_id, row.owner_in_organization, row.account_id) == ("999988887777", inside, OWN)


def test_a_bucket_that_refuses_all_candidates_is_one_lack(inventory, s3):
    """Of the account that was asked about first: the others have nothing to do with it."""
    heads = [
        s3("HeadBucket", error="403", account_id=one, asked={"ExpectedBucketOwner": one}, at=f"2026-09-30T12:00:0{at}Z")
        for at, one in enumerate((OWN, "000011112222", OTHER))
    ]
    built = inventory(*heads, FlowLogs=[flow_log(1, **S3)])
    assert [(one.account_id, one.resource) for one in built.unread] == [(OWN, "logs")]


def test_two_owners_are_none(inventory, s3):
    heads = [s3("HeadBucket", {}, asked={"ExpectedBucketOwner": one}) for one in (OWN, OTHER)]
    built = inventory(*heads, FlowLogs=[flow_log(1, **S3)])
    assert (only(built).owner_account_id, only(built).exists) == (None, True)
    assert [one.call for one in built.unread] == ["s3:HeadBucket"]


def test_an_answer_without_expected_owner_proves_no_owner(inventory, s3):
    assert only(inventory(s3("HeadBucket", {}), FlowLogs=[flow_log(1, **S3)])).owner_account_id is None


WRITE = {
    "Sid": "AWSLogDeliveryWrite",
    "Effect": "Allow",
    "Principal": {"Service": "delivery.logs.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": f"arn:aws:s3:::logs/vpc/AWSLogs/{OWN}/*",
    "Condition": {
        "StringEquals": {"aws:SourceAccount": OWN, "s3:x-amz-acl": "bucket-owner-full-control"},
        "ArnLike": {"aws:SourceArn": f"arn:aws:logs:eu-central-1:{OWN}:*"},
    },
}
"""As AWS's own page has it."""
ENFORCED = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
SECURE = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def policy(*statements):
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})}


def without(condition):
    return {**WRITE, "Condition": condition}


IN_ORGANIZATION = without({"StringEquals": {"aws:SourceOrgID": "o-ours"}}) | {"Resource": "arn:aws:s3:::logs/*"}

# fmt: off
POLICIES = [
    ([WRITE], "allows", "exact"),
    ([WRITE, SECURE], "allows", "exact"),
    ([without({"StringEquals": {"aws:SourceAccount": OWN}})], "allows", "exact"),
    ([without({"ArnLike": {"aws:SourceArn": f"arn:aws:logs:*:{OWN}:*"}})], "allows", "exact"),
    ([IN_ORGANIZATION], "allows", "exact"),
    ([without({"StringEquals": {"aws:SourceOrgID": "o-theirs"}})], "refuses", "exact"),
    ([without({"StringEquals": {"aws:PrincipalOrgID": "o-ours"}})], "refuses", "exact"),
    ([without({"StringEquals": {"aws:SourceAccount": OTHER}})], "refuses", "exact"),
    ([WRITE | {"Resource": "arn:aws:s3:::logs/AWSLogs/*"}], "refuses", "exact"),
    ([WRITE | {"Resource": f"arn:aws:s3:::logs/vpc/AWSLogs/aws-account-id={OWN}/*"}], "refuses", "exact"),
    ([WRITE | {"Principal": {"AWS": OWN}}], "refuses", "exact"),
    ([without({})], "allows", "wide"),
    ([without({"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}})], "allows", "wide"),
    ([without({"StringLike": {"aws:SourceAccount": "*"}})], "allows", "wide"),
    ([without({"StringLike": {"aws:SourceAccount": "1111*"}})], "allows", "wide"),
    ([without({"ArnLike": {"aws:SourceArn": "arn:aws:logs:*:11112222????:*"}})], "allows", "wide"),
    ([without({"StringNotEquals": {"aws:SourceAccount": OTHER}})], "allows", "wide"),
    ([without({"StringEqualsIfExists": {"aws:SourceAccount": OWN}})], "allows", "exact"),
    ([without({}) | {"Principal": "*"}], "allows", "wide"),
    ([WRITE, without({"Bool": {"aws:SecureTransport": "true"}}) | {"Principal": {"AWS": "*"}}], "allows", "wide"),
    ([WRITE, without({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}) | {"Principal": "*"}], "allows", None),
    ([without({}), SECURE | {"Condition": {"StringNotEquals": {"aws:SourceAccount": OWN}}}], "allows", "exact"),
    ([WRITE, SECURE | {"Condition": {"Null": {"s3:x-amz-server-side-encryption": "true"}}}], None, "exact"),
    ([WRITE, SECURE | {"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}], None, "exact"),
    ([SECURE], "refuses", "exact"),
]
# fmt: on


@pytest.mark.parametrize(("statements", "verdict", "width"), POLICIES)
@pytest.mark.parametrize("ownership", [{}, ENFORCED])
def test_what_a_bucket_policy_lets_delivery_do(aws, inventory, s3, statements, verdict, width, ownership):
    """AWS's own policy asks for the ACL whatever the ownership is: both with and without that condition it may write."""
    organization = {"Organization": {"Id": "o-ours"}}
    built = inventory(
        s3("HeadBucket", {}),
        s3("GetBucketPolicy", policy(*statements)),
        *([s3("GetBucketOwnershipControls", ownership)] if ownership else []),
        aws.call("DescribeOrganization", organization, service="organizations", region="global"),
        listed(aws, OWN),
        FlowLogs=[flow_log(1, **S3)],
    )
    row = only(built)
    assert (row.delivery_policy, row.delivery_policy_width) == (verdict, width)
    assert row.refused_accounts == ((OWN,) if verdict == "refuses" else ())
    assert row.object_ownership == ("BucketOwnerEnforced" if ownership else None)
    assert built.unread == ()


def test_a_bucket_without_policy_lets_nobody_write(inventory, s3):
    """Not even for its owner's own flow logs: AWS adds a policy there when it makes the flow log."""
    calls = [
        s3("HeadBucket", {}, asked={"ExpectedBucketOwner": OWN}),
        s3("GetBucketPolicy", error="NoSuchBucketPolicy"),
        s3("GetBucketPolicyStatus", error="NoSuchBucketPolicy"),
        s3("GetBucketOwnershipControls", error="OwnershipControlsNotFoundError"),
        s3("GetBucketLogging", {}),
    ]
    built = inventory(*calls, FlowLogs=[flow_log(1, **S3)])
    row = only(built)
    assert (row.delivery_policy, row.refused_accounts, row.delivery_policy_width) == ("refuses", (OWN,), "exact")
    assert (row.public, row.object_ownership, row.access_logging) == (False, "ObjectWriter", False)
    assert built.unread == ()


def test_each_account_is_judged_for_itself(aws, inventory, s3):
    other = aws.listings(OTHER, FlowLogs=[flow_log(2, **S3)])
    row = only(
        inventory(s3("HeadBucket", {}), s3("GetBucketPolicy", policy(WRITE)), *other, FlowLogs=[flow_log(1, **S3)])
    )
    assert (row.delivery_policy, row.refused_accounts) == ("refuses", (OTHER,))


@pytest.mark.parametrize(
    ("resource", "verdict"),
    [
        (f"arn:aws:s3:::logs/vpc/AWSLogs/aws-account-id={OWN}/*", "allows"),
        (f"arn:aws:s3:::logs/vpc/AWSLogs/aws-account-id={OWN}/aws-service=vpcflowlogs/*", "allows"),
        (f"arn:aws:s3:::logs/vpc/AWSLogs/{OWN}/*", "refuses"),
        ("arn:aws:s3:::logs/vpc/*", "allows"),
    ],
)
def test_hive_compatible_keys_need_a_policy_of_their_own(inventory, s3, resource, verdict):
    log = flow_log(1, **S3, DestinationOptions={"HiveCompatiblePartitions": True})
    calls = [s3("HeadBucket", {}), s3("GetBucketPolicy", policy(WRITE | {"Resource": resource}))]
    assert only(inventory(*calls, FlowLogs=[log])).delivery_policy == verdict


@pytest.mark.parametrize("text", ["{", "", "[]", '{"Statement": "x"}', "[" * 5000, 7])
def test_a_policy_that_is_none_is_unread(inventory, s3, text):
    built = inventory(s3("HeadBucket", {}), s3("GetBucketPolicy", {"Policy": text}), FlowLogs=[flow_log(1, **S3)])
    row = only(built)
    assert (row.delivery_policy, row.delivery_policy_width, row.refused_accounts) == (None, None, ())
    assert [(one.table, one.call, one.resource) for one in built.unread] == [
        ("destinations", "s3:GetBucketPolicy", "logs")
    ]


def test_a_policy_that_was_refused_is_unread(inventory, s3):
    built = inventory(s3("HeadBucket", {}), s3("GetBucketPolicy", error="AccessDenied"), FlowLogs=[flow_log(1, **S3)])
    assert (only(built).delivery_policy, [one.call for one in built.unread]) == (None, ["s3:GetBucketPolicy"])


ONE_OFF = BLOCKED | {"BlockPublicPolicy": False}
OTHER_OFF = BLOCKED | {"BlockPublicAcls": False}


@pytest.mark.parametrize(
    ("bucket", "account", "blocked"),
    [
        (BLOCKED, None, True),
        (ONE_OFF, BLOCKED, True),
        (ONE_OFF, OTHER_OFF, True),
        (ONE_OFF, ONE_OFF, False),
        (ONE_OFF, "NoSuchPublicAccessBlockConfiguration", False),
        ("NoSuchPublicAccessBlockConfiguration", BLOCKED, True),
        ("AccessDenied", BLOCKED, True),
        ("AccessDenied", ONE_OFF, None),
        (ONE_OFF, "AccessDenied", None),
        (ONE_OFF, None, None),
    ],
)
def test_public_access_is_blocked_by_the_bucket_or_by_its_account(aws, inventory, s3, bucket, account, blocked):
    def told(what, **more):
        answer = {"PublicAccessBlockConfiguration": what} if isinstance(what, dict) else None
        return s3("GetPublicAccessBlock", answer, error=None if answer else what, **more)

    calls = [s3("HeadBucket", {}, asked={"ExpectedBucketOwner": OWN}), told(bucket)]
    calls += [told(account, service="s3control", resource=OWN)] if account else []
    built = inventory(*calls, FlowLogs=[flow_log(1, **S3)])
    assert only(built).public_access_blocked is blocked
    refusals = [one for one in (bucket, account) if one == "AccessDenied"]
    assert len(built.unread) == len(refusals)


@pytest.mark.parametrize(
    ("operation", "answer", "column", "value"),
    [
        ("GetBucketPolicyStatus", {"PolicyStatus": {"IsPublic": True}}, "public", True),
        ("GetBucketPolicyStatus", {"PolicyStatus": {}}, "public", None),
        ("GetBucketPolicyStatus", {}, "public", None),
        ("GetBucketOwnershipControls", ENFORCED, "object_ownership", "BucketOwnerEnforced"),
        ("GetBucketOwnershipControls", {"OwnershipControls": {"Rules": []}}, "object_ownership", None),
        (
            "GetBucketLogging",
            {"LoggingEnabled": {"TargetBucket": "access", "TargetPrefix": ""}},
            "access_logging",
            True,
        ),
        ("GetBucketLogging", {"LoggingEnabled": "yes"}, "access_logging", None),
        ("GetBucketVersioning", {"Status": "enabled"}, "versioning", None),
        (
            "GetObjectLockConfiguration",
            {
                "ObjectLockConfiguration": {
                    "ObjectLockEnabled": "Enabled",
                    "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 2}},
                }
            },
            "object_lock_days",
            730,
        ),
    ],
)
def test_each_question_fills_its_column(inventory, s3, operation, answer, column, value):
    built = inventory(s3("HeadBucket", {}), s3(operation, answer), FlowLogs=[flow_log(1, **S3)])
    assert getattr(only(built), column) == value
    assert len(built.unread) == (value is None)


@pytest.mark.parametrize(
    ("word", "class_"), [(None, "STANDARD"), ("INFREQUENT_ACCESS", "INFREQUENT_ACCESS"), ("FROZEN", None)]
)
def test_a_log_group_has_a_class(aws, inventory, word, class_):
    row = only(inventory(log_groups(aws, group("flow", logGroupClass=word)), FlowLogs=[flow_log(1, **GROUP)]))
    assert (row.exists, row.log_group_class) == (True, class_)


@pytest.mark.parametrize(("account", "approved"), [("", True), (OTHER, True), (OWN, False)])
def test_a_bucket_of_the_approved_name_may_be_anothers(inventory, s3, account, approved):
    """Where the owner is not proven, the name decides."""
    wanted = {"central": Approved(name="central", type="s3", bucket="logs", account=account)}
    head = s3("HeadBucket", {}, asked={"ExpectedBucketOwner": OTHER})
    assert only(inventory(head, FlowLogs=[flow_log(1, **S3)], approved=wanted)).approved is approved
    assert only(inventory(s3("HeadBucket", {}), FlowLogs=[flow_log(1, **S3)], approved=wanted)).approved
