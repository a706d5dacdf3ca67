"""Security groups: stateful, allow only, asked for the side that began.

Amazon VPC User Guide, "Security group rules" and "Security group connection tracking".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditkit.attribution.estate import Estate
from auditkit.attribution.flow import Flow, both, fits, holds, ports
from auditkit.attribution.words import CANNOT_TELL, CONSISTENT, CONTRADICT, Said, Shown, agreed
from auditkit.model.inventory import NetworkInterface
from auditkit.model.routing import SecurityGroupRule
from auditkit.model.tables import columns_of

_WITHOUT = ("nat-gateway", "transit-gateway")
"""Services that no security group can be associated with (Amazon VPC User Guide, "NAT gateway basics"; Amazon VPC Transit
Gateways, "Transit gateway VPC attachments")."""


def groups(estate: Estate, interface: NetworkInterface, flow: Flow) -> Said:
    """Tell whether the interface's groups allow a flow, and by which rules."""
    if not interface.security_group_ids and interface.service in _WITHOUT:
        return Said(CONSISTENT, (f"a {interface.service.replace('-', ' ')} has no security group",))
    if not interface.security_group_ids:
        return Said(CANNOT_TELL, (f"{interface.interface_id} shows no security group",))
    return agreed(_began(estate, interface, flow, began) for began in flow.began)


def _began(estate: Estate, interface: NetworkInterface, flow: Flow, began: str) -> Said:
    ingress = began == "remote"
    port = flow.local_port if ingress else flow.remote_port
    allowing, open_questions = [], []
    for group in interface.security_group_ids:
        for rule in estate.groups.get(group, ()):
            if rule.ingress is not ingress:
                continue
            fitting = fits(rule, flow.protocol, port)
            verdict = fitting is not False and both(fitting, peer(estate, rule, interface, flow))
            if verdict:
                allowing.append(rule)
            elif verdict is None:
                open_questions.append(_question(rule, fits=bool(fitting)))
    if allowing:
        return Said(CONSISTENT, shown=tuple(map(shown, sorted(allowing, key=_order))))
    open_questions += [
        f"the rules of {g} were not read" for g in interface.security_group_ids if g not in estate.groups
    ]
    if open_questions:
        return Said(CANNOT_TELL, tuple(dict.fromkeys(open_questions))[:5])
    allows = f"no rule of {', '.join(interface.security_group_ids)} allows {'ingress from' if ingress else 'egress to'}"
    return Said(CONTRADICT, (f"{allows} {flow.remote}{_at(flow, port)}",))


def _at(flow: Flow, port: int | None) -> str:
    return f", port {port}" if flow.protocol in (6, 17) and port is not None else ""


def _question(rule: SecurityGroupRule, *, fits: bool) -> str:
    if not fits:
        return f"a rule of {rule.group_id} is for {ports(rule)}, which the record does not tell"
    if rule.peer.startswith("pl-"):
        return f"the entries of {rule.peer}, in a rule of {rule.group_id}, were not read"
    return f"whether the other side has the group {rule.peer}, in a rule of {rule.group_id}, is not known"


def peer(estate: Estate, rule: SecurityGroupRule, interface: NetworkInterface, flow: Flow) -> bool | None:
    """Tell whether the other side is a rule's peer; None where the evidence does not tell."""
    if rule.range is not None:
        return holds(rule.peer, rule.range, flow)
    if rule.peer.startswith("pl-"):
        entries = estate.prefixes(rule.peer, rule.region)
        return None if entries is None else any(holds(cidr, of, flow) for cidr, of in entries)
    return _member(estate, rule.peer, interface, flow)


def _member(estate: Estate, group: str, interface: NetworkInterface, flow: Flow) -> bool | None:
    """A rule that names a group is for the private addresses of the interfaces that have the group."""
    if flow.remote_interface_id is None:
        return None
    if flow.remote_interface_id == "-":  # none of ours; a group that we do not know may be another's
        return False if group in estate.groups else None
    remote = estate.interfaces.get(flow.remote_interface_id)
    if remote is None or remote.seen_in != "inventory" or flow.number is None:
        return None
    if group not in remote.security_group_ids or not estate.has(remote, flow.number):
        return False
    # Between VPCs a group counts by peering; by transit gateway only where a setting allows it, which is not collected.
    return True if remote.vpc_id == interface.vpc_id or {remote.vpc_id, interface.vpc_id} in estate.peered else None


def shown(rule: SecurityGroupRule) -> Shown:
    """Write a rule for people. DescribeSecurityGroups tells no rule ids: group, way, ports and peer name one rule."""
    span = (
        f"{rule.from_port}-{rule.to_port}"
        if rule.protocol in (6, 17)
        else "all"
        if rule.icmp_type == -1
        else rule.icmp_type
    )
    way, protocol = "ingress" if rule.ingress else "egress", "all" if rule.protocol == -1 else rule.protocol
    return {
        "group_id": rule.group_id,
        "group_name": rule.group_name,
        "rule_id": f"{rule.group_id}/{way}/{protocol}/{span}/{rule.peer}",
        "rule": f"{way} {'from' if rule.ingress else 'to'} {rule.peer}, {ports(rule)}",
        "description": rule.description,
    }


def described(row: Mapping[str, Any]) -> str:
    """Write a row of security_group_rules for people."""
    said = shown(SecurityGroupRule(**{c.name: row[c.name] for c in columns_of(SecurityGroupRule)}, range=None))
    rule, name, why = str(said["rule"]), said["group_name"], said["description"]
    return rule + (f" ({name})" if name else "") + (f", “{why}”" if why else "")


def _order(rule: SecurityGroupRule) -> tuple[str, int, str]:
    return rule.group_id, rule.from_port, rule.peer
