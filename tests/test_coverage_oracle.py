"""Coverage against a brute-force reading of the contract, over random organizations read with random gaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from auditkit.config.conditions import Parser
from auditkit.config.schema import Baseline
from auditkit.coverage import judge, with_delivery
from auditkit.model.condition import TRUE, Condition
from auditkit.model.coverage import Coverage
from auditkit.model.flow_logs import Approved, FlowLog
from auditkit.model.inventory import Account, Inventory, Vpc
from auditkit.model.schema import MATCH_COLUMNS
from tests.oracles.coverage import STATES, Oracle, Wanted
from tests.oracles.effort import bounded
from tests.oracles.estates import (
    ACCOUNTS,
    AS_OF,
    PLACES,
    REGION,
    Blind,
    World,
    blindable,
    blindness,
    read,
    wishes,
    worlds,
)

PERIOD = (datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))
APPROVED = {
    name: Approved(
        name,
        "s3" if p.bucket else "cloud-watch-logs",
        bucket=p.bucket,
        prefix=p.prefix,
        log_group=p.log_group,
        account=p.account,
    )
    for name, p in PLACES.items()
}
RELAXED = bounded(80)

Rows = dict[tuple[str, str], Coverage]


def refuse(loc: Any, message: str) -> None:
    raise AssertionError(f"{loc}: {message}")


def baseline(wanted: Wanted) -> Baseline:
    """The baseline as the configuration would make it."""
    match: Condition = Parser(MATCH_COLUMNS, (), refuse).condition(wanted.match, ()) if wanted.match else TRUE
    return Baseline(wanted.name, match, wanted.traffic, wanted.destinations, wanted.fields, wanted.interval)


def judged(world: World, blind: Blind, wanted: list[Wanted]) -> Rows:
    inventory, arrivals, nat_seen = read(world, blind)
    return rows(with_delivery(inventory, arrivals), wanted, nat_seen)


def rows(inventory: Inventory, wanted: list[Wanted], nat_seen: set[tuple[str, str]]) -> Rows:
    out = judge(inventory, [baseline(w) for w in wanted], APPROVED, PERIOD, nat_seen)
    assert len({(r.resource_type, r.resource_id) for r in out}) == len(out)
    return {(r.resource_type, r.resource_id): r for r in out}


@given(st.data())
@RELAXED
def test_every_row_says_what_the_brute_force_reading_says(data):
    """State, floor, the three sets, the flow logs that apply and the members of every resource."""
    world, wanted = data.draw(worlds()), data.draw(wishes())
    blind = data.draw(blindness(world))
    inventory, arrivals, nat_seen = read(world, blind)
    expected = Oracle(inventory, arrivals, wanted, PLACES, nat_seen).rows()
    found = rows(with_delivery(inventory, arrivals), wanted, nat_seen)
    assert found.keys() == expected.keys()
    for key, row in found.items():
        want = expected[key]
        event(f"{key[0]} {row.state}")
        assert (key, row.state, row.at_least) == (key, want.state, want.at_least), row.reasons
        assert (key, row.flow_log_ids, row.members) == (key, want.flow_log_ids, want.members)
        told, right = (
            {"delivered": r.delivered, "approved": r.approved, "conforming": r.conforming} for r in (row, want)
        )
        if row.baseline is None:  # several baselines: less may be said of the sets, never more
            told = {k: v for k, v in told.items() if v is not None}
            right = {k: right[k] for k in told}
        assert (key, told) == (key, right)
        if want.baseline is not None:
            assert (key, row.baseline) == (key, want.baseline)
            assert (key, row.covered_from) == (key, want.since)


@given(st.data())
@RELAXED
def test_reading_less_turns_a_state_into_unknown_and_into_nothing_else(data):
    """A refusal can hide an answer; it can never make a pass, nor a failure, of something else.

    But for one: a destination that cannot be asked after is not proven absent, and AWS's own SUCCESS then stands.
    """
    world, wanted = data.draw(worlds()), data.draw(wishes())
    blind = data.draw(blindness(world))
    more = blind | {data.draw(st.sampled_from([one for one in blindable(world) if one[0] != "destination"]))}
    whole, less = judged(world, blind, wanted), judged(world, more, wanted)
    assert less.keys() <= whole.keys()
    for key, row in less.items():
        before = whole[key]
        assert row.state in (before.state, "unknown"), (key, before.state, row.state, row.at_least)
        assert STATES.index(row.at_least) <= STATES.index(before.at_least)
        for column in ("delivered", "approved", "conforming"):
            assert getattr(row, column) in (getattr(before, column), None), (key, column)


@given(st.data())
@RELAXED
def test_deciding_whether_a_log_delivers_contradicts_nothing(data):
    """What was certain stays, what was unknown ends at its floor or above."""
    world, wanted = data.draw(worlds()), data.draw(wishes())
    inventory, arrivals, nat_seen = read(world, data.draw(blindness(world)))
    inventory = with_delivery(inventory, arrivals)
    undecided = [log for log in inventory.flow_logs if log.delivers is None and log.traffic_type]
    if not undecided:
        return
    one, verdict = data.draw(st.sampled_from(undecided)), data.draw(st.booleans())
    decided = replace(
        inventory, flow_logs=tuple(replace(log, delivers=verdict) if log is one else log for log in inventory.flow_logs)
    )
    before, after = rows(inventory, wanted, nat_seen), rows(decided, wanted, nat_seen)
    for key, row in after.items():
        was = before[key]
        assert was.state in (row.state, "unknown"), (key, was.state, row.state)
        assert STATES.index(row.at_least) >= STATES.index(was.at_least)
        for column in ("delivered", "approved", "conforming"):
            assert getattr(was, column) in (getattr(row, column), None), (key, column)


def test_what_is_approved_is_what_lies_below_the_approved_place():
    """Every prefix and every group against every approved place: prefixes end at slashes."""
    bare = {
        "account_id": "2",
        "region": REGION,
        "resource_id": "vpc-1",
        "kind": "vpc",
        "traffic_type": "ALL",
        "fields": (),
        "flow_log_tags": {},
    }
    logs = [
        FlowLog(
            flow_log_id="fl",
            log_destination_type="s3",
            log_destination=f"s3://{b}/{p}".rstrip("/"),
            bucket=b,
            prefix=p,
            **bare,
        )
        for b in ("central", "whole", "rogue")
        for p in ("", "logs", "logs/team", "logs2", "log", "team/logs")
    ]
    logs += [
        FlowLog(
            flow_log_id="fl",
            log_destination_type="cloud-watch-logs",
            log_destination=f"log-group:{a}:{REGION}:{g}",
            log_group=g,
            **bare,
        )
        for a in ACCOUNTS[:2]
        for g in ("/flow", "/flow2", "/flow/x")
    ]
    oracle = Oracle(Inventory(as_of=AS_OF, accounts=(), regions={}), {}, [], PLACES, set())
    for log in logs:
        for name, approved in APPROVED.items():
            assert (log.log_destination, name, approved.accepts(log)) == (
                log.log_destination,
                name,
                oracle.approves(Wanted("", None, "ALL", (name,), (), None), log),
            )


def test_a_set_that_depends_on_the_undecided_baseline_is_not_told():
    """One ACCEPT log without tcp-flags is `partial` under either baseline, but conforming is NONE or ACCEPT: not decided."""
    vpc = Vpc(
        vpc_id="vpc-1",
        vpc_arn="vpc-1",
        account_id=ACCOUNTS[0],
        region=REGION,
        cidr_blocks=(),
        vpc_tags={},
        seen_from=(ACCOUNTS[0],),
    )
    log = FlowLog(
        flow_log_id="fl-1", account_id=ACCOUNTS[0], region=REGION, resource_id="vpc-1", kind="vpc", traffic_type="ACCEPT", flow_log_status="ACTIVE",
        deliver_logs_status="SUCCESS", log_destination_type="s3", log_destination="s3://whole", bucket="whole", fields=("srcaddr",), flow_log_tags={},
    )  # fmt: skip
    inventory = Inventory(
        as_of=AS_OF,
        accounts=(Account(account_id=ACCOUNTS[0], name="", status="in_scope", account_tags=None),),
        regions={ACCOUNTS[0]: (REGION,)},
        vpcs=(vpc,),
        flow_logs=(log,),
    )
    strict = Wanted("strict", {"account_tags": {"scope": "pci"}}, "ALL", ("whole",), ("tcp-flags",), None)
    plain = Wanted("plain", None, "ALL", ("whole",), (), None)
    row = rows(with_delivery(inventory, {}), [strict, plain], set())["vpc", "vpc-1"]
    assert (row.baseline, row.state, row.delivered, row.approved) == (None, "partial", "ACCEPT", "ACCEPT")
    assert row.conforming is None
