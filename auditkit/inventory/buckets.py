"""What S3 says of the buckets that flow logs write to: one function per question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from auditkit.inventory.answers import LARGEST, Malformed, Row, flag, integer, items, part, required, text
from auditkit.inventory.bucket_policy import is_wide, lets_write
from auditkit.inventory.lifecycle import retention_days
from auditkit.inventory.statements import NOTHING, read_policy
from auditkit.inventory.told import Told
from auditkit.inventory.unread import NO_BUCKET
from auditkit.inventory.writers import Organization, Writer
from auditkit.model.condition import kleene_and, kleene_or
from auditkit.model.inventory import Call, Unread

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_OF_ACCOUNT = "s3control"
_YEAR = 365


class Buckets:
    """What S3 said of each bucket, and of the accounts that own them."""

    def __init__(self, as_of: datetime) -> None:
        self._as_of = as_of
        self._told = Told()

    def note(self, call: Call) -> None:
        """Take note of one answer or refusal."""
        self._told.note((call.service, call.resource), call)

    def unread(self) -> Iterator[Unread]:
        """Every question about a bucket that nobody was answered."""
        return self._told.unread()

    def owner(self, bucket: str) -> str | None:
        """Return the account that owns a bucket: S3 answered a question that it refuses of any other account's bucket."""
        answered = [call for call in self._told.asked(("s3", bucket), "HeadBucket") if call.error is None]
        owners = {owner for call in answered if (owner := (call.asked or {}).get("ExpectedBucketOwner"))}
        if len(owners) > 1:
            self._told.malformed(answered[0], "S3 cannot have confirmed two owners")
        return owners.pop() if len(owners) == 1 else None

    def columns(
        self, bucket: str, prefix: str, writers: frozenset[Writer], organization: Organization
    ) -> dict[str, Any]:
        """Return what is known of a bucket; a column that could not be read is left out.

        Args:
            bucket: its name.
            prefix: of the destination in it.
            writers: who writes there.
            organization: what is known of it.
        """
        settled = self._told.settled(("s3", bucket))
        there = {name: call for name, call in settled.items() if (call.error or {}).get("code") not in NO_BUCKET}
        if not there:
            return {"exists": False} if settled else {}
        told: dict[str, Any] = {"exists": True, "owner_account_id": self.owner(bucket)}
        told |= self._public_access(there.get("GetPublicAccessBlock"), told["owner_account_id"])
        for operation, call in there.items():
            try:
                if operation == "GetBucketLifecycleConfiguration":
                    answer = {"Rules": []} if call.error else _with(call, "Rules")
                    accounts = sorted({one.account_id for one in writers})
                    told["retention_days"] = retention_days(answer, prefix, accounts, self._as_of)
                elif operation == "GetBucketPolicy":
                    folder = f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"
                    top = f"arn:{organization.partition}:s3:::{bucket}/{folder}"
                    told |= _policy(call, writers, top, organization)
                elif operation in _COLUMNS:
                    told |= _COLUMNS[operation](call)
            except Malformed as error:
                self._told.malformed(call, error)
        return told

    def _public_access(self, call: Call | None, owner: str | None) -> dict[str, Any]:
        """Each of the four works if it is on for the bucket or for the account."""
        own = self._blocks(call)
        above = self._blocks(self._told.settled((_OF_ACCOUNT, owner)).get("GetPublicAccessBlock") if owner else None)
        on = kleene_and(kleene_or(one.get(name) for one in (own, above)) for name in _BLOCKS)
        return {"public_access_blocked": on}

    def _blocks(self, call: Call | None) -> Mapping[str, bool]:
        """What is on; nothing where that could not be read."""
        if call is None:
            return {}
        try:
            blocks = part(_with(call, "PublicAccessBlockConfiguration"), "PublicAccessBlockConfiguration")
            return {name: flag(blocks, name) for name in _BLOCKS}
        except Malformed as error:
            self._told.malformed(call, error)
            return {}


def _with(call: Call, key: str) -> Row:
    """Return an answer that must hold `key`; of S3's "not configured", an empty one."""
    answer = call.answer or {}
    if call.error is None and key not in answer:
        raise Malformed(f"{key} is missing")
    return answer


def _policy(call: Call, writers: frozenset[Writer], top: str, organization: Organization) -> dict[str, Any]:
    policy = NOTHING if call.error else read_policy(required(call.answer or {}, "Policy"))
    verdicts = {one: lets_write(policy, one, top, organization) for one in writers}
    allowed, wide = kleene_and(verdicts.values()), is_wide(policy, writers, top, organization)
    return {
        "delivery_policy": {True: "allows", False: "refuses", None: None}[allowed],
        "refused_accounts": tuple(sorted({one.account_id for one, verdict in verdicts.items() if verdict is False})),
        "delivery_policy_width": {True: "wide", False: "exact", None: None}[wide],
    }


def _region(call: Call) -> dict[str, Any]:
    region = text(call.answer or {}, "BucketRegion")
    return {"region": region} if region else {}


def _encryption(call: Call) -> dict[str, Any]:
    configuration = "ServerSideEncryptionConfiguration"
    rules = items(part(_with(call, configuration), configuration), "Rules")
    default = part(rules[0], "ApplyServerSideEncryptionByDefault") if rules else {}
    return {
        "encryption": _one_of(text(default, "SSEAlgorithm") or "none", "AES256", "aws:kms", "aws:kms:dsse", "none"),
        "kms_key_id": text(default, "KMSMasterKeyID"),
    }


def _versioning(call: Call) -> dict[str, Any]:
    return {"versioning": _one_of(text(call.answer or {}, "Status") or "never", "Enabled", "Suspended", "never")}


def _object_lock(call: Call) -> dict[str, Any]:
    lock = part(_with(call, "ObjectLockConfiguration"), "ObjectLockConfiguration")
    if text(lock, "ObjectLockEnabled") != "Enabled":
        return {"object_lock": "none", "object_lock_days": 0}
    default = part(part(lock, "Rule"), "DefaultRetention")
    days = max(0, integer(default, "Days", 0)) + _YEAR * max(0, integer(default, "Years", 0))
    if days > LARGEST:
        raise Malformed("the default retention is too long")
    return {
        "object_lock": _one_of(text(default, "Mode") or "enabled", "GOVERNANCE", "COMPLIANCE", "enabled"),
        "object_lock_days": days,
    }


def _status(call: Call) -> dict[str, Any]:
    if call.error:  # without a policy there is no status of one
        return {"public": False}
    status = part(_with(call, "PolicyStatus"), "PolicyStatus")
    if "IsPublic" not in status:
        raise Malformed("IsPublic is missing")
    return {"public": flag(status, "IsPublic")}


def _ownership(call: Call) -> dict[str, Any]:
    if call.error:  # a bucket without the setting works as all did before there was one
        return {"object_ownership": "ObjectWriter"}
    rules = items(part(_with(call, "OwnershipControls"), "OwnershipControls"), "Rules")
    word = text(rules[0], "ObjectOwnership") if rules else ""
    return {"object_ownership": _one_of(word, "BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")}


def _logging(call: Call) -> dict[str, Any]:
    return {"access_logging": bool(text(part(call.answer or {}, "LoggingEnabled"), "TargetBucket"))}


def _one_of(word: str, *words: str) -> str:
    if word not in words:
        raise Malformed(f"{word[:40]!r} is none of {', '.join(words)}")
    return word


_COLUMNS = {
    "HeadBucket": _region,
    "GetBucketEncryption": _encryption,
    "GetBucketVersioning": _versioning,
    "GetObjectLockConfiguration": _object_lock,
    "GetBucketPolicyStatus": _status,
    "GetBucketOwnershipControls": _ownership,
    "GetBucketLogging": _logging,
}
