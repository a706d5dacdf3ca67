"""Network ACLs: the order of numbers, the first that fits, both ways, and who does not pass them."""

from __future__ import annotations

import pytest

from tests.attribution.made import ALLOW, BESIDE, INSIDE, entry, explained, flow

IN, OUT = ALLOW[:2], ALLOW[2:]


def said(*entries, flows=(), **more):
    acl = explained(*flows, network_acl_entries=entries, **more)["network_acl"]
    return acl["verdict"], [(e["rule_number"], e["egress"]) for e in acl["entries"]], acl["reasons"]


def test_the_first_entry_that_fits_decides_whatever_order_they_came_in():
    allow, deny = entry(100), entry(90, "deny", "203.0.113.0/24")
    assert said(allow, deny, *OUT) == (
        "contradict", [(90, False), (100, True)], ["acl-1 denies it: entry 90 ingress"],
    )  # fmt: skip
    assert said(deny, allow, *OUT, flows=(flow("198.51.100.7"),))[0] == "consistent"


def test_no_entry_denies():
    assert said(*OUT) == ("contradict", [(100, True)], ["acl-1 denies it: no entry fits, which denies"])


def test_a_packet_out_is_asked_of_egress_by_the_far_port():
    answer = flow(out=True)  # the answer of port 22 to port 51000
    high = entry(100, egress=True, protocol=6, from_port=1024, to_port=65535)
    assert said(*IN, high, flows=(answer,))[:2] == ("consistent", [(100, True), (100, False)])
    assert said(*IN, entry(100, egress=True, protocol=6, from_port=22, to_port=22), flows=(answer,))[0] == "contradict"


def test_answers_that_are_stopped_are_said_but_the_packet_did_pass():
    word, _, reasons = said(*IN, entry(32767, "deny", egress=True))
    assert (word, reasons) == ("consistent", ["acl-1 stops the answers: entry * egress"])


@pytest.mark.parametrize(("one", "given", "word"), [
    (entry(90, "deny", protocol=1, icmp_type=8), {"protocol": 1}, "cannot tell"),
    (entry(90, "deny", protocol=1), {"protocol": 1}, "contradict"),
    (entry(90, "allow", protocol=1, icmp_type=8), {"protocol": 1}, "consistent"),  # allowed by this or by the next
    (entry(90, "deny", protocol=6, from_port=22, to_port=22), {"local_port": None}, "cannot tell"),
    (entry(90, "deny", protocol=6, from_port=22, to_port=22), {"protocol": None}, "cannot tell"),
    (entry(90, "deny", protocol=17), {}, "consistent"),
    (entry(90, "deny", "::/0"), {}, "consistent"),
])  # fmt: skip
def test_what_the_record_does_not_tell_is_not_guessed(one, given, word):
    assert said(one, *ALLOW, flows=(flow(**given),))[0] == word


def test_within_a_subnet_no_acl_stands():
    deny = (entry(90, "deny"), entry(90, "deny", egress=True))
    word, entries, reasons = said(*deny, flows=(flow(BESIDE),))
    assert (word, entries) == ("consistent", [])
    assert "no network ACL stands between them" in reasons[0]
    assert said(*deny, flows=(flow(INSIDE),))[0] == "contradict"


def test_a_subnet_or_an_acl_that_was_not_read_tells_nothing():
    assert said(*ALLOW, subnets=())[0] == "cannot tell"
    assert said()[0] == "cannot tell"
    assert said(*ALLOW, entry(100, network_acl_id="acl-2"))[0] == "cannot tell"
