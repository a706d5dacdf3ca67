"""The directory that the example is: whole, repeatable, and never over somebody's files."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from auditkit.config.schema import load_config
from auditkit.example import MARK, write
from auditkit.model.errors import AuditkitError
from auditkit.policy import load_waivers


def _digests(directory: Path) -> dict[str, str]:
    return {
        str(p.relative_to(directory)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in directory.rglob("*")
        if p.is_file()
    }


def test_same_seed_gives_the_same_bytes_in_another_process(example: Any, tmp_path: Path) -> None:
    """Neither the clock nor the hash seed of the process has a say."""
    code = f"from pathlib import Path; from auditkit.example import write; write(Path({str(tmp_path / 'again')!r}))"
    root = str(Path(__file__).parents[2])
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=root,
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
    )
    assert _digests(tmp_path / "again") == _digests(example.path)


def test_another_seed_changes_the_traffic_and_nothing_else(example: Any, tmp_path: Path) -> None:
    """Ids, answers and texts are those of the story; written over an earlier example, nothing of it stays."""
    stale = tmp_path / "other" / "logs" / "stale.log.gz"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"")
    (tmp_path / "other" / MARK).write_text("")
    write(tmp_path / "other", seed=2)
    ours, other = _digests(example.path), _digests(tmp_path / "other")
    assert not stale.exists()
    assert {k: v for k, v in ours.items() if not k.startswith("logs/")} == {
        k: v for k, v in other.items() if not k.startswith("logs/")
    }
    assert ours != other


def test_refuses_a_directory_that_holds_something_else(tmp_path: Path) -> None:
    """A file of the user's is worth more than an example."""
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(AuditkitError, match="is not empty, and no example of auditkit"):
        write(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_refuses_a_file(tmp_path: Path) -> None:
    """A path that is a file is no directory."""
    (tmp_path / "demo").write_text("")
    with pytest.raises(AuditkitError, match="is not a directory"):
        write(tmp_path / "demo")


def test_size_is_as_announced(example: Any) -> None:
    """Big enough to be an organization, small enough to be read in seconds."""
    summary = example.summary
    assert (summary.accounts, summary.vpcs, summary.subnets, summary.interfaces, summary.flow_logs) == (
        6,
        32,
        142,
        892,
        44,
    )
    assert 7_000 <= summary.objects <= 10_500
    assert 280_000 <= summary.records <= 360_000


def test_summary_counts_what_the_snapshot_shows(example: Any) -> None:
    """The numbers said are the numbers listed."""
    summary = example.summary
    assert summary.vpcs == len(example.listed("DescribeVpcs", "Vpcs"))
    assert summary.subnets == len(example.listed("DescribeSubnets", "Subnets"))
    assert summary.interfaces == len(example.listed("DescribeNetworkInterfaces", "NetworkInterfaces"))
    refused = 1  # on core-app-us, where DescribeFlowLogs is refused
    refused += 1  # on tgw-core-us, likewise
    assert summary.flow_logs == len(example.listed("DescribeFlowLogs", "FlowLogs")) + refused


def test_configuration_is_valid_and_named_files_exist(example: Any) -> None:
    """auditkit.yaml loads without a complaint, and what it points at is there."""
    config = load_config(example.path / "auditkit.yaml")
    assert [baseline.name for baseline in config.baselines] == ["cde", "default"]
    assert config.period is not None
    assert [moment.date().isoformat() for moment in config.period] == ["2026-09-28", "2026-10-01"]
    for name in ("snapshot/snapshot.json", "waivers.yaml", "logs/org-flow-logs", "logs/lake-scratch-logs/ml/AWSLogs"):
        assert (example.path / name).exists()


def test_waivers_are_valid_one_of_them_expired(example: Any) -> None:
    """The waivers load; one is past its end when collecting ended."""
    known = ("no-public-rdp", "no-public-telnet", "no-public-caches", "vpc-flow-logs-complete")
    waivers = load_waivers(example.path / "waivers.yaml", known)
    assert [w.control for w in waivers if w.expires.isoformat() <= "2026-10-01"] == ["no-public-telnet"]
    hosts = {
        i["Attachment"].get("InstanceId")
        for i in example.listed("DescribeNetworkInterfaces", "NetworkInterfaces").values()
        if "Attachment" in i
    }
    assert [w.control for w in waivers if w.resource in hosts] == ["no-public-rdp", "no-public-telnet"]


def test_objects_carry_no_time_of_writing(example: Any) -> None:
    """gzip's own time field is zero."""
    some = next((example.path / "logs").rglob("*T*Z_*.log.gz"))
    assert some.read_bytes()[4:8] == b"\0\0\0\0"
    assert gzip.decompress(some.read_bytes()).endswith(b"\n")
