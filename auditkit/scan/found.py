"""What the flow logs lead to: buckets, log groups, delivery streams, roles and keys, each with who uses it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from auditkit.model.inventory import Call

# S3 user guide, "General purpose bucket naming rules", with the longer names of before 2018. A directory bucket
# (--x-s3) cannot be a flow log's destination.
_BUCKET = re.compile(r"arn:[^:]+:s3:::([A-Za-z0-9][A-Za-z0-9._-]{2,254})(?<!--x-s3)(?:/.*)?", re.DOTALL)
_STREAM = re.compile(r"arn:[^:]+:firehose:([a-z0-9-]{1,64}):(\d{12}):deliverystream/([a-zA-Z0-9_.-]{1,64})")
_ROLE = re.compile(r"arn:[^:]+:iam::(\d{12}):role/(?:[!-~]*/)?([\w+=,.@-]{1,64})", re.ASCII)
_KEY = re.compile(r"arn:[^:]+:kms:([a-z0-9-]{1,64}):(\d{12}):(?:key|alias)/[!-~]+")
_GROUP = re.compile(r"arn:[^:]*:logs:[^:]*:[^:]*:log-group:([^:]+)(?::.*)?", re.DOTALL)
_LIST = re.compile(r"pl-[0-9a-f]{1,32}")


class Thing(NamedTuple):
    """One thing of an account, as AWS wants to be asked about it."""

    account_id: str
    """Whose it is."""
    region: str
    """Where it is; `global` for a role."""
    name: str
    """Its name; of a key, what was configured."""


class Found:
    """What the flow logs read so far lead to; each thing once, with the accounts that use it."""

    def __init__(self) -> None:
        self.buckets: dict[str, set[str]] = defaultdict(set)
        """Name → accounts."""
        self.streams: dict[Thing, set[str]] = defaultdict(set)
        """Delivery stream → accounts."""
        self.roles: dict[Thing, set[str]] = defaultdict(set)
        """Role that delivers → accounts."""
        self.keys: dict[Thing, set[str]] = defaultdict(set)
        """KMS key → accounts."""

    def add(self, calls: Iterable[Call]) -> None:
        """Take note of what one account's region answered."""
        answers = list(calls)
        groups = log_groups(answers)
        for call, row in rows(answers, "DescribeFlowLogs", "FlowLogs"):
            destination = str(row.get("LogDestination") or "")
            if bucket := _BUCKET.fullmatch(destination):
                self.buckets[bucket[1]].add(call.account_id)
            if stream := _STREAM.fullmatch(destination):
                self.streams[Thing(stream[2], stream[1], stream[3])].add(call.account_id)
            for name in ("DeliverLogsPermissionArn", "DeliverCrossAccountRole"):
                if role := _ROLE.fullmatch(str(row.get(name) or "")):
                    self.roles[Thing(role[1], "global", role[2])].add(call.account_id)
        for call, row in rows(answers, "DescribeLogGroups", "logGroups"):
            if row.get("logGroupName") in groups:
                self.key(row.get("kmsKeyId"), call.account_id, call.account_id, call.region)

    def key(self, name: Any, user: str, owner: str = "", region: str = "") -> None:
        """Take note of a key.

        Args:
            name: its ARN or id, as configured; anything else is none.
            user: the account whose thing is encrypted with it.
            owner: the account whose key it is, if `name` does not say.
            region: the region of the key, if `name` does not say.
        """
        if not isinstance(name, str) or not name:
            return
        if told := _KEY.fullmatch(name):
            self.keys[Thing(told[2], told[1], name)].add(user)
        elif owner and region and not name.startswith("arn:"):
            self.keys[Thing(owner, region, name)].add(user)


def rows(calls: Iterable[Call], operation: str, key: str) -> Iterator[tuple[Call, dict[str, Any]]]:
    """Give the rows that an operation answered, each with its call."""
    for call in calls:
        if call.operation == operation and call.answer:
            yield from ((call, row) for row in call.answer.get(key, ()))


def log_groups(calls: Iterable[Call]) -> set[str]:
    """Return the log groups that flow logs write to."""
    found = (_group(row) for _, row in rows(calls, "DescribeFlowLogs", "FlowLogs"))
    return {name for name in found if name}


def _group(row: dict[str, Any]) -> str:
    # Answers of old flow logs have no type, and name their group only here.
    arn, name = str(row.get("LogDestination") or ""), str(row.get("LogGroupName") or "")
    told = _GROUP.fullmatch(arn)
    kind = row.get("LogDestinationType") or ("cloud-watch-logs" if name or told else "")
    if kind != "cloud-watch-logs":
        return ""
    return told[1] if told else name


def prefix_lists(calls: list[Call], named: Collection[str] = ()) -> list[str]:
    """Return the prefix lists that security groups and routes refer to, and those of an id or name asked for, sorted."""
    found = (
        {
            one.get("PrefixListId")
            for _, group in rows(calls, "DescribeSecurityGroups", "SecurityGroups")
            for way in ("IpPermissions", "IpPermissionsEgress")
            for rule in group.get(way, ())
            for one in rule.get("PrefixListIds", ())
        }
        | {
            route.get("DestinationPrefixListId")
            for _, table in rows(calls, "DescribeRouteTables", "RouteTables")
            for route in table.get("Routes", ())
        }
        | {
            one.get("PrefixListId")
            for _, one in rows(calls, "DescribeManagedPrefixLists", "PrefixLists")
            if one.get("PrefixListId") in named or one.get("PrefixListName") in named
        }
    )
    return sorted(one for one in found if isinstance(one, str) and _LIST.fullmatch(one))
