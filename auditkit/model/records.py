"""Flow log records: every field of every version, and the log objects that carry them.

Field names, versions and types: Amazon VPC User Guide, "Flow log records", and Transit Gateway guide, "Transit Gateway Flow Logs".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

VPC = ("vpc",)
TGW = ("transit-gateway",)
BOTH = ("vpc", "transit-gateway")


@dataclass(frozen=True, slots=True)
class Field:
    """One field that a flow log can have."""

    name: str
    """AWS's name, hyphenated, as in LogFormat and in the header of an object."""
    since: int
    """Version that brought it."""
    type: str
    """Column type of `auditkit.model.tables`: aws, integer, port, protocol or address."""
    kinds: tuple[str, ...]
    """vpc, transit-gateway, or both: which logs can have it."""

    @property
    def column(self) -> str:
        """Column name: underscores, as in AWS's Parquet files."""
        return self.name.replace("-", "_")


FIELDS: tuple[Field, ...] = (
    Field("version", 2, "integer", BOTH),
    Field("account-id", 2, "aws", BOTH),
    Field("interface-id", 2, "aws", VPC),
    Field("srcaddr", 2, "address", BOTH),
    Field("dstaddr", 2, "address", BOTH),
    Field("srcport", 2, "port", BOTH),
    Field("dstport", 2, "port", BOTH),
    Field("protocol", 2, "protocol", BOTH),
    Field("packets", 2, "integer", BOTH),
    Field("bytes", 2, "integer", BOTH),
    Field("start", 2, "integer", BOTH),
    Field("end", 2, "integer", BOTH),
    Field("action", 2, "aws", VPC),
    Field("log-status", 2, "aws", BOTH),
    Field("vpc-id", 3, "aws", VPC),
    Field("subnet-id", 3, "aws", VPC),
    Field("instance-id", 3, "aws", VPC),
    Field("tcp-flags", 3, "integer", BOTH),
    Field("type", 3, "aws", BOTH),
    Field("pkt-srcaddr", 3, "address", VPC),
    Field("pkt-dstaddr", 3, "address", VPC),
    Field("region", 4, "aws", BOTH),
    Field("az-id", 4, "aws", VPC),
    Field("sublocation-type", 4, "aws", VPC),
    Field("sublocation-id", 4, "aws", VPC),
    Field("pkt-src-aws-service", 5, "aws", BOTH),
    Field("pkt-dst-aws-service", 5, "aws", BOTH),
    Field("flow-direction", 5, "aws", BOTH),
    Field("traffic-path", 5, "integer", VPC),
    Field("ecs-cluster-arn", 7, "aws", VPC),
    Field("ecs-cluster-name", 7, "aws", VPC),
    Field("ecs-container-instance-arn", 7, "aws", VPC),
    Field("ecs-container-instance-id", 7, "aws", VPC),
    Field("ecs-container-id", 7, "aws", VPC),
    Field("ecs-second-container-id", 7, "aws", VPC),
    Field("ecs-service-name", 7, "aws", VPC),
    Field("ecs-task-definition-arn", 7, "aws", VPC),
    Field("ecs-task-arn", 7, "aws", VPC),
    Field("ecs-task-id", 7, "aws", VPC),
    Field("reject-reason", 8, "aws", VPC),
    Field("resource-id", 9, "aws", VPC),
    Field("encryption-status", 10, "integer", VPC),
    Field("instance-tag", 11, "aws", VPC),
    Field("instance-tag-2", 11, "aws", VPC),
    Field("interface-tag", 11, "aws", VPC),
    Field("interface-tag-2", 11, "aws", VPC),
    Field("asg-tag", 11, "aws", VPC),
    Field("asg-tag-2", 11, "aws", VPC),
    Field("interface-type", 11, "aws", VPC),
    Field("next-hop-interface-id", 11, "aws", VPC),
    Field("next-hop-subnet-id", 11, "aws", VPC),
    Field("next-hop-az-id", 11, "aws", VPC),
    Field("next-hop-vpc-id", 11, "aws", VPC),
    Field("next-hop-interface-type", 11, "aws", VPC),
    Field("resource-type", 6, "aws", TGW),
    Field("tgw-id", 6, "aws", TGW),
    Field("tgw-attachment-id", 6, "aws", TGW),
    Field("tgw-src-vpc-account-id", 6, "aws", TGW),
    Field("tgw-dst-vpc-account-id", 6, "aws", TGW),
    Field("tgw-src-vpc-id", 6, "aws", TGW),
    Field("tgw-dst-vpc-id", 6, "aws", TGW),
    Field("tgw-src-subnet-id", 6, "aws", TGW),
    Field("tgw-dst-subnet-id", 6, "aws", TGW),
    Field("tgw-src-eni", 6, "aws", TGW),
    Field("tgw-dst-eni", 6, "aws", TGW),
    Field("tgw-src-az-id", 6, "aws", TGW),
    Field("tgw-dst-az-id", 6, "aws", TGW),
    Field("tgw-pair-attachment-id", 6, "aws", TGW),
    Field("packets-lost-no-route", 6, "integer", TGW),
    Field("packets-lost-blackhole", 6, "integer", TGW),
    Field("packets-lost-mtu-exceeded", 6, "integer", TGW),
    Field("packets-lost-ttl-expired", 6, "integer", TGW),
)

BY_NAME = {f.name: f for f in FIELDS}

VPC_DEFAULT = (
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
)
"""The default format of VPC flow logs: version 2, this order. Old answers without LogFormat mean this."""

TGW_DEFAULT = tuple(f.name for f in FIELDS if "transit-gateway" in f.kinds)
"""The fields of the default transit gateway format: all of them (a set here: the order comes from header or LogFormat)."""

UNKNOWABLE = ("tcp-flags", "encryption-status")
"""Fields whose `-` says "not known" rather than "does not apply": an invalid combination of flags; controls off."""

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "sctp": 132}
"""Names that a condition may use for IANA protocol numbers."""


def fields_of(kind: str) -> tuple[Field, ...]:
    """The fields that logs of a kind can have."""
    return tuple(f for f in FIELDS if kind in f.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogObject:
    """One log object where it lies, told from its key alone."""

    uri: str
    """s3://bucket/key, or the path of a local file as configured."""
    key: str
    """Key in the bucket, or path below the local directory: matches AWS's layout."""
    account_id: str
    """Owner of the flow log."""
    region: str
    """Region of the flow log."""
    flow_log_id: str
    """The flow log, which DescribeFlowLogs may no longer show."""
    slot: datetime
    """Start of its five minutes, UTC: it holds records that end in them."""
    size: int
    """Bytes as stored."""
    etag: str = ""
    """ETag, for S3."""
    version_id: str = ""
    """Version, where the bucket keeps them."""
    last_modified: datetime | None = None
    """When it was written, for S3."""
    carrier: str = "aws-key"
    """aws-key: named as AWS names log objects, with a header or in Parquet; lines: records without a header."""
    formats: tuple[str, ...] = ()
    """For lines: the LogFormats that they may have."""
    flow_log_ids: tuple[str, ...] = ()
    """For lines: the flow log of each of the formats."""

    @property
    def filename(self) -> str:
        """Last part of the key."""
        return self.key.rsplit("/", 1)[-1]
