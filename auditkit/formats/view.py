"""What the templates of html and pdf say, gathered once: every text in it is visible text already."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from auditkit.formats import Tables, json
from auditkit.formats.arrivals import Calendar, calendar
from auditkit.formats.conclusion import Conclusion, conclude
from auditkit.formats.destinations import Place, places
from auditkit.formats.matrix import Cell, by_type, matrix
from auditkit.formats.text import clean
from auditkit.model.assessment import Assessment
from auditkit.model.control import SEVERITIES, STATUSES

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """One report's content."""

    a: Json
    """The assessment as JSON has it, cleaned."""
    sha256: str
    """SHA-256 of assessment.json; its first twelve digits are the report's id."""
    made: datetime
    """The document's date, UTC."""
    names: dict[str, str]
    """Account id → name."""
    counts: dict[str, int]
    """Controls by status, all five."""
    conclusion: Conclusion
    """The tool's conclusion."""
    frameworks: list[str]
    """Those that controls map to, or those that the report is about."""
    regions: list[str]
    """In scope, sorted."""
    matrix: list[list[Cell]]
    """Account in scope × region."""
    coverage: list[tuple[str, dict[str, int]]]
    """Resource type → state → resources."""
    severities: list[tuple[str, dict[str, int]]]
    """Severity → status → controls."""
    by_account: list[tuple[str, dict[str, int]]]
    """Account id → status → findings, most first."""
    controls: list[Json]
    """As in the assessment but what needs attention first, with its `findings`, their `total`, `grid`: (account, region) → result, and `mappings`."""
    findings: list[Json]
    """As in the assessment, with `label` (F-001) and `shown_status` (excepted where waived)."""
    arrivals: Calendar | None
    """What arrived of each flow log on each day; None without delivery rows."""
    places: list[Place]
    """Where flow logs go."""
    tables: Tables
    """The run's tables."""

    @property
    def id(self) -> str:
        """The report's id."""
        return self.sha256[:12]

    def rows(self, table: str, keep: Sequence[tuple[str, str, Any]] = (), limit: int | None = None) -> list[Json]:
        """Return a table's rows, cleaned."""
        return [clean(row) for row in self.tables.rows(table, keep, limit)]


def view(assessment: Assessment, tables: Tables, made: datetime) -> View:
    """Gather what a report says."""
    a: Json = clean(asdict(assessment))
    accounts = [x["account_id"] for x in a["scope"].get("accounts", ()) if x.get("status") == "in_scope"]
    regions = sorted(_regions(a["scope"].get("regions", ())) | {r["region"] for r in a["coverage"]})
    accounts += sorted({r["account_id"] for r in a["coverage"]} - set(accounts))
    counts = assessment.counts()
    findings = _findings(a["findings"])
    return View(
        a=a,
        sha256=hashlib.sha256(json.build(assessment, tables, made)).hexdigest(),
        made=made.astimezone(UTC),
        names={x["account_id"]: x.get("name", "") for x in a["scope"].get("accounts", ())},
        counts=counts,
        conclusion=conclude(a, counts),
        frameworks=_frameworks(a),
        regions=regions,
        matrix=matrix(a["coverage"], accounts, regions, a["unread"]),
        coverage=by_type(a["coverage"]),
        severities=[
            (s, found)
            for s in SEVERITIES
            if (found := _count(c["status"] for c in a["controls"] if c["severity"] == s))
        ],
        by_account=_by_account(findings),
        controls=_controls(a, findings),
        findings=findings,
        arrivals=calendar(map(clean, tables.rows("delivery"))),
        places=places([clean(r) for r in tables.rows("destinations")], tables.rows("flow_logs")),
        tables=tables,
    )


def _regions(regions: Any) -> set[str]:
    """Names of the regions in scope: a list of them, or account → list."""
    return {r for some in regions.values() for r in some} if isinstance(regions, Mapping) else set(regions)


def _frameworks(a: Json) -> list[str]:
    return list(a["scope"].get("frameworks") or ()) or sorted(
        {f["framework"] for c in a["controls"] for f in c["frameworks"]}
    )


def _count(statuses: Iterable[str]) -> dict[str, int]:
    counted = Counter(statuses)
    return {s: counted[s] for s in STATUSES if counted[s]}


def _findings(findings: list[Json]) -> list[Json]:
    width = max(3, len(str(len(findings))))
    return [
        {
            **f,
            "label": f"F-{n:0{width}}",
            "shown_status": "excepted"
            if f["status"] == "fail" and f["waiver"] and not f["waiver"]["expired"]
            else f["status"],
        }
        for n, f in enumerate(findings, 1)
    ]


def _by_account(findings: list[Json]) -> list[tuple[str, dict[str, int]]]:
    found: dict[str, list[str]] = defaultdict(list)
    for f in findings:
        found[f["account_id"]].append(f["shown_status"])
    return [(account, _count(found[account])) for account in sorted(found, key=lambda x: (-len(found[x]), x))]


def _mappings(frameworks: list[Json]) -> list[Json]:
    """Gather a control's mappings by framework and strength, strongest first."""
    found: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for f in frameworks:
        found[f["framework"], f["strength"]].append(f)
    order = ("direct", "supporting", "weak")
    return [
        {
            "framework": framework,
            "strength": strength,
            "ids": [f["id"] for f in some],
            "sources": [f"{f['id']}: {f.get('source') or 'no source given'}" for f in some],
        }
        for (framework, strength), some in sorted(
            found.items(), key=lambda kv: (order.index(kv[0][1]) if kv[0][1] in order else 3, kv[0])
        )
    ]


def _controls(a: Json, findings: list[Json]) -> list[Json]:
    mine: dict[str, list[Json]] = defaultdict(list)
    for f in findings:
        mine[f["control_id"]].append(f)
    return [
        {
            **c,
            "number": n,
            "findings": mine[c["id"]],
            "total": max(a["findings_total"].get(c["id"], 0), len(mine[c["id"]])),
            "grid": {(r["account_id"], r["region"]): r for r in c["results"]},
            "mappings": _mappings(c["frameworks"]),
        }
        for n, c in enumerate(sorted(a["controls"], key=lambda c: STATUSES.index(c["status"])), 1)
    ]
