"""How the buckets that flow logs write to are kept: each bucket asked once, whatever the number of flow logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from auditkit.model.inventory import Call
from auditkit.scan.doors import Doors

OPERATIONS = (
    "HeadBucket",
    "GetBucketEncryption",
    "GetBucketVersioning",
    "GetObjectLockConfiguration",
    "GetPublicAccessBlock",
    "GetBucketLifecycleConfiguration",
)
"""What is asked of a bucket. "Not configured" is an error in S3's answers, and is recorded as one."""


def questions(doors: Doors, bucket: str, account_id: str, owner: str | None) -> list[Callable[[], list[Call]]]:
    """Return the questions about a bucket.

    Args:
        doors: the way in.
        bucket: its name.
        account_id: whose credentials ask.
        owner: the account that should own it, where that is known: a bucket of another's is then refused.
    """
    line = doors.line(account_id, "s3")
    expected = {"ExpectedBucketOwner": owner} if owner else {}
    return [partial(line.ask, operation, resource=bucket, Bucket=bucket, **expected) for operation in OPERATIONS]


def askers(users: Mapping[str, Iterable[str]], owners: Mapping[str, str], entered: Iterable[str]) -> dict[str, str]:
    """Return bucket → the account that asks about it: its owner if that was entered, else one whose flow logs use it.

    Args:
        users: bucket → accounts whose flow logs write to it.
        owners: bucket → the account that owns it, where that is known.
        entered: accounts whose credentials are at hand.
    """
    at_hand = set(entered)
    return {bucket: owners[bucket] if owners.get(bucket) in at_hand else min(users[bucket]) for bucket in sorted(users)}
