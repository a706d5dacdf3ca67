"""EC2's answers about VPCs, subnets and network interfaces, for one account and region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditkit.example.accounts import BLOCKED
from auditkit.example.group_answers import group_id
from auditkit.example.ids import digest, resource_id
from auditkit.example.things import Estate, Interface, Subnet, Vpc

Answer = dict[str, Any]


def tags(of: dict[str, str]) -> list[dict[str, str]]:
    """Tags as AWS lists them."""
    return [{"Key": key, "Value": value} for key, value in sorted(of.items())]


def _sees(account: str, vpc: Vpc) -> bool:
    """The owner sees a VPC, and the participant of a shared one."""
    return account in (vpc.plan.account, vpc.plan.guests[0])


def vpcs(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeVpcs."""
    return "Vpcs", (
        _vpc(vpc, account) for vpc in estate.vpcs.values() if vpc.plan.region == region and _sees(account, vpc)
    )


def _vpc(vpc: Vpc, account: str) -> Answer:
    associations = (
        [
            {
                "Ipv6CidrBlock": vpc.ipv6,
                "Ipv6CidrBlockState": {"State": "associated"},
                "AssociationId": resource_id("vpc-cidr-assoc", vpc.name + "6"),
            }
        ]
        if vpc.ipv6
        else []
    )
    own = account == vpc.plan.account  # tags of a shared VPC are the owner's, and not shared
    return {
        "VpcId": vpc.id,
        "OwnerId": vpc.plan.account,
        "State": "available",
        "CidrBlock": vpc.cidr,
        "IsDefault": vpc.plan.default,
        "InstanceTenancy": "default",
        "DhcpOptionsId": resource_id("dopt", vpc.plan.account),
        "Ipv6CidrBlockAssociationSet": associations,
        "CidrBlockAssociationSet": [
            {
                "AssociationId": resource_id("vpc-cidr-assoc", vpc.name),
                "CidrBlock": vpc.cidr,
                "CidrBlockState": {"State": "associated"},
            }
        ],
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": BLOCKED.get(vpc.plan.account, "off")},
        "Tags": tags({"Name": vpc.name, **vpc.plan.tags}) if own and not vpc.plan.default else [],
    }


def subnets(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeSubnets."""
    return "Subnets", (
        _subnet(s, account) for s in estate.subnets.values() if s.vpc.plan.region == region and _sees(account, s.vpc)
    )


def _subnet(subnet: Subnet, account: str) -> Answer:
    plan = subnet.vpc.plan
    six = (
        [
            {
                "AssociationId": resource_id("subnet-cidr-assoc", subnet.name),
                "Ipv6CidrBlock": subnet.ipv6,
                "Ipv6CidrBlockState": {"State": "associated"},
            }
        ]
        if subnet.ipv6
        else []
    )
    return {
        "SubnetId": subnet.id,
        "SubnetArn": f"arn:aws:ec2:{plan.region}:{plan.account}:subnet/{subnet.id}",
        "VpcId": subnet.vpc.id,
        "OwnerId": plan.account,
        "State": "available",
        "CidrBlock": subnet.cidr,
        "Ipv6CidrBlockAssociationSet": six,
        "AvailabilityZone": plan.region + "abc"[subnet.zone],
        "AvailabilityZoneId": subnet.zone_id,
        "AvailableIpAddressCount": 1900,
        "DefaultForAz": plan.default,
        "MapPublicIpOnLaunch": plan.default,
        "Tags": tags({"Name": subnet.name, "tier": subnet.tier})
        if account == plan.account and not plan.default
        else [],
    }


def network_interfaces(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeNetworkInterfaces: a VPC's owner sees the participants' interfaces too."""
    return "NetworkInterfaces", (
        _interface(i)
        for i in estate.interfaces.values()
        if i.vpc.plan.region == region and account in (i.account, i.vpc.plan.account)
    )


def _interface(interface: Interface) -> Answer:
    shape, plan = interface.shape, interface.vpc.plan
    public = (
        {
            "PublicIp": interface.public_ip,
            "IpOwnerId": "amazon-elb" if shape.owner == "amazon-elb" else interface.account,
        }
        if interface.public_ip
        else None
    )
    first = {"PrivateIpAddress": interface.ip, "Primary": True, **({"Association": public} if public else {})}
    answer: Answer = {
        "NetworkInterfaceId": interface.id,
        "OwnerId": interface.account,
        "InterfaceType": shape.type,
        "Description": interface.description,
        "RequesterManaged": shape.managed,
        "Status": "available" if interface.kind == "unattached" else "in-use",
        "VpcId": interface.vpc.id,
        "SubnetId": interface.subnet.id,
        "AvailabilityZone": plan.region + "abc"[interface.subnet.zone],
        "AvailabilityZoneId": interface.subnet.zone_id,
        "PrivateIpAddress": interface.ip,
        "PrivateIpAddresses": [first, *({"PrivateIpAddress": ip, "Primary": False} for ip in interface.secondary)],
        "Ipv6Addresses": [{"Ipv6Address": interface.ipv6}] if interface.ipv6 else [],
        "Groups": [{"GroupId": group_id(interface.vpc.name, name), "GroupName": name} for name in interface.groups],
        "MacAddress": "06:" + ":".join(digest("mac", interface.name)[n : n + 2] for n in range(0, 10, 2)),
        "SourceDestCheck": shape.type not in ("nat_gateway", "transit_gateway"),
        "TagSet": tags(interface.tags),
    }
    if interface.requester:
        answer["RequesterId"] = interface.requester
    if public:
        answer["Association"] = public
    if shape.owner:
        answer["Attachment"] = _attached(interface)
    return answer


def _attached(interface: Interface) -> Answer:
    instance = {"InstanceId": interface.instance_id} if interface.instance_id else {}
    return {
        "AttachmentId": resource_id("eni-attach", interface.name),
        "InstanceOwnerId": interface.shape.owner.format(account=interface.account),
        **instance,
        "DeviceIndex": 0 if instance else 1,
        "Status": "attached",
        "AttachTime": "2025-06-17T12:30:00Z",
        "DeleteOnTermination": bool(instance),
    }
