"""Addresses as 128-bit integers (IPv4 mapped into IPv6, RFC 4291 §2.5.5.2), networks as ranges.

One number line for both families keeps every comparison a plain BETWEEN, in SQL and in Python.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

MAPPED = 0xFFFF_0000_0000
"""Offset of ::ffff:0:0/96, where IPv4 addresses stand."""

Range = tuple[int, int]
"""First and last address, both included."""

# RFC 1918, RFC 6598 (100.64/10), loopback, link-local, this-network, 240/4; RFC 4193, RFC 4291.
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
SPECIAL = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "240.0.0.0/4", "::/128", "::1/128", "fe80::/10")
MULTICAST = ("224.0.0.0/4", "ff00::/8")


def address(text: str) -> int | None:
    """Return the integer of an address, or None where `text` is not one."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return int(parsed) + MAPPED if parsed.version == 4 else int(parsed)


@lru_cache(maxsize=2**16)  # a large organization writes few networks, many times
def cidr(text: str) -> Range:
    """Return the range of a CIDR or a single address.

    Raises:
        ValueError: not a network, or host bits are set.
    """
    network = ipaddress.ip_network(text)
    offset = MAPPED if network.version == 4 else 0
    return int(network.network_address) + offset, int(network.broadcast_address) + offset


def ranges(text: str) -> tuple[Range, ...]:
    """Return the addresses of a CIDR: for IPv6, less the mapped block, where IPv4 stands on this number line.

    Raises:
        ValueError: not a network, or host bits are set.
    """
    low, high = cidr(text)
    first, last = MAPPED, MAPPED + 2**32 - 1
    if ":" not in text or high < first or low > last or low >= first:
        return ((low, high),)
    return (low, first - 1), (last + 1, high)


def merge(parts: Iterable[Range]) -> tuple[Range, ...]:
    """Sort, and join what touches or overlaps."""
    out: list[Range] = []
    for low, high in sorted(parts):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return tuple(out)


def complement(parts: Iterable[Range]) -> tuple[Range, ...]:
    """Every address that is in none of `parts`."""
    out: list[Range] = []
    start = 0
    for low, high in merge(parts):
        if low > start:
            out.append((start, low - 1))
        start = high + 1
    if start < 1 << 128:
        out.append((start, (1 << 128) - 1))
    return tuple(out)


@dataclass(frozen=True)
class Network:
    """A named set of addresses."""

    name: str
    """As written in a condition."""
    ranges: tuple[Range, ...]
    """Merged and sorted."""
    whole: bool = True
    """False when a member could not be read: an address outside is then undecided, not outside."""
    maybe: tuple[Range, ...] = ()
    """Merged and sorted, outside `ranges`: addresses that are undecided even so."""

    @cached_property
    def _starts(self) -> list[int]:
        return [low for low, _ in self.ranges]

    def has(self, value: int) -> bool | None:
        """Tell whether the address is a member; None where the evidence cannot decide."""
        at = bisect_right(self._starts, value) - 1
        if at >= 0 and value <= self.ranges[at][1]:
            return True
        return None if not self.whole or any(low <= value <= high for low, high in self.maybe) else False


PREFIX_LIST_ID = re.compile(r"pl-[0-9a-f]{8,17}")
"""Id of a prefix list (Amazon VPC User Guide, "Managed prefix lists"; short ids are AWS's own)."""
_AWS_NAME = "com.amazonaws."


def is_prefix_list(name: str) -> bool:
    """Tell whether a name is the id of a prefix list, or AWS's name of one (com.amazonaws.us-east-1.s3)."""
    return PREFIX_LIST_ID.fullmatch(name) is not None or (name.startswith(_AWS_NAME) and name != _AWS_NAME)


class PrefixListRow(Protocol):
    """What is needed of a prefix list."""

    @property
    def prefix_list_id(self) -> str:
        """Its id."""

    @property
    def prefix_list_name(self) -> str:
        """Its name, which is no key."""

    @property
    def cidrs(self) -> tuple[str, ...] | None:
        """Its entries; None where they were not read."""


def of_prefix_lists(lists: Iterable[PrefixListRow]) -> dict[str, Network]:
    """Make a network of each prefix list, under its id and under AWS's name.

    Several lists may bear one name (that of AWS's global lists does in every region): an address is inside if it is in all
    of them, outside if it is in none, else undecided.
    """
    named: dict[str, list[tuple[Range, ...] | None]] = {}
    for one in lists:
        parts = None if one.cidrs is None else merge(r for text in one.cidrs for r in ranges(text))
        for name in dict.fromkeys((one.prefix_list_id, one.prefix_list_name)):
            if is_prefix_list(name):
                named.setdefault(name, []).append(parts)
    return {name: _agreed(name, parts) for name, parts in named.items()}


def _agreed(name: str, parts: Sequence[tuple[Range, ...] | None]) -> Network:
    """One network of several that bear the same name."""
    read = [one for one in parts if one is not None]
    if len(read) < len(parts):  # one that was not read may hold any address, or none
        return Network(name, (), whole=False)
    somewhere = merge(r for one in read for r in one)
    everywhere = complement(r for one in read for r in complement(one))
    return Network(name, everywhere, maybe=_without(somewhere, everywhere))


def _without(parts: Iterable[Range], others: Iterable[Range]) -> tuple[Range, ...]:
    return complement([*complement(parts), *others])


@dataclass(frozen=True)
class Networks:
    """The named networks of one run."""

    named: dict[str, Network]
    """`internet`, `private`, those of auditkit.yaml, and the prefix lists of the run by id and by AWS's name."""
    vpcs: dict[str, tuple[Range, ...]]
    """The CIDRs of each VPC known to the run: what `vpc` means depends on the row."""

    @classmethod
    def of_run(
        cls,
        configured: Mapping[str, Iterable[str]],
        vpc_cidrs: Mapping[str, Iterable[str]],
        prefix_lists: Iterable[PrefixListRow] = (),
    ) -> Networks:
        """Build the networks of a run from its configuration and the CIDRs of its VPCs.

        Args:
            configured: name → CIDRs, from auditkit.yaml.
            vpc_cidrs: VPC id → CIDRs of both families.
            prefix_lists: as listed; without entries where these were not read.
        """
        vpcs = {vpc_id: merge(r for text in cidrs for r in ranges(text)) for vpc_id, cidrs in vpc_cidrs.items()}
        vpcs = {vpc_id: parts for vpc_id, parts in vpcs.items() if parts}  # every VPC has some: these were not told
        known = [one for parts in vpcs.values() for one in parts]
        private = [cidr(text) for text in PRIVATE]
        outside = [cidr(text) for text in (*SPECIAL, *MULTICAST)]
        # The mapped block is where IPv4 lives on this number line; the rest of IPv6 stays.
        named = of_prefix_lists(prefix_lists)
        named |= {
            name: Network(name, merge(r for text in cidrs for r in ranges(text))) for name, cidrs in configured.items()
        }
        named.setdefault("corporate", Network("corporate", ()))
        named["private"] = Network("private", merge([*private, *known]))
        named["internet"] = Network("internet", complement([*private, *outside, *known]))
        return cls(named, vpcs)

    def network(self, name: str) -> Network:
        """Return a network; of a prefix list that the run does not have, one that decides nothing.

        Raises:
            KeyError: there is no such network.
        """
        found = self.named.get(name)
        if found is None and is_prefix_list(name):
            return Network(name, (), whole=False)
        return self.named[name] if found is None else found
