"""The result: assessment.json and its parts. The field names here are the keys of the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from auditkit.model.control import SEVERITIES, STATUSES

SCHEMA = "auditkit/assessment/1"


def fingerprint(control_id: str, group: Mapping[str, Any]) -> str:
    """SHA-256 of the control id and the group key: never of time, peer or count."""
    text = json.dumps(
        [control_id, dict(sorted(group.items()))], separators=(",", ":"), ensure_ascii=True, sort_keys=True
    )
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that can be looked up again."""

    kind: str
    """record (a line of a log object) or answer (what AWS answered)."""
    source: str
    """Object URI, or service:Operation with account and region."""
    line: int = 0
    """Line of the object, 1-based; 0 for answers."""
    text: str = ""
    """The line as it stands in the object; or what the answer says, in words."""
    sha256: str = ""
    """SHA-256 of the object, hex; empty for answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One group of rows that break a control, or that cannot be decided.

    Raises:
        ValueError: it has no evidence, or a status or severity that does not exist.
    """

    fingerprint: str
    """Identity across runs."""
    control_id: str
    """The control."""
    status: str
    """fail or inconclusive."""
    severity: str
    """Of the control."""
    account_id: str
    """Account."""
    region: str
    """Region."""
    resource_type: str
    """Type of the resource."""
    resource_id: str
    """Id of the resource."""
    resource_arn: str
    """ARN, or empty where it has none."""
    group: dict[str, Any]
    """Values of group_by."""
    detail: str
    """What was found, in a sentence."""
    evidence: tuple[Evidence, ...]
    """Up to five."""
    facts: dict[str, Any] = field(default_factory=dict)
    """rows; for traffic also first, last (ISO 8601), bytes, packets, basis (initiator_basis → rows), peers ([{address, rows, bytes}])."""
    cause: dict[str, Any] | None = None
    """Why a flow was let through: statement, verdict (consistent, contradict, cannot tell), rules[] (group_id, group_name, rule, description)."""
    waiver: dict[str, Any] | None = None
    """The waiver that covers it: reason, owner, approved_by, approved_on, expires, ticket, expired (bool)."""

    def __post_init__(self) -> None:
        """Refuse to be wrong at birth."""
        if not self.evidence:
            raise ValueError(f"finding of {self.control_id} on {self.resource_id} has no evidence")
        if self.status not in ("fail", "inconclusive") or self.severity not in SEVERITIES:
            raise ValueError(f"finding of {self.control_id}: {self.status}/{self.severity}")

    @property
    def waived(self) -> bool:
        """A waiver covers it and has not expired."""
        return self.waiver is not None and not self.waiver["expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One control in one account and region."""

    account_id: str
    """Account."""
    region: str
    """Region."""
    status: str
    """One of STATUSES."""
    examined: int
    """Rows for which `where` is not FALSE."""
    failed: int
    """Findings that fail and are not waived."""
    inconclusive: int
    """Findings that cannot be decided."""
    waived: int
    """Findings that fail and are waived."""
    reasons: tuple[str, ...] = ()
    """Why inconclusive or not applicable; of a pass by sample, what the sample says."""
    basis: str = "all"
    """all, sample, or none: how much of the population was read."""
    sample: dict[str, Any] | None = None
    """Where the basis is a sample: population (interface-days that the control is about), drawn, sampled (those that count,
    by rank), deviations, limit (deviations in the population, at most), limit_rate, confidence (one-sided)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlResult:
    """One control over the whole scope."""

    id: str
    """Control id."""
    title: str
    """Title."""
    severity: str
    """Severity."""
    table: str
    """The table it reads."""
    status: str
    """The worst of the results."""
    examined: int
    """Rows."""
    failed: int
    """Findings, not waived."""
    inconclusive: int
    """Findings."""
    waived: int
    """Findings."""
    reasons: tuple[str, ...]
    """Distinct reasons of the results, most frequent first."""
    basis: str
    """all, sample, or none: how much of the population was read."""
    frameworks: tuple[dict[str, str], ...]
    """framework, id, strength, source."""
    results: tuple[Result, ...]
    """Per account and region, sorted."""
    where: str
    """The rows it is about, as written."""
    fail_where: str
    """The rows that break it, as written."""
    rationale: str
    """Why it matters."""
    remediation: str
    """What closes a finding."""
    undecidable_when: str
    """When it is inconclusive."""
    sample: dict[str, Any] | None = None
    """As of the results, summed up; the limit is the greatest of theirs, and holds for all of them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """assessment.json."""

    schema: str
    """SCHEMA."""
    tool: dict[str, str]
    """name, version, policies_sha256, config_sha256."""
    period: dict[str, Any]
    """start, end (ISO 8601, UTC; end exclusive), interim (bool: it had not ended at as_of)."""
    as_of: str
    """When collecting ended."""
    scope: dict[str, Any]
    """organization, identity {account_id, arn, endpoint, provenance}, accounts[] {account_id, name, status, read, reason, excluded_by}, regions[], narrowed {account, region, table, control}, baselines[], destinations[]."""
    population: dict[str, Any]
    """accounts, regions, resources {type: {in_scope, complete, …}}, interface_days, log_objects, records."""
    coverage: tuple[dict[str, Any], ...]
    """The matrix: account_id, region, resource_type, state, count, sorted."""
    unread: tuple[dict[str, Any], ...]
    """What was not read: account_id, region, table, resource, call, error."""
    controls: tuple[ControlResult, ...]
    """By severity, then id."""
    findings: tuple[Finding, ...]
    """By severity, status, control, account, region, resource; at most max_findings of each control."""
    findings_total: dict[str, int]
    """Control id → findings in tables/findings.parquet, where more than are shown here."""
    waivers: dict[str, Any]
    """used[], unused[], expired[]: each as in waivers.yaml."""
    sampling: dict[str, Any] | None
    """The plan and its draw: mode, method, seed, confidence, tolerable_rate, unit, population, drawn, not_drawn, file, sha256,
    strata[] {account_id, region, population, sampled, drawn, parts[] {controls[], population, sampled}}; null without a sample."""
    top: tuple[dict[str, Any], ...]
    """Lists of top contributors, as `auditkit top --json` has them: by[], action, metric, items[] {key {}, bytes, packets, flows, share}, others, not_known, total, undecided."""
    notes: tuple[str, ...] = ()
    """What the reader must know: local logs, imported snapshot, endpoints that are not AWS."""

    def counts(self) -> dict[str, int]:
        """Controls by status."""
        return {status: sum(c.status == status for c in self.controls) for status in STATUSES}

    def to_json(self) -> str:
        """The text of assessment.json: sorted, byte-identical for the same inputs."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Assessment:
        """Read assessment.json.

        Raises:
            ValueError: it is not an assessment of this schema.
        """
        data = json.loads(text)
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise ValueError(f"not an {SCHEMA}")
        data["controls"] = tuple(
            ControlResult(
                **{
                    **c,
                    "results": tuple(Result(**{**r, "reasons": tuple(r["reasons"])}) for r in c["results"]),
                    "reasons": tuple(c["reasons"]),
                    "frameworks": tuple(c["frameworks"]),
                }
            )
            for c in data["controls"]
        )
        data["findings"] = tuple(
            Finding(**{**f, "evidence": tuple(Evidence(**e) for e in f["evidence"])}) for f in data["findings"]
        )
        for key in ("coverage", "unread", "top", "notes"):
            data[key] = tuple(data[key])
        return cls(**data)


def worst(statuses: Sequence[str]) -> str:
    """The worst of some statuses; not_applicable of none."""
    return min(statuses, key=STATUSES.index, default="not_applicable")
