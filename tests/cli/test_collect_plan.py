"""`auditkit collect --plan`: what collecting would ask, read, take and cost, and nothing read or written for it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import boto3
import pytest

from auditkit.cli import options
from auditkit.cli import run as command
from tests import aws
from tests.cli.saved import SAVED
from tests.wire import Wire, ec2_error, isolate, sts_error

FROM_AWS = """
organization: {role_name: AuditkitRead}
period: {start: 2026-07-01, end: 2026-07-02}
destinations: {central: {type: s3, bucket: org-flow-logs}}
"""


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The organization, with every request of the command counted."""
    isolate(monkeypatch, aws.estate().endpoint)
    watched = Wire(boto3.Session(**aws.CREDENTIALS, region_name="us-east-1"))
    monkeypatch.setattr(options, "session", lambda: watched.session)
    return watched


def planned(folder: Path, config: str, *more: str, capsys) -> dict:
    """Plan, as JSON; nothing is written beside auditkit.yaml."""
    path = folder / "auditkit.yaml"
    path.write_text(config)
    before = sorted(folder.rglob("*"))
    given = ["collect", "--plan", "--json", "-c", str(path), "-o", str(folder / "run"), "-q", *more]
    assert command(given) == 0
    assert sorted(folder.rglob("*")) == before
    return json.loads(capsys.readouterr().out)


def test_an_organization_is_planned_without_reading_or_writing(tmp_path: Path, wire: Wire, capsys) -> None:
    plan = planned(tmp_path, FROM_AWS, capsys=capsys)
    built = aws.estate()
    assert plan["schema"] == "auditkit/plan/1"
    assert plan["log_objects"] == {
        "objects": 24,
        "bytes": sum(o["Size"] for o in objects(built)),
        "foreign_keys": 1,
        "whole": False,
    }
    asked = {name.partition(":")[2] for name in wire.counts}
    assert asked == {
        "GetCallerIdentity",
        "DescribeOrganization",
        "ListAccounts",
        "AssumeRole",
        "DescribeRegions",
        "DescribeFlowLogs",
        "ListObjectsV2",
    }
    calls = plan["calls"]
    assert calls["ec2:DescribeVpcs"] == 8
    assert calls["sts:AssumeRole"] == 3
    assert calls["s3:GetObject"] == 24
    assert calls["s3:HeadBucket"] == 2
    assert calls["s3:ListObjectsV2"] == 9 + 4
    assert {a["account_id"]: a["status"] for a in plan["accounts"]} == dict.fromkeys(built.accounts, "in scope")
    assert plan["budget"]["verdict"] == "not known"
    assert [one for one in plan["not_known"] if "gone-flow-logs" in one and "NoSuchBucket" in one]
    assert plan["cost_usd"]["list"] == round(13 / 1000 * 0.005, 4)
    assert plan["assumptions"]["prices"]["as_of"]


def objects(built: aws.Estate) -> list[dict]:
    rows = built.client("s3", built.archive).list_objects_v2(Bucket=aws.BUCKET)["Contents"]
    return [row for row in rows if row["Key"] in built.keys]


def test_the_calls_planned_are_those_that_collecting_makes(tmp_path: Path, wire: Wire, capsys) -> None:
    """But for what only answers tell: further pages, and what a bucket's key or a role leads to."""
    plan = planned(tmp_path, FROM_AWS, capsys=capsys)
    wire.counts.clear()
    assert command(["collect", "-c", str(tmp_path / "auditkit.yaml"), "-o", str(tmp_path / "run"), "-q"]) == 0
    asked = json.loads((tmp_path / "run" / "snapshot" / "snapshot.json").read_text())["calls"]
    planned_calls = Counter(plan["calls"])
    for name in ("ec2:DescribeVpcs", "ec2:DescribeFlowLogs", "logs:DescribeLogGroups", "organizations:ListAccounts"):
        assert planned_calls[name] == asked[name], name
    assert planned_calls["organizations:ListTagsForResource"] == asked["organizations:ListTagsForResource"]
    assert planned_calls["s3:GetObject"] == wire.counts["s3:GetObject"]
    missing = {
        name for name in asked if name.startswith(("ec2:", "organizations:", "sts:")) and not planned_calls[name]
    }
    assert missing <= {"ec2:GetManagedPrefixListEntries"}  # which lists there are, only answers tell


def test_what_is_refused_is_not_known_and_not_zero(tmp_path: Path, wire: Wire, capsys) -> None:
    built = aws.estate()
    wire.fault("sts:AssumeRole", lambda r: sts_error("AccessDenied") if built.web in str(r.body) else None)
    wire.fault(
        "ec2:DescribeFlowLogs",
        lambda r: ec2_error("UnauthorizedOperation") if "eu-west-1" in r.headers["Authorization"].decode() else None,
    )
    plan = planned(tmp_path, FROM_AWS, "--account", built.web, "--account", built.data, capsys=capsys)
    told = " ".join(plan["not_known"])
    assert f"everything of account {built.web} (sts:AssumeRole: AccessDenied: no)" in told
    assert f"log objects of account {built.data} in eu-west-1 (ec2:DescribeFlowLogs: UnauthorizedOperation: no)" in told
    assert (plan["log_objects"]["objects"], plan["log_objects"]["whole"]) == (0, False)
    assert plan["budget"]["verdict"] == "not known"


def test_the_terminal_says_at_least_where_something_is_not_known(tmp_path: Path, wire: Wire, capsys) -> None:
    (tmp_path / "auditkit.yaml").write_text(FROM_AWS)
    assert command(["collect", "--plan", "-c", str(tmp_path / "auditkit.yaml"), "--region", "us-east-1"]) == 0
    said = capsys.readouterr().out
    for words in ("log objects  12, ", "budget       within", "minutes      ", "cost         ", "Nothing was read"):
        assert words in said.replace("at least ", "")
    assert "4 in scope" in said
    assert "Assumed:\n  S3 LIST requests: 0.005 USD per 1,000\n" in said


# -- without AWS -----------------------------------------------------------------------------------------------------


def test_a_saved_snapshot_with_local_logs_needs_no_aws(saved: Path, capsys) -> None:
    plan = planned(saved, SAVED, capsys=capsys)
    assert plan["log_objects"] == {"objects": 2, "bytes": 10, "foreign_keys": 1, "whole": True}
    assert (plan["calls"], plan["not_known"], plan["budget"]["verdict"]) == ({}, [], "within")
    assert set(plan["cost_usd"].values()) == {0}


def test_every_account_of_the_organization_is_set_against_the_scope(saved: Path, capsys) -> None:
    plan = planned(saved, SAVED, capsys=capsys)
    told = {a["account_id"][0]: (a["status"], a["by"], a["until"], a["reason"]) for a in plan["accounts"]}
    assert told["1"] == ("in scope", "", "", "")
    assert told["2"] == ("excluded", "ciso", "2027-03-01", "sandbox")
    assert told["3"] == ("suspended", "", "", "Organizations says SUSPENDED")
    assert told["4"][0] == "not asked"


def test_a_plan_over_the_budget_says_so(saved: Path, capsys) -> None:
    plan = planned(saved, SAVED.replace("local: [logs]", "local: [logs], budget: {objects: 1}"), capsys=capsys)
    assert plan["budget"] == {"objects": 1, "bytes": 100 * 2**30, "verdict": "over"}
    plan = planned(saved, SAVED.replace("local: [logs]", "local: [logs], mode: none"), capsys=capsys)
    assert plan["budget"]["verdict"] == "nothing is read"


def test_a_narrower_plan_counts_less(saved: Path, capsys) -> None:
    plan = planned(saved, SAVED, "--period", "2026-06-30", capsys=capsys)
    assert plan["log_objects"]["objects"] == 1  # it begins within the quarter of an hour after the day
    assert command(["collect", "--plan", "-c", str(saved / "auditkit.yaml"), "--account", "999999999999", "-q"]) == 3


def test_json_goes_with_plan(saved: Path, capsys) -> None:
    (saved / "auditkit.yaml").write_text(SAVED)
    assert command(["collect", "--json", "-c", str(saved / "auditkit.yaml"), "-o", str(saved / "run"), "-q"]) == 2
    assert "--json goes with --plan." in capsys.readouterr().err
    assert not (saved / "run").exists()
