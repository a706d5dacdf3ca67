"""Policies, waivers and limits on damage: what a run takes from them at `audit`, it must hold to at `assess`."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from auditkit.cli import run as command
from tests.conftest import loaded

ACCOUNT, REGION, LOG = "222233334444", "eu-west-1", "fl-0aaaaaaaaaaaaaaaa"
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
START = 1790558400  # 2026-09-28T00:00:00Z
FINE = f"2 {ACCOUNT} eni-0123456789abcdef0 203.0.113.9 10.0.0.5 51000 443 6 3 180 {START} {START + 59} ACCEPT OK"


def run(small: Path, *more: str) -> dict[str, Any]:
    """Audit the small folder."""
    shutil.rmtree(small / "run", ignore_errors=True)
    arguments = ["audit", "-c", str(small / "auditkit.yaml"), "-o", str(small / "run"), "-f", "json", "-q", *more]
    assert command(arguments) in (0, 1, 3)
    result: dict[str, Any] = loaded(small / "run" / "assessment.json")
    return result


def configured(small: Path, text: str) -> None:
    """Add to auditkit.yaml."""
    path = small / "auditkit.yaml"
    path.write_text(path.read_text() + text)


# -- policies ----------------------------------------------------------------------------------------------------------


def policy(path: Path, control: str) -> None:
    """Write a policy file with one control."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"controls:\n  - {{id: {control}, title: T, severity: high, table: coverage, fail_where: {{state: none}}}}\n"
    )


def test_policy_files_of_any_name_are_judged_again_by_assess(small: Path) -> None:
    """A control that silently fell out of a run would no longer fail."""
    for name, control in (
        ("rules/a.yaml", "in-yaml"), ("rules/a.yml", "in-yml"), ("more/a.yaml", "of-the-same-name"), ("rules.txt", "named-alone"), ("bare", "without-suffix"),
    ):  # fmt: skip
        policy(small / name, control)
    configured(small, "policies: [rules, more, rules.txt, bare]\n")
    wanted = {"in-yaml", "in-yml", "of-the-same-name", "named-alone", "without-suffix"}
    assert {c["id"] for c in run(small)["controls"]} == wanted
    before = (small / "run" / "assessment.json").read_bytes()
    for path in (small / "rules", small / "more"):
        shutil.rmtree(path)
    assert command(["assess", str(small / "run"), "-q"]) == 1
    assert {c["id"] for c in loaded(small / "run" / "assessment.json")["controls"]} == wanted
    assert (small / "run" / "assessment.json").read_bytes() == before


# -- damage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "observed", "damaged"),
    [
        (gzip.compress(f"{HEADER}\n{FINE}\n".encode(), mtime=0), "accept", 0),
        (gzip.compress(f"{HEADER}\n{FINE}\nno record\n".encode(), mtime=0), "accept", 1),
        (gzip.compress(f"{HEADER}\n{FINE}\n".encode() + b"no record\n" * 6, mtime=0), "part", 6),
        (gzip.compress(f"{HEADER}\n{FINE}\n{FINE}\n".encode(), mtime=0)[:-4], "part", 1),
        (gzip.compress(f"{HEADER}\n{FINE}\n".encode(), mtime=0) + b"\x00garbage", "part", 1),
    ],
    ids=["whole", "a-line", "too-many-lines", "cut-short", "garbage-behind"],
)
def test_a_limit_on_damaged_rows_excuses_no_broken_object(
    small: Path, body: bytes, observed: str, damaged: int
) -> None:
    """Five lines may be lost; how many went with the rest of an object that broke off, nobody knows."""
    name = f"{ACCOUNT}_vpcflowlogs_{REGION}_{LOG}_20260928T0000Z_fe123456.log.gz"
    path = small / "logs" / "AWSLogs" / ACCOUNT / "vpcflowlogs" / REGION / "2026/09/28" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(body)
    config = small / "auditkit.yaml"
    config.write_text(config.read_text().replace("mode: all", "mode: all, max_damage: 5"))
    result = run(small, "--table", "interface_days", "--table", "flow_records")
    assert result["population"]["records"]["damaged"] == damaged
    days = pq.read_table(small / "run" / "tables" / "interface_days.parquet").to_pylist()
    assert {d["observed"] for d in days if d["interface_id"] == "eni-0123456789abcdef0"} == {observed}


# -- waivers -----------------------------------------------------------------------------------------------------------

CONTROL = "vpc-flow-logs-complete"
PLACES = (
    ("", "", True),
    ("{account}", "", True),
    ("", "{region}", True),
    ("{account}", "{region}", True),
    ("999900001111", "", False),
    ("", "sa-east-1", False),
    ("{account}", "sa-east-1", False),
    ("999900001111", "{region}", False),
)
"""Account and region of a waiver, and whether it then covers a finding of {account} and {region}."""


def test_a_waiver_holds_in_its_account_and_region_only(small: Path) -> None:
    """Names of functions, services and clusters are unique only per account and region."""
    failing = [f for f in run(small, "--control", CONTROL)["findings"] if f["status"] == "fail"]
    waivers, wanted = [], {}
    for (account, region, waived), finding in zip(PLACES, failing, strict=False):
        place = {"account": finding["account_id"], "region": finding["region"]}
        only = {key: text.format(**place) for key, text in (("account", account), ("region", region)) if text}
        waivers.append(
            {"control": CONTROL, "resource": finding["resource_id"], "reason": "r", "owner": "a", "approved_by": "b"}
            | {"approved_on": "2026-05-01", "expires": "2027-04-01", **only}
        )
        wanted[finding["resource_id"]] = waived
    assert len(wanted) == len(PLACES)
    (small / "waivers.yaml").write_text(json.dumps({"waivers": waivers}))
    configured(small, "waivers: waivers.yaml\n")
    again = {f["resource_id"]: bool(f["waiver"]) for f in run(small, "--control", CONTROL)["findings"]}
    assert {one: again[one] for one in wanted} == wanted
    assert sum(again.values()) == sum(wanted.values())
