"""What AWS said of an organization's network: one frozen row per resource, and every call that failed.

Each field's metadata is the column contract of the table of the same name (`auditkit policies schema --tables`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from auditkit.model.routing import (
    NetworkAclEntry,
    PrefixList,
    Route,
    SecurityGroupRule,
    VpcEndpoint,
    VpcPeeringConnection,
)
from auditkit.model.tables import col

DESTINATION_TYPES = ("s3", "cloud-watch-logs", "kinesis-data-firehose")
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
class FlowLog:
    """One flow log."""

    flow_log_id: str = col("text", "Flow log id", "ec2:DescribeFlowLogs")
    account_id: str = col("text", "Account whose listing showed it: its owner", "ec2:DescribeFlowLogs")
    region: str = col("text", "Region")
    resource_id: str = col(
        "text",
        "The VPC, subnet, interface, transit gateway, attachment or NAT gateway it is on",
        "ec2:DescribeFlowLogs",
    )
    kind: str = col(
        "text", "vpc or transit-gateway: which fields its records can have", values=("vpc", "transit-gateway")
    )
    traffic_type: str | None = col(
        "text", "ALL, ACCEPT or REJECT", "ec2:DescribeFlowLogs", "not answered", values=("ALL", "ACCEPT", "REJECT")
    )
    flow_log_status: str = col("text", "ACTIVE, or what AWS answered", "ec2:DescribeFlowLogs", default="")
    deliver_logs_status: str = col("text", "SUCCESS, FAILED, or empty", "ec2:DescribeFlowLogs", default="")
    deliver_logs_error_message: str = col("text", "The delivery error, or empty", "ec2:DescribeFlowLogs", default="")
    log_destination_type: str = col(
        "text", "s3, cloud-watch-logs or kinesis-data-firehose", "ec2:DescribeFlowLogs", values=DESTINATION_TYPES
    )
    log_destination: str = col(
        "text",
        "Canonical destination: s3://bucket/prefix, log-group:ACCOUNT:REGION:NAME or stream ARN",
        "ec2:DescribeFlowLogs",
    )
    bucket: str = col("text", "Bucket, for s3", default="")
    prefix: str = col("text", "Prefix in the bucket without slashes at its ends, for s3", default="")
    log_group: str = col("text", "Log group name, for cloud-watch-logs", default="")
    delivery_stream: str = col("text", "Delivery stream name, for kinesis-data-firehose", default="")
    fields: tuple[str, ...] = col("list", "Field names of LogFormat, in its order", "ec2:DescribeFlowLogs LogFormat")
    max_aggregation_interval: int = col("integer", "Seconds", "ec2:DescribeFlowLogs", default=600)
    creation_time: datetime | None = col(
        "time", "When it was created", "ec2:DescribeFlowLogs", "not answered", default=None
    )
    file_format: str = col(
        "text", "plain-text or parquet", "ec2:DescribeFlowLogs DestinationOptions", default="plain-text"
    )
    hive_compatible_partitions: bool = col(
        "boolean", "Whether its keys spell name=value, for s3", "ec2:DescribeFlowLogs DestinationOptions", default=False
    )
    flow_log_tags: dict[str, str] = col("tags", "Tags", "ec2:DescribeFlowLogs")
    deliver_logs_permission_arn: str = col(
        "text", "Role by which it delivers; empty for S3", "ec2:DescribeFlowLogs", default=""
    )
    deliver_cross_account_role: str = col(
        "text", "Role in the account of another's delivery stream", "ec2:DescribeFlowLogs", default=""
    )
    deliver_role: str | None = col(
        "text",
        "Whether that role can deliver: works, absent, untrusted, unpermitted; - where none is needed",
        "iam:GetRole, GetRolePolicy, GetPolicyVersion",
        "could not be read",
        values=("works", "absent", "untrusted", "unpermitted", "-"),
        default=None,
    )
    last_arrival: datetime | None = col(
        "time", "Slot of its newest log object known to the run", "s3:ListObjectsV2", "none known", default=None
    )
    delivers: bool | None = col("boolean", "Whether it delivers", null="undecided", default=None)
    delivers_reason: str = col("text", "Why", default="")

    @property
    def destination_account_id(self) -> str:
        """Account of the log group or stream; empty for a bucket, whose ARN holds none."""
        parts = self.log_destination.split(":")
        at = {"cloud-watch-logs": 1, "kinesis-data-firehose": 4}.get(self.log_destination_type, len(parts))
        return parts[at] if at < len(parts) else ""


@dataclass(frozen=True, slots=True)
class Approved:
    """One destination that auditkit.yaml approves."""

    name: str
    """Its name there."""
    type: str
    """s3, cloud-watch-logs or kinesis-data-firehose."""
    bucket: str = ""
    """Bucket, for s3."""
    prefix: str = ""
    """Prefix in the bucket, for s3: every key at it or below it, on `/` borders, is approved."""
    log_group: str = ""
    """Log group name, for cloud-watch-logs."""
    delivery_stream: str = ""
    """Delivery stream name, for kinesis-data-firehose."""
    account: str = ""
    """Account of the group or stream; empty for any. For s3 the expected owner of the bucket, which no ARN tells."""

    def accepts(self, flow_log: FlowLog) -> bool:
        """Tell whether the flow log writes to this destination."""
        if flow_log.log_destination_type != self.type:
            return False
        if self.type == "s3":
            above = self.prefix.strip("/")
            inside = not above or flow_log.prefix == above or flow_log.prefix.startswith(above + "/")
            return bool(self.bucket) and flow_log.bucket == self.bucket and inside
        if self.account and flow_log.destination_account_id != self.account:
            return False
        if self.type == "cloud-watch-logs":
            return bool(self.log_group) and flow_log.log_group == self.log_group
        return bool(self.delivery_stream) and flow_log.delivery_stream == self.delivery_stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One distinct destination in use by a flow log."""

    log_destination: str = col("text", "Canonical destination, as in flow_logs")
    log_destination_type: str = col("text", "s3, cloud-watch-logs or kinesis-data-firehose", values=DESTINATION_TYPES)
    account_id: str = col(
        "text",
        "Account: of the log group or stream; of the bucket where its owner is proven, else of the flow logs that use it",
    )
    region: str = col("text", "Region of the flow logs that use it; of the bucket where known")
    exists: bool | None = col(
        "boolean", "Whether it exists", "s3:HeadBucket, logs:DescribeLogGroups", "could not be asked", default=None
    )
    approved: bool = col("boolean", "Whether auditkit.yaml approves it under any name", "auditkit.yaml", default=False)
    approved_as: str = col("text", "The name under which it is approved", "auditkit.yaml", default="")
    encryption: str | None = col(
        "text",
        "AES256, aws:kms, aws:kms:dsse, or none",
        "s3:GetBucketEncryption, logs:DescribeLogGroups",
        "could not be read",
        values=("AES256", "aws:kms", "aws:kms:dsse", "none"),
        default=None,
    )
    kms_key_id: str | None = col(
        "text",
        "Key of the encryption, or empty",
        "s3:GetBucketEncryption, logs:DescribeLogGroups",
        "could not be read",
        default=None,
    )
    versioning: str | None = col(
        "text",
        "Enabled, Suspended or never",
        "s3:GetBucketVersioning",
        "could not be read, or not a bucket",
        values=("Enabled", "Suspended", "never"),
        default=None,
    )
    object_lock: str | None = col(
        "text",
        "GOVERNANCE, COMPLIANCE, enabled (no default) or none",
        "s3:GetObjectLockConfiguration",
        "could not be read, or not a bucket",
        values=("GOVERNANCE", "COMPLIANCE", "enabled", "none"),
        default=None,
    )
    public_access_blocked: bool | None = col(
        "boolean",
        "All four public access blocks are on, each for the bucket or for its owner's account",
        "s3:GetPublicAccessBlock, s3control:GetPublicAccessBlock",
        "could not be read, of the bucket or of the account that has to make up for it; or not a bucket",
        default=None,
    )
    retention_days: int | None = col(
        "integer",
        "Days kept; the largest integer when nothing expires",
        "s3:GetBucketLifecycleConfiguration, logs:DescribeLogGroups",
        "could not be read",
        default=None,
    )
    owner_account_id: str | None = col(
        "text",
        "Account that owns it, as proven",
        "s3:HeadBucket with ExpectedBucketOwner; the ARN of a group or stream",
        "not proven",
        default=None,
    )
    owner_in_organization: bool | None = col(
        "boolean",
        "Whether the owner is an account of the organization",
        null="owner or accounts not known",
        default=None,
    )
    kms_key_state: str | None = col(
        "text",
        "Enabled, Disabled, PendingDeletion, …, or absent; - without a KMS key",
        "kms:DescribeKey",
        "could not be read",
        default=None,
    )
    kms_key_manager: str | None = col(
        "text",
        "CUSTOMER or AWS; - without a KMS key",
        "kms:DescribeKey",
        "could not be read",
        values=("CUSTOMER", "AWS", "-"),
        default=None,
    )
    kms_key_policy: str | None = col(
        "text",
        "Whether the key's policy lets the delivery service use it: allows or refuses; - without a KMS key",
        "kms:GetKeyPolicy",
        "could not be read, or the policy cannot be decided",
        values=("allows", "refuses", "-"),
        default=None,
    )
    delivery_policy: str | None = col(
        "text",
        "Whether the bucket policy lets the delivery service write for every account that uses it: allows or refuses; - for others",
        "s3:GetBucketPolicy",
        "could not be read, or the policy cannot be decided",
        values=("allows", "refuses", "-"),
        default=None,
    )
    refused_accounts: tuple[str, ...] = col(
        "list", "Accounts whose flow logs its policy does not let write", "s3:GetBucketPolicy", default=()
    )
    delivery_policy_width: str | None = col(
        "text",
        "exact, or wide: a statement lets the delivery service write without naming whose logs, or anybody at all; - for others",
        "s3:GetBucketPolicy",
        "could not be read, or the policy cannot be decided",
        values=("exact", "wide", "-"),
        default=None,
    )
    public: bool | None = col(
        "boolean",
        "Whether S3 calls the bucket's policy public; false for others",
        "s3:GetBucketPolicyStatus",
        "could not be read",
        default=None,
    )
    object_ownership: str | None = col(
        "text",
        "BucketOwnerEnforced, BucketOwnerPreferred or ObjectWriter; - for others",
        "s3:GetBucketOwnershipControls",
        "could not be read",
        values=("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter", "-"),
        default=None,
    )
    object_lock_days: int | None = col(
        "integer",
        "Days of the default retention of Object Lock; 0 without",
        "s3:GetObjectLockConfiguration",
        "could not be read",
        default=None,
    )
    access_logging: bool | None = col(
        "boolean",
        "Whether S3 logs access to the bucket; false for others",
        "s3:GetBucketLogging",
        "could not be read",
        default=None,
    )
    log_group_class: str | None = col(
        "text",
        "STANDARD, INFREQUENT_ACCESS or DELIVERY; - for others",
        "logs:DescribeLogGroups",
        "could not be read",
        values=("STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "-"),
        default=None,
    )
    delivery_stream_status: str | None = col(
        "text",
        "ACTIVE, CREATING, SUSPENDED, …; - for others",
        "firehose:DescribeDeliveryStream",
        "could not be read",
        default=None,
    )
    ends_in: tuple[str, ...] = col(
        "list",
        "Where a delivery stream ends: s3://bucket/prefix, or the type of the destination",
        "firehose:DescribeDeliveryStream",
        default=(),
    )
    last_arrival: datetime | None = col(
        "time",
        "Newest object or event known to the run",
        "s3:ListObjectsV2, logs:DescribeLogStreams",
        "none known",
        default=None,
    )
    flow_log_ids: tuple[str, ...] = col("list", "Flow logs that write to it", default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStreams:
    """What a log group's newest streams say of arrival; times are UTC."""

    account_id: str
    """Owner of the group."""
    region: str
    """Region."""
    log_group: str
    """Name of the group."""
    streams: tuple[tuple[str, datetime | None, datetime | None, datetime | None], ...]
    """Name, first event, last event, last ingestion; the newest by last event first."""
    whole: bool
    """Whether these are all of the group's streams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLogEvent:
    """A flow log made or deleted, as CloudTrail's event history tells."""

    account_id: str
    """Account."""
    region: str
    """Region."""
    at: datetime
    """When, UTC."""
    name: str
    """CreateFlowLogs or DeleteFlowLogs."""
    flow_log_ids: tuple[str, ...]
    """The flow logs."""
    resource_ids: tuple[str, ...] = ()
    """For CreateFlowLogs, what they are on."""
    by: str = ""
    """ARN of who did it."""


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
