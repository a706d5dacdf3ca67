"""The inventory, indexed: which flow logs lie on and above a resource, which levels were not read, which baseline fits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from auditkit.config.schema import Baseline
from auditkit.coverage.delivery import RECENT
from auditkit.coverage.history import History, subject_of
from auditkit.coverage.verdict import TRAFFIC, WORDS, Judge, Level, Verdict, state_of, worst_of
from auditkit.model.condition import truth
from auditkit.model.coverage import Coverage
from auditkit.model.flow_logs import FlowLog
from auditkit.model.inventory import Inventory


@dataclass
class Estate:
    """The inventory, indexed, and how it is judged."""

    inventory: Inventory
    baselines: Sequence[Baseline]
    judge: Judge
    period: tuple[datetime, datetime]
    nat_seen: Collection[tuple[str, str]]
    history: History | None = None
    logs: dict[str, list[FlowLog]] = field(default_factory=lambda: defaultdict(list))
    _cache: dict[Any, Verdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for log in self.inventory.flow_logs:
            self.logs[log.resource_id].append(log)
        self.vpcs = {v.vpc_id: v for v in self.inventory.vpcs}
        self.subnets = {s.subnet_id: s for s in self.inventory.subnets}
        self.account_tags = {a.account_id: a.account_tags for a in self.inventory.accounts}
        self.scope = {a.account_id for a in self.inventory.accounts if a.status == "in_scope"}
        self.listed = lru_cache(maxsize=None)(self._listed)

    def _listed(self, table: str, account_id: str, region: str) -> bool:
        """The listing of a table was asked for there, and answered whole."""
        return region in self.inventory.regions.get(account_id, ()) and not self.inventory.is_unread(
            table, account_id, region
        )

    def unread(self, accounts: Iterable[str], region: str) -> tuple[str, ...]:
        """Say whose flow logs were not read, of the accounts that may have put some on a resource or above it."""
        missed = [one for one in dict.fromkeys(accounts) if not self.listed("flow_logs", one, region)]
        return tuple(f"the flow logs of account {one} in {region} were not read" for one in missed)

    def levels(self, *pairs: tuple[str, str]) -> tuple[Level, ...]:
        """Return the flow logs on each of (via, resource id), nearest first."""
        found = ((via, self.logs.get(resource_id)) for via, resource_id in pairs)
        return tuple([(via, log) for via, logs in found if logs for log in logs])

    def row(
        self, base: dict[str, Any], levels: Sequence[Level], unread: Sequence[str], members: str | None = "-"
    ) -> Coverage:
        """Judge one resource.

        Args:
            base: the columns that identify it, and its tags.
            levels: the flow logs that apply, nearest first.
            unread: what could not be read, in words.
            members: worst state of the interfaces inside, for what can hold some.
        """
        candidates = self._candidates(base)
        key = (
            tuple([b.name for b in candidates]),
            tuple([(via, log.flow_log_id, log.account_id, log.delivers) for via, log in levels]),
            tuple(unread),
        )
        verdict = self._cache.get(key)
        if verdict is None:
            verdict = self._cache[key] = worst_of([self.judge.verdict(b, levels, unread) for b in candidates])
        return Coverage(
            **base,
            baseline=candidates[0].name if len(candidates) == 1 else None,
            state=verdict.state,
            at_least=verdict.at_least,
            delivered=_word(verdict.sets[0]),
            approved=_word(verdict.sets[1]),
            conforming=_word(verdict.sets[2]),
            flow_log_ids=tuple(sorted({log.flow_log_id for _, log in levels})),
            via=verdict.via,
            members=members,
            redundant_flow_log_ids=verdict.redundant,
            covered_from=verdict.since,
            period_state=self._period_state(verdict, base, candidates, levels),
            reasons=verdict.reasons,
        )

    def _candidates(self, row: Mapping[str, Any]) -> list[Baseline]:
        """The baselines of which one is the first that fits; several when tags that decide were not read."""
        out = []
        for baseline in self.baselines:
            fits = truth(baseline.match, row)
            if fits is not False:
                out.append(baseline)
            if fits:
                break
        return out or [Baseline("-", destinations=tuple(self.judge.approved) or None)]

    def _period_state(
        self, verdict: Verdict, base: Mapping[str, Any], candidates: Sequence[Baseline], levels: Sequence[Level]
    ) -> str:
        """What is complete now was so all through the period only where its history proves it."""
        start, end = self.period
        if verdict.state == "unknown" or (verdict.state == "complete" and self.history is None):
            return "unknown"
        if verdict.state != "complete" or self.history is None:
            return "partial" if start <= self.inventory.as_of <= end + RECENT else "unknown"

        def complete(logs: Sequence[FlowLog]) -> bool:
            given = [replace(log, delivers=True) for log in logs]
            sets = ((b, self.judge.sets(b, given)) for b in candidates)
            return all(state_of(*s, TRAFFIC[b.traffic], applies=True) == "complete" for b, s in sets)

        key = (
            tuple(b.name for b in candidates),
            tuple((log.flow_log_id, log.account_id, log.delivers) for _, log in levels),
        )
        return self.history.state(subject_of(base, self._owners(base)), [log for _, log in levels], complete, key)

    def _owners(self, base: Mapping[str, Any]) -> set[str] | None:
        """The accounts that can have flow logs on a resource or above it; None where its VPC was not read."""
        if base["resource_type"].startswith("transit") or not base["vpc_id"]:
            return {base["account_id"]}
        vpc = self.vpcs.get(base["vpc_id"])
        return {base["account_id"], vpc.account_id} if vpc else None


def _word(mask: int | None) -> str | None:
    return None if mask is None else WORDS[mask]
