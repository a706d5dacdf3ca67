"""How a bucket that flow logs write to is kept, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from auditkit.model.inventory import GLOBAL, Call
from auditkit.scan.calls import Line, refused

SETTINGS = {
    "GetBucketEncryption": "ServerSideEncryptionConfiguration",
    "GetBucketVersioning": "",
    "GetObjectLockConfiguration": "ObjectLockConfiguration",
    "GetPublicAccessBlock": "PublicAccessBlockConfiguration",
    "GetBucketLifecycleConfiguration": "Rules",
    "GetBucketPolicy": "Policy",
    "GetBucketPolicyStatus": "PolicyStatus",
    "GetBucketOwnershipControls": "OwnershipControls",
    "GetBucketLogging": "",
}
"""What is asked of a bucket → what every answer has. "Not configured" is an error in S3's answers, and is recorded
as one; of versions and access logs it is an empty answer."""

_GONE = ("404", "NoSuchBucket", "NotFound")

Lines = Callable[[str, str, str], Line]
"""Account whose credentials ask, service, region of the endpoint → the line."""


class Bucket(NamedTuple):
    """What was asked about one bucket."""

    name: str
    """Its name."""
    calls: list[Call]
    """All of them."""
    owner: str
    """The account that S3 confirmed as its owner; empty for none."""
    asker: str
    """The account whose credentials asked for its settings."""
    region: str
    """Its region, if S3 told."""

    def encrypted_with(self) -> Iterator[str]:
        """Give the keys that it encrypts with by default."""
        for call in self.calls:
            if call.operation == "GetBucketEncryption" and call.answer:
                for rule in call.answer["ServerSideEncryptionConfiguration"].get("Rules", ()):
                    yield rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", "")


def ask(lines: Lines, name: str, candidates: Iterable[str], asker: Callable[[str], str]) -> Bucket:
    """Ask whose a bucket is, then for its settings.

    S3 answers HeadBucket with ExpectedBucketOwner to whoever may list the bucket, if that account owns it.

    Args:
        lines: the lines to S3.
        name: of the bucket.
        candidates: accounts that may own it, likeliest first, at least one.
        asker: candidate → the account whose credentials ask: its own where they are at hand.
    """
    calls: list[Call] = []
    first = owner = region = ""
    for candidate in candidates:
        first = first or candidate
        line = lines(asker(candidate), "s3", GLOBAL)
        calls += _ask(line, "HeadBucket", name, candidate)
        if not refused(calls[-1:]):
            owner, region = candidate, (calls[-1].answer or {}).get("BucketRegion", "")
            break
        if (calls[-1].error or {})["code"] in _GONE:
            break
    by = asker(owner or first)
    # S3 sends who asks in a wrong region on to the right one; that is spared where the region is known.
    line = lines(by, "s3", region or GLOBAL).about(by, GLOBAL)
    for operation, needs in SETTINGS.items():
        calls += _ask(line, operation, name, owner, needs=needs)
    return Bucket(name, calls, owner, by, region)


def _ask(line: Line, operation: str, bucket: str, owner: str, needs: str = "") -> list[Call]:
    expected: dict[str, Any] = {"ExpectedBucketOwner": owner} if owner else {}
    return line.ask(operation, resource=bucket, needs=needs, asked=expected or None, Bucket=bucket, **expected)
