"""A journal that a kill may tear anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditkit.audit.journal import Journal


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_torn_end_is_cut_off_and_the_next_line_stands_alone(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        for at in range(3):
            journal.add({"at": at, "x": "é"})
    path.write_bytes(path.read_bytes()[:-cut])
    with Journal(path) as journal:
        assert [entry["at"] for entry in journal.entries()] == [0, 1]
        journal.add({"at": 7})
    with Journal(path) as journal:
        assert [entry["at"] for entry in journal.entries()] == [0, 1, 7]


@pytest.mark.parametrize("garbage", [b"\0\0\0\n", b"[1]\n", b"{}{}\n", b"\xff\n", b'{"at": 9'])
def test_what_is_no_entry_ends_the_journal(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"at":1}\n' + garbage + b'{"at":2}\n')
    with Journal(path) as journal:
        assert list(journal.entries()) == [{"at": 1}]


def test_the_newest_entry_of_a_number_counts_and_strange_numbers_do_not(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        for entry in (
            {"at": 0, "n": 1},
            {"at": 2, "n": 2},
            {"at": 0, "n": 3},
            {"at": 9, "n": 4},
            {"at": -1},
            {"at": "x"},
        ):
            journal.add(entry)
        places = journal.at(3)
        assert [places.get(at) for at in range(3)] == [{"at": 0, "n": 3}, None, {"at": 2, "n": 2}]
        journal.add({"at": 1})  # reading has not moved the end
        assert places.get(2) == {"at": 2, "n": 2}
        assert len(list(journal.entries())) == 7
