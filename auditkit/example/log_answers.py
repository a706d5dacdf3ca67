"""Answers about flow logs and the log groups that they write to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditkit.example.accounts import REFUSED
from auditkit.example.key_answers import key_of_groups
from auditkit.example.network_answers import tags
from auditkit.example.role_answers import role_of
from auditkit.example.things import Estate, FlowLog

Answer = dict[str, Any]


def flow_logs(estate: Estate, account: str, region: str) -> tuple[str, Iterator[Answer]]:
    """DescribeFlowLogs: those the account created and has not deleted."""
    return "FlowLogs", (
        _flow_log(f)
        for f in estate.flow_logs.values()
        if (f.account, f.region) == (account, region) and not f.plan.deleted
    )


def _flow_log(log: FlowLog) -> Answer:
    plan = log.plan
    answer: Answer = {
        "FlowLogId": log.id,
        "ResourceId": log.resource_id,
        "FlowLogStatus": "ACTIVE",
        "CreationTime": plan.created,
        "MaxAggregationInterval": plan.interval,
        "LogFormat": " ".join(f"${{{name}}}" for name in plan.fields.split()),
        "Tags": tags({"Name": log.name}),
    }
    if not log.resource_id.startswith("tgw-"):  # transit gateway flow logs have no traffic type
        answer["TrafficType"] = plan.traffic
    if plan.status:
        answer["DeliverLogsStatus"] = plan.status
    if plan.error:
        answer["DeliverLogsErrorMessage"] = plan.error
    if plan.log_group:
        role = {"DeliverLogsPermissionArn": f"arn:aws:iam::{log.account}:role/{role_of(log)}"}
        arn = f"arn:aws:logs:{log.region}:{log.account}:log-group:{plan.log_group}"
        return (
            answer
            | role
            | {"LogDestinationType": "cloud-watch-logs", "LogDestination": arn, "LogGroupName": plan.log_group}
        )
    options = {"FileFormat": "plain-text", "HiveCompatiblePartitions": False, "PerHourPartition": False}
    return answer | {
        "LogDestinationType": "s3",
        "LogDestination": f"arn:aws:s3:::{plan.to}",
        "DestinationOptions": options,
    }


def log_groups(estate: Estate, account: str, region: str) -> list[Answer]:
    """DescribeLogGroups, where some flow log of the account and region writes to one."""
    if (account, region, "DescribeFlowLogs") in REFUSED:
        return []
    used = {
        f.plan.log_group
        for f in estate.flow_logs.values()
        if (f.account, f.region) == (account, region) and f.plan.log_group
    }
    return [
        {
            "logGroupName": name,
            "arn": f"arn:aws:logs:{region}:{account}:log-group:{name}:*",
            "logGroupArn": f"arn:aws:logs:{region}:{account}:log-group:{name}",
            "creationTime": 1710148814000,
            "metricFilterCount": 0,
            "storedBytes": 48_230_117,
            "logGroupClass": "STANDARD",
            **(
                {"retentionInDays": 14}
                if name.startswith("/scratch")
                else {
                    "retentionInDays": 400,
                    "kmsKeyId": key_of_groups(account, region),
                }
            ),
        }
        for name in sorted(used)
    ]
