"""The three against a plain reading of AWS's rules, over random small estates: every port and every address by itself."""

from __future__ import annotations

import ipaddress
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from tests.attribution.made import LOCAL, entry, explained, flow, interface, prefix_list, route, rule
from tests.oracles.effort import bounded

CIDRS = (
    "0.0.0.0/0",
    "::/0",
    "203.0.113.0/24",
    "203.0.113.8/31",
    "203.0.113.9/32",
    "198.51.100.0/24",
    "::/0",
    "2001:db8::/32",
)
PEERS = (
    "203.0.113.9",
    "203.0.113.9",
    "203.0.113.9",
    "203.0.113.8",
    "198.51.100.7",
    "2001:db8::9",
    "10.0.9.5",
    "10.0.0.77",
)
LISTS = {"pl-1": ("203.0.113.0/24",), "pl-2": (), "pl-3": ("198.51.100.0/25", "203.0.113.9/32")}
"""Prefix list → entries; pl-2 was not read."""
PORTS = ((0, 65535), (22, 22), (22, 22), (20, 30), (1024, 65535), (1024, 65535))
HALF = st.booleans()

of_rules = st.builds(
    lambda peer, ports, protocol, ingress, kind: rule(peer, ports if protocol == 6 else (0, 65535), protocol=protocol, ingress=ingress, icmp_type=kind if protocol == 1 else -1),
    st.sampled_from((*CIDRS, *LISTS, "sg-9")), st.sampled_from(PORTS), st.sampled_from((-1, 1, 6, 6, 6, 17)), HALF, st.sampled_from((-1, 8)),
)  # fmt: skip
of_entries = st.builds(
    lambda number, action, cidr, ports, protocol, egress, kind: entry(
        number, action, cidr, protocol=protocol, egress=egress, icmp_type=kind if protocol == 1 else -1,
        from_port=ports[0] if protocol == 6 else 0, to_port=ports[1] if protocol == 6 else 65535,
    ),
    st.integers(1, 9), st.sampled_from(("allow", "deny")), st.sampled_from(CIDRS), st.sampled_from(PORTS), st.sampled_from((-1, 1, 6, 6, 6)), HALF, st.sampled_from((-1, 8)),
)  # fmt: skip
of_routes = st.builds(
    lambda to, target, state, origin: route(to, target, state=state, origin=origin),
    st.sampled_from((*CIDRS, *LISTS)), st.sampled_from(("tgw-1", "tgw-2", "nat-1", "igw-1")), st.sampled_from(("active", "active", "blackhole")),
    st.sampled_from(("CreateRoute", "EnableVgwRoutePropagation")),
)  # fmt: skip
of_flows = st.builds(
    lambda remote, local, far, protocol, out, began: flow(remote, local, far, protocol=protocol, out=out, began=began),
    st.sampled_from(PEERS), st.sampled_from((None, 22, 80, 51000)), st.sampled_from((22, 51000)), st.sampled_from((None, 1, 6, 6, 6, 6, 17)), HALF, st.sampled_from(("remote", "local", None)),
)  # fmt: skip


def inside(peer: str, to: str) -> bool | None:
    """Whether an address is of a rule's peer, or a route's destination."""
    if to in LISTS:
        return any(inside(peer, one) for one in LISTS[to]) if LISTS[to] else None
    if to.startswith("sg-"):
        return None  # nothing tells which interface has the address
    return ipaddress.ip_address(peer) in ipaddress.ip_network(to)


def worlds(one: dict[str, Any]) -> list[dict[str, Any]]:
    """Every flow that the record may be of: what it does not tell is anything."""
    return [
        {"remote": one["remote_address"], "local": local, "far": one["remote_port"], "protocol": protocol, "kind": kind, "began": began}
        for local in ([one["local_port"]] if one["local_port"] is not None else [0, 21, 22, 40, 2000])
        for protocol in ([one["protocol"]] if one["protocol"] is not None else [1, 6, 17, 99])
        for kind in ([8, 0] if protocol == 1 else [None])
        for began in ([one["initiator"]] if one["initiator"] else ["remote", "local"])
    ]  # fmt: skip


def for_it(one: Any, world: dict[str, Any], port: int) -> bool:
    """Whether a rule or an entry is for the protocol, port and type."""
    if one.protocol == -1:
        return True
    if one.protocol != world["protocol"]:
        return False
    if one.protocol == 1:
        return one.icmp_type in (-1, world["kind"])
    return one.protocol != 6 or one.from_port <= port <= one.to_port


def groups(rules: list[Any], world: dict[str, Any], *, unread: bool) -> bool:
    """Whether the groups allow it, where what was not read holds the peer or does not."""
    ingress = world["began"] == "remote"
    port = world["local"] if ingress else world["far"]
    for one in rules:
        member = inside(world["remote"], one.peer)
        if one.ingress == ingress and for_it(one, world, port) and (unread if member is None else member):
            return True
    return False


def acl(entries: list[Any], world: dict[str, Any], *, egress: bool) -> bool:
    """Whether the network ACL lets it pass one way."""
    port = world["far"] if egress else world["local"]
    for one in sorted(entries, key=lambda e: e.rule_number):
        if one.egress == egress and inside(world["remote"], one.cidr_block) and for_it(one, world, port):
            return bool(one.rule_action == "allow")
    return False


def word(outcomes: set[bool]) -> str:
    return "cannot tell" if len(outcomes) > 1 else "consistent" if outcomes == {True} else "contradict"


@given(st.lists(of_rules, max_size=5), of_flows)
@bounded(120)
def test_groups(rules, one):
    said = explained(one, security_group_rules=(*rules, rule("192.0.2.0/32")), prefix_lists=_lists())
    open_peers = {
        outcome
        for world in worlds(one)
        for unread in (True, False)
        for outcome in [groups(rules, world, unread=unread)]
    }
    event(word(open_peers))
    found = said["security_groups"]["verdict"]
    # One rule that surely allows is enough; several that allow only together are not found, and so nothing is told.
    assert found == word(open_peers) or (found == "cannot tell" and one["protocol"] in (None, 1))
    assert (found == "consistent") == bool(said["rules"])


@given(st.lists(of_entries, max_size=6, unique_by=lambda e: (e.egress, e.rule_number)), of_flows)
@bounded(120)
def test_network_acls(entries, one):
    last = (entry(32767, "deny"), entry(32767, "deny", egress=True))
    said = explained(one, network_acl_entries=(*entries, *last))["network_acl"]
    if one["remote_address"] == "10.0.0.77":
        expected = "consistent"  # the same subnet
    else:
        expected = word({acl(entries, world, egress=one["direction"] == "egress") for world in worlds(one)})
    event(expected)
    # Entries that hide each other are not weighed against each other where protocol, type or port is not known.
    partly = one["protocol"] in (None, 1) or None in (one["local_port"], one["remote_port"])
    assert said["verdict"] == expected or (said["verdict"] == "cannot tell" and partly)


@given(st.lists(of_routes, max_size=6), of_flows)
@bounded(120)
def test_the_route_chosen(routes, one):
    here = (LOCAL, *routes)
    said = explained(one, routes=here, prefix_lists=_lists(), network_interfaces=(interface(),))["route"]
    best: list[tuple[int, int, Any]] = []
    doubt = False
    for r in here:
        rank = 1 if r.destination in LISTS else 0 if r.origin.startswith("Enable") else 2
        of = LISTS.get(r.destination, (r.destination,))
        doubt |= not of
        best += [(int(c.split("/")[1]), rank, r) for c in of if inside(one["remote_address"], c)]
    top = max((b[:2] for b in best), default=None)
    chosen = {(b[2].target, b[2].state) for b in best if b[:2] == top}
    full = 128 if ":" in one["remote_address"] else 32
    if (doubt and top != (full, 2)) or len(chosen) > 1:
        event("in doubt")
        assert said["verdict"] == "cannot tell"
    elif not chosen or next(iter(chosen))[1] == "blackhole":
        event("no way")
        left = one["direction"] == "egress" and one["initiator"] == "local"
        assert said["verdict"] == ("cannot tell" if left else "contradict")
    else:
        event(next(iter(chosen))[0])
        assert (said["target"], said["routes"][0]["state"]) == next(iter(chosen))
        if said["target"] in ("local", "tgw-1", "tgw-2"):
            assert said["verdict"] == "consistent"


def _lists() -> tuple[Any, ...]:
    return tuple(prefix_list(name, *of) for name, of in LISTS.items())
