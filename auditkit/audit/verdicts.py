"""Cells → results: the status of each control, per account and region, and over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import pyarrow as pa

from auditkit.audit.inference import Inference, Rule, infer, statement, together
from auditkit.evaluate import Cell, Outcome
from auditkit.model.assessment import ControlResult, Finding, Result, worst
from auditkit.model.condition import All, tests, truth
from auditkit.model.control import Control
from auditkit.model.inventory import Inventory
from auditkit.model.schema import TABLES

LISTED_TYPE = {
    "vpcs": ("vpc",), "subnets": ("subnet",), "network_interfaces": ("network-interface",), "transit_gateways": ("transit-gateway",),
    "transit_gateway_attachments": ("transit-gateway-attachment",), "nat_gateways": ("nat-gateway",),
}  # fmt: skip
"""Listing → the coverage rows that it makes."""
_OBSERVED_TABLES = ("flow_records", "interface_days")
# What a transit gateway's record says, whatever it is of: it has no sides, and no action.
_GATEWAY = {
    "action": "-", "interface_id": "-", "direction": "-", "initiator": "-", "local_address": "-", "remote_address": "-", "local_port": 0, "remote_port": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Scope:
    """Where controls give results, and what was not read there."""

    inventory: Inventory
    """What was collected."""
    place: Callable[[str, str], bool]
    """The narrowing flags."""
    units: pa.Table | Sequence[Mapping[str, Any]] = ()
    """Interfaces, attachments and regional NAT gateways, as `population.units` gives them."""
    since: datetime | None = None
    """Start of the period."""
    sample: Rule | None = None
    """What a sample has to show, where only one was read."""

    def places(self) -> list[tuple[str, str]]:
        """Each account in scope with each of its regions; `*` where its regions could not be asked."""
        out = []
        for account in self.inventory.accounts:
            if account.status == "in_scope":
                out += [(account.account_id, r) for r in self.inventory.regions.get(account.account_id, ()) or ("*",)]
        return sorted(p for p in out if self.place(*p))

    def unread(self, control: Control, account_id: str, region: str) -> list[str]:
        """What the control depends on there and was not read."""
        out: list[str] = []
        for listing in TABLES[control.table].reads:
            failed = list(self._failed(listing, account_id, region))
            if failed and control.table in ("coverage", *_OBSERVED_TABLES) and not self._asks(control, listing):
                continue
            out += [f"{u.call} was not read: {u.error}" for u in failed]
        if control.table == "flow_records" and any(t.column == "remote_address" for t in tests(_both(control))):
            for other in sorted(self._neighbours(account_id, region)):
                out += [
                    f"{u.call} of account {other}, which shares a VPC, was not read, so who stands behind a peer is not known: {u.error}"
                    for u in self._failed("network_interfaces", other, region)
                ]
        if control.table == "delivery" and any(t.column == "in_api" for t in tests(_both(control))):
            out += self._untold(account_id, region)
        return list(dict.fromkeys(out))

    def _untold(self, account_id: str, region: str) -> Iterable[str]:
        """Say that a flow log may have gone without a trace: keys tell of those only whose bucket is still listed."""
        told = self.inventory.events_since.get((account_id, region))
        if self.since is None or told is None or told > self.since:
            from_ = f" from {self.since:%Y-%m-%d} on" if self.since else ""
            yield f"the event history of CloudTrail was not read{from_}, and a deleted flow log need not have left keys"

    def _failed(self, listing: str, account_id: str, region: str) -> Iterable[Any]:
        return (
            u
            for u in self.inventory.failed(account_id)
            if u.table in (listing, "*") and (region in (u.region, "*") or u.region in ("*", "global"))
        )

    def _neighbours(self, account_id: str, region: str) -> set[str]:
        """The accounts that have interfaces in the same VPCs."""
        return self._sharing.get((account_id, region), set()) - {account_id}

    @cached_property
    def _sharing(self) -> dict[tuple[str, str], set[str]]:
        out: dict[tuple[str, str], set[str]] = {}
        for vpc in self.inventory.vpcs:
            accounts = {vpc.account_id, *vpc.seen_from}
            for account_id in accounts if len(accounts) > 1 else ():
                out.setdefault((account_id, vpc.region), set()).update(accounts)
        return out

    def _asks(self, control: Control, listing: str) -> bool:
        """Tell whether rows made by the listing could be in the control's scope."""
        both = _both(control)
        if listing == "network_interfaces" and any(t.column == "members" for t in tests(both)):
            return True
        flows = control.table == "flow_records"
        return any(
            truth(both, {"resource_type": kind, **(_GATEWAY if flows and kind.startswith("transit") else {})})
            is not False
            for kind in LISTED_TYPE[listing]
        )

    def holds(self, control: Control, account_id: str, region: str) -> bool:
        """Tell whether the place holds anything in use today that the control could be about."""
        both = _both(control)
        at = self._in_use.get((account_id, region), [])
        if isinstance(self.units, pa.Table):
            there = self.units.take(pa.array(at, pa.int64())).to_pylist(maps_as_pydicts="lossy")
        else:
            there = [self.units[one] for one in at]
        for unit in there:
            row = {**unit, "interface_id": unit["unit"]}
            if control.table == "flow_records" and unit["resource_type"].startswith("transit"):
                row |= _GATEWAY
            if truth(both, row) is not False:
                return True
        return False

    @cached_property
    def _in_use(self) -> dict[tuple[str, str], list[int]]:
        """Account and region → rows of `units` that are in use."""
        out: dict[tuple[str, str], list[int]] = {}
        known = ("account_id", "region", "in_use")
        rows = self.units.select(known).to_pylist() if isinstance(self.units, pa.Table) else self.units
        for at, row in enumerate(rows):
            if row["in_use"]:
                out.setdefault((row["account_id"], row["region"]), []).append(at)
        return out

    def left(self, account_id: str, region: str) -> bool:
        """Tell whether log objects were not read that may tell of an interface there, one that is gone among them."""
        left = self.sample.left if self.sample else frozenset()
        return any((a, region) in left for a in {account_id, *self._neighbours(account_id, region)})


def _both(control: Control) -> All:
    return All((control.where, control.fail_where))


def result(control: Control, outcome: Outcome, findings: Sequence[Finding], scope: Scope, basis: str) -> ControlResult:
    """Sum one control up: per account and region, and the worst of them."""
    by_place: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by_place.setdefault((finding.account_id, finding.region), []).append(finding)
    # A row may lie in an account that could not be entered itself: a shared VPC seen from another.
    places = sorted({*scope.places(), *(p for p in (*outcome.cells, *by_place) if scope.place(*p))})
    cells = {p: _whole(outcome.cells.get(p, Cell()), p, scope) for p in places}
    results = tuple(_cell(control, p, cells[p], by_place.get(p, []), scope, basis) for p in places)
    total = sum(cells.values(), Cell())
    unread = dict.fromkeys(
        f"{a}{'' if r == '*' else '/' + r}: {text}" for a, r in places for text in scope.unread(control, a, r)
    )
    return ControlResult(
        id=control.id, title=control.title, severity=control.severity, table=control.table,
        status=worst([r.status for r in results]),
        examined=sum(r.examined for r in results), failed=sum(r.failed for r in results),
        inconclusive=sum(r.inconclusive for r in results), waived=sum(r.waived for r in results),
        reasons=(*total.reasons(control.table), *_of_sample(results, scope), *unread),
        basis="sample" if any(r.basis == "sample" for r in results) else basis,
        frameworks=tuple({"framework": m.framework, "id": m.id, "strength": m.strength, "source": m.source} for m in control.frameworks),
        results=results,
        where=control.where_text, fail_where=control.fail_where_text,
        rationale=control.rationale, remediation=control.remediation, undecidable_when=control.undecidable_when,
        sample=together([r.sample for r in results], scope.sample) if scope.sample else None,
    )  # fmt: skip


def _whole(cell: Cell, place: tuple[str, str], scope: Scope) -> Cell:
    """Where everything was drawn and nothing left unread, there is no sample: what was not observed is so for certain."""
    some = cell.sampled
    if some is None or some.drawn < some.population or scope.left(*place):
        return cell
    days = cell.days + some.outside.total()
    return replace(cell, days=days, unobserved=cell.unobserved + some.unobserved, sampled=None)


def _inferred(control: Control, place: tuple[str, str], cell: Cell, scope: Scope) -> tuple[Inference | None, list[str]]:
    """What a sample says there, and why it does not suffice."""
    if scope.sample is None or control.table not in _OBSERVED_TABLES:
        return None, []
    some = cell.sampled
    if some is not None and some.population:
        inference = infer(control, some, scope.sample)
        return inference, [] if inference.enough else [inference.said]
    told = cell.examined or (some is not None and some.outside)
    if scope.left(*place) and (told or place not in scope.sample.strata):
        return None, [
            "no interface-day could be drawn, and log objects that may tell of interfaces gone since were not read"
        ]
    return None, []


def _of_sample(results: Sequence[Result], scope: Scope) -> list[str]:
    """What the sample says over all accounts and regions, and in how many of them it does not suffice."""
    both = together([r.sample for r in results], scope.sample) if scope.sample else None
    if both is None:
        return []
    some = [r for r in results if r.sample]
    short = [r for r in some if r.status == "inconclusive"]
    more = f"; in {len(short):,} of {len(some):,} accounts and regions that does not suffice" if short else ""
    return [f"{statement(both)}{more}"]


def _cell(
    control: Control, place: tuple[str, str], cell: Cell, findings: Sequence[Finding], scope: Scope, basis: str
) -> Result:
    failing = [f for f in findings if f.status == "fail"]
    waived = sum(f.waived for f in failing)
    failed = len(failing) - waived
    open_ = sum(f.status == "inconclusive" for f in findings)
    reasons = [*cell.reasons(control.table), *scope.unread(control, *place)]
    if control.table in _OBSERVED_TABLES and not (cell.examined or cell.days) and scope.holds(control, *place):
        reasons.append("nothing of what is there today was in use in the period, and no record tells of what was")
    inference, short = _inferred(control, place, cell, scope)
    reasons += short
    if failed:
        status = "fail"
    elif open_ or reasons:
        status = "inconclusive"
    elif waived:
        status = "excepted"
    else:
        status = "pass" if cell.examined or cell.days else "not_applicable"
    if status == "not_applicable":
        reasons = ["the listings succeeded and hold nothing that the control is about"]
    if inference and not short:
        reasons.append(inference.said)
    return Result(
        account_id=place[0],
        region=place[1],
        status=status,
        examined=cell.examined,
        failed=failed,
        inconclusive=open_,
        waived=waived,
        reasons=tuple(reasons),
        basis="sample" if inference else basis,
        sample=inference.facts if inference else None,
    )
