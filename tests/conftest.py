"""The example organization and one audit of it, made once for all tests: treat both as read-only."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from auditkit.cli import run as command
from auditkit.example import write
from auditkit.model.assessment import Assessment
from auditkit.run import Run

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job inherits it ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Audited:
    """One audit of the example."""

    example: Path
    run: Run
    status: int

    @property
    def assessment(self) -> Assessment:
        return self.run.assessment()

    def control(self, control_id: str) -> Any:
        return next(c for c in self.assessment.controls if c.id == control_id)

    def findings(self, control_id: str, status: str = "fail") -> list[Any]:
        return [f for f in self.assessment.findings if f.control_id == control_id and f.status == status]

    def result(self, control_id: str, account: str, region: str) -> Any:
        return next(r for r in self.control(control_id).results if (r.account_id, r.region) == (account, region))


@pytest.fixture(scope="session")
def example_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example organization."""
    directory = tmp_path_factory.mktemp("estate") / "example"
    write(directory)
    return directory


@pytest.fixture(scope="session")
def audited(example_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The example, audited as the README does it, without the PDF."""
    path = tmp_path_factory.mktemp("audited") / "run"
    os.environ["SOURCE_DATE_EPOCH"] = "1790834400"
    status = command(["audit", "-c", str(example_dir / "auditkit.yaml"), "-o", str(path), "-f", "html,json", "-q"])
    del os.environ["SOURCE_DATE_EPOCH"]
    return Audited(example_dir, Run(path), status)


@pytest.fixture
def small(tmp_path: Path, example_dir: Path) -> Path:
    """A folder with the example's snapshot, no log objects, and an auditkit.yaml to be edited."""
    (tmp_path / "snapshot").symlink_to(example_dir / "snapshot")
    (tmp_path / "logs").mkdir()
    (tmp_path / "auditkit.yaml").write_text(
        "organization: {role_name: AuditkitRead}\n"
        "snapshot: snapshot\n"
        "period: {start: 2026-09-28, end: 2026-10-01}\n"
        "destinations:\n"
        "  central: {type: s3, bucket: org-flow-logs}\n"
        "records: {local: [logs], mode: all}\n"
    )
    return tmp_path


def loaded(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text())
