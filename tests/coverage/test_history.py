"""Whether what is so today was so all through the period: proven, refuted, or left open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import event as happened
from hypothesis import given
from hypothesis import strategies as st

from auditkit.config.schema import Baseline
from auditkit.coverage import History, Reading, days, judge, with_delivery
from auditkit.model.flow_logs import FlowLog
from auditkit.model.inventory import Inventory, Subnet
from tests.coverage.made import (
    ACCOUNT,
    AS_OF,
    LONG_AGO,
    PERIOD,
    REGION,
    at,
    event,
    flow_log,
    interface,
    keys,
    streams,
    to_group,
    unread,
    world,
)
from tests.oracles.effort import bounded

ALL = (at(1), at(4))
TOLD = {"events_since": {(ACCOUNT, REGION): at(1)}}
"""The event history was read from the start of the period."""


def period(
    inventory: Inventory,
    known: Any = (),
    earlier: Any = (),
    baselines: Any = (Baseline("default"),),  # noqa: B008 - a frozen dataclass
    kind: str = "vpc",
) -> str:
    """The period state of the first resource of a kind."""
    inventory = with_delivery(inventory, {})
    rows = days(inventory, known, PERIOD, earlier=earlier)
    history = History(inventory, rows, PERIOD, earlier=earlier)
    found = next(c for c in judge(inventory, baselines, {}, PERIOD, history=history) if c.resource_type == kind)
    return found.period_state


def test_a_flow_log_older_than_the_period_that_delivered_every_day_is_whole():
    assert period(world(flow_log()), keys(ALL)) == "whole"
    assert period(world(flow_log()), keys(ALL), kind="network-interface") == "whole"
    assert period(world(flow_log(), network_interfaces=())) == "whole"  # idle all through


def test_being_older_is_no_proof_of_delivery():
    inventory = with_delivery(world(flow_log()), {})
    assert judge(inventory, (Baseline("default"),), {}, PERIOD)[-1].period_state == "unknown"
    blind = world(flow_log(), network_interfaces=(), unread=(unread("network_interfaces"),))
    assert period(blind) == "unknown"


def test_a_gap_is_partial():
    known = keys((at(1), at(2)), (at(3), at(4)))
    assert period(world(flow_log()), known) == "partial"
    assert period(world(flow_log()), known, kind="network-interface") == "unknown"


def test_a_gap_beside_another_flow_log_that_delivered_is_whole():
    other = flow_log(flow_log_id="fl-2")
    assert period(world(flow_log(), other), [*keys((at(1), at(2))), *keys(ALL, log="fl-2")]) == "whole"


def test_two_that_may_have_taken_turns_are_open():
    other = flow_log(flow_log_id="fl-2")
    known = [*keys((at(1), at(2, "12:00")), (at(3), at(4))), *keys((at(1), at(2)), (at(2, "12:00"), at(4)), log="fl-2")]
    assert period(world(flow_log(), other), known) == "unknown"


def test_a_gap_that_one_since_deleted_may_have_filled_is_open():
    known = [*keys((at(1), at(2)), (at(3), at(4))), *keys(ALL, log="fl-gone")]
    assert period(world(flow_log()), known) == "unknown"


def test_days_that_are_unknown_expired_or_pending_prove_nothing():
    assert period(world(to_group(), log_streams=(streams(("eni-1-all", LONG_AGO, AS_OF)),))) == "unknown"
    assert period(replace(world(flow_log()), as_of=at(3, "12:00")), keys((at(1), at(3, "12:00")))) == "unknown"


def test_half_of_the_traffic_whole_and_half_with_a_gap_is_partial_or_open():
    """REJECT is silent for a day: it may have had nothing to tell."""
    half = (flow_log(traffic_type="ACCEPT"), flow_log(flow_log_id="fl-2", traffic_type="REJECT"))
    assert period(world(*half), [*keys(ALL), *keys(ALL, log="fl-2")]) == "whole"
    assert period(world(*half), [*keys(ALL), *keys((at(1), at(2)), (at(3), at(4)), log="fl-2")]) == "unknown"


# -- created within the period ---------------------------------------------------------------------------------------

YOUNG = flow_log(creation_time=at(2, "12:00"))
SINCE = keys((at(2, "12:10"), at(4)))


def test_one_younger_than_the_period_leaves_open_what_was_before():
    assert period(world(YOUNG), SINCE) == "unknown"


def test_that_there_was_none_before_the_event_history_proves():
    assert period(world(YOUNG, **TOLD), SINCE) == "partial"
    late = {(ACCOUNT, REGION): at(1, "00:01")}
    assert period(world(YOUNG, events_since=late), SINCE) == "unknown"
    assert period(world(YOUNG, **TOLD, unread=(unread("network_interfaces"),)), SINCE) == "partial"


def test_a_vpc_in_which_nothing_of_today_was_there_yet_may_not_have_existed():
    assert period(world(YOUNG, network_interfaces=(interface(attach_time=at(2, "11:50")),), **TOLD), SINCE) == "unknown"


def test_one_that_was_deleted_and_may_have_been_on_it_leaves_it_open():
    deleted = event("DeleteFlowLogs", at(2, "12:00"), "fl-gone")
    assert period(world(YOUNG, **TOLD, flow_log_events=(deleted,)), SINCE) == "unknown"
    on = flow_log(flow_log_id="fl-gone", resource_id="vpc-2")
    assert period(world(YOUNG, **TOLD, flow_log_events=(deleted,)), SINCE, earlier=(on,)) == "partial"


BEFORE = flow_log(flow_log_id="fl-0")
HANDED_OVER = [*keys((at(1), at(2, "12:10")), log="fl-0"), *SINCE]


def test_one_like_it_that_delivered_until_it_had_begun_makes_the_period_whole():
    """That there was one like it, and of which kind, an earlier run knows."""
    deleted = event("DeleteFlowLogs", at(2, "12:05"), "fl-0")
    inventory = world(YOUNG, **TOLD, flow_log_events=(deleted,))
    assert period(inventory, HANDED_OVER, earlier=(BEFORE,)) == "whole"
    assert period(inventory, HANDED_OVER) == "unknown"
    assert period(inventory, HANDED_OVER, earlier=(replace(BEFORE, traffic_type="REJECT"),)) != "whole"
    assert period(inventory, HANDED_OVER, earlier=(replace(BEFORE, resource_id="vpc-2"),)) == "partial"
    strict = (Baseline("strict", fields=("tcp-flags",)),)
    young = world(replace(YOUNG, fields=("tcp-flags",)), **TOLD, flow_log_events=(deleted,))
    assert period(young, HANDED_OVER, earlier=(BEFORE,), baselines=strict) != "whole"


def test_a_pause_between_the_two_is_no_hand_over():
    deleted = event("DeleteFlowLogs", at(2, "11:55"), "fl-0")
    assert period(world(YOUNG, **TOLD, flow_log_events=(deleted,)), HANDED_OVER, earlier=(BEFORE,)) != "whole"


def test_a_participant_of_a_shared_vpc_counts_with_its_owner():
    """Both have to be read as far back."""
    owner = "222222222222"
    inventory = world(replace(YOUNG, account_id=owner), **TOLD)
    shared = replace(
        inventory, vpcs=(replace(inventory.vpcs[0], account_id=owner, seen_from=(owner, ACCOUNT)),), regions=dict.fromkeys((owner, ACCOUNT), (REGION,)),
        accounts=(*inventory.accounts, replace(inventory.accounts[0], account_id=owner)),
        subnets=(Subnet(subnet_id="subnet-1", subnet_arn="", account_id=owner, region=REGION, vpc_id="vpc-1", subnet_tags={}, seen_from=(owner,)),),
    )  # fmt: skip
    known = keys((at(2, "12:10"), at(4)), account_id=owner)
    assert period(shared, known) == "unknown"
    both = {(owner, REGION): at(1), (ACCOUNT, REGION): at(1)}
    assert period(replace(shared, events_since=both), known) == "partial"
    assert period(replace(shared, events_since=both), known, kind="subnet") == "partial"


def test_a_narrowed_run_knows_nothing_of_the_rest():
    inventory = with_delivery(world(YOUNG, **TOLD), {})
    rows = days(inventory, SINCE, PERIOD, Reading(place=lambda _a, _r: False))
    history = History(inventory, rows, PERIOD, place=lambda _a, _r: False)
    assert {c.period_state for c in judge(inventory, (Baseline("default"),), {}, PERIOD, history=history)} == {
        "unknown"
    }


# -- against how things were ---------------------------------------------------------------------------------------------


@dataclass
class Past:
    """One flow log as it really was."""

    log: FlowLog
    deleted: datetime | None
    silent: tuple[int, ...]  # days

    def delivers(self, moment: datetime) -> bool:
        born = self.log.creation_time
        assert born is not None
        return born <= moment and (self.deleted is None or moment < self.deleted) and moment.day not in self.silent


@st.composite
def pasts(draw: Any) -> list[Past]:
    """Flow logs of one VPC: some gone, some young, some with a silent day."""
    moments = st.sampled_from([LONG_AGO, LONG_AGO, at(1), at(2), at(2, "12:00"), at(3), at(3, "12:00")])
    out = []
    for number in range(draw(st.integers(1, 4))):
        born = draw(moments)
        deleted = draw(
            st.sampled_from([None, None, at(1, "12:00"), at(2), at(2, "12:00"), at(2, "13:00"), at(3, "12:00"), at(4)])
        )
        if deleted is not None and deleted <= born:
            deleted = None
        log = flow_log(
            flow_log_id=f"fl-{number}",
            creation_time=born,
            traffic_type=draw(st.sampled_from(["ALL", "ALL", "ACCEPT", "REJECT"])),
        )
        out.append(Past(log, deleted, tuple(draw(st.sets(st.sampled_from([1, 2, 3]), max_size=1)))))
    return out


def was_complete(past: list[Past]) -> list[bool]:
    """For each half hour that is not the first after something was made or deleted: was all traffic delivered?"""
    out = []
    for n in range(144):
        moment = at(1, "00:15") + timedelta(minutes=30 * n)
        words = {p.log.traffic_type for p in past if p.delivers(moment)}
        out.append("ALL" in words or words >= {"ACCEPT", "REJECT"})
    return out


@given(pasts(), st.booleans(), st.booleans())
@bounded(120)
def test_whole_and_partial_are_never_said_of_what_was_otherwise(past, told, earlier):
    known = []
    for p in past:
        begun = max(at(1), p.log.creation_time)
        for day in (1, 2, 3):
            begin, end = max(begun, at(day)), min(at(day + 1), p.deleted or at(4))
            if day not in p.silent and begin < end:
                known += keys((begin, end), log=p.log.flow_log_id)
    gone = [p for p in past if p.deleted]
    inventory = world(
        *(p.log for p in past if not p.deleted),
        flow_log_events=tuple(event("DeleteFlowLogs", p.deleted, p.log.flow_log_id) for p in gone) if told else (),
        events_since={(ACCOUNT, REGION): at(1)} if told else {},
    )
    said = period(inventory, known, tuple(p.log for p in gone) if earlier else ())
    state = judge(with_delivery(inventory, {}), (Baseline("default"),), {}, PERIOD)[-1].state
    happened(f"{state} {said}")
    if state == "complete":
        truth = was_complete(past)
        assert said != "whole" or all(truth)
        assert said != "partial" or not all(truth)
