"""The records hold together: addresses, times, directions, flags, days."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

DAYS = (28, 29, 30)
START = 1790553600  # 2026-09-28T00:00:00Z


def _interfaces(example: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = example.listed("DescribeNetworkInterfaces", "NetworkInterfaces")
    return found


def _own(interface: dict[str, Any]) -> set[str]:
    return {interface["PrivateIpAddress"], *(six["Ipv6Address"] for six in interface["Ipv6Addresses"])}


def test_every_record_ends_in_the_slot_of_its_object(records: Any) -> None:
    """An object holds the records that end in its five minutes, and starts are not after ends."""
    wrong = [
        r
        for r in records
        if not (int(r.fields["start"]) <= int(r.fields["end"]) and r.slot <= int(r.fields["end"]) < r.slot + 300)
    ]
    assert wrong == []


def test_no_record_is_longer_than_the_interval_of_its_flow_log(example: Any, records: Any) -> None:
    """Sixty seconds where the flow log says sixty."""
    logs = example.listed("DescribeFlowLogs", "FlowLogs")
    longest: Counter[str] = Counter()
    for r in records:
        longest[r.flow_log_id] = max(longest[r.flow_log_id], int(r.fields["end"]) - int(r.fields["start"]))
    assert [
        id_ for id_, seconds in longest.items() if id_ in logs and seconds > logs[id_]["MaxAggregationInterval"]
    ] == []


def test_headers_are_the_formats_that_the_api_shows(example: Any) -> None:
    """The first line of each object names the fields of LogFormat in their order."""
    logs = example.listed("DescribeFlowLogs", "FlowLogs")
    for path in sorted((example.path / "logs").rglob("*_fl-*.log.gz"))[::50]:
        log = logs.get(path.name.split("_")[3])
        if log:
            with gzip.open(path, "rt") as lines:
                assert " ".join(f"${{{name}}}" for name in next(lines).split()) == log["LogFormat"]


def test_one_side_is_the_interfaces_own_address(example: Any, records: Any) -> None:
    """srcaddr of what leaves and dstaddr of what comes is the interface's own, and flow-direction agrees."""
    interfaces = _interfaces(example)
    seen = 0
    for r in records:
        f = r.fields
        if f["log-status"] == "OK" and f.get("interface-id", "-") in interfaces:
            own = _own(interfaces[f["interface-id"]])
            egress = f["srcaddr"] in own
            assert egress or f["dstaddr"] in own, r
            assert f.get("flow-direction", "egress" if egress else "ingress") == ("egress" if egress else "ingress"), r
            seen += 1
    assert seen > 200_000


def test_every_interface_in_use_speaks_on_every_day(example: Any, records: Any) -> None:
    """Under each VPC's flow log that delivers to a bucket, no interface-day is without a line."""
    said = defaultdict(set)
    for r in records:
        said[r.flow_log_id, r.fields.get("interface-id")].add((int(r.fields["start"]) - START) // 86400 + 28)
    interfaces = _interfaces(example).values()
    on_vpcs = {
        id_: log["ResourceId"]
        for id_, log in example.listed("DescribeFlowLogs", "FlowLogs").items()
        if id_ in {r.flow_log_id for r in records}
    }
    silent = [
        (log, i["NetworkInterfaceId"])
        for log, vpc in on_vpcs.items()
        for i in interfaces
        if i["VpcId"] == vpc and i["Status"] == "in-use" and said[log, i["NetworkInterfaceId"]] != set(DAYS)
    ]
    assert silent == []


def test_silence_has_no_flow(records: Any) -> None:
    """NODATA and SKIPDATA lines say `-` wherever a flow would speak."""
    statuses = Counter(r.fields["log-status"] for r in records)
    assert set(statuses) == {"OK", "NODATA", "SKIPDATA"}
    assert statuses["SKIPDATA"] == 1
    flow = (
        "srcaddr",
        "dstaddr",
        "srcport",
        "dstport",
        "protocol",
        "packets",
        "bytes",
        "action",
        "tcp-flags",
        "pkt-srcaddr",
    )
    assert {r.fields[name] for r in records if r.fields["log-status"] != "OK" for name in flow if name in r.fields} == {
        "-"
    }


def test_accepted_tcp_conversations_have_both_directions_and_agreeing_flags(example: Any, records: Any) -> None:
    """Where one side opened with SYN and was answered, the mirror record says SYN-ACK; an opening is never said twice."""
    logs = example.listed("DescribeFlowLogs", "FlowLogs")
    build = next(id_ for id_, log in logs.items() if {"Key": "Name", "Value": "core-build-eu"} in log["Tags"])
    opened, answered = Counter(), Counter()  # type: ignore[var-annotated]  # tuples of text
    for r in records:
        f = r.fields
        if (
            f.get("action") == "ACCEPT"
            and f["protocol"] == "6"
            and f.get("tcp-flags", "-") != "-"
            and "interface-id" in f
            and r.flow_log_id != build
        ):
            pair = (r.flow_log_id, r.slot, f["interface-id"], f["srcaddr"], f["srcport"], f["dstaddr"], f["dstport"])
            if f["tcp-flags"] in ("2", "3"):
                opened[pair] += 1
            elif f["tcp-flags"] in ("18", "19"):
                answered[(*pair[:3], *pair[5:7], *pair[3:5])] += 1
    lone = {pair for pair in opened if pair not in answered}
    assert {pair[5] + ":" + pair[6] for pair in lone} == {"10.30.0.13:50123"}, (
        "only the planted lone SYN goes unanswered"
    )
    assert set(answered) <= set(opened)


def test_rejected_traffic_is_a_request_without_reply(records: Any) -> None:
    """Security groups drop the SYN; nothing comes back."""
    rejected = [r.fields for r in records if r.fields.get("action") == "REJECT"]
    assert len(rejected) > 1_000
    assert {f["packets"] for f in rejected} == {"1"}
    assert {f["tcp-flags"] for f in rejected if "tcp-flags" in f} == {"2"}


def test_nat_and_transit_interfaces_mask_and_pkt_fields_tell(example: Any, records: Any) -> None:
    """At these interfaces srcaddr and pkt-srcaddr differ on the inner leg, as AWS's examples show."""
    interfaces = _interfaces(example)
    masked: Counter[str] = Counter()
    for r in records:
        f = r.fields
        if (
            f["log-status"] == "OK"
            and "pkt-srcaddr" in f
            and (f["pkt-srcaddr"], f["pkt-dstaddr"]) != (f["srcaddr"], f["dstaddr"])
        ):
            masked[interfaces[f["interface-id"]]["InterfaceType"] if f["interface-id"] in interfaces else "?"] += 1
    assert masked["nat_gateway"] > 1_000
    assert masked["transit_gateway"] > 200
    assert masked["interface"] > 0, "secondary addresses"
    assert set(masked) == {"nat_gateway", "transit_gateway", "interface"}


def test_regional_nat_gateways_speak_by_resource_id(example: Any, records: Any) -> None:
    """They have no interface, and the outer leg shows the public address."""
    nats = example.listed("DescribeNatGateways", "NatGateways")
    lines = [r.fields for r in records if r.fields.get("interface-id") == "-"]
    assert {nats[f["resource-id"]]["AvailabilityMode"] for f in lines} == {"regional"}
    public = {address["PublicIp"] for nat in nats.values() for address in nat["NatGatewayAddresses"]}
    assert any(f["srcaddr"] in public for f in lines)
    assert all(f["srcaddr"] == f["pkt-srcaddr"] and f["dstaddr"] == f["pkt-dstaddr"] for f in lines)


def test_transit_gateway_records_name_both_ends(records: Any) -> None:
    """All 36 fields, filled for every flow."""
    flows = [r.fields for r in records if len(r.fields) == 36 and r.fields["log-status"] == "OK"]
    assert len(flows) > 2_000
    assert {name for f in flows for name, value in f.items() if value == "-"} == {
        "pkt-src-aws-service",
        "pkt-dst-aws-service",
    }
    assert all(
        f["tgw-attachment-id"] != f["tgw-pair-attachment-id"] and f["tgw-src-vpc-id"] != f["tgw-dst-vpc-id"]
        for f in flows
    )


def test_actions_follow_the_traffic_type(example: Any, records: Any) -> None:
    """A flow log that records ACCEPT has no REJECT, and the other way round."""
    logs = example.listed("DescribeFlowLogs", "FlowLogs")
    said = defaultdict(set)
    for r in records:
        if r.flow_log_id in logs and "action" in r.fields:
            said[logs[r.flow_log_id]["TrafficType"]].add(r.fields["action"])
    assert said == {"ALL": {"ACCEPT", "REJECT", "-"}, "ACCEPT": {"ACCEPT", "-"}, "REJECT": {"REJECT", "-"}}


def test_damage_is_where_the_story_says(example: Any) -> None:
    """One object is cut off, one has a short line, one key is foreign, and three hours of one flow log are missing."""
    torn, short, foreign = [], [], []
    slots = set()
    for path in sorted((example.path / "logs").rglob("*.log.gz")):
        parts = path.name.split("_")
        if len(parts) != 6:
            foreign.append(path.name)
            continue
        if parts[3] == "fl-0578f7c2f93b6e3c4":
            slots.add(parts[4])
        try:
            header, *rest = gzip.decompress(path.read_bytes()).decode().splitlines()
        except EOFError:
            torn.append((parts[0], parts[2], parts[4]))
            continue
        short += [
            (parts[0], parts[2], parts[4], at)
            for at, line in enumerate(rest, 2)
            if line.count(" ") != header.count(" ")
        ]
    assert foreign == ["test_file.log.gz"]
    assert torn == [("333344445555", "us-east-1", "20260929T0935Z")]
    assert short == [("444455556666", "eu-west-1", "20260930T1615Z", 3)]
    assert len(slots) == 3 * 144 - 18
    assert not [slot for slot in slots if "20260929T0200Z" <= slot < "20260929T0500Z"]


def test_sizes_of_objects_are_small(example: Any) -> None:
    """Nobody waits for the example to be copied."""
    assert sum(path.stat().st_size for path in Path(example.path).rglob("*") if path.is_file()) < 15_000_000
