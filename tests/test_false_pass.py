"""Ways in which records once let a control pass: what was not seen whole, or not known of whom, must not clear anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from auditkit.config.schema import Baseline
from auditkit.engines.duckdb import of_rows
from auditkit.evaluate import Outcome, evaluate
from auditkit.model.addresses import Networks
from auditkit.model.control import Having
from auditkit.model.schema import TABLES
from tests.oracles.harness import NOON, V2, Seen, control, flow_log, interface, line, objects, see, silence

MIDNIGHT = NOON + 43_200
"""Where 10 July ends."""
FINE = (Baseline("fine", max_aggregation_interval=60), Baseline("default"))
"""A baseline to which only a flow log of 60 seconds conforms."""


# -- the shorter of two flow logs ------------------------------------------------------------------------------------


def two_logs(*, fine_until: int, start: int = NOON - 40_000) -> Seen:
    """A conforming flow log that ends early beside one that does not conform and goes on: 60 s and 600 s."""
    fine = objects(silence("NODATA", at=start), silence("NODATA", at=fine_until), log="fl-fine")
    coarse = objects(silence("NODATA", at=start), silence("NODATA", at=start + 72_000), log="fl-coarse")
    logs = (flow_log("fl-fine", interval=60), flow_log("fl-coarse", interval=600))
    return see(fine, coarse, logs=logs, baselines=FINE)


def test_a_conforming_flow_log_that_ended_before_another_saw_part_of_the_day() -> None:
    """The one read is the conforming one; that the other went on shows that there was more to see."""
    seen = two_logs(fine_until=NOON)
    day = seen.days["eni-1", "2026-07-10"]
    assert (day["flow_log_id"], day["observed"]) == ("fl-fine", "part")
    assert "another flow log saw more of the day" in day["reason"]


def test_a_conforming_flow_log_that_began_after_another_saw_part_of_the_day() -> None:
    late = objects(silence("NODATA", at=NOON), silence("NODATA", at=NOON + 3000), log="fl-fine")
    early = objects(silence("NODATA", at=NOON - 40_000), silence("NODATA", at=NOON + 3000), log="fl-coarse")
    logs = (flow_log("fl-fine", interval=60), flow_log("fl-coarse", interval=600))
    assert see(late, early, logs=logs, baselines=FINE).observed() == "part"


def test_two_flow_logs_that_end_together_saw_all_of_the_day() -> None:
    """Within the hour for which a delivery may be late."""
    seen = two_logs(fine_until=NOON + 31_000)
    assert (seen.days["eni-1", "2026-07-10"]["flow_log_id"], seen.observed()) == ("fl-fine", "all")


# -- whose address it is, of an interface that the inventory does not have ---------------------------------------------


def directions(*pairs: tuple[str, str]) -> list[tuple[str | None, str | None]]:
    """What is concluded of an interface known from records only: direction and own address of each record."""
    rows = [line(f"{src}:51000", f"{dst}:22", eni="eni-gone") for src, dst in pairs]
    header = f"{V2} tcp-flags"  # flow-direction would tell
    seen = see(objects(*rows, header=header), interfaces=())
    return [(r["direction"], r["local_address"]) for r in seen.records]


def test_the_one_private_address_among_public_peers_is_its_own() -> None:
    pairs = ("203.0.113.9", "10.0.0.5"), ("198.51.100.7", "10.0.0.5")
    assert directions(*pairs) == [("ingress", "10.0.0.5")] * 2


@pytest.mark.parametrize(
    "pairs",
    [
        [("10.0.0.6", "10.0.0.5")],
        [("10.0.0.6", "10.0.0.5"), ("203.0.113.9", "10.0.0.5")],
        [("203.0.113.9", "10.0.0.5"), ("203.0.113.9", "10.0.0.6")],
        [("203.0.113.9", "198.51.100.7")],
        [("203.0.113.9", "198.51.100.7"), ("203.0.113.9", "192.0.2.8")],
    ],
    ids=["private-pair", "private-peer-too", "two-private-one-peer", "public-pair", "public-in-all"],
)
def test_anything_else_tells_nothing_of_whose_an_address_is(pairs: list[tuple[str, str]]) -> None:
    """Guessed wrongly, the peer would count as the interface, and inbound as outbound."""
    assert directions(*pairs) == [(None, None)] * len(pairs)


def test_a_guess_of_whose_an_address_is_clears_nobody() -> None:
    """The interface may be either of the two: public SSH is neither proven nor excluded."""
    ssh = control({"local_port": "22", "initiator": "remote", "action": "ACCEPT"})
    rows = [
        line("10.0.0.6:51000", "10.0.0.5:22", 2, eni="eni-gone"),
        line("10.0.0.5:22", "10.0.0.6:51000", 18, eni="eni-gone"),
    ]
    assert see(objects(*rows, header=f"{V2} tcp-flags"), interfaces=()).verdicts(ssh) == [None, None]


# -- skipped records -----------------------------------------------------------------------------------------------


def over_midnight(status: str, *, start: int) -> tuple[str, str]:
    """How two days were observed whose interface spoke on both, with one more line of a minute from `start` on."""
    spoke = objects(silence("NODATA"), silence("NODATA", at=NOON + 86_400))
    seen = see(spoke, objects(silence(status, at=start), at=start))
    return seen.observed("2026-07-10"), seen.observed("2026-07-11")


def test_records_skipped_over_midnight_are_missing_on_both_days() -> None:
    assert over_midnight("SKIPDATA", start=MIDNIGHT - 30) == ("part", "part")


def test_records_skipped_until_midnight_are_missing_on_the_day_before() -> None:
    """The end of a line is the second after its last."""
    assert over_midnight("SKIPDATA", start=MIDNIGHT - 60) == ("part", "all")


def test_a_quiet_minute_over_midnight_is_no_hole() -> None:
    assert over_midnight("NODATA", start=MIDNIGHT - 30) == ("all", "all")


# -- thresholds ------------------------------------------------------------------------------------------------------


def threshold(measure: str, rows: list[dict[str, Any]], column: str = "") -> Outcome:
    """Judge rows by "at least 100 in the period, per interface's subject and port"."""
    one = replace(
        control({"action": "ACCEPT"}),
        having=Having(measure, "ge", 100, "period", column),
        group_by=("account_id", "region", "subject", "local_port"),
    )
    plain = {
        "account_id": "111122223333", "region": "eu-central-1", "subject": "i-1", "local_port": 22, "action": "ACCEPT", "day": datetime(2026, 7, 10, tzinfo=UTC),
        "packets": 60, "bytes": 60, "object": "s3://b/1", "start": NOON, "end": NOON + 60, "resource_type": "network-interface",
    }  # fmt: skip
    engine = of_rows(TABLES["flow_records"], [{**plain, "line": at, **row} for at, row in enumerate(rows, 1)])
    return evaluate(one, engine, Networks.of_run({}, {}))


def said(outcome: Outcome) -> list[tuple[bool, str | None]]:
    """Each group: whether it breaks the threshold for certain, and whose it is."""
    return [(g.fails, g.key["subject"]) for g in outcome.groups]


@pytest.mark.parametrize("measure", ["packets", "bytes"])
def test_a_number_that_is_not_known_could_be_any(measure: str) -> None:
    """Ten, or a hundred."""
    assert said(threshold(measure, [{measure: None}])) == [(False, "i-1")]
    assert said(threshold(measure, [{measure: 100}, {measure: None}])) == [(True, "i-1")]
    assert said(threshold(measure, [{measure: 99}])) == []


def test_flows_that_may_belong_to_a_group_may_lift_it_over_the_threshold() -> None:
    """60 of its own and 60 of nobody's: undecided, never cleared."""
    assert (False, "i-1") in said(threshold("packets", [{}, {"subject": None}]))
    assert (False, "i-1") in said(threshold("packets", [{}, {"local_port": None}]))
    assert (False, "i-1") in said(threshold("packets", [{}, {"subject": None, "local_port": None}]))


def test_flows_that_contradict_a_group_are_not_its_own() -> None:
    """Nobody's, but on another port."""
    assert said(threshold("packets", [{}, {"subject": None, "local_port": 23}])) == []
    assert said(threshold("packets", [{}, {"subject": "i-2"}])) == []


def test_a_distinct_value_that_is_not_known_could_be_another() -> None:
    """99 peers and one hidden behind a gateway."""
    peers = [{"remote_address": f"203.0.113.{n}"} for n in range(1, 100)]
    assert said(threshold("distinct", [*peers, {"remote_address": None}], "remote_address")) == [(False, "i-1")]
    assert said(threshold("distinct", peers, "remote_address")) == []


def test_interfaces_of_the_inventory_know_their_own_addresses() -> None:
    """The guess is for those that the inventory does not have."""
    seen = see(
        objects(line("10.0.0.6:51000", "10.0.0.5:22"), header=f"{V2} tcp-flags"),
        interfaces=(interface("eni-1", "10.0.0.5"),),
    )
    assert seen.records[0]["direction"] == "ingress"
