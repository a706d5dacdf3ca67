"""What one account has in one region: every listing, every page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from auditkit.model.inventory import GLOBAL, Call
from auditkit.scan.calls import refused, stamp
from auditkit.scan.doors import Doors
from auditkit.scan.found import log_groups, prefix_lists

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
    "DescribeVpcEndpoints": "VpcEndpoints",
    "DescribeVpcPeeringConnections": "VpcPeeringConnections",
    "DescribeRouteTables": "RouteTables",
    "DescribeNetworkAcls": "NetworkAcls",
    "DescribeManagedPrefixLists": "PrefixLists",
    "DescribeVpcBlockPublicAccessOptions": "VpcBlockPublicAccessOptions",
    "DescribeVpcBlockPublicAccessExclusions": "VpcBlockPublicAccessExclusions",
    "DescribeVpcEncryptionControls": "VpcEncryptionControls",
}
"""Operation of ec2 → the member of its answer. As many calls for one resource as for all of a page."""

EVENTS = ("CreateFlowLogs", "DeleteFlowLogs")
"""CloudTrail's events that tell since when there is a flow log, and of those that are gone."""

_PARAMS: dict[str, dict[str, Any]] = {
    # Interfaces that AWS hides because it manages them are loggable too.
    "DescribeNetworkInterfaces": {"IncludeManagedResources": True},
    # Paged, but botocore has no paginator for them that would say so.
    "DescribeVpcBlockPublicAccessExclusions": {"MaxResults": 1000},
    "DescribeVpcEncryptionControls": {"MaxResults": 1000},
}
_ENABLED = ("opted-in", "opt-in-not-required")

_NO_GROUP = ("ResourceNotFoundException",)
"""The answer of CloudWatch Logs that there is no such log group: a flow log makes it with its first record."""

Question = Callable[[], list[Call]]


def regions(doors: Doors, account_id: str) -> list[Call]:
    """Ask which regions there are, and which of them an account has enabled.

    An account may be kept out of the first region by policy: then the answer of another counts.
    """
    calls: list[Call] = []
    for region in dict.fromkeys((doors.home, *doors.always)):
        line = doors.line(account_id, "ec2", region).about(account_id, GLOBAL)
        calls = line.ask("DescribeRegions", needs="Regions", AllRegions=True)
        if not refused(calls):
            break
    return calls


def enabled(calls: list[Call]) -> list[str]:
    """Return the regions that the account has enabled, sorted; none where that was not answered."""
    rows = [row for call in calls if call.answer for row in call.answer["Regions"]]
    return sorted(row["RegionName"] for row in rows if row.get("OptInStatus", _ENABLED[0]) in _ENABLED)


class Place:
    """One account's region. All its questions to a service share a client, and so the pace at which AWS answers."""

    def __init__(
        self,
        doors: Doors,
        account_id: str,
        region: str,
        events_from: datetime | None,
        named_lists: tuple[str, ...] = (),
    ) -> None:
        self.account_id = account_id
        self.region = region
        self._doors = doors
        self._ec2 = doors.line(account_id, "ec2", region)
        self._logs = doors.line(account_id, "logs", region)
        self._events_from = events_from
        self._named_lists = named_lists

    def listings(self) -> list[Question]:
        """Return the questions, to be asked in any order or at the same time."""
        listings: list[Question] = [
            partial(self._ec2.ask, operation, needs=key, **self._params(operation)) for operation, key in LISTS.items()
        ]
        return listings if self._events_from is None else [*listings, partial(self._events, self._events_from)]

    def further(self, listed: list[Call]) -> list[Question]:
        """Return the questions that the answers to the listings raise."""
        groups = sorted(log_groups(listed))
        about_groups: list[Question] = [partial(self._logs.ask, "DescribeLogGroups", needs="logGroups")]
        return [
            *(about_groups if groups else ()),
            *(partial(self._streams, group) for group in groups),
            *(partial(self._entries, one) for one in prefix_lists(listed, self._named_lists)),
        ]

    def whole(self, calls: list[Call]) -> bool:
        """Tell whether calls kept from an earlier scan answer every question: what was refused is asked again."""
        asked = {call.operation for call in calls if call.service == "ec2"}
        events = {call.resource for call in calls if call.operation == "LookupEvents"}
        needed = set() if self._events_from is None else set(EVENTS)
        unread = any(call.error and call.error["code"] not in _NO_GROUP for call in calls)
        return not unread and asked.issuperset(LISTS) and events >= needed

    def _params(self, operation: str) -> dict[str, Any]:
        given = _PARAMS.get(operation, {})
        # Older botocore cannot ask for everything.
        return {name: value for name, value in given.items() if self._doors.accepts("ec2", operation, name)}

    def _streams(self, group: str) -> list[Call]:
        """Ask for the streams written to last: one page tells when the latest record came."""
        return self._logs.ask(
            "DescribeLogStreams",
            resource=group,
            needs="logStreams",
            all_pages=False,
            logGroupName=group,
            orderBy="LastEventTime",
            descending=True,
            limit=50,
        )

    def _entries(self, prefix_list: str) -> list[Call]:
        return self._ec2.ask(
            "GetManagedPrefixListEntries", resource=prefix_list, needs="Entries", PrefixListId=prefix_list
        )

    def _events(self, start: datetime) -> list[Call]:
        """Ask what happened to flow logs; one after the other, as CloudTrail answers two requests a second."""
        trail = self._doors.line(self.account_id, "cloudtrail", self.region)
        end = self._doors.now()
        calls: list[Call] = []
        for name in EVENTS:
            calls += trail.ask(
                "LookupEvents",
                resource=name,
                needs="Events",
                asked={"StartTime": stamp(start), "EndTime": stamp(end)},
                LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
                StartTime=start,
                EndTime=end,
            )
        return calls
