"""The days of one flow log in a bucket, minute by minute and slowly.

Nothing here is shared with `auditkit.coverage`: every minute of the period is asked what it has, what it was due, and
what explains its silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field

DAY = 1440
LONG = 10**9


@dataclass
class Case:
    """What is so. Minutes are counted from the period's first."""

    days: int  # of the period
    now: int
    slots: set[int] = field(default_factory=set)  # minutes at which a slot with an object begins
    created: int | None = -LONG
    gone: int | None = None  # deleted, and CloudTrail tells
    interval: int = 600
    used: int | None = -LONG  # since when something is attached; None for nothing
    listed: bool = True  # whether all interfaces were
    kept: int | None = LONG  # days
    unlisted: set[int] = field(default_factory=set)  # days whose keys were refused
    one_action: bool = False


@dataclass
class Row:
    """What must be said of a day."""

    state: str
    gap: int | None
    expected: int


def rows(case: Case) -> dict[int, Row]:  # noqa: C901, PLR0912 - one question after the other
    """Day → what must be said."""
    length = case.days * DAY
    born = 0 if case.created is None else max(0, case.created + 15)
    due = [born <= m < min(length, case.now - 30, LONG if case.gone is None else case.gone) for m in range(length)]
    has = {m + more for m in case.slots for more in range(5)}
    usual = case.interval // 60 + 10

    def hole_around(m: int) -> tuple[int, int, bool]:
        """First minute and the one after the last of the silence around a minute, and whether it has no key before."""
        first = max((h for h in has if h < m), default=None)
        then = min((h for h in has if h > m), default=None)
        begin = due.index(True) if first is None else first + 1
        end = length - due[::-1].index(True) if then is None else then
        return begin, end, first is None

    why: dict[int, str] = {}
    hole_of: dict[int, int] = {}
    known: dict[int, tuple[int, int, bool]] = {}
    for m in range(length):
        if not due[m] or m in has:
            continue
        if m - 1 in hole_of:
            hole_of[m] = hole_of[m - 1]
        else:
            hole_of[m] = m
            known[m] = hole_around(m)
        begin, end, leading = known[hole_of[m]]
        if end - begin > usual:
            why[m] = explain(case, m, leading=leading)
    shares: dict[tuple[int, int], dict[str, int]] = {}
    for hole in set(hole_of.values()):
        mine = [m for m in why if hole_of[m] == hole]
        stretches: list[list[int]] = []
        for m in sorted(mine):
            same = stretches and stretches[-1][-1] == m - 1 and m % DAY and why[m - 1] == why[m]
            if same:
                stretches[-1].append(m)
            else:
                stretches.append([m])
        long = [s for s in stretches if len(s) > usual] or stretches
        for s in long:
            kinds = shares.setdefault((s[0] // DAY, 0), {})
            kind = why[s[0]].partition(":")[0]
            kinds[kind] = kinds.get(kind, 0) + len(s)
    out: dict[int, Row] = {}
    for day in range(case.days):
        if day * DAY >= case.now:
            break
        row = of_day(case, day, shares.get((day, 0), {}), sum(due[day * DAY : (day + 1) * DAY]))
        if row is not None:
            out[day] = row
    return out


def explain(case: Case, m: int, *, leading: bool) -> str:
    """What a silent minute was: a word, and what tells stretches of it apart."""
    if case.created is None and leading:
        return "unknown:created"
    if m // DAY in case.unlisted:
        return "unknown:listing"
    if leading and m < case.now - (1 if case.kept is None else case.kept) * DAY:
        return "unknown:lifecycle" if case.kept is None else "expired"
    if case.used is not None and m >= case.used + 15:
        return "unknown:action" if case.one_action else "gap"
    if not case.listed:
        return "unknown:interfaces"
    return "idle" if leading else "unknown:spoke"


def of_day(case: Case, day: int, kinds: dict[str, int], due: int) -> Row | None:
    """The day's row, or None for a day of which nothing is to be said."""
    begin, end = day * DAY, (day + 1) * DAY
    arrived = any(begin <= s < end for s in case.slots)
    created = -LONG if case.created is None else case.created
    until = min(end, case.days * DAY, LONG if case.gone is None else case.gone)
    pending = case.now - 30 < until and max(created, 0 if case.created is None else created) < until
    if case.gone is not None and case.gone <= begin and max(case.slots, default=-LONG) < case.gone + 60:
        return None
    if not (arrived or kinds or pending):
        return None
    expected = due - kinds.get("idle", 0)
    if arrived and (end <= created or (case.gone is not None and case.gone <= begin)):
        return Row("unknown", None, expected)
    for kind in ("gap", "unknown", "expired"):
        if kind in kinds:
            return Row(kind, kinds["gap"] if kind == "gap" else None, expected)
    if pending:
        return Row("pending", None, expected)
    return Row("idle" if "idle" in kinds and not arrived else "whole", 0, expected)
