"""Which accounts are audited: the organization's, less what is excluded, suspended or narrowed away."""

from __future__ import annotations

from auditkit.model.errors import AuditkitError, NothingInScope
from auditkit.model.inventory import GLOBAL, Call
from auditkit.scan.calls import refused
from auditkit.scan.doors import Doors
from auditkit.scan.wanted import Wanted


def in_scope(doors: Doors, wanted: Wanted) -> tuple[list[str], list[Call]]:
    """Return the accounts in scope, sorted, and the calls that told them.

    Raises:
        AuditkitError: the accounts cannot be known, or cannot be entered.
        NothingInScope: nothing is left.
    """
    line = doors.line(doors.account_id, "organizations", GLOBAL)
    if wanted.role_name is None:
        accounts, calls = _alone(doors, wanted), []
    else:
        calls = line.ask("DescribeOrganization", needs="Organization")
        listing = line.ask("ListAccounts", needs="Accounts")
        calls += listing
        accounts = _listed(listing, wanted)
    return _narrowed(accounts, wanted), calls


def _alone(doors: Doors, wanted: Wanted) -> set[str]:
    """The caller's account, where no role is named."""
    others = set(wanted.accounts or ()) - {doors.account_id}
    if others:
        raise AuditkitError(
            f"No role is named, so only account {doors.account_id} can be entered, not {', '.join(sorted(others))}",
            "Set organization.role_name in auditkit.yaml.",
        )
    return {doors.account_id} - set(wanted.excluded)


def _listed(listing: list[Call], wanted: Wanted) -> set[str]:
    """The organization's accounts that are active, or those named where it could not be listed."""
    rows = [row for call in listing if call.answer for row in call.answer["Accounts"]]
    # State has replaced Status (AWS Organizations API reference, Account); older endpoints answer Status alone.
    resting = {row["Id"] for row in rows if row.get("State", row.get("Status", "ACTIVE")) != "ACTIVE"}
    if wanted.accounts is None and refused(listing):
        raise _cannot_list(listing[-1])
    named = set(wanted.accounts) if wanted.accounts is not None else {row["Id"] for row in rows}
    return named - resting - set(wanted.excluded)


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
