"""Every plant is in the records, and nothing else that a rule about the internet would find."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

INSIDE = [ip_network(text) for text in ("10.0.0.0/8", "2600:1f18:1600::/56", "2600:1f18:1e00::/56")]
CORPORATE = ip_network("198.51.100.0/24")

Key = tuple[str, str, str, int]
"""Interface's name or description, initiator, basis, port called."""


def _internet(text: str) -> bool:
    address = ip_address(text)
    return not any(address in network for network in INSIDE if network.version == address.version)


def _initiator(fields: dict[str, str], *, ingress: bool) -> tuple[str, str]:
    """Flags first; ports where the format has none."""
    flags = fields.get("tcp-flags")
    opener, opened = ("remote", "local") if ingress else ("local", "remote")
    if flags not in (None, "-") and int(flags) & 2:
        return (opened if int(flags) & 16 else opener), "flags"
    if flags is None and int(fields["dstport"]) < 1024 <= int(fields["srcport"]):
        return opener, "ports"
    if flags is None and int(fields["srcport"]) < 1024 <= int(fields["dstport"]):
        return opened, "ports"
    return "", ""


@pytest.fixture(scope="module")
def accepted(example: Any, records: Any) -> dict[Key, set[str]]:
    """What was accepted between an interface and the internet → the peers."""
    found: dict[Key, set[str]] = defaultdict(set)
    interfaces = example.listed("DescribeNetworkInterfaces", "NetworkInterfaces")
    for record in records:
        f = record.fields
        one = interfaces.get(f.get("interface-id", ""))
        if one is None or f["action"] != "ACCEPT" or f["protocol"] not in ("6", "17"):
            continue
        ingress = f["dstaddr"] in {one["PrivateIpAddress"], *(six["Ipv6Address"] for six in one["Ipv6Addresses"])}
        remote = f.get("pkt-srcaddr", f["srcaddr"]) if ingress else f.get("pkt-dstaddr", f["dstaddr"])
        who, basis = _initiator(f, ingress=ingress)
        if who and _internet(remote):
            port = f["dstport"] if (who == "remote") == ingress else f["srcport"]
            name = next((t["Value"] for t in one["TagSet"] if t["Key"] == "Name"), one["Description"].split(" ")[0])
            found[name, who, basis, int(port)].add(remote)
    return dict(found)


def test_what_the_internet_reached(accepted: dict[Key, set[str]]) -> None:
    """Beside HTTPS at the load balancers and the office at the bastions: exactly the plants."""
    reached = {
        (name, basis, port): {p for p in peers if ip_address(p) not in CORPORATE}
        for (name, who, basis, port), peers in accepted.items()
        if who == "remote" and (name, port) != ("ELB", 443)
    }
    assert {key: peers for key, peers in reached.items() if peers} == {
        ("bastion-old", "flags", 22): {"203.0.113.90", "192.0.2.61", "203.0.113.91", "192.0.2.62"},
        ("RDSNetworkInterface", "flags", 5432): {"203.0.113.77"},
        ("win-jump", "flags", 3389): {"203.0.113.120", "203.0.113.121"},
        ("console-1", "flags", 23): {"192.0.2.70"},
        ("v2-admin", "ports", 22): {"192.0.2.80", "203.0.113.95"},
        ("cache-debug", "flags", 6379): {"203.0.113.130"},
        ("web-legacy", "flags", 50123): {"203.0.113.140"},
    }


def test_what_was_called_on_the_internet(accepted: dict[Key, set[str]]) -> None:
    """Beside HTTPS and time: SSH, mail and SMB, each from one host."""
    called = {
        (name, port): peers
        for (name, who, _, port), peers in accepted.items()
        if who == "local" and port not in (443, 123)
    }
    assert called == {
        ("builder-1", 22): {"140.82.121.3"}, ("mailer-1", 25): {"203.0.113.25"}, ("win-dev", 445): {"203.0.113.145"},
    }  # fmt: skip


def test_replies_of_outbound_ssh_come_from_port_22(records: Any) -> None:
    """The return-traffic trap: accepted, from the internet, with port 22, and nobody's inbound SSH."""
    replies = [r.fields for r in records if r.fields.get("srcport") == "22" and r.fields["srcaddr"] == "140.82.121.3"]
    assert {f["tcp-flags"] for f in replies} == {"18", "0", "1"}
    assert {f["flow-direction"] for f in replies} == {"ingress"}


def test_the_scan_was_turned_away(records: Any) -> None:
    """One source, 120 ports, ten interfaces, twenty minutes, all REJECT."""
    knocks = [r.fields for r in records if r.fields.get("srcaddr") == "203.0.113.250"]
    assert {f["action"] for f in knocks} == {"REJECT"}
    assert len({f["dstport"] for f in knocks}) == 120
    assert len(knocks) == 120 * len({f["interface-id"] for f in knocks}) == 120 * 10
    assert not [f for f in (r.fields for r in records) if f.get("dstaddr") == "203.0.113.250"]


def test_the_large_transfer_is_over_ten_gibibytes_in_a_day(records: Any) -> None:
    """Four hours on the 30th, to one address."""
    sent = [r.fields for r in records if r.fields.get("dstaddr") == "203.0.113.222"]
    assert sum(int(f["bytes"]) for f in sent) == 24 * 700 * 2**20
    assert {int(f["start"]) // 86400 * 86400 for f in sent} == {1790726400}


def test_nobody_else_sends_that_much(records: Any) -> None:
    """The ordinary day stays far below ten gibibytes for any interface, peer and day."""
    sent: dict[tuple[str, str, int], int] = defaultdict(int)
    for f in (r.fields for r in records):
        if (
            f["log-status"] == "OK"
            and "interface-id" in f
            and _internet(f["dstaddr"])
            and f["dstaddr"] != "203.0.113.222"
        ):
            sent[f["interface-id"], f["dstaddr"], int(f["start"]) // 86400] += int(f["bytes"])
    assert max(sent.values()) < 2**30


def test_production_and_development_talk_over_the_transit_gateway(example: Any, records: Any) -> None:
    """Seen by both hosts, by the gateway's interfaces, and by the gateway itself; both ways."""
    interfaces = example.listed("DescribeNetworkInterfaces", "NetworkInterfaces").values()
    named = {tag["Value"]: i["PrivateIpAddress"] for i in interfaces for tag in i["TagSet"] if tag["Key"] == "Name"}
    ends = {named["sync-1"], named["dev-db"]}
    seen = set()
    for f in (r.fields for r in records):
        if {f.get("pkt-srcaddr", f["srcaddr"]), f.get("pkt-dstaddr", f["dstaddr"])} == ends and f["dstport"] == "5432":
            at = "host" if {f["srcaddr"], f["dstaddr"]} == ends else "gateway's interface"
            seen.add(("gateway" if "tgw-id" in f else at, f["flow-direction"]))
    assert seen == {(what, way) for what in ("host", "gateway", "gateway's interface") for way in ("ingress", "egress")}


def test_open_security_groups_say_why(example: Any) -> None:
    """Each plant was let in by a rule that the snapshot shows, attached to its interface."""
    groups = example.listed("DescribeSecurityGroups", "SecurityGroups")
    open_ = {
        (g["GroupName"], p["FromPort"], r["CidrIp"], r["Description"])
        for g in groups.values()
        for p in g["IpPermissions"]
        for r in p["IpRanges"]
        if r["CidrIp"] in ("0.0.0.0/0", "203.0.113.77/32") and g["GroupName"] != "web"
    }
    assert open_ == {
        ("bastion-temp", 22, "0.0.0.0/0", "temp - remove after migration"),
        ("partner-db", 5432, "203.0.113.77/32", "partner settlement feed, until March"),
        ("win-jump", 3389, "0.0.0.0/0", "vendor support, see SEC-1207"),
        ("console", 23, "0.0.0.0/0", "serial consoles of the lab"),
        ("web-legacy", 1024, "0.0.0.0/0", "ephemeral ports, copied from the ACL"),
        ("admin-open", 22, "0.0.0.0/0", "admin"),
        ("cache-debug", 6379, "0.0.0.0/0", "debugging from home"),
    }
    worn = {
        g["GroupName"]
        for i in example.listed("DescribeNetworkInterfaces", "NetworkInterfaces").values()
        for g in i["Groups"]
    }
    assert {name for name, *_ in open_} <= worn
    used = {
        g["GroupId"]
        for i in example.listed("DescribeNetworkInterfaces", "NetworkInterfaces").values()
        for g in i["Groups"]
    }
    assert used <= set(groups)


def test_a_deleted_flow_log_left_its_objects(example: Any, records: Any) -> None:
    """DescribeFlowLogs is silent about it; its objects end at noon of the 28th, and its successor has another format."""
    known = example.listed("DescribeFlowLogs", "FlowLogs")
    gone = {r.flow_log_id: len(r.fields) for r in records if r.flow_log_id not in known}
    assert set(gone.values()) == {14}, "version 2"
    last = {id_: max(r.slot for r in records if r.flow_log_id == id_) for id_ in gone}
    assert sorted(last.values()) == [
        1790596500,
        1790812500,
    ]  # core-build-eu's old one; staging's, which cannot be listed
