"""What arrived: keys counted, days of delivery judged, and what they tell of the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from auditkit.audit.inputs import Inputs
from auditkit.audit.options import Narrowing
from auditkit.coverage import History, Reading, Uses, arrivals, days, with_delivery
from auditkit.model.columnar import Rows
from auditkit.model.delivery import LOCAL, Delivery, Tally
from auditkit.model.flow_logs import FlowLog
from auditkit.model.inventory import Inventory, Unread
from auditkit.run import Run


@dataclass(frozen=True)
class Arriving:
    """What keys and streams tell of a run."""

    estate: Inventory
    """The inventory, with `delivers` filled in."""
    rows: Rows[Delivery]
    """The delivery table, of all that was collected."""
    history: History
    """What it says of the period's past."""


def arriving(
    run: Run,
    inputs: Inputs,
    estate: Inventory,
    tallies: Sequence[Tally],
    period: tuple[datetime, datetime],
    earlier: Sequence[FlowLog] = (),
) -> Arriving:
    """Judge delivery.

    Args:
        run: collected; run.json tells what could not be listed, and how collecting was narrowed.
        inputs: where log objects were looked for.
        estate: as read.
        tallies: what keys say.
        period: start and exclusive end, UTC.
        earlier: flow logs as earlier runs saw them.
    """
    estate = with_delivery(estate, arrivals(estate, tallies))
    records, state = inputs.config.model.records, run.state
    narrowed = state.get("options", {}).get("narrowed", {})
    place = Narrowing(tuple(narrowed.get("account", ())), tuple(narrowed.get("region", ()))).place
    asked = "s3" in records.sources and inputs.config.model.snapshot is None
    reading = Reading(
        keys=asked or any(t.bucket != LOCAL for t in tallies),
        local=bool(records.local) or any(t.bucket == LOCAL for t in tallies),
        unlisted=tuple(Unread(**u) for u in state.get("unlisted", ())),
        place=place,
    )
    uses = Uses(estate, (log.resource_id for log in earlier))
    rows = Rows.made_of(Delivery, days(estate, tallies, period, reading, earlier, uses))
    return Arriving(estate, rows, History(estate, rows, period, uses=uses, earlier=earlier, place=place))
