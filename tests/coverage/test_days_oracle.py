"""Days of delivery against the minute-by-minute reading, over random lives of a flow log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import event as happened
from hypothesis import strategies as st

from auditkit.coverage import Reading, days
from auditkit.model.tables import NEVER
from tests.coverage.made import ACCOUNT, BUCKET, START, bucket, event, flow_log, interface, tallies, unread, world
from tests.oracles.delivery import DAY, LONG, Case, rows
from tests.oracles.effort import bounded

DAYS = 3


@st.composite
def cases(draw: Any) -> Case:
    """A flow log that speaks in some stretches, and what is known of it."""
    step = draw(st.sampled_from([5, 5, 10, 15, 20, 25]))
    slots: set[int] = set()
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.integers(0, DAYS * 288 + 2)) * 5
        end = begin + draw(st.sampled_from([5, 60, 300, 1000, 1440, 3000, 4400]))
        slots |= set(range(begin, min(end, DAYS * DAY + 15), step))
    moment = st.sampled_from([0, 7, 1439, 1440, 1441, 2000, 2875, 2880, 4000, 4310, 4319, 4320])
    case = Case(
        days=DAYS,
        now=draw(st.sampled_from([30, 700, 2881, 2920, 4300, 4325, 4351, 4500, 6000, 20000])),
        slots=slots,
        created=draw(st.one_of(st.just(-LONG), st.none(), moment)),
        interval=draw(st.sampled_from([60, 600])),
        used=draw(st.one_of(st.just(-LONG), st.none(), moment)),
        listed=draw(st.sampled_from([True, True, False])),
        kept=draw(st.sampled_from([LONG, LONG, 1, 2, 3, None])),
        unlisted=draw(st.sets(st.integers(0, DAYS - 1), max_size=2)),
        one_action=draw(st.sampled_from([False, False, True])),
    )
    case.slots = {s for s in case.slots if s <= case.now}
    return case


def judged(case: Case) -> dict[int, tuple[str | None, int | None, int]]:
    """What the program says: day → state, gap minutes, expected minutes."""

    def at(m: int) -> Any:
        return START + timedelta(minutes=max(m, -(10**6)))

    log = flow_log(
        creation_time=None if case.created is None else at(case.created),
        max_aggregation_interval=case.interval,
        traffic_type="REJECT" if case.one_action else "ALL",
    )
    by_day: dict[Any, set[int]] = {}
    for slot in case.slots:
        by_day.setdefault(at(slot).date(), set()).add(slot % DAY // 5)
    inventory = world(
        log,
        as_of=at(case.now),
        network_interfaces=() if case.used is None else (interface(attach_time=at(case.used)),),
        destinations=(bucket(retention_days=NEVER if case.kept == LONG else case.kept),),
        unread=() if case.listed else (unread("network_interfaces"),),
    )
    folders = (f"AWSLogs/{ACCOUNT}/vpcflowlogs/eu-central-1/{at(d * DAY):%Y/%m/%d}/" for d in case.unlisted)
    reading = Reading(unlisted=tuple(unread("flow_records", f"s3://{BUCKET}/{folder}") for folder in folders))
    found = days(inventory, tallies(by_day), (START, START + timedelta(days=case.days)), reading)
    return {(r.day - START).days: (r.state, r.gap_minutes, r.expected_minutes) for r in found}


@given(cases())
@bounded(120)
def test_every_day_is_what_its_minutes_say(case):
    want = {day: (r.state, r.gap, r.expected) for day, r in rows(case).items()}
    for state, _, _ in want.values():
        happened(state)
    assert judged(case) == want


@given(cases(), st.integers(0, DAYS - 1))
@bounded(60)
def test_what_could_not_be_listed_hides_and_never_clears(case, day):
    """A refusal makes a day unknown, or changes nothing."""
    # A key of before its creation stretches the first silence by minutes, and hiding it mends that.
    assume(not case.created or min(case.slots, default=case.created) >= case.created)
    before = judged(case)
    less = Case(
        **{**case.__dict__, "unlisted": {*case.unlisted, day}, "slots": {s for s in case.slots if s // DAY != day}}
    )
    for one, (state, _, _) in judged(less).items():
        if one == day:
            assert state in ("unknown", "pending", before.get(one, ("unknown",))[0]) or not any(
                s // DAY == day for s in case.slots
            )
        if state in ("whole", "idle") and one in before and before[one][0] not in ("whole", "idle"):
            assert before[one][0] in ("expired", "pending", "unknown"), (one, before[one], state)


@given(cases())
@bounded(60)
def test_a_missing_object_never_makes_a_day_better(case):
    """Taking keys away cannot make whole what was none."""
    before = judged(case)
    fewer = Case(**{**case.__dict__, "slots": {s for s in case.slots if s % 7 != 0}})
    for one, (state, _, _) in judged(fewer).items():
        if state == "whole" and one in before:
            assert before[one][0] in ("whole", "unknown"), (before[one], state)


def test_a_deletion_that_cloudtrail_tells_ends_what_is_due():
    """The same, of a flow log that is only in keys, on what an earlier run had seen."""
    case = Case(days=DAYS, now=20000, slots=set(range(0, 2000, 10)), gone=2005)
    want = {day: (r.state, r.gap, r.expected) for day, r in rows(case).items()}
    by_day = {(START + timedelta(days=d)).date(): {s % DAY // 5 for s in case.slots if s // DAY == d} for d in range(2)}
    inventory = world(
        as_of=START + timedelta(minutes=case.now),
        flow_log_events=(event("DeleteFlowLogs", START + timedelta(minutes=2005), "fl-1"),),
    )
    period = (START, START + timedelta(days=DAYS))
    found = days(inventory, tallies(by_day), period, earlier=(flow_log(),))
    assert {(r.day - START).days: (r.state, r.gap_minutes, r.expected_minutes) for r in found} == want
    assert [r.state for r in found] == ["whole", "whole"]
