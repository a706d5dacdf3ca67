"""The gate: exit statuses, thresholds, narrowing, and new findings only."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from auditkit.audit.gate import decide
from auditkit.audit.inference import statement
from auditkit.cli import run as command
from auditkit.model.assessment import Result
from tests.conftest import Audited


def gate(audited: Audited, *flags: str) -> int:
    """Run the gate on the example's audit."""
    return command(["gate", str(audited.run.path), *flags])


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        ([], 1),
        (["--fail-on", "critical"], 1),
        (["--control", "no-public-rdp"], 3),  # its finding is waived; elsewhere it is inconclusive
        (["--control", "no-public-rdp", "--inconclusive", "report"], 0),
        (["--control", "port-scan-seen"], 0),  # info is under the default of --fail-on
        (["--control", "port-scan-seen", "--fail-on", "info"], 1),
        (["--account", "222233334444", "--table", "flow_records"], 0),
        (["--account", "222233334444", "--region", "us-east-1"], 3),  # nothing there: nothing was examined
        (["--account", "666677778888"], 3),
    ],
)
def test_statuses(audited: Audited, flags: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """0 passes, 1 findings, 3 could not conclude."""
    assert gate(audited, *flags) == status
    assert capsys.readouterr().out.startswith({0: "PASS", 1: "FAIL", 3: "INCONCLUSIVE"}[status])


def test_json_for_machines(audited: Audited, capsys: pytest.CaptureFixture[str]) -> None:
    """The same decision, parsed."""
    assert gate(audited, "--json", "--fail-on", "critical") == 1
    decision = json.loads(capsys.readouterr().out)
    assert decision["status"] == 1
    assert {"control": "no-public-ssh", "findings": 2} in decision["failed"]
    assert not any(one["control"] == "no-public-rdp" for one in decision["failed"])


def test_against_an_earlier_run_counts_new_findings_only(audited: Audited, tmp_path: Path) -> None:
    """Against itself nothing is new; against a run that did not judge a control, its findings all are."""
    earlier = tmp_path / "earlier"
    shutil.copytree(audited.run.path, earlier)
    assert gate(audited, "--against", str(earlier), "--inconclusive", "report") == 0
    assert gate(audited, "--against", str(audited.run.path)) == 2
    assert command(["assess", str(earlier), "--control", "no-public-caches", "-q"]) == 1
    flags = ("--against", str(earlier), "--inconclusive", "report")
    assert gate(audited, *flags) == 1
    assert gate(audited, *flags, "--control", "no-public-caches") == 0


@pytest.mark.parametrize(
    "flag", [("--control", "no-public-shh"), ("--account", "999999999999"), ("--region", "eu-nord-1")]
)
def test_a_name_that_the_run_does_not_have_lets_nothing_pass(audited: Audited, flag: tuple[str, str]) -> None:
    """Beside a name that it has."""
    assert gate(audited, "--control", "flow-logs-no-redundant", *flag) == 2


def test_a_run_whose_assessing_did_not_end_is_no_pass(audited: Audited, tmp_path: Path) -> None:
    """Begun again with other inputs, and broken off."""
    moved = tmp_path / "moved"
    shutil.copytree(audited.run.path, moved)
    assert command(["assess", str(moved), "--control", "no-such-control", "-q"]) == 2
    assert command(["gate", str(moved)]) == 2


def test_a_narrowed_run_says_so(audited: Audited, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else was judged."""
    moved = tmp_path / "moved"
    shutil.copytree(audited.run.path, moved)
    assert command(["assess", str(moved), "--account", "222233334444", "--control", "no-public-ssh", "-q"]) == 0
    assert command(["gate", str(moved)]) == 0
    assert "the run was narrowed to account 222233334444; control no-public-ssh" in capsys.readouterr().out


def test_a_directory_that_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Named, with status 2."""
    assert command(["gate", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err


def test_a_damaged_assessment_is_no_pass(audited: Audited, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half a file, and another schema."""
    (tmp_path / "run.json").write_bytes((audited.run.path / "run.json").read_bytes())
    whole = (audited.run.path / "assessment.json").read_text()
    for text in (whole[: len(whole) // 2], "{}", whole.replace("auditkit/assessment/1", "auditkit/assessment/9"), "[]"):
        (tmp_path / "assessment.json").write_text(text)
        assert command(["gate", str(tmp_path)]) == 2
        assert "is damaged" in capsys.readouterr().err


def test_a_run_whose_findings_table_is_gone_is_no_pass(audited: Audited, tmp_path: Path) -> None:
    """The gate counts from the table; without it, it must not say that nothing failed."""
    for name in ("run.json", "assessment.json"):
        (tmp_path / name).write_bytes((audited.run.path / name).read_bytes())
    assert command(["gate", str(tmp_path)]) == 2


def test_help_is_light() -> None:
    """No heavy import for --help."""
    code = (
        "import sys; from auditkit.cli import run; status = run(['--help']); "
        "heavy = {'boto3', 'botocore', 'duckdb', 'pandas', 'weasyprint', 'pyarrow', 'pydantic', 'rich', 'jinja2'} & set(sys.modules); "
        "sys.exit(status or len(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Exit status" in done.stdout


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    """With its options."""
    for words in (
        ["audit"],
        ["collect"],
        ["assess"],
        ["report"],
        ["gate"],
        ["example"],
        ["policies"],
        ["policies", "test"],
    ):
        assert command([*words, "--help"]) == 0
        assert "Usage: auditkit" in capsys.readouterr().out


def test_a_wrong_command_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    """click's own message."""
    assert command(["adit"]) == 2
    assert "No such command" in capsys.readouterr().err


KNOWN = {"status": "fail", "waived": False, "control_id": "c", "account_id": "1", "region": "r", "fingerprint": "F"}
CLEAN = {"population": 9, "sampled": 5, "deviations": 0, "limit_rate": 0.1, "confidence": 0.9}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 0),
        ({"reasons": ("9 of 10 interface-days were not observed",)}, 3),
        ({"inconclusive": 1}, 3),
        ({"sample": CLEAN, "reasons": (statement(CLEAN),)}, 0),
        ({"sample": CLEAN, "reasons": (f"{statement(CLEAN)}; tolerable are 5 %",)}, 3),
    ],
)
def test_what_is_open_beside_known_findings_is_no_pass(tmp_path: Path, more: dict[str, Any], status: int) -> None:
    """One finding, known before; alone it is a finding, as ever."""
    place = {
        "account_id": "1",
        "region": "r",
        "status": "fail",
        "examined": 1,
        "failed": 1,
        "inconclusive": 0,
        "waived": 0,
    }
    result = Result(**(place | more))
    control = SimpleNamespace(id="c", severity="high", table="flow_records", results=[result], failed=1)
    assessment = SimpleNamespace(controls=[control], scope={"narrowed": {}})

    def run(name: str) -> Any:
        return SimpleNamespace(path=tmp_path / name, assessment=lambda: assessment, rows=lambda _: [KNOWN])

    decision = decide(run("now"), "high", against=run("before"))
    assert (decision.status, decision.inconclusive) == (status, ("c",) if status else ())
    assert decide(run("now"), "high", against=run("before"), inconclusive="report").status == 0
    assert decide(run("now"), "high").status == 1
