"""Records that AWS's names do not tell of, from where they lie to the verdict; and what stays of what was read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from auditkit.audit import keeping
from auditkit.audit.hurting import spoken
from auditkit.audit.index import log_object
from auditkit.audit.options import EVERYTHING, Narrowing
from auditkit.cli import run as command
from auditkit.engines.duckdb import DuckDB
from auditkit.model.flow_logs import FlowLog
from auditkit.run import Run
from tests.conftest import Audited, loaded

START = 1790558400  # 2026-09-28T00:00:00Z
CONTROL = "no-public-ssh"


@pytest.fixture(scope="module")
def log(audited: Audited) -> FlowLog:
    """A flow log of the default format on one interface, which does not write to a bucket."""
    rows = [FlowLog(**row) for row in audited.run.rows("flow_logs")]
    return next(
        row
        for row in sorted(rows, key=lambda row: row.flow_log_id)
        if row.log_group and row.resource_id.startswith("eni-") and len(row.fields) == 14 and row.traffic_type == "ALL"
    )


@pytest.fixture(scope="module")
def address(audited: Audited, log: FlowLog) -> str:
    (row,) = audited.run.rows("network_interfaces", [("interface_id", "==", log.resource_id)])
    return next(one for one in row["addresses"] if ":" not in one)


def line(log: FlowLog, address: str, at: int = START, port: int = 22) -> str:
    """A connection from the internet."""
    eni = log.resource_id
    return f"2 {log.account_id} {eni} 203.0.113.9 {address} 51000 {port} 6 3 180 {at} {at + 59} ACCEPT OK"


Audit = Callable[..., tuple[int, str, dict[str, Any]]]


@pytest.fixture
def audit(small: Path, capsys: pytest.CaptureFixture[str]) -> Audit:
    """Audit the small folder with some `records:`: exit status, what was said, and assessment.json."""

    def go(records: str = "", run: str = "run", words: tuple[str, ...] = ("audit",)) -> tuple[int, str, dict[str, Any]]:
        path = small / "auditkit.yaml"
        if records:
            path.write_text(path.read_text().partition("records:")[0] + f"records: {records}\n")
        given = ["-c", str(path), "-o", str(small / run), "-f", "json"] if words == ("audit",) else [str(small / run)]
        status = command([*words, *given, "-q", "--control", CONTROL])
        said = capsys.readouterr()
        done = small / run / "assessment.json"
        return status, said.out + said.err, loaded(done) if done.exists() else {}

    return go


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def index(run: Path) -> list[dict[str, Any]]:
    return pq.read_table(Run(run).index).to_pylist()


def test_what_firehose_wrote_is_judged(small: Path, audit: Audit, log: FlowLog, address: str) -> None:
    """JSON lines in files of no name of AWS's; where the evidence stands is said."""
    text = "".join(json.dumps({"message": line(log, address, START + 60 * n)}) + "\n" for n in range(3))
    put(small / "hose/2026/09/28/00/flow-1-2026-09-28-00-05-12-a1", text)
    put(small / "hose/_SUCCESS", "")
    status, said, result = audit(f"{{from: [{{local: hose, flow_log: {log.flow_log_id}}}]}}")
    assert (status, said) == (1, "")
    assert result["population"]["records"] == {"ok": 3, "nodata": 0, "skipdata": 0, "damaged": 0}
    (finding,) = result["findings"]
    assert finding["resource_id"]
    assert {one["source"] for one in finding["evidence"]} == {"hose/2026/09/28/00/flow-1-2026-09-28-00-05-12-a1"}
    (row,) = index(small / "run")
    assert (row["carrier"], row["flow_log_ids"], row["flow_log_id"]) == ("lines", [log.flow_log_id], log.flow_log_id)
    assert row["formats"][0].startswith("${version} ${account-id} ${interface-id}")
    assert (row["account_id"], row["region"]) == (log.account_id, log.region)
    assert row["kept"].startswith(f"{log.account_id}/{log.region}/2026/09/28/")
    engine = DuckDB()
    assert engine.tallies(Run(small / "run").index) == (), "neither five minutes nor a bucket are known of them"
    engine.close()
    (tally,) = spoken(Run(small / "run").index)
    assert (tally.objects, tally.slots, f"{tally.day}") == (1, (), "2026-09-28")


def test_a_format_can_be_said_instead(small: Path, audit: Audit, log: FlowLog, address: str) -> None:
    """Of a flow log that is no more; and what the log is, is then known from its id alone."""
    put(small / "old" / "lines.txt", line(log, address) + "\n")
    form = " ".join(f"${{{name}}}" for name in log.fields)
    gone = "fl-00000000deadbeef"
    given = f"local: old, format: '{form}', account: '{log.account_id}', region: {log.region}"
    assert audit(f"{{from: [{{{given}, flow_log: {gone}}}]}}")[2]["population"]["records"]["ok"] == 1
    status, _, result = audit(f"{{from: [{{{given}}}]}}", run="nameless")
    assert result["population"]["log_objects"]["read"] == 1
    assert index(small / "nameless")[0]["flow_log_ids"] == [""]
    assert status in (1, 3)
    days = Run(small / "nameless").rows("interface_days", [("interface_id", "==", log.resource_id)])
    assert {row["observed"] for row in days} == {"part", "none"}, "never in order: who wrote it is not known"


def test_a_flow_log_that_is_not_known_is_an_error(small: Path, audit: Audit) -> None:
    put(small / "old" / "lines.txt", "x\n")
    status, said, _ = audit("{from: [{local: old, flow_log: fl-00000000deadbeef}]}")
    assert status == 2
    assert "records.from names fl-00000000deadbeef, which is none of the flow logs that were read" in said
    assert "Traceback" not in said


def test_where_every_name_is_foreign_the_way_out_is_said(
    small: Path, audit: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    put(small / "logs" / "part-0001", "x\n")
    given = ("-c", str(small / "auditkit.yaml"), "-o", str(small / "run"), "-f", "json", "--control", CONTROL)
    command(["audit", *given])
    said = capsys.readouterr().out
    assert "none of the 1 files or keys found has a name that AWS gives log objects" in said


# -- what stays ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def hose(small: Path, log: FlowLog, address: str) -> str:
    """Three files, one of which breaks the control; `records:` of them, open at its end."""
    for hour, port in (("00", 443), ("01", 22), ("02", 443)):
        name = f"hose/2026/09/28/{hour}/flow-1-2026-09-28-{hour}-05-12-a1"
        put(small / name, line(log, address, START + 3600 * int(hour), port) + "\n")
    return f"{{from: [{{local: hose, flow_log: {log.flow_log_id}}}]"


def kept(run: Path) -> list[str]:
    """The hours of the copies that are there."""
    there = [row["uri"].split("/")[4] for row in index(run) if (Run(run).kept / row["kept"]).is_file()]
    assert len(there) == sum(path.is_file() for path in Run(run).kept.rglob("*"))
    return there


@pytest.mark.parametrize(
    ("more", "left"),
    [
        (", keep: matched", ["01"]),
        (", keep_limit: 250", ["00", "01"]),
    ],
)
def test_what_stays_with_the_run(small: Path, audit: Audit, hose: str, more: str, left: list[str]) -> None:
    """The result is the same; a run that has let go of something is not judged again, and says so."""
    before = audit(f"{hose}{more}}}")
    assert before[0] == 1
    assert kept(small / "run") == left
    again = audit()
    assert (again[0], again[2]) == (before[0], before[2]), "the same is asked for: what was found stands"


def test_other_inputs_do_not_take_the_result_away(
    small: Path, audit: Audit, hose: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A changed auditkit.yaml, or a policy, asks for what can no longer be told."""
    before = audit(f"{hose}, keep: none}}")
    run = small / "run"
    assert (before[0], kept(run)) == (1, [])
    bytes_ = (run / "assessment.json").read_bytes()
    assert command(["assess", str(run), "-q"]) == 2, "of other controls only what is gone could tell"
    path = small / "auditkit.yaml"
    path.write_text(path.read_text() + "report: {organization: Other}\n")
    assert command(["assess", str(run), "-c", str(path), "-q"]) == 2
    said = capsys.readouterr().err
    assert "cannot be assessed again: 3 of the 3 log objects that it read were not kept (records.keep: none)" in said
    assert Run(run).done("report")
    assert (run / "assessment.json").read_bytes() == bytes_
    assert not list(run.rglob("*.partial"))


def test_a_run_of_an_earlier_version_is_assessed(audited: Audited, tmp_path: Path) -> None:
    """Its index has none of the newer columns."""
    table = pq.read_table(audited.run.index)
    old = tmp_path / "index.parquet"
    pq.write_table(table.drop_columns(["carrier", "formats", "flow_log_ids"]), old)
    rows = pq.read_table(old).to_pylist()
    assert [log_object(row) for row in rows] == [log_object(row) for row in table.to_pylist()]
    engine = DuckDB()
    assert engine.tallies(old) == engine.tallies(audited.run.index)
    engine.close()
    assert spoken(old) == []


def test_a_damaged_file_spoils_every_day_of_its_flow_log(small: Path, audit: Audit, hose: str, log: FlowLog) -> None:
    """Nothing tells which days its lost lines were of."""
    (small / "hose/2026/09/28/02/flow-1-2026-09-28-02-05-12-a1").write_bytes(gzip.compress(b"torn\n" * 9)[:-12])
    audit(f"{hose}}}")
    days = Run(small / "run").rows("interface_days", [("interface_id", "==", log.resource_id)])
    assert {row["observed"] for row in days} <= {"part", "none"}


def test_a_look_at_a_part_takes_nothing_from_the_whole(small: Path, hose: str, log: FlowLog) -> None:
    """What one account did not need may tell of another; what the run was collected for lets go."""
    path, run = small / "auditkit.yaml", small / "run"
    path.write_text(path.read_text().partition("records:")[0] + f"records: {hose}, keep: none}}\n")
    assert command(["collect", "-c", str(path), "-o", str(run), "-q", "--control", CONTROL]) == 0
    assert command(["assess", str(run), "-q", "--control", CONTROL, "--account", log.account_id]) == 1
    assert kept(run) == ["00", "01", "02"]
    assert command(["assess", str(run), "-q", "--control", CONTROL]) == 1
    assert kept(run) == []
    state = Run(run).state
    assert keeping.asked_alike(Run(run), Narrowing(controls=(CONTROL,)))
    (run / "run.json").write_text(json.dumps({k: v for k, v in state.items() if k != "options"}))
    assert keeping.asked_alike(Run(run), EVERYTHING)
    assert not keeping.asked_alike(Run(run), Narrowing(controls=(CONTROL,)))
