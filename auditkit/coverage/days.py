"""Flow logs × days: did something of each arrive, all day, every day? Told from object keys and log streams alone (pure).

What AWS says of delivery, and what follows from it (Amazon VPC User Guide, "Flow log records", "Flow log files",
"Troubleshoot VPC Flow Logs"; CloudWatch Logs API Reference, LogStream; Amazon S3 User Guide, "Expiring objects"):

- Objects are published every five minutes. An object's slot, in its name, is the start of the five minutes in which its
  records *end*. There can be several in a slot; one is all that can be asked for.
- An interface that has nothing to tell tells that (NODATA), once in each aggregation interval. So between two slots of
  a flow log with something in use lie at most the interval and a slot, and `SLACK`, since times are up to a minute off.
  A longer hole is a gap. Holes are followed over midnight; each day bears its share, where that is longer than normal
  too, or no share is. A flow log of one action only may have nothing to tell for long: its holes are `unknown`.
- Records are late by ten to fifteen minutes, and the first of a new flow log, or of a new interface, need as long:
  something is due from `STARTUP` after both exist, until `LATENESS` before the end of collecting. What is younger makes
  the day `pending`.
- After a flow log was deleted nothing is due. Its id lives on in keys. Where neither CloudTrail nor the API tells when
  it was created or deleted, the days from its first to its last key count, and the rest of these two is `unknown`.
- A hole before the first key of a flow log may have been filled once: older than the destination keeps things it is
  `expired`, not a gap; where that is not known, `unknown`.
- Where nothing is in use nothing is due. The inventory tells since when an interface is attached, and nothing of those
  that have gone. So a day without anything is `idle` only while the flow log has not spoken in the period and nothing
  of today's was attached; once it has spoken, a silence for which nothing in use can be named is `unknown`.
- A log group's streams tell the first and last event. Days before and after them were empty; the days between may be
  whole or not, which is `unknown`: streams never make a day `whole`. What lies behind a delivery stream is not listed.

`whole` means that something came all day, never that nothing is missing: no key tells of a record that was not written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from auditkit.coverage.doubts import Doubts, Reading
from auditkit.coverage.lives import DAY, Life, first_minute, lives, moment
from auditkit.coverage.silences import STARTUP, Part, Silences, Span
from auditkit.coverage.streams import Streams
from auditkit.coverage.uses import SLOT, Use, Uses, minute
from auditkit.model.delivery import Delivery, Tally
from auditkit.model.flow_logs import FlowLog
from auditkit.model.inventory import Inventory
from auditkit.model.tables import NEVER

LATENESS = 30
"""Minutes before the end of collecting for which objects may still be under way."""
LATENESS_OF_STREAMS = 180
"""Likewise for log groups, the times of whose streams lag behind."""
LAST_WORDS = 60
"""Minutes after its deletion in which objects of a flow log may still have their slots."""
LONGEST_INTERVAL = 600
"""Seconds over which a flow log of which nothing else is known may aggregate."""

_ORDER = ("gap", "unknown", "expired", "pending", "between", "idle")
"""What decides the state of a day: the first that occurs in it."""
_EVERYTHING = Reading()


def days(
    inventory: Inventory,
    tallies: Iterable[Tally],
    period: tuple[datetime, datetime],
    reading: Reading = _EVERYTHING,
    earlier: Sequence[FlowLog] = (),
    uses: Uses | None = None,
) -> tuple[Delivery, ...]:
    """Judge every flow log on every UTC day of the period that has begun; see the head of this module.

    Args:
        inventory: with `delivers` filled in or not.
        tallies: what keys say.
        period: start and exclusive end, UTC.
        reading: what was listed, and what could not be.
        earlier: flow logs as earlier runs saw them: they tell what those that are gone were on.
        uses: the inventory's index, where it was made before.

    Returns:
        Rows sorted by account, region, id and day; none for days before a flow log was created or after it was deleted.
    """
    uses = uses or Uses(inventory, (log.resource_id for log in earlier))
    known = list(tallies)
    judge = _Judge(inventory, uses, Doubts(inventory, reading, known), period)
    out = [
        row
        for life in lives(inventory, uses, known, period[0], earlier)
        if reading.place(life.account_id, life.region)
        for row in judge.rows(life)
    ]
    return tuple(sorted(out, key=lambda r: (r.account_id, r.region, r.flow_log_id, r.day)))


class _Judge:
    def __init__(self, inventory: Inventory, uses: Uses, doubts: Doubts, period: tuple[datetime, datetime]) -> None:
        self._uses, self._doubts = uses, doubts
        self._streams = Streams(inventory, uses)
        self._destinations = {d.log_destination: d for d in inventory.destinations}
        self._tags = {a.account_id: a.account_tags for a in inventory.accounts}
        self._start, self._end, self._now = minute(period[0]), minute(period[1]), minute(inventory.as_of)

    def rows(self, life: Life) -> Iterator[Delivery]:
        """Judge one flow log, day by day."""
        late = self._now - (LATENESS_OF_STREAMS if life.log and life.log.log_group else LATENESS)
        silences = self._silences(life, late)
        parts: dict[int, list[Part]] = defaultdict(list)
        for part in silences.parts():
            parts[part.begin // DAY].append(part)
        arrived: dict[int, list[Tally]] = defaultdict(list)
        for tally in life.tallies:
            arrived[first_minute(tally.day) // DAY].append(tally)
        until = min(self._end, self._end if life.gone is None else life.gone)
        for day in range(self._start // DAY, -(-min(self._end, self._now) // DAY)):
            end = (day + 1) * DAY
            pending = late < min(end, until) and _began(life, silences) < min(end, until) and not _ended(life)
            if _too_late(life, day * DAY):
                continue
            if arrived[day] or parts[day] or pending:
                yield self._row(silences, day * DAY, parts[day], arrived[day], pending=pending)

    def _row(
        self, silences: Silences, begin: int, parts: list[Part], arrived: list[Tally], *, pending: bool
    ) -> Delivery:
        life, end = silences.life, begin + DAY
        state, reason = _state(silences, begin, parts, arrived=bool(arrived), pending=pending)
        minutes = {kind: sum(p.end - p.begin for p in parts if p.kind == kind) for kind in ("idle", "gap")}
        due = max(0, min(end, silences.hi) - max(begin, silences.lo))
        most = max(arrived, key=lambda t: (t.objects, t.bucket), default=None)  # a copy is no second object
        first, last = _ends(silences, begin, arrived)
        vpc_id = self._uses.vpc_of(life.resource_id)
        vpc = self._uses.vpcs.get(vpc_id or "")
        return Delivery(
            flow_log_id=life.flow_log_id,
            day=moment(begin),
            account_id=life.account_id,
            region=life.region,
            in_api=life.in_api,
            resource_id=life.resource_id,
            vpc_id=vpc_id,
            log_destination=life.log.log_destination if life.log else f"s3://{life.bucket}" if life.bucket else "",
            log_destination_type=life.log.log_destination_type if life.log else "s3" if life.tallies else "",
            state=state,
            objects=most.objects if most else 0,
            bytes=most.bytes if most else 0,
            first=first,
            last=last,
            expected_minutes=max(0, due - minutes["idle"]),
            gap_minutes=minutes["gap"] if state in ("whole", "gap", "idle") else None,
            reason=reason,
            vpc_tags={} if vpc_id == "" else vpc.vpc_tags if vpc else None,
            account_tags=self._tags.get(life.account_id),
        )

    def _silences(self, life: Life, late: int) -> Silences:
        log = life.log
        destination = self._destinations.get(log.log_destination) if log else None
        absent = destination is not None and destination.exists is False
        kept = destination.retention_days if destination else None
        lo, hi = self._due(life, min(self._end, late))
        out = Silences(
            life=life,
            lo=lo,
            hi=hi,
            use=self._uses.of(life.resource_id) if life.resource_id else Use(None, known=False),
            interval=log.max_aggregation_interval if log else LONGEST_INTERVAL,
            # Nothing expires in less than a day.
            kept_since=0 if absent or kept == NEVER else self._now - (1 if kept is None else kept) * DAY,
            retention_known=kept is not None,
            absent=absent,
            partial=(log.traffic_type or "one kind of traffic") if log and log.traffic_type != "ALL" else "",
            doubts={} if absent else self._doubts.of(life),
        )
        if log is not None and log.log_group and not absent:
            self._listen(log, out)
        return out

    def _due(self, life: Life, end: int) -> tuple[int, int]:
        """From when to when something is due."""
        lo = max(self._start, life.created + STARTUP if life.created else 0)
        hi = end if life.gone is None else min(end, life.gone)
        if life.log is None and life.slots:  # nothing may tell when it began or ended: with its first and last key
            lo = max(lo, life.slots[0] // DAY * DAY) if life.created is None else lo
            hi = min(hi, (life.slots[-1] // DAY + 1) * DAY) if _ended(life) else hi
        return lo, hi

    def _listen(self, log: FlowLog, out: Silences) -> None:
        heard = self._streams.of(log)
        out.streams = True
        if heard is None or (heard.last is None and not heard.whole):
            out.doubts = {None: "the streams of its log group were not listed"}
        elif heard.last is not None:
            out.span = Span(heard.first, heard.last, heard.whole)


def _began(life: Life, silences: Silences) -> int:
    """When it existed at the latest."""
    if life.created is not None:
        return life.created
    return life.slots[0] if life.log is None and life.slots else silences.lo


def _ended(life: Life) -> bool:
    """It has gone, and nothing tells when."""
    return life.in_api is False and life.gone is None


def _too_late(life: Life, begin: int) -> bool:
    """It was deleted before the day, and what it had said until then came after midnight."""
    return life.gone is not None and life.gone <= begin and (not life.slots or life.slots[-1] < life.gone + LAST_WORDS)


def _state(silences: Silences, begin: int, parts: Sequence[Part], *, arrived: bool, pending: bool) -> tuple[str, str]:
    """Return the state of a day, and why."""
    life = silences.life
    if arrived and life.created is not None and begin + DAY <= life.created:
        return "unknown", "keys of it are older than its creation"
    if arrived and life.gone is not None and begin >= life.gone:
        return "unknown", "keys of it are younger than its deletion"
    kinds = {p.kind for p in parts} | ({"pending"} if pending else set())
    kind = next((k for k in _ORDER if k in kinds), "whole")
    mine = [p for p in parts if p.kind == kind]
    match kind:
        case "whole":
            return kind, ""
        case "idle" if arrived:
            return "whole", ""
        case "pending":
            return kind, "part of the day is too young: something may still be under way"
        case "gap":
            return kind, _gaps(mine)
        case _:
            return "unknown" if kind == "between" else kind, mine[0].reason


def _gaps(parts: Sequence[Part]) -> str:
    told = [f"{_clock(p.begin)} to {_clock(p.end, end=True)}" for p in parts]
    more = f" and {len(told) - 3} more times" if len(told) > 3 else ""
    return f"nothing from {', '.join(told[:3])}{more}" + (f": {parts[0].reason}" if parts[0].reason else "")


def _clock(at: int, *, end: bool = False) -> str:
    return "24:00" if end and at % DAY == 0 else f"{moment(at):%H:%M}"


def _ends(silences: Silences, begin: int, arrived: Sequence[Tally]) -> tuple[datetime | None, datetime | None]:
    """The first and last arrival of a day."""
    if silences.span is not None:
        ends = [e for e in (silences.span.first, silences.span.last) if e and begin <= minute(e) < begin + DAY]
        return (ends[0], ends[-1]) if ends else (None, None)
    slots = [s for t in arrived for s in (t.slots[0], t.slots[-1])]
    return (moment(begin + SLOT * min(slots)), moment(begin + SLOT * max(slots))) if slots else (None, None)
