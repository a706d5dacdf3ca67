"""Which accounts are audited: the organization's, less what is excluded, suspended or narrowed away."""

from __future__ import annotations

from typing import Any, NamedTuple

from auditkit.model.errors import AuditkitError, NothingInScope
from auditkit.model.inventory import GLOBAL, Call
from auditkit.scan.calls import refused
from auditkit.scan.doors import Doors
from auditkit.scan.wanted import Wanted


class Scope(NamedTuple):
    """Which accounts are audited, and how that is known."""

    accounts: list[str]
    """In scope, sorted."""
    active: list[str]
    """All active accounts that the organization lists, sorted."""
    calls: list[Call]
    """The calls that told."""
    facts: dict[str, Any]
    """What the organization says beside: id, management account, accounts that rest, accounts named that it does not
    list."""


def in_scope(doors: Doors, wanted: Wanted) -> Scope:
    """Tell which accounts are in scope.

    Raises:
        AuditkitError: the accounts cannot be known, or cannot be entered.
        NothingInScope: nothing is left.
    """
    if wanted.role_name is None:
        return Scope(_narrowed(_alone(doors, wanted), wanted), [], [], {})
    line = doors.line(doors.account_id, "organizations", GLOBAL)
    described = line.ask("DescribeOrganization", needs="Organization")
    listing = line.ask("ListAccounts", needs="Accounts")
    if wanted.accounts is None and refused(listing):
        raise _cannot_list(listing[-1])
    # State has replaced Status (AWS Organizations API reference, Account); older endpoints answer Status alone.
    states = {
        row["Id"]: str(row.get("State", row.get("Status", "ACTIVE")))
        for call in listing
        if call.answer
        for row in call.answer["Accounts"]
    }
    resting = {account for account, state in states.items() if state != "ACTIVE"}
    named = set(states if wanted.accounts is None else wanted.accounts)
    accounts = _narrowed(named - resting - set(wanted.excluded), wanted)
    facts = _facts(described, {} if refused(listing) else states, named)
    return Scope(accounts, sorted(states.keys() - resting), described + listing, facts)


def _alone(doors: Doors, wanted: Wanted) -> set[str]:
    """The caller's account, where no role is named."""
    others = set(wanted.accounts or ()) - {doors.account_id}
    if others:
        raise AuditkitError(
            f"No role is named, so only account {doors.account_id} can be entered, not {', '.join(sorted(others))}",
            "Set organization.role_name in auditkit.yaml.",
        )
    return {doors.account_id} - set(wanted.excluded)


def _facts(described: list[Call], states: dict[str, str], named: set[str]) -> dict[str, Any]:
    """What the organization says; nothing of accounts where it could not be listed."""
    told = (described[-1].answer or {}).get("Organization", {})
    facts = {"id": told.get("Id"), "management_account": told.get("MasterAccountId")}
    resting = [{"account": account, "state": state} for account, state in sorted(states.items()) if state != "ACTIVE"]
    listed = {"resting": resting, "not_listed": sorted(named - states.keys())} if states else {}
    return {name: fact for name, fact in facts.items() if fact} | listed


def _cannot_list(call: Call) -> AuditkitError:
    error = call.error or {}
    if error["code"] == "AWSOrganizationsNotInUseException":
        return AuditkitError(
            "organizations:ListAccounts: the caller's account is in no organization",
            "Leave organization.role_name out of auditkit.yaml to audit this account alone, or list the accounts there.",
        )
    return AuditkitError(
        f"organizations:ListAccounts failed, so the accounts are not known: {error['code']}: {error['message']}",
        "Run as the management account or a delegated administrator, or list organization.accounts in auditkit.yaml.",
    )


def _narrowed(accounts: set[str], wanted: Wanted) -> list[str]:
    if not accounts:
        raise NothingInScope(
            "No account is in scope", "Check organization.accounts and organization.exclude in auditkit.yaml."
        )
    only = set(wanted.only_accounts)
    if not only:
        return sorted(accounts)
    if not only & accounts:
        raise NothingInScope(
            f"No account is in scope: {', '.join(sorted(only))}", f"In scope are {', '.join(sorted(accounts))}."
        )
    if only - accounts:
        raise AuditkitError(
            f"Not in scope: account {', '.join(sorted(only - accounts))}",
            f"In scope are {', '.join(sorted(accounts))}.",
        )
    return sorted(only)
