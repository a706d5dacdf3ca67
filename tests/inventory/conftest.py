"""A small estate: one account, one region, every listing answered and empty unless a test fills it."""

from __future__ import annotations

from typing import Any

import pytest

from auditkit.inventory import read
from auditkit.model.inventory import Call

ACCOUNT = "111122223333"
REGION = "eu-central-1"
AS_OF = "2026-10-01T00:00:00Z"

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
NOTHING = {"VpcBlockPublicAccessOptions": {"State": "default-state", "InternetGatewayBlockMode": "off"}}
"""What an answer holds where there is nothing, if not an empty list."""


def call(operation: str, answer: Any = None, **more: Any) -> Call:
    """One page, answered at noon by EC2 unless said otherwise; `error` is a code."""
    if isinstance(more.get("error"), str):
        more["error"] = {"code": more["error"], "message": "told so"}
    defaults = {"service": "ec2", "account_id": ACCOUNT, "region": REGION, "at": "2026-09-30T12:00:00Z"}
    return Call(operation=operation, answer=answer, **(defaults | more))


def listings(account_id: str = ACCOUNT, region: str = REGION, **rows: Any) -> list[Call]:
    """Every listing of one account and region; `Vpcs=[...]` fills one."""
    return [
        call(op, {key: rows.get(key, NOTHING.get(key, []))}, account_id=account_id, region=region)
        for op, key in LISTS.items()
    ]


def meta(*accounts: str, arn: str = "arn:aws:sts::111122223333:assumed-role/audit/x", **scope: Any) -> dict[str, Any]:
    """snapshot.json of the accounts, each in one region."""
    asked = {"accounts": list(accounts), "regions": {one: [REGION] for one in accounts}}
    identity = {"account_id": ACCOUNT, "arn": arn, "endpoint": ""}
    return {"provenance": "collected", "as_of": AS_OF, "identity": identity, "scope": asked | scope}


@pytest.fixture
def aws():
    """The builders, for tests."""
    return type(
        "Aws",
        (),
        {
            "account": ACCOUNT,
            "region": REGION,
            "call": staticmethod(call),
            "listings": staticmethod(listings),
            "meta": staticmethod(meta),
        },
    )


@pytest.fixture
def inventory():
    """An inventory of one account whose listings hold the rows given: `inventory(Vpcs=[...])`."""

    def build(*more: Call, approved: dict[str, Any] | None = None, **rows: Any):
        return read(meta(ACCOUNT), [*listings(**rows), *more], approved or {})

    return build
