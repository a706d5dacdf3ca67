"""records/index.parquet: each log object in scope, written row group by row group."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from auditkit.model.records import LogObject

INDEX = pa.schema([
    ("uri", pa.string()), ("key", pa.string()), ("account_id", pa.string()), ("region", pa.string()), ("flow_log_id", pa.string()),
    ("slot", pa.timestamp("us", tz="UTC")), ("size", pa.int64()), ("etag", pa.string()), ("version_id", pa.string()),
    ("last_modified", pa.timestamp("us", tz="UTC")), ("sha256", pa.string()), ("kept", pa.string()), ("status", pa.string()), ("error", pa.string()),
    ("carrier", pa.string()), ("formats", pa.list_(pa.string())), ("flow_log_ids", pa.list_(pa.string())),
])  # fmt: skip
"""status: read, unread or listed (records.mode: none). An index of an earlier version has no carrier and what follows:
all its objects have AWS's names."""
_TOLD = ("uri", "key", "account_id", "region", "flow_log_id", "slot", "size", "etag", "version_id", "last_modified")
GROUP = 100_000
"""Rows of a row group."""
_FEW = 5_000
"""Rows that are Python objects before they become columns."""


def log_object(row: Mapping[str, Any]) -> LogObject:
    """Return the object that a row of the index, of this version or an earlier one, is about."""
    told = {name: row[name] for name in _TOLD}
    told |= {name: tuple(row.get(name) or ()) for name in ("formats", "flow_log_ids")}
    return LogObject(**told, carrier=row.get("carrier") or "aws-key")


class IndexWriter:
    """Writes the index; the file is there when the writer has ended well, and the same rows give the same bytes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._partial = path.with_name(f"{path.name}.partial")
        self._file = pq.ParquetWriter(self._partial, INDEX, compression="zstd", store_schema=False)
        self._rows: list[dict[str, Any]] = []
        self._tables: list[pa.Table] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is None:
            self._gather()
            self._write()
        self._file.close()
        if failed is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink(missing_ok=True)

    def add(self, row: dict[str, Any]) -> None:
        """Add a row."""
        self._rows.append(row)
        if len(self._rows) == _FEW:
            self._gather()
            if len(self._tables) * _FEW == GROUP:
                self._write()

    def _gather(self) -> None:
        self._tables.append(pa.Table.from_pylist(self._rows, INDEX))
        self._rows = []

    def _write(self) -> None:
        table = pa.concat_tables(self._tables).combine_chunks()
        if len(table):
            self._file.write_table(table, GROUP)
        self._tables = []
