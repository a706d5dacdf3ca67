"""Which flow logs may speak of what, and so which log objects are read for a sample, and what nothing can tell of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import pyarrow as pa

from auditkit.audit import population
from auditkit.audit.drawing import Sample, load, of, period_days, since, write
from auditkit.audit.inputs import Inputs
from auditkit.audit.options import Narrowing
from auditkit.audit.scoping import LATE
from auditkit.coverage import judge
from auditkit.model.coverage import Coverage
from auditkit.model.inventory import Inventory
from auditkit.model.records import LogObject
from auditkit.run import Run
from auditkit.sources import LOGS


@dataclass(frozen=True)
class Speakers:
    """Which flow logs may speak of an interface, attachment or NAT gateway."""

    inventory: Inventory
    """What was collected."""
    coverage: Sequence[Coverage]
    """As judged."""

    @cached_property
    def known(self) -> frozenset[str]:
        """The flow logs that DescribeFlowLogs shows; of any other, only its account and region are known."""
        return frozenset(log.flow_log_id for log in self.inventory.flow_logs)

    @cached_property
    def of_unit(self) -> Mapping[str, set[str]]:
        """Unit → flow logs on it or above it; both sides of a peering have one attachment."""
        out: dict[str, set[str]] = {}
        for row in self.coverage:
            out.setdefault(row.resource_id, set()).update(row.flow_log_ids)
        return out

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """VPC → account that owns it."""
        return {vpc.vpc_id: vpc.account_id for vpc in self.inventory.vpcs}

    def places(self, account_id: str, region: str, vpc_id: str | None) -> set[tuple[str, str]]:
        """Where a flow log that is gone may have spoken of it from."""
        return {(account_id, region), (self.owners.get(vpc_id or "", account_id), region)}


def drawn(
    run: Run, inputs: Inputs, narrowing: Narrowing, estate: Inventory, period: tuple[datetime, datetime]
) -> Wanted:
    """Draw and write the plan, or go on with the one that the run has; tells which log objects it asks for.

    Raises:
        AuditkitError: the plan was changed.
    """
    units, speakers = looked_at(inputs, estate, period)
    sample = load(run) or write(run, of(inputs, narrowing, units, period_days(*period, estate.as_of)))
    return Wanted(sample, units, speakers)


def looked_at(inputs: Inputs, estate: Inventory, period: tuple[datetime, datetime]) -> tuple[pa.Table, Speakers]:
    """What can have interface-days, as the inventory alone tells it, and which flow logs may speak of it."""
    coverage = judge(estate, inputs.config.baselines, inputs.approved, period)
    return population.units(estate, coverage, read=True), Speakers(estate, coverage)


class Wanted:
    """Tells which log objects are read for what was drawn: all of its flow logs on its days, and of the minutes after."""

    def __init__(self, sample: Sample, units: pa.Table, speakers: Speakers) -> None:
        self._known = speakers.known
        self._logs: set[tuple[str, str]] = set()
        self._any: set[str | tuple[str, str]] = set()
        self._places: set[tuple[str, str, str]] = set()
        self._whole = {(s["account_id"], s["region"]) for s in sample.facts["strata"] if s["drawn"] == s["population"]}
        vpcs = dict(zip(units["unit"].to_pylist(), units["vpc_id"].to_pylist(), strict=True))
        for (account_id, region), days in sample.days.items():
            for unit, day in days:
                self._logs.update((log, day) for log in speakers.of_unit.get(unit, ()))
                self._places.update((*p, day) for p in speakers.places(account_id, region, vpcs.get(unit)))
        self._any.update(log for log, _ in self._logs)
        self._any.update((account_id, region) for account_id, region, _ in self._places)

    def __call__(self, obj: LogObject) -> bool:
        """Tell whether an object is read."""
        if not obj.account_id or (obj.account_id, obj.region) in self._whole:
            return True
        logs = obj.flow_log_ids or (obj.flow_log_id,)
        place = (obj.account_id, obj.region)
        if obj.carrier == "lines" and not obj.uri.startswith(LOGS):  # named by somebody else than AWS: of any day
            return any((log if log in self._known else place) in self._any for log in logs)
        days = {obj.slot.date().isoformat(), (obj.slot - LATE).date().isoformat()}
        if obj.uri.startswith(LOGS):  # a stream's day holds what begins on it, and may end on the next
            days.add((obj.slot + timedelta(days=1)).date().isoformat())
        return any(
            (log, day) in self._logs if log in self._known else (*place, day) in self._places
            for log in logs
            for day in days
        )


def silent(
    units: pa.Table,
    days: Sequence[str],
    speakers: Speakers,
    told: Collection[tuple[str, str, str, str]],
) -> Iterator[tuple[str, str]]:
    """Interface-days of which no log object can tell: known without a draw, as nothing is left to read.

    Args:
        units: as `population.units` gives them.
        days: of the period, in order.
        speakers: which flow logs may speak of whom.
        told: flow log, account, region and day of every object listed.

    Returns:
        unit and day.
    """
    logs: dict[str, set[str]] = {}
    places: dict[tuple[str, str], set[str]] = {}
    for log, account_id, region, day in told:
        if log in speakers.known:
            logs.setdefault(log, set()).add(day)
        else:
            places.setdefault((account_id, region), set()).add(day)
    of_nobody = set().union(*(some for (account_id, _), some in places.items() if not account_id))
    names = ("unit", "account_id", "region", "vpc_id", "attached", "in_use")
    for row in units.select(names).to_pylist():
        heard = set(of_nobody).union(*(logs.get(log, ()) for log in speakers.of_unit.get(row["unit"], ())))
        for one in speakers.places(row["account_id"] or "", row["region"] or "", row["vpc_id"]):
            heard |= places.get(one, set())
        if row["in_use"] and len(heard) < len(days):
            yield from ((row["unit"], day) for day in since(days, row["attached"]) if day not in heard)
