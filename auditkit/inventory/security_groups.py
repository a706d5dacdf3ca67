"""Security groups: one row per permission and source or destination."""

from __future__ import annotations

from collections.abc import Iterator

from auditkit.inventory.answers import Malformed, Row, integer, items, listed, required, text
from auditkit.model import addresses
from auditkit.model.inventory import Call
from auditkit.model.records import PROTOCOLS
from auditkit.model.routing import SecurityGroupRule

_PEERS = (
    ("IpRanges", "CidrIp", True),
    ("Ipv6Ranges", "CidrIpv6", True),
    ("PrefixListIds", "PrefixListId", False),
    ("UserIdGroupPairs", "GroupId", False),
)
WITH_PORTS = (6, 17)
"""Protocols of which a rule names ports: TCP and UDP."""
ICMP = (1, 58)
"""Protocols of which a rule names a type: ICMP and ICMPv6."""
LAST_PORT = 65535
_LAST_PROTOCOL = 255


def rules(row: Row, call: Call) -> tuple[SecurityGroupRule, ...]:
    """Read all rules of one security group, sorted."""
    found = [*_rules(row, call, "IpPermissions"), *_rules(row, call, "IpPermissionsEgress")]
    return tuple(sorted(found, key=_order))


def _order(r: SecurityGroupRule) -> tuple[bool, int, int, int, str, str]:
    return not r.ingress, r.protocol, r.from_port, r.to_port, r.peer, r.description


def _rules(row: Row, call: Call, key: str) -> Iterator[SecurityGroupRule]:
    # Groups of EC2-Classic had no rules for egress; a group without the key for ingress is no answer.
    for permission in items(row, key) if key == "IpPermissionsEgress" else listed(row, key):
        number = protocol(permission, "IpProtocol")
        first, last = _ports(permission, number)
        for peer, described, is_network in _peers(permission):
            yield SecurityGroupRule(
                group_id=required(row, "GroupId"),
                group_name=text(row, "GroupName"),
                vpc_id=text(row, "VpcId"),
                account_id=text(row, "OwnerId") or call.account_id,
                region=call.region,
                ingress=key == "IpPermissions",
                protocol=number,
                from_port=first,
                to_port=last,
                peer=peer,
                range=network(peer) if is_network else None,
                description=described,
                icmp_type=icmp_type(permission, "FromPort", number),
            )


def _peers(permission: Row) -> Iterator[tuple[str, str, bool]]:
    for key, inner, is_network in _PEERS:
        for one in items(permission, key):
            # A pair names the group by name alone where it is in the same default VPC of an old account.
            peer = text(one, inner) or (text(one, "GroupName") if inner == "GroupId" else "")
            if not peer:
                raise Malformed(f"{key}[].{inner} is missing")
            yield peer, text(one, "Description"), is_network


def protocol(row: Row, key: str) -> int:
    """Return the number of a protocol, which AWS writes as a number or by its name; -1 is all.

    Raises:
        Malformed: it is neither.
    """
    name = text(row, key)
    try:
        number = PROTOCOLS[name.lower()] if name.lower() in PROTOCOLS else int(name)
    except ValueError:
        raise Malformed(f"{key} is {name[:40]!r}") from None
    if not -1 <= number <= _LAST_PROTOCOL:
        raise Malformed(f"{key} is {name[:40]!r}")
    return number


def _ports(permission: Row, number: int) -> tuple[int, int]:
    """First and last port; for ICMP, FromPort and ToPort are type and code, which no flow record tells."""
    first, last = integer(permission, "FromPort", -1), integer(permission, "ToPort", -1)
    if number not in WITH_PORTS or first == -1:
        return 0, LAST_PORT
    if not 0 <= first <= last <= LAST_PORT:
        raise Malformed(f"FromPort {first}, ToPort {last} are no range of ports")
    return first, last


def icmp_type(row: Row, key: str, number: int) -> int | None:
    """Return the type that a rule of ICMP is for: -1 for all, as for other protocols; None where it does not tell."""
    if number not in ICMP:
        return -1
    return None if row.get(key) is None else integer(row, key, -1)


def network(cidr: str) -> addresses.Range:
    """Return the addresses of a CIDR.

    Raises:
        Malformed: it is none.
    """
    try:
        return addresses.cidr(cidr)
    except ValueError:
        raise Malformed(f"{cidr[:50]!r} is not a CIDR") from None
