"""Log objects in text → typed columns. A fast path reads whole bodies and may reject; what it rejects is read line by line.

Rows in = ok + nodata + skipdata + damaged, always. The header names the columns; position never does.
"""

from __future__ import annotations

import io
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from auditkit.model.addresses import address
from auditkit.model.records import BY_NAME, LogObject

GZIP = 31
"""zlib's window bits for one gzip member."""
LARGEST = 2**31
"""Bytes that one object may unpack to; AWS closes a file at 75 MB packed."""
STATUSES = ("OK", "NODATA", "SKIPDATA")
_FLOW = (
    "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "action", "pkt_srcaddr", "pkt_dstaddr",
)  # fmt: skip
"""Columns that say something of a flow: a line without traffic has `-` in all of them."""
_MILLISECONDS = 10**11
_BATCH = 32 * 2**20
_ARROW = {"port": pa.uint16(), "protocol": pa.uint8(), "integer": pa.uint64()}
_LIMITS = {"port": 65535, "protocol": 255, "integer": 2**63 - 1}
# Bytes that the fast path would trip over or read generously: it leaves those objects to the slow one.
_SUSPECT = (
    b"  ",
    b"\n\n",
    b"\n ",
    b" \n",
    b"\r",
    b"\t",
    b"\v",
    b"\f",
    b"\0",
    b"0x",
    b"0X",
    b"+",
    b"srcaddr",
    b"start",
    b"log-status",
)


@dataclass
class ObjectRead:
    """What one object held."""

    object: LogObject
    """The object."""
    number: int
    """Its number in this run: `obj` in the engine's tables."""
    path: Path
    """Where its bytes lie."""
    header: tuple[str, ...] = ()
    """Field names of its first header."""
    top: int = 1
    """The line that its first header stands on."""
    ok: int = 0
    """Lines with log-status OK."""
    nodata: int = 0
    """Lines with NODATA."""
    skipdata: int = 0
    """Lines with SKIPDATA."""
    damage: Counter[str] = field(default_factory=Counter)
    """Reason → damaged lines (or 1 for a damaged end)."""
    first_damage: str = ""
    """Line and reason of the first damaged line."""

    @property
    def damaged(self) -> int:
        """Damaged lines."""
        return sum(self.damage.values())

    broken: bool = False
    """More than single lines is damaged: how much was lost is not known."""

    def hurt(self, reason: str, line: int = 0) -> None:
        """Count one damaged line; without a line, the object itself is broken."""
        self.damage[reason] += 1
        self.broken = self.broken or not line
        if not self.first_damage:
            self.first_damage = f"line {line}: {reason}" if line else reason


def unpack(data: bytes) -> tuple[bytes, str]:
    """Unpack gzip of one or several members.

    Returns:
        what could be unpacked, and what was wrong with the rest ('' when whole).
    """
    out: list[bytes] = []
    total = 0
    if not data:
        return b"", "the object is empty: not even a gzip header"
    while data:
        member = zlib.decompressobj(GZIP)
        try:
            text = member.decompress(data, LARGEST - total)
            if out and _new_file(b"".join(out), text):
                out.append(b"\n")
            out.append(text)
        except zlib.error:
            # Byte by byte up to the damage: what stood before it is still good.
            return b"".join(out) + _salvage(data), "the gzip data is damaged"
        total += len(out[-1])
        if total >= LARGEST:
            return b"".join(out), "unpacks to more than an object may hold"
        if not member.eof:
            return b"".join(out), "the gzip data is truncated"
        data = member.unused_data.lstrip(b"\0")
    return b"".join(out), ""


def _new_file(before: bytes, text: bytes) -> bool:
    """Tell whether files were put together, the first without an end to its last line.

    Members may also be cut anywhere: only a whole record before a whole header is a border.
    """
    if before.endswith(b"\n") or b"\n" not in before:
        return False
    words = text.partition(b"\n")[0].decode("utf-8", "replace").split()
    last = before[before.rfind(b"\n") + 1 :].split()
    header = before.partition(b"\n")[0].split()
    return len(last) == len(header) and is_header(words) and words[0] in BY_NAME


def _salvage(data: bytes) -> bytes:
    member = zlib.decompressobj(GZIP)
    out = bytearray()
    try:
        for at in range(0, len(data), 64):
            out += member.decompress(data[at : at + 64], LARGEST)
    except zlib.error:
        pass
    return bytes(out)


@dataclass
class Batch:
    """Typed rows of one format."""

    fields: tuple[str, ...]
    """Known field names that the format has, hyphenated."""
    table: pa.Table
    """Columns of those fields in AWS's Parquet spelling, `obj` and `line`; `-` is null in numbers, text else."""


class Reader:
    """Reads objects into batches.

    Every object handed in leaves an `ObjectRead` in `objects`, in order.
    """

    def __init__(self) -> None:
        self.objects: list[ObjectRead] = []
        self.addresses: dict[str, int | None] = {}
        """Every distinct address seen, parsed once; None: not an address."""

    def read(self, given: Iterable[tuple[LogObject, Path]]) -> Iterator[Batch]:
        """Read objects, joining neighbours of the same format into batches of some megabytes."""
        waiting: dict[tuple[str, ...], list[tuple[ObjectRead, bytes]]] = {}
        size = 0
        for log_object, path in given:
            read = ObjectRead(log_object, len(self.objects), path)
            self.objects.append(read)
            body = self._open(read)
            if body is None:
                continue
            waiting.setdefault(read.header, []).append((read, body))
            size += len(body)
            if size > _BATCH:
                yield from self._flush(waiting)
                size = 0
        yield from self._flush(waiting)

    def _open(self, read: ObjectRead) -> bytes | None:
        """Unpack an object and read its header; return its body, or None where there is none."""
        try:
            data = read.path.read_bytes()
        except OSError as error:
            read.hurt(f"cannot be read: {error.strerror}")
            return None
        text, wrong = unpack(data)
        if wrong:
            read.hurt(wrong)
            text = text[: text.rfind(b"\n") + 1]  # the last line may be half a line
        head, _, body = text.partition(b"\n")
        while not head.strip() and body:
            head, _, body = body.partition(b"\n")
            read.top += 1
        names = head.decode("utf-8", "replace").split()
        if not is_header(names):
            _hurt_all(read, head + b"\n" + body, "no header names the fields", read.top)
            return None
        if len(set(names)) != len(names):
            _hurt_all(read, body, "the header names a field twice", read.top + 1)
            return None
        read.header = tuple(names)
        return body

    def _flush(self, waiting: dict[tuple[str, ...], list[tuple[ObjectRead, bytes]]]) -> Iterator[Batch]:
        for header, bodies in waiting.items():
            suspect = [one for one in bodies if not _clean(one[1])]
            odd = {read.number for read, _ in suspect}
            yield from self._halves(header, [one for one in bodies if one[0].number not in odd])
            for read, body in suspect:
                yield from self._slow(read, body)
        waiting.clear()

    def _halves(self, header: tuple[str, ...], bodies: list[tuple[ObjectRead, bytes]]) -> Iterator[Batch]:
        """Read bodies fast, halving down to those that the fast path rejects; they are read slowly."""
        if not bodies:
            return
        batch = self._fast(header, bodies)
        if batch is not None:
            if batch.table.num_rows:
                yield batch
        elif len(bodies) == 1:
            yield from self._slow(*bodies[0])
        else:
            middle = len(bodies) // 2
            yield from self._halves(header, bodies[:middle])
            yield from self._halves(header, bodies[middle:])

    def _fast(self, header: tuple[str, ...], bodies: list[tuple[ObjectRead, bytes]]) -> Batch | None:
        """Read bodies at once; None where any line is not exactly what the format says."""
        bodies = [one for one in bodies if one[1]]
        fields = known(header)
        if not bodies:
            return Batch(fields, pa.table({"obj": pa.array([], pa.uint32())}))
        types = {
            name: _ARROW.get(BY_NAME[name].type, pa.string()) if name in BY_NAME else pa.string() for name in header
        }
        counts = [body.count(b"\n") + (not body.endswith(b"\n")) for _, body in bodies]
        joined = b"".join(body if body.endswith(b"\n") else body + b"\n" for _, body in bodies)
        try:
            table = pacsv.read_csv(
                io.BytesIO(joined),
                read_options=pacsv.ReadOptions(
                    column_names=list(header), use_threads=False, block_size=max(len(joined), 1024)
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=" ", quote_char=False, escape_char=False, ignore_empty_lines=False
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types=types, null_values=["-"], strings_can_be_null=False, include_columns=list(fields)
                ),
            )
        except pa.ArrowInvalid:
            return None
        if table.num_rows != sum(counts) or not self._sound(table, fields):
            return None
        obj = [read.number for (read, _), count in zip(bodies, counts, strict=True) for _ in range(count)]
        line = [
            at
            for (read, _), count in zip(bodies, counts, strict=True)
            for at in range(read.top + 1, read.top + 1 + count)
        ]
        table = table.rename_columns([BY_NAME[name].column for name in fields])
        table = table.append_column("obj", pa.array(obj, pa.uint32())).append_column(
            "line", pa.array(line, pa.uint32())
        )
        return Batch(fields, table)

    def _sound(self, table: pa.Table, fields: tuple[str, ...]) -> bool:
        """Check what types cannot: addresses, statuses, times."""
        for name in fields:
            if BY_NAME[name].type == "address" and not all(self._address(a) for a in table[name].unique().to_pylist()):
                return False
            if BY_NAME[name].type == "integer" and _above(table[name], _LIMITS["integer"]):
                return False
        if "log-status" not in fields or not {"start", "end"} <= set(fields):
            return False  # rare formats: judged line by line
        if not set(table["log-status"].unique().to_pylist()) <= set(STATUSES):
            return False
        starts, ends = table["start"], table["end"]
        if starts.null_count or ends.null_count or _above(starts, _MILLISECONDS) or _above(ends, _MILLISECONDS):
            return False
        return not _any(pc.less(ends, starts))

    def _address(self, text: str) -> bool:
        """Parse an address once; `-` is fine."""
        if text not in self.addresses:
            self.addresses[text] = None if text == "-" else address(text)
        return text == "-" or self.addresses[text] is not None

    def _slow(self, read: ObjectRead, body: bytes) -> Iterator[Batch]:
        """Read line by line: good rows are kept, others counted by reason, with the first line named."""
        rows: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        names = read.header
        for at, raw in enumerate(body.split(b"\n"), read.top + 1):
            try:
                tokens = [word.decode("utf-8") for word in raw.split()]
            except UnicodeDecodeError:
                read.hurt("is not UTF-8 text", at)
                continue
            if not tokens:
                continue
            if is_header(tokens):
                names = tuple(tokens)
                continue
            row = self._line(read, names, tokens, at)
            if row is not None:
                rows.setdefault(known(names), []).append({**row, "obj": read.number, "line": at})
        for fields, some in rows.items():
            columns = {BY_NAME[n].column: _ARROW.get(BY_NAME[n].type, pa.string()) for n in fields} | {
                "log_status": pa.string(),
                "obj": pa.uint32(),
                "line": pa.uint32(),
            }
            yield Batch(fields, pa.table({c: pa.array([r.get(c) for r in some], t) for c, t in columns.items()}))

    def _line(self, read: ObjectRead, names: tuple[str, ...], words: list[str], at: int) -> dict[str, Any] | None:
        if len(words) != len(names):
            read.hurt(f"has {len(words)} fields, the header {len(names)}", at)
            return None
        row: dict[str, Any] = {}
        for name, word in zip(names, words, strict=True):
            known_field = BY_NAME.get(name)
            if known_field is None:
                continue
            column = known_field.column
            if known_field.type in _LIMITS:
                if word == "-":
                    row[column] = None
                elif word.isascii() and word.isdecimal() and int(word) <= _LIMITS[known_field.type]:
                    row[column] = int(word)
                else:
                    read.hurt(f"{name} is not a number it can be", at)
                    return None
            elif known_field.type == "address" and not self._address(word):
                read.hurt(f"{name} is not an address", at)
                return None
            else:
                row[column] = word
        return self._timed(read, row, at)

    def _timed(self, read: ObjectRead, row: dict[str, Any], at: int) -> dict[str, Any] | None:
        """Check status and times; milliseconds, which AWS once wrote, become seconds."""
        if "log_status" not in row:
            # A line of nothing may stand for skipped records as well as for none: without the field nobody can tell.
            told = [row[c] for c in _FLOW if c in row]
            row["log_status"] = "SKIPDATA" if told and all(v in (None, "-") for v in told) else "OK"
        if row["log_status"] not in STATUSES:
            read.hurt("log-status is none of OK, NODATA, SKIPDATA", at)
            return None
        for column in ("start", "end"):
            if column in row:
                if row[column] is None:
                    read.hurt(f"{column} is missing", at)
                    return None
                if row[column] > _MILLISECONDS:
                    row[column] //= 1000
        if row.get("end", 2**62) < row.get("start", 0):
            read.hurt("ends before it starts", at)
            return None
        return row


def known(header: Iterable[str]) -> tuple[str, ...]:
    """The fields of a header that this version knows, log-status always (it is made up where the format lacks it)."""
    return tuple(name for name in header if name in BY_NAME)


def is_header(words: list[str]) -> bool:
    """Tell a header from a record: nothing but words, most of them names of fields."""
    if any(word.isdecimal() or word == "-" for word in words):
        return False
    return sum(word in BY_NAME for word in words) * 2 > len(words)


def _hurt_all(read: ObjectRead, text: bytes, reason: str, top: int) -> None:
    """Count every line that says something as damaged, and the object as broken."""
    read.broken = True
    for at, line in enumerate(text.split(b"\n"), top):
        if line.strip():
            read.hurt(reason, at)


def _clean(body: bytes) -> bool:
    return body.isascii() and not body.startswith((b" ", b"\n")) and not any(bad in body for bad in _SUSPECT)


def _above(column: pa.ChunkedArray, limit: int) -> bool:
    return _any(pc.greater(column, pa.scalar(limit, column.type)))


def _any(column: pa.ChunkedArray) -> bool:
    return bool(pc.any(column).as_py())
