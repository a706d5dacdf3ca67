"""One pass over the organization: accounts, then regions, then the buckets found."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import boto3

from auditkit.model.errors import NothingInScope
from auditkit.model.inventory import Call
from auditkit.scan import destinations, network, organization
from auditkit.scan.calls import Now, refused, stamp
from auditkit.scan.doors import THREADS, Doors
from auditkit.scan.wanted import Wanted

T = TypeVar("T")
AHEAD = 32
"""Accounts' regions that are being asked while an earlier one is still waited for."""


class Entered(NamedTuple):
    """What entering an account gave."""

    assumed: list[Call]
    """sts:AssumeRole; empty for the caller's own account."""
    listed: list[Call]
    """ec2:DescribeRegions; empty where the regions are named, or the role was refused."""
    regions: list[str]
    """Regions to ask; empty where the account is unread."""


class Survey:
    """One scan; `run` does it."""

    def __init__(
        self,
        session: boto3.Session,
        wanted: Wanted,
        keep: Callable[[list[Call]], None],
        tick: Callable[[str, int, int], None],
        now: Now,
    ) -> None:
        self._wanted = wanted
        self._keep = keep
        self._tick = tick
        self._now = now
        self._started = stamp(now())
        self._doors = Doors(session, wanted.role_name, wanted.external_id, now)
        self._users: dict[str, set[str]] = defaultdict(set)
        """Bucket → accounts whose flow logs write to it."""

    def run(self) -> dict[str, Any]:
        """Ask everything, hand every file's calls to `keep`, and return the snapshot's meta."""
        accounts, calls = organization.in_scope(self._doors, self._wanted)
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="scan")
        try:
            tagged = pool.submit(self._tags, accounts)
            answers = self._spread(pool, "accounts", len(accounts), ([partial(self._enter, a)] for a in accounts))
            entered = {account: found for account, (found,) in zip(accounts, answers, strict=True)}
            _something(entered)
            self._ask_regions(pool, entered)
            calls += self._ask_buckets(pool, entered) + tagged.result()
        finally:
            pool.shutdown(cancel_futures=True)
        for found in entered.values():
            calls += found.assumed
        self._keep([self._doors.identity, *calls])
        return self._meta(entered)

    def _tags(self, accounts: list[str]) -> list[Call]:
        """Ask the accounts' tags one after the other: the organization answers a few requests a second to each caller."""
        if self._wanted.role_name is None:
            return []
        line = self._doors.line(self._doors.account_id, "organizations")
        questions = (line.about(a).ask("ListTagsForResource", resource=a, needs="Tags", ResourceId=a) for a in accounts)
        return [call for calls in questions for call in calls]

    def _enter(self, account: str) -> Entered:
        assumed = self._doors.enter(account)
        if refused(assumed):
            return Entered(assumed, [], [])
        regions, listed = (
            (sorted(set(self._wanted.regions)), [])
            if self._wanted.regions is not None
            else network.regions(self._doors, account)
        )
        only = self._wanted.only_regions
        return Entered(assumed, listed, [region for region in regions if not only or region in only])

    def _ask_regions(self, pool: ThreadPoolExecutor, entered: dict[str, Entered]) -> None:
        for found in entered.values():
            if found.listed:
                self._keep(found.listed)
        targets = [(account, region) for account, found in entered.items() for region in found.regions]
        questions = (network.listings(self._doors, account, region) for account, region in targets)
        answers = self._spread(pool, "listings", len(targets), questions)
        for (account, _), pages in zip(targets, answers, strict=True):
            calls = list(chain.from_iterable(pages))
            self._keep(calls)
            for bucket in network.buckets(calls):
                self._users[bucket].add(account)

    def _ask_buckets(self, pool: ThreadPoolExecutor, entered: dict[str, Entered]) -> list[Call]:
        """Ask about the buckets; return the calls that entered accounts outside the scope for it."""
        owners = {bucket: owner for bucket, owner in self._wanted.bucket_accounts.items() if bucket in self._users}
        at_hand = {
            self._doors.account_id,
            *(account for account, found in entered.items() if not refused(found.assumed)),
        }
        calls: list[Call] = []
        for owner in sorted({*owners.values()} - at_hand - {*entered}) if self._wanted.role_name else ():
            calls += self._doors.enter(owner)
            if not refused(calls[-1:]):
                at_hand.add(owner)
        asked_by = destinations.askers(self._users, owners, at_hand)
        questions = (
            destinations.questions(self._doors, bucket, account, owners.get(bucket))
            for bucket, account in asked_by.items()
        )
        answers = self._spread(pool, "buckets", len(asked_by), questions)
        found = list(chain.from_iterable(chain.from_iterable(answers)))
        if found:
            self._keep(found)
        return calls

    def _spread(
        self, pool: ThreadPoolExecutor, what: str, total: int, groups: Iterable[list[Callable[[], T]]]
    ) -> Iterator[list[T]]:
        """Ask groups of questions at the same time; give each group's answers in order, and tell the progress."""
        self._tick(what, 0, total)
        submitted = ([pool.submit(question) for question in group] for group in groups)
        for done, answers in enumerate(_ahead(submitted), 1):
            self._tick(what, done, total)
            yield answers

    def _meta(self, entered: dict[str, Entered]) -> dict[str, Any]:
        identity = {
            "account_id": self._doors.account_id,
            "arn": self._doors.arn,
            "endpoint": self._doors.identity.endpoint,
        }
        return {
            "provenance": "collected",
            "started": self._started,
            "as_of": stamp(self._now()),
            "identity": identity,
            "scope": {
                "accounts": [*entered],
                "regions": {account: found.regions for account, found in entered.items()},
                "excluded": [{"account": account} for account in sorted(set(self._wanted.excluded))],
            },
        }


def _ahead(submitted: Iterable[list[Future[T]]]) -> Iterator[list[T]]:
    """Give results in order, submitting only so far ahead that neither answers nor clients pile up."""
    waiting: deque[list[Future[T]]] = deque()
    for futures in submitted:
        waiting.append(futures)
        if len(waiting) > AHEAD:
            yield [future.result() for future in waiting.popleft()]
    while waiting:
        yield [future.result() for future in waiting.popleft()]


def _something(entered: dict[str, Entered]) -> None:
    unread = any(refused(found.assumed + found.listed) for found in entered.values())
    if not unread and not any(found.regions for found in entered.values()):
        raise NothingInScope(
            "No region is in scope",
            "Check regions in auditkit.yaml and --region: a region must be enabled in the account.",
        )
