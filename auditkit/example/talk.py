"""A conversation, and what each interface on its way sees of it.

Which addresses an interface's records show: Amazon VPC User Guide, "Flow log record examples"
(NAT gateway, transit gateway, secondary addresses) and "Transit Gateway Flow Logs".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from auditkit.example.things import Attachment, Interface, Nat

SYN, SYN_ACK, FIN = 2, 18, 1


class Side(NamedTuple):
    """One end of a conversation."""

    address: str
    """Its own address."""
    interface: Interface | None = None
    """None for the internet."""

    @property
    def shown(self) -> str:
        """What its interface's records show: the primary address for a secondary one."""
        if self.interface is None or self.address not in self.interface.secondary:
            return self.address
        return self.interface.ip


class Transit(NamedTuple):
    """A way through a transit gateway."""

    source: Attachment
    """Attachment of the client's VPC."""
    target: Attachment
    """Attachment of the server's VPC."""
    source_interface: Interface
    """The gateway's interface in the client's VPC."""
    target_interface: Interface
    """And in the server's."""


class Talk(NamedTuple):
    """A conversation: both directions, over one or more steps of ten minutes."""

    client: Side
    """Who opened it."""
    server: Side
    """Who was called."""
    sport: int
    """Client's port."""
    dport: int
    """Server's port."""
    protocol: int = 6
    """IANA number."""
    tick: int = 0
    """First step."""
    ticks: int = 1
    """Steps that it lasts."""
    up: int = 4_000
    """Bytes a step from client to server."""
    down: int = 20_000
    """Bytes a step back; 0 when nothing answers."""
    action: str = "ACCEPT"
    """Of the request."""
    via: Nat | Transit | None = None
    """What stands in between."""
    translated: int = 0
    """Client's port behind a NAT gateway."""
    opening: bool = False
    """A lone SYN: nothing follows it."""


class View(NamedTuple):
    """What one observer sees of a conversation's request; the reply is its mirror."""

    observer: str
    """Interface, attachment or regional NAT gateway."""
    direction: str
    """Of the request, at the observer."""
    src: str
    dst: str
    pkt_src: str
    pkt_dst: str
    sport: int
    path: str = "-"
    """traffic-path of what leaves here."""
    transit: Transit | None = None
    """For records of the transit gateway itself."""


def views(talk: Talk) -> Iterator[View]:
    """Yield what each observer on the way sees, from client to server."""
    client, server, internet = talk.client, talk.server, talk.server.interface is None or talk.client.interface is None
    path = "8" if internet and talk.via is None else "1"
    if client.interface:
        yield View(
            client.interface.id,
            "egress",
            client.shown,
            server.address,
            client.address,
            server.address,
            talk.sport,
            "-" if isinstance(talk.via, Transit) else path,
        )
    if isinstance(talk.via, Nat):
        yield from _nat(talk, talk.via)
    elif isinstance(talk.via, Transit):
        yield from _transit(talk, talk.via)
    if server.interface:
        yield View(
            server.interface.id,
            "ingress",
            client.address,
            server.shown,
            client.address,
            server.address,
            talk.sport,
            "-" if isinstance(talk.via, Transit) else path,
        )


def _nat(talk: Talk, nat: Nat) -> Iterator[View]:
    client, server = talk.client.address, talk.server.address
    if nat.interface is None:  # regional: srcaddr and dstaddr equal pkt-*, the outer leg shows the public address
        yield View(nat.id, "ingress", client, server, client, server, talk.sport, "1")
        yield View(nat.id, "egress", nat.public_ip, server, nat.public_ip, server, talk.translated, "8")
        return
    own = nat.interface.ip
    yield View(nat.interface.id, "ingress", talk.client.shown, own, client, server, talk.sport, "1")
    yield View(nat.interface.id, "egress", own, server, own, server, talk.translated, "8")


def _transit(talk: Talk, way: Transit) -> Iterator[View]:
    client, server = talk.client.address, talk.server.address
    yield View(way.source_interface.id, "ingress", client, way.source_interface.ip, client, server, talk.sport, "1")
    for attachment, direction in ((way.source, "ingress"), (way.target, "egress")):
        yield View(attachment.id, direction, client, server, client, server, talk.sport, transit=way)
    yield View(way.target_interface.id, "egress", way.target_interface.ip, server, client, server, talk.sport, "1")


def flags(talk: Talk, step: int) -> tuple[int, int]:
    """TCP flags of request and reply in one step, OR-ed as AWS does; 0 in the middle, and for other protocols."""
    if talk.protocol != 6:
        return 0, 0
    last = step == talk.ticks - 1 and not talk.opening and talk.action == "ACCEPT"
    first = step == 0
    return (SYN if first else 0) | (FIN if last else 0), (SYN_ACK if first else 0) | (FIN if last else 0)
