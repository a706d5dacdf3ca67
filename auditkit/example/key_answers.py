"""What KMS answers about the keys of the destinations: all are good but one, which somebody scheduled for deletion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditkit.example.accounts import ARCHIVE, CORE, EU, REFUSED, REFUSING
from auditkit.example.bucket_answers import KEY, ORGANIZATION_ID, Line, policy
from auditkit.example.logging_plan import OPS
from auditkit.example.things import Estate

DELETED = (CORE, EU)
"""Account and region whose key for log groups is to be deleted."""
_USE = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]


def key_of_groups(account: str, region: str) -> str:
    """ARN of the key that encrypts the log groups of an account and region."""
    return f"arn:aws:kms:{region}:{account}:key/{'eu' if region == EU else 'us'}-logs"


def keys(estate: Estate) -> Iterator[Line]:
    """Yield the calls about each key: its state, and its policy."""
    in_organization = {"StringEquals": {"aws:SourceOrgID": ORGANIZATION_ID}}
    yield from _key(KEY, ARCHIVE, EU, "delivery.logs.amazonaws.com", in_organization)
    in_use = {
        (log.account, log.region)
        for log in estate.flow_logs.values()
        if log.plan.log_group == OPS
        and log.account not in REFUSING
        and (log.account, log.region, "DescribeFlowLogs") not in REFUSED
    }
    for account, region in sorted(in_use):
        groups = f"arn:aws:logs:{region}:{account}:log-group:*"
        service = f"logs.{region}.amazonaws.com"
        condition = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}}
        yield from _key(key_of_groups(account, region), account, region, service, condition)


def _key(arn: str, account: str, region: str, service: str, condition: dict[str, Any]) -> Iterator[Line]:
    metadata: dict[str, Any] = {
        "AWSAccountId": account,
        "KeyId": arn.rpartition("/")[2],
        "Arn": arn,
        "CreationDate": "2024-03-11T09:26:54Z",
        "Enabled": True,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "MultiRegion": False,
    }
    if (account, region) == DELETED:
        metadata |= {"Enabled": False, "KeyState": "PendingDeletion", "DeletionDate": "2026-10-14T07:30:00Z"}
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"}
    use = {
        "Sid": "LogsUseTheKey",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": _USE,
        "Resource": "*",
        "Condition": condition,
    }
    yield "kms", "DescribeKey", account, region, arn, 1, {"KeyMetadata": metadata}, None
    told = {"Policy": policy(root, use), "PolicyName": "default"}
    yield "kms", "GetKeyPolicy", account, region, arn, 1, told, {"PolicyName": "default"}
