"""One accepted flow as rules see it, and whether a rule fits it: yes, no, or not to be told (None)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from auditkit.model.addresses import Range, address

ALL = -1
"""Every protocol; every ICMP type."""
_WITH_PORTS = (6, 17)
_ICMP = (1, 58)
_LAST = 65535


class Matched(Protocol):
    """What a security group rule and a network ACL entry have in common."""

    @property
    def protocol(self) -> int:
        """IANA number, or ALL."""

    @property
    def from_port(self) -> int:
        """First port."""

    @property
    def to_port(self) -> int:
        """Last port."""

    @property
    def icmp_type(self) -> int | None:
        """ICMP type, or ALL; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A row of flow_records."""

    interface_id: str
    """Where it was recorded."""
    direction: str
    """ingress, egress, or empty where it is not known."""
    began: tuple[str, ...]
    """The side that began, local or remote; both where it is not known."""
    local_port: int | None
    """Port of the interface's side."""
    remote_port: int | None
    """Port of the other side."""
    protocol: int | None
    """IANA number."""
    remote: str
    """Address of the other side; empty where it is not known."""
    number: int | None
    """The same as a number."""
    remote_interface_id: str | None
    """Interface that has it now; `-` for none of ours, None where it is not known."""
    two_faced: bool
    """Whether the record has another address in the packet than the one at the interface: rules saw one of them."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Flow:
        """Take what is needed of a row."""
        direction = row.get("direction") if row.get("direction") in ("ingress", "egress") else ""
        remote = row.get("remote_address")
        remote = "" if remote in (None, "-") else str(remote)
        began = row.get("initiator") or row.get("initiator_by_ports")
        near, far = ("srcaddr", "pkt_srcaddr") if direction == "ingress" else ("dstaddr", "pkt_dstaddr")
        packet = row.get(far)
        return cls(
            interface_id=row.get("interface_id") or "",
            direction=direction or "",
            began=(began,) if began in ("local", "remote") else ("remote", "local"),
            local_port=row.get("local_port"),
            remote_port=row.get("remote_port"),
            protocol=row.get("protocol"),
            remote=remote,
            number=address(remote) if remote else None,
            remote_interface_id=row.get("remote_interface_id"),
            two_faced=packet not in (None, "-") and row.get(near) not in (None, "-", packet),
        )

    @property
    def six(self) -> bool:
        """Whether it is IPv6."""
        return ":" in self.remote


def fits(rule: Matched, protocol: int | None, port: int | None) -> bool | None:
    """Tell whether a rule is for a protocol and port; of ICMP no record tells the type."""
    if rule.protocol == ALL:
        return True
    if protocol is None:
        return None
    if rule.protocol != protocol:
        return False
    if protocol in _ICMP:
        return True if rule.icmp_type == ALL else None
    if protocol not in _WITH_PORTS or (rule.from_port, rule.to_port) == (0, _LAST):
        return True
    return None if port is None else rule.from_port <= port <= rule.to_port


def holds(cidr: str, of: Range | None, flow: Flow) -> bool:
    """Tell whether a CIDR holds the other side's address; ::/0 holds no IPv4."""
    if of is None or flow.number is None or (":" in cidr) != flow.six:
        return False
    return of[0] <= flow.number <= of[1]


def both(*values: bool | None) -> bool | None:
    """Kleene's and."""
    if False in values:
        return False
    return None if None in values else True


def ports(rule: Matched) -> str:
    """Write a rule's protocol and ports for people."""
    if rule.protocol == ALL:
        return "all traffic"
    name = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6"}.get(rule.protocol, f"protocol {rule.protocol}")
    if rule.protocol in _ICMP:
        return (
            name if rule.icmp_type == ALL else f"{name} type {'not told' if rule.icmp_type is None else rule.icmp_type}"
        )
    if rule.protocol not in _WITH_PORTS:
        return name
    first, last = rule.from_port, rule.to_port
    return f"{name} port {first}" if first == last else f"{name} ports {first}-{last}"
