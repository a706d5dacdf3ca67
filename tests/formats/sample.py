"""An invented estate with everything a report must show: six accounts, two regions, 25 controls, all five statuses, hostile names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from auditkit.model.assessment import SCHEMA, Assessment, ControlResult, Evidence, Finding, Result, fingerprint, worst
from auditkit.model.control import SEVERITIES, STATUSES

MADE = datetime(2026, 10, 2, 9, 30, tzinfo=UTC)
ACCOUNTS = (
    ("111122223333", "log-archive"),
    ("222233334444", "prod-payments"),
    ("333344445555", "prod-web"),
    ("444455556666", "data-lake"),
    ("555566667777", "shared-network"),
    ("666677778888", "staging"),
)
REGIONS = ("eu-central-1", "us-east-1")
STATES = ("none", "failing", "partial", "misdirected", "malformed", "complete", "unknown")
HOSTILE = (
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "two\nlines\ttab\x1b[31mred\x07",
    "invoice\u202egnp.exe",
    "<img src=x onerror=alert(2)>",
    "支付网关 🏦 بوابة الدفع שער",
    "x" * 10_000,
    "{{ 7*7 }}${7*7}</script><!--",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319algo\ud800",
)

# id, title, severity, table, where, fail_where, status, frameworks
Spec = tuple[str, str, str, str, str, str, str, tuple[tuple[str, str, str], ...]]
CONTROLS: tuple[Spec, ...] = (
    (
        "vpc-flow-logging-complete",
        "Every VPC is logged, completely and to an approved destination",
        "high",
        "coverage",
        "resource_type: vpc",
        "state: {not_in: [complete]}",
        "fail",
        (
            ("cis-aws-5.0.0", "3.7", "direct"),
            ("pci-dss-4.0.1", "10.2.1", "supporting"),
            ("nist-800-53-r5", "AU-12", "supporting"),
        ),
    ),
    (
        "interface-flow-logging-complete",
        "Every network interface is logged, completely and to an approved destination",
        "high",
        "coverage",
        "resource_type: network-interface",
        "state: {not_in: [complete]}",
        "fail",
        (("cis-controls-8.1", "13.6", "direct"),),
    ),
    (
        "cde-interfaces-logged",
        "Interfaces in the cardholder data environment are logged with the fields the investigation needs",
        "critical",
        "coverage",
        "vpc_tags: {scope: pci}\nresource_type: network-interface",
        "state: {not_in: [complete]}",
        "fail",
        (("pci-dss-4.0.1", "10.2.1", "supporting"), ("pci-dss-4.0.1", "1.2.5", "supporting")),
    ),
    (
        "transit-gateway-logged",
        "Every transit gateway attachment is logged",
        "medium",
        "coverage",
        "resource_type: transit-gateway-attachment",
        "state: [none, failing]",
        "inconclusive",
        (("nist-800-53-r5", "AU-2", "supporting"),),
    ),
    (
        "nat-gateway-logged",
        "Every regional NAT gateway is logged",
        "medium",
        "coverage",
        "resource_type: nat-gateway",
        "state: [none, failing]",
        "not_applicable",
        (),
    ),
    (
        "flow-logging-through-period",
        "Logging was in place for the whole period",
        "high",
        "coverage",
        "resource_type: [vpc, subnet]",
        "period_state: {not_in: [whole]}",
        "inconclusive",
        (("pci-dss-4.0.1", "10.2.1", "weak"),),
    ),
    (
        "no-redundant-flow-logs",
        "No flow log repeats what another one delivers",
        "info",
        "coverage",
        "",
        "redundant_flow_log_ids: {exists: true}",
        "fail",
        (),
    ),
    (
        "empty-vpcs-logged",
        "VPCs without an interface are logged as well",
        "low",
        "coverage",
        "{resource_type: vpc, members: empty}",
        "state: none",
        "excepted",
        (("cis-aws-5.0.0", "3.7", "direct"),),
    ),
    (
        "bucket-approved",
        "Flow logs go to approved destinations only",
        "high",
        "destinations",
        "",
        "approved: false",
        "fail",
        (("nist-800-53-r5", "AU-9", "supporting"),),
    ),
    (
        "bucket-encrypted-with-own-key",
        "Log buckets are encrypted with a customer managed key",
        "medium",
        "destinations",
        "log_destination_type: s3",
        "encryption: {not_in: ['aws:kms', 'aws:kms:dsse']}",
        "excepted",
        (("pci-dss-4.0.1", "10.3.2", "weak"),),
    ),
    (
        "bucket-retention-one-year",
        "Flow logs are kept for at least 365 days",
        "high",
        "destinations",
        "",
        "retention_days: {lt: 365}",
        "fail",
        (("pci-dss-4.0.1", "10.5.1", "supporting"), ("cis-aws-5.0.0", "3.7", "weak")),
    ),
    (
        "bucket-object-lock",
        "Log buckets hold objects against deletion",
        "medium",
        "destinations",
        "log_destination_type: s3",
        "object_lock: none",
        "fail",
        (("nist-800-53-r5", "AU-9(3)", "supporting"),),
    ),
    (
        "bucket-versioned",
        "Log buckets keep versions",
        "low",
        "destinations",
        "log_destination_type: s3",
        "versioning: {not_in: [Enabled]}",
        "pass",
        (),
    ),
    (
        "bucket-not-public",
        "No log bucket can be public",
        "critical",
        "destinations",
        "log_destination_type: s3",
        "public_access_blocked: false",
        "pass",
        (("soc2", "CC6.1", "supporting"),),
    ),
    ("destination-exists", "Every destination exists", "critical", "destinations", "", "exists: false", "pass", ()),
    (
        "log-group-encrypted",
        "Log groups are encrypted with a customer managed key",
        "low",
        "destinations",
        "log_destination_type: cloud-watch-logs",
        "kms_key_id: {exists: false}",
        "not_applicable",
        (),
    ),
    (
        "no-public-ssh",
        "SSH is not accepted from the internet",
        "critical",
        "flow_records",
        "",
        "action: ACCEPT\nprotocol: tcp\ninitiator: remote\nlocal_port: 22\nremote_address: {in: internet, not_in: corporate}",
        "fail",
        (
            ("pci-dss-4.0.1", "1.3.1", "supporting"),
            ("cis-aws-5.0.0", "5.3", "weak"),
            ("soc2", "CC6.6", "supporting"),
            ("iso-27001-2022", "A.8.20", "supporting"),
        ),
    ),
    (
        "no-public-rdp",
        "RDP is not accepted from the internet",
        "critical",
        "flow_records",
        "",
        "action: ACCEPT\nprotocol: [tcp, udp]\ninitiator: remote\nlocal_port: 3389\nremote_address: internet",
        "pass",
        (("pci-dss-4.0.1", "1.3.1", "supporting"),),
    ),
    (
        "no-public-database",
        "Databases are not reached from the internet",
        "critical",
        "flow_records",
        "",
        "action: ACCEPT\ninitiator: remote\nlocal_port: [1433, 1521, 3306, 5432, 6379, 27017]\nremote_address: internet",
        "inconclusive",
        (("pci-dss-4.0.1", "1.4.2", "supporting"),),
    ),
    (
        "no-cleartext-admin",
        "No Telnet or FTP session is accepted",
        "high",
        "flow_records",
        "",
        "action: ACCEPT\nprotocol: tcp\nlocal_port: [20-21, 23]",
        "pass",
        (),
    ),
    (
        "no-smb-to-internet",
        "No SMB leaves for the internet",
        "high",
        "flow_records",
        "",
        "action: ACCEPT\ninitiator: local\nremote_port: [139, 445]\nremote_address: internet",
        "pass",
        (("nist-800-53-r5", "SC-7", "supporting"),),
    ),
    (
        "no-direct-egress-from-cde",
        "The cardholder data environment talks to approved networks only",
        "critical",
        "flow_records",
        "vpc_tags: {scope: pci}",
        "action: ACCEPT\ninitiator: local\nremote_address: {not_in: [corporate, private]}",
        "fail",
        (("pci-dss-4.0.1", "1.3.2", "supporting"),),
    ),
    (
        "no-large-egress",
        "No subject sends more than 10 GiB a day to the internet",
        "medium",
        "flow_records",
        "",
        "initiator: local\nremote_address: internet\nhaving: {bytes: {gt: 10GiB}, per: 1d}",
        "excepted",
        (),
    ),
    (
        "no-port-scan-from-inside",
        "No interface probes a hundred ports in an hour",
        "medium",
        "flow_records",
        "",
        "action: REJECT\ninitiator: local\nhaving: {distinct: {remote_port: {ge: 100}}, per: 1h}",
        "pass",
        (),
    ),
    (
        "no-plain-ntp-abroad",
        "Time is taken from Amazon or our own servers",
        "info",
        "flow_records",
        "",
        "protocol: udp\nremote_port: 123\nremote_address: internet",
        "inconclusive",
        (),
    ),
)


@dataclass(frozen=True)
class Rows:
    """Tables out of memory."""

    tables: dict[str, list[dict[str, Any]]]

    def rows(
        self, name: str, keep: Sequence[tuple[str, str, Any]] = (), limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Return a table's rows."""
        is_kept = {"==": lambda a, b: a == b, "!=": lambda a, b: a != b}
        rows = self.tables.get(name, [])
        return [r for r in rows if all(is_kept[how](r[column], value) for column, how, value in keep)][:limit]


def coverage_rows() -> list[dict[str, Any]]:
    """Some 320 resources, with a state each."""
    rng, rows = Random(1), []
    kinds = ("vpc",) * 3 + ("subnet",) * 6 + ("network-interface",) * 17 + ("transit-gateway-attachment",)
    for a, (account, _) in enumerate(ACCOUNTS):
        for region in REGIONS:
            if account == "111122223333" and region == "us-east-1":
                continue
            for i, kind in enumerate(kinds):
                prefix = {
                    "vpc": "vpc",
                    "subnet": "subnet",
                    "network-interface": "eni",
                    "transit-gateway-attachment": "tgw-attach",
                }[kind]
                state = rng.choices(STATES, (3, 1, 2, 1, 1, 30, 1))[0] if a in (2, 3, 5) else "complete"
                state = "unknown" if account == "666677778888" and region == "us-east-1" else state
                name = f"{prefix}-0{rng.getrandbits(64):016x}"
                rows.append({
                    "resource_type": kind, "resource_id": name, "resource_arn": f"arn:aws:ec2:{region}:{account}:{kind}/{name}",
                    "account_id": account, "region": region, "vpc_id": "" if kind.startswith("transit") else f"vpc-0{i % 3:016x}",
                    "subnet_id": "", "service": "ec2" if kind == "network-interface" else "", "subject": name, "baseline": "cde" if a == 1 else "default",
                    "state": state, "at_least": "none" if state == "unknown" else state, "delivered": None if state == "unknown" else "ALL",
                    "approved": "ALL", "conforming": "ALL" if state == "complete" else "NONE", "flow_log_ids": [f"fl-0{rng.getrandbits(64):016x}"],
                    "via": "vpc", "members": state if kind in ("vpc", "subnet") else "-", "redundant_flow_log_ids": [], "covered_from": datetime(2026, 1, 4, tzinfo=UTC),
                    "period_state": "whole" if state == "complete" else "unknown",
                    "reasons": [] if state == "complete" else [f"{state}: traffic type REJECT only, on fl-0abc"],
                    "vpc_tags": {"Name": HOSTILE[i % len(HOSTILE)] if i % 5 == 0 else "main", "scope": "pci" if a == 1 else "general"},
                })  # fmt: skip
    return rows


def destination_rows() -> list[dict[str, Any]]:
    """Four destinations, one that nobody approved, one that could not be read."""
    common = {
        "log_destination_type": "s3",
        "account_id": "111122223333",
        "region": "eu-central-1",
        "exists": True,
        "flow_log_ids": ["fl-1", "fl-2"],
    }
    return [
        {**common, "log_destination": "s3://org-flow-logs/", "approved": True, "approved_as": "central", "encryption": "aws:kms", "kms_key_id": "arn:aws:kms:eu-central-1:111122223333:key/4c7e", "versioning": "Enabled", "object_lock": "COMPLIANCE", "public_access_blocked": True, "retention_days": 2**63 - 1},
        {**common, "log_destination": "s3://team-scratch/flow", "approved": False, "approved_as": "", "encryption": "AES256", "kms_key_id": "", "versioning": "never", "object_lock": "none", "public_access_blocked": True, "retention_days": 30},
        {**common, "log_destination": "log-group:/vpc/flow", "log_destination_type": "cloud-watch-logs", "approved": True, "approved_as": "ops", "encryption": "none", "kms_key_id": "", "versioning": None, "object_lock": None, "public_access_blocked": None, "retention_days": 90},
        {**common, "log_destination": "s3://partner-bucket/x", "approved": False, "approved_as": "", "exists": None, "encryption": None, "kms_key_id": None, "versioning": None, "object_lock": None, "public_access_blocked": None, "retention_days": None},
    ]  # fmt: skip


def delivery_rows() -> list[dict[str, Any]]:
    """Nine flow logs through a quarter: most whole, one of each trouble, one that AWS no longer shows."""
    rng, rows = Random(3), []
    for log in range(9):
        account, _ = ACCOUNTS[log % 6]
        for number in range(92 if log != 7 else 40):
            day = datetime(2026, 7, 1, tzinfo=UTC) + timedelta(days=number)
            state = "whole"
            if log == 1 and rng.random() < 0.08:
                state = "gap"
            elif log == 2:
                state = "idle" if number < 30 else "whole"
            elif log == 3 and number < 20:
                state = "expired"
            elif log == 4:
                state = "unknown"
            elif number == 91 and log == 5:
                state = "pending"
            rows.append(
                {
                    "flow_log_id": f"fl-0{log:016x}", "day": day, "account_id": account, "region": REGIONS[log % 2], "in_api": log != 7,
                    "resource_id": "" if log == 7 else f"vpc-0{log:016x}", "vpc_id": "", "log_destination": "s3://org-flow-logs", "log_destination_type": "s3",
                    "state": state, "objects": 144, "bytes": 811_223, "first": day, "last": day, "expected_minutes": 1440,
                    "gap_minutes": 75 if state == "gap" else None if state == "unknown" else 0,
                    "reason": {"gap": f"nothing from 03:10 to 04:25 {HOSTILE[0]}", "unknown": "s3:ListObjectsV2 was refused: AccessDenied"}.get(state, ""),
                    "vpc_tags": {}, "account_tags": {},
                }
            )  # fmt: skip
    return rows


def finding(spec: Spec, n: int, rng: Random) -> Finding:
    """Invent one finding of a control."""
    control, _, severity, table, *_ = spec
    account, _ = ACCOUNTS[1 + rng.randrange(5)]
    region, hexa = rng.choice(REGIONS), f"0{rng.getrandbits(64):016x}"
    name = HOSTILE[(n // 3) % len(HOSTILE)] if n % 3 == 1 else ""
    day = f"2026-{rng.randrange(7, 10):02d}-{rng.randrange(1, 29):02d}"
    undecided = n % 11 == 7 and spec[6] != "excepted"
    expired = n % 14 == 5 and spec[6] != "excepted"
    traffic = table == "flow_records"
    resource = (
        f"eni-{hexa}"
        if traffic or "interface" in control
        else f"vpc-{hexa}"
        if table == "coverage"
        else "s3://team-scratch/flow"
    )
    peer = f"203.0.113.{rng.randrange(1, 255)}"
    source = f"s3://org-flow-logs/AWSLogs/{account}/vpcflowlogs/{region}/{day.replace('-', '/')}/{account}_vpcflowlogs_{region}_fl-{hexa[:9]}_{day.replace('-', '')}T0005Z_{hexa[:8]}.log.gz"
    if traffic:
        detail = f"{name or 'i-' + hexa} accepted {3 + n} connections on port 22 from {1 + n % 5} addresses of the internet, {1 + n} KiB in all"
        lines = tuple(
            Evidence(kind="record", source=source, line=4711 + i, sha256=hashlib.sha256(source.encode()).hexdigest(),
                     text=f"2 {account} {resource} {peer} 10.0.{n % 250}.{5 + i} {51000 + i} 22 6 {20 + i} {4249 + i} 1789{n:03d}010 1789{n:03d}070 ACCEPT OK {name}".rstrip())
            for i in range(1 + n % 3)
        )  # fmt: skip
    else:
        detail = f"{resource} ({name or 'main'}) is {'not decided: DeliverLogsStatus was not answered' if undecided else 'logged for REJECT only: accepted traffic leaves no record'}"
        lines = (
            Evidence(
                kind="answer",
                source=f"ec2:DescribeFlowLogs {account} {region}",
                text=f"fl-{hexa}: TrafficType REJECT, DeliverLogsStatus SUCCESS, destination s3://team-scratch/flow {name}".rstrip(),
            ),
        )
    facts: dict[str, Any] = {"rows": 1 + n}
    cause = None
    if traffic:
        facts |= {"first": f"{day}T00:04:10Z", "last": f"{day}T23:51:00Z", "bytes": 4249 * (n + 1) ** 2, "packets": 20 * (n + 1),
                  "basis": {"flags": n, "ports": 1}, "peers": [{"address": peer, "rows": n, "bytes": 4249}, {"address": "2001:db8::7", "rows": 1, "bytes": 88}]}  # fmt: skip
        cause = {
            "statement": "rules at 2026-10-01 04:12 UTC: consistent", "verdict": "consistent",
            "rules": [{"group_id": f"sg-{hexa}", "group_name": name or "bastion", "rule": "tcp 22 from 0.0.0.0/0", "description": name or "temporary, remove after migration"}],
            "security_groups": {"verdict": "consistent", "reasons": []},
            "network_acl": {"network_acl_id": f"acl-{hexa}", "verdict": "cannot tell", "reasons": [f"{name or 'acl'} stops the answers: entry 90 egress"],
                            "entries": [{"network_acl_id": f"acl-{hexa}", "rule_number": 100, "egress": False, "rule_action": "allow", "rule": "entry 100 allows ingress from 0.0.0.0/0, all traffic"}]},
            "route": {"route_table_id": f"rtb-{hexa}", "destination": "0.0.0.0/0", "target": "igw-1", "verdict": "consistent", "reasons": [],
                      "routes": [{"route_table_id": f"rtb-{hexa}", "destination": "0.0.0.0/0", "target": name or "igw-1", "state": "active"}]},
        }  # fmt: skip
    waived = spec[6] == "excepted" or n % 7 == 5
    waiver = {"control": control, "resource": resource, "reason": "Bastion host until the migration ends; see the change record", "owner": "platform", "approved_by": "ciso", "approved_on": "2026-03-02",
              "expires": "2026-09-01" if expired else "2027-03-01", "ticket": "SEC-142", "expired": expired} if waived else None  # fmt: skip
    group = (
        {"account_id": account, "region": region, "subject": name or f"i-{hexa}", "local_port": 22, "protocol": 6}
        if traffic
        else {"resource_arn": resource, "n": n}
    )
    return Finding(
        fingerprint=fingerprint(control, group), control_id=control, status="inconclusive" if undecided or spec[6] == "inconclusive" else "fail", severity=severity,
        account_id=account, region=region, resource_type="network-interface" if resource.startswith("eni") else "vpc" if table == "coverage" else "destination",
        resource_id=resource, resource_arn=f"arn:aws:ec2:{region}:{account}:resource/{resource}" if not resource.startswith("s3") else "", group=group, detail=detail, evidence=lines, facts=facts, cause=cause, waiver=waiver,
    )  # fmt: skip


def control(spec: Spec, findings: list[Finding], rng: Random) -> ControlResult:
    """Count a control's findings into its results."""
    id_, title, severity, table, where, fail_where, wanted, frameworks = spec
    results = []
    for account, _ in ACCOUNTS:
        for region in REGIONS:
            mine = [f for f in findings if (f.account_id, f.region) == (account, region)]
            failed = sum(f.status == "fail" and not f.waived for f in mine)
            undecided = sum(f.status == "inconclusive" for f in mine)
            waived = sum(f.waived for f in mine)
            unread = wanted == "inconclusive" and account == "666677778888"
            status = (
                "fail"
                if failed
                else "inconclusive"
                if undecided or unread
                else "excepted"
                if waived
                else "not_applicable"
                if wanted == "not_applicable"
                else "pass"
            )
            reasons = (
                ("4 of 91 interface-days were not observed: no record of theirs, not even NODATA, in eu-central-1",)
                if status == "inconclusive"
                else (("the listing succeeded and holds none",) if status == "not_applicable" else ())
            )
            results.append(Result(account_id=account, region=region, status=status, examined=0 if status == "not_applicable" else rng.randrange(12, 90000 if table == "flow_records" else 60), failed=failed, inconclusive=undecided, waived=waived, reasons=reasons))  # fmt: skip
    return ControlResult(
        id=id_, title=title, severity=severity, table=table, status=worst([r.status for r in results]), examined=sum(r.examined for r in results), failed=sum(r.failed for r in results),
        inconclusive=sum(r.inconclusive for r in results), waived=sum(r.waived for r in results), reasons=tuple(sorted({why for r in results for why in r.reasons})),
        basis="none" if wanted == "not_applicable" else "sample" if table == "flow_records" and severity in ("medium", "info") else "all",
        frameworks=tuple({"framework": f, "id": i, "strength": s, "source": f"{f}, {i}, as Security Hub lists it"} for f, i, s in frameworks), results=tuple(results),
        sample={"population": 17204, "drawn": 118, "sampled": 118, "deviations": 0, "limit": 850, "limit_rate": 0.049411, "confidence": 0.95} if table == "flow_records" and severity in ("medium", "info") else None,
        where=where, fail_where=fail_where, rationale="An open port on the internet is found within minutes. What the logs show here is traffic that really arrived, not what a rule might allow.",
        remediation="Close the rule named as cause; let people in through Session Manager or a bastion with its own control.", undecidable_when="TCP flags are missing and the ports do not tell who began; or an interface-day was not observed.",
    )  # fmt: skip


def findings_for(spec: Spec, count: int, rng: Random, start: int = 0) -> list[Finding]:
    """Invent findings of a control that is to fail, stay open or be excepted."""
    return (
        [finding(spec, start + n, rng) for n in range(count)] if spec[6] in ("fail", "excepted", "inconclusive") else []
    )


def sample(per_control: int = 9, organization: str = "Example Corp") -> tuple[Assessment, Rows]:
    """Build the assessment and its tables; 16 of the 25 controls get findings."""
    rng, controls, findings = Random(7), [], []
    for index, spec in enumerate(CONTROLS):
        mine = findings_for(spec, per_control if index % 4 else per_control + 3, rng, index * 10)
        controls.append(control(spec, mine, rng))
        findings += mine
    coverage = coverage_rows()
    unread = [
        {"account_id": "666677778888", "region": "us-east-1", "table": "*", "resource": "", "call": "sts:AssumeRole", "error": "AccessDenied: User arn:aws:sts::111122223333:assumed-role/audit/me is not authorized to perform: sts:AssumeRole on AuditkitRead"},
        {"account_id": "444455556666", "region": "eu-central-1", "table": "destinations", "resource": "partner-bucket", "call": "s3:HeadBucket", "error": "403: Forbidden"},
        {"account_id": "444455556666", "region": "eu-central-1", "table": "flow_records", "resource": "s3://org-flow-logs/AWSLogs/444455556666/x.log.gz", "call": "s3:GetObject", "error": "damaged: 3 lines of 4,711"},
    ]  # fmt: skip
    kinds = sorted({r["resource_type"] for r in coverage})
    cells = sorted({(r["account_id"], r["region"], r["resource_type"], r["state"]) for r in coverage})
    accounts = [
        {
            "account_id": a,
            "name": name,
            "status": "in_scope",
            "read": "partial" if name == "staging" else "read",
            "reason": "us-east-1 refused" if name == "staging" else "",
            "excluded_by": "",
        }
        for a, name in ACCOUNTS
    ]
    accounts += [{"account_id": "777788889999", "name": HOSTILE[0], "status": "excluded", "read": "-", "reason": "sandbox, no connection to production", "excluded_by": "ciso"},
                 {"account_id": "888899990000", "name": "old-tests", "status": "suspended", "read": "-", "reason": "suspended", "excluded_by": ""}]  # fmt: skip
    waiver = {
        "control": "no-public-ssh",
        "resource": "eni-0*",
        "reason": "Bastion host until the migration ends",
        "owner": "platform",
        "approved_by": "ciso",
        "approved_on": "2026-03-02",
        "expires": "2027-03-01",
        "ticket": "SEC-142",
    }
    assessment = Assessment(
        schema=SCHEMA, tool={"name": "auditkit", "version": "0.1.0", "policies_sha256": "9f2c" * 16, "config_sha256": "07ab" * 16},
        period={"start": "2026-07-01T00:00:00Z", "end": "2026-10-01T00:00:00Z", "interim": False}, as_of="2026-10-01T04:12:09Z",
        scope={
            "organization": organization, "identity": {"account_id": "111122223333", "arn": "arn:aws:sts::111122223333:assumed-role/AuditkitRead/ci", "endpoint": "https://sts.amazonaws.com", "provenance": "collected"},
            "accounts": accounts, "regions": list(REGIONS), "narrowed": {},
            "baselines": [{"name": "cde", "match": {"vpc_tags": {"scope": "pci"}}, "traffic": "ALL", "destinations": ["central"], "fields": ["pkt-srcaddr", "tcp-flags"], "max_aggregation_interval": 60}, {"name": "default", "traffic": "ALL", "destinations": ["central", "ops"]}],
            "destinations": [{"name": "central", "type": "s3", "bucket": "org-flow-logs"}, {"name": "ops", "type": "cloud-watch-logs", "log_group": "/vpc/flow"}],
        },
        population={
            "accounts": {"in_scope": 6, "read": 5, "partial": 1, "not_read": 0}, "regions": {"in_scope": 12, "read": 11, "not_read": 1},
            "resources": {k: {"in_scope": sum(r["resource_type"] == k for r in coverage)} | {s: sum((r["resource_type"], r["state"]) == (k, s) for r in coverage) for s in STATES} for k in kinds},
            "interface_days": {"in_scope": 17204, "observed": 16980, "part": 61, "none": 163, "sampled_out": 0}, "log_objects": {"in_scope": 52416, "read": 52410, "damaged": 2, "not_read": 4},
            "records": {"ok": 184_220_193, "nodata": 91_222, "skipdata": 14, "damaged": 3},
        },
        coverage=tuple({"account_id": a, "region": r, "resource_type": k, "state": s, "count": sum((x["account_id"], x["region"], x["resource_type"], x["state"]) == (a, r, k, s) for x in coverage)} for a, r, k, s in cells),
        unread=tuple(unread), controls=tuple(sorted(controls, key=lambda c: (SEVERITIES.index(c.severity), c.id))),
        findings=tuple(sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), STATUSES.index(f.status), f.control_id, f.account_id, f.region, f.resource_id, f.fingerprint))),
        findings_total={c.id: 2345 for c in controls if c.id == "no-public-ssh"},
        waivers={"used": [waiver], "expired": [{**waiver, "expires": "2026-09-01", "ticket": HOSTILE[4]}], "unused": [{**waiver, "control": "no-public-rdp", "reason": HOSTILE[3]}]},
        sampling={"mode": "random", "method": "SHA-256 rank within account and region, exact one-sided hypergeometric limit", "seed": 20260930, "confidence": 0.95, "tolerable_rate": 0.05, "unit": "interface-day",
                  "population": 17204, "drawn": 118, "not_drawn": 17086, "file": "records/sample.parquet", "sha256": "5f" * 32, "strata": [
                      {"account_id": ACCOUNTS[0][0], "region": "eu-central-1", "population": 12204, "sampled": 59, "drawn": 59, "parts": []},
                      {"account_id": ACCOUNTS[1][0], "region": HOSTILE[4], "population": 5000, "sampled": 59, "drawn": 59, "parts": [{"controls": [HOSTILE[3]], "population": 4000, "sampled": 59}]}]},
        top=(_top(["srcaddr"], [(f"10.0.0.{i}", 91_222_112_003 // i, 811_223 // i, 1211 // i) for i in range(1, 9)]),
             _top(["local_port"], [(p, 8_122_211 * p, 811 * p, p) for p in (443, 22, 5432)]),
             _top(["srcaddr", "subject"], [((HOSTILE[0], HOSTILE[3]), 812, 8, 1)], action="REJECT")),
        notes=("3 log objects are local files: their provenance is not proven by AWS", "the endpoint of 1 account is not AWS: http://127.0.0.1:5000"),
    )  # fmt: skip
    return assessment, Rows(
        {
            "coverage": coverage,
            "destinations": destination_rows(),
            "delivery": delivery_rows(),
            "accounts": accounts,
            "unread": unread,
        }
    )


def nothing() -> Assessment:
    """Build an assessment in which nothing was in scope."""
    return Assessment(
        schema=SCHEMA, tool={"name": "auditkit", "version": "0.1.0"}, period={"start": "2026-07-01T00:00:00Z", "end": "2026-10-01T00:00:00Z", "interim": True}, as_of="2026-10-01T04:12:09Z",
        scope={}, population={}, coverage=(), unread=(), controls=(), findings=(), findings_total={}, waivers={}, sampling=None, top=(),
    )  # fmt: skip


def _top(by: list[str], rows: list[tuple[Any, int, int, int]], action: str | None = None) -> dict[str, Any]:
    """One list of top contributors, with as much again that others did, and a little that is not known."""
    keys = [k if isinstance(k, tuple) else (k,) for k, *_ in rows]
    items = [
        {"key": dict(zip(by, key, strict=True)), "bytes": b, "packets": p, "flows": f, "share": 0.1}
        for key, (_, b, p, f) in zip(keys, rows, strict=True)
    ]
    sums = {name: sum(i[name] for i in items) for name in ("bytes", "packets", "flows")}
    little = {name: n // 10 + 1 for name, n in sums.items()}
    total = {name: 2 * n + little[name] for name, n in sums.items()}
    return {
        "by": by, "action": action, "metric": "bytes", "items": items, "others": {**sums, "groups": 3}, "not_known": little,
        "total": total, "flows_without_the_metric": 2, "undecided": dict.fromkeys(sums, 0),
    }  # fmt: skip
