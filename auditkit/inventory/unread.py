"""What could not be read: refused calls, half listings, listings that are not there at all.

The absence of a listing must never look like an empty listing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from auditkit.model.inventory import Call, Unread

LISTINGS = {
    "ec2:DescribeVpcs": "vpcs",
    "ec2:DescribeSubnets": "subnets",
    "ec2:DescribeNetworkInterfaces": "network_interfaces",
    "ec2:DescribeTransitGateways": "transit_gateways",
    "ec2:DescribeTransitGatewayAttachments": "transit_gateway_attachments",
    "ec2:DescribeTransitGatewayConnects": "transit_gateway_attachments",
    "ec2:DescribeNatGateways": "nat_gateways",
    "ec2:DescribeFlowLogs": "flow_logs",
    "ec2:DescribeSecurityGroups": "security_groups",
    "ec2:DescribeVpcEndpoints": "vpc_endpoints",
    "ec2:DescribeVpcPeeringConnections": "vpc_peering_connections",
    "ec2:DescribeRouteTables": "routes",
    "ec2:DescribeNetworkAcls": "network_acl_entries",
    "ec2:DescribeManagedPrefixLists": "prefix_lists",
    "ec2:DescribeVpcBlockPublicAccessOptions": "block_public_access",
    "ec2:DescribeVpcBlockPublicAccessExclusions": "block_public_access",
    "ec2:DescribeVpcEncryptionControls": "encryption_controls",
}
"""Call that every account and region in scope must have answered → the table it fills."""

OTHERS = {
    "ec2:GetManagedPrefixListEntries": "prefix_lists",
    "logs:DescribeLogGroups": "destinations",
    "logs:DescribeLogStreams": "delivery",
    "cloudtrail:LookupEvents": "delivery",
    "s3:GetObject": "flow_records",
    "s3:ListObjectsV2": "delivery",
    "organizations:ListAccounts": "accounts",
    "organizations:DescribeOrganization": "accounts",
    "organizations:ListTagsForResource": "accounts",
    "sts:GetCallerIdentity": "accounts",
    "sts:AssumeRole": "*",
    "ec2:DescribeRegions": "*",
}
"""Other calls → the table they fill."""

_OF_SERVICE = {
    "s3": "destinations",
    "s3control": "destinations",
    "kms": "destinations",
    "firehose": "destinations",
    "iam": "flow_logs_roles",
}
"""Service → the table that any of its calls fills."""

FIRST_PAGE = frozenset({"logs:DescribeLogStreams"})
"""Calls of which the first page is all that is asked: a token for the next means no lack."""

NOT_CONFIGURED = frozenset(
    {
        "ServerSideEncryptionConfigurationNotFoundError",
        "ObjectLockConfigurationNotFoundError",
        "NoSuchPublicAccessBlockConfiguration",
        "NoSuchLifecycleConfiguration",
        "NoSuchBucketPolicy",
        "OwnershipControlsNotFoundError",
    }
)
"""Errors by which S3 answers that a bucket lacks a setting."""

NO_BUCKET = frozenset({"NoSuchBucket", "404", "NotFound"})
"""Errors by which S3 answers that there is no such bucket; HeadBucket has no body, so only the HTTP status."""

_NO_GROUP = "ResourceNotFoundException"
_ABSENT = {
    "kms": frozenset({"NotFoundException"}),
    "firehose": frozenset({"ResourceNotFoundException"}),
    "iam": frozenset({"NoSuchEntity", "NoSuchEntityException"}),
}
"""Service → errors by which it answers that there is no such key, stream, role or policy."""
_NO_ORGANIZATION = "AWSOrganizationsNotInUseException"
MISSING = "not in the snapshot"


def table_of(call: str) -> str:
    """Return the table that a call fills; of a call that nothing here reads, its own name."""
    if call in LISTINGS:
        return LISTINGS[call]
    return OTHERS.get(call) or _OF_SERVICE.get(call.partition(":")[0], call)


def is_answer(call: Call) -> bool:
    """Tell whether an error is AWS's way of answering: no such setting, bucket, log group, key, or role."""
    code = (call.error or {}).get("code", "")
    if call.service in ("s3", "s3control"):
        return code in NOT_CONFIGURED or (call.service == "s3" and code in NO_BUCKET)
    if call.service in _ABSENT:
        return code in _ABSENT[call.service]
    if call.name == "logs:DescribeLogStreams":
        return code == _NO_GROUP
    return call.service == "organizations" and code == _NO_ORGANIZATION


def unread(call: Call, error: str) -> Unread:
    """Say that a call told nothing, or not all."""
    everywhere = call.name in ("sts:AssumeRole", "ec2:DescribeRegions")
    for_all = call.name in ("organizations:ListAccounts", "organizations:DescribeOrganization", "sts:GetCallerIdentity")
    return Unread(
        account_id="*" if for_all else call.account_id,
        region="*" if everywhere else call.region,
        table=table_of(call.name),
        resource="" if everywhere or for_all else call.resource,
        call=call.name,
        error=error,
    )


def refused(call: Call) -> Unread:
    """Say that AWS refused a call."""
    error = call.error or {}
    return unread(call, f"{error.get('code', '')}: {error.get('message', '')}")


def damage(call: Any) -> str:  # a Call in form; what it holds came from a file
    """Say what is wrong with a line of a snapshot as such, or return nothing."""
    for key in ("service", "operation", "account_id", "region", "resource", "at"):
        if not isinstance(getattr(call, key), str):
            return f"{key} is not text"
    if isinstance(call.page, bool) or not isinstance(call.page, int):
        return "page is not a number"
    for key in ("asked", "error"):
        value = getattr(call, key)
        if value is not None and not (isinstance(value, dict) and all(isinstance(one, str) for one in value.values())):
            return f"{key} is not a mapping of texts"
    if call.error is not None:
        return ""
    return "" if isinstance(call.answer, dict) else "neither an answer nor an error"


def damaged(call: Any, wrong: str) -> Unread:
    """Say that a line cannot be read: where it does not even tell of whom, nothing is certain any more."""
    known = {key: value for key in ("account_id", "region") if isinstance(value := getattr(call, key), str) and value}
    named = isinstance(call.service, str) and isinstance(call.operation, str)
    return Unread(
        account_id=known.get("account_id", "*"),
        region=known.get("region", "*") if named else "*",
        table=table_of(call.name) if named else "*",
        resource=call.resource if isinstance(call.resource, str) else "",
        call=call.name if named else "?",
        error=f"the snapshot is damaged: {wrong}",
    )


@dataclass(slots=True)
class _Pages:
    sample: Call
    whole: set[int] = field(default_factory=set)
    followed: set[int] = field(default_factory=set)
    failed: bool = False


Key = tuple[str, str, str, str]


class Listings:
    """Which listings the snapshot holds, and whether to their end."""

    def __init__(self) -> None:
        self._pages: dict[Key, _Pages] = {}

    def note(self, call: Call, *, failed: bool = False) -> None:
        """Take note of one page, answered or not."""
        key = (call.name, call.account_id, call.region, call.resource)
        pages = self._pages.setdefault(key, _Pages(call))
        pages.failed |= failed
        answer = call.answer or {}
        more = bool(answer.get("NextToken") or answer.get("nextToken")) and call.name not in FIRST_PAGE
        (pages.followed if more else pages.whole).add(call.page)

    def has(self, name: str, account_id: str, region: str) -> bool:
        """Tell whether there is anything of a listing, be it a refusal."""
        return (name, account_id, region, "") in self._pages

    def complete(self, name: str, account_id: str, region: str, resource: str = "") -> bool:
        """Tell whether every page is there, and every page was read."""
        pages = self._pages.get((name, account_id, region, resource))
        return pages is not None and not pages.failed and not _torn(pages)

    def anywhere(self, name: str) -> bool:
        """Tell whether some account was answered a call whole, which answers the same to all."""
        return any(key[0] == name and not pages.failed and not _torn(pages) for key, pages in self._pages.items())

    def unread(self) -> Iterator[Unread]:
        """Every listing that begins, but lacks a page: a snapshot cut short."""
        for pages in self._pages.values():
            if not pages.failed and (wrong := _torn(pages)):
                yield unread(pages.sample, wrong)

    def missing(self, regions: dict[str, tuple[str, ...]], unreadable: Iterable[str]) -> Iterator[Unread]:
        """Every listing that was to be made, and is not there.

        Args:
            regions: account in scope → regions asked.
            unreadable: accounts of which it is said already that nothing could be read.
        """
        for account_id in sorted(regions.keys() - set(unreadable)):
            if not regions[account_id]:
                yield Unread(account_id=account_id, region="*", table="*", call="ec2:DescribeRegions", error=MISSING)
            for region in regions[account_id]:
                for name, table in LISTINGS.items():
                    if not self.has(name, account_id, region):
                        yield Unread(account_id=account_id, region=region, table=table, call=name, error=MISSING)


def _torn(pages: _Pages) -> str:
    last = max(pages.whole | pages.followed)
    if len(pages.whole | pages.followed) != last or min(pages.whole | pages.followed) != 1:
        return f"the snapshot lacks pages: {len(pages.whole | pages.followed)} of {last} are there"
    return "" if last in pages.whole else f"the snapshot ends at page {last}, which AWS said is not the last"


def about_log_groups(missed: Iterable[Unread], groups: Iterable[tuple[str, str, str]]) -> Iterator[Unread]:
    """Name the log groups in use that a failed DescribeLogGroups leaves unknown, so that it touches nothing else.

    Args:
        missed: what could not be read.
        groups: account, region and name of the log groups in use.
    """
    names: dict[tuple[str, str], list[str]] = {}
    for account_id, region, name in groups:
        names.setdefault((account_id, region), []).append(name)
    for one in missed:
        if one.call != "logs:DescribeLogGroups" or one.resource:
            yield one
        else:
            for name in names.get((one.account_id, one.region), ["*"]):
                yield replace(one, resource=name)
