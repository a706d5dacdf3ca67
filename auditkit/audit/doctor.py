"""What this role lacks for an audit: every call that would be made is tried once, as cheaply as AWS lets it be tried.

Nothing is changed and no log object is read. A refusal is `missing`; what tells neither yes nor no is `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from auditkit.audit.machine import MISSING, READY, SKIPPED, UNKNOWN, Check
from auditkit.audit.options import Tick, silent
from auditkit.audit.probes import about_bucket, denied, params, state
from auditkit.config.schema import ConfigModel
from auditkit.model.errors import AuditkitError, nearest
from auditkit.model.inventory import Call
from auditkit.scan import ACTIONS, Action, Wanted, network
from auditkit.scan.calls import refused
from auditkit.scan.doors import Doors
from auditkit.scan.organization import in_scope

T = TypeVar("T")
_THREADS = 16
_ONCE = ("iam", "s3control")
"""Services that answer for the account, whatever the region."""


@dataclass(frozen=True)
class Doctor:
    """The examination of a role."""

    model: ConfigModel
    """auditkit.yaml."""
    session: Callable[[], Any]
    """Makes the AWS session."""
    now: Callable[[], datetime]
    """The clock."""
    accounts: Sequence[str] = ()
    """Only these accounts; empty: all in scope are entered, and the first of them is asked."""
    regions: Sequence[str] = ()
    """Only these regions."""
    everywhere: bool = False
    """Whether every account and region is asked, instead of one."""
    tick: Tick = silent
    """Progress."""

    def checks(self) -> Iterator[Check]:
        """Ask who calls, which accounts there are, whether they can be entered, and what may be asked in them.

        Raises:
            AuditkitError: an account named is not in scope.
        """
        organization = self.model.organization
        try:
            doors = Doors(self.session(), organization.role_name, organization.external_id, self.now)
        except AuditkitError as error:
            yield Check("caller", "Credentials", MISSING, error.message, error.hint)
            return
        yield Check("caller", "Credentials", READY, f"{doors.arn} at {doors.identity.endpoint}")
        accounts, found = self._accounts(doors)
        yield from found
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="doctor") as pool:
            entered = []
            for account, check in zip(accounts, pool.map(partial(self._enter, doors), accounts), strict=True):
                yield check
                entered += [account] if check.state == READY else []
            yield from self._inside(doors, entered, pool)
            yield from self._buckets(doors, entered)

    # -- the organization ----------------------------------------------------------------------------------------

    def _accounts(self, doors: Doors) -> tuple[list[str], list[Check]]:
        """The accounts in scope, and what the organization told."""
        try:
            scope = in_scope(doors, self._wanted())
        except AuditkitError as error:
            return [], [Check("organization", "Accounts in scope", MISSING, error.message, error.hint)]
        checks = [_of_call(call, "organization", "hub") for call in scope.calls if call.page == 1 or call.error]
        accounts = scope.accounts
        checks.append(Check("organization", "Accounts in scope", READY, f"{len(accounts):,}"))
        if self.model.organization.role_name and accounts:
            line = doors.line(doors.account_id, "organizations")
            [call] = line.ask("ListTagsForResource", needs="Tags", all_pages=False, ResourceId=accounts[0])
            checks.append(_of_call(call, "organization", "hub"))
        for account in self.accounts:
            if account not in accounts:
                raise AuditkitError(
                    f"account {account} is not in scope{nearest(account, accounts)}",
                    "Look at organization: in auditkit.yaml, and at --account.",
                )
        return [a for a in accounts if not self.accounts or a in self.accounts], checks

    def _wanted(self) -> Wanted:
        organization, today = self.model.organization, self.now().date()
        return Wanted(
            role_name=organization.role_name,
            external_id=organization.external_id,
            accounts=None if organization.accounts == "all" else tuple(organization.accounts),
            excluded=tuple(e.account for e in organization.exclude if e.approved_on <= today < e.expires),
            regions=None if self.model.regions == "enabled" else tuple(self.model.regions),
        )

    def _enter(self, doors: Doors, account: str) -> Check:
        if account == doors.account_id:
            return Check("accounts", "Enter", READY, "the caller's own: by its own credentials", account_id=account)
        [call] = doors.enter(account)
        role = self.model.organization.role_name
        check = _of_call(call, "accounts", "hub")
        if check.state == READY:
            return replace(check, name="Enter", said=f"as {role}", account_id=account)
        todo = (
            f"{role} must exist there and trust the caller (`auditkit iam --for trust`), "
            "and the caller must be allowed to assume it (`auditkit iam --for hub`)."
        )
        return replace(check, name="Enter", next=todo if denied(call) else check.next, account_id=account)

    # -- accounts and regions ------------------------------------------------------------------------------------

    def _inside(self, doors: Doors, entered: Sequence[str], pool: ThreadPoolExecutor) -> Iterator[Check]:
        """Ask in one account, one of the caller's own last, or in all."""
        chosen = sorted(entered, key=lambda account: (account == doors.account_id, account))
        for at, account in enumerate(chosen if self.everywhere else chosen[:1], 1):
            self.tick("accounts examined", at, len(chosen) if self.everywhere else 1)
            regions, checks = self._regions(doors, account)
            yield from checks
            asked: list[tuple[Action, str]] = []
            for number, region in enumerate(regions if self.everywhere else regions[:1]):
                asked += [(a, region) for a in _member(self.model) if number == 0 or a.service not in _ONCE]
            yield from pool.map(lambda one, account=account: self._try(doors, account, *one), asked)

    def _regions(self, doors: Doors, account: str) -> tuple[list[str], list[Check]]:
        """The regions to ask, the caller's first, and those that are named but not enabled."""
        calls = network.regions(doors, account)
        if refused(calls):
            return [], [_of_call(calls[-1], "regions", "member")]
        enabled = network.enabled(calls)
        named = self.regions or ([] if self.model.regions == "enabled" else self.model.regions)
        there = Check("regions", "Enabled regions", READY, f"{len(enabled):,}", account_id=account)
        missing = [
            Check("regions", "Enabled regions", MISSING, f"{region} is not enabled here", _ENABLE, account, region)
            for region in named
            if region not in enabled
        ]
        wanted = [region for region in named if region in enabled] if named else enabled
        return sorted(wanted, key=lambda region: (region != doors.home, region)), [there, *missing]

    def _try(self, doors: Doors, account: str, action: Action, region: str) -> Check:
        given = params(action, self.model, doors.partition, account)
        line = doors.line(account, action.service, region)
        [call] = line.ask(action.operation, all_pages=False, **given)
        return _of_call(call, "calls", action.where)

    # -- destinations --------------------------------------------------------------------------------------------

    def _buckets(self, doors: Doors, entered: Sequence[str]) -> Iterator[Check]:
        """Ask about the approved buckets, in the account of each, else in the first that was entered."""
        approved = sorted({(d.bucket, d.account, d.prefix) for d in self.model.destinations.values() if d.bucket})
        reads = self.model.records.mode != "none" and "s3" in self.model.records.sources
        if not approved:
            said = "auditkit.yaml approves no bucket, so none was tried"
            yield Check("destinations", "Log buckets", SKIPPED, said, "Name yours under destinations:.")
        others = sorted({account for _, account, _ in approved if account} - {*entered} - {doors.account_id})
        at_hand = {doors.account_id, *entered}
        for owner in others if self.model.organization.role_name else ():
            check = self._enter(doors, owner)
            yield check
            at_hand |= {owner} if check.state == READY else set()
        for bucket, owner, prefix in approved:
            reader = owner if owner in at_hand else next(iter(entered), doors.account_id)
            for call in about_bucket(doors, reader, bucket, owner, prefix, reads=reads):
                yield _of_call(call, "destinations", "logs" if call.operation in _READS else "member")


_READS = ("ListObjectsV2", "GetObject")
_ENABLE = "Enable it in the account, or take it out of regions: and --region."


def _member(model: ConfigModel) -> Iterable[Action]:
    """What the role in each account is asked, but of destinations that must be known first."""
    groups = model.records.mode != "none" and "cloud-watch-logs" in model.records.sources
    return [
        a
        for a in ACTIONS
        if (a.where == "member" and a.service not in ("s3", "kms")) or (groups and a.operation == "GetLogEvents")
    ]


def _of_call(call: Call, part: str, where: str) -> Check:
    """Say what a call told: who may do it, or what lets it be done."""
    found, said = state(call)
    needs = next((a.actions for a in ACTIONS if (a.service, a.operation) == (call.service, call.operation)), ())
    allow = f"Allow {', '.join(needs)}: `auditkit iam --for {where}`." if needs else ""
    if call.operation == "HeadBucket":
        allow += " Or the bucket belongs to another account than destinations: says."
    todo = {
        READY: "",
        MISSING: allow if denied(call) else "Look at destinations: in auditkit.yaml.",
        UNKNOWN: "That tells neither yes nor no: try again, or look at the network and at service control policies.",
    }[found]
    name = f"{call.service}:{call.operation}" + (f" {call.resource}" if call.resource else "")
    return Check(part, name, found, said, todo, call.account_id, "" if call.region == "global" else call.region)
