"""Coverage once more, naively: every rule of the contract as a loop over lists, nothing indexed, nothing cached.

The unknown rule is taken at its word: every resource is judged twice, with whatever is undecided (a flow log, a level
whose listing was not read, a baseline whose tags were not read) taken as absent and as perfect.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from auditkit.model.flow_logs import FlowLog
from auditkit.model.inventory import Inventory

STATES = ["none", "failing", "partial", "misdirected", "malformed", "complete"]
WORDS = {
    frozenset(): "NONE",
    frozenset({"ACCEPT"}): "ACCEPT",
    frozenset({"REJECT"}): "REJECT",
    frozenset({"ACCEPT", "REJECT"}): "ALL",
}
CARRIES = {word: traffic for traffic, word in WORDS.items()}
NOT_OF_TRANSIT_GATEWAYS = {
    "interface-id",
    "action",
    "vpc-id",
    "subnet-id",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "reject-reason",
}
"""Of the fields that the estates ask for: those that no record of a transit gateway has."""
NOT_OF_VPCS = {"tgw-id", "packets-lost-blackhole"}


@dataclass(frozen=True)
class Wanted:
    """A baseline as somebody would write it down."""

    name: str
    match: dict[str, dict[str, str]] | None  # tag column → key → value; None fits everything
    traffic: str
    destinations: tuple[str, ...] | None
    fields: tuple[str, ...]
    interval: int | None


@dataclass(frozen=True)
class Place:
    """An approved bucket below a prefix, or an approved log group of an account."""

    bucket: str = ""
    prefix: str = ""
    log_group: str = ""
    account: str = ""


@dataclass(frozen=True)
class Row:
    """What can be said of one resource."""

    state: str
    at_least: str
    delivered: str | None
    approved: str | None
    conforming: str | None
    flow_log_ids: tuple[str, ...]
    baseline: str | None
    members: str | None = "-"
    since: datetime | None = None


class Oracle:
    """One estate, one set of baselines."""

    def __init__(
        self,
        inventory: Inventory,
        arrivals: dict[str, datetime],
        wanted: list[Wanted],
        places: dict[str, Place],
        nat_seen: set[tuple[str, str]],
    ):
        self.inventory, self.arrivals, self.wanted, self.places, self.nat_seen = (
            inventory,
            arrivals,
            wanted,
            places,
            nat_seen,
        )
        self.scope = {a.account_id for a in inventory.accounts if a.status == "in_scope"}

    # what was read

    def listed(self, table: str, account_id: str, region: str) -> bool:
        if account_id not in self.inventory.regions or region not in self.inventory.regions[account_id]:
            return False
        for u in self.inventory.unread:
            if (
                u.table in (table, "*")
                and u.account_id in (account_id, "*")
                and u.region in (region, "*")
                and u.resource == ""
            ):
                return False
        return True

    def vpc(self, vpc_id: str) -> Any:
        for v in self.inventory.vpcs:
            if v.vpc_id == vpc_id:
                return v
        return None

    def on(self, resource_id: str) -> list[FlowLog]:
        return [log for log in self.inventory.flow_logs if log.resource_id == resource_id]

    # one flow log

    def delivers(self, log: FlowLog) -> bool | None:
        absent = any(
            d.log_destination == log.log_destination and d.exists is False for d in self.inventory.destinations
        )
        not_active = log.flow_log_status not in ("ACTIVE", "")  # no answer is no sign against
        if log.deliver_logs_status == "FAILED" or log.deliver_logs_error_message or not_active or absent:
            return False
        if log.traffic_type is None:  # what it carries is not known, so neither is what it delivers
            return None
        if log.flow_log_status == "ACTIVE" and log.deliver_logs_status == "SUCCESS":
            return True
        arrival = self.arrivals.get(log.flow_log_id)
        if arrival is not None and self.inventory.as_of - arrival <= timedelta(days=1):
            return True
        return None

    def approves(self, wanted: Wanted, log: FlowLog) -> bool:
        if wanted.destinations is None:
            return True
        for name in wanted.destinations:
            place = self.places[name]
            same_bucket = place.bucket and log.log_destination_type == "s3" and log.bucket == place.bucket
            key = f"{log.prefix}/AWSLogs/file".lstrip("/")
            if same_bucket and (not place.prefix or key.startswith(f"{place.prefix}/")):
                return True
            groups = place.log_group and log.log_destination_type == "cloud-watch-logs"
            owner = log.log_destination.split(":")[1]
            if groups and log.log_group == place.log_group and place.account in ("", owner):
                return True
        return False

    def conforms(self, wanted: Wanted, log: FlowLog) -> bool:
        impossible = NOT_OF_TRANSIT_GATEWAYS if log.kind == "transit-gateway" else NOT_OF_VPCS
        if any(f not in log.fields for f in wanted.fields if f not in impossible):
            return False
        return wanted.interval is None or log.max_aggregation_interval <= wanted.interval

    # one set of flow logs

    def sets(self, wanted: Wanted, logs: list[FlowLog]) -> list[frozenset[str]]:
        delivered: frozenset[str] = frozenset()
        approved: frozenset[str] = frozenset()
        conforming: frozenset[str] = frozenset()
        for log in logs:
            traffic = CARRIES[log.traffic_type or "NONE"]
            delivered |= traffic
            approved |= traffic if self.approves(wanted, log) else frozenset()
            conforming |= traffic if self.approves(wanted, log) and self.conforms(wanted, log) else frozenset()
        return [delivered, approved, conforming]

    def state(self, wanted: Wanted, sets: list[frozenset[str]], *, applies: bool) -> str:
        delivered, approved, conforming = sets
        all_of_it = CARRIES[wanted.traffic]
        if conforming >= all_of_it:
            return "complete"
        if approved >= all_of_it:
            return "malformed"
        if delivered >= all_of_it:
            return "misdirected"
        if delivered:
            return "partial"
        return "failing" if applies else "none"

    def baselines(self, tags: dict[str, dict[str, str] | None]) -> list[Wanted]:
        """Every baseline that may be the first that fits."""
        out = []
        for wanted in self.wanted:
            verdicts = [
                None if tags[column] is None else tags[column].get(key, "") == value  # type: ignore[union-attr]
                for column, pairs in (wanted.match or {}).items()
                for key, value in pairs.items()
            ]
            if False in verdicts:
                continue
            out.append(wanted)
            if None not in verdicts:
                break
        return out

    def judge(
        self, logs: list[FlowLog], tags: dict[str, Any], *, unread: bool, doubtful: frozenset[str] = frozenset()
    ) -> Row:
        """Judge twice under every baseline that it may have.

        Args:
            logs: the flow logs that apply.
            tags: column → tags, None where not read.
            unread: whether a level was not read.
            doubtful: flow logs of which it is not known that they apply.
        """
        decided = [log for log in logs if self.delivers(log) is not None and log.flow_log_id not in doubtful]
        open_ = unread or len(decided) < len(logs)
        delivering = [log for log in decided if self.delivers(log)]
        candidates = self.baselines(tags)
        lows, highs, shown = [], [], []
        for wanted in candidates:
            sets = self.sets(wanted, delivering)
            lows.append(self.state(wanted, sets, applies=bool(decided)))
            highs.append("complete" if open_ else lows[-1])
            shown.append([WORDS[s] if not open_ or WORDS[s] == "ALL" else None for s in sets])
        low, high = min(lows, key=STATES.index), max(highs, key=STATES.index)
        columns = [one[0] if all(o == one[0] for o in one) else None for one in zip(*shown, strict=True)]
        ids = tuple(sorted({log.flow_log_id for log in logs}))
        known = candidates[0] if len(candidates) == 1 else None
        since = self.since(known, delivering, low) if known and low == high else None
        return Row(low if low == high else "unknown", low, *columns, ids, known.name if known else None, since=since)

    def since(self, wanted: Wanted, delivering: list[FlowLog], state: str) -> datetime | None:
        for moment in sorted({log.creation_time for log in delivering if log.creation_time}):
            older = [log for log in delivering if log.creation_time and log.creation_time <= moment]
            if self.state(wanted, self.sets(wanted, older), applies=True) == state:
                return moment
        return None

    # resources

    def tags(
        self, account_id: str, vpc_id: str = "", subnet_id: str = "", interface: dict[str, str] | None = None
    ) -> dict[str, Any]:
        vpc = self.vpc(vpc_id)
        subnet = next((s for s in self.inventory.subnets if s.subnet_id == subnet_id), None)
        account = next((a for a in self.inventory.accounts if a.account_id == account_id), None)
        return {
            "vpc_tags": {} if not vpc_id else vpc.vpc_tags if vpc else None,
            "subnet_tags": {} if not subnet_id else subnet.subnet_tags if subnet else None,
            "interface_tags": interface or {},
            "account_tags": account.account_tags if account else None,
        }

    def interface(self, i: Any) -> Row:
        vpc = self.vpc(i.vpc_id)
        unread = (
            not self.listed("flow_logs", i.account_id, i.region)
            or vpc is None
            or not self.listed("flow_logs", vpc.account_id, i.region)
        )
        logs = self.on(i.interface_id) + self.on(i.subnet_id) + self.on(i.vpc_id)
        return self.judge(logs, self.tags(i.account_id, i.vpc_id, i.subnet_id, i.interface_tags), unread=unread)

    def members(self, region: str, owner: str, seen_from: tuple[str, ...], inside: list[Any]) -> str | None:
        rows = [self.interface(i) for i in inside]
        lows = [STATES.index(r.at_least) for r in rows]
        highs = [STATES.index("complete" if r.state == "unknown" else r.state) for r in rows]
        if not all(self.listed("network_interfaces", a, region) for a in {owner, *seen_from}):
            return "none" if highs and min(highs) == 0 else None  # one that was not seen may be the worst
        if not rows:
            return "empty"
        return STATES[min(lows)] if min(lows) == min(highs) else None

    def attachment(self, a: Any) -> Row:
        if a.attached_type == "connect":
            carrier = next(
                (
                    t
                    for t in self.inventory.transit_gateway_attachments
                    if t.transit_gateway_attachment_id == a.transport_attachment_id
                ),
                None,
            )
            return self.attachment(carrier) if carrier else Row("unknown", "none", None, None, None, (), None)
        logs = self.on(a.transit_gateway_attachment_id) + self.on(a.transit_gateway_id)
        tags = self.tags(a.account_id, a.attached_id if a.attached_type == "vpc" else "")
        return self.judge(logs, tags, unread=not self.listed("flow_logs", a.account_id, a.region))

    def rows(self) -> dict[tuple[str, str], Row]:  # noqa: C901 - one kind of resource after the other
        """Every row, by type and id."""
        estate = self.inventory
        out: dict[tuple[str, str], Row] = {}
        for i in estate.network_interfaces:
            if i.account_id in self.scope:
                out["network-interface", i.interface_id] = self.interface(i)
        for kind, things in (("subnet", estate.subnets), ("vpc", estate.vpcs)):
            for t in things:
                if t.account_id not in self.scope:
                    continue
                id_ = t.subnet_id if kind == "subnet" else t.vpc_id
                logs = self.on(id_) + (self.on(t.vpc_id) if kind == "subnet" else [])
                tags = self.tags(t.account_id, t.vpc_id, id_ if kind == "subnet" else "")
                row = self.judge(logs, tags, unread=not self.listed("flow_logs", t.account_id, t.region))
                inside = [i for i in estate.network_interfaces if id_ in (i.subnet_id, i.vpc_id)]
                out[kind, id_] = Row(
                    **{**row.__dict__, "members": self.members(t.region, t.account_id, t.seen_from, inside)}
                )
        for t in estate.transit_gateways:
            if t.account_id in self.scope:
                unread = not self.listed("flow_logs", t.account_id, t.region)
                out["transit-gateway", t.transit_gateway_id] = self.judge(
                    self.on(t.transit_gateway_id), self.tags(t.account_id), unread=unread
                )
        for a in estate.transit_gateway_attachments:
            if a.account_id in self.scope:
                out["transit-gateway-attachment", a.transit_gateway_attachment_id] = self.attachment(a)
        for n in estate.nat_gateways:
            if n.account_id in self.scope and n.availability_mode == "regional":
                above = self.on(n.vpc_id)
                # Whether a log of the VPC speaks of it only its records show; one that delivers nothing is no better for them.
                seen = {log_id for nat_id, log_id in self.nat_seen if nat_id == n.nat_gateway_id}
                doubtful = frozenset(
                    log.flow_log_id for log in above if log.flow_log_id not in seen and self.delivers(log) is not False
                )
                unread = not self.listed("flow_logs", n.account_id, n.region)
                out["nat-gateway", n.nat_gateway_id] = self.judge(
                    self.on(n.nat_gateway_id) + above,
                    self.tags(n.account_id, n.vpc_id),
                    unread=unread,
                    doubtful=doubtful,
                )
        return out
