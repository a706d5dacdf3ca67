"""EC2's answers about what stands in the way of packets: network ACLs, Block Public Access, encryption controls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditkit.example.accounts import BLOCKED
from auditkit.example.ids import resource_id
from auditkit.example.network_answers import tags
from auditkit.example.things import Estate, Subnet, Vpc

Answer = dict[str, Any]

GUARDED = {"pay-cde-eu": "data"}
"""VPC → the tier whose subnets have a network ACL of their own."""
ENCRYPTION = {"pay-cde-eu": "monitor"}
"""VPC → mode of its encryption control."""
_LAST, _LAST6 = 32767, 32768

DATA_RULES = (
    (90, "deny", 6, (3389, 3389), "0.0.0.0/0", False),
    (100, "allow", -1, None, "10.0.0.0/8", False),
    (110, "allow", 6, (1024, 65535), "0.0.0.0/0", False),
    (100, "allow", -1, None, "0.0.0.0/0", True),
)
"""Number, action, protocol, ports, who, egress: no RDP to data, whatever a security group says."""


def network_acls(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeNetworkAcls: each VPC's default, and the one that guards card data."""
    return "NetworkAcls", (
        acl
        for vpc in estate.vpcs.values()
        if (vpc.plan.account, vpc.plan.region) == (account, region)
        for acl in _acls(estate, vpc)
    )


def _acls(estate: Estate, vpc: Vpc) -> Iterator[Answer]:
    subnets = [subnet for subnet in estate.subnets.values() if subnet.vpc is vpc]
    guarded = [subnet for subnet in subnets if subnet.tier == GUARDED.get(vpc.name)]
    if guarded:
        yield _acl(vpc, GUARDED[vpc.name], guarded, [_entry(*rule) for rule in DATA_RULES])
    everyone = [
        _entry(number, "allow", -1, None, cidr, egress)
        for number, cidr in ((100, "0.0.0.0/0"), *(((101, "::/0"),) if vpc.ipv6 else ()))
        for egress in (False, True)
    ]
    yield _acl(vpc, "default", [subnet for subnet in subnets if subnet not in guarded], everyone)


def _acl(vpc: Vpc, name: str, subnets: list[Subnet], entries: list[Answer]) -> Answer:
    acl = resource_id("acl", f"{vpc.name}/{name}")
    last = [(_LAST, "0.0.0.0/0"), *([(_LAST6, "::/0")] if vpc.ipv6 else [])]
    return {
        "NetworkAclId": acl,
        "VpcId": vpc.id,
        "OwnerId": vpc.plan.account,
        "IsDefault": name == "default",
        "Associations": [
            {
                "NetworkAclAssociationId": resource_id("aclassoc", f"{acl}/{subnet.id}"),
                "NetworkAclId": acl,
                "SubnetId": subnet.id,
            }
            for subnet in subnets
        ],
        "Entries": [
            *entries,
            *(_entry(number, "deny", -1, None, cidr, egress) for number, cidr in last for egress in (False, True)),
        ],
        "Tags": [] if name == "default" else tags({"Name": f"{vpc.name}-{name}"}),
    }


def _entry(
    number: int,
    action: str,
    protocol: int,
    ports: tuple[int, int] | None,
    cidr: str,
    egress: bool,  # noqa: FBT001  # a row of a table
) -> Answer:
    return {
        "RuleNumber": number,
        "RuleAction": action,
        "Protocol": str(protocol),
        "Egress": egress,
        "Ipv6CidrBlock" if ":" in cidr else "CidrBlock": cidr,
        **({"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}),
    }


def block_public_access(account: str, region: str) -> Answer:
    """DescribeVpcBlockPublicAccessOptions."""
    blocked = account in BLOCKED
    return {
        "VpcBlockPublicAccessOptions": {
            "AwsAccountId": account,
            "AwsRegion": region,
            "State": "update-complete" if blocked else "default-state",
            "InternetGatewayBlockMode": BLOCKED.get(account, "off"),
            "ManagedBy": "account",
            "ExclusionsAllowed": "allowed",
            **({"LastUpdateTimestamp": "2025-01-20T13:15:00Z"} if blocked else {}),
        }
    }


def exclusions(_estate: Estate, _account: str, _region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeVpcBlockPublicAccessExclusions: there are none."""
    return "VpcBlockPublicAccessExclusions", iter(())


def encryption_controls(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeVpcEncryptionControls."""
    return "VpcEncryptionControls", (
        {
            "VpcId": vpc.id,
            "VpcEncryptionControlId": resource_id("vpcec", vpc.name),
            "Mode": ENCRYPTION[vpc.name],
            "State": "available",
            "Tags": tags({"Name": vpc.name}),
        }
        for vpc in estate.vpcs.values()
        if vpc.name in ENCRYPTION and (vpc.plan.account, vpc.plan.region) == (account, region)
    )
