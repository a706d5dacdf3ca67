"""Network ACLs: stateless, entries in the order of their numbers, the first that fits decides.

Amazon VPC User Guide, "Network ACL rules" and "Network ACL basics".
"""

from __future__ import annotations

from collections.abc import Sequence

from auditkit.attribution.estate import Estate
from auditkit.attribution.flow import Flow, both, fits, holds, ports
from auditkit.attribution.words import CANNOT_TELL, CONSISTENT, CONTRADICT, Said, Shown
from auditkit.model.inventory import NetworkInterface
from auditkit.model.routing import NetworkAclEntry

_DOES = {"allow": "allows", "deny": "denies"}
_IMPLIED = "no entry fits, which denies"


def acl(estate: Estate, interface: NetworkInterface, flow: Flow) -> Said:
    """Tell whether the subnet's network ACL lets the packets of a flow pass, and by which entries.

    The entry for the packet's own way decides. What the entries make of the answers is shown with it: a record says of
    one way only that it was accepted, and answers may have been stopped.
    """
    subnet = estate.subnets.get(interface.subnet_id)
    if subnet is None or flow.number is None:
        return Said(CANNOT_TELL, (f"the subnet {interface.subnet_id} of {interface.interface_id} was not read",))
    if estate.inside(subnet, flow.number):
        return Said(CONSISTENT, (f"both sides are in {subnet.subnet_id}: no network ACL stands between them",))
    names = estate.acls_of_subnets.get(interface.subnet_id, set())
    if len(names) != 1:
        why = "several network ACLs name it" if names else "its network ACL was not read"
        return Said(CANNOT_TELL, (f"{interface.subnet_id}: {why}",))
    (name,) = names
    own, answer = flow.direction == "egress", flow.direction != "egress"
    deciding = decide(estate.acls[name][own], flow, egress=own)
    back = decide(estate.acls[name][answer], flow, egress=answer)
    shown = (*_shown(name, deciding), *_shown(name, back))
    return Said(_verdict(deciding), (*_why(name, deciding), *_why_back(name, back)), shown, name)


def decide(entries: Sequence[NetworkAclEntry], flow: Flow, *, egress: bool) -> list[NetworkAclEntry | None]:
    """Return every entry that may be the one that decides; None stands for the denial at the end.

    Args:
        entries: of one way, in their order.
        flow: the address and ports.
        egress: the way: packets out go to the remote port, packets in to the local one.
    """
    port = flow.remote_port if egress else flow.local_port
    out: list[NetworkAclEntry | None] = []
    for entry in entries:
        verdict = both(fits(entry, flow.protocol, port), holds(entry.cidr_block, entry.range, flow))
        if verdict is not False:
            out.append(entry)
        if verdict:
            return out
    return [*out, None]


def _verdict(deciding: list[NetworkAclEntry | None]) -> str:
    actions = {"deny" if one is None else one.rule_action for one in deciding}
    if len(actions) > 1:
        return CANNOT_TELL
    return CONSISTENT if actions == {"allow"} else CONTRADICT


def _why(name: str, deciding: list[NetworkAclEntry | None]) -> tuple[str, ...]:
    verdict = _verdict(deciding)
    if verdict == CONTRADICT:
        return (f"{name} denies it: {_named(deciding[0])}",)
    return (
        (f"which entry of {name} decides depends on what the record does not tell",) if verdict == CANNOT_TELL else ()
    )


def _why_back(name: str, back: list[NetworkAclEntry | None]) -> tuple[str, ...]:
    if _verdict(back) == CONTRADICT:
        return (f"{name} stops the answers: {_named(back[0])}",)
    return ()


def _named(entry: NetworkAclEntry | None) -> str:
    return _IMPLIED if entry is None else f"entry {number(entry)} {'egress' if entry.egress else 'ingress'}"


def number(entry: NetworkAclEntry) -> str:
    """Write an entry's number as AWS's console does: the last is an asterisk."""
    return "*" if entry.rule_number >= 32767 else str(entry.rule_number)


def _shown(name: str, deciding: list[NetworkAclEntry | None]) -> tuple[Shown, ...]:
    return tuple(
        {
            "network_acl_id": name,
            "rule_number": entry.rule_number,
            "egress": entry.egress,
            "rule_action": entry.rule_action,
            "rule": f"entry {number(entry)} {_DOES[entry.rule_action]} {'egress to' if entry.egress else 'ingress from'} {entry.cidr_block}, {ports(entry)}",
        }
        for entry in deciding
        if entry is not None
    )
