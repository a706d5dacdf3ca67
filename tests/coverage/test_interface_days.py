"""Silence between neighbours that spoke, and the share of skipped records."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.oracles.harness import NOON, flow_log, interface, objects, see, silence

TWO = (interface("eni-1", "10.0.0.5"), interface("eni-2", "10.0.0.6"))
EVENING = NOON + 40_000


def neighbours(*given, **more):
    """Interface → what is said of its neighbours on 10 July."""
    days = see(*given, **more).days
    return {eni: row["neighbours"] for (eni, day), row in days.items() if day == "2026-07-10"}


def test_one_that_is_silent_while_the_other_speaks():
    seen = see(objects(silence("NODATA"), silence("NODATA", at=EVENING)), interfaces=TWO)
    assert [(seen.days[e, "2026-07-10"]["observed"], seen.days[e, "2026-07-10"]["neighbours"]) for e in ("eni-1", "eni-2")] == [
        ("all", "silent"), ("none", "spoke"),
    ]  # fmt: skip


def test_two_that_speak_are_neighbours_that_spoke():
    assert neighbours(objects(silence("NODATA"), silence("NODATA", eni="eni-2")), interfaces=TWO) == {
        "eni-1": "spoke",
        "eni-2": "spoke",
    }


def test_where_nothing_was_read_neighbours_are_not_known():
    """On the 11th nobody spoke: whether anything arrived is another question."""
    days = see(objects(silence("NODATA")), interfaces=TWO).days
    assert {days[e, "2026-07-11"]["neighbours"] for e in ("eni-1", "eni-2")} == {None}


def test_another_vpcs_flow_log_tells_nothing_of_it():
    two = (interface("eni-1", "10.0.0.5"), interface("eni-2", "10.1.0.5", vpc="vpc-2"))
    found = neighbours(
        objects(silence("NODATA")), interfaces=two, cidrs={"vpc-1": ("10.0.0.0/16",), "vpc-2": ("10.1.0.0/16",)}
    )
    assert found == {"eni-1": "silent", "eni-2": "-"}


def test_one_attached_a_moment_before_the_last_word_of_the_others_is_not_silent_between_them():
    late = datetime.fromtimestamp(EVENING - 600, UTC)
    two = (interface("eni-1", "10.0.0.5"), interface("eni-2", "10.0.0.6", attached=late))
    assert neighbours(objects(silence("NODATA"), silence("NODATA", at=EVENING)), interfaces=two)["eni-2"] == "silent"


def test_each_of_two_flow_logs_can_have_heard_the_others():
    logs = (flow_log("fl-1"), flow_log("fl-2"))
    given = (objects(silence("NODATA"), log="fl-1"), objects(silence("NODATA", eni="eni-2"), log="fl-2"))
    assert neighbours(*given, interfaces=TWO, logs=logs) == {"eni-1": "spoke", "eni-2": "spoke"}


def rate(*given):
    """Of eni-1 on 10 July."""
    return see(*given, interfaces=TWO).days["eni-1", "2026-07-10"]["skipdata_rate"]


def test_the_share_of_skipped_minutes_is_told_per_mille_and_never_rounded_away():
    quiet = [silence("NODATA", at=NOON + 120 * n) for n in range(300)]
    assert rate(objects(*quiet)) == 0
    assert (
        rate(objects(*quiet[:3], silence("SKIPDATA", at=NOON + 60))) == 334
    )  # two of six: a minute and a second is two
    assert rate(objects(*quiet, silence("SKIPDATA", at=NOON + 60))) == 7  # two of 307


def test_without_any_record_there_is_no_share():
    assert rate(objects(silence("NODATA", eni="eni-2"))) is None
