"""A small estate with one interface in one subnet, and flows at it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from auditkit.attribution import Rules
from auditkit.model.addresses import cidr
from auditkit.model.inventory import Inventory, NetworkInterface, Subnet, Unread, Vpc
from auditkit.model.routing import (
    NetworkAclEntry,
    PrefixList,
    Route,
    SecurityGroupRule,
    VpcEndpoint,
    VpcPeeringConnection,
)

ACCOUNT, REGION = "111122223333", "eu-central-1"
OUTSIDE, INSIDE, BESIDE = "203.0.113.9", "10.0.9.5", "10.0.0.77"
"""A peer on the internet, one in another subnet, one in the same subnet."""
_PLACE = {"account_id": ACCOUNT, "region": REGION}
_VPC = {**_PLACE, "vpc_id": "vpc-1"}


def rule(peer: str = "0.0.0.0/0", port: int | tuple[int, int] = 22, **more: Any) -> SecurityGroupRule:
    first, last = port if isinstance(port, tuple) else (port, port)
    given = {"group_id": "sg-1", "group_name": "web", "ingress": True, "protocol": 6, "peer": peer} | _VPC | more
    given.setdefault("range", cidr(peer) if "/" in peer else None)
    return SecurityGroupRule(from_port=first, to_port=last, **given)


def everything(**more: Any) -> SecurityGroupRule:
    """All traffic, as AWS writes it."""
    return rule("0.0.0.0/0", (0, 65535), protocol=-1, **more)


def entry(number: int, action: str = "allow", peers: str = "0.0.0.0/0", **more: Any) -> NetworkAclEntry:
    given = {"network_acl_id": "acl-1", "subnet_ids": ("subnet-1",), "egress": False, "protocol": -1} | _VPC | more
    return NetworkAclEntry(rule_number=number, rule_action=action, cidr_block=peers, range=cidr(peers), **given)


ALLOW = (entry(100), entry(32767, "deny"), entry(100, egress=True), entry(32767, "deny", egress=True))
"""Network ACL that lets all pass."""


def route(destination: str, target: str, **more: Any) -> Route:
    given = {"route_table_id": "rtb-1", "subnet_ids": ("subnet-1",)} | _VPC | more
    return Route(
        destination=destination, target=target, range=cidr(destination) if "/" in destination else None, **given
    )


LOCAL = route("10.0.0.0/16", "local", origin="CreateRouteTable")
ROUTES = (LOCAL, route("0.0.0.0/0", "igw-1"))


def interface(interface_id: str = "eni-1", *addresses: str, **more: Any) -> NetworkInterface:
    given: dict[str, Any] = {
        "interface_arn": interface_id, "subnet_id": "subnet-1", "service": "ec2", "service_evidence": "", "subject": interface_id,
        "subject_type": "network-interface", "status": "in-use", "public_addresses": ("198.51.100.1",), "security_group_ids": ("sg-1",),
        "interface_tags": {}, "seen_from": (ACCOUNT,),
    } | _VPC | more  # fmt: skip
    return NetworkInterface(interface_id=interface_id, addresses=addresses or ("10.0.0.5",), **given)


def vpc(vpc_id: str = "vpc-1", *cidrs: str, mode: str | None = "off") -> Vpc:
    return Vpc(
        vpc_id=vpc_id, vpc_arn=vpc_id, cidr_blocks=cidrs or ("10.0.0.0/16",), internet_gateway_block_mode=mode, vpc_tags={}, seen_from=(ACCOUNT,), **_PLACE
    )  # fmt: skip


def subnet(mode: str | None = "off") -> Subnet:
    return Subnet(
        subnet_id="subnet-1", subnet_arn="", cidr_blocks=("10.0.0.0/24",), internet_gateway_block_mode=mode, subnet_tags={}, seen_from=(ACCOUNT,), **_VPC
    )  # fmt: skip


def prefix_list(list_id: str = "pl-1", *cidrs: str) -> PrefixList:
    return PrefixList(prefix_list_id=list_id, prefix_list_name="partners", cidrs=cidrs or None, **_PLACE)


def endpoint(kind: str) -> VpcEndpoint:
    return VpcEndpoint(vpc_endpoint_id="vpce-1", vpc_endpoint_type=kind, service_name="s3", **_VPC)


def peering(status: str = "active") -> VpcPeeringConnection:
    return VpcPeeringConnection(
        vpc_peering_connection_id="pcx-1", peer_vpc_id="vpc-2", peer_account_id=ACCOUNT, peer_region=REGION, status=status, **_VPC
    )  # fmt: skip


def unread(table: str) -> Unread:
    return Unread(table=table, call="ec2:Describe", error="AccessDenied", **_PLACE)


def inventory(**more: Any) -> Inventory:
    """All is well: the group, the network ACL and the route let everything pass."""
    given: dict[str, Any] = {
        "vpcs": (vpc(),), "subnets": (subnet(),), "network_interfaces": (interface(),), "security_group_rules": (everything(),),
        "network_acl_entries": ALLOW, "routes": ROUTES,
    }  # fmt: skip
    return Inventory(
        as_of=datetime(2026, 10, 1, 6, tzinfo=UTC), accounts=(), regions={ACCOUNT: (REGION,)}, **(given | more)
    )


def flow(
    remote: str | None = OUTSIDE, local_port: int | None = 22, remote_port: int | None = 51000, **more: Any
) -> dict[str, Any]:
    """A packet in, which the other side began; `out=True` turns it, `began` says who began."""
    out, began = more.pop("out", False), more.pop("began", "remote")
    near, far = ("dstaddr", "pkt_dstaddr") if out else ("srcaddr", "pkt_srcaddr")
    return {
        "interface_id": "eni-1", "action": "ACCEPT", "direction": "egress" if out else "ingress", "initiator": began, "local_address": "10.0.0.5",
        "local_port": local_port, "remote_address": remote, "remote_port": remote_port, "protocol": 6, near: remote, far: remote, **more,
    }  # fmt: skip


def explained(*flows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What is said of flows in an estate."""
    cause = Rules.of(inventory(**more)).explain(flows or (flow(),))
    assert cause is not None
    return cause


def words(cause: dict[str, Any]) -> tuple[str, str, str]:
    """The three words: groups, ACL, route."""
    return cause["security_groups"]["verdict"], cause["network_acl"]["verdict"], cause["route"]["verdict"]
