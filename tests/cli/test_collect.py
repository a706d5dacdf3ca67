"""`auditkit collect` of a saved snapshot and local logs."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq

from auditkit.cli import run as command
from tests.cli.saved import SAVED


def collect(folder: Path, config: str, *more: str) -> int:
    (folder / "auditkit.yaml").write_text(config)
    return command(["collect", "-c", str(folder / "auditkit.yaml"), "-o", str(folder / "run"), *more])


def test_over_the_budget_nothing_is_read(saved: Path, capsys) -> None:
    assert collect(saved, SAVED.replace("local: [logs]", "local: [logs], budget: {bytes: 9}"), "-q") == 2
    said = capsys.readouterr().err
    assert (
        "reading 2 log objects of 10 bytes, and those not listed yet, is over the budget of 1,000,000 objects" in said
    )
    assert "`auditkit collect --plan` counts all of them." in said
    assert not (saved / "run" / "records" / "kept").exists()
    assert json.loads((saved / "run" / "run.json").read_text())["done"] == []


def test_without_reading_objects_are_listed_whatever_the_budget(saved: Path) -> None:
    assert collect(saved, SAVED.replace("local: [logs]", "local: [logs], mode: none, budget: {objects: 1}"), "-q") == 0
    rows = pq.read_table(saved / "run" / "records" / "index.parquet").to_pylist()
    assert [(r["uri"].partition("/")[0], r["status"], r["kept"], r["size"]) for r in rows] == [
        ("logs", "listed", "", 5)
    ] * 2
    assert sorted(p.name for p in (saved / "run" / "records").iterdir()) == ["index.parquet"]
    state = json.loads((saved / "run" / "run.json").read_text())
    assert (state["foreign_keys"], state["unlisted"]) == (1, [])


def test_collecting_again_changes_nothing(saved: Path) -> None:
    assert collect(saved, SAVED, "-q") == 0
    before = {p: (p.stat().st_ino, p.read_bytes()) for p in (saved / "run").rglob("*") if p.is_file()}
    assert collect(saved, SAVED, "-q") == 0
    assert before == {p: (p.stat().st_ino, p.read_bytes()) for p in (saved / "run").rglob("*") if p.is_file()}


def test_a_period_still_to_come_makes_no_directory(saved: Path) -> None:
    assert collect(saved, SAVED, "--period", "2027-01") == 2
    assert not (saved / "run").exists()


def test_a_link_in_a_snapshot_is_not_copied(saved: Path, capsys) -> None:
    (saved / "secret").write_text("sesame")
    (saved / "snapshot" / "accounts").mkdir()
    (saved / "snapshot" / "accounts" / "x.jsonl.gz").symlink_to(saved / "secret")
    assert collect(saved, SAVED, "-q") == 2
    assert "is a link, and a snapshot holds none" in capsys.readouterr().err
    assert [p for p in (saved / "run").rglob("*") if p.is_file() and b"sesame" in p.read_bytes()] == []


def test_plain_progress_tells_what_was_listed_and_read(saved: Path, capsys) -> None:
    assert collect(saved, SAVED) == 0
    said = capsys.readouterr().err
    assert "auditkit: log objects listed: 2 …\n" in said
    assert "auditkit: log objects read: 2 …\n" in said
