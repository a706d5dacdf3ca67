"""Where packets may go in the example: every listing is answered, and agrees with what else is there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from auditkit import snapshot
from auditkit.inventory import read
from auditkit.inventory.unread import LISTINGS
from auditkit.model.inventory import Inventory

ARCHIVE = "222233334444"


@pytest.fixture(scope="module")
def inventory(example: Any) -> Inventory:
    """What the program reads out of the example's snapshot."""
    return read(snapshot.read_meta(example.path / "snapshot"), example.calls)


def test_every_listing_is_answered(inventory: Inventory) -> None:
    """Nothing of the network is unread but what refuses: staging's role, and core-prod's flow logs in us-east-1."""
    tables = {*LISTINGS.values(), "*"}
    told = [(one.account_id, one.region, one.call) for one in inventory.unread if one.table in tables]
    assert told == [
        ("444455556666", "us-east-1", "ec2:DescribeFlowLogs"),
        ("666677778888", "*", "sts:AssumeRole"),
    ]


def test_each_vpc_has_a_main_table_and_a_default_acl(inventory: Inventory) -> None:
    vpcs = {one.vpc_id for one in inventory.vpcs}
    main = Counter((one.vpc_id, one.route_table_id) for one in inventory.routes if one.is_main)
    assert sorted(vpc for vpc, _ in main) == sorted(vpcs)
    acls = {(one.vpc_id, one.network_acl_id) for one in inventory.network_acl_entries if one.is_default}
    assert sorted(vpc for vpc, _ in acls) == sorted(vpcs)


def test_what_has_a_public_address_has_a_way_to_the_internet(inventory: Inventory) -> None:
    """Its subnet's table, or the VPC's main one, leads to an internet gateway."""
    by_subnet = {subnet: one.route_table_id for one in inventory.routes for subnet in one.subnet_ids}
    main = {one.vpc_id: one.route_table_id for one in inventory.routes if one.is_main}
    outward = {one.route_table_id for one in inventory.routes if one.target.startswith("igw-")}
    public = [one for one in inventory.network_interfaces if one.public_addresses]
    assert public
    assert {
        one.interface_id for one in public if by_subnet.get(one.subnet_id, main[one.vpc_id]) not in outward
    } == set()


def test_routes_lead_to_what_exists(inventory: Inventory) -> None:
    there = {
        *(one.nat_gateway_id for one in inventory.nat_gateways),
        *(one.transit_gateway_id for one in inventory.transit_gateways),
        *(one.vpc_endpoint_id for one in inventory.vpc_endpoints),
        *(one.vpc_peering_connection_id for one in inventory.vpc_peering_connections),
        "local",
    }
    targets = {one.target for one in inventory.routes if not one.target.startswith(("igw-", "eigw-"))}
    assert targets <= there
    assert {target.partition("-")[0] for target in targets} == {"local", "nat", "tgw", "vpce", "pcx"}
    lists = {one.prefix_list_id: one for one in inventory.prefix_lists}
    named = {one.destination for one in inventory.routes if one.range is None}
    assert all(lists[one].cidrs for one in named)
    assert len(named) == 2
    assert {one.account_id for one in lists.values()} == {"AWS"}


def test_each_endpoint_interface_belongs_to_an_endpoint_that_is_listed(inventory: Inventory) -> None:
    listed = {interface: one for one in inventory.vpc_endpoints for interface in one.interface_ids}
    shown = [one for one in inventory.network_interfaces if one.service in ("vpc-endpoint", "gwlb-endpoint")]
    assert {one.interface_id for one in shown} == set(listed)
    assert all(listed[one.interface_id].vpc_endpoint_id == one.subject for one in shown)
    assert Counter(one.vpc_endpoint_type for one in inventory.vpc_endpoints).keys() == {
        "Interface",
        "Gateway",
        "GatewayLoadBalancer",
    }


def test_each_subnet_has_one_acl(inventory: Inventory) -> None:
    acls = {(subnet, one.network_acl_id) for one in inventory.network_acl_entries for subnet in one.subnet_ids}
    assert sorted(subnet for subnet, _ in acls) == sorted(one.subnet_id for one in inventory.subnets)
    denied = [one for one in inventory.network_acl_entries if one.rule_action == "deny" and one.rule_number < 32767]
    assert [(one.from_port, one.protocol, one.cidr_block, len(one.subnet_ids)) for one in denied] == [
        (3389, 6, "0.0.0.0/0", 3)
    ]


def test_one_peering_within_the_organization(inventory: Inventory) -> None:
    (one,) = inventory.vpc_peering_connections
    assert (one.account_id, one.peer_account_id, one.status) == ("444455556666", "555566667777", "active")
    assert (one.peer_in_organization, one.seen_from) == (True, ("444455556666", "555566667777"))


def test_public_access_is_blocked_in_one_account_and_one_vpc_watches_encryption(inventory: Inventory) -> None:
    for rows in (inventory.vpcs, inventory.subnets):
        assert {(one.account_id == ARCHIVE, one.internet_gateway_block_mode) for one in rows} == {
            (True, "block-ingress"),
            (False, "off"),
        }
    assert Counter(one.encryption_control for one in inventory.vpcs) == {"off": len(inventory.vpcs) - 1, "monitor": 1}
    here = {one.vpc_id for one in inventory.vpcs if one.account_id == ARCHIVE}
    assert not any(one.public_addresses for one in inventory.network_interfaces if one.vpc_id in here)
