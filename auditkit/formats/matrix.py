"""The coverage matrix: how each account is logged in each region, in one cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditkit.model.condition import COVERAGE_STATES
from auditkit.model.coverage import RESOURCE_TYPES

KINDS = {
    "network-interface": "interface",
    "vpc": "VPC",
    "subnet": "subnet",
    "transit-gateway": "transit gateway",
    "transit-gateway-attachment": "attachment",
    "nat-gateway": "NAT gateway",
}
"""Resource type → its word; the first one present is what a cell counts in large."""
STATES = ("complete", *reversed(COVERAGE_STATES[:-1]), "unknown")
"""Coverage states in the order in which a bar shows them."""
_LISTINGS = {
    "*",
    "vpcs",
    "subnets",
    "network_interfaces",
    "transit_gateways",
    "transit_gateway_attachments",
    "nat_gateways",
    "flow_logs",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One account in one region."""

    account_id: str
    """Account."""
    region: str
    """Region."""
    status: str
    """pass: all complete; fail: something is not; inconclusive: unknown or unread; not_applicable: nothing there."""
    counts: tuple[tuple[str, int, int], ...] = ()
    """Word of the resource type, complete, all; the first is shown in large."""
    states: Mapping[str, int] = field(default_factory=dict)
    """State → resources."""
    unread: int = 0
    """Listings that failed."""


def matrix(
    coverage: Iterable[Mapping[str, Any]],
    accounts: Iterable[str],
    regions: Iterable[str],
    unread: Iterable[Mapping[str, Any]],
) -> list[list[Cell]]:
    """Arrange the assessment's coverage counts: one row per account in scope, one cell per region.

    Args:
        coverage: account_id, region, resource_type, state, count.
        accounts: Account ids, in order.
        regions: Region names, in order.
        unread: Calls that failed: account_id, region, table, resource.
    """
    rows = list(coverage)
    failed = [u for u in unread if u["table"] in _LISTINGS and not u.get("resource")]
    return [[_cell(account, region, rows, failed) for region in regions] for account in accounts]


def _cell(account: str, region: str, coverage: list[Mapping[str, Any]], unread: list[Mapping[str, Any]]) -> Cell:
    here = [r for r in coverage if r["account_id"] == account and r["region"] == region]
    missing = sum(u["account_id"] in (account, "*") and u["region"] in (region, "*") for u in unread)
    states: Counter[str] = Counter()
    for row in here:
        states[row["state"]] += row["count"]
    counts = tuple(
        (word, *_share(here, kind)) for kind, word in KINDS.items() if any(r["resource_type"] == kind for r in here)
    )
    return Cell(account, region, _status(states, missing), counts, {s: states[s] for s in STATES if states[s]}, missing)


def _share(rows: list[Mapping[str, Any]], kind: str) -> tuple[int, int]:
    mine = [r for r in rows if r["resource_type"] == kind]
    return sum(r["count"] for r in mine if r["state"] == "complete"), sum(r["count"] for r in mine)


def _status(states: Mapping[str, int], unread: int) -> str:
    if any(states[s] for s in COVERAGE_STATES[:-1]):
        return "fail"
    if states["unknown"] or unread:
        return "inconclusive"
    return "pass" if states["complete"] else "not_applicable"


def by_type(coverage: Iterable[Mapping[str, Any]]) -> list[tuple[str, dict[str, int]]]:
    """Count resources by type, then by state in the order of STATES."""
    totals: Counter[tuple[str, str]] = Counter()
    for row in coverage:
        totals[row["resource_type"], row["state"]] += row["count"]
    return [
        (kind, found) for kind in RESOURCE_TYPES if (found := {s: totals[kind, s] for s in STATES if totals[kind, s]})
    ]
