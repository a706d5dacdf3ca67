"""One pass over the organization: accounts, then regions, then what the flow logs found there lead to."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import boto3

from auditkit.model.errors import NothingInScope
from auditkit.model.inventory import GLOBAL, Call
from auditkit.scan import network, organization
from auditkit.scan.calls import Now, refused, stamp
from auditkit.scan.destinations import Destinations
from auditkit.scan.doors import Doors
from auditkit.scan.found import Found
from auditkit.scan.kept import Kept
from auditkit.scan.network import Place
from auditkit.scan.sessions import THREADS
from auditkit.scan.wanted import Wanted

K = TypeVar("K")
T = TypeVar("T")
AHEAD = 16
"""Accounts' regions that are being asked while an earlier one is still waited for."""


class Entered(NamedTuple):
    """What entering an account gave."""

    assumed: list[Call]
    """sts:AssumeRole; empty for the caller's own account."""
    listed: list[Call]
    """ec2:DescribeRegions, unless the regions are named, the role was refused, or the answer was kept."""
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
        have: Kept,
    ) -> None:
        self._wanted = wanted
        self._hand_over = keep
        self._tick = tick
        self._now = now
        self._have = have
        self._started = stamp(now())
        self._asked: Counter[str] = Counter()
        """service:Operation → pages asked for."""
        self._doors = Doors(session, wanted.role_name, wanted.external_id, now)
        self._found = Found()

    def run(self) -> dict[str, Any]:
        """Ask everything, hand every file's calls to `keep`, and return the snapshot's meta."""
        scope = organization.in_scope(self._doors, self._wanted)
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="scan")
        try:
            tagged = pool.submit(self._tags, scope.accounts)
            entries = [partial(self._enter, account) for account in scope.accounts]
            entered = dict(zip(scope.accounts, self._together(pool, "accounts", entries), strict=True))
            _something(entered)
            self._ask_regions(pool, entered)
            destinations = Destinations(
                self._doors,
                (account for account, found in entered.items() if not refused(found.assumed)),
                self._strangers(scope, entered),
                self._wanted.bucket_accounts,
                partial(self._together, pool),
            )
            self._keep(destinations.ask(self._found))
            calls = [*scope.calls, *destinations.assumed, *tagged.result()]
        finally:
            pool.shutdown(cancel_futures=True)
        for found in entered.values():
            calls += found.assumed
        self._keep([self._doors.identity, *calls])
        return self._meta(entered, scope)

    def _keep(self, calls: list[Call]) -> None:
        if calls:
            self._asked.update(call.name for call in calls)
            self._hand_over(calls)

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
        listed: list[Call] = []
        if self._wanted.regions is not None:
            regions = sorted(set(self._wanted.regions))
        else:
            kept = self._have(account, GLOBAL)
            if kept is None or refused(kept):
                kept = listed = network.regions(self._doors, account)
            regions = network.enabled(kept)
        only = self._wanted.only_regions
        return Entered(assumed, listed, [region for region in regions if not only or region in only])

    def _strangers(self, scope: organization.Scope, entered: dict[str, Entered]) -> set[str]:
        """Accounts out of scope that may be entered for a destination of theirs."""
        if self._wanted.role_name is None:
            return set()
        return {*scope.active, *self._wanted.bucket_accounts.values()} - {*entered}

    def _ask_regions(self, pool: ThreadPoolExecutor, entered: dict[str, Entered]) -> None:
        for found in entered.values():
            self._keep(found.listed)
        places = [
            Place(self._doors, account, region, self._wanted.events_from, self._wanted.prefix_lists)
            for account, found in entered.items()
            for region in found.regions
        ]
        self._tick("listings", 0, len(places))
        for done, calls in enumerate(self._asked_of(pool, places), 1):
            self._found.add(calls)
            self._tick("listings", done, len(places))

    def _asked_of(self, pool: ThreadPoolExecutor, places: list[Place]) -> Iterator[list[Call]]:
        """Give each place's calls, in order; those that are new are kept."""

        def begun() -> Iterator[tuple[tuple[Place, list[Call]], list[network.Question]]]:
            for place in places:
                kept = self._have(place.account_id, place.region) or []
                whole = place.whole(kept)
                if whole:
                    self._started = min(self._started, *(call.at for call in kept))
                yield (place, kept if whole else []), ([] if whole else place.listings())

        def followed() -> Iterator[tuple[tuple[list[Call], list[Call]], list[network.Question]]]:
            for (place, kept), pages in _ahead(pool, begun()):
                listed = list(chain.from_iterable(pages))
                yield (kept, listed), place.further(listed)

        for (kept, listed), pages in _ahead(pool, followed()):
            self._keep(new := [*listed, *chain.from_iterable(pages)])
            yield kept or new

    def _together(self, pool: ThreadPoolExecutor, what: str, questions: Sequence[Callable[[], T]]) -> Iterator[T]:
        """Ask questions at the same time; give the answers in order, and tell the progress."""
        if questions:
            self._tick(what, 0, len(questions))
        for done, (_, (answer,)) in enumerate(_ahead(pool, ((None, [question]) for question in questions)), 1):
            self._tick(what, done, len(questions))
            yield answer

    def _meta(self, entered: dict[str, Entered], scope: organization.Scope) -> dict[str, Any]:
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
            "calls": dict(sorted(self._asked.items())),
        } | ({"organization": scope.facts} if scope.facts else {})


def _ahead(
    pool: ThreadPoolExecutor, groups: Iterable[tuple[K, Sequence[Callable[[], T]]]]
) -> Iterator[tuple[K, list[T]]]:
    """Ask groups of questions, and give each group's answers in order.

    Only so far ahead that neither answers nor clients pile up.
    """
    waiting: deque[tuple[K, list[Future[T]]]] = deque()
    for key, questions in groups:
        waiting.append((key, [pool.submit(question) for question in questions]))
        while waiting and (len(waiting) > AHEAD or all(future.done() for future in waiting[0][1])):
            first, futures = waiting.popleft()
            yield first, [future.result() for future in futures]
    while waiting:
        first, futures = waiting.popleft()
        yield first, [future.result() for future in futures]


def _something(entered: dict[str, Entered]) -> None:
    unread = any(refused(found.assumed + found.listed) for found in entered.values())
    if not unread and not any(found.regions for found in entered.values()):
        raise NothingInScope(
            "No region is in scope",
            "Check regions in auditkit.yaml and --region: a region must be enabled in the account.",
        )
