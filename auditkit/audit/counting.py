"""Log objects counted where they lie, by their keys: for a plan, nothing is kept and nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from auditkit.audit.ahead import ahead
from auditkit.audit.options import Tick
from auditkit.audit.scoping import Days, Scoping
from auditkit.model.records import LogObject
from auditkit.sources import LOGS, Answer, Source, Unit

_LEAST = 2
"""Requests for a stream's day: the last page is asked for twice, to be told that nothing follows."""
_PAGE = 1_000_000
"""Bytes of a page of events (CloudWatch Logs API Reference, GetLogEvents)."""


@dataclass
class Counted:
    """Log objects, counted by their keys."""

    objects: int = 0
    """Objects."""
    bytes: int = 0
    """Their size as stored."""
    foreign: int = 0
    """Keys that are no log object's."""
    listings: int = 0
    """Requests that listing keys took, and will take again."""
    calls: Counter[str] = field(default_factory=Counter)
    """service:Operation → requests beside these that listing took, and that reading log groups will take at least."""
    in_buckets: Counter[str] = field(default_factory=Counter)
    """Bucket → bytes."""
    remote: int = 0
    """Objects that lie in buckets."""
    left: int = 0
    """Objects that a sample leaves."""
    failed: list[str] = field(default_factory=list)
    """What could not be listed."""


def count(
    sources: Sequence[Source],
    days: Days,
    scoping: Scoping,
    tick: Tick,
    drawn: Callable[[LogObject], bool] = lambda _: True,
) -> Counted:
    """List the keys, and keep nothing but their number; those that are not `drawn` are counted apart."""
    counted = Counted()
    wanted = days.days(scoping.clock)

    def one(unit: Unit) -> tuple[Unit, Answer, Counter[str], tuple[int, ...]]:
        sizes: Counter[str] = Counter()
        seen, streams = [0, 0, 0], [0]

        def put(objects: Sequence[LogObject]) -> None:
            there = [obj for obj in objects if days.holds(obj) and scoping.holds(obj)]
            read = list(filter(drawn, there))
            for obj in read:
                away = obj.uri.startswith("s3://")
                sizes[obj.uri.split("/")[2] if away else ""] += obj.size
                seen[0] += 1
                seen[1] += away
                streams[0] += obj.uri.startswith(LOGS)
            seen[2] += len(there) - len(read)

        answer = unit.ask(put)
        events = _LEAST * streams[0] + answer.estimated // _PAGE
        return unit, answer, sizes, (*seen, events)

    def ask(source: Source, units: Sequence[Unit]) -> Iterator[tuple[Unit, Answer]]:
        for unit, answer, sizes, (objects, remote, left, events) in ahead(
            (partial(one, unit) for unit in units), source.threads
        ):
            counted.objects += objects
            counted.remote += remote
            counted.left += left
            counted.bytes += sizes.total() + answer.estimated
            counted.calls["logs:GetLogEvents"] += events
            counted.in_buckets.update({bucket: size for bucket, size in sizes.items() if bucket})
            counted.foreign += answer.foreign
            if source.listing == "logs:DescribeLogStreams":
                counted.calls[source.listing] += answer.requests
            else:
                counted.listings += answer.requests
            counted.failed += [f"log objects in {u.resource} ({u.call}: {u.error})" for u in answer.unread]
            yield unit, answer

    for source in sources:
        found = {unit.name: answer.inside for unit, answer in ask(source, source.probes())}
        units = source.units(wanted, found)
        for done, _ in enumerate(ask(source, units), 1):
            tick("folders of log objects listed", done, len(units))
    return counted


def elsewhere(sources: Sequence[Source], counted: Counted, home: str) -> tuple[int, list[str]]:
    """Bytes in buckets of another region than the caller's; of those that do not say theirs, counted as such."""
    regions = {bucket: region for source in sources for bucket, region in getattr(source, "regions", {}).items()}
    unsaid = [b for b in sorted(counted.in_buckets) if b not in regions]
    away = sum(size for bucket, size in counted.in_buckets.items() if regions.get(bucket) != home)
    return away, [f"the region of bucket {b}: its bytes are priced as if it were not {home}" for b in unsaid]
