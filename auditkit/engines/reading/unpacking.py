"""Stored bytes → text, piece by piece: gzip and zstd of any number of members, or plain.

What it is, the first bytes tell, never a name. No object is ever held unpacked as a whole, and none may grow without end.
Sources: RFC 1952 (gzip), RFC 8878 (zstd).
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import pyarrow as pa
from isal import igzip_lib, isal_zlib

LARGEST = 2**31
"""Bytes that one object may unpack to; AWS closes a file at 75 MB packed."""
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_GZIP_BITS = 31
"""zlib's window bits for one gzip member."""
_BROKEN: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # its stub calls the class an instance
_PACKED = 4 * 2**20
_TEXT = 16 * 2**20
_SMALL = 2**14
_BLOCK = 2**12
_NOT_PADDING = re.compile(rb"[^\0]")
_DEEP = 2
"""How often something packed may be packed again."""


class Unpacked:
    """The text of stored bytes, in parts: iterate once, then look at `wrong`.

    Each part says whether a gzip member begins with it.
    """

    def __init__(self, stored: BinaryIO, *, again: bool = False, most: int = 0) -> None:
        """Unpack a file.

        Args:
            stored: The bytes as they lie there.
            again: Whether what was unpacked may itself be packed, as a delivery stream does that packs packed records.
            most: Bytes that it may unpack to, if not `LARGEST`.
        """
        self.wrong = ""
        """What was wrong with the rest, '' when whole."""
        self._stored = stored
        self._again = _DEEP - 1 if again else 0
        self._most = most or LARGEST

    def __iter__(self) -> Iterator[tuple[bytes, bool]]:
        yield from self._of((part, False) for part in iter(lambda: self._stored.read(_PACKED), b""))

    def _counted(self, parts: Iterator[tuple[bytes, bool]]) -> Iterator[tuple[bytes, bool]]:
        total = 0
        for part, begins in parts:
            total += len(part)
            if total >= self._most:
                self.wrong = "unpacks to more than an object may hold"
                return
            yield part, begins

    def _of(self, parts: Iterator[tuple[bytes, bool]], depth: int = 0) -> Iterator[tuple[bytes, bool]]:
        first, begins = next(parts, (b"", True))
        while len(first) < len(ZSTD) and (more := next(parts, None)) is not None:
            first += more[0]
        unpack = _gunzip if first.startswith(GZIP) else _unzstd if first.startswith(ZSTD) else None
        if unpack is None:
            yield first, begins
            yield from parts
            return
        last = next(parts, None)
        whole = _quick(first) if unpack is _gunzip and last is None else None
        if whole is not None:
            text = self._counted(iter([(whole, True)] if whole else ()))
        else:
            text = self._counted(unpack(self, _chain(first, chain([last] if last else [], parts))))
        yield from self._of(text, depth + 1) if depth < self._again else text


def unpack(data: bytes, most: int = 0) -> tuple[bytes, str]:
    """Unpack bytes, to at most so many, or else `LARGEST`.

    Returns:
        what could be unpacked, and what was wrong with the rest ('' when whole).
    """
    if not data:
        return b"", EMPTY
    parts = Unpacked(io.BytesIO(data), most=most)
    return b"".join(part for part, _ in parts), parts.wrong


EMPTY = "the object is empty: not even a gzip header"


def _chain(first: bytes, parts: Iterator[tuple[bytes, bool]]) -> Iterator[bytes]:
    yield first
    for part, _ in parts:
        yield part


def _quick(data: bytes) -> bytes | None:
    """Unpack gzip of one sound member and not too much in it; None for anything else."""
    member = isal_zlib.decompressobj(_GZIP_BITS)
    try:
        text = member.decompress(data, _TEXT)
    except _BROKEN:
        return None
    return bytes(text) if member.eof and not member.unused_data else None


def _gunzip(of: Unpacked, parts: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    member, begins, used, step = None, True, _PACKED, _PACKED
    for part in parts:
        at = 0
        while at < len(part):
            if member is None:
                found = _NOT_PADDING.search(part, at)
                at = found.start() if found else len(part)
                if at == len(part):
                    break
                # Members by the million must not copy what follows each: a short one lets the next begin short.
                member, begins, step, used = (
                    zlib.decompressobj(_GZIP_BITS),
                    True,
                    max(_SMALL, min(2 * used, _PACKED)),
                    0,
                )
            before, now = member.copy(), part[at : at + step]
            try:
                text = member.decompress(now, _TEXT)
            except zlib.error:
                yield _salvaged(before, now), begins
                of.wrong = "the gzip data is damaged"
                return
            if text:
                yield text, begins
                begins = False
            taken = len(now) - len(member.unused_data if member.eof else member.unconsumed_tail)
            at, used, step = at + taken, used + taken, min(2 * step, _PACKED)
            member = None if member.eof else member
    while member is not None:  # what zlib still holds back
        text = member.decompress(b"", _TEXT)
        if not text:
            of.wrong = "the gzip data is truncated"
            return
        yield text, begins
        begins = False
        member = None if member.eof else member


def _salvaged(member: zlib._Decompress, data: bytes) -> bytes:
    """Unpack byte by byte up to the damage: what stood before it is still good."""
    out = bytearray()
    try:
        for at in range(len(data)):
            out += member.decompress(data[at : at + 1], _TEXT)
            if len(out) > _TEXT:
                break
    except zlib.error:
        pass
    return bytes(out)


def _unzstd(of: Unpacked, parts: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Frames are read one after the other by Arrow's own reader."""
    stream = pa.CompressedInputStream(pa.PythonFile(_File(parts), mode="r"), "zstd")
    begins = True
    while True:
        try:
            text = stream.read(_BLOCK)  # a read that meets damage gives nothing: little is lost with it
        except (OSError, pa.ArrowException) as error:
            of.wrong = "the zstd data is " + ("truncated" if "runcated" in str(error) else "damaged")
            return
        if not text:
            return
        yield text, begins
        begins = False


class _File(io.RawIOBase):
    """Parts as a file that is read once, from front to back."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        super().__init__()
        self._parts, self._left = parts, b""

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most so many."""
        while not self._left and (part := next(self._parts, None)) is not None:
            self._left = part
        size = len(self._left) if size < 0 else size
        out, self._left = self._left[:size], self._left[size:]
        return out
