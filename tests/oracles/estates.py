"""Random organizations, and what a reader who is refused some listings sees of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from auditkit.model.flow_logs import Destination, FlowLog
from auditkit.model.inventory import (
    Account,
    Inventory,
    NatGateway,
    NetworkInterface,
    Subnet,
    TransitGateway,
    TransitGatewayAttachment,
    Unread,
    Vpc,
)
from tests.oracles.coverage import Place, Wanted

REGION = "eu-central-1"
AS_OF = datetime(2026, 10, 1, tzinfo=UTC)
ACCOUNTS = ("111111111111", "222222222222", "333333333333", "444444444444")
OUTSIDE = "999999999999"
LISTINGS = (
    "vpcs",
    "subnets",
    "network_interfaces",
    "transit_gateways",
    "transit_gateway_attachments",
    "nat_gateways",
    "flow_logs",
    "*",
)
VPC_FIELDS = ("srcaddr", "dstaddr", "action", "tcp-flags", "pkt-srcaddr", "log-status")
TGW_FIELDS = ("srcaddr", "dstaddr", "tgw-id", "tcp-flags", "packets-lost-blackhole", "log-status")
PLACES = {
    "central": Place(bucket="central", prefix="logs"),
    "whole": Place(bucket="whole"),
    "ops": Place(log_group="/flow", account=ACCOUNTS[0]),
    "anywhere": Place(log_group="/flow"),
}


@dataclass
class World:
    """How things are, whoever may look."""

    accounts: dict[str, dict[str, str]] = field(default_factory=dict)  # in scope: id → tags
    vpcs: list[Vpc] = field(default_factory=list)
    subnets: list[Subnet] = field(default_factory=list)
    interfaces: list[NetworkInterface] = field(default_factory=list)
    gateways: list[TransitGateway] = field(default_factory=list)
    attachments: list[TransitGatewayAttachment] = field(default_factory=list)
    nats: list[NatGateway] = field(default_factory=list)
    logs: list[FlowLog] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)  # destinations that do not exist
    arrivals: dict[str, datetime] = field(default_factory=dict)
    nat_seen: set[tuple[str, str]] = field(default_factory=set)


Blind = frozenset[tuple[str, str]]
"""(listing, account) refused; also ("tags", account), ("destination", it), ("arrival", flow log), ("record", NAT gateway), ("connects", account)."""


def blindable(world: World) -> list[tuple[str, str]]:
    """Everything that a reader may be refused."""
    return [
        *((table, account) for table in (*LISTINGS, "tags", "connects") for account in world.accounts),
        *(("destination", one) for one in sorted({log.log_destination for log in world.logs})),
        *(("arrival", one) for one in sorted(world.arrivals)),
        *(("record", one) for one in sorted({nat for nat, _ in world.nat_seen})),
    ]


def read(world: World, blind: Blind) -> tuple[Inventory, dict[str, datetime], set[tuple[str, str]]]:
    """What the reader has: the inventory, the newest objects, the NAT gateways seen in records."""

    def sees(table: str, account: str) -> bool:
        return account in world.accounts and (table, account) not in blind and ("*", account) not in blind

    def seen(table: str, things: list[Any], viewers: Any = lambda t: t.seen_from) -> tuple[Any, ...]:
        out = []
        for t in things:
            by = tuple(a for a in viewers(t) if sees(table, a))
            if by:
                out.append(replace(t, seen_from=by))
        return tuple(out)

    attachments = tuple(
        replace(a, transport_attachment_id=None)
        if a.attached_type == "connect" and ("connects", a.account_id) in blind
        else a
        for a in seen("transit_gateway_attachments", world.attachments)
    )
    logs = tuple(log for log in world.logs if sees("flow_logs", log.account_id))
    destinations = tuple(
        Destination(
            log_destination=one,
            log_destination_type="s3",
            account_id="",
            region=REGION,
            exists=None if ("destination", one) in blind else one not in world.absent,
        )
        for one in sorted({log.log_destination for log in logs})
    )
    accounts = [
        Account(account_id=a, name=a, status="in_scope", account_tags=None if ("tags", a) in blind else tags)
        for a, tags in world.accounts.items()
    ]
    inventory = Inventory(
        as_of=AS_OF,
        accounts=(*accounts, Account(account_id=OUTSIDE, name="outside", status="excluded")),
        regions={a: () if ("*", a) in blind else (REGION,) for a in world.accounts},
        vpcs=seen("vpcs", world.vpcs),
        subnets=seen("subnets", world.subnets),
        network_interfaces=seen("network_interfaces", world.interfaces),
        transit_gateways=seen("transit_gateways", world.gateways),
        transit_gateway_attachments=attachments,
        nat_gateways=seen("nat_gateways", world.nats),
        flow_logs=logs,
        destinations=destinations,
        unread=tuple(
            Unread(
                account_id=account,
                region="*" if table == "*" else REGION,
                table="transit_gateway_attachments" if table == "connects" else table,
                call="ec2:Describe",
                error="denied",
            )
            for table, account in sorted(blind)
            if table in LISTINGS or table == "connects"
        ),
    )
    arrivals = {one: at for one, at in world.arrivals.items() if ("arrival", one) not in blind}
    return inventory, arrivals, {pair for pair in world.nat_seen if ("record", pair[0]) not in blind}


_TAGS = st.sampled_from([{}, {}, {"scope": "pci"}, {"scope": "dev"}, {"scope": "pci", "env": "prod"}])
_SHARE = st.sampled_from([0, 0, 0, 1, 2])
_STATUS = st.sampled_from([
    ("ACTIVE", "SUCCESS", ""), ("ACTIVE", "SUCCESS", ""), ("ACTIVE", "SUCCESS", ""), ("ACTIVE", "FAILED", "Access error"), ("ACTIVE", "", "Access error"),
    ("ACTIVE", "", ""), ("ACTIVE", "SUCCESS", "Rate limited"), ("ACTIVE", "FAILED", ""), ("", "SUCCESS", ""), ("", "", ""), ("DELETING", "SUCCESS", ""),
])  # fmt: skip
_PREFIX = st.sampled_from(["", "logs", "logs/team", "logs2", "other"])


@st.composite
def _destination(draw: Any, account: str) -> dict[str, str]:
    kind = draw(st.sampled_from(["s3", "s3", "group", "group-elsewhere"]))
    if kind == "s3":
        bucket, prefix = draw(st.sampled_from(["central", "whole", "rogue"])), draw(_PREFIX)
        return {
            "log_destination_type": "s3",
            "log_destination": f"s3://{bucket}/{prefix}".rstrip("/"),
            "bucket": bucket,
            "prefix": prefix,
        }
    group, owner = draw(st.sampled_from(["/flow", "/flow2"])), account if kind == "group" else ACCOUNTS[0]
    return {
        "log_destination_type": "cloud-watch-logs",
        "log_destination": f"log-group:{owner}:{REGION}:{group}",
        "log_group": group,
    }


@st.composite
def _log(draw: Any, number: int, resource_id: str, account: str) -> FlowLog:
    transit = resource_id.startswith("tgw-")
    active, status, error = draw(_STATUS)
    fields = draw(st.sampled_from([(0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 4, 5), (0, 1, 2, 5), (0, 1, 2, 3)]))
    return FlowLog(
        flow_log_id=f"fl-{number:02}", account_id=account, region=REGION, resource_id=resource_id, kind="transit-gateway" if transit else "vpc",
        traffic_type="ALL" if transit else draw(st.sampled_from(["ALL", "ALL", "ALL", "ACCEPT", "REJECT", None])),
        flow_log_status=active, deliver_logs_status=status, deliver_logs_error_message=error,
        fields=tuple((TGW_FIELDS if transit else VPC_FIELDS)[at] for at in fields),
        max_aggregation_interval=60 if transit else draw(st.sampled_from([60, 600])),
        creation_time=draw(st.sampled_from([None, *(AS_OF - timedelta(days=d) for d in (1, 50, 400))])),
        flow_log_tags={}, **draw(_destination(account)),
    )  # fmt: skip


@st.composite
def worlds(draw: Any) -> World:  # noqa: C901 - one kind of resource after the other
    """Random organizations of two or three accounts."""
    w = World()
    owners = ACCOUNTS[: draw(st.integers(2, 3))]
    w.accounts = {a: draw(_TAGS) for a in owners}
    everyone = [*owners, OUTSIDE]
    targets: list[tuple[str, list[str]]] = []  # resource, who can log it
    for at in range(draw(st.integers(1, 3))):
        owner = draw(st.sampled_from(everyone))
        guests = draw(st.lists(st.sampled_from([a for a in owners if a != owner]), max_size=2, unique=True))
        vpc = f"vpc-{at}"
        w.vpcs.append(
            Vpc(
                vpc_id=vpc,
                vpc_arn=vpc,
                account_id=owner,
                region=REGION,
                cidr_blocks=(),
                vpc_tags=draw(_TAGS),
                seen_from=(owner, *guests),
            )
        )
        targets.append((vpc, [owner]))
        for s in range(draw(st.integers(1, 2))):
            subnet = f"subnet-{at}{s}"
            w.subnets.append(
                Subnet(
                    subnet_id=subnet,
                    subnet_arn=subnet,
                    account_id=owner,
                    region=REGION,
                    vpc_id=vpc,
                    subnet_tags=draw(_TAGS),
                    seen_from=(owner, *guests),
                )
            )
            targets.append((subnet, [owner]))
            for i in range(draw(st.integers(0, 2))):
                eni, of = f"eni-{at}{s}{i}", draw(st.sampled_from([owner, *guests]))
                w.interfaces.append(NetworkInterface(
                    interface_id=eni, interface_arn=eni, account_id=of, region=REGION, vpc_id=vpc, subnet_id=subnet, service="ec2", service_evidence="",
                    subject=eni, subject_type="network-interface", interface_tags=draw(_TAGS), seen_from=(of,),
                ))  # fmt: skip
                targets.append((eni, [of, owner]))
        if draw(st.booleans()):
            nat, mode = f"nat-{at}", draw(st.sampled_from(["regional", "regional", "zonal"]))
            w.nats.append(
                NatGateway(
                    nat_gateway_id=nat,
                    nat_gateway_arn=nat,
                    account_id=owner,
                    region=REGION,
                    vpc_id=vpc,
                    availability_mode=mode,
                    nat_gateway_tags={},
                    seen_from=(owner,),
                )
            )
            targets.append((nat, [owner]))
    if draw(st.booleans()):
        owner = draw(st.sampled_from(owners))
        w.gateways.append(
            TransitGateway(
                transit_gateway_id="tgw-1",
                transit_gateway_arn="tgw-1",
                account_id=owner,
                region=REGION,
                transit_gateway_tags={},
                seen_from=(owner,),
            )
        )
        targets.append(("tgw-1", [owner]))
        for at in range(draw(st.integers(1, 3))):
            attachment, type_ = f"tgw-attach-{at}", draw(st.sampled_from(["vpc", "vpn", "connect"]))
            attached = draw(st.sampled_from([v.vpc_id for v in w.vpcs])) if type_ == "vpc" else ""
            carrier = draw(st.sampled_from(["tgw-attach-0", "tgw-attach-9"])) if type_ == "connect" and at else ""
            if type_ == "connect" and (
                not at or (carrier == "tgw-attach-0" and w.attachments[0].attached_type == "connect")
            ):
                type_, carrier = "vpn", ""
            w.attachments.append(TransitGatewayAttachment(
                transit_gateway_attachment_id=attachment, transit_gateway_attachment_arn=attachment, transit_gateway_id="tgw-1", account_id=owner, region=REGION,
                attached_type=type_, attached_id=attached, transport_attachment_id=carrier, transit_gateway_attachment_tags={}, seen_from=(owner,),
            ))  # fmt: skip
            targets.append((attachment, [owner]))
    for number in range(draw(st.integers(0, 9))):
        resource, who = draw(st.sampled_from(targets))
        w.logs.append(draw(_log(number, resource, draw(st.sampled_from(who)))))
    for log in w.logs:
        if draw(_SHARE) == 2:
            w.arrivals[log.flow_log_id] = AS_OF - draw(
                st.sampled_from(
                    [timedelta(minutes=10), timedelta(days=1), timedelta(days=1, seconds=1), timedelta(days=9)]
                )
            )
        if draw(_SHARE) == 2:
            w.absent.add(log.log_destination)
    w.nat_seen = {
        (n.nat_gateway_id, log.flow_log_id)
        for n in w.nats
        for log in w.logs
        if log.resource_id == n.vpc_id and draw(st.booleans())
    }
    return w


@st.composite
def blindness(draw: Any, world: World) -> Blind:
    """What a reader is refused."""
    return frozenset(draw(st.lists(st.sampled_from(blindable(world)), max_size=4)))


@st.composite
def wishes(draw: Any) -> list[Wanted]:
    """Random baselines; the last fits everything."""
    out = []
    for at in range(draw(st.integers(0, 2)) + 1):
        column = draw(st.sampled_from(["vpc_tags", "subnet_tags", "interface_tags", "account_tags"]))
        match = {column: draw(st.sampled_from([{"scope": "pci"}, {"scope": "dev"}, {"scope": "pci", "env": "prod"}]))}
        out.append(Wanted(
            name=f"b{at}", match=match, traffic=draw(st.sampled_from(["ALL", "ALL", "ACCEPT", "REJECT"])),
            destinations=draw(st.sampled_from([None, ("central",), ("central", "ops"), ("whole", "anywhere"), tuple(PLACES)])),
            fields=draw(st.sampled_from([(), (), ("tcp-flags",), ("pkt-srcaddr", "tcp-flags"), ("tgw-id", "log-status")])),
            interval=draw(st.sampled_from([None, None, 60, 600])),
        ))  # fmt: skip
    out[-1] = replace(out[-1], match=None)
    return out
