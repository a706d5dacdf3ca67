"""Does a flow log deliver? Told from AWS's answers and from what has arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from auditkit.model.inventory import Destination, FlowLog, Inventory

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
        return True, f"an object arrived at {log.last_arrival:%Y-%m-%dT%H:%MZ}"
    if log.deliver_logs_status == "SUCCESS" and log.flow_log_status == "ACTIVE":
        return True, "DeliverLogsStatus is SUCCESS"
    return None, "AWS answered no delivery status, and nothing of it was seen in the last day"


def with_delivery(inventory: Inventory, arrivals: Mapping[str, datetime]) -> Inventory:
    """Fill in `delivers` of every flow log.

    Args:
        inventory: as read.
        arrivals: flow log id → slot of its newest object.
    """
    by_destination = {d.log_destination: d for d in inventory.destinations}
    logs = []
    for log in inventory.flow_logs:
        seen = replace(log, last_arrival=arrivals.get(log.flow_log_id, log.last_arrival))
        verdict, why = delivers(seen, by_destination.get(log.log_destination), inventory.as_of)
        logs.append(replace(seen, delivers=verdict, delivers_reason=why))
    return replace(inventory, flow_logs=tuple(logs))
