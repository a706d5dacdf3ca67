"""Delivery as a calendar: for each flow log a strip of days, the ones that need attention first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from auditkit.model.delivery import DELIVERY_STATES

TROUBLE = ("gap", "unknown", "expired", "pending", "idle", "whole")
"""States, the one that needs attention first in front."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring days of one state."""

    state: str
    """A delivery state, or empty where nothing was due: not yet created, or gone."""
    at: int
    """The first day's number in the calendar, from 0."""
    days: int
    """How many."""


@dataclass(frozen=True, slots=True)
class Strip:
    """One flow log through the period."""

    flow_log_id: str
    """Flow log id."""
    account_id: str
    """Its owner."""
    region: str
    """Its region."""
    resource_id: str
    """What it is on; empty where only keys are left of it."""
    destination: str
    """Where it writes."""
    gone: bool
    """DescribeFlowLogs does not show it any more."""
    runs: tuple[Run, ...]
    """Its days."""
    counts: Mapping[str, int]
    """State → days, in the order of TROUBLE."""
    gap_minutes: int
    """Minutes for which nothing came, of all days."""
    reason: str
    """Why its first troubled day is not whole."""

    @property
    def said(self) -> str:
        """Read the strip aloud: 2026-07-03 to … is the calendar's to say."""
        return ", ".join(f"{n} {'day' if n == 1 else 'days'} {state}" for state, n in self.counts.items())


@dataclass(frozen=True, slots=True)
class Calendar:
    """All flow logs through the period."""

    days: tuple[date, ...]
    """The UTC days, in order."""
    ticks: tuple[tuple[int, str], ...]
    """Day number and what to write under it."""
    totals: Mapping[str, int]
    """State → flow-log-days, in the order of DELIVERY_STATES."""
    troubled: Sequence[Strip]
    """Flow logs with a day that is not whole, the worst first."""
    sound: int
    """Flow logs whole on every day."""


def calendar(rows: Iterable[Mapping[str, Any]]) -> Calendar | None:
    """Arrange the delivery table's rows; None where there are none."""
    by_log: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        by_log.setdefault((row["account_id"], row["region"], row["flow_log_id"]), []).append(row)
    if not by_log:
        return None
    seen = {_day(row["day"]) for mine in by_log.values() for row in mine}
    first, last = min(seen), max(seen)
    days = tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
    strips = [_strip(mine, first) for mine in by_log.values()]
    totals: Counter[str] = Counter()
    for strip in strips:
        totals.update(strip.counts)
    troubled = [s for s in strips if set(s.counts) != {"whole"}]
    return Calendar(
        days,
        _ticks(days),
        {state: totals[state] for state in DELIVERY_STATES if totals[state]},
        sorted(troubled, key=_worst),
        len(strips) - len(troubled),
    )


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])


def _strip(rows: list[Mapping[str, Any]], first: date) -> Strip:
    by_day = {(_day(r["day"]) - first).days: r for r in rows}
    numbers = range(min(by_day), max(by_day) + 1)
    states = [(n, by_day[n]["state"] if n in by_day else "") for n in numbers]
    runs = []
    for state, some in groupby(states, key=lambda one: one[1]):
        mine = [n for n, _ in some]
        runs.append(Run(state, mine[0], len(mine)))
    counted = Counter(r["state"] for r in rows)
    worst = next((s for s in TROUBLE if counted[s]), "whole")
    one = rows[0]
    return Strip(
        one["flow_log_id"],
        one["account_id"],
        one["region"],
        one.get("resource_id") or "",
        one.get("log_destination") or "",
        one.get("in_api") is False,
        tuple(runs),
        {s: counted[s] for s in TROUBLE if counted[s]},
        sum(r.get("gap_minutes") or 0 for r in rows),
        next((r["reason"] for _, r in sorted(by_day.items()) if r["state"] == worst and r.get("reason")), ""),
    )


def _worst(strip: Strip) -> tuple[Any, ...]:
    return (
        *(-strip.counts.get(state, 0) for state in TROUBLE[:-1]),
        strip.account_id,
        strip.region,
        strip.flow_log_id,
    )


def _ticks(days: Sequence[date]) -> tuple[tuple[int, str], ...]:
    """Write the month where it begins in a long calendar, some days in a short one."""
    if len(days) > 45:
        return tuple((n, f"{d:%b}") for n, d in enumerate(days) if d.day == 1 or (n == 0 and d.day < 20))
    step = max(1, -(-len(days) // 6))
    return tuple((n, f"{d.day} {d:%b}") for n, d in enumerate(days) if n % step == 0)
