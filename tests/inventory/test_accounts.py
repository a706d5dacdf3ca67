"""Accounts: in scope, excluded by somebody, out of scope by fact."""

from __future__ import annotations

import pytest

from auditkit.inventory import read

OWNER = "111122223333"
GUEST = "444455556666"
SANDBOX = "777788889999"


@pytest.fixture
def organizations(aws):
    def ask(operation, answer=None, **more):
        return aws.call(operation, answer, **({"service": "organizations", "region": "global"} | more))

    return ask


def accounts(aws, calls, *asked, **scope):
    return {one.account_id: one for one in read(aws.meta(*asked, **scope), calls).accounts}


def listed(organizations, **states):
    rows = [{"Id": key.lstrip("a"), "Name": f"name of {key}", "State": state} for key, state in states.items()]
    return organizations("ListAccounts", {"Accounts": rows})


def test_each_account_of_the_organization_has_a_row(aws, organizations):
    exclusion = {
        "account": SANDBOX,
        "reason": "sandbox",
        "owner": "platform",
        "approved_by": "ciso",
        "expires": "2027-03-01",
    }
    found = accounts(
        aws,
        [
            *aws.listings(),
            listed(
                organizations,
                a111122223333="ACTIVE",
                a444455556666="SUSPENDED",
                a777788889999="ACTIVE",
                a000000000001="ACTIVE",
            ),
        ],
        OWNER,
        excluded=[exclusion],
    )
    told = {key: (one.status, one.excluded_by, one.excluded_until, one.reason, one.read) for key, one in found.items()}
    assert told == {
        "000000000001": ("excluded", "", "", "not among the accounts that were asked for", "-"),
        OWNER: ("in_scope", "", "", "", "read"),
        GUEST: ("suspended", "", "", "Organizations says SUSPENDED", "-"),
        SANDBOX: ("excluded", "ciso", "2027-03-01", "sandbox", "-"),
    }
    assert found[OWNER].name == "name of a111122223333"


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"State": "ACTIVE", "Status": "SUSPENDED"}, "excluded"),
        ({"State": "PENDING_CLOSURE"}, "suspended"),
        ({"Status": "SUSPENDED"}, "suspended"),
        ({"Status": "ACTIVE"}, "excluded"),
        ({}, "excluded"),
    ],
)
def test_state_goes_before_the_retired_status(aws, organizations, row, status):
    found = accounts(aws, [organizations("ListAccounts", {"Accounts": [{"Id": GUEST} | row]})], OWNER)
    assert found[GUEST].status == status


def test_a_closed_account_that_was_excluded_is_out_of_scope_by_fact(aws, organizations):
    calls = [listed(organizations, a444455556666="CLOSED")]
    decision = {"account": GUEST, "reason": "x", "approved_by": "ciso", "expires": "2027-03-01"}
    closed = accounts(aws, calls, OWNER, excluded=[decision])[GUEST]
    assert (closed.status, closed.excluded_by, closed.excluded_until) == ("suspended", "", "")
    assert closed.reason.startswith("Organizations says CLOSED")


def test_an_account_that_the_organization_does_not_list_has_a_reason(aws, organizations):
    """A wrong number excludes nothing, and audits nothing."""
    denied = aws.call("AssumeRole", service="sts", account_id=GUEST, region="global", error="AccessDenied")
    found = accounts(
        aws,
        [*aws.listings(), denied, listed(organizations, a000000000001="ACTIVE")],
        OWNER,
        GUEST,
        excluded=[{"account": SANDBOX, "reason": "sandbox"}],
    )
    assert {key: one.reason for key, one in found.items()} == {
        "000000000001": "not among the accounts that were asked for",
        OWNER: "the organization does not list it",
        GUEST: "sts:AssumeRole: AccessDenied: told so; the organization does not list it",
        SANDBOX: "sandbox; the organization does not list it",
    }
    assert (found[OWNER].status, found[OWNER].read) == ("in_scope", "read")


def test_half_a_list_of_accounts_proves_no_absence(aws, organizations):
    half = organizations("ListAccounts", {"Accounts": [{"Id": GUEST}], "NextToken": "2"})
    assert accounts(aws, [*aws.listings(), half], OWNER)[OWNER].reason == ""


def test_without_organizations_the_scope_names_the_accounts(aws, organizations):
    """AWSOrganizationsNotInUseException is an answer: there is no organization, and nothing is unread."""
    calls = [*aws.listings(), organizations("DescribeOrganization", error="AWSOrganizationsNotInUseException")]
    built = read(aws.meta(OWNER, excluded=[{"account": GUEST, "reason": "theirs"}]), calls)
    assert [(one.account_id, one.status, one.name) for one in built.accounts] == [
        (OWNER, "in_scope", ""),
        (GUEST, "excluded", ""),
    ]
    assert built.unread == ()


def test_a_refused_list_of_accounts_leaves_all_accounts_undecided(aws, organizations):
    built = read(aws.meta(OWNER), [*aws.listings(), organizations("ListAccounts", error="AccessDeniedException")])
    assert [(one.account_id, one.region, one.table) for one in built.unread] == [("*", "global", "accounts")]
    assert built.accounts[0].read == "read"


def test_an_empty_page_of_accounts_has_a_next(aws, organizations):
    pages = [
        organizations("ListAccounts", {"Accounts": [], "NextToken": "2"}),
        organizations("ListAccounts", {"Accounts": [{"Id": GUEST}]}, page=2),
    ]
    built = read(aws.meta(OWNER), [*aws.listings(), *pages])
    assert [one.account_id for one in built.accounts] == [OWNER, GUEST]
    assert built.unread == ()


def tagged(organizations, *tags, **more):
    rows = [{"Key": key, "Value": value} for key, value in tags]
    return organizations("ListTagsForResource", {"Tags": rows} | more.pop("also", {}), resource=OWNER, **more)


def test_tags_of_an_account_may_come_in_pages(aws, organizations):
    pages = [tagged(organizations, ("a", "1"), also={"NextToken": "2"}), tagged(organizations, ("b", "2"), page=2)]
    assert accounts(aws, [*aws.listings(), *pages], OWNER)[OWNER].account_tags == {"a": "1", "b": "2"}


def test_no_tags_is_not_the_same_as_tags_not_read(aws, organizations):
    assert accounts(aws, [tagged(organizations)], OWNER)[OWNER].account_tags == {}
    assert accounts(aws, [], OWNER)[OWNER].account_tags is None
    cut = tagged(organizations, ("a", "1"), also={"NextToken": "2"})
    assert accounts(aws, [cut], OWNER)[OWNER].account_tags is None


def test_tags_that_were_refused_are_unread_for_that_account_only(aws, organizations):
    refused = organizations("ListTagsForResource", error="AccessDeniedException", resource=OWNER)
    built = read(aws.meta(OWNER), [*aws.listings(), refused])
    (missed,) = built.unread
    assert (missed.account_id, missed.table, missed.resource) == (OWNER, "accounts", OWNER)
    assert (built.accounts[0].account_tags, built.accounts[0].read) == (None, "partial")
