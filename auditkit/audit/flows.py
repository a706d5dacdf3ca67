"""Flows: the run's snapshot and kept log objects → an engine with interface_days and flow_records. Nothing is judged."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditkit import inventory, reading, snapshot
from auditkit.audit import drawing, hurting, population
from auditkit.audit.arriving import Arriving, arriving
from auditkit.audit.earlier import earlier
from auditkit.audit.index import log_object
from auditkit.audit.inputs import Inputs
from auditkit.audit.options import Narrowing, Tick
from auditkit.audit.sampled import sample_days
from auditkit.config.schema import Config
from auditkit.coverage import Judge, judge, owners
from auditkit.engines.duckdb import DuckDB
from auditkit.engines.reading import ObjectRead
from auditkit.model.addresses import Networks
from auditkit.model.columnar import Rows
from auditkit.model.coverage import Coverage
from auditkit.model.inventory import Inventory, NetworkInterface, Unread
from auditkit.policy import service_ports
from auditkit.run import Run, parse_time
from auditkit.sources import LOGS
from auditkit.sources.layout import parse_name


@dataclass(frozen=True)
class Derived:
    """What reading the kept objects gave, beside the engine's tables."""

    estate: Inventory
    """The inventory, with the interfaces that only records show."""
    coverage: Sequence[Coverage]
    """Of the accounts and regions that the flags leave."""
    objects: Sequence[ObjectRead]
    """Each log object read."""
    networks: Networks
    """The networks of the run."""


@dataclass
class Flows:
    """The flows of a collected run, rebuilt from what was kept: the same run gives the same tables."""

    run: Run
    """Collected."""
    inputs: Inputs
    """Configuration, controls (their ports tell services) and approved destinations."""
    narrowing: Narrowing
    """Flags."""
    tick: Tick
    """Progress."""
    spill: Path
    """A folder of its own, for what outgrows memory; it goes when this is closed."""

    def __post_init__(self) -> None:
        """Read what the run says of itself, and count its keys."""
        state = self.run.state
        self.as_of = parse_time(state["as_of"])
        self.period = (parse_time(state["period"]["start"]), parse_time(state["period"]["end"]))
        # Keys that were only listed may be millions: they are counted, and tallied by SQL.
        self.index: list[dict[str, Any]] = pq.read_table(
            self.run.index, filters=[("status", "!=", "listed")]
        ).to_pylist()
        self.listed = pq.read_metadata(self.run.index).num_rows - len(self.index)
        self.engine = DuckDB(self.spill)
        self.tallies = self.engine.tallies(self.run.index)
        self.meta = snapshot.read_meta(self.run.snapshot)
        self.sample = drawing.load(self.run)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let everything go."""
        self.engine.close()
        shutil.rmtree(self.spill, ignore_errors=True)

    def arriving(self) -> Arriving:
        """Read the snapshot, and what keys tell of delivery."""
        self.tick("reading the snapshot", 0, 0)
        estate = inventory.read(self.meta, reading.calls(self.run.snapshot, self.meta), self.inputs.approved)
        estate = self._with_unread_objects(estate)
        return arriving(self.run, self.inputs, estate, self.tallies, self.period, earlier(self.run))

    def derive(self, came: Arriving) -> Derived:
        """Read the kept log objects and make `interface_days` and `flow_records` of them, of what the flags leave.

        Args:
            came: as `arriving` gave it.
        """
        estate = came.estate
        objects = self._load()
        config = self.inputs.config
        coverage = judge(estate, config.baselines, self.inputs.approved, self.period, self._nat_seen(), came.history)
        coverage = self.there(coverage)
        networks = networks_of(config, estate)
        self._derive(estate, coverage, objects, networks)
        estate = _with_gone(estate, self.engine.interfaces_seen())
        self.engine.narrow(self.narrowing.accounts, self.narrowing.regions)
        return Derived(estate, coverage, objects, networks)

    def there(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The rows that the flags leave."""
        if isinstance(rows, Rows):
            return rows.where(self.narrowing.place, "account_id", "region")
        return [r for r in rows if self.narrowing.place(r.account_id, r.region)]

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
            given.append((log_object(row), self.run.kept / row["kept"]))
            if at % 500 == 0:
                self.tick("log objects parsed", at, len(read))
        return self.engine.load(given)

    def _nat_seen(self) -> set[tuple[str, str]]:
        return self.engine.nat_gateways_seen()

    def _derive(
        self, estate: Inventory, coverage: Sequence[Coverage], objects: Sequence[ObjectRead], networks: Networks
    ) -> None:
        self.tick("interface-days and flows", 0, 0)
        reading = self.inputs.config.model.records.mode != "none"
        most = self.inputs.config.model.records.max_damage
        days = self._days()
        hurt = [
            (flow_log_id, slot, "a log object of it is damaged")
            for o in objects
            if o.broken or o.damaged > most
            for flow_log_id, slot in hurting.hurt(o.object, days)
        ]
        hurt += [
            (flow_log_id, slot, "a log object of it could not be read")
            for r in self.index
            if r["status"] == "unread"
            for flow_log_id, slot in hurting.hurt(log_object(r), days)
        ]
        hurt += self._unlisted_days(estate)
        hurt += [(*one, "which flow log wrote its records cannot be told") for one in hurting.untold(days)]
        known: dict[str, Any] = {}
        if self.sample is not None:
            known_days = sample_days(
                self.sample,
                estate,
                coverage,
                (*self.tallies, *hurting.spoken(self.run.index)),
                (*self.period, self.as_of),
            )
            known["sample_days"] = (population.SAMPLED, known_days)
        self.engine.derive(
            known
            | {
                "units": (
                    population.UNITS,
                    population.units(estate, coverage, read=reading, unnamed=self._unnamed(estate)),
                ),
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
                "own_public": (population.PUBLIC, population.public_addresses(estate) if objects else ()),
                "known_vpcs": (population.VPCS, population.known_vpcs(estate)),
                "known_subnets": (population.SUBNETS, population.known_subnets(estate) if objects else ()),
                "period_days": (population.DAYS, population.period_days(*self.period, self.as_of)),
            },
            service_ports(self.inputs.controls),
            whole=population.whole(estate, self.collected),
        )

    @property
    def collected(self) -> Narrowing:
        """What the run was collected with."""
        given = self.run.state.get("options", {}).get("narrowed", {})
        return Narrowing(tuple(given.get("account", ())), tuple(given.get("region", ())))

    def _unnamed(self, estate: Inventory) -> set[str]:
        """The flow logs whose records were looked for elsewhere than under AWS's own keys."""
        records = self.inputs.config.model.records
        groups = {log.flow_log_id for log in estate.flow_logs if log.log_group}
        named = {one for given in records.lines for one in given.flow_log}
        return named | (groups if "cloud-watch-logs" in records.sources else set())

    def _days(self) -> list[datetime]:
        """The days of the period that had begun."""
        days = population.period_days(*self.period, self.as_of)
        return [datetime.fromisoformat(d["day"]).replace(tzinfo=UTC) for d in days]

    def _unlisted_days(self, estate: Inventory) -> list[tuple[str, datetime, str]]:
        """What could not be listed hurts every day of the flow logs that may lie there; a file of AWS's name, its own day."""
        days, records = self._days(), self.inputs.config.model.records
        places = {(log.flow_log_id, log.account_id, f"s3://{log.bucket}/") for log in estate.flow_logs if log.bucket}
        places |= {(t.flow_log_id, t.account_id, f"s3://{t.bucket}/") for t in self.tallies}
        out = []
        for u in self.run.state.get("unlisted", ()):
            named = parse_name(u["resource"].rsplit("/", 1)[-1])
            if named is not None:
                out.append((named.flow_log_id, named.slot, "a log object of it could not be read"))
                continue
            whose = hurting.unlisted(u["resource"], estate.flow_logs, records.lines, days)
            out += [(*one, "its log objects could not all be listed") for one in whose]
            if u["resource"].startswith(LOGS):  # a log group: no bucket is touched by it
                continue
            bucket = u["resource"].partition("//")[2].partition("/")[0] if u["resource"].startswith("s3://") else ""
            for flow_log_id, account_id, uri in places:
                if u["account_id"] in ("*", account_id) and (not bucket or uri.startswith(f"s3://{bucket}/")):
                    out += [(flow_log_id, day, "its log objects could not all be listed") for day in days]
        return sorted(set(out))


def _with_gone(estate: Inventory, seen: Iterable[Mapping[str, Any]]) -> Inventory:
    """Add the interfaces that only records show."""
    gone = inventory.from_records(estate, seen)
    if not gone:
        return estate
    parts = (Rows.made_of(NetworkInterface, rows).table for rows in (estate.network_interfaces, gone))
    table = pa.concat_tables(parts)
    table = table.take(pc.sort_indices(table["interface_id"]))
    return replace(estate, network_interfaces=Rows(NetworkInterface, table))


def networks_of(config: Config, estate: Inventory) -> Networks:
    """The networks of a run: auditkit.yaml's, its VPCs' and its prefix lists'."""
    cidrs = {v.vpc_id: _cidrs(v.cidr_blocks) for v in estate.vpcs}
    return Networks.of_run(dict(config.networks), cidrs, estate.prefix_lists)


def _cidrs(blocks: Iterable[str]) -> list[str]:
    return [b for b in blocks if re.fullmatch(r"[0-9A-Fa-f.:]+/\d+", b)]
