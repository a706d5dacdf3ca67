"""Answers that tell of arrival and of the past: the newest log streams, and the event history of CloudTrail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from auditkit.example.accounts import IN_SCOPE, LAKE, REFUSED, REFUSING, REGIONS, US
from auditkit.example.ids import AS_OF, START, digest, iso, uuid
from auditkit.example.logs import observers
from auditkit.example.things import Estate, FlowLog

Answer = dict[str, Any]
Line = tuple[str, str, str, str, str, int, Answer | tuple[str, str], dict[str, str] | None]
"""service, operation, account, region, resource, page, the answer or the error's code and message, and what was asked."""

SILENT = {"tgw-lake-us": datetime(2026, 9, 29, 14, 2, tzinfo=UTC)}
"""Flow log → its last event: AWS says SUCCESS to this day, and nothing came any more."""
BLIND = {(LAKE, US)}
"""Places whose event history may not be read."""
NEWEST = 50
"""Streams of a page."""


def streams_and_events(estate: Estate) -> Iterator[Line]:
    """DescribeLogStreams of each log group in use, and LookupEvents of every account and region."""
    for account in IN_SCOPE:
        for region in REGIONS if account not in REFUSING else ():
            if (account, region, "DescribeFlowLogs") not in REFUSED:
                yield from _streams(estate, account, region)
            yield from _events(estate, account, region)


def _streams(estate: Estate, account: str, region: str) -> Iterator[Line]:
    groups: dict[str, list[FlowLog]] = {}
    for log in estate.flow_logs.values():
        if log.plan.log_group and (log.account, log.region) == (account, region):
            groups.setdefault(log.plan.log_group, []).append(log)
    for name, writers in sorted(groups.items()):
        found = {s["logStreamName"]: s for log in writers if log.plan.status == "SUCCESS" for s in _of(estate, log)}
        newest = sorted(found.values(), key=lambda s: (-s["lastEventTimestamp"], s["logStreamName"]))
        answer: Answer = {"logStreams": newest[:NEWEST]}
        if len(newest) > NEWEST:
            answer["nextToken"] = "page-2"
        yield "logs", "DescribeLogStreams", account, region, name, 1, answer, None


def _of(estate: Estate, log: FlowLog) -> Iterator[Answer]:
    """One stream for each interface; for a transit gateway one of its own."""
    transit = log.resource_id.startswith("tgw-")
    for unit in [log.resource_id] if transit else [unit for unit, _ in observers(estate, log)]:
        name = unit if transit else f"{unit}-{log.plan.traffic.lower()}"
        last = SILENT.get(log.name) or AS_OF - timedelta(seconds=300 + int(digest("event", name), 16) % 900)
        first = datetime.fromisoformat(log.plan.created) + timedelta(minutes=11)
        yield {
            "logStreamName": name,
            "creationTime": _milliseconds(first),
            "firstEventTimestamp": _milliseconds(first),
            "lastEventTimestamp": _milliseconds(last),
            "lastIngestionTime": _milliseconds(last + timedelta(seconds=97)),
            "arn": f"arn:aws:logs:{log.region}:{log.account}:log-group:{log.plan.log_group}:log-stream:{name}",
            "storedBytes": 0,
        }


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000


def _events(estate: Estate, account: str, region: str) -> Iterator[Line]:
    asked = {"StartTime": iso(START), "EndTime": iso(AS_OF)}
    role = f"arn:aws:sts::{account}:assumed-role/AuditkitRead/auditkit"
    for name in ("CreateFlowLogs", "DeleteFlowLogs"):
        answer: Answer | tuple[str, str] = {"Events": []}
        if (account, region) in BLIND:
            answer = "AccessDeniedException", f"User: {role} is not authorized to perform: cloudtrail:LookupEvents"
        else:
            logs = (log for log in estate.flow_logs.values() if (log.account, log.region) == (account, region))
            moments = ((log, log.plan.created if name == "CreateFlowLogs" else log.plan.deleted) for log in logs)
            answer = {"Events": [_event(name, log, moment) for log, moment in moments if moment >= iso(START)]}
        yield "cloudtrail", "LookupEvents", account, region, name, 1, answer, asked


def _event(name: str, log: FlowLog, moment: str) -> Answer:
    """One event as LookupEvents gives it, the record itself as text."""
    who = {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{log.account}:assumed-role/Network/jo",
        "accountId": log.account,
    }
    if name == "CreateFlowLogs":
        request: Answer = {
            "ResourceType": "VPC",
            "TrafficType": log.plan.traffic,
            "ResourceId": {"tag": 1, "content": log.resource_id},
        }
        response: Answer = {"flowLogIdSet": {"item": log.id}, "unsuccessful": ""}
    else:
        request, response = {"FlowLogId": {"tag": 1, "content": log.id}}, {"unsuccessful": ""}
    record = {
        "eventVersion": "1.10",
        "userIdentity": who,
        "eventTime": moment,
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": log.region,
        "requestParameters": {f"{name}Request": request},
        "responseElements": {f"{name}Response": response},
        "eventID": uuid(f"{name} {log.id}"),
        "recipientAccountId": log.account,
    }
    return {
        "EventId": uuid(f"{name} {log.id}"),
        "EventName": name,
        "EventTime": moment,
        "EventSource": "ec2.amazonaws.com",
        "Username": "jo",
        "ReadOnly": "false",
        "Resources": [{"ResourceType": "AWS::EC2::FlowLog", "ResourceName": log.id}],
        "CloudTrailEvent": json.dumps(record, separators=(",", ":"), sort_keys=True),
    }
