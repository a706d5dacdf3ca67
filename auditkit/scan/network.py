"""What one account has in one region: every listing, every page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from auditkit.model.inventory import GLOBAL, Call
from auditkit.scan.calls import Line, refused
from auditkit.scan.doors import Doors

LISTS = {
    "DescribeVpcs": "Vpcs",
    "DescribeSubnets": "Subnets",
    "DescribeNetworkInterfaces": "NetworkInterfaces",
    "DescribeTransitGateways": "TransitGateways",
    "DescribeTransitGatewayAttachments": "TransitGatewayAttachments",
    "DescribeTransitGatewayConnects": "TransitGatewayConnects",
    "DescribeNatGateways": "NatGateways",
    "DescribeFlowLogs": "FlowLogs",
    "DescribeSecurityGroups": "SecurityGroups",
}
"""Operation of ec2 → the list in its answer. As many calls for one resource as for all of a page."""

_BUCKET = re.compile(r"arn:[^:]+:s3:::([^/]+)(?:/.*)?")
_ENABLED = ("opted-in", "opt-in-not-required")


def regions(doors: Doors, account_id: str) -> tuple[list[str], list[Call]]:
    """Ask which regions an account has enabled, sorted; none where that cannot be known.

    An account may be kept out of the first region by policy: then the answer of another counts.
    """
    calls: list[Call] = []
    for region in dict.fromkeys((doors.home, *doors.always)):
        line = doors.line(account_id, "ec2", region).about(account_id, GLOBAL)
        calls = line.ask("DescribeRegions", needs="Regions")
        if not refused(calls):
            break
    rows = [row for call in calls if call.answer for row in call.answer["Regions"]]
    return sorted(row["RegionName"] for row in rows if row.get("OptInStatus", _ENABLED[0]) in _ENABLED), calls


def listings(doors: Doors, account_id: str, region: str) -> list[Callable[[], list[Call]]]:
    """Return the questions about an account's region, to be asked in any order or at the same time."""
    ec2 = doors.line(account_id, "ec2", region)
    logs = doors.line(account_id, "logs", region)
    return [partial(_listing, ec2, logs, operation, _params(doors, operation)) for operation in LISTS]


def _listing(ec2: Line, logs: Line, operation: str, params: dict[str, Any]) -> list[Call]:
    calls = ec2.ask(operation, needs=LISTS[operation], **params)
    if operation == "DescribeFlowLogs" and any(_to_log_group(flow_log) for flow_log in flow_logs(calls)):
        calls += logs.ask("DescribeLogGroups", needs="logGroups")
    return calls


def _params(doors: Doors, operation: str) -> dict[str, Any]:
    # Interfaces that AWS hides because it manages them are loggable too; older botocore cannot ask for them.
    managed = operation == "DescribeNetworkInterfaces" and doors.accepts("ec2", operation, "IncludeManagedResources")
    return {"IncludeManagedResources": True} if managed else {}


def flow_logs(calls: Iterable[Call]) -> list[dict[str, Any]]:
    """Return the flow logs that were answered."""
    return [
        row for call in calls if call.operation == "DescribeFlowLogs" and call.answer for row in call.answer["FlowLogs"]
    ]


def buckets(calls: Iterable[Call]) -> set[str]:
    """Return the buckets that flow logs write to."""
    found = (_BUCKET.fullmatch(row.get("LogDestination") or "") for row in flow_logs(calls))
    return {match[1] for match in found if match}


def _to_log_group(row: dict[str, Any]) -> bool:
    # Answers of old flow logs have no type, and name their group only here.
    kind = row.get("LogDestinationType") or ("cloud-watch-logs" if row.get("LogGroupName") else "")
    return bool(kind == "cloud-watch-logs")
