"""The sample's plan: drawn from the inventory, written before a record is read, and never changed after that."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from auditkit.audit import population
from auditkit.audit.inputs import Inputs
from auditkit.audit.options import Narrowing
from auditkit.config.schema import SampleModel
from auditkit.evaluate import may_break
from auditkit.model.condition import tests
from auditkit.model.control import Control
from auditkit.model.errors import AuditkitError
from auditkit.run import PARTIAL, Run
from auditkit.sampling import METHOD, Draw, Drawn, Unit, draw

FILE = "sample.parquet"
"""In records/: every interface-day drawn, with its rank."""
SAMPLE = pa.schema([(n, pa.string()) for n in ("account_id", "region", "rank", "unit", "day")])
JUDGED = ("flow_records", "interface_days")
"""The tables that only a sample may have been read of."""


def concludes(control: Control) -> bool:
    """Tell whether a clean sample could pass a control."""
    return control.table in JUDGED and control.tolerance != "zero" and control.having is None


def strata(
    units: pa.Table, days: Sequence[str], controls: Sequence[Control], place: Callable[[str, str], bool]
) -> dict[tuple[str, str], list[Unit]]:
    """Account and region → what is in use there, on which days, and which controls are about it.

    Args:
        units: as `population.units` gives them.
        days: of the period, in order.
        controls: those that a clean sample could pass.
        place: the narrowing.
    """
    ask = _Asking(controls)
    out: dict[tuple[str, str], list[Unit]] = {}
    for batch in units.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist(maps_as_pydicts="lossy"):
            where = (row["account_id"] or "", row["region"] or "")
            if row["in_use"] and place(*where):
                some = since(days, row["attached"])
                out.setdefault(where, []).append(Unit(row["unit"], some, ask.mask(row) if some else 0))
    return out


def since(days: Sequence[str], attached: int | None) -> Sequence[str]:
    """The days from an attachment on; all of them where its time (Unix seconds) is not known."""
    if attached is None:
        return days
    first = datetime.fromtimestamp(attached, UTC).date().isoformat()
    return days if not days or first <= days[0] else [day for day in days if day >= first]


class _Asking:
    """Which controls are about a unit, asked once of all that look the same to them."""

    def __init__(self, controls: Sequence[Control]) -> None:
        self._controls = controls
        used = {(t.column, t.key) for c in controls for both in (c.where, c.fail_where) for t in tests(both)}
        self._used = sorted(used, key=str)
        self._known: dict[tuple[Any, ...], int] = {}

    def mask(self, row: Mapping[str, Any]) -> int:
        row = {**row, "interface_id": row["unit"]}
        looks = (row["resource_type"], *(_look(row, column, key) for column, key in self._used))
        if looks not in self._known:
            self._known[looks] = sum(may_break(c, row) << at for at, c in enumerate(self._controls))
        return self._known[looks]


def _look(row: Mapping[str, Any], column: str, key: str | None) -> Any:
    value = row.get(column)
    if key is not None:
        return None if value is None else value.get(key, "")
    return (
        tuple(value) if isinstance(value, list) else tuple(sorted(value.items())) if isinstance(value, dict) else value
    )


# -- the plan --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """What is drawn."""

    facts: dict[str, Any]
    """As run.json says it: method, seed, confidence, tolerable_rate, population, drawn, strata[], sha256 of the file."""
    table: pa.Table
    """records/sample.parquet."""

    @cached_property
    def days(self) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """Account and region → unit and day of what is drawn there."""
        out: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for row in self.table.to_pylist():
            out.setdefault((row["account_id"], row["region"]), []).append((row["unit"], row["day"]))
        return out


def plan(
    given: SampleModel,
    controls: Iterable[Control],
    units: pa.Table,
    days: Sequence[str],
    place: Callable[[str, str], bool],
) -> Sample:
    """Draw.

    Args:
        given: seed, confidence and tolerable rate, of auditkit.yaml.
        controls: those that are to be judged.
        units: as `population.units` gives them.
        days: of the period, in order.
        place: the narrowing.
    """
    asked = [c for c in controls if concludes(c)]
    found = [
        draw(account_id, region, some, given.seed, given.confidence, given.tolerable_rate)
        for (account_id, region), some in sorted(strata(units, days, asked, place).items())
    ]
    rows = [
        {"account_id": d.account_id, "region": d.region, "rank": rank, "unit": unit, "day": day}
        for d in found
        for rank, unit, day in d.days
    ]
    facts = {
        "mode": "random",
        "method": METHOD,
        "seed": given.seed,
        "confidence": given.confidence,
        "tolerable_rate": given.tolerable_rate,
        "population": sum(d.population for d in found),
        "drawn": len(rows),
        "strata": [_stratum(d, asked) for d in found],
    }
    return Sample(facts, pa.Table.from_pylist(rows, SAMPLE))


def _stratum(one: Drawn, controls: Sequence[Control]) -> dict[str, Any]:
    def told(d: Draw) -> dict[str, Any]:
        return {
            "controls": [controls[at].id for at in d.questions],
            "population": d.population,
            "sampled": d.sampled,
        }

    whole, *parts = one.draws
    return {
        "account_id": one.account_id,
        "region": one.region,
        "population": whole.population,
        "sampled": whole.sampled,
        "drawn": len(one.days),
        "parts": [told(d) for d in parts],
    }


def period_days(start: datetime, end: datetime, as_of: datetime) -> list[str]:
    """The UTC days that interface-days are of."""
    return [row["day"] for row in population.period_days(start, end, as_of)]


def write(run: Run, sample: Sample) -> Sample:
    """Write the plan: the file first, then run.json, which tells its digest."""
    path = run.index.with_name(FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    pq.write_table(sample.table, partial, compression="zstd", store_schema=False, row_group_size=100_000)
    partial.replace(path)
    facts = {**sample.facts, "file": f"{path.parent.name}/{FILE}", "sha256": _digest(path)}
    run.note(sampling=facts)
    return Sample(facts, sample.table)


def load(run: Run) -> Sample | None:
    """Read the plan of a run; None where it has none.

    Raises:
        AuditkitError: the file is not the one that run.json tells of.
    """
    facts = run.state.get("sampling")
    if facts is None:
        return None
    path = run.index.with_name(FILE)
    try:
        if _digest(path) != facts["sha256"]:
            raise AuditkitError(f"{path} is not the sample that run.json tells of", _ANEW)
        return Sample(facts, pq.read_table(path).select(SAMPLE.names).cast(SAMPLE))
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
        raise AuditkitError(f"the sample of {run.path} cannot be read: {error}", _ANEW) from None


def joined(samples: Sequence[Sample]) -> Sample:
    """Put the plans of disjoint runs of the same configuration together: each drew in accounts and regions of its own."""
    strata = [stratum for one in samples for stratum in one.facts["strata"]]
    facts = {
        **samples[0].facts,
        "population": sum(one.facts["population"] for one in samples),
        "drawn": sum(one.facts["drawn"] for one in samples),
        "strata": sorted(strata, key=lambda s: (s["account_id"], s["region"])),
    }
    table = pa.concat_tables([one.table for one in samples])
    return Sample(
        facts, table.sort_by([(name, "ascending") for name in ("account_id", "region", "rank", "unit", "day")])
    )


_ANEW = "The draw is part of the evidence: collect again into another directory with -o."


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def of(inputs: Inputs, narrowing: Narrowing, units: pa.Table, days: Sequence[str]) -> Sample:
    """Draw for the controls that are to be judged."""
    return plan(inputs.config.model.records.sample, judged(inputs, narrowing), units, days, narrowing.place)


def judged(inputs: Inputs, narrowing: Narrowing) -> list[Control]:
    """The controls that the flags leave."""
    return [
        c
        for c in inputs.controls
        if (not narrowing.tables or c.table in narrowing.tables)
        and (not narrowing.controls or c.id in narrowing.controls)
    ]
