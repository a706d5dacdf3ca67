"""What collecting would ask, read, take and cost; reads no log object and writes no file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from auditkit.audit import prices, saved
from auditkit.audit.asking import look
from auditkit.audit.collect import Collector
from auditkit.audit.counting import Counted, count, elsewhere
from auditkit.audit.foretelling import Records, reading
from auditkit.audit.scoping import Days
from auditkit.inventory.accounts import not_asked
from auditkit.model.inventory import Account, Call, Inventory
from auditkit.run import iso

_PAGE = 20
"""Accounts that organizations:ListAccounts gives at once."""
_ROLE = ("GetRole", "ListRolePolicies", "ListAttachedRolePolicies")


@dataclass(frozen=True)
class Plan:
    """The plan."""

    period: dict[str, str]
    """Start and end."""
    accounts: tuple[Account, ...]
    """Of the organization and of auditkit.yaml."""
    regions: dict[str, tuple[str, ...]]
    """Account → regions asked."""
    calls: Counter[str]
    """service:Operation → calls, at least: further pages are not known."""
    counted: Counted
    """Log objects."""
    reads: bool
    """Whether records.mode has them read."""
    budget: tuple[int, int]
    """records.budget: objects, bytes."""
    elsewhere: int
    """Bytes that leave their region."""
    unlisted: tuple[str, ...]
    """What could not be asked or listed, in words: the numbers are without it."""
    unsaid: tuple[str, ...]
    """What was assumed, because nothing said it."""
    records: Records
    """What of the records would be read, and what that could show."""

    @property
    def not_known(self) -> tuple[str, ...]:
        """Everything that a reader has to know of the numbers."""
        return (*self.unlisted, *self.unsaid)

    @property
    def verdict(self) -> str:
        """What records.budget says: within, over, not known, or nothing is read."""
        if not self.reads:
            return "nothing is read"
        if self.counted.objects > self.budget[0] or self.counted.bytes > self.budget[1]:
            return "over"
        return "not known" if self.unlisted else "within"

    @property
    def minutes(self) -> dict[str, float]:
        """How long each part takes, by the rates assumed."""
        at_once = prices.ANSWER.value / prices.TOGETHER.value
        asked = sum(n for name, n in self.calls.items() if name not in ("s3:ListObjectsV2", "s3:GetObject")) * at_once
        asked = max(asked, self.calls["organizations:ListTagsForResource"] / prices.TAGS.value)
        reading = 0.0
        if self.reads:
            waiting = self.counted.remote * prices.ANSWER.value / prices.FETCHES.value
            reading = max(waiting, self.counted.bytes / prices.THROUGHPUT.value)
        parts = {"asking": asked, "listing": self.counted.listings * at_once, "reading": reading}
        return {name: seconds / 60 for name, seconds in parts.items()} | {"total": sum(parts.values()) / 60}

    @property
    def cost(self) -> dict[str, float]:
        """USD, by the prices assumed; transfer between regions, as if auditkit ran in the caller's."""
        others = sum(n for name, n in self.calls.items() if name.startswith("s3") and name != "s3:ListObjectsV2")
        parts = {
            "list": self.calls["s3:ListObjectsV2"] / 1000 * prices.LIST.value,
            "get": others / 1000 * prices.GET.value,
            "transfer": self.elsewhere / 1e9 * prices.TRANSFER.value,
        }
        return parts | {"total": sum(parts.values())}

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        counted = self.counted
        return {
            "schema": "auditkit/plan/1",
            "period": self.period,
            "accounts": [
                {
                    "account_id": a.account_id,
                    "name": a.name,
                    "status": status(a),
                    "by": a.excluded_by,
                    "until": a.excluded_until,
                    "reason": reason(a),
                }
                for a in self.accounts
            ],
            "regions": {account: list(some) for account, some in sorted(self.regions.items())},
            "calls": dict(sorted(self.calls.items())),
            "log_objects": {
                "objects": counted.objects,
                "bytes": counted.bytes,
                "foreign_keys": counted.foreign,
                "whole": not self.unlisted,
            },
            "minutes": {name: round(value, 2) for name, value in self.minutes.items()},
            "cost_usd": {name: round(value, 4) for name, value in self.cost.items()},
            "records": {**self.records.as_json(), "not_drawn_objects": counted.left},
            "budget": {"objects": self.budget[0], "bytes": self.budget[1], "verdict": self.verdict},
            "not_known": list(self.not_known),
            "assumptions": {
                "prices": {"as_of": prices.AS_OF, "source": prices.SOURCE, **_told(prices.PRICES)},
                "rates": _told(prices.RATES),
                "notes": [prices.FREE, prices.NOT_COUNTED],
            },
        }


def plan(collector: Collector) -> Plan:
    """Plan what a collector would do.

    Raises:
        AuditkitError: as collecting would: the period, the caller or the accounts.
        NothingInScope: nothing is left to audit.
    """
    scoping = collector.scoping
    model = collector.config.model
    days = Days(*collector.period())
    days.check(scoping.clock, interim=collector.interim)
    calls: list[Call] = []
    home = ""
    if model.snapshot is None:
        meta, calls, home = look(scoping, collector.aws(), collector.tick)
        estate = scoping.estate(meta, calls)
    else:
        meta, told = saved.look(collector.config.local(model.snapshot))
        estate = scoping.estate(scoping.scoped(meta), told)
    sources = scoping.sources(estate, collector.aws, days)
    records, drawn = reading(collector, estate)
    counted = count(sources, days, scoping, collector.tick, drawn)
    away, unsaid = elsewhere(sources, counted, home) if model.records.mode != "none" else (0, [])
    asked = _calls(estate, calls, scoping.wanted().events_from is not None) if calls else Counter()
    asked["s3:ListObjectsV2"] = counted.listings
    asked["s3:GetObject"] = counted.remote if model.records.mode != "none" else 0
    asked.update(counted.calls)
    return Plan(
        period={"start": iso(days.start), "end": iso(days.end)},
        accounts=estate.accounts,
        regions={account: some for account, some in estate.regions.items() if scoping.narrowing.place(account, "*")},
        calls=+asked,
        counted=counted,
        reads=model.records.mode != "none",
        budget=(model.records.budget.objects, model.records.budget.bytes),
        elsewhere=away,
        unlisted=(*_refused(calls), *counted.failed),
        unsaid=tuple(unsaid),
        records=records,
    )


def status(account: Account) -> str:
    """In scope, excluded, suspended or not asked."""
    return "not asked" if not_asked(account) else account.status.replace("_", " ")


def reason(account: Account) -> str:
    """Why an account is not in scope; of one in scope, that its role was refused."""
    return account.reason if account.status != "in_scope" or "AssumeRole" in account.reason else ""


def _calls(estate: Inventory, made: Sequence[Call], events: bool) -> Counter[str]:  # noqa: FBT001 - private, one caller
    """What scanning would ask, each listing counted once."""
    from auditkit.scan.buckets import SETTINGS  # noqa: PLC0415 - boto3 is heavy, and a saved snapshot does without
    from auditkit.scan.found import Found, log_groups  # noqa: PLC0415
    from auditkit.scan.network import EVENTS, LISTS  # noqa: PLC0415

    once = ("GetCallerIdentity", "DescribeOrganization", "AssumeRole", "DescribeRegions")
    out = Counter(call.name for call in made if call.operation in once)
    found = Found()
    found.add(made)
    listed = any(call.operation == "ListAccounts" for call in made)
    answering = {a: some for a, some in estate.regions.items() if some}
    if listed:
        out["organizations:ListAccounts"] = max(1, ceil(len(estate.accounts) / _PAGE))
        out["organizations:ListTagsForResource"] = sum(a.status == "in_scope" for a in estate.accounts)
    for account, some in answering.items():
        for region in some:
            out.update(f"ec2:{operation}" for operation in LISTS)
            out.update(["cloudtrail:LookupEvents"] * len(EVENTS) * events)
            groups = log_groups(c for c in made if (c.account_id, c.region) == (account, region))
            out.update(["logs:DescribeLogGroups"] * bool(groups) + ["logs:DescribeLogStreams"] * len(groups))
    for operation in ("HeadBucket", *SETTINGS):
        out[f"s3:{operation}"] += len(found.buckets)
    out["s3control:GetPublicAccessBlock"] += bool(found.buckets)
    out["firehose:DescribeDeliveryStream"] += len(found.streams)
    for operation in _ROLE:
        out[f"iam:{operation}"] += len(found.roles)
    return out


def _refused(calls: Sequence[Call]) -> Iterator[str]:
    what = {
        "AssumeRole": "everything of account {0.account_id}",
        "DescribeRegions": "everything of account {0.account_id}",
        "DescribeFlowLogs": "log objects of account {0.account_id} in {0.region}",
        "ListAccounts": "the accounts of the organization",
    }
    for call in calls:
        if call.error and call.operation in what:
            said = f"{call.error.get('code', '')}: {call.error.get('message', '')}"
            yield f"{what[call.operation].format(call)} ({call.name}: {said})"


def _told(assumptions: Sequence[prices.Assumption]) -> dict[str, str]:
    return {a.name: f"{a.value:,g} {a.unit}" for a in assumptions}
