"""A bucket of the approved name that is proven to be another account's is not the approved one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auditkit.config.schema import Baseline
from auditkit.coverage import judge
from auditkit.model.flow_logs import Approved, Destination, FlowLog
from auditkit.model.inventory import Account, Inventory, Vpc

OURS, THEIRS, REGION = "111122223333", "999988887777", "eu-west-1"
NOW = datetime(2026, 10, 1, tzinfo=UTC)


def state(owner: str | None, expected: str) -> str:
    """The state of a VPC whose one flow log writes to a bucket of this owner, where that account is expected."""
    log = FlowLog(
        flow_log_id="fl-1", account_id=OURS, region=REGION, resource_id="vpc-1", kind="vpc", traffic_type="ALL", flow_log_status="ACTIVE",
        log_destination_type="s3", log_destination="s3://central/logs", bucket="central", prefix="logs", fields=(), flow_log_tags={}, delivers=True,
    )  # fmt: skip
    there = Destination(
        log_destination="s3://central/logs", log_destination_type="s3", account_id=OURS, region=REGION, owner_account_id=owner
    )  # fmt: skip
    inventory = Inventory(
        as_of=NOW, accounts=(Account(account_id=OURS, name="", status="in_scope", account_tags={}),), regions={OURS: (REGION,)},
        vpcs=(Vpc(vpc_id="vpc-1", vpc_arn="", account_id=OURS, region=REGION, cidr_blocks=(), vpc_tags={}, seen_from=(OURS,)),),
        flow_logs=(log,), destinations=(there,),
    )  # fmt: skip
    approved = {"central": Approved("central", "s3", bucket="central", account=expected)}
    (row,) = judge(inventory, [Baseline("default", destinations=("central",))], approved, (NOW, NOW))
    return row.state


@pytest.mark.parametrize(
    ("owner", "expected", "told"),
    [
        (OURS, OURS, "complete"),
        (THEIRS, OURS, "misdirected"),
        (None, OURS, "complete"),
        (THEIRS, "", "complete"),
    ],
)
def test_the_proven_owner_decides_where_one_is_expected(owner: str | None, expected: str, told: str) -> None:
    """What is not proven, or not expected, changes nothing."""
    assert state(owner, expected) == told
