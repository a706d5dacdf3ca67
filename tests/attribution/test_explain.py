"""What the three say together, and of several flows."""

from __future__ import annotations

import pytest

from auditkit.attribution import Rules
from tests.attribution.made import (
    ALLOW,
    LOCAL,
    OUTSIDE,
    entry,
    everything,
    explained,
    flow,
    interface,
    inventory,
    route,
    rule,
    words,
)


def test_all_three_are_named():
    cause = explained()
    assert cause["statement"] == "rules at 2026-10-01T06:00:00Z: consistent"
    assert (cause["verdict"], words(cause)) == ("consistent", ("consistent",) * 3)
    assert cause["network_acl"]["network_acl_id"] == "acl-1"
    assert [e["rule"] for e in cause["network_acl"]["entries"]] == [
        "entry 100 allows ingress from 0.0.0.0/0, all traffic",
        "entry 100 allows egress to 0.0.0.0/0, all traffic",
    ]
    assert {k: cause["route"][k] for k in ("route_table_id", "destination", "target", "verdict")} == {
        "route_table_id": "rtb-1", "destination": "0.0.0.0/0", "target": "igw-1", "verdict": "consistent",
    }  # fmt: skip


def test_who_contradicts_is_said():
    cause = explained(network_acl_entries=ALLOW[1:], routes=(LOCAL,))
    assert words(cause) == ("consistent", "contradict", "contradict")
    assert cause["verdict"] == "contradict"
    assert "contradict: the network ACL and the route of now would not let it pass" in cause["statement"]


@pytest.mark.parametrize(
    ("groups", "acls", "verdict"),
    [
        ((everything(),), (), "cannot tell"),
        ((rule("10.0.0.0/8"),), (), "contradict"),  # graver than what cannot be told
        ((), ALLOW, "cannot tell"),
    ],
)
def test_the_gravest_word_counts(groups, acls, verdict):
    assert explained(security_group_rules=groups, network_acl_entries=acls)["verdict"] == verdict


def test_several_flows_are_brought_together():
    deny = entry(90, "deny", "198.51.100.0/24")
    far = flow("198.51.100.7", local_port=80)
    rules = (rule(), rule("198.51.100.0/24", 80))
    routes = (LOCAL, route("0.0.0.0/0", "igw-1"), route("198.51.100.0/24", "tgw-1"))
    cause = explained(
        flow(), far, flow(), network_acl_entries=(deny, *ALLOW), security_group_rules=rules, routes=routes
    )
    assert [r["rule_id"] for r in cause["rules"]] == [
        "sg-1/ingress/6/22-22/0.0.0.0/0",
        "sg-1/ingress/6/80-80/198.51.100.0/24",
    ]
    assert [e["rule_number"] for e in cause["network_acl"]["entries"]] == [100, 100, 90]
    assert [r["target"] for r in cause["route"]["routes"]] == ["igw-1", "tgw-1"]
    assert words(cause) == ("consistent", "contradict", "consistent")


@pytest.mark.parametrize(("given", "why"), [
    ({"remote": None}, "the address of the other side is not known"),
    ({"direction": None}, "which way the packets went is not known"),
    ({"pkt_srcaddr": "198.51.100.7"}, "something between the two sides changed the address"),
    ({"interface_id": "eni-gone"}, "eni-gone is not among the interfaces that were read"),
    ({"interface_id": None}, "the interface is not among the interfaces that were read"),
    ({"remote": "169.254.169.254"}, "link-local addresses are not filtered"),
])  # fmt: skip
def test_a_flow_that_cannot_be_placed_is_not_explained(given, why):
    cause = explained(flow(**given))
    assert words(cause) == ("cannot tell",) * 3
    assert why in cause["route"]["reasons"][0]


def test_an_interface_that_only_records_show_has_no_groups_to_ask():
    gone = interface(seen_in="records", security_group_ids=())
    assert words(explained(network_interfaces=(gone,))) == ("cannot tell",) * 3


def test_what_was_rejected_needs_no_explanation():
    assert Rules.of(inventory()).explain([flow(action="REJECT"), flow(OUTSIDE, action="-")]) is None
