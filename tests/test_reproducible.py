"""The same inputs give the same bytes, and a run can be assessed again anywhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from auditkit.cli import run as command
from tests.conftest import Audited


def result(run: Path) -> dict[str, bytes]:
    """Everything that assessing writes."""
    return {p.name: p.read_bytes() for p in (run / "assessment.json", *sorted((run / "tables").iterdir()))}


def test_assessing_again_elsewhere_in_another_process_gives_the_same_bytes(audited: Audited, tmp_path: Path) -> None:
    """Another directory, hash seed and time zone; no snapshot or logs beside it but those in the run."""
    moved = tmp_path / "elsewhere"
    shutil.copytree(audited.run.path, moved)
    environment = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PATH": "/usr/bin"}
    code = "import sys; from auditkit.cli import run; sys.exit(run(['assess', sys.argv[1], '-q']))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(moved)], env=environment, cwd=Path(__file__).parent.parent, check=False
    )
    assert done.returncode == 1
    assert result(moved) == result(audited.run.path)


def test_the_manifest_is_read_by_sha256sum(audited: Audited) -> None:
    """Every file of the run, but the manifest."""
    done = subprocess.run(["sha256sum", "--check", "--quiet", "MANIFEST.sha256"], cwd=audited.run.path, check=False)
    assert done.returncode == 0
    listed = (audited.run.path / "MANIFEST.sha256").read_text().splitlines()
    files = [p for p in audited.run.path.rglob("*") if p.is_file()]
    assert len(listed) == len(files) - 1


def test_documents_are_the_same_for_the_same_assessment(audited: Audited, tmp_path: Path, monkeypatch) -> None:
    """SOURCE_DATE_EPOCH is the only clock of a document."""
    moved = tmp_path / "elsewhere"
    shutil.copytree(audited.run.path, moved)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790834400")
    assert command(["report", str(moved), "-f", "html", "-q"]) == 0
    html = (audited.run.path / "reports" / "report.html").read_bytes()
    assert (moved / "reports" / "report.html").read_bytes() == html


def test_other_waivers_change_the_verdict_and_nothing_else(audited: Audited, tmp_path: Path) -> None:
    """`assess -c` judges by another configuration; without the waiver the finding fails."""
    moved = tmp_path / "elsewhere"
    shutil.copytree(audited.run.path, moved)
    config = audited.example / "unwaived.yaml"
    config.write_text((audited.example / "auditkit.yaml").read_text().replace("waivers: waivers.yaml", "waivers: null"))
    assert command(["assess", str(moved), "-c", str(config), "-q", "--control", "no-public-rdp"]) == 1
    assert "no-public-rdp" in (moved / "assessment.json").read_text()


def test_python_users_get_data_frames(audited: Audited) -> None:
    """auditkit.open_run(path).table(name)."""
    import auditkit

    frame = auditkit.open_run(audited.run.path).table("coverage")
    assert len(frame) == 1099
    assert str(frame["covered_from"].dtype).startswith("datetime64")
    assert (frame[frame["resource_id"] == "vpc-07b74e5e30564d3e2"]["state"] == "complete").all()
