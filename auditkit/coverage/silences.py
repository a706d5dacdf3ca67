"""What the holes in the arrivals of one flow log are: gaps, or something else that explains them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from auditkit.coverage.lives import DAY, Life
from auditkit.coverage.uses import SLOT, Hole, Use, holes, minute

STARTUP = 15
"""Minutes that a new flow log, or a new interface, needs until its first object."""
SLACK = 5
"""Minutes by which a hole may be longer than the aggregation interval and a slot."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a hole, on one day."""

    begin: int
    """First minute, since 1970."""
    end: int
    """The minute after the last."""
    kind: str
    """gap, unknown, expired, idle; or between: inside of what streams span."""
    reason: str = ""
    """Why it is so, where that is not plain."""


@dataclass(frozen=True, slots=True)
class Span:
    """First and last event of a log group's streams."""

    first: datetime | None
    """First event."""
    last: datetime
    """Last event."""
    whole: bool
    """Whether all streams were listed: else something may be older than the first."""


@dataclass(kw_only=True)
class Silences:
    """One flow log, what is known about it, and what follows for each hole. Moments are minutes since 1970."""

    life: Life
    """From when to when it lived."""
    lo: int
    """First minute for which something is due."""
    hi: int
    """The minute after the last."""
    use: Use
    """Since when there was something that could speak."""
    interval: int
    """Seconds over which it aggregates."""
    kept_since: int = 0
    """What is older may have expired; 0 where nothing does."""
    retention_known: bool = True
    """Whether that is what the destination is set to, and not a guess."""
    absent: bool = False
    """Its destination does not exist."""
    partial: str = ""
    """The one action that it logs: none of it may have happened."""
    doubts: Mapping[int | None, str] = field(default_factory=dict)
    """Day since 1970, or None for all → why not everything that arrived is known."""
    streams: bool = False
    """It writes to a log group."""
    span: Span | None = None
    """What the streams of the log group tell; None for an empty one."""

    @property
    def tolerance(self) -> int:
        """Minutes for which nothing may come."""
        return self.interval // 60 + SLOT + SLACK

    @property
    def _used(self) -> int:
        since = self.use.since
        return self.hi if since is None else since + STARTUP if since else 0

    def parts(self) -> Iterator[Part]:
        """Cut the holes at midnights, and where something else comes to be known."""
        cuts = {self.kept_since, self._used}
        for hole in self._holes() if self.lo < self.hi else ():
            midnights = range(-(-hole.begin // DAY) * DAY, hole.end, DAY)
            edges = sorted({hole.begin, hole.end, *midnights, *(c for c in cuts if hole.begin < c < hole.end)})
            pieces = _joined(Part(begin, end, *self._kind(hole, begin, end)) for begin, end in pairwise(edges))
            # A day's share, or what one reason explains, may be no longer than normal: the rest of the hole is told.
            yield from [p for p in pieces if p.end - p.begin > self.tolerance] or pieces

    def _holes(self) -> Iterator[Hole]:
        if not self.streams:
            yield from holes(self.life.came, self.lo, self.hi, self.tolerance)
            return
        if self.span is None:
            yield Hole(self.lo, self.hi, leading=True)
            return
        first = minute(self.span.first) if self.span.first and self.span.whole else self.lo
        last = min(max(minute(self.span.last) + 1, self.lo), self.hi)
        begun = min(max(first, self.lo), last)
        begun = begun if begun - self.lo > self.tolerance else self.lo
        last = last if self.hi - last > self.tolerance else self.hi
        for begin, end, leading in ((self.lo, begun, True), (begun, last, False), (last, self.hi, False)):
            if begin < end:
                yield Hole(begin, end, leading)

    def _kind(self, hole: Hole, begin: int, end: int) -> tuple[str, str]:
        """Say what a part of a hole is, and why."""
        if self.span is not None and not hole.leading and begin <= minute(self.span.last):
            return "between", "streams tell the first and last event, not whether all between came"
        doubt = self._unlived(hole, begin) or self.doubts.get(None) or self.doubts.get(begin // DAY)
        if doubt:
            return "unknown", doubt
        if hole.leading and end <= self.kept_since:
            if self.retention_known:
                return "expired", "older than its destination keeps anything"
            return "unknown", "how long its destination keeps things was not read"
        return self._silent(hole, begin)

    def _unlived(self, hole: Hole, begin: int) -> str:
        life = self.life
        if life.created is None and hole.leading:
            return "nothing tells when it was created"
        if life.in_api is not True and life.gone is None and (not life.slots or begin > life.slots[-1]):
            return (
                "nothing tells when it was deleted" if life.in_api is False else "nothing tells whether it still exists"
            )
        return ""

    def _silent(self, hole: Hole, begin: int) -> tuple[str, str]:
        """Say what it is when nothing came, nothing has expired and nothing is hidden."""
        if begin >= self._used:
            if self.partial and not self.absent:
                return "unknown", f"it logs {self.partial} only, and none may have happened"
            return "gap", "its destination does not exist" if self.absent else ""
        if not self.use.known:
            what = (
                "whether anything was in use there was not read"
                if self.life.resource_id
                else "what it was on is not known"
            )
            return "unknown", what
        if not hole.leading:
            return "unknown", "it had spoken before, and nothing that is there now was in use yet"
        return "idle", "nothing was in use"


def _joined(pieces: Iterable[Part]) -> list[Part]:
    """Join neighbours of one day that are the same."""
    out: list[Part] = []
    for piece in pieces:
        last = out[-1] if out else None
        if last and (last.begin // DAY, last.kind, last.reason) == (piece.begin // DAY, piece.kind, piece.reason):
            out[-1] = Part(last.begin, piece.end, piece.kind, piece.reason)
        else:
            out.append(piece)
    return out
