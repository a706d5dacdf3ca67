"""One coverage row per resource."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from auditkit.config.schema import Baseline
from auditkit.coverage import bulk
from auditkit.coverage.estate import Estate
from auditkit.coverage.history import History
from auditkit.coverage.verdict import Judge, owners
from auditkit.model.condition import COVERAGE_STATES
from auditkit.model.coverage import Coverage
from auditkit.model.flow_logs import Approved
from auditkit.model.garbage import no_search
from auditkit.model.inventory import Inventory, NatGateway, Subnet, TransitGateway, TransitGatewayAttachment, Vpc


@no_search()
def judge(
    inventory: Inventory,
    baselines: Sequence[Baseline],
    approved: Mapping[str, Approved],
    period: tuple[datetime, datetime],
    nat_seen: Collection[tuple[str, str]] = (),
    history: History | None = None,
) -> Sequence[Coverage]:
    """Judge every resource of the accounts in scope.

    Args:
        inventory: with `delivers` filled in (see `with_delivery`).
        baselines: in order; the first that fits a resource counts.
        approved: name → approved destination.
        period: start and exclusive end, UTC.
        nat_seen: (regional NAT gateway id, flow log id) for which a record with its resource-id came.
        history: of the period; without it nothing is proven of the time before collecting.

    Returns:
        Rows sorted by resource type, account, region, id, kept by column.
    """
    estate = Estate(inventory, baselines, Judge(approved, owners(inventory)), period, nat_seen, history)
    shapes, of_interfaces = bulk.interfaces(estate, lambda i: _interface(estate, i))
    members = _members(shapes)
    rows = [_subnet(estate, s, members) for s in inventory.subnets]
    rows += [_vpc(estate, v, members) for v in inventory.vpcs]
    rows += [_transit_gateway(estate, t) for t in inventory.transit_gateways]
    rows += [_nat_gateway(estate, n) for n in inventory.nat_gateways if n.availability_mode == "regional"]
    # Both sides of a peering have one attachment id: the gateway tells them apart.
    attachments = {
        (a.transit_gateway_attachment_id, a.transit_gateway_id): _attachment(estate, a)
        for a in inventory.transit_gateway_attachments
    }
    rows += [_transported(a, attachments) for a in inventory.transit_gateway_attachments]
    return bulk.joined(of_interfaces, rows, estate.scope)


def _base(
    estate: Estate,
    kind: str,
    resource_id: str,
    arn: str,
    account_id: str,
    region: str,
    vpc_id: str = "",
    subnet_id: str = "",
) -> dict[str, Any]:
    vpc = estate.vpcs.get(vpc_id)
    subnet = estate.subnets.get(subnet_id)
    return {
        "resource_type": kind,
        "resource_id": resource_id,
        "resource_arn": arn,
        "account_id": account_id,
        "region": region,
        "vpc_id": vpc_id,
        "subnet_id": subnet_id,
        "service": "",
        "subject": resource_id,
        "vpc_tags": {} if not vpc_id else vpc.vpc_tags if vpc else None,
        "subnet_tags": {} if not subnet_id else subnet.subnet_tags if subnet else None,
        "interface_tags": {},
        "account_tags": estate.account_tags.get(account_id),
    }


def _interface(estate: Estate, i: bulk.Told) -> Coverage:
    vpc = estate.vpcs.get(i.vpc_id)
    base = _base(
        estate, "network-interface", i.interface_id, i.interface_arn, i.account_id, i.region, i.vpc_id, i.subnet_id
    )
    base |= {"service": i.service, "subject": i.subject, "interface_tags": i.interface_tags}
    unread = list(estate.unread((i.account_id, vpc.account_id if vpc else i.account_id), i.region))
    if vpc is None:  # whose VPC it is decides whose flow logs lie above
        unread.append(f"the VPC {i.vpc_id} was not read")
    levels = estate.levels(("resource", i.interface_id), ("subnet", i.subnet_id), ("vpc", i.vpc_id))
    return estate.row(base, levels, unread)


def _subnet(estate: Estate, s: Subnet, members: Mapping[str, str | None]) -> Coverage:
    base = _base(estate, "subnet", s.subnet_id, s.subnet_arn, s.account_id, s.region, s.vpc_id, s.subnet_id)
    levels = estate.levels(("resource", s.subnet_id), ("vpc", s.vpc_id))
    inside = _inside(estate, members.get(s.subnet_id, "empty"), s)
    return estate.row(base, levels, estate.unread((s.account_id,), s.region), inside)


def _vpc(estate: Estate, v: Vpc, members: Mapping[str, str | None]) -> Coverage:
    base = _base(estate, "vpc", v.vpc_id, v.vpc_arn, v.account_id, v.region, v.vpc_id)
    levels = estate.levels(("resource", v.vpc_id))
    inside = _inside(estate, members.get(v.vpc_id, "empty"), v)
    return estate.row(base, levels, estate.unread((v.account_id,), v.region), inside)


def _transit_gateway(estate: Estate, t: TransitGateway) -> Coverage:
    base = _base(estate, "transit-gateway", t.transit_gateway_id, t.transit_gateway_arn, t.account_id, t.region)
    return estate.row(base, estate.levels(("resource", t.transit_gateway_id)), estate.unread((t.account_id,), t.region))


def _attachment(estate: Estate, a: TransitGatewayAttachment) -> Coverage:
    vpc_id = a.attached_id if a.attached_type == "vpc" else ""
    arn = a.transit_gateway_attachment_arn
    base = _base(
        estate, "transit-gateway-attachment", a.transit_gateway_attachment_id, arn, a.account_id, a.region, vpc_id
    )
    levels = estate.levels(("resource", a.transit_gateway_attachment_id), ("transit-gateway", a.transit_gateway_id))
    return estate.row(base, levels, estate.unread((a.account_id,), a.region))


def _transported(a: TransitGatewayAttachment, rows: Mapping[tuple[str, str], Coverage]) -> Coverage:
    """A Connect attachment is logged under the attachment that carries it."""
    own = rows[a.transit_gateway_attachment_id, a.transit_gateway_id]
    if a.attached_type != "connect":
        return own
    carrier = rows.get((a.transport_attachment_id or "", a.transit_gateway_id))
    if carrier is None:
        reason = "the attachment that carries it was not read"
        return replace(
            own,
            state="unknown",
            at_least="none",
            delivered=None,
            approved=None,
            conforming=None,
            via=None,
            flow_log_ids=(),
            redundant_flow_log_ids=(),
            covered_from=None,
            period_state="unknown",
            reasons=(reason,),
        )
    via = "transport" if carrier.via else None
    return replace(
        carrier,
        resource_id=own.resource_id,
        resource_arn=own.resource_arn,
        account_id=own.account_id,
        subject=own.subject,
        region=own.region,
        vpc_id=own.vpc_id,
        vpc_tags=own.vpc_tags,
        account_tags=own.account_tags,
        via=via,
    )


def _nat_gateway(estate: Estate, n: NatGateway) -> Coverage:
    """Whether a VPC's flow log includes a regional NAT gateway is not documented: only a record of it shows."""
    base = _base(estate, "nat-gateway", n.nat_gateway_id, n.nat_gateway_arn, n.account_id, n.region, n.vpc_id)
    unread = list(estate.unread((n.account_id,), n.region))
    levels = list(estate.levels(("resource", n.nat_gateway_id)))
    for via, log in estate.levels(("vpc", n.vpc_id)):
        unseen = (n.nat_gateway_id, log.flow_log_id) not in estate.nat_seen and log.delivers is not False
        why = "no record of this regional NAT gateway has come through it"
        levels.append((via, replace(log, delivers=None, delivers_reason=why) if unseen else log))
    return estate.row(base, levels, unread)


def _members(rows: Iterable[Coverage]) -> dict[str, str | None]:
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


def _inside(estate: Estate, worst: str | None, of: Subnet | Vpc) -> str | None:
    """What is known of the interfaces inside, unless their listing, there or at a participant, was not read."""
    if worst != "none" and not all(
        estate.listed("network_interfaces", a, of.region) for a in {of.account_id, *of.seen_from}
    ):
        return None
    return worst
