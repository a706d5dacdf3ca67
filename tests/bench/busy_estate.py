"""A small account with much traffic: the snapshot and the log objects that `bench_records.py` reads.

Ten VPCs of fifty interfaces, one flow log each, whose records in the default format speak of some 50,000 peers: most of it
web traffic both ways and services inside, a tenth turned away at the ports that people scan, a thousandth let in there.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from auditkit.model.inventory import Call

ACCOUNT, REGION = "111122223333", "us-east-1"
VPCS, INTERFACES = 10, 50
START = datetime(2026, 7, 1, tzinfo=UTC)
DAYS = 3
AS_OF = "2026-07-05T06:00:00Z"
FORMAT = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
MIX = (
    # share, peer in the internet, begun by the peer, ports of the service, action
    (0.40, True, False, (443, 80), "ACCEPT"),
    (0.25, True, True, (443,), "ACCEPT"),
    (0.25, False, True, (5432, 6379, 8080, 53), "ACCEPT"),
    (0.099, True, True, (22, 23, 445, 3389, 1433, 6379, 8080, 5900), "REJECT"),
    (0.001, True, True, (22, 3389), "ACCEPT"),
)
PEERS = 50_500
CONFIG = """\
period: {start: 2026-07-01, end: 2026-07-04}
snapshot: ../snapshot
destinations:
  central: {type: s3, bucket: central-logs}
records: {from: [{local: [../logs]}], mode: all, budget: {bytes: 1000GiB, objects: 1000000}}
"""


def flow_log(vpc: int) -> str:
    """The flow log of a VPC."""
    return f"fl-{vpc:017x}"


def interface(at: int) -> str:
    """An interface by number."""
    return f"eni-{at:017x}"


def own(at: int) -> str:
    """Its address."""
    return f"10.{at // INTERFACES}.{at % INTERFACES}.10"


def meta() -> dict[str, Any]:
    """What snapshot.json says."""
    return {
        "provenance": "imported",
        "started": AS_OF,
        "as_of": AS_OF,
        "identity": {"account_id": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/bench", "endpoint": ""},
        "scope": {"accounts": [ACCOUNT], "regions": {ACCOUNT: [REGION]}, "excluded": []},
    }


def calls() -> Iterator[Call]:
    """What AWS answered."""
    yield _call("DescribeRegions", "Regions", [{"RegionName": REGION, "OptInStatus": "opt-in-not-required"}], "global")
    vpcs = range(VPCS)
    yield _call(
        "DescribeVpcs",
        "Vpcs",
        [
            {
                "VpcId": f"vpc-{v:017x}",
                "OwnerId": ACCOUNT,
                "CidrBlock": f"10.{v}.0.0/16",
                "IsDefault": False,
                "Tags": [],
            }
            for v in vpcs
        ],
    )
    yield _call(
        "DescribeSubnets",
        "Subnets",
        [
            {"SubnetId": f"subnet-{v:017x}", "VpcId": f"vpc-{v:017x}", "OwnerId": ACCOUNT, "CidrBlock": f"10.{v}.0.0/17", "Tags": []}
            for v in vpcs
        ],
    )  # fmt: skip
    yield _call("DescribeNetworkInterfaces", "NetworkInterfaces", [_interface(at) for at in range(VPCS * INTERFACES)])
    yield _call("DescribeFlowLogs", "FlowLogs", [_flow_log(v) for v in vpcs])
    for operation, key in (
        ("DescribeSecurityGroups", "SecurityGroups"), ("DescribeTransitGateways", "TransitGateways"), ("DescribeTransitGatewayAttachments", "TransitGatewayAttachments"),
        ("DescribeTransitGatewayConnects", "TransitGatewayConnects"), ("DescribeNatGateways", "NatGateways"), ("DescribeVpcEndpoints", "VpcEndpoints"),
        ("DescribeVpcPeeringConnections", "VpcPeeringConnections"), ("DescribeRouteTables", "RouteTables"), ("DescribeNetworkAcls", "NetworkAcls"),
        ("DescribeManagedPrefixLists", "PrefixLists"),
    ):  # fmt: skip
        yield _call(operation, key, [])


def _call(operation: str, key: str, rows: list[Any], region: str = REGION) -> Call:
    return Call(
        service="ec2", operation=operation, account_id=ACCOUNT, region=region, resource="", at=AS_OF, answer={key: rows}
    )


def _interface(at: int) -> dict[str, Any]:
    vpc = at // INTERFACES
    return {
        "NetworkInterfaceId": interface(at), "OwnerId": ACCOUNT, "InterfaceType": "interface", "Description": "", "RequesterManaged": False, "Status": "in-use",
        "VpcId": f"vpc-{vpc:017x}", "SubnetId": f"subnet-{vpc:017x}", "PrivateIpAddress": own(at), "PrivateIpAddresses": [{"PrivateIpAddress": own(at), "Primary": True}],
        "Groups": [], "TagSet": [], "Attachment": {"InstanceId": f"i-{at:017x}", "InstanceOwnerId": ACCOUNT, "AttachTime": "2026-01-01T00:00:00Z", "Status": "attached"},
    }  # fmt: skip


def _flow_log(vpc: int) -> dict[str, Any]:
    return {
        "FlowLogId": flow_log(vpc), "ResourceId": f"vpc-{vpc:017x}", "TrafficType": "ALL", "FlowLogStatus": "ACTIVE", "DeliverLogsStatus": "SUCCESS", "LogDestinationType": "s3",
        "LogDestination": "arn:aws:s3:::central-logs", "LogFormat": " ".join(f"${{{f}}}" for f in FORMAT.split()), "MaxAggregationInterval": 600, "CreationTime": "2025-11-02T10:00:00Z",
    }  # fmt: skip


def write_logs(folder: Path, objects: int, records: int) -> None:
    """Write log objects of so many records each, spread over the days; the same numbers give the same bytes."""
    dice = np.random.default_rng(7)
    octets = (dice.integers(11, 172, PEERS), *(dice.integers(1, 255, PEERS) for _ in range(3)))
    peers = np.array([".".join(map(str, p)) for p in zip(*octets, strict=True)])
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(objects):
        vpc = number % VPCS
        slot = START + timedelta(minutes=5 * (number * DAYS * 288 // objects))
        name = f"{ACCOUNT}_vpcflowlogs_{REGION}_{flow_log(vpc)}_{slot:%Y%m%dT%H%M}Z_{number:08x}.log.gz"
        text = "\n".join([FORMAT, *_lines(dice, vpc, int(slot.timestamp()), records, peers)]) + "\n"
        (folder / name).write_bytes(gzip.compress(text.encode(), 6, mtime=0))


def _lines(dice: np.random.Generator, vpc: int, slot: int, count: int, peers: Any) -> Iterator[str]:
    """What a busy estate sees: each kind of MIX, seen by one interface, half of it as requests and half as replies."""
    who = dice.integers(vpc * INTERFACES, (vpc + 1) * INTERFACES, count)
    inside = np.array([own(at) for at in range(vpc * INTERFACES, (vpc + 1) * INTERFACES)])
    kind = dice.choice(len(MIX), count, p=[one[0] for one in MIX])
    them = np.where(
        np.array([one[1] for one in MIX])[kind],
        peers[dice.integers(0, len(peers), count)],
        inside[dice.integers(0, len(inside), count)],
    )
    served = np.array([dice.choice(one[3], count) for one in MIX])[kind, np.arange(count)]
    client = dice.integers(32768, 61000, count)
    begun_there, request = np.array([one[2] for one in MIX])[kind], dice.random(count) < 0.5
    into = begun_there == request
    packets = dice.integers(1, 1000, count)
    size = packets * dice.integers(40, 1500, count)
    start = slot + dice.integers(0, 240, count)
    end = start + dice.integers(0, 60, count)
    action = np.array([one[4] for one in MIX])[kind]
    protocol = np.where(served == 53, 17, 6)
    for at in range(count):
        mine = own(int(who[at]))
        near, far = (served[at], client[at]) if begun_there[at] else (client[at], served[at])
        said = (them[at], mine, far, near) if into[at] else (mine, them[at], near, far)
        yield (
            f"2 {ACCOUNT} {interface(int(who[at]))} {said[0]} {said[1]} {said[2]} {said[3]} {protocol[at]} "
            f"{packets[at]} {size[at]} {start[at]} {end[at]} {action[at]} OK"
        )
