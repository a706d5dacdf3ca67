"""Network ACLs and route tables: one row per entry, one row per route."""

from __future__ import annotations

from auditkit.inventory.answers import Malformed, Row, flag, integer, listed, part, required, text, texts
from auditkit.inventory.security_groups import LAST_PORT, WITH_PORTS, icmp_type, network, protocol
from auditkit.model.addresses import Range
from auditkit.model.inventory import Call
from auditkit.model.routing import NetworkAclEntry, Route

_TARGETS = (
    # An instance is a target by its interface: both are answered, and the interface tells more.
    "NetworkInterfaceId",
    "GatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "EgressOnlyInternetGatewayId",
    "CarrierGatewayId",
    "LocalGatewayId",
    "CoreNetworkArn",
    "OdbNetworkArn",
    "InstanceId",
    "IpAddress",
)
_PARTED = ("disassociating", "disassociated", "failed")
_ACTIONS = ("allow", "deny")
_NO_ADDRESSES = (1 << 128, 1 << 128)
"""Sorts a prefix list behind every CIDR."""


def acl_entries(row: Row, call: Call) -> tuple[NetworkAclEntry, ...]:
    """Read all entries of one network ACL, in the order in which they are tried: ingress, then egress."""
    acl = required(row, "NetworkAclId")
    subnets = tuple(sorted(set(texts(row, "Associations", "SubnetId"))))
    found = []
    for entry in listed(row, "Entries"):
        number = protocol(entry, "Protocol")
        first, last = _ports(entry, number)
        cidr = text(entry, "CidrBlock") or required(entry, "Ipv6CidrBlock")
        found.append(
            NetworkAclEntry(
                network_acl_id=acl,
                vpc_id=text(row, "VpcId"),
                account_id=text(row, "OwnerId") or call.account_id,
                region=call.region,
                subnet_ids=subnets,
                is_default=flag(row, "IsDefault"),
                egress=_egress(entry),
                rule_number=_rule_number(entry),
                rule_action=_action(entry),
                protocol=number,
                from_port=first,
                to_port=last,
                cidr_block=cidr,
                range=network(cidr),
                icmp_type=icmp_type(part(entry, "IcmpTypeCode"), "Type", number),
            )
        )
    return tuple(sorted(found, key=lambda e: (e.egress, e.rule_number, e.cidr_block, e.protocol, e.from_port)))


def _egress(entry: Row) -> bool:
    if entry.get("Egress") is None:
        raise Malformed("Egress is missing")
    return flag(entry, "Egress")


def _rule_number(entry: Row) -> int:
    if (number := integer(entry, "RuleNumber", -1)) < 0:
        raise Malformed("RuleNumber is missing")
    return number


def _action(entry: Row) -> str:
    action = text(entry, "RuleAction")
    if action not in _ACTIONS:
        raise Malformed(f"RuleAction is {action[:40]!r}, not allow or deny")
    return action


def _ports(entry: Row, number: int) -> tuple[int, int]:
    """First and last port; an entry without PortRange is for all."""
    ports = part(entry, "PortRange")
    if number not in WITH_PORTS or not ports:
        return 0, LAST_PORT
    first, last = integer(ports, "From", -1), integer(ports, "To", -1)
    if not 0 <= first <= last <= LAST_PORT:
        raise Malformed(f"From {first}, To {last} are no range of ports")
    return first, last


def routes(row: Row, call: Call) -> tuple[Route, ...]:
    """Read all routes of one route table, sorted by destination: networks in the order of addresses, then prefix lists."""
    table = required(row, "RouteTableId")
    used = [one for one in listed(row, "Associations") if _associated(one)]
    subnets = tuple(sorted({subnet for one in used if (subnet := text(one, "SubnetId"))}))
    gateways = tuple(sorted({gateway for one in used if (gateway := text(one, "GatewayId"))}))
    found = []
    for route in listed(row, "Routes"):
        destination, addresses = _destination(route)
        found.append(
            Route(
                route_table_id=table,
                vpc_id=text(row, "VpcId"),
                account_id=text(row, "OwnerId") or call.account_id,
                region=call.region,
                subnet_ids=subnets,
                is_main=any(flag(one, "Main") for one in used),
                destination=destination,
                range=addresses,
                target=next((target for key in _TARGETS if (target := text(route, key))), ""),
                state=text(route, "State") or "active",
                origin=text(route, "Origin"),
                gateway_ids=gateways,
            )
        )
    return tuple(sorted(found, key=_order))


def _associated(association: Row) -> bool:
    return text(part(association, "AssociationState"), "State").lower() not in _PARTED


def _destination(route: Row) -> tuple[str, Range | None]:
    cidr = text(route, "DestinationCidrBlock") or text(route, "DestinationIpv6CidrBlock")
    if cidr:
        return cidr, network(cidr)
    return required(route, "DestinationPrefixListId"), None


def _order(route: Route) -> tuple[Range, str, str, str]:
    return route.range or _NO_ADDRESSES, route.destination, route.target, route.origin
