"""Security groups are asked for the side that began, and what is not known is never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attribution.made import (
    INSIDE,
    OUTSIDE,
    everything,
    explained,
    flow,
    interface,
    peering,
    prefix_list,
    rule,
    vpc,
)

OUT = everything(ingress=False)


def said(*flows: dict[str, Any], rules: tuple[Any, ...], **more: Any) -> tuple[str, list[str]]:
    """The word of the groups, and the rules that they name."""
    cause = explained(*flows, security_group_rules=rules, **more)
    return cause["security_groups"]["verdict"], [r["rule_id"] for r in cause["rules"]]


def test_the_rule_is_named_by_group_way_ports_and_peer():
    cause = explained(security_group_rules=(rule(description="temporary"), rule("10.0.0.0/8"), rule(port=80), OUT))
    assert cause["rules"] == [
        {
            "group_id": "sg-1",
            "group_name": "web",
            "rule_id": "sg-1/ingress/6/22-22/0.0.0.0/0",
            "rule": "ingress from 0.0.0.0/0, TCP port 22",
            "description": "temporary",
        }
    ]


def test_the_answer_of_what_began_outside_is_asked_of_ingress():
    """Groups are stateful: what was let in may answer, whatever egress says."""
    assert said(flow(out=True), rules=(rule(),)) == ("consistent", ["sg-1/ingress/6/22-22/0.0.0.0/0"])
    assert said(flow(local_port=51000, remote_port=22, began="local"), rules=(rule(), OUT))[0] == "consistent"
    assert said(flow(local_port=51000, remote_port=22, began="local"), rules=(rule(),))[0] == "contradict"


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ((rule(), OUT), "consistent"),  # both ways allow it
        ((rule(), rule("10.0.0.0/8", ingress=False)), "cannot tell"),
        ((rule("10.0.0.0/8"), rule("10.0.0.0/8", ingress=False)), "contradict"),  # neither does
    ],
)
def test_where_nobody_knows_who_began_both_ways_are_asked(rules, word):
    assert said(flow(began=None), rules=rules)[0] == word


def test_ports_that_accuse_are_believed_as_the_finding_does():
    assert said(flow(began=None, initiator_by_ports="remote"), rules=(rule(),))[0] == "consistent"


@pytest.mark.parametrize(("one", "given", "word"), [
    (rule(port=(20, 30)), {}, "consistent"),
    (rule(port=(23, 30)), {}, "contradict"),
    (rule(protocol=17), {}, "contradict"),
    (rule(), {"local_port": None}, "cannot tell"),
    (rule(port=(0, 65535)), {"local_port": None}, "consistent"),
    (rule(), {"protocol": None}, "cannot tell"),
    (everything(), {"protocol": None}, "consistent"),
    (rule("203.0.113.0/24"), {}, "consistent"),
    (rule("198.51.100.0/24"), {}, "contradict"),
    (rule("::/0"), {}, "contradict"),  # IPv4 stands on the same number line, and is none of ::/0
    (rule("::/0"), {"remote": "2001:db8::9"}, "consistent"),
    (rule("0.0.0.0/0"), {"remote": "2001:db8::9"}, "contradict"),
    (rule("0.0.0.0/0", (0, 65535), protocol=1), {"protocol": 1, "local_port": 0}, "consistent"),
    (rule("0.0.0.0/0", (0, 65535), protocol=1, icmp_type=8), {"protocol": 1, "local_port": 0}, "cannot tell"),
    (rule("0.0.0.0/0", (0, 65535), protocol=1, icmp_type=None), {"protocol": 1, "local_port": 0}, "cannot tell"),
    (rule("10.0.0.0/8", (0, 65535), protocol=1, icmp_type=8), {"protocol": 1, "local_port": 0}, "contradict"),
    (rule("0.0.0.0/0", (0, 65535), protocol=50), {"protocol": 50, "local_port": 0}, "consistent"),
])  # fmt: skip
def test_protocol_ports_and_addresses(one, given, word):
    assert said(flow(**given), rules=(one,))[0] == word


def test_a_prefix_list_counts_by_its_entries_and_unread_tells_nothing():
    one = rule("pl-1")
    assert said(rules=(one,), prefix_lists=(prefix_list("pl-1", "203.0.113.0/24"),))[0] == "consistent"
    assert said(rules=(one,), prefix_lists=(prefix_list("pl-1", "198.51.100.0/24"),))[0] == "contradict"
    assert said(rules=(one,), prefix_lists=(prefix_list("pl-1"),))[0] == "cannot tell"
    assert said(rules=(one,))[0] == "cannot tell"


def test_a_group_as_peer_needs_the_interface_behind_the_address():
    one, other = rule("sg-9"), rule(group_id="sg-9")
    near = interface("eni-9", INSIDE, security_group_ids=("sg-9",))
    estate = {"rules": (one, other), "network_interfaces": (interface(), near)}

    def word(**given: Any) -> str:
        return said(flow(INSIDE, **given), **(estate | {k: given.pop(k) for k in [*given] if k in estate}))[0]

    assert word(remote_interface_id="eni-9") == "consistent"
    assert word(remote_interface_id=None) == "cannot tell"
    assert word(remote_interface_id="eni-gone") == "cannot tell"
    assert said(flow(remote_interface_id="-"), **estate)[0] == "contradict"  # none of ours has sg-9
    assert said(flow(remote_interface_id="-"), rules=(one,))[0] == "cannot tell"  # sg-9 may be another's
    bare = estate | {"network_interfaces": (interface(), interface("eni-9", INSIDE))}
    assert said(flow(INSIDE, remote_interface_id="eni-9"), **bare)[0] == "contradict"


def test_a_group_as_peer_is_for_private_addresses():
    """Amazon VPC User Guide: a rule that names a group is for the private addresses of its interfaces."""
    near = interface("eni-9", INSIDE, security_group_ids=("sg-9",), public_addresses=(OUTSIDE,))
    rules = (rule("sg-9"), rule(group_id="sg-9"))
    word, _ = said(flow(remote_interface_id="eni-9"), rules=rules, network_interfaces=(interface(), near))
    assert word == "contradict"


@pytest.mark.parametrize(("peerings", "word"), [((), "cannot tell"), ((peering(),), "consistent"), ((peering("deleted"),), "cannot tell")])  # fmt: skip
def test_a_group_of_another_vpc_counts_by_peering(peerings, word):
    near = interface("eni-9", "10.9.0.5", security_group_ids=("sg-9",), vpc_id="vpc-2")
    estate = {"network_interfaces": (interface(), near), "vpcs": (vpc(), vpc("vpc-2", "10.9.0.0/16"))}
    one = flow("10.9.0.5", remote_interface_id="eni-9")
    assert said(one, rules=(rule("sg-9"),), vpc_peering_connections=peerings, **estate)[0] == word


def test_a_group_that_was_not_read_may_allow_it():
    two = (interface(security_group_ids=("sg-1", "sg-2")),)
    assert said(rules=(rule("10.0.0.0/8"),), network_interfaces=two)[0] == "cannot tell"
    assert said(rules=(rule(),), network_interfaces=two)[0] == "consistent"
    assert said(rules=(rule(),), network_interfaces=(interface(security_group_ids=()),))[0] == "cannot tell"


@pytest.mark.parametrize(("service", "word"), [("nat-gateway", "consistent"), ("ec2", "cannot tell")])
def test_a_gateway_has_no_groups_to_ask(service, word):
    bare = (interface(service=service, security_group_ids=()),)
    assert said(rules=(rule(),), network_interfaces=bare) == (word, [])
