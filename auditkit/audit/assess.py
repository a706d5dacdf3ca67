"""Assess: the run's snapshot and log objects, and policies → tables and assessment.json. Needs no AWS and no clock."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditkit import inventory, reading, snapshot
from auditkit.attribution import Rules
from auditkit.audit import population
from auditkit.audit.arriving import Arriving, arriving
from auditkit.audit.earlier import earlier
from auditkit.audit.findings import Maker, findings_rows
from auditkit.audit.inputs import Inputs, saved_inputs
from auditkit.audit.options import EVERYTHING, Narrowing, Tick, silent
from auditkit.audit.result import Teller
from auditkit.audit.verdicts import Scope, result
from auditkit.coverage import Judge, judge, owners
from auditkit.engines.duckdb import DuckDB, arrow_table, write_parquet
from auditkit.engines.text import ObjectRead, unpack
from auditkit.evaluate import evaluate
from auditkit.model.addresses import Networks
from auditkit.model.assessment import Assessment, ControlResult, Finding
from auditkit.model.columnar import Rows
from auditkit.model.control import SEVERITIES, Control
from auditkit.model.coverage import Coverage
from auditkit.model.errors import AuditkitError, NothingInScope
from auditkit.model.garbage import no_search
from auditkit.model.inventory import Account, Inventory, NetworkInterface, Unread
from auditkit.model.records import LogObject
from auditkit.model.schema import INVENTORY, TABLES
from auditkit.model.tables import Column, columns_of
from auditkit.policy import service_ports
from auditkit.run import Run, parse_time, write_text, writes
from auditkit.sources.layout import parse_name

_OBJECTS = tuple(
    Column(n, t, "")
    for n, t in (
        ("obj", "integer"),
        ("uri", "text"),
        ("flow_log_id", "text"),
        ("account_id", "text"),
        ("region", "text"),
        ("slot", "integer"),
    )
)
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
        AuditkitError: the run was not collected.
        NothingInScope: the narrowing leaves no control, account or region.
    """
    if not run.done("collect"):
        raise AuditkitError(
            f"{run.path} has not been collected whole", f"Run `auditkit audit -o {run.path}` to go on with it."
        )
    run.mark("collect")  # what was assessed before is no longer this run's result
    one = _Assessor(run, inputs or saved_inputs(run), narrowing, tick)
    try:
        return one.assess()
    finally:
        one.close()


@dataclass
class _Assessor:
    run: Run
    inputs: Inputs
    narrowing: Narrowing
    tick: Tick

    def __post_init__(self) -> None:
        state = self.run.state
        self.as_of = parse_time(state["as_of"])
        self.period = (parse_time(state["period"]["start"]), parse_time(state["period"]["end"]))
        # Keys that were only listed may be millions: they are counted, and tallied by SQL.
        self.index: list[dict[str, Any]] = pq.read_table(
            self.run.index, filters=[("status", "!=", "listed")]
        ).to_pylist()
        self.listed = pq.read_metadata(self.run.index).num_rows - len(self.index)
        self.engine = DuckDB(self.run.path / "tmp")
        self.tallies = self.engine.tallies(self.run.index)
        self.meta = snapshot.read_meta(self.run.snapshot)

    def close(self) -> None:
        self.engine.close()
        shutil.rmtree(self.run.path / "tmp", ignore_errors=True)

    @no_search()
    def assess(self) -> Assessment:
        controls = self._controls()
        self.tick("reading the snapshot", 0, 0)
        estate = inventory.read(self.meta, reading.calls(self.run.snapshot, self.meta), self.inputs.approved)
        estate = self._with_unread_objects(estate)
        came = arriving(self.run, self.inputs, estate, self.tallies, self.period, earlier(self.run))
        estate = came.estate
        scope = Scope(estate, self.narrowing.place, since=self.period[0])
        if not scope.places():
            raise NothingInScope("no account and region is in scope", "Look at --account and --region.")
        objects = self._load()
        config = self.inputs.config
        coverage = judge(estate, config.baselines, self.inputs.approved, self.period, self._nat_seen(), came.history)
        coverage = self._there(coverage)
        if any(c.table in ("flow_records", "interface_days") for c in controls):
            scope = replace(scope, units=population.units(estate, coverage, read=True))
        networks = Networks.of_run(
            dict(self.inputs.config.networks), {v.vpc_id: _cidrs(v.cidr_blocks) for v in estate.vpcs}
        )
        self._derive(estate, coverage, objects, networks)
        estate = _with_gone(estate, self.engine.interfaces_seen())
        self._add_tables(estate, coverage, came, {c.table for c in controls})
        results, findings, totals = self._judge(controls, estate, scope, networks, objects)
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

    # -- what was read -------------------------------------------------------------------------------------------

    def _with_unread_objects(self, estate: Inventory) -> Inventory:
        """Objects and prefixes that could not be read stand among what was not read."""
        lost = [
            Unread(
                account_id=r["account_id"],
                region=r["region"],
                table="flow_records",
                resource=r["uri"],
                call="object",
                error=r["error"],
            )
            for r in self.index
            if r["status"] == "unread"
        ]
        unlisted = [Unread(**u) for u in self.run.state.get("unlisted", ())]
        return replace(estate, unread=(*estate.unread, *unlisted, *lost))

    def _load(self) -> list[ObjectRead]:
        read = [r for r in self.index if r["status"] == "read"]
        given = []
        for at, row in enumerate(read, 1):
            fields = {
                n: row[n]
                for n in (
                    "uri",
                    "key",
                    "account_id",
                    "region",
                    "flow_log_id",
                    "slot",
                    "size",
                    "etag",
                    "version_id",
                    "last_modified",
                )
            }
            given.append((LogObject(**fields), self.run.kept / row["kept"]))
            if at % 500 == 0:
                self.tick("log objects parsed", at, len(read))
        return self.engine.load(given)

    def _nat_seen(self) -> set[tuple[str, str]]:
        self.engine.add("objects", arrow_table(_OBJECTS, self._object_rows()))
        return self.engine.nat_gateways_seen()

    def _object_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "obj": o.number,
                "uri": o.object.uri,
                "flow_log_id": o.object.flow_log_id,
                "account_id": o.object.account_id,
                "region": o.object.region,
                "slot": int(o.object.slot.timestamp()),
            }
            for o in self.engine.reader.objects
        ]

    def _derive(
        self, estate: Inventory, coverage: Sequence[Coverage], objects: Sequence[ObjectRead], networks: Networks
    ) -> None:
        self.tick("interface-days and flows", 0, 0)
        reading = self.inputs.config.model.records.mode != "none"
        most = self.inputs.config.model.records.max_damage
        hurt = [
            (o.object.flow_log_id, o.object.slot, "a log object of it is damaged")
            for o in objects
            if o.broken or o.damaged > most
        ]
        hurt += [
            (r["flow_log_id"], r["slot"], "a log object of it could not be read")
            for r in self.index
            if r["status"] == "unread"
        ]
        hurt += self._unlisted_days(estate)
        self.engine.derive(
            {
                "objects": (_OBJECTS, self._object_rows()),
                "units": (population.UNITS, population.units(estate, coverage, read=reading)),
                "log_ranks": (
                    population.RANKS,
                    population.ranks(estate, self.inputs.config.baselines, Judge(self.inputs.approved, owners(estate))),
                ),
                "log_traffic": (population.TRAFFICS, population.traffics(estate)),
                "log_born": (population.BORN, population.born(estate)),
                "hurt_days": (population.HURT, population.hurt_days(hurt)),
                "own_ranges": (population.RANGES, population.own_ranges(estate) if objects else ()),
                "intermediaries": (population.HIDDEN, population.hidden(estate) if objects else ()),
                "vpc_ranges": (population.RANGES, population.vpc_ranges(networks.vpcs)),
                "period_days": (population.DAYS, population.period_days(*self.period, self.as_of)),
            },
            service_ports(self.inputs.controls),
        )

    def _unlisted_days(self, estate: Inventory) -> list[tuple[str, datetime, str]]:
        """What could not be listed hurts every day of the flow logs that may lie there; a file of AWS's name, its own day."""
        days = [
            datetime.fromisoformat(d["day"]).replace(tzinfo=UTC)
            for d in population.period_days(*self.period, self.as_of)
        ]
        places = {(log.flow_log_id, log.account_id, f"s3://{log.bucket}/") for log in estate.flow_logs if log.bucket}
        places |= {(t.flow_log_id, t.account_id, f"s3://{t.bucket}/") for t in self.tallies}
        out = []
        for u in self.run.state.get("unlisted", ()):
            named = parse_name(u["resource"].rsplit("/", 1)[-1])
            if named is not None:
                out.append((named.flow_log_id, named.slot, "a log object of it could not be read"))
                continue
            bucket = u["resource"].partition("//")[2].partition("/")[0] if u["resource"].startswith("s3://") else ""
            for flow_log_id, account_id, uri in places:
                if u["account_id"] in ("*", account_id) and (not bucket or uri.startswith(f"s3://{bucket}/")):
                    out += [(flow_log_id, day, "its log objects could not all be listed") for day in days]
        return sorted(set(out))

    def _there(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The rows that the flags leave."""
        if isinstance(rows, Rows):
            return rows.where(self.narrowing.place, "account_id", "region")
        return [r for r in rows if self.narrowing.place(r.account_id, r.region)]

    def _add_tables(self, estate: Inventory, coverage: Sequence[Coverage], came: Arriving, judged: set[str]) -> None:
        """Give the engine its tables; of the inventory, those that controls judge."""
        self.engine.add_rows("coverage", TABLES["coverage"].columns, coverage)
        self.engine.add_rows("delivery", TABLES["delivery"].columns, self._there(came.rows))
        for name in sorted(judged & set(INVENTORY)):
            self.engine.add_rows(name, TABLES[name].columns, self._there(getattr(estate, name)))
        self.engine.narrow(self.narrowing.accounts, self.narrowing.regions)

    # -- controls ------------------------------------------------------------------------------------------------

    def _judge(
        self,
        controls: Sequence[Control],
        estate: Inventory,
        scope: Scope,
        networks: Networks,
        objects: Sequence[ObjectRead],
    ) -> tuple[list[ControlResult], list[Finding], dict[str, int]]:
        paths = {o.object.uri: o.path for o in objects}
        maker = Maker(
            estate,
            self.inputs.waivers,
            self.as_of.date(),
            lambda wanted: _lines(paths, wanted),
            {r["uri"]: r["sha256"] for r in self.index},
            Rules.of(estate),
        )
        self.engine.begin_matches()
        mode = self.inputs.config.model.records.mode
        results, shown, everything, totals = [], [], [], {}
        for at, control in enumerate(controls, 1):
            self.tick("controls", at, len(controls))
            outcome = evaluate(control, self.engine, networks)
            if control.table == "flow_records":
                self.engine.keep_matches(control.id)
            found = sorted(maker.findings(outcome), key=_rank)
            results.append(
                result(
                    control,
                    outcome,
                    found,
                    scope,
                    "none" if control.table == "flow_records" and mode == "none" else "all",
                )
            )
            everything += found
            totals[control.id] = len(found)
            shown += found[: self.inputs.config.model.report.max_findings]
        write_parquet(
            arrow_table(_FINDINGS, findings_rows(sorted(everything, key=_rank))), self.run.tables / "findings.parquet"
        )
        return results, sorted(shown, key=_rank), totals

    # -- the result ----------------------------------------------------------------------------------------------

    def _teller(self) -> Teller:
        return Teller(
            self.inputs, self.narrowing, self.engine, self.index, self.listed, self.period, self.as_of, self.meta
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
        delivery = arrow_table(TABLES["delivery"].columns, self._there(came.rows))
        write_parquet(delivery, tables / "delivery.parquet")
        write_parquet(arrow_table(columns_of(Account), map(_row, estate.accounts)), tables / "accounts.parquet")
        write_parquet(
            arrow_table(columns_of(Unread), map(_row, self._teller().unread(estate))), tables / "unread.parquet"
        )
        for name in INVENTORY:
            rows = self._there(getattr(estate, name))
            write_parquet(arrow_table(TABLES[name].columns, rows), tables / f"{name}.parquet")
        write_parquet(self.engine.interface_days(), tables / "interface_days.parquet")
        write_parquet(self.engine.matches(), tables / "flow_records.parquet")
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


def _with_gone(estate: Inventory, seen: Iterable[Mapping[str, Any]]) -> Inventory:
    """Add the interfaces that only records show."""
    gone = inventory.from_records(estate, seen)
    if not gone:
        return estate
    parts = (Rows.made_of(NetworkInterface, rows).table for rows in (estate.network_interfaces, gone))
    table = pa.concat_tables(parts)
    table = table.take(pc.sort_indices(table["interface_id"]))
    return replace(estate, network_interfaces=Rows(NetworkInterface, table))


def _row(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _cidrs(blocks: Iterable[str]) -> list[str]:
    return [b for b in blocks if re.fullmatch(r"[0-9A-Fa-f.:]+/\d+", b)]


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


def _lines(paths: Mapping[str, Path], wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Read lines of log objects again, as they stand there."""
    by_uri: dict[str, list[int]] = {}
    for uri, line in wanted:
        by_uri.setdefault(uri, []).append(line)
    out = {}
    for uri, numbers in by_uri.items():
        body, _ = unpack(paths[uri].read_bytes())
        lines = body.split(b"\n")
        out.update({(uri, n): lines[n - 1].decode("utf-8", "replace").rstrip("\r") for n in numbers if n <= len(lines)})
    return out
