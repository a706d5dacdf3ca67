"""What AWS said of an organization's network: one frozen row per resource, and every call that failed.

Each field's metadata is the column contract of the table of the same name (`auditkit policies schema --tables`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from auditkit.model.flow_logs import Destination, FlowLog, FlowLogEvent, LogStreams
from auditkit.model.routing import (
    NetworkAclEntry,
    PrefixList,
    Route,
    SecurityGroupRule,
    VpcEndpoint,
    VpcPeeringConnection,
)
from auditkit.model.tables import col

BLOCK_MODES = ("off", "block-bidirectional", "block-ingress")
GLOBAL = "global"
"""The region of calls that have none (Organizations, STS, S3 bucket names)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One page that AWS answered, or refused: a line of the snapshot."""

    service: str
    """boto3's name of the service: ec2, organizations, sts, s3, logs, account."""
    operation: str
    """AWS's name of the operation: DescribeVpcs."""
    account_id: str
    """The account asked about (not the caller's)."""
    region: str
    """The region asked, or `global`."""
    resource: str = ""
    """The one thing asked about, where the call names one: a bucket."""
    asked: dict[str, str] | None = None
    """Parameters that change what the answer means: ExpectedBucketOwner, StartTime."""
    page: int = 1
    """1-based."""
    at: str
    """When the answer came, ISO 8601, UTC."""
    endpoint: str = ""
    """The URL that answered."""
    request_id: str = ""
    """AWS's request id."""
    answer: dict[str, Any] | None = None
    """The answer as botocore parsed it, less ResponseMetadata; times as ISO 8601 text."""
    error: dict[str, str] | None = None
    """`code` and `message`, when AWS refused or could not be reached."""

    @property
    def name(self) -> str:
        """`ec2:DescribeVpcs`."""
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account of the organization."""

    account_id: str = col("text", "Account id, 12 digits", "organizations:ListAccounts")
    name: str = col("text", "Name of the account", "organizations:ListAccounts")
    status: str = col(
        "text",
        "in_scope, excluded, or suspended (out of scope by fact)",
        "organizations:ListAccounts, auditkit.yaml",
        values=("in_scope", "excluded", "suspended"),
    )
    excluded_by: str = col("text", "Who approved the exclusion", "auditkit.yaml", default="")
    excluded_until: str = col("text", "Day on which the exclusion ends", "auditkit.yaml", default="")
    reason: str = col("text", "Why it is not in scope, or could not be read", default="")
    read: str = col(
        "text", "read, partial, unread, or - when out of scope", values=("read", "partial", "unread", "-"), default="-"
    )
    account_tags: dict[str, str] | None = col(
        "tags", "Tags of the account", "organizations:ListTagsForResource", "not read", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpc:
    """One VPC, in its owner's account."""

    vpc_id: str = col("text", "VPC id", "ec2:DescribeVpcs")
    vpc_arn: str = col("text", "ARN", "ec2:DescribeVpcs")
    account_id: str = col("text", "Owner", "ec2:DescribeVpcs OwnerId")
    region: str = col("text", "Region")
    cidr_blocks: tuple[str, ...] = col("list", "CIDRs of both families that are associated", "ec2:DescribeVpcs")
    is_default: bool = col("boolean", "Whether it is the default VPC", "ec2:DescribeVpcs", default=False)
    internet_gateway_block_mode: str | None = col(
        "text",
        "VPC Block Public Access as it works here: off, block-bidirectional or block-ingress",
        "ec2:DescribeVpcBlockPublicAccessOptions, DescribeVpcs",
        "could not be read, or is changing",
        values=BLOCK_MODES,
        default=None,
    )
    encryption_control: str | None = col(
        "text",
        "VPC encryption control: off, monitor or enforce",
        "ec2:DescribeVpcEncryptionControls",
        "could not be read, or is changing",
        values=("off", "monitor", "enforce"),
        default=None,
    )
    vpc_tags: dict[str, str] = col("tags", "Tags of the VPC", "ec2:DescribeVpcs")
    seen_from: tuple[str, ...] = col("list", "Accounts whose listing showed it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """One subnet, in its owner's account."""

    subnet_id: str = col("text", "Subnet id", "ec2:DescribeSubnets")
    subnet_arn: str = col("text", "ARN", "ec2:DescribeSubnets")
    account_id: str = col("text", "Owner", "ec2:DescribeSubnets OwnerId")
    region: str = col("text", "Region")
    vpc_id: str = col("text", "VPC", "ec2:DescribeSubnets")
    availability_zone_id: str = col("text", "AZ id", "ec2:DescribeSubnets", default="")
    cidr_blocks: tuple[str, ...] = col("list", "CIDRs of both families", "ec2:DescribeSubnets", default=())
    internet_gateway_block_mode: str | None = col(
        "text",
        "VPC Block Public Access as it works here: off, block-bidirectional or block-ingress",
        "ec2:DescribeVpcBlockPublicAccessOptions, DescribeSubnets",
        "could not be read, or is changing",
        values=BLOCK_MODES,
        default=None,
    )
    subnet_tags: dict[str, str] = col("tags", "Tags of the subnet", "ec2:DescribeSubnets")
    seen_from: tuple[str, ...] = col("list", "Accounts whose listing showed it")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkInterface:
    """One network interface, in its owner's account."""

    interface_id: str = col("text", "Interface id", "ec2:DescribeNetworkInterfaces")
    interface_arn: str = col("text", "ARN")
    account_id: str = col("text", "Owner", "ec2:DescribeNetworkInterfaces OwnerId")
    region: str = col("text", "Region")
    vpc_id: str = col("text", "VPC", "ec2:DescribeNetworkInterfaces")
    subnet_id: str = col("text", "Subnet", "ec2:DescribeNetworkInterfaces")
    service: str = col("text", "What it belongs to: ec2, nat-gateway, transit-gateway, elb-application, rds, lambda, …")
    service_evidence: str = col("text", "The test that decided the service")
    subject: str = col(
        "text", "The lasting owner: load balancer, function, gateway, instance, else the interface itself"
    )
    subject_type: str = col("text", "What the subject is: instance, load-balancer, function, …")
    interface_type: str = col("text", "InterfaceType as answered", "ec2:DescribeNetworkInterfaces", default="")
    description: str = col("text", "Description as answered", "ec2:DescribeNetworkInterfaces", default="")
    status: str = col("text", "available, in-use, …", "ec2:DescribeNetworkInterfaces", default="")
    instance_id: str = col("text", "Instance attached", "ec2:DescribeNetworkInterfaces", default="")
    attach_time: datetime | None = col(
        "time", "When it was attached", "ec2:DescribeNetworkInterfaces", "not answered", default=None
    )
    addresses: tuple[str, ...] = col(
        "list", "Private IPv4 and IPv6 addresses and delegated prefixes", "ec2:DescribeNetworkInterfaces", default=()
    )
    public_addresses: tuple[str, ...] = col(
        "list", "Public addresses associated", "ec2:DescribeNetworkInterfaces", default=()
    )
    security_group_ids: tuple[str, ...] = col("list", "Security groups", "ec2:DescribeNetworkInterfaces", default=())
    interface_tags: dict[str, str] | None = col(
        "tags", "Tags of the interface", "ec2:DescribeNetworkInterfaces", "only records show it"
    )
    seen_from: tuple[str, ...] = col("list", "Accounts whose listing showed it")
    seen_in: str = col(
        "text",
        "inventory, or records when only flow records showed it",
        values=("inventory", "records"),
        default="inventory",
    )

    @property
    def in_use(self) -> bool:
        """Attached: an unattached interface has no traffic, and no interface-days."""
        return self.status != "available"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitGateway:
    """One transit gateway, in its owner's account."""

    transit_gateway_id: str = col("text", "Transit gateway id", "ec2:DescribeTransitGateways")
    transit_gateway_arn: str = col("text", "ARN", "ec2:DescribeTransitGateways")
    account_id: str = col("text", "Owner", "ec2:DescribeTransitGateways OwnerId")
    region: str = col("text", "Region")
    transit_gateway_tags: dict[str, str] = col("tags", "Tags", "ec2:DescribeTransitGateways")
    seen_from: tuple[str, ...] = col("list", "Accounts whose listing showed it")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitGatewayAttachment:
    """One attachment, in the transit gateway owner's account."""

    transit_gateway_attachment_id: str = col("text", "Attachment id", "ec2:DescribeTransitGatewayAttachments")
    transit_gateway_attachment_arn: str = col("text", "ARN")
    transit_gateway_id: str = col("text", "Transit gateway", "ec2:DescribeTransitGatewayAttachments")
    account_id: str = col("text", "Owner of the transit gateway", "ec2:DescribeTransitGatewayAttachments")
    region: str = col("text", "Region")
    attached_type: str = col(
        "text",
        "vpc, vpn, peering, connect, direct-connect-gateway, …",
        "ec2:DescribeTransitGatewayAttachments ResourceType",
    )
    attached_id: str = col("text", "What is attached", "ec2:DescribeTransitGatewayAttachments ResourceId", default="")
    attached_account_id: str = col(
        "text", "Owner of what is attached", "ec2:DescribeTransitGatewayAttachments ResourceOwnerId", default=""
    )
    transport_attachment_id: str | None = col(
        "text",
        "For a Connect attachment, the attachment that carries it; empty for others",
        "ec2:DescribeTransitGatewayConnects",
        "not read",
        default="",
    )
    transit_gateway_attachment_tags: dict[str, str] = col("tags", "Tags", "ec2:DescribeTransitGatewayAttachments")
    seen_from: tuple[str, ...] = col("list", "Accounts whose listing showed it")


@dataclass(frozen=True, slots=True, kw_only=True)
class NatGateway:
    """One NAT gateway, in its owner's account."""

    nat_gateway_id: str = col("text", "NAT gateway id", "ec2:DescribeNatGateways")
    nat_gateway_arn: str = col("text", "ARN")
    account_id: str = col("text", "Owner")
    region: str = col("text", "Region")
    vpc_id: str = col("text", "VPC", "ec2:DescribeNatGateways")
    availability_mode: str = col("text", "zonal or regional", "ec2:DescribeNatGateways", values=("zonal", "regional"))
    nat_gateway_tags: dict[str, str] = col("tags", "Tags", "ec2:DescribeNatGateways")
    seen_from: tuple[str, ...] = col("list", "Accounts whose listing showed it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """One call that failed: what reads its table there is not decided."""

    account_id: str = col("text", "Account asked about; * for all")
    region: str = col("text", "Region; * for all, global for calls without one")
    table: str = col("text", "The table that the call fills; * for all")
    resource: str = col("text", "The one resource it was about, or empty", default="")
    call: str = col("text", "service:Operation")
    error: str = col("text", "AWS's error code and message")


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything that a snapshot says."""

    as_of: datetime
    """When collecting ended: the one clock of an assessment."""
    accounts: tuple[Account, ...]
    """Every account of the organization, in scope or not."""
    regions: dict[str, tuple[str, ...]]
    """Account in scope → its regions that were asked."""
    vpcs: tuple[Vpc, ...] = ()
    """Sorted by id, as are all that follow."""
    subnets: tuple[Subnet, ...] = ()
    """Subnets."""
    network_interfaces: Sequence[NetworkInterface] = ()
    """Network interfaces; as read from a snapshot they are kept by column (`model.columnar.Rows`)."""
    transit_gateways: tuple[TransitGateway, ...] = ()
    """Transit gateways."""
    transit_gateway_attachments: tuple[TransitGatewayAttachment, ...] = ()
    """Attachments."""
    nat_gateways: tuple[NatGateway, ...] = ()
    """NAT gateways, zonal and regional."""
    flow_logs: tuple[FlowLog, ...] = ()
    """Flow logs."""
    destinations: tuple[Destination, ...] = ()
    """Destinations in use."""
    security_group_rules: tuple[SecurityGroupRule, ...] = ()
    """Rules."""
    network_acl_entries: tuple[NetworkAclEntry, ...] = ()
    """Entries of the network ACLs, in the order in which they are tried."""
    routes: tuple[Route, ...] = ()
    """Routes of the route tables."""
    prefix_lists: tuple[PrefixList, ...] = ()
    """Prefix lists, customer's and AWS's."""
    vpc_endpoints: tuple[VpcEndpoint, ...] = ()
    """VPC endpoints."""
    vpc_peering_connections: tuple[VpcPeeringConnection, ...] = ()
    """Peerings."""
    log_streams: tuple[LogStreams, ...] = ()
    """Newest streams of the log groups in use."""
    flow_log_events: tuple[FlowLogEvent, ...] = ()
    """CloudTrail's Create- and DeleteFlowLogs, by time."""
    events_since: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """(Account, region) → since when the event history was read whole."""
    unread: tuple[Unread, ...] = ()
    """Calls that failed."""
    identity: dict[str, str] = field(default_factory=dict)
    """Who collected: account_id, arn, endpoint, provenance (collected or imported)."""

    _failed: dict[str, tuple[Unread, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def is_unread(self, table: str, account_id: str, region: str) -> bool:
        """Tell whether the listing of `table` failed for the account and region."""
        return any(u.table in (table, "*") and u.region in (region, "*") for u in self.failed(account_id))

    def failed(self, account_id: str) -> tuple[Unread, ...]:
        """Whole listings that failed in an account, or in all of them."""
        if not self._failed and self.unread:
            index: dict[str, list[Unread]] = {one: [] for one in ("*", *(u.account_id for u in self.unread))}
            for one in self.unread:
                if not one.resource:
                    for listed in index.values() if one.account_id == "*" else (index[one.account_id],):
                        listed.append(one)
            self._failed.update({key: tuple(listed) for key, listed in index.items()})
        return self._failed.get(account_id) or self._failed.get("*", ())
