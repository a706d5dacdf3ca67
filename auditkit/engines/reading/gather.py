"""Tables of one format joined into batches, with the object and the line of every row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from auditkit.engines.reading.held import STATUSES, Batch, ObjectRead
from auditkit.engines.reading.layout import TEXT

BATCH = 250_000
"""Rows of a batch: some 30 MB of text of the default format."""


@dataclass
class Gathered:
    """Tables that wait to be a batch, by format."""

    tables: dict[tuple[tuple[str, ...], tuple[str, ...]], list[pa.Table]] = field(default_factory=dict)
    """Fields and column names → tables."""
    rows: int = 0
    """Rows of all of them."""

    def add(
        self,
        fields: tuple[str, ...],
        table: pa.Table,
        reads: Sequence[tuple[ObjectRead, int]],
        lines: np.ndarray,
        flow_log_id: str | None = None,
    ) -> None:
        """Take a table in, and count its rows by status.

        Args:
            fields: Known fields of its format.
            table: The rows.
            reads: The objects that they are of, each with its number of rows, in order.
            lines: The line of each row.
            flow_log_id: For lines: the flow log that wrote them, '' where several may have.
        """
        counts = np.array([count for _, count in reads])
        owner = np.repeat(np.arange(len(reads)), counts)
        code = table["log_status"].chunk(0)
        states = [STATUSES.index(status) for status in code.dictionary.to_pylist()]
        told = np.bincount(owner * 3 + np.array(states)[np.asarray(code.indices)], minlength=3 * len(reads))
        for (read, _), (ok, nodata, skipdata) in zip(reads, told.reshape(-1, 3).tolist(), strict=True):
            read.ok += ok
            read.nodata += nodata
            read.skipdata += skipdata
        obj = np.repeat(np.array([read.number for read, _ in reads], dtype=np.uint32), counts)
        table = table.append_column("obj", pa.array(obj)).append_column(
            "line", pa.array(lines.astype(np.uint32, copy=False))
        )
        if flow_log_id is not None:
            table = table.append_column("flow_log_id", _constant(flow_log_id, table.num_rows))
        self.tables.setdefault((fields, tuple(table.column_names)), []).append(table)
        self.rows += table.num_rows

    def full(self) -> Iterator[Batch]:
        """Let batches go where there is enough for one."""
        if self.rows >= BATCH:
            yield from self.rest()

    def rest(self) -> Iterator[Batch]:
        """Let all of them go."""
        for (fields, _), tables in self.tables.items():
            table = tables[0] if len(tables) == 1 else pa.concat_tables(tables).unify_dictionaries()
            yield Batch(fields, table)
        self.tables, self.rows = {}, 0


def _constant(text: str, rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array([text])).cast(TEXT)
