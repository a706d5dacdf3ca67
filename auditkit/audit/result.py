"""The assessment: results, findings and counts put together, as assessment.json says them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from auditkit import __version__
from auditkit.audit import sampled
from auditkit.audit.drawing import Sample
from auditkit.audit.findings import waiver_json
from auditkit.audit.inputs import Inputs
from auditkit.audit.options import Narrowing
from auditkit.engines.duckdb import DuckDB
from auditkit.engines.reading import ObjectRead
from auditkit.engines.talkers import shown
from auditkit.model.assessment import SCHEMA, Assessment, ControlResult, Finding
from auditkit.model.columnar import Rows
from auditkit.model.coverage import Coverage
from auditkit.model.inventory import Inventory, Unread
from auditkit.policy import expired
from auditkit.run import iso

AWS_HOST = re.compile(r"https://[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|aws)(/|$)")
"""Endpoints of AWS itself."""


@dataclass(frozen=True)
class Teller:
    """Puts an assessment together."""

    inputs: Inputs
    """Configuration, controls, waivers."""
    narrowing: Narrowing
    """Flags."""
    engine: DuckDB
    """Holds interface-days and flow records."""
    index: Sequence[Mapping[str, Any]]
    """Rows of records/index.parquet, but for objects that were not to be read."""
    listed: int
    """These: records.mode none."""
    period: tuple[datetime, datetime]
    """Start and exclusive end, UTC."""
    as_of: datetime
    """When collecting ended."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """snapshot.json."""
    sample: Sample | None = None
    """The sample's plan, where one was drawn."""

    def assessment(
        self,
        estate: Inventory,
        coverage: Sequence[Coverage],
        objects: Sequence[ObjectRead],
        results: list[ControlResult],
        findings: list[Finding],
        totals: dict[str, int],
    ) -> Assessment:
        """Say everything that was found, sorted."""
        config = self.inputs.config
        today = self.as_of.date()
        used = {_waiver_key(f.waiver) for f in findings if f.waiver}
        waivers = [(w, waiver_json(w, today)) for w in self.inputs.waivers]
        return Assessment(
            schema=SCHEMA,
            tool={
                "name": "auditkit",
                "version": __version__,
                "policies_sha256": self.inputs.policies_sha256,
                "config_sha256": config.sha256,
            },
            period={"start": iso(self.period[0]), "end": iso(self.period[1]), "interim": self.period[1] > self.as_of},
            as_of=iso(self.as_of),
            scope=self._scope(estate),
            population=self._population(estate, coverage, objects),
            coverage=_matrix(coverage),
            unread=tuple({n: getattr(u, n) for n in u.__dataclass_fields__} for u in self.unread(estate)),
            controls=tuple(results),
            findings=tuple(findings),
            findings_total=totals,
            waivers={
                "used": [j for w, j in waivers if _waiver_key(j) in used and not expired(w, today)],
                "unused": [j for w, j in waivers if _waiver_key(j) not in used],
                "expired": [j for w, j in waivers if expired(w, today)],
            },
            sampling=sampled.told(self.sample, self.engine.observed()) if self.sample else None,
            top=shown(self.engine),
            notes=tuple(self._notes(estate)),
        )

    def unread(self, estate: Inventory) -> list[Unread]:
        """What was not read, of what the flags leave, sorted."""
        there = [u for u in estate.unread if u.account_id == "*" or self.narrowing.place(u.account_id, u.region)]
        return sorted(set(there), key=lambda u: (u.account_id, u.region, u.table, u.call, u.resource, u.error))

    def _scope(self, estate: Inventory) -> dict[str, Any]:
        report = self.inputs.config.model.report
        return {
            "organization": report.organization,
            "title": report.title,
            "classification": report.classification,
            "frameworks": list(report.frameworks),
            "identity": estate.identity,
            "accounts": [
                {n: getattr(a, n) for n in ("account_id", "name", "status", "read", "reason", "excluded_by")}
                for a in estate.accounts
            ],
            "regions": sorted({r for regions in estate.regions.values() for r in regions}),
            "narrowed": self.narrowing.as_json(),
            "baselines": [
                {
                    "name": b.name,
                    "traffic": b.traffic,
                    "destinations": list(b.destinations) if b.destinations is not None else None,
                    "fields": list(b.fields),
                    "max_aggregation_interval": b.max_aggregation_interval,
                }
                for b in self.inputs.config.baselines
            ],
            "destinations": [
                {"name": n, **{k: v for k, v in d.model_dump().items() if v}}
                for n, d in sorted(self.inputs.config.model.destinations.items())
            ],
        }

    def _population(
        self, estate: Inventory, coverage: Sequence[Coverage], objects: Sequence[ObjectRead]
    ) -> dict[str, Any]:
        status = Counter(a.status for a in estate.accounts)
        read = Counter(a.read for a in estate.accounts if a.status == "in_scope")
        states: dict[str, dict[str, int]] = {}
        for (kind, state), count in _counted(coverage, "resource_type", "state").items():
            of_type = states.setdefault(kind, {"in_scope": 0})
            of_type["in_scope"] += count
            of_type[state] = count
        days = self.engine.observed()
        indexed = Counter(r["status"] for r in self.index)
        observed = sum(days.get(k, 0) for k in ("all", "accept", "reject"))
        return {
            "accounts": {"in_scope": status["in_scope"], "read": read["read"], "partial": read["partial"], "not_read": read["unread"],
                         "excluded": status["excluded"], "suspended": status["suspended"]},
            "regions": {"in_scope": len({r for regions in estate.regions.values() for r in regions})},
            "resources": {kind: dict(sorted(states[kind].items())) for kind in sorted(states)},
            "interface_days": {"in_scope": sum(days.values()), "observed": observed, "part": days.get("part", 0), "none": days.get("none", 0), "sampled_out": days.get("sampled_out", 0)},
            "delivery": self.engine.delivered(),
            "log_objects": {"in_scope": self.listed + len(self.index), "read": indexed["read"], "damaged": sum(o.damaged > 0 for o in objects), "not_read": self.listed + len(self.index) - indexed["read"]},
            "records": {"ok": sum(o.ok for o in objects), "nodata": sum(o.nodata for o in objects), "skipdata": sum(o.skipdata for o in objects), "damaged": sum(o.damaged for o in objects)},
        }  # fmt: skip

    def _notes(self, estate: Inventory) -> Iterable[str]:
        if self.inputs.config.model.snapshot is not None:
            yield "The network was not read from AWS in this run but from a saved snapshot."
        if estate.identity.get("provenance") == "imported":
            yield "The snapshot was imported: nobody but its giver vouches for it."
        yield from _told(self.meta)
        if self.inputs.config.model.records.local:
            yield "Log objects were read from local copies, not from the buckets that AWS delivered to."
        endpoint = estate.identity.get("endpoint", "")
        if endpoint and not AWS_HOST.match(endpoint):
            yield f"The answers came from an endpoint that is not AWS: {endpoint}"
        if not self.inputs.config.model.destinations:
            yield "auditkit.yaml approves no destination by name, so that any destination counted as approved."
        records = self.inputs.config.model.records
        if records.keep != "read" or records.keep_limit is not None:
            yield "The log objects read do not all stay with the run (records.keep): it cannot be assessed again."
        if records.lines or "cloud-watch-logs" in records.sources:
            yield "Some flow records were read where AWS's own names of log objects do not tell whose they are."
        if self.inputs.config.model.records.mode == "none":
            yield "Flow records were not read: controls on traffic could not conclude."


def _told(meta: Mapping[str, Any]) -> Iterable[str]:
    """What snapshot.json says of its own making; it is a file that may come from anybody."""
    parts = meta.get("merged")
    if isinstance(parts, list) and parts:
        imported = sum(not isinstance(one, dict) or one.get("provenance") != "collected" for one in parts)
        told = f", {imported} of them imported" if imported else ""
        yield f"This run was joined from {len(parts)} runs{told}; its clock is the latest of theirs."
    notes = meta.get("notes")
    yield from (note[:500] for note in (notes if isinstance(notes, list) else [])[:20] if isinstance(note, str))


def _waiver_key(waiver: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(waiver[key] for key in ("control", "resource", "account", "region"))


def _counted(coverage: Sequence[Coverage], *names: str) -> Counter[tuple[str, ...]]:
    rows = Rows.made_of(Coverage, coverage)
    return Counter(zip(*(rows.column(name) for name in names), strict=True))


def _matrix(coverage: Sequence[Coverage]) -> tuple[dict[str, Any], ...]:
    counts = _counted(coverage, "account_id", "region", "resource_type", "state")
    return tuple(
        {"account_id": a, "region": r, "resource_type": t, "state": s, "count": n}
        for (a, r, t, s), n in sorted(counts.items())
    )
