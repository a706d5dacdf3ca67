"""Reading AWS's answers: each value has the type that AWS documents, or the answer is `Malformed`.

A snapshot can come from another machine, half written or written by a stranger: nothing in it is taken on trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
"""One resource as botocore parsed it."""

EC2_BEGAN = datetime(2006, 1, 1, tzinfo=UTC)
"""No resource is older than EC2: a time before it is not one."""
LARGEST = 2**63 - 1
"""What a column can hold."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Malformed(ValueError):
    """An answer does not have the shape that AWS documents; says which key and why."""


def text(row: Row, key: str, default: str = "") -> str:
    """Return a text as it stands, whatever it holds."""
    value = row.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise Malformed(f"{key} is {_kind(value)}, not text")
    return value


def required(row: Row, key: str) -> str:
    """Return a text that must be there: an id."""
    value = text(row, key)
    if not value:
        raise Malformed(f"{key} is missing")
    return value


def integer(row: Row, key: str, default: int) -> int:
    """Return a whole number."""
    value = row.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(f"{key} is {_kind(value)}, not a whole number")
    if abs(value) > LARGEST:
        raise Malformed(f"{key} is too large a number")
    return value


def flag(row: Row, key: str) -> bool:
    """Return a boolean; False when absent."""
    value = row.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Malformed(f"{key} is {_kind(value)}, not a boolean")
    return value


def part(row: Row, key: str) -> Row:
    """Return a structure; empty when absent."""
    value = row.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed(f"{key} is {_kind(value)}, not a structure")
    return value


def items(row: Row, key: str) -> list[Row]:
    """Return a list of structures; empty when absent."""
    value = row.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed(f"{key} is {_kind(value)}, not a list")
    for one in value:
        if not isinstance(one, dict):
            raise Malformed(f"{key}[] is {_kind(one)}, not a structure")
    return value


def listed(row: Row, key: str) -> list[Row]:
    """Return a list of structures that must be there: its absence is not the same as an empty one."""
    if row.get(key) is None:
        raise Malformed(f"{key} is missing")
    return items(row, key)


def words(row: Row, key: str) -> tuple[str, ...]:
    """Return a list of texts; empty when absent."""
    value = row.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Malformed(f"{key} is {_kind(value)}, not a list")
    for one in value:
        if not isinstance(one, str):
            raise Malformed(f"{key}[] is {_kind(one)}, not text")
    return tuple(value)


def texts(row: Row, key: str, inner: str) -> list[str]:
    """Return the text `inner` of every structure of a list that has it."""
    return [value for one in items(row, key) if (value := text(one, inner))]


def tags(row: Row, key: str = "Tags") -> dict[str, str]:
    """Return tags as a mapping, from AWS's list of Key and Value."""
    return {text(one, "Key"): text(one, "Value") for one in items(row, key)}


def instant(value: object) -> datetime | None:
    """Return a time in UTC, or None where `value` is not one; a time without zone is UTC."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(parsed, datetime):
            return None
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moment(row: Row, key: str, as_of: datetime) -> datetime | None:
    """Return a time of the past, or None: absent, not a time, before EC2 began, or after the snapshot was taken."""
    value = instant(row.get(key))
    return value if value and _past(value, as_of) else None


def milliseconds(row: Row, key: str, as_of: datetime) -> datetime | None:
    """Return a time of the past that is told in milliseconds since 1970, or None as `moment` does."""
    value = row.get(key)
    if value is None or (isinstance(value, int) and abs(value) > LARGEST):
        return None
    try:
        told = _EPOCH + timedelta(milliseconds=integer(row, key, 0))
    except OverflowError:
        return None
    return told if _past(told, as_of) else None


def _past(value: datetime, as_of: datetime) -> bool:
    # A day of grace: the clocks of collector and AWS differ, and time zones were lost by some recorders.
    return value >= EC2_BEGAN and value - timedelta(days=1) <= as_of


def _kind(value: object) -> str:
    kinds = {str: "text", dict: "a structure", list: "a list", bool: "a boolean"}
    return kinds.get(type(value), "a number")
