"""Every operation that is asked of AWS, and the IAM actions that it needs: what is not in the table is never asked.

Most actions are called like their operation. Where they are not, the operation's page in the API reference says so
(Amazon S3 API Reference, "Permissions"; Service Authorization Reference for the rest).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal["hub", "member", "logs"]


@dataclass(frozen=True, slots=True)
class Action:
    """One operation, what it needs, and what for."""

    service: str
    """boto3's name of the service: s3control."""
    operation: str
    """AWS's name of the operation: GetPublicAccessBlock."""
    actions: tuple[str, ...]
    """IAM actions: s3:GetAccountPublicAccessBlock. None for what everybody may do."""
    where: Where
    """Who needs them: `hub`, the caller who enters the accounts; `member`, the role in each account, the accounts of
    the destinations included; `logs`, whoever reads the log objects."""
    why: str
    """What the audit learns by it."""


def _same(service: str, where: Where, **why: str) -> tuple[Action, ...]:
    """Return rows of operations whose action has their own name."""
    return tuple(Action(service, name, (f"{service}:{name}",), where, text) for name, text in why.items())


ACTIONS: tuple[Action, ...] = (
    Action("sts", "GetCallerIdentity", (), "hub", "Who audits, and in which partition"),
    *_same("sts", "hub", AssumeRole="Enter the accounts; on the audit role's ARN alone"),
    *_same(
        "organizations",
        "hub",
        DescribeOrganization="Which organization it is",
        ListAccounts="Which accounts there are, and which are active",
        ListTagsForResource="Tags of the accounts, for conditions on them",
    ),
    *_same(
        "ec2",
        "member",
        DescribeRegions="Which regions the account has enabled",
        DescribeVpcs="VPCs: what has to be logged",
        DescribeSubnets="Subnets, their owner and their VPC",
        DescribeNetworkInterfaces="Network interfaces, their addresses and what they belong to",
        DescribeTransitGateways="Transit gateways: what has to be logged",
        DescribeTransitGatewayAttachments="Attachments of transit gateways",
        DescribeTransitGatewayConnects="Connect attachments of transit gateways",
        DescribeNatGateways="NAT gateways: regional ones have no interface",
        DescribeFlowLogs="Flow logs: resource, traffic, destination, format, status",
        DescribeSecurityGroups="What the security groups let in and out",
        DescribeVpcEndpoints="Endpoints: what their interfaces and routes belong to",
        DescribeVpcPeeringConnections="Peering connections: where routes lead",
        DescribeRouteTables="Which subnets reach the internet",
        DescribeNetworkAcls="What the network ACLs let in and out",
        DescribeManagedPrefixLists="Prefix lists that rules and routes refer to",
        GetManagedPrefixListEntries="The networks in those prefix lists",
        DescribeVpcBlockPublicAccessOptions="Whether internet gateways are blocked in the region",
        DescribeVpcBlockPublicAccessExclusions="Which VPCs and subnets are exempt from that block",
        DescribeVpcEncryptionControls="Whether traffic in the VPC must be encrypted",
    ),
    *_same(
        "logs",
        "member",
        DescribeLogGroups="Retention and key of the log groups that flow logs write to",
        DescribeLogStreams="When the latest record came to those log groups, and which streams are to be read",
    ),
    *_same("cloudtrail", "member", LookupEvents="When flow logs were created and deleted within the period"),
    Action("s3", "HeadBucket", ("s3:ListBucket",), "member", "Whether the bucket exists, and who owns it"),
    Action("s3", "GetBucketEncryption", ("s3:GetEncryptionConfiguration",), "member", "How the logs are encrypted"),
    *_same("s3", "member", GetBucketVersioning="Whether an overwritten log object can be had back"),
    Action(
        "s3",
        "GetObjectLockConfiguration",
        ("s3:GetBucketObjectLockConfiguration",),
        "member",
        "Whether log objects can be deleted before their time",
    ),
    Action(
        "s3",
        "GetPublicAccessBlock",
        ("s3:GetBucketPublicAccessBlock",),
        "member",
        "Whether the bucket can be made public",
    ),
    Action(
        "s3", "GetBucketLifecycleConfiguration", ("s3:GetLifecycleConfiguration",), "member", "How long logs are kept"
    ),
    *_same(
        "s3",
        "member",
        GetBucketPolicy="Who may write and read the logs",
        GetBucketPolicyStatus="Whether the bucket's policy makes it public",
        GetBucketOwnershipControls="Who owns the objects that AWS delivers",
        GetBucketLogging="Whether access to the logs is logged",
    ),
    Action(
        "s3control",
        "GetPublicAccessBlock",
        ("s3:GetAccountPublicAccessBlock",),
        "member",
        "Whether any bucket of the account can be made public",
    ),
    *_same(
        "kms",
        "member",
        DescribeKey="Whether the key of the logs is enabled, and whose it is",
        GetKeyPolicy="Who may use the key of the logs",
    ),
    *_same("firehose", "member", DescribeDeliveryStream="State, encryption and destination of the delivery streams"),
    *_same(
        "iam",
        "member",
        GetRole="Who may assume the role that delivers the logs",
        ListRolePolicies="The inline policies of that role",
        GetRolePolicy="What they allow",
        ListAttachedRolePolicies="The managed policies of that role",
        GetPolicy="Which version of them is in force",
        GetPolicyVersion="What that version allows",
    ),
    Action("s3", "ListObjectsV2", ("s3:ListBucket",), "logs", "Which log objects were delivered"),
    Action(
        "s3",
        "GetObject",
        ("s3:GetObject", "s3:GetObjectVersion", "kms:Decrypt"),
        "logs",
        "Read the log objects: the version that was listed, and encrypted ones with their key",
    ),
    *_same("logs", "logs", GetLogEvents="Read the records of log groups, where records.from names cloud-watch-logs"),
)
"""All of them; what only reads the snapshot needs none."""

_KNOWN = {(action.service, action.operation) for action in ACTIONS}


def check(service: str, operation: str) -> None:
    """Refuse an operation that the table does not have.

    Raises:
        LookupError: a permission would be needed that nobody was told of. It is a fault of the program.
    """
    if (service, operation) not in _KNOWN:
        raise LookupError(f"{service}:{operation} is not in auditkit.scan.actions: add it there, with what it needs")
