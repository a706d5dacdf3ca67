"""The example estate: what let its planted violations through, and which of its open rules nothing used."""

from __future__ import annotations

import re

import pyarrow.parquet as pq

from tests.attribution.made import words
from tests.conftest import Audited


def test_the_bastion_is_explained_by_rule_entry_and_route(audited: Audited) -> None:
    bastion = next(f for f in audited.findings("no-public-ssh") if f.resource_id == "i-07062685ad45a7464")
    cause = bastion.cause
    assert cause["statement"] == "rules at 2026-10-01T06:00:00Z: consistent"
    assert words(cause) == ("consistent",) * 3
    (rule,) = cause["rules"]
    assert rule["rule_id"] == f"{rule['group_id']}/ingress/6/22-22/0.0.0.0/0"
    assert rule["description"] == "temp - remove after migration"
    assert [(e["rule_number"], e["egress"], e["rule_action"]) for e in cause["network_acl"]["entries"]] == [
        (100, False, "allow"),
        (100, True, "allow"),
    ]
    route = cause["route"]
    assert re.fullmatch(r"rtb-[0-9a-f]{17}", route["route_table_id"])
    assert (route["destination"], route["target"][:4]) == ("0.0.0.0/0", "igw-")


def test_no_planted_violation_contradicts_what_was_collected(audited: Audited) -> None:
    causes = [f.cause for f in audited.assessment.findings if f.cause]
    assert len(causes) > 10
    assert not [c for c in causes if c["verdict"] == "contradict"]


def test_the_forgotten_rule_was_used_and_rules_of_empty_groups_were_not(audited: Audited) -> None:
    rows = pq.read_table(audited.run.tables / "security_group_rules.parquet").to_pylist()
    opened = [r for r in rows if r["ingress"] and r["open_to_internet"]]
    assert [r["used"] for r in opened if r["group_name"] == "bastion-temp"] == ["used"]
    assert {r["used"] for r in opened} == {"used", "unused", "unknown"}
    assert {(r["used"], r["used_reason"]) for r in rows if r not in opened} == {("", "")}
    unused = {(r["group_id"], r["peer"]) for r in opened if r["used"] == "unused"}
    found = audited.findings("no-unused-rules-open-to-internet")
    assert {(f.resource_id, f.group["peer"]) for f in found} == unused
    assert all(f.resource_type == "security-group" and "; unused; no " in f.detail for f in found)
