"""Records out of what they were delivered in: plain lines, JSON, subscription payloads, exports.

Sources: CloudWatch Logs User Guide, "Log group-level subscription filters" (payload: base64, gzip, logEvents),
"Exporting log data to Amazon S3" (each line begins with its time); Firehose Developer Guide (objects side by side).
"""

from __future__ import annotations

import base64
import binascii
import csv
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from auditkit.engines.reading.held import ObjectRead
from auditkit.engines.reading.lines import LONGEST, TOO_LONG, Wrong
from auditkit.engines.reading.unpacking import unpack

_PAYLOAD = b"H4sI"
"""How gzip's first bytes look in base64."""
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z[ \t]")
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}]', re.DOTALL)
_COLUMN = re.compile(r"@?[A-Za-z]\w*\Z")
_PIECE = 8 * 2**20
_UNPACKED = 16 * 2**20
"""Bytes that one payload may unpack to; CloudWatch packs less than a megabyte."""
_NAMES = ("message", "messageType", "logEvents", "awslogs", "data")
_OTHERS = frozenset({"messageType", "logEvents", "awslogs"})
"""Beside a message, these would be left unread."""
_DEEP = 4
"""Envelopes in one another, at most."""


class Envelopes:
    """Opens the envelopes of one object, piece by piece.

    Records are numbered by the line of the file that they stand on; where several stand on one, the count goes on from there.
    """

    def __init__(self, read: ObjectRead) -> None:
        self.read = read
        self._last = 0
        self._begun = False
        self._message: int | None = None
        """For CSV: which column holds the message."""

    def open(self, text: bytes, first: int) -> Iterator[tuple[bytes, np.ndarray[Any, Any]]]:
        """Open what stands on some lines.

        Args:
            text: Whole lines.
            first: The number of the first of them.

        Yields:
            records, one a line, and their numbers; what is damaged is counted in the object.
        """
        lines = text.removesuffix(b"\n").split(b"\n")
        if not self._begun:
            self._begin(lines)
        if self._plain(text):
            numbers = np.arange(max(first, self._last + 1), max(first, self._last + 1) + len(lines), dtype=np.uint32)
            self._last = int(numbers[-1])
            yield text.removesuffix(b"\n"), numbers
            return
        out, at, size = [], [], 0
        for number, line in enumerate(lines, first):
            for one in self._records(line.strip()):
                self._last = max(self._last + 1, number)
                if isinstance(one, Wrong):
                    self.read.hurt(str(one), self._last)
                    continue
                out.append(one)
                at.append(self._last)
                size += len(one) + 1
                if size > _PIECE:
                    yield b"\n".join(out), np.array(at, dtype=np.uint32)
                    out, at, size = [], [], 0
        if out:
            yield b"\n".join(out), np.array(at, dtype=np.uint32)

    def _begin(self, lines: list[bytes]) -> None:
        """Look for the header of a CSV on the first line that says anything."""
        for at, line in enumerate(lines):
            if line.strip():
                self._begun = True
                names = line[:LONGEST].decode("utf-8", "replace").strip().split(",")
                if len(names) > 1 and all(_COLUMN.match(name) for name in names):
                    self._message = next((names.index(n) for n in ("message", "@message") if n in names), None)
                    lines[at] = b"" if self._message is not None else line
                return

    def _plain(self, text: bytes) -> bool:
        return self._message is None and not any(sign in text for sign in (b"{", b'"', b"[", _PAYLOAD, b"Z ", b"Z\t"))

    def _records(self, line: bytes) -> Iterator[bytes | Wrong]:
        if not line:
            return
        try:
            if self._message is not None and not line.startswith(b"{"):
                yield from self._opened(_cell(line, self._message))
            else:
                yield from self._opened(line)
        except Wrong as wrong:
            yield wrong

    def _opened(self, content: bytes, depth: int = 0) -> Iterator[bytes | Wrong]:
        """Yield the records in an envelope, or why there is none."""
        content = content.strip()
        if depth > _DEEP:
            yield Wrong("stands in too many envelopes")
        elif content[:1] in (b"{", b"[", b'"'):
            yield from self._json(content, depth)
        elif content.startswith(_PAYLOAD):
            yield from self._payload(content, depth)
        elif not content:
            yield Wrong("the message is empty")
        else:
            stamp = _STAMP.match(content)
            record = content[stamp.end() :].strip() if stamp else content
            if b"\n" in record:
                yield Wrong("holds more than one line")
            else:
                yield Wrong(TOO_LONG) if len(record) > LONGEST else record

    def _json(self, content: bytes, depth: int) -> Iterator[bytes | Wrong]:
        try:
            told = msgspec.json.decode(content)
            if not _plainly_once(told, content):
                json.loads(content, object_pairs_hook=_once)
        except Wrong as wrong:
            yield wrong
            return
        except (ValueError, RecursionError):  # of json and msgspec alike
            whole, rest = _objects(content)
            parts = [*whole, rest] if rest.strip() else whole
            if len(parts) < 2:
                yield Wrong("is not JSON")
                return
            for part in parts:
                part = part.strip(b" \t\r,")  # noqa: PLW2901 - the same, without what stands between
                yield from (
                    self._json(part, depth + 1)
                    if part.startswith(b"{") and depth <= _DEEP
                    else iter([Wrong("is not JSON")])
                )
            return
        yield from self._told(told, depth)

    def _told(self, told: Any, depth: int) -> Iterator[bytes | Wrong]:
        """Yield the records that a value of JSON holds."""
        if isinstance(told, str):
            yield from self._opened(told.encode("utf-8", "surrogatepass"), depth + 1)
        elif isinstance(told, list):
            for one in told:
                yield from self._event(one, depth) if isinstance(one, dict) else iter([Wrong("has no message")])
        elif not isinstance(told, dict):
            yield Wrong("has no message")
        elif "message" in told and not _OTHERS.isdisjoint(told):
            yield Wrong("has a message beside other records")
        elif "messageType" in told or "logEvents" in told:
            yield from self._subscribed(told, depth)
        elif isinstance(told.get("awslogs"), dict) and isinstance(told["awslogs"].get("data"), str):
            yield from self._opened(told["awslogs"]["data"].encode("utf-8", "surrogatepass"), depth + 1)
        else:
            yield from self._event(told, depth)

    def _event(self, event: dict[str, Any], depth: int) -> Iterator[bytes | Wrong]:
        message = event.get("message")
        if isinstance(message, str):
            yield from self._opened(message.encode("utf-8", "surrogatepass"), depth + 1)
        else:
            yield Wrong("has no message")

    def _subscribed(self, told: dict[str, Any], depth: int) -> Iterator[bytes | Wrong]:
        """A payload of a subscription: events, or a word of CloudWatch's own, which is no record."""
        kind, events = told.get("messageType"), told.get("logEvents")
        if kind == "CONTROL_MESSAGE":
            if not isinstance(events, list) or not all(map(_of_control, events)):
                yield Wrong("is a control message with records")
            return
        if kind != "DATA_MESSAGE" or not isinstance(events, list):
            yield Wrong("is a payload without events")
            return
        if told.get("owner", self.read.object.account_id) != self.read.object.account_id:
            yield Wrong("is of another account's log group")
            return
        for event in events:
            yield from self._event(event, depth) if isinstance(event, dict) else iter([Wrong("has no message")])

    def _payload(self, content: bytes, depth: int) -> Iterator[bytes | Wrong]:
        try:
            packed = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            yield Wrong("is not base64")
            return
        text, wrong = unpack(packed, _UNPACKED)
        if wrong:
            yield Wrong(f"the payload is damaged: {wrong}")
        else:
            yield from self._opened(text, depth + 1)


def boundary(text: bytes) -> int:
    """Return where the last whole one of JSON objects side by side ends; 0 where there is none."""
    return len(text) - len(_objects(text)[1]) if text.lstrip().startswith(b"{") else 0


def _plainly_once(told: Any, content: bytes) -> bool:
    """Tell cheaply that no name stands twice: in flat JSON without escapes each name and each text has two quotes."""
    if not isinstance(told, dict) or b"\\" in content:
        return isinstance(told, str)
    values = told.values()
    if any(isinstance(value, dict | list) for value in values):
        return False
    return content.count(b'"') == 2 * (len(told) + sum(isinstance(value, str) for value in values))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of JSON.

    Raises:
        Wrong: a name stands twice in it, so that one of the values would be lost.
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise Wrong(f"names {twice if twice in _NAMES else 'a field'} twice")
    return made


def _of_control(event: Any) -> bool:
    """Tell whether an event is CloudWatch's own word, sent to try the way."""
    return isinstance(event, dict) and str(event.get("message", "")).startswith("CWL CONTROL MESSAGE")


def _cell(line: bytes, at: int) -> bytes:
    """Return the message of a line of CSV.

    Raises:
        Wrong: it has none.
    """
    try:
        cells = next(csv.reader([line.decode("utf-8")], strict=True))
    except (csv.Error, UnicodeDecodeError, StopIteration):
        raise Wrong("is not a line of CSV") from None
    if len(cells) <= at:
        raise Wrong("has no message")
    return cells[at].encode()


def _objects(content: bytes) -> tuple[list[bytes], bytes]:
    """Cut JSON objects that stand side by side, and what is left behind the last whole one."""
    out, depth, last = [], 0, 0
    for token in _TOKEN.finditer(content):
        sign = content[token.start()]
        depth += (sign == 0x7B) - (sign == 0x7D)
        if sign == 0x7D and depth <= 0:
            out.append(content[last : token.end()])
            last, depth = token.end(), 0
    return out, content[last:]
