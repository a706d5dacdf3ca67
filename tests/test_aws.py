"""The whole program against emulated AWS APIs over HTTP: an organization of four accounts, its bucket, its records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auditkit.cli import run as command
from auditkit.run import Run
from tests import aws
from tests.conftest import loaded
from tests.wire import isolate

CONFIG = """
organization: {role_name: AuditkitRead}
period: {start: 2026-07-01, end: 2026-07-02}
destinations:
  central: {type: s3, bucket: org-flow-logs, account: "%s"}
  ops: {type: cloud-watch-logs, log_group: /vpc/flow}
baselines:
  - {name: cde, match: {vpc_tags: {scope: pci}}, destinations: [central], fields: [tcp-flags], max_aggregation_interval: 60}
  - {name: default, destinations: [central, ops]}
networks: {corporate: [198.51.100.0/24]}
"""


@pytest.fixture
def estate(monkeypatch: pytest.MonkeyPatch) -> aws.Estate:
    """The organization, as the only AWS there is, with the caller's credentials in the environment."""
    built = aws.estate()
    isolate(monkeypatch, built.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", aws.SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return built


def audit(estate: aws.Estate, folder: Path, *more: str, config: str = CONFIG) -> tuple[int, dict[str, Any], Run]:
    """Audit, and read what came out."""
    path = folder / "auditkit.yaml"
    path.write_text(config % estate.archive if "%s" in config else config)
    run = Run(folder / "run")
    status = command(["audit", "-c", str(path), "-o", str(run.path), "-f", "html,json", "-q", *more])
    result = run.path / "assessment.json"
    return status, loaded(result) if result.exists() else {}, run


def test_an_organization_is_audited_from_aws_to_the_report(estate: aws.Estate, tmp_path: Path) -> None:
    """Coverage, destinations, records and their cause, in one command."""
    status, result, run = audit(estate, tmp_path)
    assert status == 1
    assert [a["account_id"] for a in result["scope"]["accounts"]] == estate.accounts
    assert {a["read"] for a in result["scope"]["accounts"]} == {"read"}
    assert result["unread"] == []
    coverage = {r["resource_id"]: r for r in run.rows("coverage")}
    ids = estate.ids
    assert (coverage[ids["pci"]]["state"], coverage[ids["pci"]]["via"], coverage[ids["pci"]]["baseline"]) == (
        "complete",
        "resource",
        "cde",
    )
    assert (coverage[ids["pci-eni-0"]]["state"], coverage[ids["pci-eni-0"]]["via"]) == ("complete", "vpc")
    assert coverage[ids["bare"]]["state"] == "none"
    assert coverage[ids["eu"]]["state"] == "complete"
    assert coverage[ids["lost"]]["state"] == "failing"
    assert coverage[ids["attachment"]]["via"] == "transit-gateway"
    records = result["population"]["records"]
    assert (records["ok"], records["nodata"], records["damaged"]) == (48, 12, 0)
    assert (result["population"]["log_objects"]["read"], result["population"]["log_objects"]["not_read"]) == (24, 0)
    ssh = [f for f in result["findings"] if f["control_id"] == "no-public-ssh" and f["status"] == "fail"]
    assert [(f["account_id"], f["resource_id"], f["facts"]["rows"]) for f in ssh] == [
        (estate.web, ids["pci-eni-0"], 12)
    ]
    assert ssh[0]["evidence"][0]["source"].startswith("s3://org-flow-logs/AWSLogs/")
    assert not [f for f in result["findings"] if f["control_id"] == "no-public-rdp" and f["status"] == "fail"]
    destinations = {d["log_destination"]: d for d in run.rows("destinations")}
    assert (destinations["s3://org-flow-logs"]["exists"], destinations["s3://org-flow-logs"]["object_lock"]) == (
        True,
        "COMPLIANCE",
    )
    assert destinations["s3://gone-flow-logs"]["exists"] is False
    assert "not AWS" in " ".join(result["notes"])


def test_nothing_secret_is_left_in_the_run(estate: aws.Estate, tmp_path: Path) -> None:
    """Neither the caller's keys nor a role's."""
    import gzip

    _, _, run = audit(estate, tmp_path)
    for path in run.path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            assert aws.SECRET.encode() not in data
            assert b"SessionToken" not in data


def test_the_stages_one_by_one_give_the_same_bytes(estate: aws.Estate, tmp_path: Path) -> None:
    """collect, then assess twice without AWS."""
    config = tmp_path / "auditkit.yaml"
    config.write_text(CONFIG % estate.archive)
    run = tmp_path / "run"
    assert command(["collect", "-c", str(config), "-o", str(run), "-q"]) == 0
    assert command(["assess", str(run), "-q"]) == 1
    first = {p.name: p.read_bytes() for p in (run / "assessment.json", *sorted((run / "tables").iterdir()))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        assert command(["assess", str(run), "-q"]) == 1
    assert first == {p.name: p.read_bytes() for p in (run / "assessment.json", *sorted((run / "tables").iterdir()))}
    assert command(["report", str(run), "-f", "html", "-q"]) == 0
    assert (run / "reports" / "report.html").stat().st_size > 10_000


def test_collecting_says_what_it_asked_of_aws(
    estate: aws.Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Requests in all, for each account region, and by operation, as snapshot.json has them."""
    path = tmp_path / "auditkit.yaml"
    path.write_text(CONFIG % estate.archive)
    assert command(["collect", "-c", str(path), "-o", str(tmp_path / "run")]) == 0
    calls = loaded(tmp_path / "run" / "snapshot" / "snapshot.json")["calls"]
    said = capsys.readouterr().out
    assert f"{sum(calls.values()):,} requests to AWS, " in said
    assert " account regions: " in said
    assert calls["ec2:DescribeVpcs"] == calls["ec2:DescribeRouteTables"] > 1


def test_narrowing_reads_and_judges_only_what_is_asked(estate: aws.Estate, tmp_path: Path) -> None:
    """One account, one region, one table."""
    status, result, _ = audit(
        estate, tmp_path, "--account", estate.data, "--region", "eu-west-1", "--table", "coverage"
    )
    assert status == 1
    assert {(r["account_id"], r["region"]) for c in result["controls"] for r in c["results"]} == {
        (estate.data, "eu-west-1")
    }
    assert {c["table"] for c in result["controls"]} == {"coverage"}
    assert result["scope"]["narrowed"] == {"account": [estate.data], "region": ["eu-west-1"], "table": ["coverage"]}


def test_the_callers_account_alone_without_a_configuration(
    estate: aws.Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No auditkit.yaml: the caller's account, yesterday; it has no VPC, so nothing could be examined."""
    monkeypatch.chdir(tmp_path)
    assert command(["audit", "-o", "run", "-f", "json", "-q"]) == 3
    result = loaded(tmp_path / "run" / "assessment.json")
    assert [a["account_id"] for a in result["scope"]["accounts"]] == [estate.management]
    assert {c["status"] for c in result["controls"]} == {"not_applicable"}


def test_an_empty_bucket_passes_nothing(estate: aws.Estate, tmp_path: Path) -> None:
    """A period without objects: the interfaces were not observed."""
    status, result, _ = audit(estate, tmp_path, "--period", "2026-06-01", "--table", "flow_records")
    assert status == 3
    assert result["population"]["log_objects"]["in_scope"] == 0
    assert "pass" not in {r["status"] for c in result["controls"] for r in c["results"]}


def test_no_credentials(
    estate: aws.Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence and the next step; nothing was audited."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    status, result, _ = audit(estate, tmp_path)
    said = capsys.readouterr().err
    assert (status, result) == (2, {})
    assert "credentials" in said
    assert "Traceback" not in said


def test_an_endpoint_that_is_not_there(
    estate: aws.Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named, with status 2."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    status, result, _ = audit(estate, tmp_path)
    said = capsys.readouterr().err
    assert (status, result) == (2, {})
    assert "127.0.0.1:9" in said
    assert "Traceback" not in said


def test_a_profile_that_does_not_exist(
    estate: aws.Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named, with status 2."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    status, _, _ = audit(estate, tmp_path)
    assert status == 2
    assert "nobody" in capsys.readouterr().err
