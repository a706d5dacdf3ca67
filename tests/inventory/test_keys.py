"""KMS keys: their state, and whether whoever writes the logs may use them."""

from __future__ import annotations

import json

import pytest

OWN, OTHER = "111122223333", "444455556666"
ARN = f"arn:aws:kms:eu-central-1:{OWN}:key/1"
S3 = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::logs"}
DELIVERY = {
    "Effect": "Allow",
    "Principal": {"Service": "delivery.logs.amazonaws.com"},
    "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:SourceAccount": [OWN]}},
}
ROOT = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OWN}:root"}, "Action": "kms:*", "Resource": "*"}
LOGS = {
    "Effect": "Allow",
    "Principal": {"Service": "logs.eu-central-1.amazonaws.com"},
    "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
    "Resource": "*",
    "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-central-1:{OWN}:log-group:flow"}},
}


def flow_log(number=1, **row):
    return {"FlowLogId": f"fl-{number:08x}", "ResourceId": "vpc-1234abcd", "TrafficType": "ALL"} | row


def policy(*statements):
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), "PolicyName": "default"}


@pytest.fixture
def kms(aws):
    def ask(operation, answer=None, **more):
        return aws.call(operation, answer, **({"service": "kms", "resource": ARN} | more))

    return ask


def key(state="Enabled", manager="CUSTOMER", **more):
    return {"KeyMetadata": {"KeyId": "1", "Arn": ARN, "KeyState": state, "KeyManager": manager} | more}


@pytest.fixture
def bucket(aws, inventory):
    """A bucket encrypted with a key, written to by this account; `more` are calls about the key."""

    def build(*more, key_id=ARN, algorithm="aws:kms", owner=OWN, others=()):
        default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key_id} if key_id else {})
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        s3 = {"service": "s3", "region": "global", "resource": "logs"}
        calls = [
            aws.call("HeadBucket", {"BucketRegion": "eu-central-1"}, asked={"ExpectedBucketOwner": owner}, **s3),
            aws.call("GetBucketEncryption", {"ServerSideEncryptionConfiguration": rules}, **s3),
        ]
        for number, account in enumerate(others, 2):
            calls += aws.listings(account, FlowLogs=[flow_log(number, **S3)])
        built = inventory(*calls, *more, FlowLogs=[flow_log(**S3)])
        (row,) = built.destinations
        return (row.kms_key_state, row.kms_key_manager, row.kms_key_policy), built.unread

    return build


def test_a_key_that_delivery_may_use(bucket, kms):
    told, unread = bucket(kms("DescribeKey", key()), kms("GetKeyPolicy", policy(ROOT, DELIVERY)))
    assert (told, unread) == (("Enabled", "CUSTOMER", "allows"), ())


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        ([ROOT], "refuses"),
        ([DELIVERY | {"Action": "kms:Decrypt"}], "refuses"),
        ([DELIVERY | {"Action": "kms:GenerateDataKey"}], "allows"),
        ([DELIVERY | {"Resource": ARN}], "allows"),
        ([DELIVERY | {"Resource": ARN + "2"}], "refuses"),
        ([DELIVERY | {"Condition": {"StringEquals": {"aws:SourceAccount": OTHER}}}], "refuses"),
        ([DELIVERY | {"Condition": {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}}], None),
        ([DELIVERY, ROOT | {"Effect": "Deny", "Principal": "*"}], "refuses"),
    ],
)
def test_what_the_policy_of_a_key_says(bucket, kms, statements, verdict):
    told, unread = bucket(kms("DescribeKey", key()), kms("GetKeyPolicy", policy(*statements)))
    assert (told[2], unread) == (verdict, ())


def test_every_account_that_writes_has_to_be_let_in(bucket, kms):
    calls = [kms("DescribeKey", key()), kms("GetKeyPolicy", policy(DELIVERY))]
    assert bucket(*calls, others=[OTHER])[0][2] == "refuses"


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion", "PendingImport", "Unavailable"])
def test_the_state_is_told_as_it_is(bucket, kms, state):
    assert bucket(kms("DescribeKey", key(state)))[0] == (state, "CUSTOMER", None)


def test_a_key_that_is_gone_is_absent(bucket, kms):
    calls = [kms(operation, error="NotFoundException") for operation in ("DescribeKey", "GetKeyPolicy")]
    assert bucket(*calls) == (("absent", "-", "-"), ())


def test_a_refusal_is_unread(bucket, kms):
    told, unread = bucket(kms("DescribeKey", error="AccessDeniedException"))
    assert told == (None, None, None)
    assert [(one.table, one.resource, one.call) for one in unread] == [("destinations", ARN, "kms:DescribeKey")]


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("DescribeKey", {}),
        ("DescribeKey", key(state=None)),
        ("DescribeKey", key(manager="SOMEBODY")),
        ("GetKeyPolicy", {"Policy": "{"}),
        ("GetKeyPolicy", {}),
    ],
)
def test_an_answer_of_another_shape_is_unread(bucket, kms, operation, answer):
    told, unread = bucket(kms(operation, answer))
    assert (told, [one.call for one in unread]) == ((None, None, None), [f"kms:{operation}"])


def test_a_key_that_nobody_asked_about_is_not_known(bucket):
    assert bucket() == ((None, None, None), ())


@pytest.mark.parametrize("key_id", ["1", "alias/flow"])
def test_a_key_without_arn_is_looked_for_beside_the_bucket(bucket, kms, key_id):
    calls = [
        kms("DescribeKey", key(), resource=key_id),
        kms("DescribeKey", key("Disabled"), resource=key_id, account_id=OTHER),
        kms("DescribeKey", key("Disabled"), resource=key_id, region="us-east-1"),
    ]
    assert bucket(*calls, key_id=key_id)[0][:2] == ("Enabled", "CUSTOMER")


@pytest.mark.parametrize(
    ("owner", "others", "policy_"), [(OWN, (), None), (OTHER, (), "refuses"), (OWN, (OTHER,), "refuses")]
)
def test_a_key_of_aws_serves_its_own_account_alone(bucket, kms, owner, others, policy_):
    """Named, or S3's choice where none is named."""
    assert bucket(key_id="", owner=owner, others=others)[0] == ("Enabled", "AWS", policy_)
    named = bucket(kms("DescribeKey", key(manager="AWS")), owner=owner, others=others)[0]
    assert named == ("Enabled", "AWS", policy_)


def test_a_bucket_without_kms_needs_no_key(bucket):
    assert bucket(key_id="", algorithm="AES256")[0] == ("-", "-", "-")


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        (LOGS, "allows"),
        (LOGS | {"Condition": {}}, "allows"),
        (LOGS | {"Principal": {"Service": "logs.amazonaws.com"}}, "refuses"),
        (LOGS | {"Principal": {"Service": "logs.us-east-1.amazonaws.com"}}, "refuses"),
        (LOGS | {"Action": "kms:Encrypt*"}, "refuses"),
        (
            LOGS
            | {
                "Condition": {
                    "ArnEquals": {
                        "kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-central-1:{OWN}:log-group:dns"
                    }
                }
            },
            "refuses",
        ),
        (LOGS | {"Condition": {"StringEquals": {"kms:CallerAccount": OWN}}}, None),
    ],
)
def test_the_key_of_a_log_group_lets_cloudwatch_logs_in(aws, inventory, kms, statement, verdict):
    row = {"logGroupName": "flow", "kmsKeyId": ARN}
    groups = aws.call("DescribeLogGroups", {"logGroups": [row]}, service="logs")
    calls = [kms("DescribeKey", key()), kms("GetKeyPolicy", policy(ROOT, statement))]
    (told,) = inventory(groups, *calls, FlowLogs=[flow_log(LogGroupName="flow")]).destinations
    assert (told.kms_key_state, told.kms_key_policy) == ("Enabled", verdict)
