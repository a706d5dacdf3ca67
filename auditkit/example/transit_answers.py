"""EC2's answers about gateways: transit gateways, their attachments, NAT gateways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditkit.example.ids import resource_id
from auditkit.example.network_answers import tags
from auditkit.example.things import Attachment, Estate, Nat

Answer = dict[str, Any]
CREATED = "2024-11-05T10:00:00Z"


def transit_gateways(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeTransitGateways: the owner's, and those shared with an account whose VPC is attached."""
    return "TransitGateways", (
        {
            "TransitGatewayId": g.id,
            "TransitGatewayArn": f"arn:aws:ec2:{region}:{g.plan.account}:transit-gateway/{g.id}",
            "OwnerId": g.plan.account,
            "State": "available",
            "Description": g.name,
            "CreationTime": CREATED,
            "Options": {"AmazonSideAsn": 64512, "AutoAcceptSharedAttachments": "disable"},
            "Tags": tags({"Name": g.name}) if account == g.plan.account else [],
        }
        for g in estate.gateways.values()
        if g.plan.region == region
        and account in {g.plan.account, *(estate.vpcs[vpc].plan.account for vpc in g.plan.vpcs)}
    )


def _attachments(estate: Estate, account: str, region: str) -> list[Attachment]:
    return [
        a
        for a in estate.attachments.values()
        if a.gateway.plan.region == region and account in (a.gateway.plan.account, a.resource_account)
    ]


def transit_gateway_attachments(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeTransitGatewayAttachments: both the gateway's owner and the owner of what is attached see it."""
    return "TransitGatewayAttachments", (
        {
            "TransitGatewayAttachmentId": a.id,
            "TransitGatewayId": a.gateway.id,
            "TransitGatewayOwnerId": a.gateway.plan.account,
            "ResourceOwnerId": a.resource_account,
            "ResourceType": a.type,
            "ResourceId": a.resource_id,
            "State": "available",
            "CreationTime": CREATED,
            "Association": {
                "TransitGatewayRouteTableId": resource_id("tgw-rtb", a.gateway.name),
                "State": "associated",
            },
            "Tags": tags({"Name": a.name}) if account == a.gateway.plan.account else [],
        }
        for a in _attachments(estate, account, region)
    )


def transit_gateway_connects(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeTransitGatewayConnects: which attachment carries a Connect attachment."""
    return "TransitGatewayConnects", (
        {
            "TransitGatewayAttachmentId": a.id,
            "TransportTransitGatewayAttachmentId": a.transport,
            "TransitGatewayId": a.gateway.id,
            "State": "available",
            "CreationTime": CREATED,
            "Options": {"Protocol": "gre"},
            "Tags": tags({"Name": a.name}),
        }
        for a in _attachments(estate, account, region)
        if a.type == "connect"
    )


def nat_gateways(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeNatGateways."""
    return "NatGateways", (
        _nat(n) for n in estate.nats.values() if n.vpc.plan.region == region and n.vpc.plan.account == account
    )


def _nat(nat: Nat) -> Answer:
    address: Answer = {
        "AllocationId": resource_id("eipalloc", nat.name),
        "PublicIp": nat.public_ip,
        "Status": "succeeded",
    }
    zonal: Answer = {"AvailabilityMode": "regional"}
    if nat.interface:
        address |= {"NetworkInterfaceId": nat.interface.id, "PrivateIp": nat.interface.ip, "IsPrimary": True}
        zonal = {"AvailabilityMode": "zonal", "SubnetId": nat.interface.subnet.id}
    return {
        "NatGatewayId": nat.id,
        "VpcId": nat.vpc.id,
        "State": "available",
        "ConnectivityType": "public",
        "CreateTime": CREATED,
        "NatGatewayAddresses": [address],
        "Tags": tags({"Name": nat.name}),
        **zonal,
    }
