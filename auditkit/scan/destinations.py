"""Where the logs go and what brings them there, asked once for the whole organization.

The owner is asked with its own credentials where they are at hand; else an account whose flow logs lead there asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Protocol, TypeVar

from auditkit.model.inventory import GLOBAL, Call
from auditkit.scan import buckets, delivery
from auditkit.scan.buckets import Bucket
from auditkit.scan.calls import Line, refused
from auditkit.scan.doors import Doors
from auditkit.scan.found import Found, Thing

T = TypeVar("T")
NOT_ENTERED = "AccountNotEntered"
"""The code of a question that only the owner's credentials could ask, and they are not at hand."""
_FIRST = {"firehose": "DescribeDeliveryStream", "kms": "DescribeKey", "iam": "GetRole"}


class Together(Protocol):
    """Asks questions at the same time, and gives their answers in order."""

    def __call__(self, what: str, questions: Sequence[Callable[[], T]], /) -> Iterator[T]:
        """Ask, and tell the progress."""


class Destinations:
    """One pass over them; `ask` does it."""

    def __init__(
        self,
        doors: Doors,
        entered: Iterable[str],
        to_enter: Iterable[str],
        owners: Mapping[str, str],
        together: Together,
    ) -> None:
        """Take the way in.

        Args:
            doors: the way in.
            entered: accounts whose credentials are at hand.
            to_enter: accounts that may be entered for a thing of theirs: the organization's own, and those
                that the configuration names. Whoever writes a flow log's destination names an account; such a
                name alone is no reason to knock there.
            owners: bucket → the account that should own it, where that is known.
            together: asks.
        """
        self._doors = doors
        self._at_hand = {doors.account_id, *entered}
        self._to_enter = {*to_enter} - self._at_hand
        self._owners = owners
        self._together = together
        self._lines: dict[tuple[str, str, str], Line] = {}
        self._lock = threading.Lock()
        self.assumed: list[Call] = []
        """The sts:AssumeRole calls of the accounts that were entered for this."""

    def ask(self, found: Found) -> list[Call]:
        """Ask about everything that flow logs lead to, and the keys that are found on the way."""
        kept = self._buckets(found)
        calls = list(chain.from_iterable(bucket.calls for bucket in kept))
        calls += self._blocks(kept)
        streams = self._each("delivery streams", found.streams, "firehose", delivery.stream)
        for (thing, users), told in zip(sorted(found.streams.items()), streams, strict=True):
            found.key(delivery.stream_key(told), min(users), thing.account_id, thing.region)
            calls += told
        for bucket in kept:
            for name in bucket.encrypted_with():
                found.key(name, bucket.asker, bucket.owner, bucket.region)
        calls += chain.from_iterable(self._each("keys", found.keys, "kms", delivery.key))
        roles = list(chain.from_iterable(self._each("roles", found.roles, "iam", delivery.role)))
        policies = {thing: {thing.account_id} for thing in delivery.attached(roles)}
        return [*calls, *roles, *chain.from_iterable(self._each("policies", policies, "iam", delivery.policy))]

    def _buckets(self, found: Found) -> list[Bucket]:
        self._enter(self._owners[name] for name in found.buckets if name in self._owners)
        questions = []
        for name, users in sorted(found.buckets.items()):
            likeliest = (self._owners.get(name), *sorted(users), self._doors.account_id, *sorted(self._at_hand))
            candidates = dict.fromkeys(account for account in likeliest if account)
            asker = partial(self._asker, users=users)
            questions.append(partial(buckets.ask, self._line, name, candidates, asker))
        return list(self._together("buckets", questions))

    def _blocks(self, kept: list[Bucket]) -> list[Call]:
        """Ask the buckets' accounts whether any bucket of theirs can be made public."""
        askers = {bucket.owner: bucket.asker for bucket in reversed(kept) if bucket.owner}
        questions: list[Callable[[], list[Call]]] = [
            partial(
                self._line(asker, "s3control", GLOBAL).about(owner).ask,
                "GetPublicAccessBlock",
                resource=owner,
                needs="PublicAccessBlockConfiguration",
                AccountId=owner,
            )
            for owner, asker in sorted(askers.items())
        ]
        return list(chain.from_iterable(self._together("accounts of buckets", questions)))

    def _each(
        self,
        what: str,
        things: Mapping[Thing, set[str]],
        service: str,
        question: Callable[[Line, Thing], list[Call]],
    ) -> Iterator[list[Call]]:
        """Ask one question about each thing, in order."""
        self._enter(thing.account_id for thing in things)
        questions = []
        for thing, users in sorted(things.items()):
            line = self._line(self._asker(thing.account_id, users), service, thing.region).about(thing.account_id)
            # A bare name means a thing of whoever asks: another account would tell of its own.
            able = thing.account_id in self._at_hand or thing.name.startswith("arn:")
            questions.append(partial(question if able else _unasked, line, thing))
        return self._together(what, questions)

    def _enter(self, accounts: Iterable[str]) -> None:
        for account in sorted({*accounts} & self._to_enter):
            self._to_enter.discard(account)
            self.assumed += self._doors.enter(account)
            if not refused(self.assumed[-1:]):
                self._at_hand.add(account)

    def _asker(self, owner: str, users: Iterable[str]) -> str:
        """Return whose credentials ask: the owner's, else a user's, else the caller's."""
        able = sorted({*users} & self._at_hand)
        return next(iter([owner] if owner in self._at_hand else able), self._doors.account_id)

    def _line(self, asker: str, service: str, region: str) -> Line:
        """Return the line for all questions of this pass to one account, service and region."""
        with self._lock:
            wanted = (asker, service, region)
            if wanted not in self._lines:
                self._lines[wanted] = self._doors.line(*wanted)
            return self._lines[wanted]


def _unasked(line: Line, thing: Thing) -> list[Call]:
    said = f"account {thing.account_id} was not entered, and only there it can be asked about {thing.name}"
    return [line.failed(_FIRST[line.service], NOT_ENTERED, said, resource=thing.name)]
