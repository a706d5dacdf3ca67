"""What the newest log streams of a log group tell of the flow logs that write to it.

A group has one stream for each interface, which all flow logs of that interface share ("combined log stream",
Amazon VPC User Guide, "Publish flow logs to CloudWatch Logs"). So a stream tells of a flow log for certain only where
no other one of the group speaks of the same interface. The times are eventually consistent (CloudWatch Logs API
Reference, LogStream): usually within an hour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditkit.coverage.uses import UNIT, Uses
from auditkit.model.flow_logs import FlowLog, LogStreams
from auditkit.model.inventory import Inventory

LAST_WORDS = timedelta(hours=1)
"""How long after its deletion something of a flow log may still come in."""
Stream = tuple[str, datetime | None, datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Heard:
    """What streams tell of one flow log."""

    first: datetime | None
    """First event of all streams that may be its own; None where there is none."""
    last: datetime | None
    """Their last event; nothing of it is younger."""
    whole: bool
    """Whether every stream of the group was listed."""
    arrived: datetime | None
    """When an event that is its own for certain was last taken in."""


class Streams:
    """The log streams, indexed by flow log."""

    def __init__(self, inventory: Inventory, uses: Uses) -> None:
        self._uses = uses
        self._groups = {(g.account_id, g.region, g.log_group): g for g in inventory.log_streams}
        self._writers: dict[tuple[str, str, str], list[FlowLog]] = defaultdict(list)
        for log in inventory.flow_logs:
            if log.log_group:
                self._writers[place(log)].append(log)
        self._gone: dict[tuple[str, str], datetime] = {}
        for event in inventory.flow_log_events:
            if event.name == "DeleteFlowLogs":
                where = event.account_id, event.region
                self._gone[where] = max(event.at, self._gone.get(where, event.at))
        # A stream that could not be read may be the newest.
        torn = {(u.account_id, u.region, u.resource) for u in inventory.unread if u.table == "delivery"}
        for key in torn & self._groups.keys():
            del self._groups[key]

    def of(self, log: FlowLog) -> Heard | None:
        """Tell what is known of a flow log; None where its group's streams were not listed."""
        group = self._groups.get(place(log))
        if group is None:
            return None
        mine = [one for one in group.streams if self._may_be(log, one)]
        last = max(filter(None, map(_last, mine)), default=None)
        if not group.whole:  # the streams not listed are no younger than the oldest listed
            listed = [_last(one) for one in group.streams]
            oldest = min(filter(None, listed), default=None) if all(listed) else None
            last = max(filter(None, (last, oldest)), default=None)
        return Heard(
            first=min(filter(None, (one[1] or one[2] for one in mine)), default=None),
            last=last,
            whole=group.whole,
            arrived=max(self._arrivals(log, group), default=None),
        )

    def _may_be(self, log: FlowLog, stream: Stream) -> bool:
        unit = UNIT.match(stream[0])
        return unit is None or self._uses.is_under(unit[0], log.resource_id) is not False

    def _arrivals(self, log: FlowLog, group: LogStreams) -> Iterator[datetime]:
        where = group.account_id, group.region
        # A flow log that was not listed, or is no more, may have spoken of the same interface.
        if not self._uses.listed("flow_logs", *where):
            return
        before = max(filter(None, (log.creation_time, self._gone.get(where))), default=None)
        writers = self._writers[place(log)]
        for name, _, _, ingested in group.streams:
            unit = UNIT.match(name)
            if unit is None or ingested is None or (before and ingested <= before + LAST_WORDS):
                continue
            under = {one.flow_log_id for one in writers if self._uses.is_under(unit[0], one.resource_id) is not False}
            if under == {log.flow_log_id}:
                yield ingested


def place(log: FlowLog) -> tuple[str, str, str]:
    """Account, region and name of the group of a flow log."""
    parts = log.log_destination.split(":", 3)
    account_id, region = (parts[1], parts[2]) if len(parts) == 4 else ("", "")  # log-group:ACCOUNT:REGION:NAME
    return account_id or log.account_id, region or log.region, log.log_group


def _last(stream: Stream) -> datetime | None:
    """The last event, or when one was last taken in, whichever is later: both lag behind."""
    return max(filter(None, (stream[2], stream[3])), default=None)
