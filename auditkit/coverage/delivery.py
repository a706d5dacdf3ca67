"""Does a flow log deliver? Told from AWS's answers and from what has arrived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from auditkit.coverage.streams import Streams
from auditkit.coverage.uses import SLOT, Uses
from auditkit.model.delivery import LOCAL, Tally
from auditkit.model.flow_logs import Destination, FlowLog
from auditkit.model.garbage import no_search
from auditkit.model.inventory import Inventory

RECENT = timedelta(days=1)
"""An object or event this young shows that a flow log delivers."""


def delivers(log: FlowLog, destination: Destination | None, as_of: datetime) -> tuple[bool | None, str]:
    """Tell whether a flow log delivers, and why. A sign against outweighs SUCCESS; no sign at all is undecided.

    `FlowLogStatus` ACTIVE alone proves nothing: AWS has answered it beside an access error.
    """
    if log.deliver_logs_error_message:
        return False, f"delivery error: {log.deliver_logs_error_message}"
    if log.deliver_logs_status == "FAILED":
        return False, "DeliverLogsStatus is FAILED"
    if log.flow_log_status and log.flow_log_status != "ACTIVE":
        return False, f"FlowLogStatus is {log.flow_log_status}"
    if destination is not None and destination.exists is False:
        return False, f"the destination {log.log_destination} does not exist"
    if log.traffic_type is None:
        return None, "TrafficType was not answered"
    if log.last_arrival is not None and as_of - log.last_arrival <= RECENT:
        what = "event" if log.log_group else "object"
        return True, f"an {what} arrived at {log.last_arrival:%Y-%m-%dT%H:%MZ}"
    if log.deliver_logs_status == "SUCCESS" and log.flow_log_status == "ACTIVE":
        return True, "DeliverLogsStatus is SUCCESS"
    return None, "AWS answered no delivery status, and nothing of it was seen in the last day"


@no_search()
def with_delivery(inventory: Inventory, arrivals: Mapping[str, datetime]) -> Inventory:
    """Fill in `delivers` and `last_arrival` of every flow log, and `last_arrival` of every destination.

    Events of log groups are told by the inventory's own streams; one counts only for the flow log that alone can have
    written it.

    Args:
        inventory: as read.
        arrivals: flow log id → slot of its newest object.
    """
    by_destination = {d.log_destination: d for d in inventory.destinations}
    streams = Streams(inventory, Uses(inventory)) if inventory.log_streams else None
    newest: dict[str, datetime] = {}
    logs = []
    for log in inventory.flow_logs:
        heard = streams.of(log) if streams and log.log_group else None
        arrived = (arrivals.get(log.flow_log_id), heard.arrived if heard else None, log.last_arrival)
        seen = replace(log, last_arrival=max(filter(None, arrived), default=None))
        if seen.last_arrival is not None:
            newest[log.log_destination] = max(seen.last_arrival, newest.get(log.log_destination, seen.last_arrival))
        verdict, why = delivers(seen, by_destination.get(log.log_destination), inventory.as_of)
        logs.append(replace(seen, delivers=verdict, delivers_reason=why))
    destinations = tuple(
        replace(d, last_arrival=max(filter(None, (d.last_arrival, newest.get(d.log_destination))), default=None))
        for d in inventory.destinations
    )
    return replace(inventory, flow_logs=tuple(logs), destinations=destinations)


def is_of(tally: Tally, log: FlowLog) -> bool:
    """Tell whether keys are a flow log's: of its id, its owner, its region, in its bucket or in a copy of it."""
    same = (tally.flow_log_id, tally.account_id, tally.region) == (log.flow_log_id, log.account_id, log.region)
    return same and bool(log.bucket) and tally.bucket in (log.bucket, LOCAL)


def arrivals(inventory: Inventory, tallies: Iterable[Tally]) -> dict[str, datetime]:
    """Tell of each flow log the slot of its newest object.

    Keys that name the id under another account or region, or in another bucket, are somebody else's; a slot of the
    future is no arrival.
    """
    logs = {(log.flow_log_id, log.account_id, log.region): log for log in inventory.flow_logs}
    out: dict[str, datetime] = {}
    for tally in tallies:
        log = logs.get((tally.flow_log_id, tally.account_id, tally.region))
        if log is None or not is_of(tally, log):
            continue
        midnight = datetime.combine(tally.day, time(), UTC)
        slots = (midnight + timedelta(minutes=SLOT * slot) for slot in reversed(tally.slots))
        slot = next((s for s in slots if s <= inventory.as_of + RECENT), None)
        if slot is not None:
            out[log.flow_log_id] = max(slot, out.get(log.flow_log_id, slot))
    return out
