"""Accounts: which there are, which are in scope and why not, and how much of each could be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from auditkit.inventory.answers import Row, text
from auditkit.inventory.scope import Scope
from auditkit.model.inventory import Account, Unread

NOT_ASKED = "not among the accounts that were asked for"


def not_asked(account: Account) -> bool:
    """Tell whether an account was left out only because it was not named: no decision is behind it, and no fact."""
    return account.status == "excluded" and account.reason.startswith(NOT_ASKED)


NOT_LISTED = "the organization does not list it"


def accounts(
    scope: Scope,
    listed: Mapping[str, Row],
    tags: Mapping[str, dict[str, str]],
    heard: Iterable[str],
    missed: Iterable[Unread],
    *,
    whole: bool = False,
) -> tuple[Account, ...]:
    """Make one row per account that the organization or the scope names.

    Args:
        scope: what was asked.
        listed: account id → its entry of ListAccounts; empty without Organizations.
        tags: account id → tags, of the accounts whose tags were read.
        heard: accounts that answered some listing.
        missed: what could not be read.
        whole: whether ListAccounts was answered to its end.
    """
    answered = set(heard)
    errors: dict[str, list[Unread]] = {}
    for one in missed:
        errors.setdefault(one.account_id, []).append(one)
    rows = []
    for account_id in sorted({*scope.accounts, *scope.excluded, *listed}):
        entry = listed.get(account_id, {})
        exclusion: dict[str, str] = {}
        if account_id in scope.accounts:
            status = "in_scope"
            read, reason = _read(errors.get(account_id, []), answered=account_id in answered)
        else:
            status, exclusion, reason = _out_of_scope(entry, scope.excluded.get(account_id))
            read = "-"
        if whole and account_id not in listed:
            reason = f"{reason}; {NOT_LISTED}" if reason else NOT_LISTED
        rows.append(
            Account(
                account_id=account_id,
                name=text(entry, "Name"),
                status=status,
                excluded_by=exclusion.get("approved_by", ""),
                excluded_until=exclusion.get("expires", ""),
                reason=reason,
                read=read,
                account_tags=tags.get(account_id),
            )
        )
    return tuple(rows)


def _out_of_scope(entry: Row, exclusion: dict[str, str] | None) -> tuple[str, dict[str, str], str]:
    """Status, the decision behind it, and why. A fact goes before a decision: nobody needs to exclude what is closed."""
    # State replaces Status, which AWS retires in September 2026 (API reference of Organizations, Account).
    state = text(entry, "State") or text(entry, "Status") or "ACTIVE"
    if state != "ACTIVE":
        return "suspended", {}, f"Organizations says {state}"
    if exclusion:
        return "excluded", exclusion, exclusion.get("reason", "")
    return "excluded", {}, NOT_ASKED


def _read(errors: list[Unread], *, answered: bool) -> tuple[str, str]:
    """How much was read, and the first reason why not more."""
    if not errors:
        return "read", ""
    # The widest first: a role that cannot be assumed explains the rest.
    first = min(errors, key=lambda u: (u.call != "sts:AssumeRole", u.table != "*", u.region, u.call, u.error))
    reason = f"{first.call}: {first.error}"
    return ("partial" if answered and first.call != "sts:AssumeRole" else "unread"), reason
