"""VPCs, subnets, interfaces, transit gateways, attachments and NAT gateways: one resource of an answer → one row.

Each function returns None for what no longer exists though AWS still lists it.
"""

from __future__ import annotations

from datetime import datetime

from auditkit.inventory.answers import Malformed, Row, flag, items, moment, part, required, tags, text, texts
from auditkit.inventory.classify import Facts, classify
from auditkit.inventory.public_access import block_mode, encryption_mode
from auditkit.model import addresses
from auditkit.model.inventory import (
    Call,
    NatGateway,
    NetworkInterface,
    Subnet,
    TransitGateway,
    TransitGatewayAttachment,
    Vpc,
)

GONE = ("deleted", "deleting", "rejected", "failed")
"""States of a gateway or attachment that carries no traffic any more, or never did."""


def vpc(row: Row, call: Call, partition: str) -> Vpc:
    """Read one VPC."""
    vpc_id, owner = required(row, "VpcId"), text(row, "OwnerId") or call.account_id
    return Vpc(
        vpc_id=vpc_id,
        vpc_arn=arn(partition, call.region, owner, "vpc", vpc_id),
        account_id=owner,
        region=call.region,
        cidr_blocks=_cidr_blocks(row),
        is_default=flag(row, "IsDefault"),
        internet_gateway_block_mode=block_mode(row),
        encryption_control=encryption_mode(part(row, "EncryptionControl")),
        vpc_tags=tags(row),
        seen_from=(call.account_id,),
    )


def subnet(row: Row, call: Call, partition: str) -> Subnet:
    """Read one subnet."""
    subnet_id, owner = required(row, "SubnetId"), text(row, "OwnerId") or call.account_id
    return Subnet(
        subnet_id=subnet_id,
        subnet_arn=text(row, "SubnetArn") or arn(partition, call.region, owner, "subnet", subnet_id),
        account_id=owner,
        region=call.region,
        vpc_id=text(row, "VpcId"),
        availability_zone_id=text(row, "AvailabilityZoneId"),
        cidr_blocks=_cidr_blocks(row),
        internet_gateway_block_mode=block_mode(row),
        subnet_tags=tags(row),
        seen_from=(call.account_id,),
    )


def network_interface(row: Row, call: Call, partition: str, as_of: datetime) -> NetworkInterface:
    """Read one network interface, and tell what it belongs to."""
    facts = _facts(row, call)
    belongs = classify(facts)
    private, public = _addresses(row)
    return NetworkInterface(
        interface_id=facts.interface_id,
        interface_arn=arn(partition, call.region, facts.owner_id, "network-interface", facts.interface_id),
        account_id=facts.owner_id,
        region=call.region,
        vpc_id=text(row, "VpcId"),
        subnet_id=text(row, "SubnetId"),
        service=belongs.service,
        service_evidence=belongs.evidence,
        subject=belongs.subject,
        subject_type=belongs.subject_type,
        interface_type=facts.interface_type,
        description=facts.description,
        status=facts.status,
        instance_id=facts.instance_id,
        attach_time=moment(part(row, "Attachment"), "AttachTime", as_of),
        addresses=private,
        public_addresses=public,
        security_group_ids=facts.group_ids,
        interface_tags=facts.tags,
        seen_from=(call.account_id,),
    )


def transit_gateway(row: Row, call: Call, partition: str) -> TransitGateway | None:
    """Read one transit gateway."""
    if _gone(row):
        return None
    gateway_id, owner = required(row, "TransitGatewayId"), text(row, "OwnerId") or call.account_id
    built = arn(partition, call.region, owner, "transit-gateway", gateway_id)
    return TransitGateway(
        transit_gateway_id=gateway_id,
        transit_gateway_arn=text(row, "TransitGatewayArn") or built,
        account_id=owner,
        region=call.region,
        transit_gateway_tags=tags(row),
        seen_from=(call.account_id,),
    )


def attachment(row: Row, call: Call, partition: str) -> TransitGatewayAttachment | None:
    """Read one attachment; what carries a Connect attachment is not known here and left None."""
    if _gone(row):
        return None
    attachment_id = required(row, "TransitGatewayAttachmentId")
    owner = text(row, "TransitGatewayOwnerId") or call.account_id
    type_ = text(row, "ResourceType")
    return TransitGatewayAttachment(
        transit_gateway_attachment_id=attachment_id,
        transit_gateway_attachment_arn=arn(partition, call.region, owner, "transit-gateway-attachment", attachment_id),
        transit_gateway_id=text(row, "TransitGatewayId"),
        account_id=owner,
        region=call.region,
        attached_type=type_,
        attached_id=text(row, "ResourceId"),
        attached_account_id=text(row, "ResourceOwnerId"),
        transport_attachment_id=None if type_ == "connect" else "",
        transit_gateway_attachment_tags=tags(row),
        seen_from=(call.account_id,),
    )


def nat_gateway(row: Row, call: Call, partition: str) -> NatGateway | None:
    """Read one NAT gateway; the answer names no owner, and only the owner's listing shows it."""
    if _gone(row):
        return None
    gateway_id = required(row, "NatGatewayId")
    mode = text(row, "AvailabilityMode") or "zonal"
    if mode not in ("zonal", "regional"):
        raise Malformed(f"AvailabilityMode is {mode[:40]!r}, not zonal or regional")
    return NatGateway(
        nat_gateway_id=gateway_id,
        nat_gateway_arn=arn(partition, call.region, call.account_id, "natgateway", gateway_id),
        account_id=call.account_id,
        region=call.region,
        vpc_id=text(row, "VpcId"),
        availability_mode=mode,
        nat_gateway_tags=tags(row),
        seen_from=(call.account_id,),
    )


def arn(partition: str, region: str, account_id: str, kind: str, resource_id: str) -> str:
    """Build the ARN of an EC2 resource, for answers that hold none (Service Authorization Reference, Amazon EC2)."""
    return f"arn:{partition}:ec2:{region}:{account_id}:{kind}/{resource_id}"


def _gone(row: Row) -> bool:
    return text(row, "State").lower() in GONE


def _cidr_blocks(row: Row) -> tuple[str, ...]:
    blocks = [text(row, "CidrBlock")]
    for key, inner in (("CidrBlockAssociationSet", "CidrBlock"), ("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock")):
        for one in items(row, key):
            state = text(part(one, f"{inner}State"), "State", "associated")
            blocks += [text(one, inner)] if state.lower() == "associated" else []
    return tuple(sound_block(block) for block in dict.fromkeys(blocks) if block)


def sound_block(block: str) -> str:
    """Return a CIDR as it stands.

    Raises:
        Malformed: it is none.
    """
    try:
        addresses.cidr(block)
    except ValueError:
        raise Malformed(f"{block[:50]!r} is not a CIDR") from None
    return block


def _addresses(row: Row) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Private addresses and delegated prefixes of both families; public addresses."""
    private = [text(row, "PrivateIpAddress")]
    public = _public(row)
    for one in items(row, "PrivateIpAddresses"):
        private.append(text(one, "PrivateIpAddress"))
        public += _public(one)
    private += texts(row, "Ipv6Addresses", "Ipv6Address")
    private += map(sound_block, texts(row, "Ipv4Prefixes", "Ipv4Prefix"))
    private += map(sound_block, texts(row, "Ipv6Prefixes", "Ipv6Prefix"))
    return tuple(dict.fromkeys(filter(None, private))), tuple(dict.fromkeys(filter(None, public)))


def _public(row: Row) -> list[str]:
    association = part(row, "Association")
    return [text(association, "PublicIp"), text(association, "CarrierIp")] if association else []


def _facts(row: Row, call: Call) -> Facts:
    attachment, operator = part(row, "Attachment"), part(row, "Operator")
    return Facts(
        interface_id=required(row, "NetworkInterfaceId"),
        owner_id=text(row, "OwnerId") or call.account_id,
        interface_type=text(row, "InterfaceType"),
        description=text(row, "Description"),
        requester_id=text(row, "RequesterId"),
        requester_managed=flag(row, "RequesterManaged"),
        instance_id=text(attachment, "InstanceId"),
        instance_owner_id=text(attachment, "InstanceOwnerId"),
        status=text(row, "Status"),
        group_ids=tuple(sorted(texts(row, "Groups", "GroupId"))),
        operator_managed=flag(operator, "Managed"),
        operator_principal=text(operator, "Principal"),
        tags=tags(row, "TagSet") or tags(row),
    )
