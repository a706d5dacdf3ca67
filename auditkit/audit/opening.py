"""Rules open to the internet, and whether an accepted flow of the period used them: columns of security_group_rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from auditkit.attribution import Opened, opened
from auditkit.audit.flows import Derived, Flows
from auditkit.engines.duckdb import DuckDB
from auditkit.engines.rules_used import MEMBERS, PLACES, RULES, Days, Seen, rules_used, table
from auditkit.model.addresses import Networks
from auditkit.model.columnar import Rows
from auditkit.model.inventory import Inventory, NetworkInterface, Vpc
from auditkit.model.routing import SecurityGroupRule

USED, UNUSED, UNKNOWN = "used", "unused", "unknown"


def opening(flows: Flows, derived: Derived) -> Inventory:
    """Fill in `open_to_internet`, `used` and `used_reason` of a run's security group rules.

    Args:
        flows: with flow_records and interface_days derived.
        derived: what deriving gave.
    """
    collected = flows.collected

    def place(account_id: str, region: str) -> bool:
        return flows.narrowing.place(account_id, region) and collected.place(account_id, region)

    whole = flows.inputs.config.model.records.mode == "all"
    return with_use(derived.estate, flows.engine, derived.networks, place, whole=whole)


def with_use(
    estate: Inventory, engine: DuckDB, networks: Networks, place: Callable[[str, str], bool], *, whole: bool
) -> Inventory:
    """Fill in the columns of the rules.

    Args:
        estate: with the interfaces that only records show.
        engine: with flow_records, interface_days, units and period_days.
        networks: of the run.
        place: account and region → whether the flags leave it.
        whole: whether every log object of the period was to be read; else nothing is unused.
    """
    told = list(opened(estate, networks))
    rules = estate.security_group_rules
    asked = {n: rule for n, rule in enumerate(rules) if rule.ingress and told[n].to_internet}
    judge = _Judge.of(estate, engine, asked, told, place, whole=whole) if asked else None
    filled = []
    for n, rule in enumerate(rules):
        word, why = _word(judge, n, rule, told[n])
        filled.append(replace(rule, open_to_internet=told[n].to_internet, used=word, used_reason=why))
    return replace(estate, security_group_rules=tuple(filled))


def _word(judge: _Judge | None, n: int, rule: SecurityGroupRule, one: Opened) -> tuple[str, str]:
    if not rule.ingress or one.to_internet is False:
        return "", ""
    if one.to_internet is None or judge is None:
        return UNKNOWN, f"whether {rule.peer} holds addresses of the internet is not known"
    return judge.word(n, rule)


@dataclass(frozen=True)
class _Judge:
    estate: Inventory
    vpcs: Mapping[str, Vpc]
    place: Callable[[str, str], bool]
    whole: bool
    members: Mapping[str, int]
    seen: Mapping[int, Seen]
    days: Mapping[str, Days]

    @classmethod
    def of(
        cls,
        estate: Inventory,
        engine: DuckDB,
        asked: Mapping[int, SecurityGroupRule],
        told: Sequence[Opened],
        place: Callable[[str, str], bool],
        *,
        whole: bool,
    ) -> _Judge:
        """Ask the engine about the rules that are open."""
        vpcs = {v.vpc_id: v for v in estate.vpcs}
        known, members = _members(estate, {rule.group_id for rule in asked.values()})
        rules = table(RULES, _ranges(asked, told))
        seen, days = rules_used(
            engine, rules, members.select(MEMBERS.names), table(PLACES, _places(asked, members, vpcs)), known
        )
        counts = members["group_id"].value_counts().to_pylist()
        return cls(
            estate,
            vpcs,
            place,
            whole,
            {c["values"]: c["counts"] for c in counts},
            seen,
            days,
        )

    def word(self, n: int, rule: SecurityGroupRule) -> tuple[str, str]:
        """Tell whether a rule was used, and why."""
        seen, days = self.seen.get(n, Seen()), self.days.get(rule.group_id, Days())
        if seen.surely:
            return USED, "an accepted flow that the other side began fits it"
        if seen.perhaps:
            return UNKNOWN, "accepted flows fit it of which it is not known who began them, or from where"
        if seen.perhaps_gone:
            return (
                UNKNOWN,
                f"{seen.perhaps_gone} is gone, may have had the group, and accepted flows of it fit the rule",
            )
        if doubt := self._unread(rule):
            return UNKNOWN, doubt
        if days.unobserved:
            of = f"{days.unobserved:,} of {days.days:,} interface-days" if days.days else "days"
            return UNKNOWN, f"{of} were not observed whole for accepted traffic, of {days.interface_id} for one"
        if days.loose:
            return UNKNOWN, f"{days.loose} has the group and no interface-day: whether it was in use is not known"
        count = self.members.get(rule.group_id, 0)
        if not count:
            return UNUSED, "no interface has the group"
        have = f"{count:,} interface{'' if count == 1 else 's'} with the group"
        return UNUSED, f"no accepted flow on the {days.days:,} interface-days of the {have} fits it"

    def _unread(self, rule: SecurityGroupRule) -> str:
        """Why the interfaces of a group, or their flows, may not all be known; empty if they are."""
        if not self.whole:
            return "not every log object of the period was to be read"
        vpc = self.vpcs.get(rule.vpc_id)
        if vpc is None:
            return f"the VPC of {rule.group_id} was not read"
        for account in sorted({*vpc.seen_from, vpc.account_id, rule.account_id}):
            asked = rule.region in self.estate.regions.get(account, ())
            if not asked or self.estate.is_unread("network_interfaces", account, rule.region):
                return f"the interfaces of {account} in {rule.region} were not all read"
            if not self.place(account, rule.region):
                return f"{account} in {rule.region} is left out by --account or --region"
        return ""


def _ranges(
    asked: Mapping[int, SecurityGroupRule], told: Sequence[Opened]
) -> Iterator[tuple[int, int, int, int, str, str, str, bool]]:
    for n, rule in asked.items():
        for low, high in told[n].ranges:
            yield (
                n,
                rule.protocol,
                rule.from_port,
                rule.to_port,
                rule.group_id,
                str(low),
                str(high),
                rule.icmp_type != -1,
            )


def _members(estate: Inventory, groups: set[str]) -> tuple[pa.Table, pa.Table]:
    """The interfaces that exist now, and those that have one of the groups: group_id, interface_id, vpc_id, region, account_id."""
    table = Rows.made_of(NetworkInterface, estate.network_interfaces).table
    table = table.filter(pc.equal(table["seen_in"], "inventory"))
    held = table["security_group_ids"].combine_chunks()
    flat = pa.table(
        {"group_id": pc.list_flatten(held)}
        | {c: table[c].take(pc.list_parent_indices(held)) for c in ("interface_id", "vpc_id", "region", "account_id")}
    )
    wanted = pa.array(sorted(groups), pa.string())
    return table.select(["interface_id"]), flat.filter(pc.is_in(flat["group_id"], wanted))


def _places(
    asked: Mapping[int, SecurityGroupRule], members: pa.Table, vpcs: Mapping[str, Vpc]
) -> Iterator[tuple[str, str, str, str]]:
    """Where each group is: in its own VPC, and in those of its interfaces (a group may be associated with several)."""
    found = {(rule.group_id, rule.vpc_id, rule.region, rule.account_id) for rule in asked.values()}
    others = members.group_by(["group_id", "vpc_id", "region", "account_id"]).aggregate([]).to_pylist()
    found |= {(o["group_id"], o["vpc_id"], o["region"], o["account_id"]) for o in others}
    for group, vpc_id, region, account in sorted(found):
        vpc = vpcs.get(vpc_id)
        for one in sorted({account, *((vpc.account_id, *vpc.seen_from) if vpc else ())}):
            yield group, vpc_id, region, one
