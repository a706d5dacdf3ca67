"""DescribeSecurityGroups: the house rules of every VPC, and the planted exceptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditkit.example.hosts import RULES
from auditkit.example.ids import resource_id
from auditkit.example.peers import CORPORATE, CORPORATE6
from auditkit.example.things import Estate, Vpc

Answer = dict[str, Any]

HOUSE: dict[str, tuple[tuple[int, int, str, str], ...]] = {
    "default": ((-1, -1, "default", ""),),
    "web": ((443, 443, "0.0.0.0/0", "customers"), (443, 443, "::/0", "customers")),
    "app": (
        (8080, 8080, "web", "from the load balancers"),
        (53, 53, "vpc", "resolvers"),
        (389, 389, "vpc", "directory"),
        (443, 443, "10.0.0.0/8", "between services"),
        (8443, 8443, "vpc", "pods"),
    ),
    "db": (
        (5432, 5432, "app", "from the applications"),
        (5439, 5439, "10.0.0.0/8", "warehouse"),
        (5432, 5432, "10.0.0.0/8", "sync"),
        (2049, 2049, "app", "files"),
    ),
    "cache": ((6379, 6379, "app", "from the applications"),),
    "endpoint": ((443, 443, "vpc", "AWS services"),),
    "bastion": ((22, 22, CORPORATE, "office"), (22, 22, CORPORATE6, "office")),
}
"""Group → its rules: first port, last port, who (a CIDR, `vpc`, or another group), why."""


def group_id(vpc: str, name: str) -> str:
    """Id of a VPC's group."""
    return resource_id("sg", f"{vpc}/{name}")


def security_groups(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeSecurityGroups."""
    return "SecurityGroups", (
        group
        for vpc in estate.vpcs.values()
        if (vpc.plan.account, vpc.plan.region) == (account, region)
        for group in _groups(vpc)
    )


def _groups(vpc: Vpc) -> Iterator[Answer]:
    for name, rules in HOUSE.items() if not vpc.plan.default else [("default", HOUSE["default"])]:
        yield _group(vpc, name, f"{name} of {vpc.name}", [_permission(vpc, *rule) for rule in rules])
    for name, plan in RULES.items():
        if plan.vpc == vpc.name:
            yield _group(vpc, name, plan.says, [_permission(vpc, *plan.port, peer, plan.says) for peer in plan.peers])


def _group(vpc: Vpc, name: str, says: str, permissions: list[Answer]) -> Answer:
    plan = vpc.plan
    identity = group_id(vpc.name, name)
    everything = {
        "IpProtocol": "-1",
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
        "UserIdGroupPairs": [],
    }
    return {
        "GroupId": identity,
        "GroupName": name,
        "Description": says,
        "OwnerId": plan.account,
        "VpcId": vpc.id,
        "SecurityGroupArn": f"arn:aws:ec2:{plan.region}:{plan.account}:security-group/{identity}",
        "IpPermissions": permissions,
        "IpPermissionsEgress": [everything],
        "Tags": [],
    }


def _permission(vpc: Vpc, first: int, last: int, who: str, says: str) -> Answer:
    why = {"Description": says} if says else {}
    cidr = vpc.cidr if who == "vpc" else who
    out: Answer = {"IpProtocol": "-1", "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
    if first >= 0:
        out |= {"IpProtocol": "udp" if first == 53 else "tcp", "FromPort": first, "ToPort": last}
    if ":" in cidr:
        out["Ipv6Ranges"] = [{"CidrIpv6": cidr, **why}]
    elif "/" in cidr:
        out["IpRanges"] = [{"CidrIp": cidr, **why}]
    else:
        out["UserIdGroupPairs"] = [{"GroupId": group_id(vpc.name, cidr), "UserId": vpc.plan.account, **why}]
    return out
