"""Single records of an object once more, as they stand there: what evidence shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from auditkit.engines.reading import parquet
from auditkit.engines.reading.envelopes import Envelopes, boundary
from auditkit.engines.reading.held import ObjectRead
from auditkit.engines.reading.pieces import pieces
from auditkit.engines.reading.unpacking import Unpacked
from auditkit.model.records import LogObject


def stored(log_object: LogObject, path: Path, numbers: Collection[int]) -> dict[int, str]:
    """Return the text of some records of an object by their `line`, those that are there.

    A row of Parquet is written as the line that it would be: its values in the order of the columns.
    """
    wanted = np.array(sorted(set(numbers)), dtype=np.int64)
    with path.open("rb") as file:
        magic = file.read(len(parquet.MAGIC))
        file.seek(0)
        if magic == parquet.MAGIC:
            return _rows(file, wanted)
        found: dict[int, str] = {}
        for text, at in _texts(log_object, path, file):
            inside = wanted[(wanted >= at[0]) & (wanted <= at[-1])] if len(at) else wanted[:0]
            if len(inside):
                lines = dict(zip(at.tolist(), text.split(b"\n"), strict=False))
                found.update(
                    {n: lines[n].decode("utf-8", "replace").rstrip("\r") for n in inside.tolist() if n in lines}
                )
        return found


def _texts(log_object: LogObject, path: Path, file: BinaryIO) -> Iterator[tuple[bytes, np.ndarray[Any, Any]]]:
    nobody = ObjectRead(log_object, 0, path)  # what is damaged was counted when it was read
    if log_object.carrier != "lines":
        for text, first in pieces(Unpacked(file), nobody):
            yield text, np.arange(first, first + text.count(b"\n") + 1)
        return
    envelopes = Envelopes(nobody)
    for text, first in pieces(Unpacked(file, again=True), nobody, boundary):
        yield from envelopes.open(text, first)


def _rows(file: BinaryIO, wanted: np.ndarray[Any, Any]) -> dict[int, str]:
    found: dict[int, str] = {}
    try:
        table = pq.ParquetFile(file)
        above = 0
        for at in range(table.num_row_groups):
            rows = table.metadata.row_group(at).num_rows
            inside = wanted[(wanted > above) & (wanted <= above + rows)]
            if len(inside):
                some = table.read_row_group(at, use_threads=False).take(pa.array(inside - above - 1))
                cells = [c.cast(pa.string()).fill_null("-").to_pylist() for c in map(_flat, some.columns)]
                found.update(zip(inside.tolist(), map(" ".join, zip(*cells, strict=True)), strict=True))
            above += rows
    except (pa.ArrowException, OSError, ValueError):
        pass  # of a torn file, those that could be read
    return found


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
