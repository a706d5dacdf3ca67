"""Records line by line: what the fast path rejects. Good ones are kept, others counted by reason and line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from auditkit.engines.reading.fast import assemble
from auditkit.engines.reading.held import ACTIONS, STATUSES
from auditkit.engines.reading.layout import FLOW, LATEST, LIMITS, MILLISECONDS, Layout
from auditkit.engines.reading.values import Addresses
from auditkit.model.records import BY_NAME

LONGEST = 2**20
"""Bytes of a line; the longest record that AWS can write, with every field and tag, is far shorter."""
_RARE = 200
"""Lines for every header, at least, for the fast path to be tried between them."""
TOO_LONG = "is longer than a record can be"


class Wrong(Exception):
    """A record is not what its format says; the message is the reason."""


def words(line: bytes) -> list[str]:
    """Split a line at any run of blanks.

    Raises:
        Wrong: too long, or not UTF-8.
    """
    if len(line) > LONGEST:
        raise Wrong(TOO_LONG)
    try:
        return [word.decode("utf-8") for word in line.split()]
    except UnicodeDecodeError:
        raise Wrong("is not UTF-8 text") from None


def record(layout: Layout, tokens: list[str], addresses: Addresses) -> tuple[Any, ...]:
    """Read the values of one record, in the order of its layout.

    Raises:
        Wrong: it is not a record of this layout.
    """
    if layout.twice:
        raise Wrong("the header names a field twice")
    if len(tokens) != len(layout.names):
        raise Wrong(f"has {len(tokens)} fields, the header {len(layout.names)}")
    values = tuple(_value(name, token, addresses) for name, token in zip(layout.names, tokens, strict=True))
    times = dict(zip(layout.names, values, strict=True))
    for name in ("start", "end"):
        if name in times and times[name] is None:
            raise Wrong(f"{name} is missing")
        if name in times and _seconds(times[name]) > LATEST:
            raise Wrong(f"{name} is not a time it can be")
    if "start" in times and "end" in times and _seconds(times["end"]) < _seconds(times["start"]):
        raise Wrong("ends before it starts")
    if times.get("action", "ACCEPT") not in ACTIONS and _tells(times):
        raise Wrong("action is neither ACCEPT nor REJECT")
    if tokens[0].startswith("\ufeff"):
        raise Wrong("begins with a byte order mark")
    return values


def _tells(record: dict[str, Any]) -> bool:
    """Tell whether a record says that something flowed; without log-status it does where not all of it is `-`."""
    if "log-status" in record:
        return bool(record["log-status"] == "OK")
    return any(record.get(column.replace("_", "-"), "-") not in (None, "-") for column in FLOW)


def _seconds(time: int) -> int:
    return time // 1000 if time > MILLISECONDS else time


def _value(name: str, token: str, addresses: Addresses) -> Any:
    known = BY_NAME.get(name)
    if known is None:
        return token
    if known.type in LIMITS:
        if token == "-":  # noqa: S105 - a token of a line, no secret
            return None
        if token.isascii() and token.isdecimal() and (len(token) < 40 or len(token.lstrip("0")) < 40):
            value = int(token.lstrip("0") or "0")
            if value <= LIMITS[known.type]:
                return value
        raise Wrong(f"{name} is not a number it can be")
    if known.type == "address" and not addresses.one(token):
        raise Wrong(f"{name} is not an address")
    if name == "log-status" and token not in STATUSES:
        raise Wrong("log-status is none of OK, NODATA, SKIPDATA")
    return token


def table(layout: Layout, rows: list[tuple[Any, ...]]) -> pa.Table:
    """Make a table of records that `record` has read."""
    columns = {name: _array([row[at] for row in rows], layout.types[name]) for at, name in enumerate(layout.names)}
    made = assemble(layout, columns, len(rows))
    assert made is not None, "records were checked one by one"
    return made


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if isinstance(kind, pa.DictionaryType):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)


def tidy(text: bytes, numbers: np.ndarray) -> tuple[bytes, np.ndarray, list[int]]:
    """Write lines as AWS writes them, single spaces and nothing else, without blank ones.

    Args:
        text: Lines.
        numbers: The number of each.

    Returns:
        the lines that are left, their numbers, and the numbers of those too long to be looked at.
    """
    kept, at, long = [], [], []
    for number, line in zip(numbers.tolist(), text.split(b"\n"), strict=True):
        if len(line) > LONGEST:
            long.append(number)
        elif tokens := line.split():
            kept.append(b" ".join(tokens))
            at.append(number)
    return b"\n".join(kept), np.array(at, dtype=np.uint32), long


def sections(
    layout: Layout | None, text: bytes, numbers: np.ndarray[Any, Any]
) -> Iterator[tuple[bytes, np.ndarray[Any, Any]]]:
    """Cut lines where the header may stand again, as it does in files put together: before it and after it."""
    mark = b"\n" + layout.names[0].encode() + b" " if layout else b"\n"
    few = text.count(mark) * _RARE <= len(numbers)
    begin, line = 0, 0
    # One at the very beginning stands behind no line end.
    at = -1 if few and text.startswith(mark[1:]) else _found(text, mark, 0 if few else len(text))
    while at < len(text):
        end = text.find(b"\n", at + 1)
        end = len(text) if end < 0 else end
        for first, last in ((begin, at), (at + 1, end)):
            if first <= last:
                count = text.count(b"\n", first, last) + 1
                yield text[first:last], numbers[line : line + count]
                line += count
        begin, at = end + 1, _found(text, mark, end)
    if begin <= len(text):
        yield text[begin:], numbers[line:]


def _found(text: bytes, mark: bytes, start: int) -> int:
    at = text.find(mark, start)
    return len(text) if at < 0 else at


def halves(text: bytes, numbers: np.ndarray[Any, Any]) -> Iterator[tuple[bytes, np.ndarray[Any, Any]]]:
    """Cut lines in two, by number of lines."""
    lines = text.split(b"\n")
    middle = len(lines) // 2
    yield b"\n".join(lines[:middle]), numbers[:middle]
    yield b"\n".join(lines[middle:]), numbers[middle:]
