"""Lifecycle rules: which of them reach flow logs, and how long they leave them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auditkit.inventory.answers import Malformed
from auditkit.inventory.lifecycle import covers, retention_days
from auditkit.model.tables import NEVER

OWN, OTHER = "111122223333", "444455556666"
AS_OF = datetime(2026, 10, 1, tzinfo=UTC)


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


@pytest.mark.parametrize("expiration", [{"Date": "soon"}, {"Date": 7}, {"Days": 0}, {"Days": -1}])
def test_an_expiration_that_is_none_is_not_taken_for_never(expiration):
    with pytest.raises(Malformed):
        retention_days({"Rules": [{"Status": "Enabled", "Expiration": expiration}]}, "", [OWN], AS_OF)
