"""Security groups: one row per permission and peer."""

from __future__ import annotations

import pytest

from auditkit.model.addresses import cidr

OWNER = "111122223333"


def group(*permissions, **more):
    return {"GroupId": "sg-1", "GroupName": "web", "OwnerId": OWNER, "IpPermissions": list(permissions)} | more


def test_each_source_is_a_row(inventory):
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 23,
        "IpRanges": [{"CidrIp": "198.51.100.0/24", "Description": "office"}, {"CidrIp": "0.0.0.0/0"}],
        "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        "PrefixListIds": [{"PrefixListId": "pl-1"}],
        "UserIdGroupPairs": [{"GroupId": "sg-9", "UserId": OWNER}, {"GroupName": "default"}],
    }
    rows = inventory(SecurityGroups=[group(permission)]).security_group_rules
    assert [(one.peer, one.range) for one in rows] == [
        ("0.0.0.0/0", cidr("0.0.0.0/0")),
        ("198.51.100.0/24", cidr("198.51.100.0/24")),
        ("::/0", cidr("::/0")),
        ("default", None),
        ("pl-1", None),
        ("sg-9", None),
    ]
    assert {(one.protocol, one.from_port, one.to_port, one.ingress, one.group_name) for one in rows} == {
        (6, 22, 23, True, "web")
    }
    assert rows[1].description == "office"


# fmt: off
PORTS = [
    ({"IpProtocol": "-1"}, (-1, 0, 65535)),
    ({"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535}, (6, 0, 65535)),
    ({"IpProtocol": "17", "FromPort": 53, "ToPort": 53}, (17, 53, 53)),
    ({"IpProtocol": "udp", "FromPort": -1, "ToPort": -1}, (17, 0, 65535)),
    ({"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1}, (1, 0, 65535)),
    ({"IpProtocol": "icmpv6", "FromPort": 128, "ToPort": 0}, (58, 0, 65535)),
    ({"IpProtocol": "50"}, (50, 0, 65535)),
]
# fmt: on


@pytest.mark.parametrize(("permission", "expected"), PORTS)
def test_ports_are_of_tcp_and_udp_only(inventory, permission, expected):
    """Of ICMP, FromPort and ToPort are type and code: no port, and no flow record tells them."""
    (row,) = inventory(
        SecurityGroups=[group(permission | {"IpRanges": [{"CidrIp": "10.0.0.0/8"}]})]
    ).security_group_rules
    assert (row.protocol, row.from_port, row.to_port) == expected


def test_egress_follows_ingress(inventory):
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    rows = inventory(SecurityGroups=[group(everything, IpPermissionsEgress=[everything])]).security_group_rules
    assert [one.ingress for one in rows] == [True, False]


@pytest.mark.parametrize(
    "permission",
    [
        {"IpProtocol": "carrier-pigeon"},
        {"IpProtocol": "256"},
        {},
        {"IpProtocol": "tcp", "FromPort": 23, "ToPort": 22},
        {"IpProtocol": "tcp", "FromPort": "22", "ToPort": 22},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 70000},
        {"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "everywhere"}]},
        {"IpProtocol": "tcp", "IpRanges": [{"Description": "no range"}]},
    ],
)
def test_a_permission_that_makes_no_sense_is_unread(inventory, permission):
    built = inventory(SecurityGroups=[group({"IpRanges": [{"CidrIp": "0.0.0.0/0"}]} | permission)])
    assert [one.table for one in built.unread] == ["security_groups"]
    assert built.security_group_rules == ()


def test_a_group_without_its_permissions_is_unread_and_not_closed(inventory):
    built = inventory(SecurityGroups=[{"GroupId": "sg-1"}])
    assert [one.error for one in built.unread] == ["not as AWS writes it: SecurityGroups[]: IpPermissions is missing"]


def test_icmp_rules_are_for_a_type_or_for_all(inventory):
    """Absent is not all: what a rule is for is then not known."""
    told = {"type": {"FromPort": 8, "ToPort": -1}, "all": {"FromPort": -1, "ToPort": -1}, "absent": {}}
    kinds = {}
    for name, ports in told.items():
        permission = {"IpProtocol": "icmp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]} | ports
        (row,) = inventory(SecurityGroups=[group(permission)]).security_group_rules
        kinds[name] = row.icmp_type
    assert kinds == {"type": 8, "all": -1, "absent": None}
    tcp = {"IpProtocol": "tcp", "FromPort": 8, "ToPort": 8, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    assert inventory(SecurityGroups=[group(tcp)]).security_group_rules[0].icmp_type == -1
