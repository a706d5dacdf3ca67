"""A file of JSON lines that only grows: what was done before a process was killed need not be done again."""

from __future__ import annotations

import json
import threading
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self


class Journal:
    """An append-only file, flushed line by line; a torn end is cut off."""

    def __init__(self, path: Path) -> None:
        """Open a journal, new or left by a process that was killed."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        self._lock = threading.Lock()
        self._end = sum(size for _, size, _ in self._lines())
        self._file.truncate(self._end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def entries(self) -> Iterator[dict[str, Any]]:
        """Give every entry, in the order in which they came."""
        for _, _, entry in self._lines():
            yield entry

    def add(self, entry: dict[str, Any]) -> None:
        """Add an entry; it is in the file when this returns."""
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()

    def at(self, size: int) -> Places:
        """Index the entries by their `at`, below `size`."""
        offsets = array("q", bytes(8 * size))
        for offset, _, entry in self._lines():
            if isinstance(at := entry.get("at"), int) and 0 <= at < size:
                offsets[at] = offset + 1
        return Places(self, offsets)

    def _lines(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """Offset, bytes and entry of every whole line, up to the first that is none."""
        offset = 0
        self._file.seek(0)
        for line in self._file:
            try:
                entry = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                entry = None
            if not isinstance(entry, dict):
                return
            yield offset, len(line), entry
            offset += len(line)

    def read(self, offset: int) -> dict[str, Any]:
        """Read the entry that begins at an offset."""
        with self._lock:
            self._file.seek(offset)
            entry: dict[str, Any] = json.loads(self._file.readline())
        return entry


class Places:
    """Where the newest entry for each number stands: eight bytes for each, whatever the entries' size."""

    def __init__(self, journal: Journal, offsets: array[int]) -> None:
        self._journal = journal
        self._offsets = offsets

    def get(self, at: int) -> dict[str, Any] | None:
        """Read the entry of a number, or None."""
        offset = self._offsets[at]
        return self._journal.read(offset - 1) if offset else None
