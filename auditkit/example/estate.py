"""The tables of `plan` and `logging_plan` → resources with ids, addresses and owners."""

from __future__ import annotations

from auditkit.example.hosts import HOSTS, HostPlan
from auditkit.example.ids import digest, resource_id, uuid
from auditkit.example.logging_plan import FLOW_LOGS, GATEWAYS, REGIONAL_NATS, FlowLogPlan
from auditkit.example.plan import VPCS, VpcPlan
from auditkit.example.shapes import SHAPES
from auditkit.example.things import Attachment, Estate, FlowLog, Gateway, Interface, Nat, Subnet, Vpc

EXPOSED = {"pay-edge-eu-rds-1": "partner-db"}
"""Interfaces without an instance that the story opens: name → security group."""
SECONDARY = {"core-shared-eu-node-1": 3, "core-shared-eu-node-2": 2, "pay-cde-eu-app-1": 1}
"""Interfaces with secondary addresses: name → how many."""


def build() -> Estate:
    """Build the organization; nothing in it depends on chance."""
    estate = Estate()
    for name, plan in VPCS.items():
        _vpc(estate, name, plan)
    for name, gateway_plan in GATEWAYS.items():
        estate.gateways[name] = Gateway(name, resource_id("tgw", name), gateway_plan)
    for gateway in estate.gateways.values():
        _attach(estate, gateway)
    for name, vpc in REGIONAL_NATS.items():
        estate.nats[name] = Nat(name, resource_id("nat", name), estate.vpcs[vpc], None, estate.next_public())
    for name, log in FLOW_LOGS.items():
        estate.flow_logs[name] = _flow_log(estate, name, log)
    return estate


def _vpc(estate: Estate, name: str, plan: VpcPlan) -> None:
    vpc = estate.vpcs[name] = Vpc(name, resource_id("vpc", name), plan)
    for tier in plan.tiers.split():
        for zone in range(plan.azs):
            subnet = f"{name}-{tier}-{'abc'[zone]}"
            estate.subnets[subnet] = Subnet(subnet, resource_id("subnet", subnet), vpc, tier, zone)
    for account, prefix, holds in ((plan.account, name, plan.holds), (plan.guests[0], f"{name}-guest", plan.guests[1])):
        for kind, count in (item.split(":") for item in holds.split()):
            for at in range(int(count)):
                _interface(estate, vpc, account, kind, f"{prefix}-{kind}", at)
    for host, its in HOSTS.items():
        if its.vpc == name:
            _host(estate, vpc, host, its)


def _place(estate: Estate, vpc: Vpc, tier: str, at: int) -> tuple[Subnet, str, str]:
    tiers = vpc.plan.tiers.split()
    near = tier if tier in tiers else tiers[-1 if tier == "data" else 0]
    subnet = estate.subnets[f"{vpc.name}-{near}-{'abc'[at % vpc.plan.azs]}"]
    used = sum(1 + len(i.secondary) for i in estate.interfaces.values() if i.subnet is subnet)
    octet = f"{subnet.cidr.rsplit('.', 1)[0]}.{10 + used}"
    return subnet, octet, f"{subnet.ipv6.removesuffix('/64')}{16 + used:x}" if subnet.ipv6 else ""


def _interface(
    estate: Estate, vpc: Vpc, account: str, kind: str, stem: str, at: int, attachment: str = ""
) -> Interface:
    shape, name = SHAPES[kind], f"{stem}-{at + 1}"
    subnet, ip, ipv6 = _place(estate, vpc, shape.tier, at)
    thing = f"{stem}-{at // vpc.plan.azs + 1}" if shape.per_zone else name
    words = {
        "name": thing,
        "account": account,
        "region": vpc.plan.region,
        "uuid": uuid(name),
        "h16": digest("lb", thing),
        "h8u": digest("role", thing, length=8).upper(),
        "nat": resource_id("nat", name),
        "vpce": resource_id("vpce", thing),
        "fs": resource_id("fs", stem),
        "fsmt": resource_id("fsmt", name),
        "d": f"d-{digest('d', thing, length=10)}",
        "rslvr": resource_id("rslvr-in", stem),
        "rni": resource_id("rni", name),
        "attachment": attachment,
    }
    extra = EXPOSED.get(name, "")
    interface = Interface(
        name=name,
        id=resource_id("eni", name),
        kind=kind,
        shape=shape,
        account=account,
        subnet=subnet,
        ip=ip,
        ipv6=ipv6,
        public_ip=estate.next_public() if (shape.public and "public" in vpc.plan.tiers) or extra else "",
        secondary=tuple(f"{ip.rsplit('.', 1)[0]}.{200 + n}" for n in range(SECONDARY.get(name, 0))),
        instance_id=resource_id("i", name) if shape.is_instance and kind != "unattached" else "",
        description=shape.description.format(**words),
        requester=shape.requester.format(**words),
        groups=tuple(g for g in (shape.groups, extra) if g),
        tags={"Name": name, **({"tier": shape.tag} if shape.tag else {})}
        if shape.owner == "{account}" and not shape.managed
        else {},
    )
    estate.interfaces[name] = interface
    if kind == "nat":
        estate.nats[name] = Nat(name, words["nat"], vpc, interface, interface.public_ip)
    return interface


def _host(estate: Estate, vpc: Vpc, name: str, plan: HostPlan) -> None:
    subnet, ip, ipv6 = _place(estate, vpc, "public" if plan.public else "app", 0)
    estate.interfaces[name] = Interface(
        name=name,
        id=resource_id("eni", name),
        kind="host",
        shape=SHAPES["app"],
        account=vpc.plan.account,
        subnet=subnet,
        ip=ip,
        ipv6=ipv6,
        public_ip=estate.next_public() if plan.public else "",
        instance_id=resource_id("i", name),
        groups=(plan.groups,),
        tags={"Name": name, **plan.tags},
    )


def _attach(estate: Estate, gateway: Gateway) -> None:
    plan, named = gateway.plan, estate.attachments
    for vpc in (estate.vpcs[name] for name in plan.vpcs):
        name = f"{gateway.name}/{vpc.name}"
        named[name] = Attachment(name, resource_id("tgw-attach", name), gateway, "vpc", vpc.id, vpc.plan.account, vpc)
        for zone in range(vpc.plan.azs):
            _interface(estate, vpc, vpc.plan.account, "tgw", f"{vpc.name}-{gateway.name}", zone, named[name].id)
    if plan.connect:
        transport = named[f"{gateway.name}/{plan.connect}"].id
        name = f"{gateway.name}/connect"
        named[name] = Attachment(
            name, resource_id("tgw-attach", name), gateway, "connect", transport, plan.account, None, transport
        )
    if plan.peer:
        pair = "/".join(sorted((gateway.name, plan.peer)))  # one attachment, seen from both gateways
        peer = estate.gateways[plan.peer]
        named[f"{gateway.name}/peering"] = Attachment(
            f"{gateway.name}/peering", resource_id("tgw-attach", pair), gateway, "peering", peer.id, peer.plan.account
        )


def _flow_log(estate: Estate, name: str, plan: FlowLogPlan) -> FlowLog:
    target, account, region = _target(estate, plan.on)
    return FlowLog(name, resource_id("fl", name), plan, target, plan.account or account, region)


def _target(estate: Estate, name: str) -> tuple[str, str, str]:
    """The id, owner and region of what a flow log is on; names are unique but for a VPC's, which comes first."""
    inside: dict[str, Subnet | Interface | Nat] = {**estate.subnets, **estate.interfaces, **estate.nats}
    if name in estate.vpcs:
        vpc = estate.vpcs[name]
        return vpc.id, vpc.plan.account, vpc.plan.region
    if name in inside:
        return inside[name].id, inside[name].vpc.plan.account, inside[name].vpc.plan.region
    gateway = estate.gateways.get(name) or estate.attachments[name].gateway
    target = estate.gateways.get(name) or estate.attachments[name]
    return target.id, gateway.plan.account, gateway.plan.region
