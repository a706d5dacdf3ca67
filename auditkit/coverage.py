"""Snapshot → one coverage row per resource (pure).

Which flow logs apply to a resource, whether they deliver, and what they add up to: traffic, place, form.
Three nested sets of traffic, unions over the logs that deliver: delivered ⊇ approved ⊇ conforming.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from auditkit.config.schema import Baseline
from auditkit.model.condition import COVERAGE_STATES, truth
from auditkit.model.coverage import Coverage
from auditkit.model.inventory import (
    Approved,
    Destination,
    FlowLog,
    Inventory,
    NatGateway,
    NetworkInterface,
    Subnet,
    TransitGateway,
    TransitGatewayAttachment,
    Vpc,
)
from auditkit.model.records import BY_NAME

ACCEPT, REJECT, BOTH = 1, 2, 3
TRAFFIC = {"ALL": BOTH, "ACCEPT": ACCEPT, "REJECT": REJECT, "NONE": 0}
WORDS = {mask: word for word, mask in TRAFFIC.items()}
RECENT = timedelta(days=1)
"""An object or event this young shows that a flow log delivers."""

Level = tuple[str, FlowLog]
"""How a flow log applies (resource, subnet, vpc, transit-gateway), and the flow log."""


def delivers(log: FlowLog, destination: Destination | None, as_of: datetime) -> tuple[bool | None, str]:
    """Tell whether a flow log delivers, and why. A sign against outweighs SUCCESS; no sign at all is undecided.

    `FlowLogStatus` ACTIVE alone proves nothing: AWS has answered it beside an access error.
    """
    if log.deliver_logs_error_message:
        return False, f"delivery error: {log.deliver_logs_error_message}"
    if log.deliver_logs_status == "FAILED":
        return False, "DeliverLogsStatus is FAILED"
    if log.flow_log_status and log.flow_log_status != "ACTIVE":
        return False, f"FlowLogStatus is {log.flow_log_status}"
    if destination is not None and destination.exists is False:
        return False, f"the destination {log.log_destination} does not exist"
    if log.traffic_type is None:
        return None, "TrafficType was not answered"
    if log.last_arrival is not None and as_of - log.last_arrival <= RECENT:
        return True, f"an object arrived at {log.last_arrival:%Y-%m-%dT%H:%MZ}"
    if log.deliver_logs_status == "SUCCESS" and log.flow_log_status == "ACTIVE":
        return True, "DeliverLogsStatus is SUCCESS"
    return None, "AWS answered no delivery status, and nothing of it was seen in the last day"


def with_delivery(inventory: Inventory, arrivals: Mapping[str, datetime]) -> Inventory:
    """Fill in `delivers` of every flow log.

    Args:
        inventory: as read.
        arrivals: flow log id → slot of its newest object.
    """
    by_destination = {d.log_destination: d for d in inventory.destinations}
    logs = []
    for log in inventory.flow_logs:
        seen = replace(log, last_arrival=arrivals.get(log.flow_log_id, log.last_arrival))
        verdict, why = delivers(seen, by_destination.get(log.log_destination), inventory.as_of)
        logs.append(replace(seen, delivers=verdict, delivers_reason=why))
    return replace(inventory, flow_logs=tuple(logs))


@dataclass(frozen=True)
class _Verdict:
    """What some flow logs add up to under one baseline."""

    state: str
    at_least: str
    delivered: int | None
    approved: int | None
    conforming: int | None
    via: str | None
    redundant: tuple[str, ...]
    since: datetime | None
    reasons: tuple[str, ...]


def state_of(delivered: int, approved: int, conforming: int, wanted: int, *, applies: bool) -> str:
    """Name the state of three nested sets of traffic."""
    if conforming & wanted == wanted:
        return "complete"
    if approved & wanted == wanted:
        return "malformed"
    if delivered & wanted == wanted:
        return "misdirected"
    if delivered:
        return "partial"
    return "failing" if applies else "none"


@dataclass(frozen=True)
class Judge:
    """Judges sets of flow logs under baselines."""

    approved: Mapping[str, Approved]
    """Name → approved destination."""

    def approves(self, baseline: Baseline, log: FlowLog) -> bool:
        """Tell whether the log writes to a destination that the baseline approves."""
        return baseline.destinations is None or any(self.approved[name].accepts(log) for name in baseline.destinations)

    def faults(self, baseline: Baseline, log: FlowLog) -> list[str]:
        """What keeps the log from conforming, beyond its destination."""
        wanted = (name for name in baseline.fields if log.kind in BY_NAME[name].kinds)
        missing = [name for name in wanted if name not in log.fields]
        out = [f"lacks the field{'s' if len(missing) > 1 else ''} {', '.join(missing)}"] if missing else []
        limit = baseline.max_aggregation_interval
        if limit is not None and log.max_aggregation_interval > limit:
            out.append(f"aggregates over {log.max_aggregation_interval} s, more than {limit} s")
        return out

    def sets(self, baseline: Baseline, logs: Iterable[FlowLog]) -> tuple[int, int, int]:
        """Union of the traffic that delivering logs deliver, approve and conform to."""
        delivered = approved = conforming = 0
        for log in logs:
            if log.delivers:
                mask = TRAFFIC[log.traffic_type or "NONE"]
                delivered |= mask
                if self.approves(baseline, log):
                    approved |= mask
                    if not self.faults(baseline, log):
                        conforming |= mask
        return delivered, approved, conforming

    def verdict(self, baseline: Baseline, levels: Sequence[Level], unread: Sequence[str]) -> _Verdict:
        """Judge one resource: once with everything undecided absent, once with it perfect.

        Args:
            baseline: what is wanted.
            levels: the flow logs that apply, nearest first.
            unread: what could not be read, in words; empty when every level was.
        """
        wanted = TRAFFIC[baseline.traffic]
        decided = [log for _, log in levels if log.delivers is not None]
        undecided = [log for _, log in levels if log.delivers is None]
        sets = self.sets(baseline, decided)
        low = state_of(*sets, wanted, applies=bool(decided))
        open_ends = bool(undecided or unread)
        state = "unknown" if open_ends and low != "complete" else low
        shown = [None if open_ends and mask != BOTH else mask for mask in sets]
        return _Verdict(
            state, low, *shown,
            via=self._via(baseline, levels, sets),
            redundant=self._redundant(baseline, levels),
            since=self._since(baseline, decided, wanted, low) if state == low else None,
            reasons=tuple(self._reasons(baseline, levels, sets, unread, state)),
        )

    def _via(self, baseline: Baseline, levels: Sequence[Level], sets: tuple[int, int, int]) -> str | None:
        """The nearest level that contributes to the innermost set that is not empty."""
        depth = max((at for at, mask in enumerate(sets) if mask), default=None)
        if depth is None:
            return None
        return next((via for via, log in levels if log.delivers and self.sets(baseline, [log])[depth]), None)

    def _redundant(self, baseline: Baseline, levels: Sequence[Level]) -> tuple[str, ...]:
        """Logs, nearest first, whose leaving changes no set among those with the same destination."""
        out = []
        by_destination: dict[str, list[FlowLog]] = defaultdict(list)
        for _, log in levels:
            if log.delivers:
                by_destination[log.log_destination].append(log)
        for logs in by_destination.values():
            kept = list(logs)
            for log in logs:
                rest = [one for one in kept if one is not log]
                if rest and self.sets(baseline, rest) == self.sets(baseline, kept):
                    kept = rest
                    out.append(log.flow_log_id)
        return tuple(sorted(out))

    def _since(self, baseline: Baseline, logs: list[FlowLog], wanted: int, state: str) -> datetime | None:
        delivering = [log for log in logs if log.delivers]
        dated = sorted((log for log in delivering if log.creation_time), key=lambda log: (log.creation_time, log.flow_log_id))
        for upto in range(1, len(dated) + 1):
            if state_of(*self.sets(baseline, dated[:upto]), wanted, applies=True) == state:
                return dated[upto - 1].creation_time
        return None

    def _reasons(
        self, baseline: Baseline, levels: Sequence[Level], sets: tuple[int, int, int], unread: Sequence[str], state: str
    ) -> Iterator[str]:
        if state == "complete":
            return
        wanted = TRAFFIC[baseline.traffic]
        yield from unread
        if not levels and not unread:
            yield "no flow log applies"
        for _, log in levels:
            if log.delivers is not True:
                verb = "may not deliver" if log.delivers is None else "does not deliver"
                yield f"{log.flow_log_id} {verb}: {log.delivers_reason}"
        if sets[0] and sets[0] & wanted != wanted:
            yield f"only {WORDS[sets[0]]} is delivered, {baseline.traffic} is wanted"
        for _, log in levels:
            if log.delivers and not self.approves(baseline, log):
                yield f"{log.flow_log_id} writes to {log.log_destination}, which baseline {baseline.name} does not approve"
            elif log.delivers:
                for fault in self.faults(baseline, log):
                    yield f"{log.flow_log_id} {fault}"


def _worse(verdicts: Sequence[_Verdict]) -> _Verdict:
    """Join the verdicts under several baselines that may be the right one."""
    first = min(verdicts, key=lambda v: COVERAGE_STATES.index(v.at_least))
    if len({(v.state, v.at_least) for v in verdicts}) == 1:
        return first
    reason = "the tags that decide its baseline were not read"
    return replace(first, state="unknown", delivered=None, approved=None, conforming=None, since=None, reasons=(reason, *first.reasons))


@dataclass
class _Estate:
    """The inventory, indexed."""

    inventory: Inventory
    baselines: Sequence[Baseline]
    judge: Judge
    period: tuple[datetime, datetime]
    nat_seen: Collection[tuple[str, str]]
    logs: dict[str, list[FlowLog]] = field(default_factory=lambda: defaultdict(list))
    _cache: dict[Any, _Verdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for log in self.inventory.flow_logs:
            self.logs[log.resource_id].append(log)
        self.vpcs = {v.vpc_id: v for v in self.inventory.vpcs}
        self.subnets = {s.subnet_id: s for s in self.inventory.subnets}
        self.account_tags = {a.account_id: a.account_tags for a in self.inventory.accounts}
        self.scope = {a.account_id for a in self.inventory.accounts if a.status == "in_scope"}
        self.listed = lru_cache(maxsize=None)(self._listed)

    def _listed(self, table: str, account_id: str, region: str) -> bool:
        """The listing of a table was asked for there, and answered whole."""
        return region in self.inventory.regions.get(account_id, ()) and not self.inventory.is_unread(table, account_id, region)

    def unread(self, accounts: Iterable[str], region: str) -> tuple[str, ...]:
        return tuple(
            f"the flow logs of account {account_id} in {region} were not read"
            for account_id in dict.fromkeys(accounts)
            if not self.listed("flow_logs", account_id, region)
        )

    def levels(self, *pairs: tuple[str, str]) -> tuple[Level, ...]:
        return tuple((via, log) for via, resource_id in pairs for log in self.logs.get(resource_id, ()))

    def row(self, base: dict[str, Any], levels: Sequence[Level], unread: Sequence[str]) -> Coverage:
        candidates = self._candidates(base)
        key = (tuple(b.name for b in candidates), tuple((via, log.flow_log_id, log.account_id, log.delivers) for via, log in levels), tuple(unread))
        verdict = self._cache.get(key)
        if verdict is None:
            verdict = self._cache[key] = _worse([self.judge.verdict(b, levels, unread) for b in candidates])
        return Coverage(
            **base,
            baseline=candidates[0].name if len(candidates) == 1 else None,
            state=verdict.state,
            at_least=verdict.at_least,
            delivered=_word(verdict.delivered),
            approved=_word(verdict.approved),
            conforming=_word(verdict.conforming),
            flow_log_ids=tuple(sorted({log.flow_log_id for _, log in levels})),
            via=verdict.via,
            members="-",
            redundant_flow_log_ids=verdict.redundant,
            covered_from=verdict.since,
            period_state=self._period_state(verdict),
            reasons=verdict.reasons,
        )

    def _candidates(self, row: Mapping[str, Any]) -> list[Baseline]:
        """The baselines of which one is the first that fits; several when tags that decide were not read."""
        out = []
        for baseline in self.baselines:
            fits = truth(baseline.match, row)
            if fits is not False:
                out.append(baseline)
            if fits:
                break
        return out or [Baseline("-", destinations=tuple(self.judge.approved) or None)]

    def _period_state(self, verdict: _Verdict) -> str:
        """What is true now was so through the period only if the present logs are older than it.

        Earlier flow logs leave no trace in DescribeFlowLogs, so younger ones prove nothing about before.
        """
        start, end = self.period
        if verdict.state == "complete":
            return "whole" if verdict.since is not None and verdict.since <= start else "unknown"
        if verdict.state == "unknown":
            return "unknown"
        return "partial" if start <= self.inventory.as_of <= end + RECENT else "unknown"


def _word(mask: int | None) -> str | None:
    return None if mask is None else WORDS[mask]


def judge(
    inventory: Inventory,
    baselines: Sequence[Baseline],
    approved: Mapping[str, Approved],
    period: tuple[datetime, datetime],
    nat_seen: Collection[tuple[str, str]] = (),
) -> tuple[Coverage, ...]:
    """Judge every resource of the accounts in scope.

    Args:
        inventory: with `delivers` filled in (see `with_delivery`).
        baselines: in order; the first that fits a resource counts.
        approved: name → approved destination.
        period: start and exclusive end, UTC.
        nat_seen: (regional NAT gateway id, flow log id) for which a record with its resource-id came.

    Returns:
        Rows sorted by resource type, account, region, id.
    """
    estate = _Estate(inventory, baselines, Judge(approved), period, nat_seen)
    rows = [_interface(estate, i) for i in inventory.network_interfaces]
    members = _members(estate, rows)
    rows += [_subnet(estate, s, members) for s in inventory.subnets]
    rows += [_vpc(estate, v, members) for v in inventory.vpcs]
    rows += [_transit_gateway(estate, t) for t in inventory.transit_gateways]
    rows += [_nat_gateway(estate, n) for n in inventory.nat_gateways if n.availability_mode == "regional"]
    attachments = {a.transit_gateway_attachment_id: _attachment(estate, a) for a in inventory.transit_gateway_attachments}
    rows += [_transported(estate, a, attachments) for a in inventory.transit_gateway_attachments]
    if estate.scope:
        rows = [r for r in rows if r.account_id in estate.scope]
    return tuple(sorted(rows, key=lambda r: (r.resource_type, r.account_id, r.region, r.resource_id)))


def _base(estate: _Estate, kind: str, resource_id: str, arn: str, account_id: str, region: str, vpc_id: str = "", subnet_id: str = "") -> dict[str, Any]:
    vpc = estate.vpcs.get(vpc_id)
    subnet = estate.subnets.get(subnet_id)
    return {
        "resource_type": kind, "resource_id": resource_id, "resource_arn": arn, "account_id": account_id, "region": region,
        "vpc_id": vpc_id, "subnet_id": subnet_id, "service": "", "subject": resource_id,
        "vpc_tags": {} if not vpc_id else vpc.vpc_tags if vpc else None,
        "subnet_tags": {} if not subnet_id else subnet.subnet_tags if subnet else None,
        "interface_tags": {}, "account_tags": estate.account_tags.get(account_id),
    }


def _interface(estate: _Estate, i: NetworkInterface) -> Coverage:
    vpc = estate.vpcs.get(i.vpc_id)
    base = _base(estate, "network-interface", i.interface_id, i.interface_arn, i.account_id, i.region, i.vpc_id, i.subnet_id)
    base |= {"service": i.service, "subject": i.subject, "interface_tags": i.interface_tags}
    unread = list(estate.unread((i.account_id, vpc.account_id if vpc else i.account_id), i.region))
    if vpc is None:  # whose VPC it is decides whose flow logs lie above
        unread.append(f"the VPC {i.vpc_id} was not read")
    levels = estate.levels(("resource", i.interface_id), ("subnet", i.subnet_id), ("vpc", i.vpc_id))
    return estate.row(base, levels, unread)


def _subnet(estate: _Estate, s: Subnet, members: Mapping[str, str | None]) -> Coverage:
    base = _base(estate, "subnet", s.subnet_id, s.subnet_arn, s.account_id, s.region, s.vpc_id, s.subnet_id)
    levels = estate.levels(("resource", s.subnet_id), ("vpc", s.vpc_id))
    return replace(estate.row(base, levels, estate.unread((s.account_id,), s.region)), members=_inside(estate, members, s))


def _vpc(estate: _Estate, v: Vpc, members: Mapping[str, str | None]) -> Coverage:
    base = _base(estate, "vpc", v.vpc_id, v.vpc_arn, v.account_id, v.region, v.vpc_id)
    levels = estate.levels(("resource", v.vpc_id))
    return replace(estate.row(base, levels, estate.unread((v.account_id,), v.region)), members=_inside(estate, members, v))


def _transit_gateway(estate: _Estate, t: TransitGateway) -> Coverage:
    base = _base(estate, "transit-gateway", t.transit_gateway_id, t.transit_gateway_arn, t.account_id, t.region)
    return estate.row(base, estate.levels(("resource", t.transit_gateway_id)), estate.unread((t.account_id,), t.region))


def _attachment(estate: _Estate, a: TransitGatewayAttachment) -> Coverage:
    vpc_id = a.attached_id if a.attached_type == "vpc" else ""
    arn = a.transit_gateway_attachment_arn
    base = _base(estate, "transit-gateway-attachment", a.transit_gateway_attachment_id, arn, a.account_id, a.region, vpc_id)
    levels = estate.levels(("resource", a.transit_gateway_attachment_id), ("transit-gateway", a.transit_gateway_id))
    return estate.row(base, levels, estate.unread((a.account_id,), a.region))


def _transported(estate: _Estate, a: TransitGatewayAttachment, rows: Mapping[str, Coverage]) -> Coverage:
    """A Connect attachment is logged under the attachment that carries it."""
    own = rows[a.transit_gateway_attachment_id]
    if a.attached_type != "connect":
        return own
    carrier = rows.get(a.transport_attachment_id or "")
    if carrier is None:
        reason = "the attachment that carries it was not read"
        return replace(own, state="unknown", at_least="none", delivered=None, approved=None, conforming=None, via=None,
                       flow_log_ids=(), redundant_flow_log_ids=(), covered_from=None, period_state="unknown", reasons=(reason,))
    via = "transport" if carrier.via else None
    return replace(carrier, resource_id=own.resource_id, resource_arn=own.resource_arn, account_id=own.account_id, subject=own.subject,
                   region=own.region, vpc_id=own.vpc_id, vpc_tags=own.vpc_tags, account_tags=own.account_tags, via=via)


def _nat_gateway(estate: _Estate, n: NatGateway) -> Coverage:
    """Whether a VPC's flow log includes a regional NAT gateway is not documented: only a record of it shows."""
    base = _base(estate, "nat-gateway", n.nat_gateway_id, n.nat_gateway_arn, n.account_id, n.region, n.vpc_id)
    unread = list(estate.unread((n.account_id,), n.region))
    levels = list(estate.levels(("resource", n.nat_gateway_id)))
    for via, log in estate.levels(("vpc", n.vpc_id)):
        if (n.nat_gateway_id, log.flow_log_id) not in estate.nat_seen and log.delivers is not False:
            log = replace(log, delivers=None, delivers_reason="no record of this regional NAT gateway has come through it")
        levels.append((via, log))
    return estate.row(base, levels, unread)


def _members(estate: _Estate, rows: Iterable[Coverage]) -> dict[str, str | None]:
    """Worst state of the interfaces inside each subnet and VPC; None where that is not decided."""
    low: dict[str, int] = {}
    high: dict[str, int] = {}
    for row in rows:
        at_least = COVERAGE_STATES.index(row.at_least)
        at_most = len(COVERAGE_STATES) - 1 if row.state == "unknown" else at_least
        for inside in (row.subnet_id, row.vpc_id):
            low[inside] = min(low.get(inside, at_least), at_least)
            high[inside] = min(high.get(inside, at_most), at_most)
    return {inside: COVERAGE_STATES[low[inside]] if low[inside] == high[inside] else None for inside in low}


def _inside(estate: _Estate, members: Mapping[str, str | None], of: Subnet | Vpc) -> str | None:
    worst = members.get(of.subnet_id if isinstance(of, Subnet) else of.vpc_id, "empty")
    if worst != "none" and not all(estate.listed("network_interfaces", a, of.region) for a in {of.account_id, *of.seen_from}):
        return None
    return worst
