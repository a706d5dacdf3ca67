"""Names, tags and descriptions are an attacker's text: they come out inert everywhere."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from auditkit import snapshot
from auditkit.cli import run as command
from auditkit.run import Run

NASTY = "<script>alert('x')</script>\n\x1b[31m=cmd|' /C calc'!A0\u202e" + "A" * 10_000
MARK = "<script>alert('x')"


@pytest.fixture
def nasty(small: Path) -> Path:
    """The example's snapshot with every name, description and tag value replaced by an attacker's."""
    source = (small / "snapshot").resolve()
    (small / "snapshot").unlink()
    shutil.copytree(source, small / "snapshot")

    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            wanted = ("Value", "Description", "GroupName", "Name", "DeliverLogsErrorMessage")
            return {k: NASTY if k in wanted and isinstance(v, str) and v else spoil(v) for k, v in value.items()}
        return [spoil(v) for v in value] if isinstance(value, list) else value

    for path in (small / "snapshot").rglob("*.jsonl.gz"):
        lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        for line in lines:
            line["answer"] = spoil(line.get("answer"))
        path.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))
    config = small / "auditkit.yaml"
    config.write_text(config.read_text() + f"report: {{organization: {json.dumps(NASTY[:60])}}}\n")
    return small


def test_hostile_text_is_inert_in_html_json_and_terminal(nasty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No tag survives in the HTML, no control character reaches the terminal."""
    flags = ["--table", "coverage", "--table", "flow_logs", "-f", "html,json"]
    status = command(["audit", "-c", str(nasty / "auditkit.yaml"), "-o", str(nasty / "run"), *flags])
    said = capsys.readouterr()
    assert status == 1
    assert "internal error" not in said.err
    assert "\x1b" not in said.out + said.err
    assert "\u202e" not in said.out + said.err
    html = (nasty / "run" / "reports" / "report.html").read_text()
    assert MARK not in html
    assert "\u202e" not in html
    names = {a["name"] for a in Run(nasty / "run").rows("accounts")}
    assert NASTY in names  # the data keeps what AWS answered, the reports show it inert


def test_hostile_text_is_inert_in_the_pdf(nasty: Path) -> None:
    """The PDF opens, shows the text as text, and holds no script."""
    from pypdf import PdfReader

    flags = ["--control", "flow-logs-no-delivery-failure", "-f", "pdf", "-q"]
    assert command(["audit", "-c", str(nasty / "auditkit.yaml"), "-o", str(nasty / "run"), *flags]) == 1
    path = nasty / "run" / "reports" / "report.pdf"
    reader = PdfReader(path)
    text = "".join(page.extract_text() for page in reader.pages)
    assert len(reader.pages) < 60
    assert "script" in text
    assert "\u202e" not in text
    assert b"/JavaScript" not in path.read_bytes()
    assert b"/Launch" not in path.read_bytes()


def test_object_keys_cannot_leave_the_run(small: Path) -> None:
    """What a key says decides nothing about where its copy lies."""
    name = "222233334444_vpcflowlogs_eu-west-1_fl-0aaaaaaaaaaaaaaaa_20260928T0000Z_fe123456.log.gz"
    odd = small / "logs" / "..." / "AWSLogs" / "x" / name
    odd.parent.mkdir(parents=True)
    odd.write_bytes(gzip.compress(b"version\n"))
    command(["audit", "-c", str(small / "auditkit.yaml"), "-o", str(small / "run"), "-f", "json", "-q"])
    kept = [
        p.relative_to(small / "run" / "records" / "kept") for p in (small / "run" / "records" / "kept").rglob("*.gz")
    ]
    assert all(not p.is_absolute() and ".." not in p.parts for p in kept)


def test_a_snapshot_names_no_file_outside(tmp_path: Path) -> None:
    """Account ids and regions of a hostile snapshot are no paths."""
    from auditkit.model.inventory import Call

    call = Call(
        service="ec2", operation="DescribeVpcs", account_id="../../etc", region="x/../..", at="2026-01-01T00:00:00Z"
    )
    snapshot.write(tmp_path / "s", {"as_of": "2026-01-01T00:00:00Z"}, [call])
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["organization.jsonl.gz", "snapshot.json"]
