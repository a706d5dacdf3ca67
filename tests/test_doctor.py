"""`auditkit doctor`: what is missing is named with its next step, nothing is changed, and nothing ends in a traceback."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from auditkit.audit import machine
from auditkit.audit.probes import state
from auditkit.cli import run as command
from auditkit.config.schema import RecordsModel
from auditkit.model.inventory import Call
from auditkit.scan import ACTIONS
from tests import aws
from tests.wire import Wire, answer, ec2_error, isolate, json_error, sts_error, watched

CONFIG = """
organization: {role_name: AuditkitRead}
destinations:
  central: {type: s3, bucket: org-flow-logs, account: "%s"}
  ops: {type: cloud-watch-logs, log_group: /vpc/flow}
"""
DOCTOR = import_module("auditkit.cli.doctor")  # the package has a command of that name
Checks = list[dict[str, Any]]


@pytest.fixture
def estate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> aws.Estate:
    """The organization as the only AWS there is, and an auditkit.yaml of it in the current directory."""
    built = aws.estate()
    isolate(monkeypatch, built.endpoint)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "auditkit.yaml").write_text(CONFIG % built.archive)
    return built


@pytest.fixture
def wire(estate: aws.Estate, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The caller's session, watched."""
    seen = watched()
    monkeypatch.setattr(DOCTOR, "session", lambda: seen.session)
    return seen


@pytest.fixture
def examine(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Checks]]:
    """Run it: exit status, and every check."""

    def go(*arguments: str) -> tuple[int, Checks]:
        status = command(["doctor", "--json", *arguments])
        told = json.loads(capsys.readouterr().out)
        assert told["ready"] is (status == 0)
        return status, told["checks"]

    return go


def bad(checks: Checks) -> list[tuple[str, str]]:
    """Name and state of all that is not ready."""
    return [(one["name"], one["state"]) for one in checks if one["state"] not in ("ready", "skipped")]


Examine = Callable[..., tuple[int, Checks]]


# -- the role ----------------------------------------------------------------------------------------------------------


def test_where_nothing_is_missing_every_call_is_tried_and_nothing_is_read(
    estate: aws.Estate, wire: Wire, examine: Examine
) -> None:
    status, checks = examine()
    assert (status, bad(checks)) == (0, [])
    tried = {one["name"].split()[0] for one in checks}
    assert {
        f"{a.service}:{a.operation}" for a in ACTIONS if a.where in ("member", "logs") and a.operation != "GetLogEvents"
    } <= tried
    assert {one["account_id"] for one in checks if one["part"] == "accounts"} == set(estate.accounts)
    assert len({(one["account_id"], one["region"]) for one in checks if one["part"] == "calls"}) == 1
    objects = [request.url for name, request in wire.sent if name == "s3:GetObject"]
    assert [url.rpartition("/")[2] for url in objects] == ["auditkit-doctor"]
    for call in {name for name, _ in wire.sent if name.startswith("ec2:")}:
        for form in wire.forms(call):
            assert form.get("DryRun") == ["true"] or call == "ec2:DescribeRegions"


def test_all_asks_in_every_account_and_region(estate: aws.Estate, wire: Wire, examine: Examine) -> None:
    """IAM once an account; with --account and --region, only there."""
    _, checks = examine("--all")
    places = {(one["account_id"], one["region"]) for one in checks if one["name"] == "ec2:DescribeFlowLogs"}
    assert places == {(account, region) for account in estate.accounts for region in aws.REGIONS}
    assert sum(one["name"] == "iam:GetRole" for one in checks) == len(estate.accounts)
    _, checks = examine("--all", "--account", estate.data, "--region", "eu-west-1")
    places = {(one["account_id"], one["region"]) for one in checks if one["part"] == "calls"}
    assert places == {(estate.data, "eu-west-1")}


FAULTS: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "ec2:DescribeFlowLogs": (lambda _: ec2_error("UnauthorizedOperation"), "missing", "ec2:DescribeFlowLogs"),
    "ec2:DescribeSubnets": (lambda _: ec2_error("RequestLimitExceeded", status=503), "unknown", ""),
    "ec2:DescribeVpcEncryptionControls": (lambda _: ec2_error("InvalidAction", status=400), "unknown", ""),
    "ec2:DescribeVpcs": (lambda _: answer(200, "<html>log in</html>"), "unknown", ""),
    "logs:DescribeLogGroups": (lambda _: json_error("AccessDeniedException"), "missing", "logs:DescribeLogGroups"),
    "cloudtrail:LookupEvents": (lambda _: json_error("AccessDeniedException"), "missing", "cloudtrail:LookupEvents"),
    "firehose:DescribeDeliveryStream": (
        lambda _: json_error("AccessDeniedException"), "missing", "firehose:DescribeDeliveryStream",
    ),
    "kms:GetKeyPolicy": (lambda _: json_error("AccessDeniedException"), "missing", "kms:GetKeyPolicy"),
    "kms:DescribeKey": (lambda _: json_error("NotFoundException"), "missing", ""),
    "iam:GetRole": (lambda _: sts_error("AccessDenied"), "missing", "iam:GetRole"),
    "organizations:ListTagsForResource": (
        lambda _: json_error("AccessDeniedException"), "missing", "organizations:ListTagsForResource",
    ),
    "s3:ListObjectsV2": (lambda _: s3_error(403, "AccessDenied"), "missing", "s3:ListBucket: `auditkit iam --for logs"),
    "s3:GetObject": (lambda _: s3_error(403, "AccessDenied"), "missing", "s3:GetObject, s3:GetObjectVersion, kms:Decrypt"),
    "s3:GetBucketEncryption": (None, "ready", ""),
    "s3:GetBucketPolicy": (lambda _: s3_error(403, "AccessDenied"), "missing", "s3:GetBucketPolicy"),
    "s3:GetBucketLogging": (lambda _: s3_error(404, "NoSuchBucket"), "missing", ""),
}  # fmt: skip
"""Call → how it fails, what that means, and the actions that are to be allowed."""


def s3_error(status: int, code: str) -> Any:
    """An error as S3 writes it."""
    return answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>" if code else "")


def test_a_call_that_fails_is_named(wire: Wire, examine: Examine) -> None:
    """With the action to allow where it was refused; what tells neither yes nor no is no yes."""
    for call, (fault, _, _) in FAULTS.items():
        if fault:
            wire.fault(call.replace("logs:", "cloudwatch-logs:"), fault)
    status, checks = examine()
    assert status == 3
    there = {one["name"].split()[0]: one for one in checks}
    assert {name for name, one in there.items() if one["state"] in ("missing", "unknown")} == FAULTS.keys() - {
        "s3:GetBucketEncryption"
    }
    for call, (_, found, allow) in FAULTS.items():
        one = there[call]
        assert (call, one["state"]) == (call, found)
        assert one["next"] or found == "ready"
        assert (f"Allow {allow}" in one["next"]) if allow else "Allow" not in one["next"]


@pytest.mark.parametrize(("status", "next_"), [(403, "Allow s3:ListBucket"), (404, "Look at destinations:")])
def test_a_bucket_that_cannot_be_seen_is_asked_nothing_more(
    wire: Wire, examine: Examine, status: int, next_: str
) -> None:
    """It is another's, or it is not there."""
    wire.fault("s3:HeadBucket", lambda _: s3_error(status, ""))
    exit_status, checks = examine()
    assert exit_status == 3
    [one] = [one for one in checks if one["state"] == "missing"]
    assert one["name"] == "s3:HeadBucket org-flow-logs"
    assert next_ in one["next"]
    assert not wire.counts["s3:GetBucketPolicy"]


def test_a_role_that_cannot_be_assumed_is_named_and_the_others_go_on(
    estate: aws.Estate, wire: Wire, examine: Examine
) -> None:
    def refuse(request: Any) -> Any:
        return sts_error("AccessDenied") if estate.web in str(request.body) else None

    wire.fault("sts:AssumeRole", refuse)
    status, checks = examine()
    entered = {one["account_id"]: one for one in checks if one["part"] == "accounts"}
    assert {account: one["state"] for account, one in entered.items()} == {
        account: "missing" if account == estate.web else "ready" for account in estate.accounts
    }
    assert "auditkit iam --for trust" in entered[estate.web]["next"]
    assert status == 3
    assert any(one["part"] == "calls" for one in checks)


def test_accounts_that_cannot_be_listed(estate: aws.Estate, wire: Wire, examine: Examine) -> None:
    """One line, with the next step; the owner of the log bucket is all that is known to enter."""
    wire.fault("organizations:ListAccounts", lambda _: json_error("AccessDeniedException"))
    status, checks = examine()
    [one] = [one for one in checks if one["state"] == "missing"]
    assert status == 3
    assert "organizations:ListAccounts failed" in one["said"]
    assert "delegated administrator" in one["next"]
    assert [one["account_id"] for one in checks if one["part"] == "accounts"] == [estate.archive]


def test_a_region_that_is_not_enabled(wire: Wire, examine: Examine, tmp_path: Path) -> None:
    """Named in auditkit.yaml."""
    path = tmp_path / "auditkit.yaml"
    path.write_text(path.read_text() + "regions: [eu-west-1, af-south-1]\n")
    status, checks = examine()
    assert status == 3
    assert [(one["state"], one["region"]) for one in checks if one["state"] == "missing"] == [("missing", "af-south-1")]
    assert {one["region"] for one in checks if one["part"] == "calls"} == {"eu-west-1"}


def test_an_account_that_is_not_in_scope_is_wrong_usage(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["doctor", "--account", "000000000001"]) == 2
    assert "000000000001 is not in scope" in capsys.readouterr().err


@pytest.mark.parametrize("cause", ["credentials", "endpoint", "profile"])
def test_without_a_caller_one_line_says_so(
    estate: aws.Estate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cause: str
) -> None:
    """No credentials, no network, no such profile."""
    if cause != "credentials":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws.KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", aws.SECRET)
        monkeypatch.setenv(
            *(("AWS_ENDPOINT_URL", "http://127.0.0.1:9") if cause == "endpoint" else ("AWS_PROFILE", "no"))
        )
    assert command(["doctor"]) == 3
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    assert sum("✕" in line for line in said.out.splitlines()) == 1
    assert "AWS_PROFILE" in said.out or "AWS_ENDPOINT_URL" in said.out


def test_the_callers_account_alone(wire: Wire, examine: Examine, tmp_path: Path) -> None:
    """Without an auditkit.yaml nothing is asked of an organization, and no bucket is known to be tried."""
    (tmp_path / "auditkit.yaml").unlink()
    status, checks = examine()
    assert (status, bad(checks)) == (0, [])
    assert not [one for one in checks if one["name"].startswith("organizations:")]
    assert [one["name"] for one in checks if one["state"] == "skipped"] == ["Log buckets"]


def test_what_people_see(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    """Allowed calls share a line; a hostile message stays on its own; no colour but on a terminal."""
    wire.fault("ec2:DescribeVpcs", lambda _: ec2_error("UnauthorizedOperation", "&#8238;gone"))
    wire.fault("ec2:DescribeSubnets", lambda _: ec2_error("RequestLimitExceeded", status=503))
    wire.fault("cloudtrail:LookupEvents", lambda _: json_error("AccessDeniedException", "\\u001b[2Jgone"))
    assert command(["doctor"]) == 3
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert any("calls allowed" in line for line in lines)
    assert not any("ec2:DescribeNatGateways" in line for line in lines)
    [at] = [at for at, line in enumerate(lines) if "ec2:DescribeVpcs: Unauthorized" in line]
    assert lines[at].startswith("✕ ")
    assert "→ Allow ec2:DescribeVpcs: `auditkit iam --for member`." in lines[at + 1]
    assert next(line for line in lines if "ec2:DescribeSubnets" in line).startswith("? ")
    assert lines[-1].startswith("2 missing, 1 could not be told")
    assert not {"\x1b", "\u202e"} & set(said.out)


# -- what an answer means ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation", "code", "found"),
    [
        ("ec2", "DescribeVpcs", "DryRunOperation", "ready"),
        ("ec2", "DescribeVpcs", "UnauthorizedOperation", "missing"),
        ("ec2", "DescribeVpcs", "AuthFailure", "missing"),
        ("ec2", "DescribeVpcs", "EndpointConnectionError", "unknown"),
        ("ec2", "DescribeVpcs", "MalformedAnswer", "unknown"),
        ("ec2", "GetManagedPrefixListEntries", "InvalidPrefixListID.NotFound", "ready"),
        ("s3", "GetObject", "NoSuchKey", "ready"),
        ("s3", "GetObject", "InvalidRequest", "unknown"),
        ("s3", "GetBucketPolicy", "NoSuchBucketPolicy", "ready"),
        ("s3", "GetBucketPolicy", "NoSuchBucket", "missing"),
        ("iam", "GetRole", "NoSuchEntity", "ready"),
        ("iam", "GetRole", "ExpiredToken", "unknown"),
        ("kms", "DescribeKey", "NotFoundException", "missing"),
        ("kms", "DescribeKey", "KMSInternalException", "unknown"),
        ("logs", "DescribeLogStreams", "ResourceNotFoundException", "ready"),
    ],
)
def test_what_an_error_means(service: str, operation: str, code: str, found: str) -> None:
    where = {"account_id": "111122223333", "region": "us-east-1", "at": "2026-07-01T00:00:00Z", "resource": "it"}
    call = Call(service=service, operation=operation, error={"code": code, "message": "m"}, **where)
    assert state(call)[0] == found


# -- the machine ---------------------------------------------------------------------------------------------------------


def test_offline_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is left behind."""

    def refuse() -> None:
        raise AssertionError("AWS was asked")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(DOCTOR, "session", refuse)
    assert command(["doctor", "--offline", "-o", "a/b/c"]) == 0
    said = capsys.readouterr().out
    assert "Ready" in said
    assert "not asked: --offline" in said
    assert list(tmp_path.iterdir()) == []


def test_a_saved_snapshot_needs_no_aws(small: Path, examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    """But it must be there, and so must the logs."""
    monkeypatch.setattr(DOCTOR, "session", lambda: pytest.fail("AWS was asked"))
    config = small / "auditkit.yaml"
    assert examine("-c", str(config))[0] == 0
    (small / "logs").rmdir()
    config.write_text(config.read_text().replace("snapshot: snapshot", "snapshot: nowhere"))
    status, checks = examine("-c", str(config))
    assert (status, bad(checks)) == (3, [("The saved snapshot", "missing"), ("Local log objects", "missing")])


def test_a_library_that_does_not_load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, examine: Examine) -> None:
    """PDF is what it stops; how to install it, and how to do without."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    status, checks = examine("--offline")
    [one] = [one for one in checks if one["state"] == "missing"]
    assert status == 3
    assert "libpango" in one["next"]
    assert "-f html" in one["next"]


def test_a_directory_that_cannot_be_written_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, examine: Examine
) -> None:
    """Root may write almost anywhere, but nobody into /proc."""
    monkeypatch.chdir(tmp_path)
    status, checks = examine("--offline", "-o", "/proc/runs")
    assert ("A directory for runs", "missing") in bad(checks)
    assert status == 3


@pytest.mark.parametrize(
    ("records", "free", "found"),
    [
        ({}, 2**29, "missing"),
        ({}, 2**31, "ready"),
        ({"budget": {"bytes": "10GiB"}}, 2**31, "unknown"),
        ({"budget": {"bytes": "10GiB"}}, 2**34, "ready"),
        ({"budget": {"bytes": "10GiB"}, "mode": "none"}, 2**31, "ready"),
        ({"mode": "none"}, 2**29, "missing"),
    ],
)
def test_disk_space_against_the_budget(records: dict[str, Any], free: int, found: str) -> None:
    """What the default allows, nobody asked for."""
    assert machine._disk(RecordsModel.model_validate(records), Path("/"), free).state == found


def test_an_old_python() -> None:
    assert (machine._python((3, 10, 4)).state, machine._python((3, 14, 0)).state) == ("missing", "ready")


def test_a_wrong_configuration_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "auditkit.yaml").write_text("regoins: []\n")
    assert command(["doctor", "-c", str(tmp_path / "auditkit.yaml")]) == 2
    assert "did you mean 'regions'?" in capsys.readouterr().err
