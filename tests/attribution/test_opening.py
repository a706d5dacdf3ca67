"""Rules open to the internet, and the three words about their use."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from auditkit.attribution import opened
from auditkit.audit.opening import with_use
from auditkit.engines.duckdb import arrow_table
from auditkit.model.addresses import Network, Networks, cidr
from auditkit.model.schema import TABLES
from tests.attribution.made import inventory, prefix_list, rule
from tests.oracles.harness import NOON, interface, line, objects, see, silence

HOME, OUTSIDE = "10.0.0.5", "203.0.113.9"
NETWORKS = Networks.of_run({"corporate": ["198.51.100.0/24"]}, {"vpc-1": ["10.0.0.0/16", "44.0.0.0/16"]})


@pytest.mark.parametrize(
    ("peer", "is_open"),
    [
        ("0.0.0.0/0", True), ("::/0", True), ("203.0.113.9/32", True), ("8.0.0.0/7", True), ("10.0.0.0/8", False), ("10.0.0.0/7", True),
        ("44.0.0.0/16", False), ("44.0.0.0/15", True), ("198.51.100.0/25", False), ("198.51.100.0/23", True), ("169.254.0.0/16", False),
        ("fd00::/8", False), ("2001:db8::/32", True), ("sg-9", False), ("pl-1", True), ("pl-2", False), ("pl-3", None), ("pl-4", None),
    ],
)  # fmt: skip
def test_a_rule_is_open_where_its_peer_holds_addresses_of_the_internet(peer, is_open):
    lists = (
        prefix_list("pl-1", "10.0.0.0/8", "203.0.113.0/24"),
        prefix_list("pl-2", "10.0.0.0/8"),
        prefix_list("pl-3"),
    )
    (one,) = opened(inventory(security_group_rules=(rule(peer),), prefix_lists=lists), NETWORKS)
    assert one.to_internet is is_open


def test_a_corporate_network_that_was_not_read_whole_may_hold_the_peer():
    corporate = Network("corporate", (cidr("198.51.100.0/24"),), whole=False)
    networks = replace(NETWORKS, named=NETWORKS.named | {"corporate": corporate})
    rules = (rule("203.0.113.0/24"), rule("0.0.0.0/0"), rule("198.51.100.0/24"))
    told = opened(inventory(security_group_rules=rules), networks)
    assert [one.to_internet for one in told] == [None, True, False]


# -- used ------------------------------------------------------------------------------------------------------------


def every_day(eni: str) -> list[dict[str, str]]:
    """Silence on each day of July, and so every day observed."""
    return [silence("NODATA", at=NOON + day * 86_400, eni=eni) for day in range(-9, 22)]


def ours(eni: str, address: str, *groups: str) -> Any:
    return replace(interface(eni, address), security_group_ids=groups)


def used(
    *lines: dict[str, str], interfaces: Any = (), rules: Any = (), whole: bool = True, **more: Any
) -> list[tuple[str, str]]:
    """What is said of rules; everybody may come to port 22, unless others are given."""
    interfaces = interfaces or (ours("eni-1", HOME, "sg-1"),)
    seen = see(objects(*lines, *(n for i in interfaces for n in every_day(i.interface_id))), interfaces=interfaces)
    estate = replace(inventory(network_interfaces=interfaces, security_group_rules=rules or (rule(),)), **more)
    told = with_use(estate, seen.engine, NETWORKS, lambda *_: True, whole=whole).security_group_rules
    left = [r for r in seen.engine.rows("SELECT table_name FROM duckdb_tables()") if r["table_name"].startswith("_")]
    assert not left
    seen.engine.close()
    return [(one.used, one.used_reason) for one in told]


def came(to: str, **more: Any) -> dict[str, str]:
    """A connection from outside to port 22."""
    return line(f"{OUTSIDE}:51000", f"{to}:22", 2, **more)


CASES = [
    ("silence", lambda _, __: [], "unused"),
    ("a SYN", lambda at, eni: [came(at, eni=eni)], "used"),
    ("its answer", lambda at, eni: [line(f"{at}:22", f"{OUTSIDE}:51000", 18, eni=eni)], "used"),
    ("nobody knows who began", lambda at, eni: [line(f"{OUTSIDE}:51000", f"{at}:22", 0, eni=eni)], "unknown"),
    ("another", lambda at, eni: [line(f"{OUTSIDE}:51000", f"{at}:22", 0, eni=eni), came(at, eni=eni)], "used"),
    ("rejected", lambda at, eni: [line(f"{OUTSIDE}:51000", f"{at}:22", 2, "REJECT", eni=eni)], "unused"),
    ("another port", lambda at, eni: [line(f"{OUTSIDE}:51000", f"{at}:23", 2, eni=eni)], "unused"),
    ("this side began", lambda at, eni: [line(f"{at}:22", f"{OUTSIDE}:51000", 2, eni=eni)], "unused"),
    ("UDP", lambda at, eni: [line(f"{OUTSIDE}:51000", f"{at}:22", "-", protocol=17, eni=eni)], "unused"),
    ("two addresses", lambda at, eni: [came(at, eni=eni, pkt_srcaddr="203.0.113.77")], "unknown"),
    ("neither side", lambda _, eni: [line("192.0.2.1:51000", "192.0.2.2:22", 2, eni=eni)], "unknown"),
]  # fmt: skip


def test_a_rule_is_used_by_what_the_other_side_began():
    interfaces = [ours(f"eni-{n}", f"10.0.1.{n}", f"sg-{n}") for n in range(len(CASES))]
    lines = [one for n, (_, made, _) in enumerate(CASES) for one in made(f"10.0.1.{n}", f"eni-{n}")]
    rules = tuple(rule(group_id=f"sg-{n}") for n in range(len(CASES)))
    told = used(*lines, interfaces=tuple(interfaces), rules=rules)
    assert {name: word for (name, _, _), (word, _) in zip(CASES, told, strict=True)} == {c[0]: c[2] for c in CASES}


def test_a_flow_uses_the_rules_that_it_fits():
    ping = line(f"{OUTSIDE}:0", f"{HOME}:0", "-", protocol=1)
    everything, icmp = ("0.0.0.0/0", (0, 65535)), {"protocol": 1, "icmp_type": 8}
    expected = {
        rule("203.0.113.0/28"): "used", rule("203.0.113.128/25"): "unused", rule("::/0"): "unused", rule(*everything, protocol=-1): "used",
        rule("0.0.0.0/0", (1, 30)): "used", rule(group_id="sg-9"): "unused", rule("10.0.0.0/8"): "", rule(ingress=False): "", rule("pl-9"): "unknown",
        rule(*everything, **icmp): "unknown", rule(*everything, protocol=50): "unused",
    }  # fmt: skip
    told = used(came(HOME), ping, rules=tuple(expected))
    assert [word for word, _ in told] == [*expected.values()]
    assert told[5] == ("unused", "no interface has the group")
    assert told[1][1] == "no accepted flow on the 31 interface-days of the 1 interface with the group fits it"


def test_a_day_that_was_not_observed_leaves_it_open():
    interfaces = (
        ours("eni-1", HOME, "sg-1"),
        ours("eni-2", "10.0.0.6", "sg-1", "sg-2"),
        ours("eni-3", "10.0.0.7", "sg-3"),
    )
    rules = (rule(), rule(port=80), rule(group_id="sg-2"), rule(group_id="sg-3"))
    told = used(came(HOME), silence("SKIPDATA", eni="eni-2"), interfaces=interfaces, rules=rules)
    assert [word for word, _ in told] == ["used", "unknown", "unknown", "unused"]
    assert told[1][1] == "1 of 62 interface-days were not observed whole for accepted traffic, of eni-2 for one"


def test_an_interface_that_is_gone_may_have_had_the_group():
    gone = came("10.0.0.9", eni="eni-gone", flow_direction="ingress")
    told = used(gone, rules=(rule(), rule(port=80)))
    assert [word for word, _ in told] == ["unknown", "unused"]
    assert told[0][1].startswith("eni-gone is gone, may have had the group")
    assert used(silence("SKIPDATA", eni="eni-gone"))[0][0] == "unknown"
    foreign = came("10.0.0.9", eni="eni-gone", flow_direction="ingress", account_id="444455556666")
    assert used(foreign)[0][0] == "unused"  # of an account that the VPC is not shared with


def test_what_was_not_read_whole_leaves_it_open():
    rules = (rule(), rule(port=80))
    assert [w for w, _ in used(came(HOME), rules=rules, whole=False)] == ["used", "unknown"]
    assert [w for w, _ in used(came(HOME), rules=rules, vpcs=())] == ["used", "unknown"]
    assert [w for w, _ in used(came(HOME), rules=rules, regions={})] == ["used", "unknown"]


def test_the_flags_may_have_left_out_what_used_it():
    here = (ours("eni-1", HOME, "sg-1"),)
    seen = see(objects(*every_day("eni-1")), interfaces=here)
    estate = inventory(network_interfaces=here, security_group_rules=(rule(),))
    (told,) = with_use(estate, seen.engine, NETWORKS, lambda *_: False, whole=True).security_group_rules
    assert arrow_table(TABLES["security_group_rules"].columns, [told])["used"].to_pylist() == ["unknown"]


def test_an_interface_that_is_attached_to_nothing_now_may_have_used_it():
    """It has no interface-days; one attached after the period has none either, and that is told."""
    loose = replace(ours("eni-2", "10.0.0.6", "sg-2"), status="available", attach_time=None)
    later = replace(ours("eni-3", "10.0.0.7", "sg-3"), attach_time=datetime(2026, 8, 2, tzinfo=UTC))
    halfway = replace(ours("eni-4", "10.0.0.8", "sg-4"), attach_time=datetime(2026, 7, 20, tzinfo=UTC))
    here = (ours("eni-1", HOME, "sg-1", "sg-2"), loose, later, halfway)
    rules = tuple(rule(group_id=f"sg-{n}") for n in range(1, 5))
    seen = see(objects(*every_day("eni-1"), *every_day("eni-4")), interfaces=here)
    assert not seen.engine.rows("SELECT day FROM interface_days WHERE interface_id IN ('eni-2', 'eni-3')")
    estate = inventory(network_interfaces=here, security_group_rules=rules)
    told = with_use(estate, seen.engine, NETWORKS, lambda *_: True, whole=True).security_group_rules
    assert [one.used for one in told] == ["unused", "unknown", "unused", "unused"]
    assert told[1].used_reason == "eni-2 has the group and no interface-day: whether it was in use is not known"
