"""Routes: which table, which route of it, and what its target lets through."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attribution.made import (
    INSIDE,
    LOCAL,
    OUTSIDE,
    endpoint,
    explained,
    flow,
    interface,
    peering,
    prefix_list,
    route,
    subnet,
    unread,
    vpc,
)

BARE = (interface(public_addresses=()),)
"""An interface without a public address."""
IGW = route("0.0.0.0/0", "igw-1")
PROPAGATED = "EnableVgwRoutePropagation"


def said(*routes: Any, flows: tuple[Any, ...] = (flow(),), **more: Any) -> tuple[str, str, str]:
    """Word, destination and target."""
    one = explained(*flows, routes=routes, **more)["route"]
    return one["verdict"], one["destination"], one["target"]


def test_within_a_vpc_the_local_route_leads():
    assert said(LOCAL, IGW, flows=(flow(INSIDE),)) == ("consistent", "10.0.0.0/16", "local")


def test_the_longest_prefix_wins_then_static_then_lists_then_what_was_propagated():
    near = route("203.0.113.0/24", "tgw-1")
    lists = (prefix_list("pl-1", "203.0.113.0/24"),)
    assert said(LOCAL, IGW, near)[2] == "tgw-1"
    assert said(IGW, near, route("pl-1", "tgw-2"), prefix_lists=lists)[2] == "tgw-1"
    late = route("203.0.113.0/24", "vgw-1", origin=PROPAGATED)
    assert said(IGW, late, route("pl-1", "tgw-2"), prefix_lists=lists)[2] == "tgw-2"
    assert said(IGW, late, near)[2] == "tgw-1"
    assert said(IGW, route("203.0.113.0/25", "vgw-1", origin=PROPAGATED), near)[2] == "vgw-1"


def test_two_prefix_lists_of_one_length_leave_it_to_aws():
    lists = (prefix_list("pl-1", "203.0.113.0/24"), prefix_list("pl-2", "203.0.113.0/24"))
    assert said(IGW, route("pl-1", "tgw-1"), route("pl-2", "tgw-2"), prefix_lists=lists)[0] == "cannot tell"


def test_an_unread_prefix_list_may_hold_the_address():
    assert said(IGW, route("pl-1", "vpce-1"), prefix_lists=(prefix_list("pl-1"),))[0] == "cannot tell"
    assert said(route(f"{OUTSIDE}/32", "tgw-1"), route("pl-1", "vpce-1"))[0] == "consistent"


def test_no_route_and_a_blackhole_contradict():
    assert said(LOCAL) == ("contradict", "", "")
    assert said(LOCAL, IGW, route("203.0.113.0/24", "tgw-1", state="blackhole"))[0] == "contradict"
    assert said(LOCAL, route("0.0.0.0/0", "igw-1", state="filtered"))[0] == "cannot tell"


def test_a_packet_that_only_left_was_recorded_before_it_was_routed():
    left = flow(local_port=51000, remote_port=22, out=True, began="local")
    assert said(LOCAL, flows=(left,))[0] == "cannot tell"
    assert said(LOCAL, IGW, flows=(left,), network_interfaces=BARE)[0] == "cannot tell"
    assert said(LOCAL, flows=(flow(local_port=51000, remote_port=22, began="local"),))[0] == "contradict"  # the answer


def test_an_internet_gateway_needs_a_public_address():
    assert said(LOCAL, IGW)[0] == "consistent"
    assert said(LOCAL, IGW, network_interfaces=BARE)[0] == "contradict"
    six = (interface("eni-1", "10.0.0.5", "2001:db8:1::5", public_addresses=()),)
    way = route("::/0", "igw-1")
    assert said(LOCAL, way, flows=(flow("2001:db8::9"),), network_interfaces=six)[0] == "consistent"


@pytest.mark.parametrize("service", ["elb-network", "elb-gateway", "global-accelerator"])
def test_a_load_balancer_may_have_handed_on_the_clients_address(service):
    behind = (*BARE, interface("eni-2", "10.0.0.6", service=service))
    assert said(LOCAL, IGW, network_interfaces=behind)[0] == "cannot tell"
    assert said(LOCAL, IGW, network_interfaces=BARE, vpc_peering_connections=(peering(),))[0] == "cannot tell"
    assert said(LOCAL, IGW, network_interfaces=BARE, unread=(unread("network_interfaces"),))[0] == "cannot tell"


@pytest.mark.parametrize("target", ["nat-1", "eigw-1", "vpce-1"])
def test_what_lets_out_only_lets_nothing_in(target):
    more = {"vpc_endpoints": (endpoint("Gateway"),)}
    assert said(LOCAL, route("0.0.0.0/0", target), **more)[0] == "contradict"
    came_back = flow(local_port=51000, remote_port=443, began="local")
    assert said(LOCAL, route("0.0.0.0/0", target), flows=(came_back,), **more)[0] == "consistent"
    assert said(LOCAL, route("0.0.0.0/0", target), flows=(flow(began=None),), **more)[0] == "cannot tell"


@pytest.mark.parametrize(
    ("target", "word"),
    [
        ("tgw-1", "consistent"),
        ("pcx-1", "consistent"),
        ("vgw-1", "consistent"),
        ("arn:aws:networkmanager::1:core-network/x", "consistent"),
        ("eni-9", "cannot tell"),
        ("vpce-1", "cannot tell"),
        ("", "cannot tell"),
    ],
)
def test_what_lies_behind_other_targets_is_not_guessed(target, word):
    assert said(LOCAL, route("0.0.0.0/0", target), vpc_endpoints=(endpoint("GatewayLoadBalancer"),))[0] == word


def test_a_gateway_with_a_table_of_its_own_cannot_be_told():
    edge = route("10.0.0.0/16", "local", route_table_id="rtb-edge", subnet_ids=(), gateway_ids=("igw-1",))
    assert said(LOCAL, IGW, edge)[0] == "cannot tell"


def test_the_main_table_counts_where_the_subnet_names_none_and_nothing_was_missed():
    main = [route(d, t, subnet_ids=(), is_main=True) for d, t in (("10.0.0.0/16", "local"), ("0.0.0.0/0", "igw-1"))]
    assert said(*main)[0] == "consistent"
    assert said(*main, unread=(unread("routes"),))[0] == "cannot tell"
    own = route("0.0.0.0/0", "nat-1", route_table_id="rtb-2")
    assert said(*main, own)[2] == "nat-1"
    assert said(*main, own, unread=(unread("routes"),))[2] == "nat-1"  # an association is an association
    assert said()[0] == "cannot tell"
    assert said(LOCAL, IGW, route("0.0.0.0/0", "igw-1", route_table_id="rtb-2"))[0] == "cannot tell"


@pytest.mark.parametrize(("mode", "given", "word"), [
    ("block-ingress", {}, "contradict"),
    ("block-ingress", {"began": "local"}, "consistent"),
    ("block-bidirectional", {"began": "local"}, "contradict"),
    (None, {}, "cannot tell"),
])  # fmt: skip
def test_block_public_access_is_asked_at_the_gateway(mode, given, word):
    assert said(LOCAL, IGW, flows=(flow(**given),), subnets=(subnet(mode),), vpcs=(vpc(mode="off"),))[0] == word
    assert said(LOCAL, IGW, flows=(flow(INSIDE, **given),), subnets=(subnet(mode),))[0] == "consistent"
