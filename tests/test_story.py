"""The example's planted story, told by the program as it was planted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from auditkit.model.control import STATUSES

if TYPE_CHECKING:
    from tests.conftest import Audited

CORE, PAYMENTS, LAKE = "444455556666", "333344445555", "555566667777"
REFUSED = "666677778888"

PLANTS = [
    ("no-public-ssh", "i-07062685ad45a7464", "flags"),
    ("no-public-ssh", "i-0738851efa0c0c3db", "ports"),
    ("no-public-databases", "rds:sg-024f279d4ee21342c", "flags"),
    ("no-public-rdp", "i-012db0cc7c2d19b0a", "flags"),
    ("no-public-telnet", "i-0ab5f441b8085fbe4", "flags"),
    ("no-public-caches", "i-0f706c82ed6a4e343", "flags"),
    ("no-unexpected-public-high-ports", "i-0e68d428b76ceb7f2", "flags"),
    ("no-outbound-ssh-to-internet", "i-0eb6b8c4260c2075e", "flags"),
    ("no-outbound-smtp", "i-0f35fbdb30650b7f3", "flags"),
    ("no-outbound-smb", "i-06d36ae26b028e41e", "flags"),
    ("no-dns-past-the-resolver", "i-06d36ae26b028e41e", "ports"),
]


@pytest.mark.parametrize(("control", "subject", "basis"), PLANTS)
def test_a_planted_violation_is_found_with_its_line_and_its_cause(
    audited: Audited, control: str, subject: str, basis: str
) -> None:
    """Evidence names an object and the very line; the cause names a rule."""
    finding = next(f for f in audited.findings(control) if f.resource_id == subject)
    assert basis in finding.facts["basis"]
    assert all(e.kind == "record" and e.line >= 2 and e.sha256 and "ACCEPT OK" in e.text for e in finding.evidence)
    assert finding.cause is not None
    assert finding.cause["verdict"] == "consistent"
    assert finding.cause["rules"]


def test_the_bastion_was_opened_by_the_temporary_rule(audited: Audited) -> None:
    """The forgotten rule is named by group, source and description."""
    bastion = next(f for f in audited.findings("no-public-ssh") if f.resource_id == "i-07062685ad45a7464")
    rule = bastion.cause["rules"][0]
    assert rule["description"] == "temp - remove after migration"
    assert "0.0.0.0/0" in rule["rule"]
    assert {p["address"] for p in bastion.facts["peers"]} == {
        "203.0.113.90",
        "203.0.113.91",
        "192.0.2.61",
        "192.0.2.62",
    }


def test_nobody_else_is_accused_of_public_ssh(audited: Audited) -> None:
    """Neither the office's bastion nor the build host whose outbound SSH is answered."""
    accused = {f.resource_id for f in audited.findings("no-public-ssh")}
    assert accused == {"i-07062685ad45a7464", "i-0738851efa0c0c3db"}


def test_the_scan_the_transfer_and_the_lone_syn(audited: Audited) -> None:
    """Thresholds are judged per hour and per day; one SYN from port 443 is one flow."""
    assert [f.group["remote_address"] for f in audited.findings("port-scan-seen")] == ["203.0.113.250"]
    transfer = audited.findings("no-large-transfer-to-internet")
    assert [(f.resource_id, f.group["remote_address"]) for f in transfer] == [("i-0c8392cf900115962", "203.0.113.222")]
    assert transfer[0].facts["bytes"] > 10 * 2**30
    lone = next(
        f for f in audited.findings("no-unexpected-public-high-ports") if f.resource_id == "i-0e68d428b76ceb7f2"
    )
    assert (lone.facts["rows"], lone.group["local_port"]) == (1, 50123)


def test_waivers(audited: Audited) -> None:
    """A valid one excepts, an expired one fails again, an unused one is reported."""
    rdp = audited.findings("no-public-rdp")[0]
    telnet = audited.findings("no-public-telnet")[0]
    assert rdp.waived
    assert telnet.waiver["expired"]
    assert not telnet.waived
    assert audited.control("no-public-rdp").failed == 0
    assert audited.control("no-public-telnet").failed == 1
    waivers = audited.assessment.waivers
    assert [w["resource"] for w in waivers["unused"]] == ["i-0decommissioned0000"]
    assert [w["control"] for w in waivers["expired"]] == ["no-public-telnet"]
    assert {w["control"] for w in waivers["used"]} == {"no-public-rdp", "vpc-flow-logs-complete"}


def test_coverage_is_as_planted(audited: Audited) -> None:
    """Every state at every level, counted."""
    rows = audited.run.rows("coverage")
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row["resource_type"], Counter())[row["state"]] += 1
    expected: dict[str, dict[str, int]] = {
        "vpc": {"complete": 15, "malformed": 1, "misdirected": 1, "partial": 1, "failing": 3, "none": 6, "unknown": 5},
        "subnet": {"complete": 88, "malformed": 6, "misdirected": 5, "partial": 4, "failing": 10, "none": 11, "unknown": 18},
        "network-interface": {"complete": 707, "malformed": 14, "misdirected": 26, "partial": 22, "failing": 32, "none": 20, "unknown": 71},
        "transit-gateway": {"complete": 2, "misdirected": 1, "failing": 1, "none": 1, "unknown": 1},
        "transit-gateway-attachment": {"complete": 9, "malformed": 2, "misdirected": 3, "failing": 2, "none": 1, "unknown": 3},
        "nat-gateway": {"complete": 1, "misdirected": 1, "partial": 1, "failing": 1, "none": 1, "unknown": 2},
    }  # fmt: skip
    assert counts == expected


def test_a_vpc_without_a_log_whose_interfaces_are_all_logged_says_so(audited: Audited) -> None:
    """Today's are logged; tomorrow's would not be."""
    row = next(r for r in audited.run.rows("coverage") if r["resource_id"] == "vpc-02a18e4f522303d89")
    assert (row["state"], row["members"]) == ("none", "complete")


def test_every_status_occurs_for_some_account_and_region(audited: Audited) -> None:
    """All five of them."""
    seen = {r.status for c in audited.assessment.controls for r in c.results}
    assert seen == set(STATUSES)


def test_an_interface_without_logs_makes_traffic_controls_inconclusive_never_pass(audited: Audited) -> None:
    """For each traffic control and place: unobserved interface-days in scope exclude a pass."""
    unobserved = {(d["account_id"], d["region"]) for d in audited.run.rows("interface_days") if d["observed"] == "none"}
    traffic = [c for c in audited.assessment.controls if c.table == "flow_records" and c.id.startswith("no-public")]
    judged = [r for c in traffic for r in c.results if (r.account_id, r.region) in unobserved]
    assert judged
    assert {r.status for r in judged} <= {"fail", "inconclusive"}


def test_a_whole_observed_place_passes(audited: Audited) -> None:
    """log-archive in eu-west-1 has logs for everything, and nothing happened there."""
    result = audited.result("no-public-rdp", "222233334444", "eu-west-1")
    assert (result.status, result.reasons) == ("pass", ())


def test_the_refused_account_is_inconclusive_in_every_control(audited: Audited) -> None:
    """AccessDenied is no verdict."""
    results = [r for c in audited.assessment.controls for r in c.results if r.account_id == REFUSED]
    assert len(results) >= len(audited.assessment.controls)
    assert {r.status for r in results} == {"inconclusive"}
    assert all("AccessDenied" in " ".join(r.reasons) for r in results)


def test_rows_in_are_rows_out(audited: Audited) -> None:
    """Every line is ok, nodata, skipdata or damaged."""
    population = audited.assessment.population
    objects = audited.run.rows("log_objects")
    assert population["records"] == {
        key: sum(o[key] or 0 for o in objects) for key in ("ok", "nodata", "skipdata", "damaged")
    }
    assert population["records"]["damaged"] == 2
    assert population["log_objects"] == {"in_scope": len(objects), "read": len(objects), "damaged": 2, "not_read": 0}
    days = population["interface_days"]
    assert days["in_scope"] == days["observed"] + days["part"] + days["none"] + days["sampled_out"]


def test_damage_and_skipdata_make_days_part(audited: Audited) -> None:
    """The interface-days that a damaged object may have spoken of were not observed whole."""
    days = audited.run.rows("interface_days")
    skipped = [d for d in days if d["interface_id"] == "eni-01e9100b5eef620df" and d["minutes_skipdata"] > 0]
    assert [d["observed"] for d in skipped] == ["part"]
    hurt = [d for d in days if d["flow_log_id"] == "fl-0523e8c3cdd4a64dd" and d["day"].day == 29]
    assert hurt
    assert {d["observed"] for d in hurt} == {"part"}


def test_the_exit_status_says_that_there_are_findings(audited: Audited) -> None:
    """1 wins over 3."""
    assert audited.status == 1


def test_the_tables_have_the_columns_of_their_contract(audited: Audited) -> None:
    """Names and order, for every table that controls judge."""
    import pyarrow.parquet as pq

    from auditkit.model.schema import TABLES

    for name, table in TABLES.items():
        columns = pq.read_schema(audited.run.tables / f"{name}.parquet").names
        expected: list[Any] = [c.name for c in table.columns]
        assert columns == (["control_id", *expected] if name == "flow_records" else expected), name


DESTINATIONS = {
    "flow-log-bucket-policy-not-wide": {"s3://lake-scratch-logs/ml"},
    "flow-log-bucket-acls-disabled": {"s3://lake-scratch-logs/ml"},
    "flow-log-bucket-access-logged": {"s3://lake-scratch-logs/ml"},
    "flow-log-bucket-public-access-blocked": {"s3://lake-scratch-logs/ml"},
    "flow-log-destination-exists": {"s3://core-old-flow-logs"},
    "flow-log-key-usable": {"log-group:444455556666:eu-west-1:/vpc/flow"},
    "flow-log-role-can-deliver": {"fl-0996db3670b975b31", "fl-0bafccf0ad9ab4d5a"},
    "flow-log-bucket-policy-allows-delivery": set(),
    "flow-log-bucket-not-public": set(),
    "flow-log-destination-owner-in-organization": set(),
    "flow-log-key-policy-allows-delivery": set(),
    "flow-log-group-class-standard": set(),
}


@pytest.mark.parametrize("control", sorted(DESTINATIONS))
def test_destinations_are_judged_as_planted(audited: Audited, control: str) -> None:
    """What was planted fails, the bucket that answers nobody is undecided, and the archive's place passes or is in order."""
    assert {f.resource_id for f in audited.findings(control)} == DESTINATIONS[control]
    undecided = {f.resource_id for f in audited.findings(control, "inconclusive")}
    of_buckets = control not in ("flow-log-role-can-deliver", "flow-log-group-class-standard")
    assert undecided == ({"s3://partner-drop-logs"} if of_buckets else set())


def test_the_approved_bucket_passes_where_its_owner_is(audited: Audited) -> None:
    """Its row stands in log-archive, which S3 confirmed as its owner."""
    for control in ("flow-log-bucket-policy-allows-delivery", "flow-log-key-usable", "flow-log-bucket-policy-not-wide"):
        result = audited.result(control, "222233334444", "eu-west-1")
        assert (result.status, result.examined) == ("pass", 1), control


DELIVERED = {
    "fl-0578f7c2f93b6e3c4": ["whole", "gap", "whole"],  # 18 objects never arrived
    "fl-06a1c8dfdeefacc8a": ["whole"],  # deleted at noon of the first day
    "fl-0265a6e47dd7d93cc": ["gap", "gap", "gap"],  # its bucket was deleted
    "fl-09a0a92f590fdc470": ["gap", "gap", "gap"],  # access error
    "fl-03b5fe699659da3b2": ["unknown", "gap", "gap"],  # a log group that fell silent
}
"""Flow log → its days; some of the story."""


def test_delivery_is_as_planted(audited: Audited) -> None:
    """From keys, streams and CloudTrail alone: which flow log delivered on which day."""
    rows = audited.run.rows("delivery")
    by_log: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_log.setdefault(row["flow_log_id"], []).append(row)
    assert {f: [r["state"] for r in by_log[f]] for f in DELIVERED} == DELIVERED
    counts = {"whole": 70, "gap": 15, "idle": 3, "unknown": 40}
    assert Counter(r["state"] for r in rows) == counts
    assert audited.assessment.population["delivery"] == {**counts, "expired": 0, "pending": 0}
    gap = by_log["fl-0578f7c2f93b6e3c4"][1]
    assert (gap["objects"], gap["gap_minutes"], gap["reason"]) == (126, 185, "nothing from 02:00 to 05:05")
    (gone,) = by_log["fl-06a1c8dfdeefacc8a"]
    assert (gone["in_api"], gone["resource_id"], gone["objects"], gone["expected_minutes"]) == (False, "", 72, 720)
    idle = next(r for r in rows if r["state"] == "idle")
    assert (idle["log_destination"], idle["expected_minutes"], idle["objects"]) == ("s3://lake-scratch-logs/ml", 0, 0)
    streams = [r for r in rows if r["log_destination_type"] == "cloud-watch-logs"]
    assert {r["state"] for r in streams} == {"unknown", "gap"}  # never whole


def test_findings_about_delivery_name_the_flow_log_and_its_days(audited: Audited) -> None:
    """One finding for each flow log, with what was seen of each day."""
    found = {f.resource_id: f for f in audited.findings("flow-logs-delivered-without-gap")}
    assert {f for f, states in DELIVERED.items() if "gap" in states} <= found.keys()
    silent = found["fl-03b5fe699659da3b2"]
    assert (silent.resource_type, silent.detail) == (
        "flow-log",
        "2026-09-29 gap: nothing from 14:04 to 24:00; 1 more day",
    )
    assert silent.evidence[0].source == "logs:DescribeLogStreams log-group:555566667777:us-east-1:/scratch/tgw"
    (deleted,) = audited.findings("flow-logs-not-deleted-in-period")
    assert deleted.resource_id == "fl-06a1c8dfdeefacc8a"


def test_that_no_flow_log_was_deleted_passes_only_where_cloudtrail_was_read(audited: Audited) -> None:
    """What wrote to a log group, or to a bucket that nobody lists any more, leaves no keys."""
    told = audited.result("flow-logs-not-deleted-in-period", LAKE, "eu-west-1")
    assert (told.status, told.reasons) == ("pass", ())
    blind = audited.result("flow-logs-not-deleted-in-period", LAKE, "us-east-1")
    assert blind.status == "inconclusive"
    assert blind.reasons == (
        "the event history of CloudTrail was not read from 2026-09-28 on, and a deleted flow log need not have left keys",
    )


def test_what_was_complete_all_through_the_period(audited: Audited) -> None:
    """The VPC whose flow log had a gap was not; a log group's streams prove nothing; the rest is proven day by day."""
    rows = [r for r in audited.run.rows("coverage") if r["resource_type"] == "vpc" and r["state"] == "complete"]
    assert Counter(r["period_state"] for r in rows) == {"whole": 12, "partial": 1, "unknown": 2}
    (partial,) = audited.findings("covered-all-through-period")
    assert partial.resource_id == next(r["resource_id"] for r in rows if r["period_state"] == "partial")


def test_the_one_skipdata_is_over_one_percent_of_a_day(audited: Audited) -> None:
    """Ten of some six hundred minutes."""
    (skipped,) = audited.findings("no-skipped-records-over-one-percent")
    assert skipped.resource_id == "eni-01e9100b5eef620df"
    assert audited.findings("no-silence-between-neighbours") == []
