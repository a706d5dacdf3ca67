"""From when to when each flow log lived: those of the API, and those of which only keys or CloudTrail still tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from auditkit.coverage.delivery import is_of
from auditkit.coverage.uses import SLOT, Uses, minute
from auditkit.model.delivery import LOCAL, Tally
from auditkit.model.flow_logs import FlowLog, FlowLogEvent
from auditkit.model.inventory import Inventory

DAY = 1440
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, kw_only=True)
class Life:
    """One flow log, and what is known of its life. Moments are minutes since 1970."""

    flow_log_id: str
    """Flow log id."""
    account_id: str
    """Its owner."""
    region: str
    """Its region."""
    in_api: bool | None
    """Whether DescribeFlowLogs shows it; None where that was not read."""
    log: FlowLog | None
    """As DescribeFlowLogs shows it."""
    resource_id: str
    """What it is on; empty where nothing tells."""
    created: int | None
    """When it was created; 0 for some time before the period, None where nothing tells."""
    gone: int | None
    """When it was deleted; None where it lives, or nothing tells."""
    tallies: tuple[Tally, ...]
    """Its keys."""
    came: tuple[tuple[int, int], ...]
    """Stretches of slots that each have an object: first minute, and the one after the last; sorted."""

    @property
    def slots(self) -> tuple[int, ...]:
        """First minutes of the first and the last slot with an object; empty without any."""
        return (self.came[0][0], self.came[-1][1] - SLOT) if self.came else ()

    @property
    def bucket(self) -> str:
        """Bucket it writes to, or whose keys tell of it."""
        if self.log is not None:
            return self.log.bucket
        return next((t.bucket for t in self.tallies if t.bucket != LOCAL), "")


def lives(
    inventory: Inventory, uses: Uses, tallies: Iterable[Tally], start: datetime, earlier: Sequence[FlowLog] = ()
) -> list[Life]:
    """Tell of every flow log that is known of.

    Args:
        inventory: with the event history, where it was read.
        uses: its index.
        tallies: what keys say.
        start: of the period.
        earlier: flow logs as earlier runs saw them: of one that is gone, they tell what it was.

    Returns:
        First those of the API, then those that it does not show; sorted by id.
    """
    return _Chronicle(inventory, uses, start, {log.flow_log_id: log for log in earlier}).lives(tallies)


class _Chronicle:
    def __init__(self, inventory: Inventory, uses: Uses, start: datetime, earlier: dict[str, FlowLog]) -> None:
        self._inventory, self._uses, self._start, self._earlier = inventory, uses, start, earlier
        self._made: dict[tuple[str, str, str], FlowLogEvent] = {}
        self._deleted: dict[tuple[str, str, str], FlowLogEvent] = {}
        for event in inventory.flow_log_events:
            found = self._made if event.name == "CreateFlowLogs" else self._deleted
            for flow_log_id in event.flow_log_ids:
                found.setdefault((flow_log_id, event.account_id, event.region), event)

    def lives(self, tallies: Iterable[Tally]) -> list[Life]:
        by_key: dict[tuple[str, str, str], list[Tally]] = defaultdict(list)
        for tally in tallies:
            by_key[tally.flow_log_id, tally.account_id, tally.region].append(tally)
        out = []
        for log in sorted(self._inventory.flow_logs, key=lambda one: (one.flow_log_id, one.account_id, one.region)):
            key = (log.flow_log_id, log.account_id, log.region)
            out.append(self._life(key, log, [t for t in by_key.pop(key, ()) if is_of(t, log)]))
        shown = {(one.flow_log_id, one.account_id, one.region) for one in out}
        scope = {a.account_id for a in self._inventory.accounts if a.status == "in_scope"}
        gone = {*by_key, *(key for key in self._deleted if key not in shown)}
        out += [self._life(key, None, by_key.get(key, [])) for key in sorted(gone) if not scope or key[1] in scope]
        return out

    def _life(self, key: tuple[str, str, str], log: FlowLog | None, tallies: list[Tally]) -> Life:
        made, deleted = self._made.get(key), self._deleted.get(key)
        before = log or self._earlier.get(key[0])
        return Life(
            flow_log_id=key[0], account_id=key[1], region=key[2],
            in_api=True if log else False if self._uses.listed("flow_logs", key[1], key[2]) else None,
            log=log,
            resource_id=before.resource_id if before else self._only_one(made),
            created=self._created(key, before, made),
            gone=minute(deleted.at) if deleted and log is None else None,
            tallies=tuple(tallies),
            came=tuple(_joined(sorted(one for tally in tallies for one in _stretches(tally)))),
        )  # fmt: skip

    def _only_one(self, made: FlowLogEvent | None) -> str:
        """What a flow log was made on; of several made at once, which is on which is not told."""
        return made.resource_ids[0] if made and len(made.resource_ids) == 1 == len(made.flow_log_ids) else ""

    def _created(self, key: tuple[str, str, str], log: FlowLog | None, made: FlowLogEvent | None) -> int | None:
        """When it was created: as the API says it, else CloudTrail, whose silence since the period began tells too."""
        if log is not None and log.creation_time is not None:
            return minute(log.creation_time)
        if made is not None:
            return minute(made.at)
        since = self._inventory.events_since.get(key[1:3])
        return 0 if since is not None and since <= self._start else None


def _stretches(tally: Tally) -> Iterator[tuple[int, int]]:
    """The slots of a day, those at once that follow each other without a break."""
    day, slots = first_minute(tally.day), tally.slots
    if slots and len(slots) == slots[-1] - slots[0] + 1:
        yield day + SLOT * slots[0], day + SLOT * (slots[-1] + 1)
    else:
        yield from ((day + SLOT * slot, day + SLOT * (slot + 1)) for slot in slots)


def _joined(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for begin, end in stretches:
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out


def first_minute(day: date) -> int:
    """Return the first minute of a UTC day, since 1970."""
    return (day.toordinal() - _EPOCH) * DAY


def moment(at: int) -> datetime:
    """Return the point in time of a minute since 1970."""
    return datetime.fromtimestamp(at * 60, UTC)
