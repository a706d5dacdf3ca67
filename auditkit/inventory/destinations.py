"""Where flow logs go: one row per destination in use, with what AWS says of it and of its key.

What does not apply to a kind of destination says so (`-`, FALSE or 0), so that NULL means: could not be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from auditkit.inventory.answers import Malformed, Row, integer, required, text
from auditkit.inventory.buckets import Buckets
from auditkit.inventory.keys import ENCRYPTS, KEEPS, NO_KEY, Keys
from auditkit.inventory.patterns import Text
from auditkit.inventory.roles import Roles
from auditkit.inventory.streams import DeliveryStreams
from auditkit.inventory.unread import Listings
from auditkit.inventory.writers import Organization, Writer, delivering, delivery, service, writer
from auditkit.model.flow_logs import Approved, Destination, FlowLog
from auditkit.model.inventory import Call, Unread
from auditkit.model.tables import NEVER

_NO_BUCKET: dict[str, Any] = {
    "delivery_policy": "-",
    "delivery_policy_width": "-",
    "public": False,
    "object_ownership": "-",
    "object_lock_days": 0,
    "access_logging": False,
}
_NO_GROUP: dict[str, Any] = {"log_group_class": "-"}
_NO_STREAM: dict[str, Any] = {"delivery_stream_status": "-"}


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
            # Before there were classes, all groups were what is now called STANDARD.
            "log_group_class": _class(text(group, "logGroupClass") or "STANDARD"),
        }
        key = (call.account_id, call.region, required(group, "logGroupName"))
        if self._found.setdefault(key, told) != told:
            self._found[key] = {"exists": True}
            raise Malformed("a log group is told of twice, and not the same")

    def columns(self, account_id: str, region: str, name: str) -> dict[str, Any]:
        """Return what is known of a group: that it is absent is known only where a whole listing does not show it."""
        if (account_id, region, name) in self._found:
            return self._found[account_id, region, name]
        call = "logs:DescribeLogGroups"
        whole = any(self._listings.complete(call, account_id, region, asked) for asked in ("", name))
        return {"exists": False} if whole else {}


def _class(word: str) -> str | None:
    """Return a class that is known; what a newer one cannot do is not known."""
    return word if word in ("STANDARD", "INFREQUENT_ACCESS", "DELIVERY") else None


def place(flow_log: FlowLog) -> tuple[str, str]:
    """Account and region of a flow log's destination: its own, but for a group or stream whose ARN says otherwise."""
    parts = flow_log.log_destination.split(":")
    at = {"cloud-watch-logs": 2, "kinesis-data-firehose": 3}.get(flow_log.log_destination_type, len(parts))
    region = parts[at] if at < len(parts) else ""
    return flow_log.destination_account_id or flow_log.account_id, region or flow_log.region


def _accepts(candidate: Approved, flow_log: FlowLog, owner: str | None) -> bool:
    """A bucket of the right name is not the approved one if it is proven to be another account's."""
    another = candidate.type == "s3" and candidate.account and owner and owner != candidate.account
    return not another and candidate.accepts(flow_log)


class Destinations:
    """What was said of destinations, of their keys, and of the roles by which flow logs reach them."""

    def __init__(self, as_of: datetime, groups: LogGroups) -> None:
        self._groups = groups
        self._buckets = Buckets(as_of)
        self._keys = Keys()
        self._streams = DeliveryStreams()
        self._roles = Roles()
        self.readers = {
            "s3": self._buckets.note,
            "s3control": self._buckets.note,
            "kms": self._keys.note,
            "firehose": self._streams.note,
            "iam": self._roles.note,
        }
        """Service → who takes note of its calls."""

    def unread(self) -> Iterator[Unread]:
        """Every question that nobody was answered; complete once the rows were made."""
        for one in (self._buckets, self._keys, self._streams, self._roles):
            yield from one.unread()

    def rows(
        self, flow_logs: Iterable[FlowLog], approved: Mapping[str, Approved], organization: Organization
    ) -> tuple[tuple[FlowLog, ...], tuple[Destination, ...]]:
        """Make one row per destination in use, and judge the role of each flow log."""
        users: dict[tuple[str, ...], list[FlowLog]] = {}
        logs = tuple(flow_logs)
        for one in logs:
            # Where AWS told no destination, there is one nevertheless, of which nothing is known.
            key = (one.log_destination,) if one.log_destination else ("", one.account_id, one.region)
            users.setdefault(key, []).append(one)
        rows = [self._destination(users[key], approved, organization) for key in sorted(users)]
        there = {row.log_destination: row.exists for row in rows}
        judged = tuple(
            replace(
                one, deliver_role=self._roles.verdict(one, organization, group_exists=there.get(one.log_destination))
            )
            for one in logs
        )
        return judged, tuple(rows)

    def _destination(
        self, using: list[FlowLog], approved: Mapping[str, Approved], organization: Organization
    ) -> Destination:
        one = using[0]
        account_id, region = min(map(place, using))
        told: dict[str, Any] = {"region": region}
        if one.bucket:
            told |= _NO_GROUP | _NO_STREAM | self._bucket(using, told, organization)
        elif one.log_group:
            told |= _NO_BUCKET | _NO_STREAM | {"owner_account_id": account_id}
            told |= self._group(account_id, region, one.log_group, organization)
        elif one.delivery_stream:
            told |= _NO_BUCKET | _NO_GROUP | {"owner_account_id": account_id}
            told |= self._stream(account_id, region, one.delivery_stream)
        owner = told.get("owner_account_id")
        in_organization = organization.has(owner) if owner else None
        name = next((name for name, candidate in approved.items() if _accepts(candidate, one, owner)), None)
        return Destination(
            log_destination=one.log_destination,
            log_destination_type=one.log_destination_type,
            account_id=owner if owner and in_organization else account_id,
            approved=name is not None or not approved,  # none named: any will do
            approved_as=name or "",
            owner_in_organization=in_organization,
            flow_log_ids=tuple(sorted(user.flow_log_id for user in using)),
            **told,
        )

    def _bucket(self, using: list[FlowLog], at: Mapping[str, Any], organization: Organization) -> dict[str, Any]:
        writers = frozenset(map(writer, using))
        told = dict(at) | self._buckets.columns(using[0].bucket, using[0].prefix, writers, organization)
        if not (told.get("encryption") or "").startswith("aws:kms"):
            return told | (NO_KEY if told.get("encryption") else {})
        return told | self._bucket_key(told, writers, organization)

    def _bucket_key(
        self, told: Mapping[str, Any], writers: frozenset[Writer], organization: Organization
    ) -> dict[str, Any]:
        owner, accounts = told["owner_account_id"], {one.account_id for one in writers}
        key: dict[str, Any]
        if told["kms_key_id"]:
            asks = [
                (delivery(organization.partition), delivering(one.account_id, one.region, organization))
                for one in sorted(writers)
            ]
            where = owner or min(accounts)
            key = self._keys.columns(told["kms_key_id"], where, told["region"], asks, ENCRYPTS)
        else:
            # S3 then takes the key aws/s3, which nobody can disable or delete.
            key = {"kms_key_state": "Enabled", "kms_key_manager": "AWS"}
        foreign = len(accounts) > 1 or (owner is not None and accounts != {owner})
        if key.get("kms_key_manager") == "AWS" and foreign:
            key["kms_key_policy"] = "refuses"  # a key of AWS's serves its own account alone
        return key

    def _group(self, account_id: str, region: str, name: str, organization: Organization) -> dict[str, Any]:
        told = dict(self._groups.columns(account_id, region, name))
        if not told.get("kms_key_id"):
            return told | (NO_KEY if told.get("exists") else {})
        partition = organization.partition
        # The one condition of AWS's example; other keys of the request are not documented.
        arn = Text(f"arn:{partition}:logs:{region}:{account_id}:log-group:{name}")
        ask = service(f"logs.{region}.amazonaws.com", partition), {"kms:encryptioncontext:aws:logs:arn": (arn,)}
        return told | self._keys.columns(told["kms_key_id"], account_id, region, [ask], KEEPS)

    def _stream(self, account_id: str, region: str, name: str) -> dict[str, Any]:
        told = self._streams.columns(account_id, region, name)
        if "encryption" not in told:
            return told
        if told["encryption"] == "none":
            return told | NO_KEY
        if not told["kms_key_id"]:
            return told | {"kms_key_state": "Enabled", "kms_key_manager": "AWS", "kms_key_policy": "-"}
        # Firehose uses a customer's key by a grant, which no policy tells.
        key = self._keys.columns(told["kms_key_id"], account_id, region, [], ())
        return told | key | {"kms_key_policy": "-"}
