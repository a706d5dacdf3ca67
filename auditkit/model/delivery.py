"""One row of the delivery table: what arrived of a flow log on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from auditkit.model.flow_logs import DESTINATION_TYPES
from auditkit.model.tables import col

DELIVERY_STATES = ("whole", "gap", "idle", "expired", "pending", "unknown")
LOCAL = "local"
"""The bucket of a tally of local copies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a bucket's keys say of one flow log on one UTC day, no object read."""

    flow_log_id: str
    """From the key."""
    account_id: str
    """Owner of the flow log, from the key."""
    region: str
    """From the key."""
    bucket: str
    """Bucket, or `local` for local copies."""
    day: date
    """UTC day of the slots."""
    objects: int
    """How many."""
    bytes: int
    """Their size together."""
    slots: tuple[int, ...]
    """The five-minute slots of the day (0 to 287) that have an object, sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One flow log on one UTC day of the period."""

    flow_log_id: str = col("text", "Flow log id, from the API or from keys")
    day: datetime = col("time", "UTC day")
    account_id: str = col("text", "Owner of the flow log")
    region: str = col("text", "Region of the flow log")
    in_api: bool | None = col(
        "boolean", "Whether DescribeFlowLogs still shows it", "ec2:DescribeFlowLogs", "flow logs not read", default=None
    )
    resource_id: str = col("text", "What it is on; empty where only keys are left of it", default="")
    vpc_id: str | None = col("text", "VPC of what it is on; empty for transit gateways", null="not known", default="")
    log_destination: str = col("text", "Canonical destination; s3://bucket where only keys are left", default="")
    log_destination_type: str = col("text", "s3, cloud-watch-logs or kinesis-data-firehose", values=DESTINATION_TYPES)
    state: str = col(
        "open",
        "whole: something arrived all day; gap: for a time nothing did; idle: nothing did, and nothing was in use; "
        "expired: too old to be kept; pending: too young to tell; unknown",
        "s3:ListObjectsV2, logs:DescribeLogStreams",
        "whether it arrived could not be told (the column then says unknown, pending or expired)",
        values=DELIVERY_STATES[:-1],
    )
    objects: int = col("integer", "Objects that arrived", "s3:ListObjectsV2", default=0)
    bytes: int = col("integer", "Their size", "s3:ListObjectsV2", default=0)
    first: datetime | None = col(
        "time", "Slot of the first object, or first event", null="nothing arrived", default=None
    )
    last: datetime | None = col("time", "Slot of the last object, or last event", null="nothing arrived", default=None)
    expected_minutes: int = col("integer", "Minutes of the day for which something was due", default=0)
    gap_minutes: int | None = col(
        "integer", "Minutes of these for which nothing came", null="cannot be told", default=None
    )
    reason: str = col("text", "Why it is not whole, in words", default="")
    vpc_tags: dict[str, str] | None = col("tags", "Tags of the VPC", null="VPC not read", default=None)
    account_tags: dict[str, str] | None = col("tags", "Tags of the account", null="not read", default=None)
