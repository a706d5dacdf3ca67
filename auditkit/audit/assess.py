"""Assess: the run's snapshot and log objects, and policies → tables and assessment.json. Needs no AWS and no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from auditkit.attribution import Rules
from auditkit.audit import keeping, population, sampled
from auditkit.audit.arriving import Arriving
from auditkit.audit.findings import Maker, findings_rows, records_shown
from auditkit.audit.flows import Flows
from auditkit.audit.inputs import Inputs, saved_inputs
from auditkit.audit.opening import opening
from auditkit.audit.options import EVERYTHING, Narrowing, Tick, silent
from auditkit.audit.result import Teller
from auditkit.audit.verdicts import Scope, result
from auditkit.engines.duckdb import arrow_table, write_parquet
from auditkit.engines.ranks import rank
from auditkit.engines.reading import ObjectRead, stored
from auditkit.evaluate import Outcome, evaluate
from auditkit.model.addresses import Networks
from auditkit.model.assessment import Assessment, ControlResult, Finding
from auditkit.model.control import SEVERITIES, Control
from auditkit.model.coverage import Coverage
from auditkit.model.errors import AuditkitError, NothingInScope
from auditkit.model.garbage import no_search
from auditkit.model.inventory import Account, Inventory, Unread
from auditkit.model.schema import INVENTORY, TABLES
from auditkit.model.tables import Column, columns_of
from auditkit.run import Run, write_text, writes

_READ = tuple(Column(n, t, "") for n, t in (
    ("uri", "text"), ("account_id", "text"), ("region", "text"), ("flow_log_id", "text"), ("slot", "time"), ("size", "integer"), ("sha256", "text"),
    ("status", "text"), ("ok", "integer"), ("nodata", "integer"), ("skipdata", "integer"), ("damaged", "integer"), ("damage", "text"),
))  # fmt: skip
_FINDINGS = tuple(Column(n, t, "") for n, t in (
    ("fingerprint", "text"), ("control_id", "text"), ("status", "text"), ("severity", "text"), ("waived", "boolean"), ("account_id", "text"), ("region", "text"),
    ("resource_type", "text"), ("resource_id", "text"), ("resource_arn", "text"), ("detail", "text"), ("rows", "integer"), ("first", "text"), ("last", "text"),
    ("bytes", "integer"), ("packets", "integer"), ("group", "text"), ("evidence", "text"), ("cause", "text"), ("waiver", "text"),
))  # fmt: skip


@writes
def assess(
    run: Run, inputs: Inputs | None = None, narrowing: Narrowing = EVERYTHING, tick: Tick = silent
) -> Assessment:
    """Assess a collected run and write its tables and assessment.json.

    Args:
        run: collected.
        inputs: instead of those saved in the run.
        narrowing: instead of what the run was collected with.
        tick: progress.

    Raises:
        AuditkitError: the run was not collected, or has not kept what it read.
        NothingInScope: the narrowing leaves no control, account or region.
    """
    if not run.done("collect"):
        raise AuditkitError(
            f"{run.path} has not been collected whole", f"Run `auditkit audit -o {run.path}` to go on with it."
        )
    if "removed" in run.state:
        return keeping.again(run, inputs, narrowing)
    run.mark("collect")  # what was assessed before is no longer this run's result
    inputs = inputs or saved_inputs(run)
    with Flows(run, inputs, narrowing, tick, run.path / "tmp") as flows:
        assessment = _Assessor(flows).assess()
    if keeping.asked_alike(run, narrowing):  # else what was not judged now needs what was read
        keeping.let_go(run, inputs.config.model.records)
    return assessment


@dataclass
class _Assessor:
    flows: Flows

    def __post_init__(self) -> None:
        self.run, self.inputs, self.narrowing = self.flows.run, self.flows.inputs, self.flows.narrowing
        self.engine, self.index, self.tick = self.flows.engine, self.flows.index, self.flows.tick

    @no_search()
    def assess(self) -> Assessment:
        controls = self._controls()
        came = self.flows.arriving()
        scope = Scope(came.estate, self.narrowing.place, since=self.flows.period[0])
        if not scope.places():
            raise NothingInScope("no account and region is in scope", "Look at --account and --region.")
        derived = self.flows.derive(came)
        estate, coverage, objects = opening(self.flows, derived), derived.coverage, derived.objects
        if any(c.table in ("flow_records", "interface_days") for c in controls):
            scope = replace(scope, units=population.units(came.estate, coverage, read=True))
        self._add_tables(estate, coverage, came, {c.table for c in controls})
        results, findings, totals = self._judge(controls, estate, scope, derived.networks, objects)
        assessment = self._teller().assessment(estate, coverage, objects, results, findings, totals)
        self._write(estate, coverage, came, objects, assessment)
        return assessment

    def _controls(self) -> list[Control]:
        known = {c.id for c in self.inputs.controls}
        for name in self.narrowing.controls:
            if name not in known:
                raise AuditkitError(f"there is no control {name!r}", "Run `auditkit policies list` for their ids.")
        chosen = [
            c for c in self.inputs.controls
            if (not self.narrowing.tables or c.table in self.narrowing.tables) and (not self.narrowing.controls or c.id in self.narrowing.controls)
        ]  # fmt: skip
        if not chosen:
            raise NothingInScope("no control is left to judge", "Look at --table, --control and policies:.")
        return chosen

    def _add_tables(self, estate: Inventory, coverage: Sequence[Coverage], came: Arriving, judged: set[str]) -> None:
        """Give the engine its tables; of the inventory, those that controls judge."""
        self.engine.add_rows("coverage", TABLES["coverage"].columns, coverage)
        self.engine.add_rows("delivery", TABLES["delivery"].columns, self.flows.there(came.rows))
        if self.flows.sample is not None:  # another account's flow log may speak of what the flags leave
            self.engine.add_rows("delivered", TABLES["delivery"].columns, came.rows)
        for name in sorted(judged & set(INVENTORY)):
            self.engine.add_rows(name, TABLES[name].columns, self.flows.there(getattr(estate, name)))

    # -- controls ------------------------------------------------------------------------------------------------

    def _judge(
        self,
        controls: Sequence[Control],
        estate: Inventory,
        scope: Scope,
        networks: Networks,
        objects: Sequence[ObjectRead],
    ) -> tuple[list[ControlResult], list[Finding], dict[str, int]]:
        if self.flows.sample is not None:
            rank(self.engine, self.flows.sample.facts, self.flows.sample.table)
            scope = replace(scope, sample=sampled.rule(self.run, self.flows.sample))
        outcomes = list(self._outcomes(controls, networks))
        maker = Maker(
            estate,
            self.inputs.waivers,
            self.flows.as_of.date(),
            _lines({o.object.uri: o for o in objects}, records_shown(outcomes)),
            {r["uri"]: r["sha256"] for r in self.index},
            Rules.of(estate),
        )
        mode = self.inputs.config.model.records.mode
        results, shown, everything, totals = [], [], [], {}
        for outcome in outcomes:
            control = outcome.control
            basis = "none" if control.table == "flow_records" and mode == "none" else "all"
            found = sorted(maker.findings(outcome), key=_rank)
            results.append(result(control, outcome, found, scope, basis))
            everything += found
            totals[control.id] = len(found)
            shown += found[: self.inputs.config.model.report.max_findings]
        write_parquet(
            arrow_table(_FINDINGS, findings_rows(sorted(everything, key=_rank))), self.run.tables / "findings.parquet"
        )
        return results, sorted(shown, key=_rank), totals

    def _outcomes(self, controls: Sequence[Control], networks: Networks) -> Iterator[Outcome]:
        """Evaluate the controls, and keep the records that break them."""
        self.engine.begin_matches()
        for at, control in enumerate(controls, 1):
            self.tick("controls", at, len(controls))
            outcome = evaluate(control, self.engine, networks, sampled=self.flows.sample is not None)
            if control.table == "flow_records":
                self.engine.keep_matches(control.id)
            yield outcome

    # -- the result ----------------------------------------------------------------------------------------------

    def _teller(self) -> Teller:
        return Teller(
            self.inputs,
            self.narrowing,
            self.engine,
            self.index,
            self.flows.listed,
            self.flows.period,
            self.flows.as_of,
            self.flows.meta,
            self.flows.sample,
        )

    def _write(
        self,
        estate: Inventory,
        coverage: Sequence[Coverage],
        came: Arriving,
        objects: Sequence[ObjectRead],
        assessment: Assessment,
    ) -> None:
        tables = self.run.tables
        write_parquet(arrow_table(TABLES["coverage"].columns, coverage), tables / "coverage.parquet")
        delivery = arrow_table(TABLES["delivery"].columns, self.flows.there(came.rows))
        write_parquet(delivery, tables / "delivery.parquet")
        write_parquet(arrow_table(columns_of(Account), map(_row, estate.accounts)), tables / "accounts.parquet")
        write_parquet(
            arrow_table(columns_of(Unread), map(_row, self._teller().unread(estate))), tables / "unread.parquet"
        )
        for name in INVENTORY:
            rows = self.flows.there(getattr(estate, name))
            write_parquet(arrow_table(TABLES[name].columns, rows), tables / f"{name}.parquet")
        write_parquet(self.engine.interface_days(), tables / "interface_days.parquet")
        self.engine.write_matches(tables / "flow_records.parquet")
        write_parquet(arrow_table(_READ, self._objects_read(objects)), tables / "log_objects.parquet")
        write_text(self.run.path / "assessment.json", assessment.to_json())
        self.run.mark("assess")

    def _objects_read(self, objects: Sequence[ObjectRead]) -> Iterable[dict[str, Any]]:
        held = {o.object.uri: o for o in objects}
        for row in self.index:
            o = held.get(row["uri"])
            counts: Mapping[str, Any] = (
                {"ok": o.ok, "nodata": o.nodata, "skipdata": o.skipdata, "damaged": o.damaged, "damage": o.first_damage}
                if o
                else {"damage": row["error"]}
            )
            yield {**row, **counts}


def _row(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _rank(f: Finding) -> tuple[Any, ...]:
    return (
        SEVERITIES.index(f.severity),
        f.status != "fail",
        f.waived,
        f.control_id,
        f.account_id,
        f.region,
        f.resource_id,
        f.fingerprint,
    )


def _lines(held: Mapping[str, ObjectRead], wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Read records of log objects again, as they stand there."""
    by_uri: dict[str, list[int]] = {}
    for uri, line in wanted:
        by_uri.setdefault(uri, []).append(line)
    return {
        (uri, line): text
        for uri, lines in by_uri.items()
        for line, text in stored(held[uri].object, held[uri].path, lines).items()
    }
