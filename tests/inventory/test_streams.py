"""Delivery streams: state, encryption, and where they end."""

from __future__ import annotations

import pytest

OTHER = "444455556666"
ARN = f"arn:aws:firehose:eu-west-1:{OTHER}:deliverystream/flow"
KEY = f"arn:aws:kms:eu-west-1:{OTHER}:key/1"
LOG = {
    "FlowLogId": "fl-1",
    "ResourceId": "vpc-1",
    "TrafficType": "ALL",
    "LogDestinationType": "kinesis-data-firehose",
    "LogDestination": ARN,
}
PLACE = {"service": "firehose", "account_id": OTHER, "region": "eu-west-1", "resource": "flow"}
BUCKET = {"BucketARN": "arn:aws:s3:::lake", "Prefix": "flow/"}


@pytest.fixture
def stream(aws, inventory):
    def build(answer=None, *more, **call):
        called = [aws.call("DescribeDeliveryStream", answer, **PLACE, **call)] if answer or call else []
        built = inventory(*called, *more, FlowLogs=[LOG])
        (row,) = built.destinations
        return row, built.unread

    return build


def described(**more):
    return {"DeliveryStreamDescription": {"DeliveryStreamName": "flow", "DeliveryStreamStatus": "ACTIVE"} | more}


def encrypted(status, **more):
    return described(DeliveryStreamEncryptionConfiguration={"Status": status} | more)


def test_a_stream_that_answers_everything(stream):
    answer = described(
        DeliveryStreamEncryptionConfiguration={"Status": "ENABLED", "KeyType": "AWS_OWNED_CMK"},
        Destinations=[{"ExtendedS3DestinationDescription": BUCKET, "S3DestinationDescription": BUCKET}],
    )
    row, unread = stream(answer)
    assert (row.exists, row.delivery_stream_status, row.ends_in) == (True, "ACTIVE", ("s3://lake/flow",))
    assert (row.encryption, row.kms_key_id, row.kms_key_manager, row.kms_key_policy) == ("aws:kms", "", "AWS", "-")
    assert (row.account_id, row.region, row.owner_account_id) == (OTHER, "eu-west-1", OTHER)
    assert (row.delivery_policy, row.log_group_class, row.public) == ("-", "-", False)
    assert unread == ()


@pytest.mark.parametrize(
    ("answer", "encryption"),
    [
        (described(), "none"),
        (encrypted("DISABLED"), "none"),
        (encrypted("ENABLING"), "none"),
        (encrypted("ENABLING_FAILED"), "none"),
        (encrypted("ENABLED"), "aws:kms"),
    ],
)
def test_only_enabled_is_encrypted(stream, answer, encryption):
    assert stream(answer)[0].encryption == encryption


def test_a_customers_key_is_asked_about_too(aws, stream):
    answer = encrypted("ENABLED", KeyType="CUSTOMER_MANAGED_CMK", KeyARN=KEY)
    metadata = {"KeyMetadata": {"Arn": KEY, "KeyState": "Disabled", "KeyManager": "CUSTOMER"}}
    kms = aws.call("DescribeKey", metadata, service="kms", resource=KEY)
    row, _ = stream(answer, kms)
    assert (row.kms_key_id, row.kms_key_state, row.kms_key_policy) == (KEY, "Disabled", "-")


@pytest.mark.parametrize(
    ("end", "ends_in"),
    [
        ({"ExtendedS3DestinationDescription": {"BucketARN": "arn:aws:s3:::lake"}}, ("s3://lake",)),
        ({"SplunkDestinationDescription": {"S3DestinationDescription": BUCKET}}, ("splunk",)),
        ({"RedshiftDestinationDescription": {"RoleARN": "x"}, "S3DestinationDescription": BUCKET}, ("redshift",)),
        ({"DestinationId": "1"}, ()),
    ],
)
def test_where_a_stream_ends(stream, end, ends_in):
    assert stream(described(Destinations=[end]))[0].ends_in == ends_in


def test_a_stream_that_is_gone_is_proven_absent(stream):
    row, unread = stream(error="ResourceNotFoundException")
    assert (row.exists, row.delivery_stream_status, unread) == (False, None, ())


def test_a_refusal_is_unread(stream):
    row, (missed,) = stream(error="AccessDeniedException")
    assert (row.exists, row.encryption) == (None, None)
    assert (missed.table, missed.account_id, missed.resource) == ("destinations", OTHER, "flow")


def test_a_stream_that_nobody_asked_about_is_not_known(stream):
    row, unread = stream()
    assert (row.exists, row.delivery_stream_status, unread) == (None, None, ())


@pytest.mark.parametrize(
    "answer",
    [
        {"DeliveryStreamDescription": "x"},
        {"x": 1},
        described(DeliveryStreamStatus=7),
        described(Destinations="s3"),
        described(Destinations=[{"S3DestinationDescription": {"BucketARN": 7}}]),
    ],
)
def test_an_answer_of_another_shape_is_unread(stream, answer):
    row, (missed,) = stream(answer)
    assert (row.exists, row.delivery_stream_status, row.encryption) == (True, None, None)
    assert missed.call == "firehose:DescribeDeliveryStream"
