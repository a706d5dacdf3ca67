"""Flow logs, what was done to them, and the destinations that they write to: as AWS answers, and as derived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from auditkit.model.tables import col

DESTINATION_TYPES = ("s3", "cloud-watch-logs", "kinesis-data-firehose")


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
