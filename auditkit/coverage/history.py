"""Was what is so today so all through the period? Told from the days of delivery, the event history and earlier runs.

`whole` needs proof of every day, `partial` proof of a day on which the resource was there and nothing logged it as it is
logged now: a gap in its flow logs, or none that existed; all else is `unknown`. Flow logs that were deleted leave no trace in DescribeFlowLogs: that there was none is
proven only where CloudTrail's event history reaches back to the start of the period, for every account that could have
had one on the resource or above it; that there was one of the same kind, only where an earlier run had read it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from auditkit.coverage.lives import DAY
from auditkit.coverage.uses import Uses, minute
from auditkit.model.delivery import Delivery
from auditkit.model.flow_logs import FlowLog
from auditkit.model.inventory import Inventory

_DELIVERED = ("whole", "idle")
Complete = Callable[[Sequence[FlowLog]], bool]
_Lack = tuple[int, frozenset[str]]
"""A day, and what the flow logs are on that existed then, would have been enough, and had a gap."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A resource, as far as its past goes."""

    resource_type: str
    """As in coverage."""
    resource_ids: tuple[str, ...]
    """Its id, and those of what it lies in."""
    region: str
    """Its region."""
    owners: tuple[str, ...] | None
    """Every account that can have flow logs on it or above it; None where not all are known."""

    @property
    def told_by(self) -> tuple[str, ...]:
        """What flow logs of the past have to have been on to tell of it for certain.

        Interfaces take the place of others: those of their own are left aside. A VPC's flow log does not tell of an
        attachment, and perhaps not of a regional NAT gateway.
        """
        if self.resource_type == "network-interface":
            return self.resource_ids[1:]
        return self.resource_ids if self.resource_type in ("vpc", "subnet") else self.resource_ids[:1]


class History:
    """What is known of the period's past."""

    def __init__(
        self,
        inventory: Inventory,
        rows: Iterable[Delivery],
        period: tuple[datetime, datetime],
        *,
        uses: Uses | None = None,
        earlier: Sequence[FlowLog] = (),
        place: Callable[[str, str], bool] = lambda _account_id, _region: True,
    ) -> None:
        """Take what was found.

        Args:
            inventory: what was collected.
            rows: of the delivery table, of all flow logs in the narrowing.
            period: start and exclusive end, UTC.
            uses: the inventory's index, where it was made before.
            earlier: flow logs as earlier runs saw them.
            place: the narrowing.
        """
        self._inventory, self._start, self._place = inventory, period[0], place
        self._uses = uses or Uses(inventory)
        end = min(minute(period[1]), minute(inventory.as_of))
        self._days = range(minute(period[0]), end, DAY)
        self._states: dict[tuple[str, str, str], dict[int, str]] = defaultdict(dict)
        self._gone: dict[tuple[str, str, int], set[str]] = defaultdict(set)
        for row in rows:
            day = minute(row.day)
            self._states[row.flow_log_id, row.account_id, row.region][day] = row.state
            if row.in_api is not True:
                self._gone[row.account_id, row.region, day].add(row.resource_id)
        self._here = {_key(log) for log in inventory.flow_logs}
        self._earlier: dict[str, list[FlowLog]] = defaultdict(list)
        for log in {_key(log): log for log in earlier}.values():
            if _key(log) not in self._here:
                self._earlier[log.resource_id].append(replace(log, delivers=True))
        self._deleted = {
            (one, event.account_id, event.region): minute(event.at)
            for event in inventory.flow_log_events
            if event.name == "DeleteFlowLogs"
            for one in event.flow_log_ids
            if (one, event.account_id, event.region) not in self._here
        }
        self._known: dict[object, tuple[bool, tuple[_Lack, ...]]] = {}

    def state(self, subject: Subject, logs: Sequence[FlowLog], complete: Complete, key: object) -> str:
        """Tell whether a resource that is logged completely now was so all through the period.

        Args:
            subject: the resource.
            logs: the flow logs that apply to it.
            complete: whether flow logs, all delivering, give the state.
            key: stands for logs and `complete` together: what was found once holds for all of the same key.
        """
        if not self._days:
            return "unknown"
        before = [log for id_ in subject.told_by for log in self._earlier.get(id_, ())]
        key = (key, tuple(_key(log) for log in before))
        if key not in self._known:
            self._known[key] = self._look(logs, before, _once(complete))
        proven, lacking = self._known[key]
        if any(self._was_bare(subject, day, silent) for day, silent in lacking):
            return "partial"
        return "whole" if proven and not lacking else "unknown"

    def _look(
        self, logs: Sequence[FlowLog], before: Sequence[FlowLog], complete: Complete
    ) -> tuple[bool, tuple[_Lack, ...]]:
        """Go through the days.

        Returns:
            whether all of the others are proven, and the days on which the flow logs known were not enough.
        """
        proven, lacking = True, []
        for day in self._days:
            whole = [log for log in (*logs, *before) if log.delivers and self._all_day(log, day)]
            if complete(whole) or self._handed_over(logs, before, whole, day, complete):
                continue
            silent = [log for log in (*logs, *before) if self._at(log, day) == "gap"]
            may = [log for log in (*logs, *before) if log not in silent and self._may_have(log, day)]
            # Two that were silent for a time may have taken turns.
            if complete(may) or sum(complete([*may, one]) for one in silent) > 1:
                proven = False
            else:
                lacking.append((day, frozenset(one.resource_id for one in silent if complete([*may, one]))))
        return proven, tuple(lacking)

    def _at(self, log: FlowLog, day: int) -> str | None:
        return self._states.get(_key(log), {}).get(day)

    def _all_day(self, log: FlowLog, day: int) -> bool:
        """It existed all of the day, and delivered."""
        born = log.creation_time is not None and log.creation_time.timestamp() <= day * 60
        gone = self._deleted.get(_key(log))
        lived = born and (_key(log) in self._here if gone is None else gone >= day + DAY)
        return lived and self._at(log, day) in _DELIVERED

    def _may_have(self, log: FlowLog, day: int) -> bool:
        """It cannot be excluded that it existed all of the day."""
        gone = self._deleted.get(_key(log))
        born = log.creation_time is None or log.creation_time.timestamp() <= day * 60
        return born and (gone is None or gone >= day + DAY)

    def _handed_over(
        self, logs: Sequence[FlowLog], before: Sequence[FlowLog], whole: Sequence[FlowLog], day: int, complete: Complete
    ) -> bool:
        """One of before delivered until one of now had begun."""
        for new in logs:
            born = None if new.creation_time is None else minute(new.creation_time)
            if born is None or not day < born + 1 <= day + DAY or not new.delivers or self._at(new, day) != "whole":
                continue
            for old in before:
                overlap = self._deleted.get(_key(old), 0) > born and self._at(old, day) == "whole"
                older = old.creation_time is not None and old.creation_time.timestamp() <= day * 60
                if overlap and older and complete([*whole, old]) and complete([*whole, new]):
                    return True
        return False

    def _was_bare(self, subject: Subject, day: int, silent: Collection[str]) -> bool:
        """Tell whether it is proven that the resource was there on a day, and that no other flow log can have told of it.

        That it was there, what lay in it then tells, or a gap in its own flow log. Of an interface it is left open: one
        may have taken the place of another.
        """
        if subject.resource_type == "network-interface" or subject.owners is None:
            return False
        own = subject.resource_ids[0]
        since = self._uses.of(own).since
        if own not in silent and not (since and since <= day):
            return False
        return all(self._none_else(account_id, subject, day, gap=bool(silent)) for account_id in subject.owners)

    def _none_else(self, account_id: str, subject: Subject, day: int, *, gap: bool) -> bool:
        """Tell whether an account had no other flow log on the resource or above it on a day.

        Beside a flow log that existed and was silent, one that is known to have been deleted would have to stand; where
        there was none at all, the event history has to prove it.
        """
        place = (account_id, subject.region)
        since = self._inventory.events_since.get(place)
        told = since is not None and since <= self._start
        if not (told or gap) or not self._uses.listed("flow_logs", *place) or not self._place(*place):
            return False
        gone = self._gone.get((*place, day), set())
        transit = subject.resource_type.startswith("transit")
        return not any(one in ("", *subject.resource_ids) or (transit and one.startswith("tgw")) for one in gone)


def _once(complete: Complete) -> Complete:
    """Ask once for each set of flow logs: from day to day they are mostly the same."""
    told: dict[tuple[tuple[str, str, str], ...], bool] = {}

    def asked(logs: Sequence[FlowLog]) -> bool:
        key = tuple(map(_key, logs))
        if key not in told:
            told[key] = complete(logs)
        return told[key]

    return asked


def _key(log: FlowLog) -> tuple[str, str, str]:
    return log.flow_log_id, log.account_id, log.region


def subject_of(base: Mapping[str, object], owners: Collection[str] | None) -> Subject:
    """Make the subject of a coverage row's columns."""
    ids = dict.fromkeys(str(base[name]) for name in ("resource_id", "subnet_id", "vpc_id"))
    return Subject(
        resource_type=str(base["resource_type"]),
        resource_ids=tuple(id_ for id_ in ids if id_),
        region=str(base["region"]),
        owners=None if owners is None else tuple(sorted(set(owners))),
    )
