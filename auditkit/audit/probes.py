"""How each call is tried without reading or changing anything, and what an answer to the trial means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditkit.audit.machine import MISSING, READY, UNKNOWN
from auditkit.config.schema import ConfigModel
from auditkit.inventory.unread import NO_BUCKET, NOT_CONFIGURED
from auditkit.model.inventory import Call
from auditkit.scan import ACTIONS, Action
from auditkit.scan.doors import Doors

NOBODY = "auditkit-doctor"
"""A name that nothing should have: to be told that there is no such thing, one must be allowed to ask."""
NO_OBJECT = "AWSLogs/000000000000/vpcflowlogs/auditkit-doctor"
"""A key that AWS would not write, in the place where the policies allow reading."""
_DRY_RUN = "DryRunOperation"
_DENIED = ("AccessDenied", "Unauthorized", "Forbidden", "403", "NotAuthorized", "AuthFailure")
_NOT_THERE = ("ResourceNotFoundException", "NoSuchEntity", "NoSuchKey", "NotFound", "DoesNotExist")


def params(action: Action, model: ConfigModel, partition: str, account: str) -> dict[str, Any]:
    """Return the parameters that make a call cheap: a dry run where there is one, else the smallest page, else nobody's name.

    What auditkit.yaml names is asked for by its name, since a policy may be narrowed to it.
    """
    approved = model.destinations.values()
    group = next((d.log_group for d in approved if d.log_group), NOBODY)
    stream = next((d.delivery_stream for d in approved if d.delivery_stream), NOBODY)
    read_only = f"arn:{partition}:iam::aws:policy/ReadOnlyAccess"
    role: dict[str, Any] = {"RoleName": NOBODY}
    given: dict[str, dict[str, Any]] = {
        "logs:DescribeLogGroups": {"limit": 1},
        "logs:DescribeLogStreams": {"logGroupName": group, "limit": 1},
        "logs:GetLogEvents": {"logGroupName": group, "logStreamName": NOBODY, "limit": 1},
        "cloudtrail:LookupEvents": {
            "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateFlowLogs"}],
            "MaxResults": 1,
        },
        "s3control:GetPublicAccessBlock": {"AccountId": account},
        "firehose:DescribeDeliveryStream": {"DeliveryStreamName": stream},
        "iam:GetRole": role,
        "iam:ListRolePolicies": role,
        "iam:GetRolePolicy": role | {"PolicyName": NOBODY},
        "iam:ListAttachedRolePolicies": role,
        "iam:GetPolicy": {"PolicyArn": read_only},
        "iam:GetPolicyVersion": {"PolicyArn": read_only, "VersionId": "v1"},
        "ec2:GetManagedPrefixListEntries": {"PrefixListId": "pl-00000000000000000", "DryRun": True},
    }
    return given.get(f"{action.service}:{action.operation}") or ({"DryRun": True} if action.service == "ec2" else {})


def about_bucket(doors: Doors, reader: str, bucket: str, owner: str, prefix: str, *, reads: bool) -> Iterator[Call]:
    """Try what is asked of a bucket and of its key; of one that cannot be seen, nothing more.

    Reading is tried on an object that does not exist: who may not read is refused all the same.

    Args:
        doors: the way in.
        reader: the account whose credentials ask.
        bucket: its name.
        owner: the account that should own it, or empty.
        prefix: of the approved destination.
        reads: whether log objects are to be read in it.
    """
    line = doors.line(reader, "s3")
    given: dict[str, Any] = {"Bucket": bucket} | ({"ExpectedBucketOwner": owner} if owner else {})
    [head] = line.ask("HeadBucket", resource=bucket, all_pages=False, **given)
    yield head
    if head.error:
        return
    for action in ACTIONS:
        if action.service == "s3" and action.where == "member" and action.operation != "HeadBucket":
            [call] = line.ask(action.operation, resource=bucket, all_pages=False, **given)
            yield call
            if action.operation == "GetBucketEncryption":
                yield from _about_key(doors, reader, call)
    if reads:
        below = f"{prefix.strip('/')}/{NO_OBJECT}".lstrip("/")
        [call] = line.ask("ListObjectsV2", resource=bucket, all_pages=False, MaxKeys=1, Prefix=below, **given)
        yield call
        [call] = line.ask("GetObject", resource=bucket, all_pages=False, Key=below, **given)
        yield call


def _about_key(doors: Doors, reader: str, call: Call) -> Iterator[Call]:
    """Try what is asked of the key that a bucket encrypts with, where it is one whose region the answer names."""
    rules = ((call.answer or {}).get("ServerSideEncryptionConfiguration") or {}).get("Rules") or [{}]
    key = str((rules[0].get("ApplyServerSideEncryptionByDefault") or {}).get("KMSMasterKeyID") or "")
    parts = key.split(":")
    if len(parts) != 6 or parts[2] != "kms":
        return
    line = doors.line(reader, "kms", parts[3])
    yield line.ask("DescribeKey", resource=key, all_pages=False, KeyId=key)[0]
    yield line.ask("GetKeyPolicy", resource=key, all_pages=False, KeyId=key, PolicyName="default")[0]


def denied(call: Call) -> bool:
    """Tell whether a call was refused for want of a permission."""
    code = (call.error or {}).get("code", "")
    return any(word in code for word in _DENIED)


def state(call: Call) -> tuple[str, str]:
    """Return what an answer to a trial means, and what was said.

    A service that looks for permission first says of a thing that is not there that it is not there only to those who
    may ask. KMS looks for the key first, and a bucket that is not there holds no logs: those are missing.
    """
    if call.error is None:
        return READY, "answered"
    code, message = call.error["code"], call.error["message"]
    said = f"{code}: {message}"
    if code == _DRY_RUN:
        return READY, "allowed, by a dry run"
    if denied(call):
        return MISSING, said
    if call.service == "kms" or (code in NO_BUCKET and call.operation != "GetObject"):
        missing = code in NO_BUCKET or "NotFound" in code
        return (MISSING, f"there is no {call.resource}") if missing else (UNKNOWN, said)
    if code in NOT_CONFIGURED or any(word in code for word in _NOT_THERE):
        return READY, "allowed: there is none"
    return UNKNOWN, said
