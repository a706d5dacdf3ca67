"""Flow logs: what DescribeFlowLogs says of format, interval and destination.

Old answers lack newer keys; each absence has the meaning that it had then (API reference, FlowLog): no LogFormat is the
default format, no LogDestinationType is CloudWatch Logs, no MaxAggregationInterval is ten minutes.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from auditkit.inventory.answers import Malformed, Row, flag, integer, moment, part, required, tags, text
from auditkit.model.flow_logs import FlowLog
from auditkit.model.inventory import Call
from auditkit.model.records import TGW_DEFAULT, VPC_DEFAULT

_BUCKET = re.compile(r"arn:[^:]*:s3:[^:]*:[^:]*:([^/]+)(/.*)?", re.DOTALL)
_LOG_GROUP = re.compile(r"arn:[^:]*:logs:([^:]*):([^:]*):log-group:([^:]+)(?::.*)?", re.DOTALL)
_STREAM = re.compile(r"arn:[^:]*:firehose:[^:]*:[^:]*:deliverystream/(.+)", re.DOTALL)
_TYPES = ((_BUCKET, "s3"), (_STREAM, "kinesis-data-firehose"), (_LOG_GROUP, "cloud-watch-logs"))
_LONGEST = 600
_TRAFFIC = ("ALL", "ACCEPT", "REJECT")


class Target(NamedTuple):
    """Where a flow log writes."""

    type: str
    """s3, cloud-watch-logs, kinesis-data-firehose, or what AWS answered."""
    canonical: str
    """One spelling for one destination; as answered where it is none of the three kinds; empty where AWS told none."""
    bucket: str = ""
    """Bucket."""
    prefix: str = ""
    """Prefix in the bucket, without slashes at its ends."""
    log_group: str = ""
    """Name of the log group."""
    delivery_stream: str = ""
    """Name of the stream."""


def target(type_: str, arn: str, group: str, account_id: str, region: str) -> Target:
    """Tell where a flow log writes.

    The canonical forms: `s3://bucket/prefix` (`s3://bucket` without prefix), `log-group:ACCOUNT:REGION:NAME`, and for
    Firehose the ARN of the stream as it stands.

    Args:
        type_: LogDestinationType, or empty.
        arn: LogDestination, or empty.
        group: LogGroupName, or empty: what old answers have instead of a destination.
        account_id: of the flow log: its log group is there unless the ARN says otherwise.
        region: of the flow log.
    """
    kind = type_ or next((name for pattern, name in _TYPES if pattern.fullmatch(arn)), "cloud-watch-logs")
    if kind == "s3" and (bucket := _BUCKET.fullmatch(arn)):
        prefix = (bucket[2] or "").strip("/")
        return Target(kind, f"s3://{bucket[1]}/{prefix}".rstrip("/"), bucket=bucket[1], prefix=prefix)
    if kind == "kinesis-data-firehose" and (stream := _STREAM.fullmatch(arn)):
        return Target(kind, arn, delivery_stream=stream[1])
    if kind == "cloud-watch-logs":
        told = _LOG_GROUP.fullmatch(arn)
        name = told[3] if told else group
        if name:
            where = (told[2] or account_id, told[1] or region) if told else (account_id, region)
            return Target(kind, f"log-group:{where[0]}:{where[1]}:{name}", log_group=name)
    return Target(kind, arn)


def log_fields(log_format: str, kind: str) -> tuple[str, ...]:
    """Return the field names of a LogFormat, in its order; those of the default format where it is empty."""
    names = tuple(word.removeprefix("${").removesuffix("}") for word in log_format.split())
    return names or (TGW_DEFAULT if kind == "transit-gateway" else VPC_DEFAULT)


def _interval(row: Row, kind: str) -> int:
    """Seconds, 60 or 600 as AWS has it: by a longer one, or none, every silence would be in order."""
    seconds = integer(row, "MaxAggregationInterval", 60 if kind == "transit-gateway" else _LONGEST)
    if not 0 < seconds <= _LONGEST:
        raise Malformed(f"MaxAggregationInterval is {seconds}")
    return seconds


def flow_log(row: Row, call: Call, as_of: datetime) -> FlowLog:
    """Read one flow log; it belongs to the account whose listing shows it."""
    resource_id = text(row, "ResourceId")
    kind = "transit-gateway" if resource_id.startswith("tgw-") else "vpc"
    traffic = text(row, "TrafficType")
    options = part(row, "DestinationOptions")
    where = target(
        text(row, "LogDestinationType"),
        text(row, "LogDestination"),
        text(row, "LogGroupName"),
        call.account_id,
        call.region,
    )
    return FlowLog(
        flow_log_id=required(row, "FlowLogId"),
        account_id=call.account_id,
        region=call.region,
        resource_id=resource_id,
        kind=kind,
        # A transit gateway's log has no type of traffic: it holds everything.
        traffic_type="ALL" if kind == "transit-gateway" else traffic if traffic in _TRAFFIC else None,
        flow_log_status=text(row, "FlowLogStatus"),
        deliver_logs_status=text(row, "DeliverLogsStatus"),
        deliver_logs_error_message=text(row, "DeliverLogsErrorMessage"),
        log_destination_type=where.type,
        log_destination=where.canonical,
        bucket=where.bucket,
        prefix=where.prefix,
        log_group=where.log_group,
        delivery_stream=where.delivery_stream,
        fields=log_fields(text(row, "LogFormat"), kind),
        max_aggregation_interval=_interval(row, kind),
        creation_time=moment(row, "CreationTime", as_of),
        file_format=text(options, "FileFormat") or "plain-text",
        hive_compatible_partitions=flag(options, "HiveCompatiblePartitions"),
        flow_log_tags=tags(row),
        deliver_logs_permission_arn=text(row, "DeliverLogsPermissionArn"),
        deliver_cross_account_role=text(row, "DeliverCrossAccountRole"),
    )
