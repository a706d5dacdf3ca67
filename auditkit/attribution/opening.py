"""Which security group rules are open to the internet, and to which of its addresses (pure)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditkit.attribution.estate import Estate
from auditkit.model.addresses import Networks, Range, complement, merge, ranges
from auditkit.model.inventory import Inventory
from auditkit.model.routing import SecurityGroupRule

_EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a rule's peer is."""

    to_internet: bool | None
    """Whether it holds addresses of the internet; None where that is not known."""
    ranges: tuple[Range, ...] = ()
    """All its addresses; none where they are not known, or where it is a security group."""


def opened(inventory: Inventory, networks: Networks) -> Iterator[Opened]:
    """Tell of each rule whether it is open to the internet: its peer is not all private, VPCs and the network `corporate`.

    Args:
        inventory: rules and prefix lists.
        networks: `internet` and `corporate`.
    """
    outside, doubtful = _outside(networks)
    whole = networks.named["corporate"].whole
    estate = Estate(inventory)
    for rule in inventory.security_group_rules:
        yield _of(rule, estate, outside, doubtful, whole=whole)


def _outside(networks: Networks) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """Addresses of the internet that are not corporate; those that may be, as far as that can be bounded."""
    internet, corporate = networks.named["internet"], networks.named["corporate"]
    ours = merge([*complement(internet.ranges), *corporate.ranges])
    return complement([*ours, *corporate.maybe]), tuple(corporate.maybe)


def _of(
    rule: SecurityGroupRule, estate: Estate, outside: Sequence[Range], doubtful: Sequence[Range], *, whole: bool
) -> Opened:
    held = _ranges(rule, estate)
    if held is None:
        return Opened(None)
    if any(meets(outside, one) for one in held):
        return Opened(True if whole or rule.peer in _EVERYWHERE else None, held)
    return Opened(None if any(meets(doubtful, one) for one in held) else False, held)


def _ranges(rule: SecurityGroupRule, estate: Estate) -> tuple[Range, ...] | None:
    if rule.range is not None:
        return ranges(rule.peer)
    if not rule.peer.startswith("pl-"):
        return ()
    entries = estate.prefixes(rule.peer, rule.region)
    return None if entries is None else merge(one for cidr, _ in entries for one in ranges(cidr))


def meets(parts: Sequence[Range], one: Range) -> bool:
    """Tell whether a range has an address in common with one of `parts`, which are merged and sorted."""
    at = bisect_right(parts, (one[1], 1 << 128)) - 1
    return at >= 0 and parts[at][1] >= one[0]
