"""Conditions as people write them → the tree of `auditkit.model.condition`.

A mapping is AND, a list is OR; also `all:`, `any:`, `not:`. Every literal is typed by its column,
and a word that the column can never hold is refused: a rule that cannot match would be a false pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auditkit.config.yaml import Loc
from auditkit.model.addresses import cidr, ranges
from auditkit.model.condition import All, Condition, Not, Some, Test
from auditkit.model.errors import nearest
from auditkit.model.records import PROTOCOLS
from auditkit.model.tables import Column

NETWORKS = ("internet", "private", "vpc")
"""Networks that always exist."""
CORPORATE = "corporate"
"""The one network that shipped controls leave out as the reader's own: empty unless auditkit.yaml defines it."""

_OPERATORS: dict[str, tuple[str, ...]] = {
    "text": ("in", "not_in", "like", "exists"),
    "aws": ("in", "not_in", "like", "exists"),
    "tags": ("in", "not_in", "like", "exists"),
    "integer": ("in", "not_in", "gt", "ge", "lt", "le", "between", "exists"),
    "port": ("in", "not_in", "gt", "ge", "lt", "le", "between", "exists"),
    "protocol": ("in", "not_in", "exists"),
    "address": ("in", "not_in", "exists"),
    "boolean": ("in", "not_in"),
    "time": ("gt", "ge", "lt", "le", "between"),
    "list": ("in", "not_in", "exists"),
    "state": ("in", "not_in"),
    "open": ("in", "not_in"),
}
"""Column type → operators that mean something on it."""

_SIZES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_SIZE = re.compile(r"(\d+)\s*([KMGT]I?)?B?", re.IGNORECASE)
_RANGE = re.compile(r"(\d+)\s*-\s*(\d+)")


class _Wrong(Exception):
    """A literal that the column cannot hold."""


def size(text: str) -> int:
    """Read a number with an optional unit (10GiB, 5MB).

    Raises:
        ValueError: it is neither.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a number or a size such as 10GiB")
    return int(match[1]) * _SIZES[(match[2] or "").upper()]


@dataclass(frozen=True)
class Parser:
    """Reads conditions over the columns of one table."""

    columns: Mapping[str, Column]
    """The columns that may be named."""
    networks: Collection[str]
    """The networks of auditkit.yaml."""
    complain: Callable[[Loc, str], None]
    """Takes each complaint with its place."""

    def condition(self, data: Any, loc: Loc) -> Condition:
        """Read a mapping (AND) or a list (OR); complaints leave a tree that must not be used."""
        if isinstance(data, list):
            if not data:
                self.complain(loc, "an empty list matches nothing")
            return Some(tuple(self.condition(item, (*loc, at)) for at, item in enumerate(data)))
        if not isinstance(data, dict):
            self.complain(loc, "a condition is a mapping of columns, or a list of such mappings")
            return All(())
        if not data:
            self.complain(loc, "an empty mapping matches everything")
        return _all([self._entry(key, value, (*loc, key)) for key, value in data.items()])

    def _entry(self, key: str, value: Any, loc: Loc) -> Condition:
        if key == "not":
            return Not(self.condition(value, loc))
        if key in ("all", "any"):
            if not isinstance(value, list) or not value:
                self.complain(loc, f"{key}: takes a list of conditions")
                return All(())
            parts = tuple(self.condition(item, (*loc, at)) for at, item in enumerate(value))
            return All(parts) if key == "all" else Some(parts)
        column = self.columns.get(key)
        if column is None:
            self.complain(loc, f"unknown column {key!r}{nearest(key, [*self.columns, 'all', 'any', 'not'])}")
            return All(())
        if column.type == "tags":
            return self._tags(column, value, loc)
        return self._tests(column, None, value, loc)

    def _tags(self, column: Column, value: Any, loc: Loc) -> Condition:
        if not isinstance(value, dict) or not value:
            self.complain(loc, f"{column.name}: takes a mapping of tag key to value")
            return All(())
        return _all([self._tests(column, key, inner, (*loc, key)) for key, inner in value.items()])

    def _tests(self, column: Column, key: str | None, value: Any, loc: Loc) -> Condition:
        if not isinstance(value, dict):
            return self._test(column, key, "in", value if isinstance(value, list) else [value], loc)
        if not value:
            self.complain(loc, "an empty mapping asks nothing")
        return _all([self._test(column, key, op, inner, (*loc, op)) for op, inner in value.items()])

    def _test(self, column: Column, key: str | None, op: str, value: Any, loc: Loc) -> Condition:
        allowed = _OPERATORS[column.type]
        if op not in allowed:
            known = op in {o for ops in _OPERATORS.values() for o in ops}
            what = (
                f"{column.name} ({column.type}) does not take the operator {op!r}"
                if known
                else f"unknown operator {op!r}{nearest(op, allowed)}"
            )
            self.complain(loc, f"{what}; it takes {', '.join(allowed)}")
            return All(())
        items = value if isinstance(value, list) else [value]
        if not items:
            self.complain(loc, "an empty list matches nothing")
        if len(items) != (2 if op == "between" else 1) and op not in ("in", "not_in"):
            self.complain(loc, f"{op}: takes {'two values' if op == 'between' else 'one value'}")
            return All(())
        literals = []
        for at, item in enumerate(items):
            try:
                literals.append(self._literal(column, op, item))
            except _Wrong as wrong:
                self.complain((*loc, at) if isinstance(value, list) else loc, str(wrong))
        if column.type == "address" and op != "exists":  # a network of IPv6 may be two ranges
            literals = [part for one in literals for part in ([one] if isinstance(one, str) else one)]
        if op == "between" and len(literals) == 2 and literals[0] > literals[1]:
            self.complain(loc, "between: the first value is the larger")
        return Test(
            column.name,
            op,
            tuple(literals),
            key,
            "text" if key is not None else column.type,
            "" if key is not None else column.absence,
            column.values if column.type == "open" else (),
        )

    def _literal(self, column: Column, op: str, item: Any) -> Any:
        if not isinstance(item, str):
            raise _Wrong(
                f"{column.name}: a value is expected"
                + ("; what is not decided cannot be asked for" if item is None else "")
            )
        if op == "exists":
            return _boolean(item)
        if op == "like":
            return item
        if column.type == "address":
            return self._network(item)
        if column.type in _READ:
            return _READ[column.type](item, op)
        if column.type != "tags" and column.values and item not in column.values:
            raise _Wrong(
                f"{item!r} is never a value of {column.name}{nearest(item, column.values)} (it is one of {', '.join(column.values)})"
            )
        return item

    def _network(self, item: str) -> Any:
        if item in (*NETWORKS, CORPORATE) or item in self.networks:
            return item
        try:
            return ranges(item)
        except ValueError as error:
            if re.fullmatch(r"[0-9.:/]+|[0-9a-fA-F:./]*:[0-9a-fA-F:./]*", item):
                raise _Wrong(f"{item!r} is not a network: {error}") from None
        raise _Wrong(
            f"unknown network {item!r}{nearest(item, [*NETWORKS, CORPORATE, *self.networks])}; name it under networks: in auditkit.yaml, or write a CIDR"
        )


def literal(column: Column, value: Any) -> Any:
    """Type one cell of a row that a person wrote, as the literals of a condition are typed.

    Raises:
        ValueError: the column cannot hold it.
    """
    if value is None:
        return None
    if column.type == "tags":
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise ValueError(f"{column.name}: a mapping of tag key to text is expected")
        return value
    if column.type == "list":
        return value if isinstance(value, list) else [value]
    if not isinstance(value, str):
        raise ValueError(f"{column.name}: one value is expected")  # noqa: TRY004 - it is about the text, not the program
    try:
        if column.type in _READ:
            read = _READ[column.type](value, "eq")
            return read[0] if isinstance(read, tuple) else read
    except _Wrong as wrong:
        raise ValueError(str(wrong)) from None
    if column.type == "address" and value != "-":
        cidr(value)
    return value


def _all(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _boolean(item: str, _: str = "") -> bool:
    if item.lower() not in ("true", "false"):
        raise _Wrong(f"{item!r} is not true or false")
    return item.lower() == "true"


def _integer(item: str, _: str = "") -> int:
    try:
        return size(item)
    except ValueError as error:
        raise _Wrong(str(error)) from None


def _port(item: str, op: str) -> int | tuple[int, int]:
    match = _RANGE.fullmatch(item)
    low, high = (int(match[1]), int(match[2])) if match else (-1, -1)
    if not match and item.isdecimal():
        low = high = int(item)
    if not 0 <= low <= high <= 65535 or (match and op not in ("in", "not_in")):
        raise _Wrong(f"{item!r} is not a port or a range of ports such as 6000-6010")
    return (low, high) if match else low


def _protocol(item: str, _: str = "") -> int:
    if item.lower() in PROTOCOLS:
        return PROTOCOLS[item.lower()]
    if item.isdecimal() and int(item) < 256:
        return int(item)
    raise _Wrong(f"{item!r} is not a protocol{nearest(item.lower(), PROTOCOLS)}")


def _time(item: str, _: str = "") -> datetime:
    try:
        parsed = datetime.fromisoformat(item)
    except ValueError:
        raise _Wrong(f"{item!r} is not a time such as 2026-07-01 or 2026-07-01T12:00:00Z") from None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


_READ: dict[str, Callable[[str, str], Any]] = {
    "integer": _integer,
    "port": _port,
    "protocol": _protocol,
    "boolean": _boolean,
    "time": _time,
}
