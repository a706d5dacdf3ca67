"""What some flow logs add up to under a baseline: traffic, place, form.

Three nested sets of traffic, unions over the logs that deliver: delivered ⊇ approved ⊇ conforming.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from auditkit.config.schema import Baseline
from auditkit.model.condition import COVERAGE_STATES
from auditkit.model.flow_logs import Approved, FlowLog
from auditkit.model.inventory import Inventory
from auditkit.model.records import BY_NAME

ACCEPT, REJECT, BOTH = 1, 2, 3
TRAFFIC = {"ALL": BOTH, "ACCEPT": ACCEPT, "REJECT": REJECT, "NONE": 0}
WORDS = {mask: word for word, mask in TRAFFIC.items()}

Level = tuple[str, FlowLog]
"""How a flow log applies (resource, subnet, vpc, transit-gateway), and the flow log."""


@dataclass(frozen=True)
class Verdict:
    """What some flow logs add up to under one baseline."""

    state: str
    """A coverage state, or unknown."""
    at_least: str
    """The state with everything undecided taken as absent."""
    sets: tuple[int | None, int | None, int | None]
    """Traffic delivered, approved, conforming: masks, None where undecided."""
    via: str | None
    """Nearest level that contributes."""
    redundant: tuple[str, ...]
    """Flow logs that add nothing."""
    since: datetime | None
    """Since when the present logs give this state."""
    reasons: tuple[str, ...]
    """Why not complete."""


def state_of(delivered: int, approved: int, conforming: int, wanted: int, *, applies: bool) -> str:
    """Name the state of three nested sets of traffic."""
    if conforming & wanted == wanted:
        return "complete"
    if approved & wanted == wanted:
        return "malformed"
    if delivered & wanted == wanted:
        return "misdirected"
    if delivered:
        return "partial"
    return "failing" if applies else "none"


def owners(inventory: Inventory) -> dict[str, str]:
    """Return bucket → the account that is proven to own it."""
    return {
        d.log_destination.removeprefix("s3://").partition("/")[0]: d.owner_account_id
        for d in inventory.destinations
        if d.log_destination_type == "s3" and d.owner_account_id
    }


@dataclass(frozen=True)
class Judge:
    """Judges sets of flow logs under baselines."""

    approved: Mapping[str, Approved]
    """Name → approved destination."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """Bucket → the account that is proven to own it."""

    def approves(self, baseline: Baseline, log: FlowLog) -> bool:
        """Tell whether the log writes to a destination that the baseline approves."""
        return baseline.destinations is None or any(
            self.approved[name].accepts(log) and not self._of_another(self.approved[name], log)
            for name in baseline.destinations
        )

    def _of_another(self, approved: Approved, log: FlowLog) -> bool:
        """The bucket has the name wanted, and is proven to be another account's: once given up, a name is anybody's."""
        owner = self.owners.get(log.bucket, "")
        return bool(log.bucket and approved.account and owner) and owner != approved.account

    def faults(self, baseline: Baseline, log: FlowLog) -> list[str]:
        """What keeps the log from conforming, beyond its destination."""
        wanted = (name for name in baseline.fields if log.kind in BY_NAME[name].kinds)
        missing = [name for name in wanted if name not in log.fields]
        out = [f"lacks the field{'s' if len(missing) > 1 else ''} {', '.join(missing)}"] if missing else []
        limit = baseline.max_aggregation_interval
        if limit is not None and log.max_aggregation_interval > limit:
            out.append(f"aggregates over {log.max_aggregation_interval} s, more than {limit} s")
        return out

    def sets(self, baseline: Baseline, logs: Iterable[FlowLog]) -> tuple[int, int, int]:
        """Union of the traffic that delivering logs deliver, approve and conform to."""
        delivered = approved = conforming = 0
        for log in logs:
            if log.delivers:
                mask = TRAFFIC[log.traffic_type or "NONE"]
                delivered |= mask
                if self.approves(baseline, log):
                    approved |= mask
                    if not self.faults(baseline, log):
                        conforming |= mask
        return delivered, approved, conforming

    def verdict(self, baseline: Baseline, levels: Sequence[Level], unread: Sequence[str]) -> Verdict:
        """Judge one resource: once with everything undecided absent, once with it perfect.

        Args:
            baseline: what is wanted.
            levels: the flow logs that apply, nearest first.
            unread: what could not be read, in words; empty when every level was.
        """
        wanted = TRAFFIC[baseline.traffic]
        decided = [log for _, log in levels if log.delivers is not None]
        undecided = [log for _, log in levels if log.delivers is None]
        sets = self.sets(baseline, decided)
        low = state_of(*sets, wanted, applies=bool(decided))
        open_ends = bool(undecided or unread)
        state = "unknown" if open_ends and low != "complete" else low
        delivered, approved, conforming = (None if open_ends and mask != BOTH else mask for mask in sets)
        return Verdict(
            state,
            low,
            (delivered, approved, conforming),
            via=self._via(baseline, levels, sets),
            redundant=self._redundant(baseline, levels),
            since=self._since(baseline, decided, wanted, low) if state == low else None,
            reasons=tuple(self._reasons(baseline, levels, sets, unread, state)),
        )

    def _via(self, baseline: Baseline, levels: Sequence[Level], sets: tuple[int, int, int]) -> str | None:
        """The nearest level that contributes to the innermost set that is not empty."""
        depth = max((at for at, mask in enumerate(sets) if mask), default=None)
        if depth is None:
            return None
        return next((via for via, log in levels if log.delivers and self.sets(baseline, [log])[depth]), None)

    def _redundant(self, baseline: Baseline, levels: Sequence[Level]) -> tuple[str, ...]:
        """Logs, nearest first, whose leaving changes no set among those with the same destination."""
        out = []
        by_destination: dict[str, list[FlowLog]] = defaultdict(list)
        for _, log in levels:
            if log.delivers:
                by_destination[log.log_destination].append(log)
        for logs in by_destination.values():
            kept = list(logs)
            for log in logs:
                rest = [one for one in kept if one is not log]
                if rest and self.sets(baseline, rest) == self.sets(baseline, kept):
                    kept = rest
                    out.append(log.flow_log_id)
        return tuple(sorted(out))

    def _since(self, baseline: Baseline, logs: list[FlowLog], wanted: int, state: str) -> datetime | None:
        delivering = [log for log in logs if log.delivers]
        dated = sorted(
            (log for log in delivering if log.creation_time), key=lambda log: (log.creation_time, log.flow_log_id)
        )
        for upto in range(1, len(dated) + 1):
            if state_of(*self.sets(baseline, dated[:upto]), wanted, applies=True) == state:
                return dated[upto - 1].creation_time
        return None

    def _reasons(
        self, baseline: Baseline, levels: Sequence[Level], sets: tuple[int, int, int], unread: Sequence[str], state: str
    ) -> Iterator[str]:
        if state == "complete":
            return
        wanted = TRAFFIC[baseline.traffic]
        yield from unread
        if not levels and not unread:
            yield "no flow log applies"
        for _, log in levels:
            if log.delivers is not True:
                verb = "may not deliver" if log.delivers is None else "does not deliver"
                yield f"{log.flow_log_id} {verb}: {log.delivers_reason}"
        if sets[0] and sets[0] & wanted != wanted:
            yield f"only {WORDS[sets[0]]} is delivered, {baseline.traffic} is wanted"
        for _, log in levels:
            if log.delivers and not self.approves(baseline, log):
                yield f"{log.flow_log_id} writes to {log.log_destination}, which baseline {baseline.name} does not approve"
            elif log.delivers:
                for fault in self.faults(baseline, log):
                    yield f"{log.flow_log_id} {fault}"


def worst_of(verdicts: Sequence[Verdict]) -> Verdict:
    """Join the verdicts under several baselines that may be the right one."""
    first = min(verdicts, key=lambda v: COVERAGE_STATES.index(v.at_least))
    if len({(v.state, v.at_least) for v in verdicts}) == 1:
        told = [sets.pop() if len(sets) == 1 else None for sets in ({v.sets[at] for v in verdicts} for at in range(3))]
        return replace(first, sets=(told[0], told[1], told[2]))
    reason = "the tags that decide its baseline were not read"
    return replace(first, state="unknown", sets=(None, None, None), since=None, reasons=(reason, *first.reasons))
