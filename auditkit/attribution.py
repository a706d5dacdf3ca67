"""Why a flow was let through: the security-group rules, as collected, that allow it (pure).

Rules are those of the moment of collecting, flows those of the period: the words are consistent, contradict, cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditkit.model.addresses import address
from auditkit.model.columnar import Rows
from auditkit.model.inventory import Inventory, NetworkInterface
from auditkit.model.routing import SecurityGroupRule

CONSISTENT, CONTRADICT, CANNOT_TELL = "consistent", "contradict", "cannot tell"


@dataclass(frozen=True)
class Rules:
    """The security groups of a snapshot, indexed."""

    as_of: datetime
    """When they were collected."""
    interfaces: Mapping[str, NetworkInterface]
    """Id → interface."""
    by_group: Mapping[str, tuple[SecurityGroupRule, ...]]
    """Group id → rules."""
    unread: frozenset[tuple[str, str]]
    """(account, region) whose security groups were not read."""

    @classmethod
    def of(cls, inventory: Inventory) -> Rules:
        """Index an inventory."""
        groups: dict[str, list[SecurityGroupRule]] = {}
        for rule in inventory.security_group_rules:
            groups.setdefault(rule.group_id, []).append(rule)
        interfaces = Rows.made_of(NetworkInterface, inventory.network_interfaces)
        places = set(zip(interfaces.column("account_id"), interfaces.column("region"), strict=True))
        unread = frozenset(p for p in places if inventory.is_unread("security_groups", *p))
        return cls(
            inventory.as_of,
            interfaces.by("interface_id"),
            {g: tuple(r) for g, r in groups.items()},
            unread,
        )

    def explain(self, flows: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
        """Name the rules that let accepted flows through.

        Args:
            flows: rows of flow_records, with interface_id, action, initiator (or initiator_by_ports), addresses and ports.

        Returns:
            statement, verdict and rules[]; None when nothing was accepted.
        """
        accepted = [f for f in flows if f["action"] == "ACCEPT" and f["remote_address"] not in (None, "-")]
        if not accepted:
            return None
        allowing: list[SecurityGroupRule] = []
        verdicts = set()
        for flow in accepted:
            verdict, rules = self._of_flow(flow)
            verdicts.add(verdict)
            allowing += [r for r in rules if r not in allowing]
        verdict = CONTRADICT if CONTRADICT in verdicts else CANNOT_TELL if CANNOT_TELL in verdicts else CONSISTENT
        return {
            "statement": f"rules at {self.as_of:%Y-%m-%dT%H:%M:%SZ}: {verdict}",
            "verdict": verdict,
            "rules": [_shown(r) for r in sorted(allowing, key=lambda r: (r.group_id, r.from_port, r.peer))],
        }

    def _of_flow(self, flow: Mapping[str, Any]) -> tuple[str, list[SecurityGroupRule]]:
        interface = self.interfaces.get(flow["interface_id"] or "")
        initiator = flow["initiator"] or flow.get("initiator_by_ports")
        if interface is None or initiator is None or not interface.security_group_ids:
            return CANNOT_TELL, []
        if (interface.account_id, interface.region) in self.unread:
            return CANNOT_TELL, []
        port = flow["local_port"] if initiator == "remote" else flow["remote_port"]
        number = address(flow["remote_address"])
        rules = [r for g in interface.security_group_ids for r in self.by_group.get(g, ())]
        fitting = [
            r for r in rules
            if (":" in r.peer) == (":" in flow["remote_address"]) or r.range is None
            if r.ingress is (initiator == "remote") and r.protocol in (-1, flow["protocol"])
            and (r.protocol == -1 or r.from_port <= port <= r.to_port)
        ]  # fmt: skip
        allowing = [
            r for r in fitting if r.range is not None and number is not None and r.range[0] <= number <= r.range[1]
        ]
        if allowing:
            return CONSISTENT, allowing
        unknown = any(r.range is None for r in fitting) or any(
            g not in self.by_group for g in interface.security_group_ids
        )
        return (CANNOT_TELL if unknown else CONTRADICT), []


def _shown(rule: SecurityGroupRule) -> dict[str, Any]:
    ports = (
        "all"
        if rule.protocol == -1
        else f"{rule.from_port}"
        if rule.from_port == rule.to_port
        else f"{rule.from_port}-{rule.to_port}"
    )
    way = "ingress from" if rule.ingress else "egress to"
    return {
        "group_id": rule.group_id,
        "group_name": rule.group_name,
        "rule": f"{way} {rule.peer}, protocol {'all' if rule.protocol == -1 else rule.protocol}, port {ports}",
        "description": rule.description,
    }
