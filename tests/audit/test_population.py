"""Whether an address that is nowhere found is none of ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from auditkit.audit.options import Narrowing
from auditkit.audit.population import whole
from auditkit.inventory.accounts import NOT_ASKED
from auditkit.model.inventory import Account, Inventory, Unread

ONE, TWO = "111122223333", "444455556666"
READ = Account(account_id=ONE, name="", status="in_scope", account_tags={})
ALL = Inventory(as_of=datetime(2026, 7, 11, tzinfo=UTC), accounts=(READ,), regions={ONE: ("eu-west-1",)})


@pytest.mark.parametrize(
    ("other", "right"),
    [
        (replace(READ, account_id=TWO, status="excluded", reason=NOT_ASKED), False),
        (replace(READ, account_id=TWO, status="excluded", reason="sandbox", excluded_by="ciso"), True),
        (replace(READ, account_id=TWO, status="suspended", reason="Organizations says SUSPENDED"), True),
        (replace(READ, account_id=TWO), False),
    ],
    ids=["not asked for", "excluded by decision", "suspended", "in scope, its regions not known"],
)
def test_accounts_that_may_hold_the_address(other, right):
    """One that --account left out may have it as well as one that was refused."""
    assert whole(ALL)
    assert whole(replace(ALL, accounts=(READ, other))) is right


@pytest.mark.parametrize(
    ("table", "right"), [("vpcs", False), ("network_interfaces", False), ("*", False), ("routes", True)]
)
def test_listings_that_may_hold_the_address(table, right):
    lost = Unread(account_id=ONE, region="eu-west-1", table=table, resource="", call="c", error="AccessDenied")
    assert whole(replace(ALL, unread=(lost,))) is right


def test_regions_that_a_flag_left_out_may_hold_the_address():
    assert not whole(ALL, Narrowing(regions=("eu-west-1",)))
