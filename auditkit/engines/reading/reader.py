"""Log objects → typed batches. A fast path reads whole bodies and may reject; what it rejects is read line by line.

Records in = ok + nodata + skipdata + damaged, always. The header names the columns; position never does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from auditkit.engines.reading import fast, parquet
from auditkit.engines.reading.envelopes import Envelopes, boundary
from auditkit.engines.reading.formats import Candidates
from auditkit.engines.reading.gather import Gathered
from auditkit.engines.reading.held import Batch, ObjectRead
from auditkit.engines.reading.layout import Layout, is_header
from auditkit.engines.reading.lines import TOO_LONG, Wrong, halves, record, sections, table, tidy, words
from auditkit.engines.reading.ordered import ordered
from auditkit.engines.reading.pieces import pieces
from auditkit.engines.reading.unpacking import EMPTY, Unpacked
from auditkit.engines.reading.values import Addresses
from auditkit.model.records import LogObject

_UNIT = 2 * 2**20
"""Packed bytes, and objects, that a thread takes at once."""
_OBJECTS = 1000
_SMALL = 2**20
"""Text of objects below is joined: many objects are small, and each reading has its price."""
_JOINED = 8 * 2**20
_LEAF = 64
"""Lines that are not halved again."""
_NO_HEADER = "no header names the fields"


@dataclass
class _Text:
    """An object as it is read."""

    read: ObjectRead
    layout: Layout | None = None
    """The fields by the last header."""


@dataclass
class _Waiting:
    """Small bodies of one layout."""

    bodies: dict[Layout, list[tuple[_Text, bytes, int]]] = field(default_factory=dict)
    """Layout → object, lines with an end, number of the first line."""
    size: int = 0


class Reader:
    """Reads objects into batches.

    Every object handed in leaves an `ObjectRead` in `objects`, in order.
    """

    def __init__(self) -> None:
        self.objects: list[ObjectRead] = []
        self.addresses = Addresses()
        """Every distinct address seen, parsed once; None: `-`."""

    def read(self, given: Iterable[tuple[LogObject, Path]]) -> Iterator[Batch]:
        """Read objects, joining neighbours of the same format; the same objects give the same batches."""
        units = self._units(given)
        first, second = next(units, None), next(units, None)
        if first is None:
            return
        if second is None:
            yield from self._unit(first)
        else:
            yield from ordered(chain((first, second), units), self._unit)

    def _units(self, given: Iterable[tuple[LogObject, Path]]) -> Iterator[list[ObjectRead]]:
        unit: list[ObjectRead] = []
        size = 0
        for log_object, path in given:
            read = ObjectRead(log_object, len(self.objects), path)
            self.objects.append(read)
            unit.append(read)
            size += _size(path)
            if size >= _UNIT or len(unit) >= _OBJECTS:
                yield unit
                unit, size = [], 0
        if unit:
            yield unit

    def _unit(self, reads: list[ObjectRead]) -> Iterator[Batch]:
        work = _Work(self.addresses)
        for read in reads:
            yield from work.object(read)
        work.flush()
        yield from work.gathered.rest()


class _Work:
    """Objects read one after the other."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        self.gathered = Gathered()
        self.waiting = _Waiting()

    def object(self, read: ObjectRead) -> Iterator[Batch]:
        """Read an object; what could not be read is counted in it."""
        try:
            with read.path.open("rb") as stored:
                magic = stored.read(len(parquet.MAGIC))
                stored.seek(0)
                if magic == parquet.MAGIC:
                    yield from parquet.read(read, stored, self.addresses, self.gathered)
                elif not magic:
                    self._nothing(read)
                elif read.object.carrier == "lines":
                    yield from self._headerless(read, stored)
                else:
                    yield from self._headed(read, Unpacked(stored))
        except OSError as error:
            read.hurt(f"cannot be read: {error.strerror}")

    def _nothing(self, read: ObjectRead) -> None:
        if read.object.carrier != "lines" or read.object.size:
            read.hurt(EMPTY)

    # -- with a header -------------------------------------------------------------------------------------------

    def _headed(self, read: ObjectRead, parts: Unpacked) -> Iterator[Batch]:
        state, some = _Text(read), pieces(parts, read)
        piece, after = next(some, None), next(some, None)
        while piece is not None:
            text, first = piece
            start = 0
            if state.layout is None:
                start, lines = _head(state, text)
                first += lines
            if after is None and state.layout and len(text) < _SMALL:
                self._wait(state, text[start:], first)
            else:
                self._body(state, text, start, first)
            yield from self.gathered.full()
            piece, after = after, next(some, None)

    def _wait(self, state: _Text, text: bytes, first: int) -> None:
        if text and state.layout:
            body = text if text.endswith(b"\n") else text + b"\n"
            self.waiting.bodies.setdefault(state.layout, []).append((state, body, first))
            self.waiting.size += len(body)
        if self.waiting.size >= _JOINED:
            self.flush()

    def flush(self) -> None:
        """Read the small bodies that wait, all of a layout at once, or else one by one."""
        for layout, bodies in self.waiting.bodies.items():
            counts = [body.count(b"\n") for _, body, _ in bodies]
            rows = fast.parse(layout, b"".join(body for _, body, _ in bodies), 0, sum(counts), self.addresses)
            if rows is None:
                for state, body, first in bodies:
                    self._body(state, body, 0, first)
                continue
            lines = np.concatenate(
                [np.arange(f, f + c, dtype=np.uint32) for (_, _, f), c in zip(bodies, counts, strict=True)]
            )
            reads = [(state.read, count) for (state, _, _), count in zip(bodies, counts, strict=True)]
            self.gathered.add(layout.fields, rows, reads, lines)
        self.waiting = _Waiting()

    def _body(self, state: _Text, text: bytes, start: int, first: int) -> None:
        count = text.count(b"\n", start) + (len(text) > start and not text.endswith(b"\n"))
        numbers = np.arange(first, first + count, dtype=np.uint32)
        if self._quick(state, text, start, numbers):
            return
        for section, some in sections(state.layout, text[start:].removesuffix(b"\n"), numbers):
            if not self._quick(state, section, 0, some):
                self._halves(state, *self._tidy(state.read, section, some))

    def _quick(self, state: _Text, text: bytes, start: int, numbers: np.ndarray[Any, Any]) -> bool:
        if not len(numbers):
            return True
        if state.layout is None:
            return False
        rows = fast.parse(state.layout, text, start, len(numbers), self.addresses)
        if rows is not None:
            self.gathered.add(state.layout.fields, rows, [(state.read, len(numbers))], numbers)
        return rows is not None

    def _tidy(self, read: ObjectRead, text: bytes, numbers: np.ndarray[Any, Any]) -> tuple[bytes, np.ndarray[Any, Any]]:
        text, numbers, long = tidy(text, numbers)
        for number in long:
            read.hurt(TOO_LONG, number)
        return text, numbers

    def _halves(self, state: _Text, text: bytes, numbers: np.ndarray[Any, Any]) -> None:
        """Read lines fast, halving down to the few that hold what the fast path rejects; they are read slowly."""
        if self._quick(state, text, 0, numbers):
            return
        if len(numbers) <= _LEAF:
            self._slow(state, text, numbers)
            return
        for half, some in halves(text, numbers):
            self._halves(state, half, some)

    def _slow(self, state: _Text, text: bytes, numbers: np.ndarray[Any, Any]) -> None:
        rows: dict[Layout, tuple[list[int], list[tuple[Any, ...]]]] = {}
        for number, line in zip(numbers.tolist(), text.split(b"\n"), strict=True):
            try:
                tokens = words(line)
                if is_header(tokens):
                    state.layout = Layout(tuple(tokens))
                    state.read.header = state.read.header or state.layout.names
                elif state.layout is None:
                    state.read.broken = True
                    raise Wrong(_NO_HEADER)  # noqa: TRY301 - counted below, as every other reason
                else:
                    row = record(state.layout, tokens, self.addresses)
                    at, some = rows.setdefault(state.layout, ([], []))
                    at.append(number)
                    some.append(row)
            except Wrong as wrong:
                state.read.hurt(str(wrong), number)
        for layout, (at, some) in rows.items():
            self.gathered.add(layout.fields, table(layout, some), [(state.read, len(some))], np.array(at))

    # -- without a header ----------------------------------------------------------------------------------------

    def _headerless(self, read: ObjectRead, stored: Any) -> Iterator[Batch]:
        candidates = Candidates(read.object.formats, read.object.flow_log_ids, self.addresses)
        envelopes = Envelopes(read)
        for text, first in pieces(Unpacked(stored, again=True), read, boundary):
            for lines, numbers in envelopes.open(text, first):
                candidates.match(read, *self._tidy(read, lines, numbers), self.gathered)
                yield from self.gathered.full()


def _head(state: _Text, text: bytes) -> tuple[int, int]:
    """Read the header on top, if there is one; return where the lines below it begin, and how many stand above."""
    start, lines = 0, 0
    while start < len(text):
        end = text.find(b"\n", start)
        end = len(text) if end < 0 else end
        try:
            tokens = words(text[start:end])
        except Wrong:
            break
        if tokens and not is_header(tokens):
            break
        start, lines = end + 1, lines + 1
        if tokens:
            state.layout = Layout(tuple(tokens))
            state.read.header = state.layout.names
            state.read.broken = state.read.broken or state.layout.twice
            break
    return min(start, len(text)), lines


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
