"""Conditions once more: judged on the text that a person wrote, one row at a time, by the tables of Kleene's strong logic."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from datetime import UTC, datetime
from typing import Any

STATES = ["none", "failing", "partial", "misdirected", "malformed", "complete"]
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "icmpv6": 58}
UNITS = {
    "": 1,
    "B": 1,
    "K": 10**3,
    "KB": 10**3,
    "M": 10**6,
    "MB": 10**6,
    "G": 10**9,
    "GB": 10**9,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
}
ABSENT = {"text": "", "aws": "-", "address": "-", "integer": 0, "port": 0, "protocol": 0, "list": []}
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]
ELSE = [
    "127.0.0.0/8",
    "::1/128",
    "169.254.0.0/16",
    "fe80::/10",
    "240.0.0.0/4",
    "224.0.0.0/4",
    "ff00::/8",
    "0.0.0.0/8",
    "::/128",
]
"""Loopback, link-local, 240/4; no unicast: multicast, the unspecified."""

WORDS = ["whole", "gap", "idle", "expired", "pending", "unknown"]
OPEN = ["unknown", "pending", "expired"]
"""Words of an open column, and those of them that say that it could not be decided."""

K = bool | None


def both(values: list[K]) -> K:
    return False if False in values else None if None in values else True


def either(values: list[K]) -> K:
    return True if True in values else None if None in values else False


def no(value: K) -> K:
    return None if value is None else not value


def agreed(values: list[K]) -> K:
    return values[0] if len(set(values)) == 1 else None


class Kleene:
    """Judges text data over the columns of one table.

    Args:
        types: column → type.
        named: network → its CIDRs, and whether all its members could be read.
        vpcs: VPC id → CIDRs.
        lists: prefix list, by id or name → the entries of each list so called, None where they were not read.
    """

    def __init__(
        self,
        types: dict[str, str],
        named: dict[str, tuple[list[str], bool]],
        vpcs: dict[str, list[str]],
        lists: dict[str, list[list[str] | None]] | None = None,
    ):
        self.types, self.named, self.vpcs, self.lists = types, named, vpcs, lists or {}

    def judge(self, data: Any, row: dict[str, Any]) -> K:
        if isinstance(data, list):
            return either([self.judge(one, row) for one in data])
        return both([self.entry(key, value, row) for key, value in data.items()])

    def entry(self, key: str, value: Any, row: dict[str, Any]) -> K:
        if key == "not":
            return no(self.judge(value, row))
        if key == "all":
            return both([self.judge(one, row) for one in value])
        if key == "any":
            return either([self.judge(one, row) for one in value])
        if self.types[key] != "tags":
            return self.cell(self.types[key], value, row[key], row)
        tags = row[key]
        return both(
            [
                self.cell("text", inner, None if tags is None else dict(tags).get(tag, ""), row)
                for tag, inner in value.items()
            ]
        )

    def cell(self, type_: str, wish: Any, cell: Any, row: dict[str, Any]) -> K:
        if not isinstance(wish, dict):
            wish = {"in": wish}
        return both(
            [
                self.operator(type_, op, value if isinstance(value, list) else [value], cell, row)
                for op, value in wish.items()
            ]
        )

    def operator(self, type_: str, op: str, items: list[str], cell: Any, row: dict[str, Any]) -> K:
        if cell is None:
            return None
        if type_ == "state" and cell == "unknown":
            least = STATES.index(row["at_least"] or "none")
            return agreed([self.operator(type_, op, items, s, row) for s in STATES[least:]])
        if type_ == "open" and cell in OPEN and cell not in items:
            stands_for = WORDS if cell == "unknown" else [w for w in WORDS if w not in OPEN]
            return agreed([(one in items) is (op == "in") for one in stands_for])
        if op == "not_in":
            return no(self.operator(type_, "in", items, cell, row))
        if op == "exists":
            return (cell != ABSENT[type_]) is (items[0] == "true")
        if op == "like":
            return self.like(items[0], cell)
        if op == "in":
            return either([self.member(type_, item, cell, row) for item in items])
        wanted = [self.number(type_, item) for item in items]
        return {
            "gt": lambda: cell > wanted[0],
            "ge": lambda: cell >= wanted[0],
            "lt": lambda: cell < wanted[0],
            "le": lambda: cell <= wanted[0],
            "between": lambda: wanted[0] <= cell <= wanted[1],
        }[op]()

    def like(self, pattern: str, cell: str) -> bool:
        shell = "".join({"%": "*", "_": "?"}.get(c, f"[{c}]" if c in "*?[" else c) for c in pattern)
        return fnmatch.fnmatchcase(cell, shell)

    def number(self, type_: str, text: str) -> Any:
        if type_ == "time":
            when = datetime.fromisoformat(text)
            return when if when.tzinfo else when.replace(tzinfo=UTC)
        if type_ == "boolean":
            return text == "true"
        if type_ == "protocol":
            return PROTOCOLS.get(text) or int(text)
        digits, unit = re.fullmatch(r"(\d+)\s*(\w*)", text).groups()  # type: ignore[union-attr]
        return int(digits) * UNITS[unit.upper()]

    def member(self, type_: str, item: str, cell: Any, row: dict[str, Any]) -> K:
        if type_ == "address":
            return False if cell == "-" else self.inside(item, ipaddress.ip_address(cell), row)
        if type_ == "list":
            return item in cell
        if type_ == "port" and "-" in item:
            low, high = item.split("-")
            return int(low) <= cell <= int(high)
        if type_ in ("integer", "port", "protocol", "boolean"):
            return cell == self.number(type_, item)
        return cell == item

    def inside(self, item: str, address: Any, row: dict[str, Any]) -> K:
        address = getattr(address, "ipv4_mapped", None) or address

        def among(cidrs: list[str]) -> bool:
            return any(address in ipaddress.ip_network(one) for one in cidrs)

        everywhere = [one for cidrs in self.vpcs.values() for one in cidrs]
        if item == "private":
            return among(PRIVATE + everywhere)
        if item == "internet":
            return not among(PRIVATE + ELSE + everywhere)
        if item == "vpc":
            return None if not self.vpcs.get(row["vpc_id"]) else among(self.vpcs[row["vpc_id"]])
        if item.startswith(("pl-", "com.amazonaws.")):
            known = [None if one is None else among(one) for one in self.lists.get(item, [None])]
            return agreed(known)
        if item in self.named:
            cidrs, whole = self.named[item]
            return among(cidrs) or (False if whole else None)
        return among([item])
