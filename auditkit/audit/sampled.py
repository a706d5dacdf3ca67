"""A sampled run, assessed: which interface-days were read, and what stands against which rank."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from auditkit.audit import drawing, population
from auditkit.audit.drawing import Sample
from auditkit.audit.hurting import LINES
from auditkit.audit.inference import Rule
from auditkit.audit.speaking import Speakers, silent
from auditkit.model.coverage import Coverage
from auditkit.model.delivery import Tally
from auditkit.model.inventory import Inventory
from auditkit.run import Run


def sample_days(
    sample: Sample,
    estate: Inventory,
    coverage: Sequence[Coverage],
    tallies: Iterable[Tally],
    period: tuple[datetime, datetime, datetime],
) -> pa.Table:
    """Interface-days that are known: those drawn, and those of which no log object can tell.

    Args:
        sample: the plan.
        estate: the inventory.
        coverage: as judged.
        tallies: what keys say, of objects read or not.
        period: start, end, and when collecting ended.
    """
    days = drawing.period_days(*period)
    units = population.units(estate, coverage, read=True)
    known = {(unit, day) for some in sample.days.values() for unit, day in some}
    known.update(silent(units, days, Speakers(estate, coverage), set(_told(tallies, days))))
    rows = sorted(known)
    return pa.table(
        {"unit": pa.array([u for u, _ in rows], pa.string()), "day": pa.array([d for _, d in rows], pa.string())}
    )


def _told(tallies: Iterable[Tally], days: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
    """Flow log, account, region and day of which log objects may tell.

    Records that start before midnight lie in objects of the next minutes; files named by somebody else than AWS, and log
    streams, may tell of any day.
    """
    for t in tallies:
        whose = (t.flow_log_id, t.account_id, t.region)
        if t.bucket == LINES:
            yield from ((*whose, day) for day in days)
        else:
            yield (*whose, t.day.isoformat())
            if t.slots and t.slots[0] < population.SPILL_SLOTS:
                yield (*whose, (t.day - population.DAY).isoformat())


def rule(run: Run, sample: Sample) -> Rule:
    """What the sample has to show, and where log objects were left unread."""
    table = pq.read_table(run.index, columns=["account_id", "region"], filters=[("status", "==", "listed")])
    left = table.group_by(["account_id", "region"]).aggregate([]).to_pylist()
    return Rule(
        sample.facts["confidence"],
        sample.facts["tolerable_rate"],
        frozenset((s["account_id"], s["region"]) for s in sample.facts["strata"] if s["population"]),
        frozenset((row["account_id"], row["region"]) for row in left),
    )


def told(sample: Sample, observed: dict[str, int]) -> dict[str, Any]:
    """What assessment.json says of it."""
    return {**sample.facts, "unit": "interface-day", "not_drawn": observed.get("sampled_out", 0)}
