"""Literals of conditions: the text that a person wrote, typed by the column that it stands beside."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from auditkit.model.addresses import cidr, is_prefix_list, ranges
from auditkit.model.condition import like
from auditkit.model.errors import nearest
from auditkit.model.records import PROTOCOLS
from auditkit.model.tables import NEVER, Column

NETWORKS = ("internet", "private", "vpc")
"""Networks that always exist."""
PER = ("1h", "1d", "period")
"""What a threshold may be counted over."""
CORPORATE = "corporate"
"""The one network that shipped controls leave out as the reader's own: empty unless auditkit.yaml defines it."""

_SIZES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_SIZE = re.compile(r"([0-9]{1,30})\s*([KMGT]I?)?B?", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]{1,5})\s*-\s*([0-9]{1,5})")
_ADDRESS = re.compile(r"[0-9.:/]+|[0-9a-fA-F:./]*:[0-9a-fA-F:./]*")
_PORT = re.compile(r"[0-9]{1,5}")
_MASK = re.compile(r"/[0-9]*[^0-9]")
_SERVICE = re.compile(r"-|[A-Z0-9_]+")
_SHOWN = 80
"""Characters of what was written that a complaint repeats."""


class Wrong(Exception):
    """A literal that the column cannot hold."""


def shown(text: str) -> str:
    """Quote what a person wrote, cut short where it is long."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def reserved(name: str) -> bool:
    """Tell whether a network of auditkit.yaml may not have this name."""
    return name in NETWORKS or name.startswith(("pl-", "com.amazonaws."))


def size(text: str) -> int:
    """Read a number with an optional unit (10GiB, 5MB).

    Raises:
        ValueError: it is neither.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{shown(text)} is not a number or a size such as 10GiB")
    return int(match[1]) * _SIZES[(match[2] or "").upper()]


def typed(column: Column, op: str, item: Any, networks: Collection[str], *, empty_is_safe: bool) -> Any:
    """Type one literal of a condition.

    Args:
        column: what it is compared with.
        op: the operator.
        item: as written.
        networks: names of the networks of auditkit.yaml.
        empty_is_safe: whether a network that nobody defined may be named: where its being empty accuses more, never less.

    Raises:
        Wrong: the column can never hold it.
    """
    if not isinstance(item, str):
        raise Wrong(
            f"{column.name}: a value is expected"
            + ("; what is not decided cannot be asked for" if item is None else "")
        )
    if op == "exists":
        return _boolean(item)
    if op == "like":
        return _pattern(column, item)
    if column.type == "address":
        return _network(item, networks, empty_is_safe=empty_is_safe)
    if column.type in _READ:
        return _READ[column.type](item, op)
    if column.type != "tags" and column.values and item not in column.values:
        raise Wrong(
            f"{shown(item)} is never a value of {column.name}{nearest(item, column.values)} (it is one of {', '.join(column.values)})"
        )
    if column.name.endswith("_aws_service") and not _SERVICE.fullmatch(item):
        raise Wrong(
            f"{shown(item)} is never a value of {column.name}: AWS writes its services in capitals, such as S3, or -"
        )
    return item


def _network(item: str, networks: Collection[str], *, empty_is_safe: bool) -> Any:
    if item in NETWORKS or item in networks or is_prefix_list(item):
        return item
    if item == CORPORATE:
        if empty_is_safe:
            return item
        raise Wrong(
            "the network 'corporate' is not defined, so that nothing is in it: name it under networks: in auditkit.yaml"
        )
    if item.startswith("pl-"):
        raise Wrong(f"{shown(item)} is not the id of a prefix list, which is pl- and 8 to 17 of 0-9 and a-f")
    try:
        if not _MASK.search(item) and "%" not in item:
            return ranges(item)
    except ValueError as error:
        if _ADDRESS.fullmatch(item):
            raise Wrong(f"{shown(item)} is not a network: {str(error)[:200]}") from None
    raise Wrong(
        f"unknown network {shown(item)}{nearest(item, [*NETWORKS, CORPORATE, *networks])}; name it under networks: "
        "in auditkit.yaml, or write a CIDR, the id of a prefix list (pl-…; one of your own has no other name here) or "
        "AWS's name of one (com.amazonaws.us-east-1.s3)"
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
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in items):
            raise ValueError(f"{column.name}: a list of texts is expected")
        return items
    if not isinstance(value, str):
        raise ValueError(f"{column.name}: one value is expected")  # noqa: TRY004 - it is about the text, not the program
    try:
        if column.type in _READ:
            read = _READ[column.type](value, "eq")
            return read[0] if isinstance(read, tuple) else read
    except Wrong as wrong:
        raise ValueError(str(wrong)) from None
    if column.type == "address" and value != "-":
        cidr(value)
    return value


def _pattern(column: Column, item: str) -> str:
    """Check that some value of the column may fit: one of a closed set, or what absence is."""
    possible = (*column.values, column.absence)
    if column.type != "tags" and column.values and not any(like(item).fullmatch(str(one)) for one in possible):
        raise Wrong(f"{shown(item)} fits no value of {column.name} (it is one of {', '.join(column.values)})")
    return item


def _boolean(item: str, _: str = "") -> bool:
    if item.lower() not in ("true", "false"):
        raise Wrong(f"{shown(item)} is not true or false")
    return item.lower() == "true"


def _integer(item: str, _: str = "") -> int:
    try:
        number = size(item)
    except ValueError as error:
        raise Wrong(str(error)) from None
    if number > NEVER:
        raise Wrong(f"{shown(item)} is larger than any number can be ({NEVER})")
    return number


def _port(item: str, op: str) -> int | tuple[int, int]:
    match = _RANGE.fullmatch(item)
    low, high = (int(match[1]), int(match[2])) if match else (-1, -1)
    if not match and _PORT.fullmatch(item):
        low = high = int(item)
    if not 0 <= low <= high <= 65535 or (match and op not in ("in", "not_in")):
        raise Wrong(f"{shown(item)} is not a port or a range of ports such as 6000-6010")
    return (low, high) if match else low


def _protocol(item: str, _: str = "") -> int:
    if item.lower() in PROTOCOLS:
        return PROTOCOLS[item.lower()]
    if _PORT.fullmatch(item) and int(item) < 256:
        return int(item)
    raise Wrong(
        f"{shown(item)} is not a protocol{nearest(item.lower(), PROTOCOLS)} (a number below 256, or one of {', '.join(PROTOCOLS)})"
    )


def _time(item: str, _: str = "") -> datetime:
    try:
        parsed = datetime.fromisoformat(item)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter where UTC is before year 1 or after year 9999
        raise Wrong(f"{shown(item)} is not a time such as 2026-07-01 or 2026-07-01T12:00:00Z") from None


_READ: dict[str, Callable[[str, str], Any]] = {
    "integer": _integer,
    "port": _port,
    "protocol": _protocol,
    "boolean": _boolean,
    "time": _time,
}
