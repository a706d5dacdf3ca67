"""Where flow logs go: one row per destination in use, with what S3 and CloudWatch Logs say of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from auditkit.inventory.answers import Malformed, Row, flag, integer, items, part, text
from auditkit.inventory.lifecycle import retention_days
from auditkit.inventory.unread import NO_BUCKET, Listings, is_answer, refused, unread
from auditkit.model.inventory import Approved, Call, Destination, FlowLog, Unread
from auditkit.model.tables import NEVER

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class Buckets:
    """What S3 said of each bucket.

    Several accounts may have asked: one answer is enough, refusals count only where there is none.
    """

    def __init__(self, as_of: datetime) -> None:
        self._as_of = as_of
        self._calls: dict[str, dict[str, list[Call]]] = {}
        self._malformed: set[Unread] = set()

    def note(self, call: Call) -> None:
        """Take note of one answer or refusal."""
        self._calls.setdefault(call.resource, {}).setdefault(call.operation, []).append(call)

    def settled(self, bucket: str) -> dict[str, Call]:
        """Return operation → the call that answered it; deterministic where several did."""
        answered = {}
        for operation, calls in self._calls.get(bucket, {}).items():
            answers = [call for call in calls if call.error is None or is_answer(call)]
            if answers:
                answered[operation] = min(answers, key=_order)
        return answered

    def unread(self) -> Iterator[Unread]:
        """Every question about a bucket that nobody was answered."""
        for bucket, operations in self._calls.items():
            settled = self.settled(bucket)
            for operation, calls in operations.items():
                if operation not in settled:
                    yield from map(refused, calls)
        yield from self._malformed

    def columns(self, flow_log: FlowLog, writers: tuple[str, ...]) -> dict[str, Any]:
        """Return what is known of the bucket of a flow log; a column that could not be read is left out.

        Args:
            flow_log: one that writes there.
            writers: accounts of all that write there.
        """
        settled = self.settled(flow_log.bucket)
        there = {name: call for name, call in settled.items() if (call.error or {}).get("code") not in NO_BUCKET}
        if not there:
            return {"exists": False} if settled else {}
        told: dict[str, Any] = {"exists": True}
        for operation, call in there.items():
            try:
                if operation == "GetBucketLifecycleConfiguration":
                    answer = {"Rules": []} if call.error else _with(call, "Rules")
                    told["retention_days"] = retention_days(answer, flow_log.prefix, writers, self._as_of)
                elif operation in _COLUMNS:
                    told |= _COLUMNS[operation](call)
            except Malformed as error:
                self._malformed.add(unread(call, f"not as AWS writes it: {error}"))
        return told


def _order(call: Call) -> tuple[bool, str, str, str, str]:
    return call.error is not None, call.account_id, call.at, repr(call.answer), repr(call.error)


def _with(call: Call, key: str) -> Row:
    """Return an answer that must hold `key`; of S3's "not configured", an empty one."""
    answer = call.answer or {}
    if call.error is None and key not in answer:
        raise Malformed(f"{key} is missing")
    return answer


def _region(call: Call) -> dict[str, Any]:
    region = text(call.answer or {}, "BucketRegion")
    return {"region": region} if region else {}


def _encryption(call: Call) -> dict[str, Any]:
    configuration = "ServerSideEncryptionConfiguration"
    rules = items(part(_with(call, configuration), configuration), "Rules")
    default = part(rules[0], "ApplyServerSideEncryptionByDefault") if rules else {}
    return {"encryption": text(default, "SSEAlgorithm") or "none", "kms_key_id": text(default, "KMSMasterKeyID")}


def _versioning(call: Call) -> dict[str, Any]:
    return {"versioning": text(call.answer or {}, "Status") or "never"}


def _object_lock(call: Call) -> dict[str, Any]:
    lock = part(_with(call, "ObjectLockConfiguration"), "ObjectLockConfiguration")
    if text(lock, "ObjectLockEnabled") != "Enabled":
        return {"object_lock": "none"}
    return {"object_lock": text(part(part(lock, "Rule"), "DefaultRetention"), "Mode") or "enabled"}


def _public_access(call: Call) -> dict[str, Any]:
    blocks = part(_with(call, "PublicAccessBlockConfiguration"), "PublicAccessBlockConfiguration")
    return {"public_access_blocked": all([flag(blocks, name) for name in _BLOCKS])}  # noqa: C419  # each has to be a boolean


_COLUMNS = {
    "HeadBucket": _region,
    "GetBucketEncryption": _encryption,
    "GetBucketVersioning": _versioning,
    "GetObjectLockConfiguration": _object_lock,
    "GetPublicAccessBlock": _public_access,
}


class LogGroups:
    """What CloudWatch Logs said of log groups."""

    def __init__(self, listings: Listings) -> None:
        self._listings = listings
        self._found: dict[tuple[str, str, str], dict[str, Any]] = {}

    def note(self, call: Call, group: Row) -> None:
        """Take note of one group.

        Raises:
            Malformed: the group is not as AWS writes it.
        """
        key_id = text(group, "kmsKeyId")
        told = {
            "exists": True,
            # Every group is encrypted, without a customer's key with AWS's own (User Guide, "Encrypt log data").
            "encryption": "aws:kms" if key_id else "AES256",
            "kms_key_id": key_id,
            "retention_days": integer(group, "retentionInDays", NEVER),
        }
        key = (call.account_id, call.region, text(group, "logGroupName"))
        self._found[key] = min(self._found.get(key, told), told, key=repr)

    def columns(self, account_id: str, region: str, name: str) -> dict[str, Any]:
        """Return what is known of a group: that it is absent is known only where a whole listing does not show it."""
        if (account_id, region, name) in self._found:
            return self._found[account_id, region, name]
        call = "logs:DescribeLogGroups"
        whole = any(self._listings.complete(call, account_id, region, asked) for asked in ("", name))
        return {"exists": False} if whole else {}


def place(flow_log: FlowLog) -> tuple[str, str]:
    """Account and region of a flow log's destination: its own, but for a group or stream whose ARN says otherwise."""
    parts = flow_log.log_destination.split(":")
    at = {"cloud-watch-logs": 2, "kinesis-data-firehose": 3}.get(flow_log.log_destination_type, len(parts))
    region = parts[at] if at < len(parts) else ""
    return flow_log.destination_account_id or flow_log.account_id, region or flow_log.region


def destinations(
    flow_logs: Iterable[FlowLog], approved: Mapping[str, Approved], buckets: Buckets, groups: LogGroups
) -> tuple[Destination, ...]:
    """Make one row per destination in use.

    A bucket's account is not told by any of the calls: its row stands in the account (the first by id) of the flow logs
    that use it.
    """
    users: dict[str, list[FlowLog]] = {}
    for one in flow_logs:
        if one.log_destination:
            users.setdefault(one.log_destination, []).append(one)
    return tuple(_destination(users[name], approved, buckets, groups) for name in sorted(users))


def _destination(
    using: list[FlowLog], approved: Mapping[str, Approved], buckets: Buckets, groups: LogGroups
) -> Destination:
    one = using[0]
    account_id, region = min(map(place, using))
    told: dict[str, Any] = {"region": region}
    if one.bucket:
        told |= buckets.columns(one, tuple(sorted({user.account_id for user in using})))
    elif one.log_group:
        told |= groups.columns(account_id, region, one.log_group)
    name = next((name for name, candidate in approved.items() if candidate.accepts(one)), None)
    return Destination(
        log_destination=one.log_destination,
        log_destination_type=one.log_destination_type,
        account_id=account_id,
        approved=name is not None or not approved,  # none named: any will do
        approved_as=name or "",
        flow_log_ids=tuple(sorted(user.flow_log_id for user in using)),
        **told,
    )
