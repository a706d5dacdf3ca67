"""What of the records collecting would read, and what reading it could show: for a plan, nothing is read for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.audit import drawing, speaking
from auditkit.audit.collect import Collector
from auditkit.model.control import Control
from auditkit.model.inventory import Call, Inventory
from auditkit.model.records import LogObject

_STRATA = 12
"""Accounts and regions that are told one by one; of more, only their sum."""


@dataclass(frozen=True)
class Records:
    """What would be read, by records.mode."""

    mode: str
    """none, random or all."""
    controls: Mapping[str, int]
    """Controls on traffic: all, concluding (those that a clean sample could pass), zero (tolerance: zero), having."""
    sample: Mapping[str, Any] | None = None
    """In mode random, the draw as run.json would tell it."""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"mode": self.mode, "controls": dict(self.controls), "sample": self.sample and dict(self.sample)}

    def told(self) -> Iterator[str]:
        """Say it in lines."""
        n = self.controls
        if self.mode == "none":
            yield f"records      nothing is read (records.mode: none): {n['all']:,} controls on traffic would be inconclusive"
        elif self.sample is None:
            yield f"records      all of them are read (records.mode: all): {n['all']:,} controls on traffic can be judged"
        else:
            yield from self._drawn(self.sample)

    def _drawn(self, sample: Mapping[str, Any]) -> Iterator[str]:
        n, strata = self.controls, sample["strata"]
        yield (
            f"records      a sample is read (records.mode: random, seed {sample['seed']}): "
            f"{sample['drawn']:,} of {sample['population']:,} interface-days of {len(strata):,} accounts and regions"
        )
        for one in strata if len(strata) <= _STRATA else ():
            extra = f", of parts of it {one['drawn'] - one['sampled']:,} more" if one["drawn"] > one["sampled"] else ""
            yield f"             {one['account_id']} {one['region']}: {one['sampled']:,} of {one['population']:,}{extra}"
        yield (
            f"             a clean sample would let {n['concluding']:,} controls pass at ≤ {100 * sample['tolerable_rate']:g} % "
            f"at {100 * sample['confidence']:g} % in each account and region, one-sided; "
            f"{n['zero']:,} with tolerance: zero and {n['having']:,} with having would stay inconclusive where not everything is drawn"
        )


def reading(collector: Collector, estate: Inventory) -> tuple[Records, Callable[[LogObject], bool]]:
    """Tell what would be read, and which log objects.

    In mode random that needs the interfaces: without a saved snapshot AWS is asked for everything that collecting asks for.
    """
    inputs, narrowing = collector.inputs, collector.narrowing
    mode = inputs.config.model.records.mode
    counts = _counts(drawing.judged(inputs, narrowing))
    if mode != "random":
        return Records(mode, counts), lambda _: True
    if inputs.config.model.snapshot is None:
        estate = _asked(collector)
    units, speakers = speaking.looked_at(inputs, estate, collector.period())
    days = drawing.period_days(*collector.period(), estate.as_of)
    sample = drawing.of(inputs, narrowing, units, days)
    return Records(mode, counts, sample.facts), speaking.Wanted(sample, units, speakers)


def _asked(collector: Collector) -> Inventory:
    from auditkit.scan import scan  # noqa: PLC0415 - boto3 is heavy, and a saved snapshot does without

    calls: list[Call] = []
    scoping = collector.scoping
    meta = scan(collector.aws(), scoping.wanted(), calls.extend, collector.tick, now=collector.now)
    return scoping.estate(scoping.scoped(meta), calls)


def _counts(controls: Sequence[Control]) -> dict[str, int]:
    some = [c for c in controls if c.table in drawing.JUDGED]
    return {
        "all": len(some),
        "concluding": sum(map(drawing.concludes, some)),
        "zero": sum(c.tolerance == "zero" for c in some),
        "having": sum(c.having is not None and c.tolerance != "zero" for c in some),
    }
