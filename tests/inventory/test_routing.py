"""Network ACLs and route tables: one row per entry and route, in the order in which AWS tries them."""

from __future__ import annotations

import pytest

from auditkit.inventory import read
from auditkit.model.addresses import cidr

OWNER = "111122223333"
GUEST = "444455556666"
LAST = {"RuleNumber": 32767, "Protocol": "-1", "RuleAction": "deny", "Egress": False, "CidrBlock": "0.0.0.0/0"}
WEB = {
    "RuleNumber": 100,
    "Protocol": "6",
    "RuleAction": "allow",
    "Egress": False,
    "CidrBlock": "0.0.0.0/0",
    "PortRange": {"From": 443, "To": 443},
}


def acl(*entries, **more):
    return {
        "NetworkAclId": "acl-0a1b2c3d",
        "VpcId": "vpc-1",
        "OwnerId": OWNER,
        "IsDefault": False,
        "Associations": [{"NetworkAclAssociationId": "aclassoc-1", "SubnetId": "subnet-2"}, {"SubnetId": "subnet-1"}],
        "Entries": list(entries),
    } | more


def test_entries_come_in_the_order_in_which_they_are_tried(inventory):
    six = {key: value for key, value in LAST.items() if key != "CidrBlock"} | {"Ipv6CidrBlock": "::/0"}
    entries = [
        LAST,
        LAST | {"Egress": True},
        WEB | {"Egress": True, "RuleNumber": 90},
        six | {"RuleNumber": 32768},
        WEB | {"RuleNumber": 200},
        WEB,
    ]
    built = inventory(NetworkAcls=[acl(*entries), acl(LAST, NetworkAclId="acl-0", IsDefault=True)])
    assert [(one.network_acl_id, one.egress, one.rule_number) for one in built.network_acl_entries] == [
        ("acl-0", False, 32767),
        ("acl-0a1b2c3d", False, 100),
        ("acl-0a1b2c3d", False, 200),
        ("acl-0a1b2c3d", False, 32767),
        ("acl-0a1b2c3d", False, 32768),
        ("acl-0a1b2c3d", True, 90),
        ("acl-0a1b2c3d", True, 32767),
    ]
    first, web = built.network_acl_entries[:2]
    assert (first.is_default, first.protocol, first.from_port, first.to_port) == (True, -1, 0, 65535)
    assert (web.vpc_id, web.account_id, web.subnet_ids) == ("vpc-1", OWNER, ("subnet-1", "subnet-2"))
    assert (web.rule_action, web.protocol, web.from_port, web.to_port) == ("allow", 6, 443, 443)
    assert (web.cidr_block, web.range) == ("0.0.0.0/0", cidr("0.0.0.0/0"))
    assert built.network_acl_entries[4].cidr_block == "::/0"
    assert built.unread == ()


@pytest.mark.parametrize(
    ("entry", "ports"),
    [
        ({"Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": -1}, "PortRange": {"From": 8, "To": 0}}, (0, 65535)),
        ({"Protocol": "17", "PortRange": {"From": 0, "To": 65535}}, (0, 65535)),
        ({"Protocol": "tcp"}, (443, 443)),
        ({"PortRange": None}, (0, 65535)),
    ],
)
def test_ports_are_of_tcp_and_udp_only(inventory, entry, ports):
    (row,) = inventory(NetworkAcls=[acl(WEB | entry)]).network_acl_entries
    assert (row.from_port, row.to_port) == ports


@pytest.mark.parametrize(
    "broken",
    [
        {"Egress": None},
        {"Egress": "false"},
        {"RuleNumber": None},
        {"RuleNumber": True},
        {"RuleAction": "perhaps"},
        {"RuleAction": None},
        {"Protocol": "carrier-pigeon"},
        {"Protocol": 6},
        {"PortRange": {"From": 443}},
        {"PortRange": {"From": 443, "To": 80}},
        {"PortRange": [443, 443]},
        {"CidrBlock": None},
        {"CidrBlock": "everywhere"},
    ],
)
def test_an_entry_that_makes_no_sense_leaves_its_acl_unread_and_the_others_there(inventory, broken):
    built = inventory(NetworkAcls=[acl(WEB | broken), acl(LAST, NetworkAclId="acl-2")])
    assert [one.table for one in built.unread] == ["network_acl_entries"]
    assert [one.network_acl_id for one in built.network_acl_entries] == ["acl-2"]


def test_an_acl_without_its_entries_is_unread_and_does_not_allow_everything(inventory):
    built = inventory(NetworkAcls=[{"NetworkAclId": "acl-1"}])
    assert [one.error for one in built.unread] == ["not as AWS writes it: NetworkAcls[]: Entries is missing"]


LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"}


def table(*routes, associations=(), **more):
    return {
        "RouteTableId": "rtb-0a1b2c3d",
        "VpcId": "vpc-1",
        "OwnerId": OWNER,
        "Associations": list(associations),
        "Routes": list(routes),
    } | more


# fmt: off
TARGETS = [
    ({"GatewayId": "igw-1"}, "igw-1"),
    ({"GatewayId": "vpce-1"}, "vpce-1"),
    ({"GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation"}, "vgw-1"),
    ({"NatGatewayId": "nat-1"}, "nat-1"),
    ({"TransitGatewayId": "tgw-1"}, "tgw-1"),
    ({"VpcPeeringConnectionId": "pcx-1"}, "pcx-1"),
    ({"EgressOnlyInternetGatewayId": "eigw-1"}, "eigw-1"),
    ({"CarrierGatewayId": "cagw-1"}, "cagw-1"),
    ({"LocalGatewayId": "lgw-1"}, "lgw-1"),
    ({"CoreNetworkArn": "arn:aws:networkmanager::1:core-network/x"}, "arn:aws:networkmanager::1:core-network/x"),
    ({"NetworkInterfaceId": "eni-1", "InstanceId": "i-1", "InstanceOwnerId": OWNER}, "eni-1"),
    ({"InstanceId": "i-1"}, "i-1"),
    ({"State": "blackhole"}, ""),
    ({"SomethingNewId": "new-1"}, ""),
]
# fmt: on


@pytest.mark.parametrize(("told", "target"), TARGETS)
def test_where_a_route_leads(inventory, told, target):
    built = inventory(RouteTables=[table({"DestinationCidrBlock": "0.0.0.0/0"} | told)])
    (row,) = built.routes
    assert (row.target, row.state) == (target, told.get("State", "active"))
    assert built.unread == ()


def test_routes_are_sorted_by_destination_prefix_lists_last(inventory):
    routes = [
        {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"},
        {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"},
        {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable"},
        {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"},
    ]
    rows = inventory(RouteTables=[table(*routes)]).routes
    assert [(one.destination, one.range is None) for one in rows] == [
        ("::/0", False),
        ("0.0.0.0/0", False),
        ("10.0.0.0/16", False),
        ("pl-1", True),
    ]
    assert rows[2].origin == "CreateRouteTable"


def test_which_subnets_use_a_table(inventory):
    """What was parted from it does not; a gateway's association is of no subnet."""
    associations = [
        {"Main": True, "AssociationState": {"State": "associated"}},
        {"Main": False, "SubnetId": "subnet-2"},
        {"Main": False, "SubnetId": "subnet-1", "AssociationState": {"State": "associating"}},
        {"Main": False, "SubnetId": "subnet-3", "AssociationState": {"State": "disassociated"}},
        {"Main": False, "GatewayId": "igw-1", "AssociationState": {"State": "associated"}},
    ]
    (row,) = inventory(RouteTables=[table(LOCAL, associations=associations)]).routes
    assert (row.is_main, row.subnet_ids) == (True, ("subnet-1", "subnet-2"))
    parted = [{"Main": True, "AssociationState": {"State": "disassociating"}}]
    assert not inventory(RouteTables=[table(LOCAL, associations=parted)]).routes[0].is_main


@pytest.mark.parametrize(
    "broken",
    [
        {"Routes": [{"GatewayId": "igw-1"}]},
        {"Routes": [LOCAL | {"DestinationCidrBlock": "10.0.0.1/8"}]},
        {"Routes": [LOCAL | {"GatewayId": 7}]},
        {"Routes": None},
        {"Routes": {}},
        {"Associations": None},
        {"Associations": ["subnet-1"]},
        {"RouteTableId": ""},
    ],
)
def test_a_table_that_makes_no_sense_is_unread(inventory, broken):
    built = inventory(RouteTables=[table(LOCAL) | broken, table(LOCAL, RouteTableId="rtb-2")])
    assert [one.table for one in built.unread] == ["routes"]
    assert [one.route_table_id for one in built.routes] == ["rtb-2"]


def test_what_a_participant_sees_is_the_owners(aws):
    """Seen from two accounts, an ACL and a table are told once, as their owner sees them."""
    theirs = aws.listings(GUEST, NetworkAcls=[acl(LAST)], RouteTables=[table(LOCAL)])
    mine = aws.listings(NetworkAcls=[acl(WEB, LAST)], RouteTables=[table(LOCAL, {"DestinationCidrBlock": "0.0.0.0/0"})])
    for calls in ([*theirs, *mine], [*mine, *theirs]):
        built = read(aws.meta(OWNER, GUEST), calls)
        assert [one.rule_number for one in built.network_acl_entries] == [100, 32767]
        assert len(built.routes) == 2
        assert {one.account_id for one in (*built.routes, *built.network_acl_entries)} == {OWNER}


def test_a_rule_of_a_security_group_names_its_vpc(inventory):
    permission = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    group = {"GroupId": "sg-1", "VpcId": "vpc-1", "IpPermissions": [permission]}
    assert inventory(SecurityGroups=[group]).security_group_rules[0].vpc_id == "vpc-1"


def test_icmp_entries_are_for_a_type_or_for_all(inventory):
    told = ({"Type": 8, "Code": -1}, {"Type": -1, "Code": -1}, None)
    entries = [
        WEB | {"Protocol": "1", "PortRange": None, "RuleNumber": n, "IcmpTypeCode": one} for n, one in enumerate(told)
    ]
    rows = inventory(NetworkAcls=[acl(*entries, WEB)]).network_acl_entries
    assert [one.icmp_type for one in rows] == [8, -1, None, -1]


def test_gateways_that_route_by_a_table_are_told_apart_from_its_subnets(inventory):
    """Edge associations: GatewayId instead of SubnetId (Amazon VPC User Guide, "Gateway route tables")."""
    edge = table(
        LOCAL, associations=[{"Main": False, "GatewayId": "igw-1", "AssociationState": {"State": "associated"}}]
    )
    (row,) = inventory(RouteTables=[edge]).routes
    assert (row.gateway_ids, row.subnet_ids, row.is_main) == (("igw-1",), (), False)
    gone = table(LOCAL, associations=[{"GatewayId": "igw-1", "AssociationState": {"State": "disassociated"}}])
    assert inventory(RouteTables=[gone]).routes[0].gateway_ids == ()
