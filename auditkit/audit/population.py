"""Who could have been seen: the rows that tie the inventory and coverage to the records (pure)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from auditkit.audit.options import EVERYTHING, Narrowing
from auditkit.config.schema import Baseline
from auditkit.coverage import TRAFFIC, Judge
from auditkit.inventory.accounts import not_asked
from auditkit.model.addresses import cidr
from auditkit.model.columnar import Rows, combinations
from auditkit.model.coverage import Coverage
from auditkit.model.inventory import Inventory, NetworkInterface
from auditkit.model.tables import Column

_SPILL = timedelta(minutes=15)
DAY = timedelta(days=1)
SPILL_SLOTS = 3
"""Slots of five minutes in which records of the day before may lie."""
_HIDING = ("nat-gateway", "transit-gateway", "elb-network", "elb-gateway", "gwlb-endpoint")
"""Services whose address, seen as a peer, hides who stands behind it."""


def _c(name: str, type_: str) -> Column:
    return Column(name, type_, "")


UNITS = (
    *(_c(n, "text") for n in ("unit", "resource_type", "account_id", "region", "vpc_id", "subnet_id", "instance_id", "service", "subject", "subject_type", "baseline", "silent")),
    _c("attached", "integer"), _c("in_use", "boolean"), _c("logs_known", "boolean"), _c("flow_log_ids", "list"),
    *(_c(n, "tags") for n in ("vpc_tags", "subnet_tags", "interface_tags", "account_tags")),
)  # fmt: skip
RANKS = (
    _c("flow_log_id", "text"),
    _c("baseline", "text"),
    _c("conforming", "boolean"),
    _c("max_aggregation_interval", "integer"),
)
TRAFFICS = (_c("flow_log_id", "text"), _c("accept", "boolean"), _c("reject", "boolean"))
BORN = (_c("flow_log_id", "text"), _c("born", "integer"))
HURT = (_c("flow_log_id", "text"), _c("day", "text"), _c("reason", "text"))
RANGES = (_c("unit", "text"), _c("low", "text"), _c("high", "text"))
HIDDEN = (_c("vpc_id", "text"), _c("ip", "text"))
DAYS = (_c("day", "text"),)
PUBLIC = (_c("unit", "text"), _c("ip", "text"))
VPCS = (_c("vpc_id", "text"), _c("account_id", "text"), _c("vpc_tags", "tags"), _c("account_tags", "tags"))
SUBNETS = (_c("vpc_id", "text"), _c("low", "text"), _c("high", "text"), _c("subnet_tags", "tags"))
SAMPLED = (_c("unit", "text"), _c("day", "text"))
"""Interface-days that are known where only a sample was read; any other of the population was not drawn."""


def units(inventory: Inventory, coverage: Sequence[Coverage], *, read: bool, unnamed: Collection[str] = ()) -> pa.Table:
    """One row per interface, attachment and regional NAT gateway: what can have interface-days.

    A Connect attachment has none: its traffic is logged under the attachment that carries it.

    Args:
        inventory: with flow logs.
        coverage: as judged.
        read: whether log objects were to be read at all.
        unnamed: flow logs whose records were looked for elsewhere than under AWS's own keys.
    """
    connect = [
        a.transit_gateway_attachment_id for a in inventory.transit_gateway_attachments if a.attached_type == "connect"
    ]
    rows = Rows.made_of(Coverage, coverage).table
    carried = pc.is_in(rows["resource_id"], pa.array(connect, pa.string()))
    rows = rows.filter(pc.and_not(pc.is_in(rows["resource_type"], pa.array(_SEEN, pa.string())), carried))
    # The other side of a peering: its records carry the same attachment id.
    rows = rows.take(combinations(rows.select(["resource_id"]))[1])
    interfaces = Rows.made_of(NetworkInterface, inventory.network_interfaces).table
    found = pc.index_in(rows["resource_id"], interfaces["interface_id"].combine_chunks())
    told = interfaces.select(["instance_id", "subject_type", "attach_time", "status"]).take(found)
    columns = {c.name: rows[c.name] for c in UNITS if c.name in rows.column_names} | {
        "unit": rows["resource_id"],
        "instance_id": pc.fill_null(told["instance_id"], ""),
        "subject_type": pc.coalesce(told["subject_type"], rows["resource_type"]),
        "baseline": pc.fill_null(rows["baseline"], ""),
        "silent": _silent(rows, inventory, unnamed, read=read),
        "attached": pc.divide(told["attach_time"].cast(pa.int64()), 1_000_000),
        "logs_known": _logs_known(rows, inventory),
        "in_use": pc.fill_null(pc.not_equal(told["status"], "available"), fill_value=True),
    }
    return pa.table({c.name: columns[c.name] for c in UNITS})


_SEEN = ("network-interface", "transit-gateway-attachment", "nat-gateway")


def _logs_known(rows: pa.Table, inventory: Inventory) -> pa.Array:
    """Tell whether every flow log that may speak of a unit was listed: its own account's, and those of its VPC's owner."""
    owners = {v.vpc_id: v.account_id for v in inventory.vpcs}

    @cache
    def known(account_id: str, region: str, vpc_id: str) -> bool:
        accounts = {account_id, owners.get(vpc_id, "")} if vpc_id else {account_id}
        return all(
            region in inventory.regions.get(a, ()) and not inventory.is_unread("flow_logs", a, region) for a in accounts
        )

    places = zip(*(rows[name].to_pylist() for name in ("account_id", "region", "vpc_id")), strict=True)
    return pa.array([known(*place) for place in places], pa.bool_())


def _silent(rows: pa.Table, inventory: Inventory, unnamed: Collection[str], *, read: bool) -> pa.Array:
    stored = {log.flow_log_id for log in inventory.flow_logs if log.bucket}.union(unnamed)
    if not read:
        return pa.array(["records were not read (records.mode: none)"], pa.string()).take(pa.array([0] * len(rows)))
    pairs = zip(rows["delivered"].to_pylist(), rows["flow_log_ids"].to_pylist(), strict=True)
    return pa.array([_why_silent(delivered, ids, stored) for delivered, ids in pairs], pa.string())


def _why_silent(delivered: str | None, flow_log_ids: Sequence[str], stored: set[str]) -> str:
    if delivered == "NONE":
        return "no flow log delivers its records"
    if flow_log_ids and not stored.intersection(flow_log_ids):
        return "its flow logs write to a place that was not read"
    if delivered is None:
        return "whether a flow log delivers its records is not known"
    return "no record of it was found"


def ranks(inventory: Inventory, baselines: Iterable[Baseline], judge: Judge) -> list[dict[str, Any]]:
    """Whether each flow log conforms to each baseline: decides which one is read where several speak of an interface."""
    return [
        {
            "flow_log_id": log.flow_log_id, "baseline": b.name, "max_aggregation_interval": log.max_aggregation_interval,
            "conforming": judge.approves(b, log) and not judge.faults(b, log),
        }
        for log in inventory.flow_logs
        for b in baselines
    ]  # fmt: skip


def traffics(inventory: Inventory) -> list[dict[str, Any]]:
    """Which actions each flow log carries; one whose TrafficType was not answered is told from its records."""
    return [
        {
            "flow_log_id": log.flow_log_id,
            "accept": bool(TRAFFIC[log.traffic_type] & 1),
            "reject": bool(TRAFFIC[log.traffic_type] & 2),
        }
        for log in inventory.flow_logs
        if log.traffic_type
    ]


def born(inventory: Inventory) -> list[dict[str, Any]]:
    """When each flow log was created, Unix seconds."""
    return [
        {"flow_log_id": log.flow_log_id, "born": int(log.creation_time.timestamp())}
        for log in inventory.flow_logs
        if log.creation_time
    ]


def hurt_days(damaged: Iterable[tuple[str, datetime, str]]) -> list[dict[str, Any]]:
    """The days that a damaged or unread object may have spoken of: of its slot, and of the minutes before it.

    Args:
        damaged: flow log id, slot, reason.
    """
    out = {
        (f, (slot - back).date().isoformat(), reason) for f, slot, reason in damaged for back in (timedelta(), _SPILL)
    }
    return [{"flow_log_id": f, "day": day, "reason": reason} for f, day, reason in sorted(out)]


def own_ranges(inventory: Inventory) -> list[dict[str, str]]:
    """The addresses of each interface, delegated prefixes included."""
    return [
        {"unit": i.interface_id, "low": str(low), "high": str(high)}
        for i in inventory.network_interfaces
        for low, high in _ranges(i.addresses)
    ]


def public_addresses(inventory: Inventory) -> list[dict[str, str]]:
    """The public addresses that interfaces have today."""
    return [
        {"unit": i.interface_id, "ip": str(low)}
        for i in inventory.network_interfaces
        for low, _ in _ranges(i.public_addresses)
    ]


def known_vpcs(inventory: Inventory) -> list[dict[str, Any]]:
    """Each VPC with its owner and what both are tagged with."""
    accounts = {a.account_id: a.account_tags for a in inventory.accounts}
    return [
        {
            "vpc_id": v.vpc_id,
            "account_id": v.account_id,
            "vpc_tags": v.vpc_tags,
            "account_tags": accounts.get(v.account_id),
        }
        for v in inventory.vpcs
    ]


def known_subnets(inventory: Inventory) -> list[dict[str, Any]]:
    """The addresses of each subnet."""
    return [
        {"vpc_id": s.vpc_id, "low": str(low), "high": str(high), "subnet_tags": s.subnet_tags}
        for s in inventory.subnets
        for low, high in _ranges(s.cidr_blocks)
    ]


_WHOSE = ("vpcs", "subnets", "network_interfaces")


def whole(inventory: Inventory, collected: Narrowing = EVERYTHING) -> bool:
    """Tell whether every VPC, subnet and interface in scope was read: only then an address found nowhere is none of ours.

    An account that was not asked for is one of ours all the same; one that is suspended, or excluded by decision, is not.

    Args:
        inventory: what was read.
        collected: what the flags left when it was collected.
    """
    return (
        not collected.regions
        and not any(map(not_asked, inventory.accounts))
        and all(
            inventory.regions.get(a.account_id)
            and not any(u.table in (*_WHOSE, "*") for u in inventory.failed(a.account_id))
            for a in inventory.accounts
            if a.status == "in_scope"
        )
    )


def hidden(inventory: Inventory) -> list[dict[str, str]]:
    """Addresses behind which somebody else stands, in their VPC and (`*`) seen from elsewhere."""
    hiding: list[NetworkInterface] = [i for i in inventory.network_interfaces if i.service in _HIDING]
    return [
        {"vpc_id": vpc_id, "ip": str(low)}
        for i in hiding
        for low, _ in _ranges(i.addresses)
        for vpc_id in (i.vpc_id, "*")
    ]


def vpc_ranges(vpcs: Mapping[str, Iterable[tuple[int, int]]]) -> list[dict[str, str]]:
    """The CIDRs of each VPC."""
    return [
        {"unit": v, "low": str(low), "high": str(high)} for v, ranges in sorted(vpcs.items()) for low, high in ranges
    ]


def period_days(start: datetime, end: datetime, as_of: datetime) -> list[dict[str, str]]:
    """The UTC days of the period that had begun when collecting ended."""
    out: list[dict[str, str]] = []
    day: date = start.date()
    while datetime(day.year, day.month, day.day, tzinfo=UTC) < min(end, as_of):
        out.append({"day": day.isoformat()})
        day += timedelta(days=1)
    return out


def _ranges(texts: Iterable[str]) -> list[tuple[int, int]]:
    out = []
    for text in texts:
        try:
            out.append(cidr(text))
        except ValueError:  # an answer that is no address owns nothing
            continue
    return out
