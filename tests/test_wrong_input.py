"""Wrong input: one clear message or counted entry each, the rest still audited, the right exit status."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditkit.cli import run as command
from tests.conftest import loaded

ACCOUNT, REGION, LOG = "222233334444", "eu-west-1", "fl-0aaaaaaaaaaaaaaaa"
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
START = 1790558400  # 2026-09-28T00:00:00Z
LINE = f"2 {ACCOUNT} eni-0123456789abcdef0 203.0.113.9 10.0.0.5 51000 22 6 3 180 {START} {START + 59} ACCEPT OK"


def key(slot: str = "20260928T0000Z", token: str = "fe123456") -> str:
    """The key of one object."""
    return (
        f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/2026/09/28/{ACCOUNT}_vpcflowlogs_{REGION}_{LOG}_{slot}_{token}.log.gz"
    )


def put(folder: Path, data: bytes, **where: str) -> Path:
    """Write an object below the local logs."""
    path = folder / "logs" / key(**where)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


Audit = Callable[..., tuple[int, str, dict[str, Any]]]


@pytest.fixture
def audit(small: Path, capsys: pytest.CaptureFixture[str]) -> Audit:
    """Audit the small folder: exit status, what was said, and assessment.json."""

    def go(*more: str) -> tuple[int, str, dict[str, Any]]:
        out = small / "run"
        status = command(["audit", "-c", str(small / "auditkit.yaml"), "-o", str(out), "-f", "json", "-q", *more])
        said = capsys.readouterr()
        path = out / "assessment.json"
        return status, said.out + said.err, loaded(path) if path.exists() else {}

    return go


def edit(folder: Path, old: str, new: str) -> None:
    """Change auditkit.yaml."""
    path = folder / "auditkit.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_an_unknown_key_names_file_line_and_the_nearest_word(small: Path, audit: Audit) -> None:
    """Nothing is audited, the status is 2."""
    edit(small, "role_name", "role_nmae")
    status, said, result = audit()
    assert status == 2
    assert "auditkit.yaml:1: unknown key 'role_nmae'; did you mean 'role_name'?" in said
    assert result == {}


def test_all_problems_of_all_files_come_at_once(small: Path, audit: Audit) -> None:
    """Of the configuration; then of policies and waivers together."""
    (small / "p.yaml").write_text(
        "controls:\n"
        "  - id: a\n    title: A\n    severity: hihg\n    table: flow_records\n    fail_where: {local_prt: 22, action: ALLOW}\n"
        "  - id: b\n    title: B\n    severity: low\n    table: coverage\n    fail_where: {state: unknown}\n"
    )
    edit(small, "records:", "policies: [p.yaml]\nrecords:")
    status, said, _ = audit()
    assert status == 2
    assert "p.yaml:4: controls.0.severity: 'hihg' is not a severity; did you mean 'high'?" in said
    assert "p.yaml:6: unknown column 'local_prt'; did you mean 'local_port'?" in said
    assert "'ALLOW' is never a value of action" in said
    assert "p.yaml:11: 'unknown' is never a value of state" in said
    assert "4 problems found; nothing was done" in said


@pytest.mark.parametrize(
    ("body", "reason", "counts"),
    [
        (gzip.compress(f"{HEADER}\n{LINE}\n{LINE}\n".encode(), mtime=0)[:-4], "truncated", (2, 1)),
        (
            gzip.compress(f"{HEADER}\n{LINE}\nnot a record\n{LINE}\n".encode(), mtime=0),
            "line 3: has 3 fields, the header 14",
            (2, 1),
        ),
        (
            gzip.compress(f"{HEADER}\n{LINE.replace(' 22 ', ' 0x16 ')}\n{LINE}\n".encode(), mtime=0),
            "line 2: dstport is not a number",
            (1, 1),
        ),
        (b"this is no gzip", "no header names the fields", (0, 1)),
        (gzip.compress(LINE.encode(), mtime=0), "no header names the fields", (0, 1)),
        (gzip.compress(b"", mtime=0), "", (0, 0)),
        (b"", "the object is empty", (0, 1)),
    ],
    ids=["truncated", "malformed-line", "hexadecimal-port", "no-gzip", "no-header", "empty-gzip", "empty-file"],
)
def test_a_damaged_object_gives_its_good_rows_and_its_damage_is_counted(
    small: Path, audit: Audit, body: bytes, reason: str, counts: tuple[int, int]
) -> None:
    """The interface-days it may have spoken of are not observed whole, so nothing passes on them."""
    put(small, body)
    status, _, result = audit()
    records = result["population"]["records"]
    assert (records["ok"], records["damaged"]) == counts
    assert result["population"]["log_objects"]["in_scope"] == 1
    assert status in (1, 3)
    import pyarrow.parquet as pq

    row = pq.read_table(small / "run" / "tables" / "log_objects.parquet").to_pylist()[0]
    assert reason in row["damage"]


def test_an_object_that_cannot_be_read_stands_among_what_was_not_read(small: Path, audit: Audit) -> None:
    """A dangling link, since root reads everything."""
    path = put(small, b"")
    path.unlink()
    path.symlink_to(small / "logs" / "gone")
    status, _, result = audit()
    lost = [u for u in result["unread"] if u["table"] == "flow_records"]
    assert status in (1, 3)
    assert result["population"]["log_objects"]["read"] == 0
    assert len(lost) == 1
    assert LOG in lost[0]["resource"]


def test_no_log_object_at_all_is_inconclusive_never_a_pass(audit: Audit) -> None:
    """Silence is not innocence."""
    status, _, result = audit("--table", "flow_records")
    assert status == 3
    assert {c["status"] for c in result["controls"]} == {"inconclusive"}


def test_nothing_in_scope_is_status_3(audit: Audit) -> None:
    """An account that is not there."""
    status, said, _ = audit("--account", "000000000001")
    assert status == 3
    assert "no account" in said


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--control", "no-public-shh"], "there is no control 'no-public-shh'"),
        (["--table", "flow_record"], "there is no table 'flow_record'; did you mean 'flow_records'?"),
        (["--account", "12"], "'12' is not an account id of 12 digits"),
        (["--period", "2026-Q5"], "--period: '2026-Q5' is not a period"),
        (["-f", "docx"], "there is no format 'docx'"),
    ],
)
def test_a_wrong_flag_is_named_with_what_is_right(audit: Audit, flags: list[str], words: str) -> None:
    """Status 2 and one sentence."""
    status, said, _ = audit(*flags)
    assert status == 2
    assert words in said
    assert "Traceback" not in said


def test_a_period_that_has_not_ended_needs_interim(small: Path, audit: Audit) -> None:
    """And says so in the result when it is passed."""
    edit(small, "2026-10-01}", "2026-11-01}")
    status, said, _ = audit()
    assert (status, "--interim" in said) == (2, True)
    status, _, result = audit("--interim")
    assert status in (1, 3)
    assert result["period"]["interim"] is True


def test_another_configuration_does_not_go_on_with_a_run(small: Path, audit: Audit) -> None:
    """The run belongs to the configuration that began it."""
    audit()
    edit(small, "mode: all", "mode: none")
    status, said, _ = audit()
    assert status == 2
    assert "was begun with another auditkit.yaml" in said


@pytest.mark.parametrize(
    "text", ["a: [1, 2", "\t- x", "a: 1\na: 2", "!!python/object:os.system {}", "&a [*a]", "\x00", "[]", "- 1"]
)
def test_files_that_are_no_configuration(small: Path, audit: Audit, text: str) -> None:
    """One message with the file's name, never a traceback."""
    (small / "auditkit.yaml").write_text(text)
    status, said, _ = audit()
    assert status == 2
    assert "auditkit.yaml" in said
    assert "Traceback" not in said
    assert "internal error" not in said


def test_a_configuration_that_is_not_there(small: Path, audit: Audit) -> None:
    """The next step is named."""
    (small / "auditkit.yaml").unlink()
    status, said, _ = audit()
    assert status == 2
    assert "auditkit example" in said


@pytest.mark.parametrize(
    ("waiver", "words"),
    [
        ("{control: no-public-ssh, resource: '*', reason: r, owner: a, approved_by: b, approved_on: 2026-01-01, expires: 2026-12-01}", "would waive almost anything"),
        ("{control: no-public-ssh, resource: i-1, reason: r, owner: a, approved_by: a, approved_on: 2026-01-01, expires: 2026-12-01}", "approved_by must be somebody else"),
        ("{control: no-public-ssh, resource: i-1, reason: r, owner: a, approved_by: b, approved_on: 2026-01-01, expires: 2028-12-01}", "at most 366 days"),
        ("{control: no-public-shh, resource: i-1, reason: r, owner: a, approved_by: b, approved_on: 2026-01-01, expires: 2026-12-01}", "did you mean 'no-public-ssh'?"),
        ("{control: no-public-ssh, resource: i-1, reason: r, owner: a, approved_by: b, approved_on: soon, expires: 2026-12-01}", "'soon' is not a day"),
    ],
)  # fmt: skip
def test_waivers_that_waive_too_much_are_refused(small: Path, audit: Audit, waiver: str, words: str) -> None:
    """With file and line."""
    (small / "waivers.yaml").write_text(f"waivers:\n  - {waiver}\n")
    edit(small, "records:", "waivers: waivers.yaml\nrecords:")
    status, said, _ = audit()
    assert status == 2
    assert "waivers.yaml:2:" in said
    assert words in said


@pytest.mark.parametrize("glob", ["**", "[!~]*", "arn:*", "i-*", "?*", "*-*"])
def test_globs_that_waive_almost_anything_are_refused(small: Path, audit: Audit, glob: str) -> None:
    """A waiver names a resource."""
    waiver = f"{{control: no-public-ssh, resource: '{glob}', reason: r, owner: a, approved_by: b, approved_on: 2026-01-01, expires: 2026-12-01}}"
    (small / "waivers.yaml").write_text(f"waivers:\n  - {waiver}\n")
    edit(small, "records:", "waivers: waivers.yaml\nrecords:")
    status, said, _ = audit()
    assert (status, "would waive almost anything" in said) == (2, True)


def test_accounts_and_regions_that_a_snapshot_lacks_are_not_read(small: Path, audit: Audit) -> None:
    """What auditkit.yaml asks for and the snapshot does not hold is said, never left out."""
    edit(small, "role_name: AuditkitRead", 'role_name: AuditkitRead, accounts: ["222233334444", "999900001111"]')
    edit(small, "snapshot: snapshot", "snapshot: snapshot\nregions: [eu-west-1, sa-east-1]")
    status, _, result = audit("--table", "coverage")
    assert status in (1, 3)
    lost = {(u["account_id"], u["region"]) for u in result["unread"]}
    assert {("222233334444", "sa-east-1"), ("999900001111", "eu-west-1")} <= lost
    there = {
        (r["account_id"], r["region"]): r["status"]
        for c in result["controls"]
        for r in c["results"]
        if c["id"] == "vpc-flow-logs-complete"
    }
    assert there["999900001111", "eu-west-1"] == "inconclusive"
    assert there["222233334444", "sa-east-1"] == "inconclusive"


def test_links_and_copies_that_differ_make_days_part(small: Path, audit: Audit) -> None:
    """A local folder that is a link is not followed, and that is said."""
    put(small, gzip.compress(f"{HEADER}\n{LINE}\n".encode(), mtime=0))
    (small / "logs" / "more").symlink_to(small / "snapshot")
    _, _, result = audit()
    assert [u["error"] for u in result["unread"] if u["resource"].endswith("more")] == [
        "a link to a folder is not followed"
    ]
    assert result["population"]["interface_days"]["part"] == 1


def test_a_period_to_come_is_refused(audit: Audit) -> None:
    """With --interim too."""
    status, said, _ = audit("--period", "2030-01", "--interim")
    assert status == 2
    assert "the period begins on 2030-01-01" in said


def test_a_damaged_snapshot_names_file_and_line(small: Path, audit: Audit) -> None:
    """Half a line of JSON."""
    import shutil

    original = (small / "snapshot").resolve()
    (small / "snapshot").unlink()
    shutil.copytree(original, small / "snapshot")
    victim = next((small / "snapshot" / "accounts").rglob("eu-west-1.jsonl.gz"))
    victim.write_bytes(gzip.compress(gzip.decompress(victim.read_bytes())[:2000]))
    status, said, _ = audit()
    assert status == 2
    assert "eu-west-1.jsonl.gz:" in said
    assert "internal error" not in said
