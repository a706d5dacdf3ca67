"""Rows kept by column read as the rows themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from auditkit.model.columnar import Rows, combinations
from auditkit.model.inventory import NetworkInterface


def eni(n: int, **more: object) -> NetworkInterface:
    given = {
        "vpc_id": "v",
        "subnet_id": "s",
        "service": "ec2",
        "service_evidence": "",
        "subject": "",
        "subject_type": "",
        "interface_tags": {},
        "seen_from": ("1",),
    }
    return NetworkInterface(
        interface_id=f"eni-{n}", interface_arn="", account_id=str(n % 2), region="r", **(given | more)
    )


ROWS = (
    eni(1, addresses=("10.0.0.1", "10.0.0.2"), attach_time=datetime(2026, 1, 2, 3, 4, 5, 600, UTC)),
    eni(2, interface_tags={"b": "1", "a": "2"}, seen_from=()),
    eni(3),
)


def test_they_are_a_sequence_of_the_rows() -> None:
    kept = Rows.made_of(NetworkInterface, ROWS)
    assert (len(kept), tuple(kept), kept[0], kept[-1], kept[1:]) == (3, ROWS, ROWS[0], ROWS[2], ROWS[1:])
    assert kept == ROWS
    assert list(kept) == list(ROWS)
    assert kept != ROWS[:2]
    assert kept != (*ROWS[:2], eni(4))
    assert kept[0].attach_time is not None
    assert kept[0].attach_time.tzinfo is UTC
    with pytest.raises(IndexError):
        kept[3]


def test_none_at_all_are_rows_too() -> None:
    kept = Rows.made_of(NetworkInterface, [])
    assert (len(kept), list(kept), kept.column("region"), kept.by("region")) == (0, [], [], {})
    assert kept.where(lambda region: True, "region") == ()


def test_a_column_holds_what_the_rows_hold() -> None:
    kept = Rows.made_of(NetworkInterface, ROWS)
    for name in ("interface_id", "addresses", "attach_time", "interface_tags"):
        assert kept.column(name) == [getattr(row, name) for row in ROWS]


def test_rows_are_found_by_a_text_and_chosen_by_several() -> None:
    kept = Rows.made_of(NetworkInterface, ROWS)
    found = kept.by("interface_id")
    assert (found["eni-2"], found.get("eni-9"), "eni-3" in found, len(found)) == (ROWS[1], None, True, 3)
    assert kept.where(lambda account, region: account == "1", "account_id", "region") == (ROWS[0], ROWS[2])


def test_half_a_surrogate_pair_does_not_stop_anything() -> None:
    (row,) = Rows.made_of(NetworkInterface, [eni(1, description="a\ud800", interface_tags={"\ud800": "x"})])
    assert (row.description, row.interface_tags) == ("a?", {"?": "x"})


def test_combinations_are_numbered_as_they_come() -> None:
    table = pa.table({"a": ["x", "y", "x", None, "x"], "b": ["1", "1", "2", "1", "1"]})
    codes, firsts = combinations(table)
    assert (codes.to_pylist(), firsts.to_pylist()) == ([0, 1, 2, 3, 0], [0, 1, 2, 3])
