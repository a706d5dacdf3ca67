"""The estate → the pages that AWS would answer, as a snapshot keeps them. The shapes are botocore's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from auditkit.example import group_answers, guard_answers, log_answers, network_answers, path_answers, transit_answers
from auditkit.example.accounts import (
    ACCOUNT_TAGS,
    ACCOUNTS,
    EXCLUDED,
    IN_SCOPE,
    MANAGEMENT,
    REFUSED,
    REFUSING,
    REGIONS,
    SUSPENDED,
)
from auditkit.example.bucket_answers import ORGANIZATION_ID, buckets
from auditkit.example.ids import AS_OF, COLLECTING, iso, uuid
from auditkit.example.key_answers import keys
from auditkit.example.role_answers import roles
from auditkit.example.stream_answers import streams_and_events
from auditkit.example.things import Estate
from auditkit.model.inventory import GLOBAL, Call

AUDITOR = f"arn:aws:sts::{MANAGEMENT}:assumed-role/Auditor/example"
Answer = dict[str, Any]

OPERATIONS: dict[str, Callable[[Estate, str, str], tuple[str, Iterator[Answer]]]] = {
    "DescribeVpcs": network_answers.vpcs,
    "DescribeSubnets": network_answers.subnets,
    "DescribeNetworkInterfaces": network_answers.network_interfaces,
    "DescribeTransitGateways": transit_answers.transit_gateways,
    "DescribeTransitGatewayAttachments": transit_answers.transit_gateway_attachments,
    "DescribeTransitGatewayConnects": transit_answers.transit_gateway_connects,
    "DescribeNatGateways": transit_answers.nat_gateways,
    "DescribeFlowLogs": log_answers.flow_logs,
    "DescribeSecurityGroups": group_answers.security_groups,
    "DescribeVpcEndpoints": path_answers.vpc_endpoints,
    "DescribeVpcPeeringConnections": path_answers.vpc_peering_connections,
    "DescribeRouteTables": path_answers.route_tables,
    "DescribeNetworkAcls": guard_answers.network_acls,
    "DescribeManagedPrefixLists": path_answers.managed_prefix_lists,
    "DescribeVpcBlockPublicAccessExclusions": guard_answers.exclusions,
    "DescribeVpcEncryptionControls": guard_answers.encryption_controls,
}
"""Operation → the key of its list and the items, for one account and region."""


def meta() -> dict[str, Any]:
    """What snapshot.json says. `imported`: this was written by a program, nobody collected it."""
    return {
        "provenance": "imported",
        "started": iso(COLLECTING),
        "as_of": iso(AS_OF),
        "identity": {"account_id": MANAGEMENT, "arn": AUDITOR, "endpoint": "https://sts.aws.example"},
        "scope": {
            "accounts": list(IN_SCOPE),
            "regions": {account: [] if account in REFUSING else list(REGIONS) for account in IN_SCOPE},
            "excluded": [exclusion()],
        },
    }


def exclusion() -> dict[str, str]:
    """The account that is left out, and who said so."""
    return {
        "account": EXCLUDED,
        "reason": "sandbox: no production data, wiped every week",
        "owner": "platform",
        "approved_by": "ciso",
        "approved_on": "2026-03-02",
        "expires": "2027-03-01",
    }


def calls(estate: Estate) -> list[Call]:
    """Every call of the snapshot, numbered through the twenty minutes of collecting."""
    out = []
    network = ((*line, None) for line in (*_organization(), *_accounts(estate)))
    for at, (service, operation, account, region, resource, page, answer, asked) in enumerate(
        (*network, *buckets(), *keys(estate), *roles(estate), *streams_and_events(estate))
    ):
        refused = isinstance(answer, tuple)
        out.append(
            Call(
                service=service,
                operation=operation,
                account_id=account,
                region=region,
                resource=resource,
                asked=asked,
                page=page,
                at=iso(COLLECTING + timedelta(seconds=at)),
                endpoint=f"https://{service}.aws.example"
                if region == GLOBAL
                else f"https://{service}.{region}.aws.example",
                request_id=uuid(f"request {at}"),
                answer=None if isinstance(answer, tuple) else answer,
                error={"code": answer[0], "message": answer[1]} if refused else None,
            )
        )
    return out


Line = tuple[str, str, str, str, str, int, Answer | tuple[str, str]]
"""service, operation, account, region, resource, page, and the answer, or the error's code and message."""


def _organization() -> Iterator[Line]:
    yield (
        "sts",
        "GetCallerIdentity",
        MANAGEMENT,
        GLOBAL,
        "",
        1,
        {"UserId": "AROAEXAMPLEAUDITOR:example", "Account": MANAGEMENT, "Arn": AUDITOR},
    )
    yield (
        "organizations",
        "DescribeOrganization",
        MANAGEMENT,
        GLOBAL,
        "",
        1,
        {
            "Organization": {
                "Id": ORGANIZATION_ID,
                "Arn": f"arn:aws:organizations::{MANAGEMENT}:organization/o-exampleorgid",
                "FeatureSet": "ALL",
                "MasterAccountId": MANAGEMENT,
                "MasterAccountArn": f"arn:aws:organizations::{MANAGEMENT}:account/o-exampleorgid/{MANAGEMENT}",
                "MasterAccountEmail": "management@example.com",
            }
        },
    )
    listed = [_account(account, name) for account, name in ACCOUNTS.items()]
    yield "organizations", "ListAccounts", MANAGEMENT, GLOBAL, "", 1, {"Accounts": listed[:5], "NextToken": "page-2"}
    yield "organizations", "ListAccounts", MANAGEMENT, GLOBAL, "", 2, {"Accounts": listed[5:]}
    for account in IN_SCOPE:
        yield (
            "organizations",
            "ListTagsForResource",
            account,
            GLOBAL,
            account,
            1,
            {"Tags": network_answers.tags(ACCOUNT_TAGS[account])},
        )
    for account in IN_SCOPE:
        role = f"arn:aws:iam::{account}:role/AuditkitRead"
        denied = ("AccessDenied", f"User: {AUDITOR} is not authorized to perform: sts:AssumeRole on resource: {role}")
        user = {
            "AssumedRoleUser": {
                "AssumedRoleId": "AROAEXAMPLEREAD:auditkit",
                "Arn": f"arn:aws:sts::{account}:assumed-role/AuditkitRead/auditkit",
            }
        }
        yield "sts", "AssumeRole", account, GLOBAL, "", 1, denied if account in REFUSING else user


def _account(account: str, name: str) -> Answer:
    state = "SUSPENDED" if account == SUSPENDED else "ACTIVE"
    return {
        "Id": account,
        "Arn": f"arn:aws:organizations::{MANAGEMENT}:account/o-exampleorgid/{account}",
        "Email": f"{name}@example.com",
        "Name": name,
        "Status": state,
        "State": state,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": "2019-05-06T07:00:00Z",
    }


def _accounts(estate: Estate) -> Iterator[Line]:
    for account in IN_SCOPE:
        if account in REFUSING:
            continue
        regions = [
            {"Endpoint": f"ec2.{region}.amazonaws.com", "RegionName": region, "OptInStatus": "opt-in-not-required"}
            for region in REGIONS
        ]
        yield "ec2", "DescribeRegions", account, GLOBAL, "", 1, {"Regions": regions}
        for region in REGIONS:
            for operation, build in OPERATIONS.items():
                if (account, region, operation) in REFUSED:
                    role = f"arn:aws:sts::{account}:assumed-role/AuditkitRead/auditkit"
                    says = f"You are not authorized to perform this operation: ec2:{operation} as {role}"
                    yield "ec2", operation, account, region, "", 1, ("UnauthorizedOperation", says)
                    continue
                for page, answer in enumerate(_pages(*build(estate, account, region)), 1):
                    yield "ec2", operation, account, region, "", page, answer
            blocked = guard_answers.block_public_access(account, region)
            yield "ec2", "DescribeVpcBlockPublicAccessOptions", account, region, "", 1, blocked
            for prefix_list, entries in path_answers.prefix_list_entries(estate, account, region).items():
                yield "ec2", "GetManagedPrefixListEntries", account, region, prefix_list, 1, {"Entries": entries}
            groups = log_answers.log_groups(estate, account, region)
            if groups:
                yield "logs", "DescribeLogGroups", account, region, "", 1, {"logGroups": groups}


def _pages(key: str, items: Iterable[Answer], size: int = 100) -> Iterator[Answer]:
    """One page at least, with a token while more follow."""
    items = list(items)
    for at in range(0, max(len(items), 1), size):
        yield {
            key: items[at : at + size],
            **({"NextToken": f"page-{at // size + 2}"} if at + size < len(items) else {}),
        }
