"""Log objects in Parquet, row by row as strict as text: the columns are AWS's names with underscores.

Source: VPC User Guide, "Flow log files": Parquet, types as in "Flow log records". Other writers type numbers as text,
and leave out what AWS writes as `-`, or the other way about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditkit.engines.reading.fast import acted, assemble
from auditkit.engines.reading.gather import Gathered
from auditkit.engines.reading.held import STATUSES, Batch, ObjectRead
from auditkit.engines.reading.layout import INTEGER, LATEST, LIMITS, MILLISECONDS, TEXT, Layout, known
from auditkit.engines.reading.values import Addresses, status
from auditkit.model.records import BY_NAME

MAGIC = b"PAR1"
ROWS = 2**27
"""Rows that a file may say it has: 75 MB of Parquet hold far fewer, and so few bytes can claim any number."""
_GROUP = 2**31
"""Bytes that a row group may unpack to."""
_BATCH = 2**17
_DIGITS = r"^0*[0-9]{1,19}$"
_ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError)


def read(read: ObjectRead, stored: BinaryIO, addresses: Addresses, gathered: Gathered) -> Iterator[Batch]:
    """Read a file, a row group at a time; a file that is torn counts as broken."""
    try:
        file = pq.ParquetFile(stored, read_dictionary=_texts(stored))
        names = [name.replace("_", "-") for name in file.schema_arrow.names]
        rows, groups = file.metadata.num_rows, [file.metadata.row_group(at) for at in range(file.num_row_groups)]
    except _ERRORS:
        read.hurt("the Parquet file is torn or damaged")
        return
    layout = Layout(tuple(names))
    read.header = layout.names
    if rows > ROWS or any(group.total_byte_size > _GROUP for group in groups):
        read.hurt("the Parquet file says that it holds more than a file may")
        return
    wrong = "no column is named as a field" if known(names) * 2 <= len(names) else ""
    wrong = "a column is there twice" if layout.twice else wrong
    if wrong:
        read.broken = True
        if rows:
            read.hurt(wrong, 1, rows)
        return
    line = 1
    for at, group in enumerate(groups):
        done = 0
        try:
            for batch in file.iter_batches(_BATCH, row_groups=[at], use_threads=False):
                batch.validate(full=True)  # a damaged page may point beyond its dictionary
                _add(read, layout, batch, line + done, addresses, gathered)
                done += batch.num_rows
                yield from gathered.full()
        except _ERRORS:
            read.broken = True
        if group.num_rows > done:
            read.broken = True
            read.hurt("the Parquet file is torn or damaged", line + done, group.num_rows - done)
        line += group.num_rows


def _texts(stored: BinaryIO) -> list[str]:
    """The columns that are read as dictionaries: those of text."""
    schema = pq.read_schema(stored)
    stored.seek(0)
    return [f.name for f in schema if pa.types.is_string(f.type)]


def _add(
    read: ObjectRead, layout: Layout, batch: pa.RecordBatch, line: int, addresses: Addresses, gathered: Gathered
) -> None:
    """Take in the rows of a batch that are sound, and count the others by the first reason."""
    rows = batch.num_rows
    reasons = np.zeros(rows, dtype=np.int32)
    why = [""]
    columns = {}
    for name, column in zip(layout.names, batch.columns, strict=True):
        columns[name], bad, reason = _typed(name, column, addresses)
        why.append(reason)
        reasons[bad & (reasons == 0)] = len(why) - 1
    for name in ("start", "end"):
        if name in columns:
            why.append(f"{name} is missing")
            reasons[np.asarray(columns[name].is_null()) & (reasons == 0)] = len(why) - 1
            why.append(f"{name} is not a time it can be")
            reasons[(_seconds(columns[name]) > LATEST) & (reasons == 0)] = len(why) - 1
    if {"start", "end"} <= columns.keys():
        why.append("ends before it starts")
        start, end = (_seconds(columns[name]) for name in ("start", "end"))
        reasons[(end < start) & (reasons == 0)] = len(why) - 1
    if "action" in columns:
        why.append("action is neither ACCEPT nor REJECT")
        told = {BY_NAME[name].column: columns[name] for name in layout.fields}
        reasons[acted(columns["action"], told.get("log_status") or status(told, rows)) & (reasons == 0)] = len(why) - 1
    kept = np.flatnonzero(reasons == 0)
    if len(kept) < rows:
        columns = {name: column.take(pa.array(kept)) for name, column in columns.items()}
    # Dictionaries hold what other rows say: only what these say counts.
    columns = {name: _compact(column) for name, column in columns.items()}
    table = assemble(layout, columns, len(kept)) if len(kept) else None
    assert (table is None) == (not len(kept)), "rows were checked one by one"
    for at in np.unique(reasons[reasons > 0]).tolist():
        hurt = np.flatnonzero(reasons == at)
        read.hurt(why[at], line + int(hurt[0]), len(hurt))
    if table is not None:
        gathered.add(layout.fields, table, [(read, len(kept))], (kept + line).astype(np.uint32))


def _seconds(column: pa.Array) -> np.ndarray[Any, Any]:
    times = np.asarray(column.fill_null(0))
    return np.where(times > MILLISECONDS, times // 1000, times)


def _compact(column: Any) -> Any:
    """Forget the dictionary's values that no row has any more."""
    if not isinstance(column, pa.DictionaryArray):
        return column
    used = np.zeros(len(column.dictionary), dtype=bool)
    used[np.asarray(column.indices)] = True
    return column if used.all() else column.dictionary_decode().dictionary_encode()


def _typed(name: str, column: pa.Array, addresses: Addresses) -> tuple[Any, np.ndarray[Any, Any], str]:
    """Return a column in the type of its field, which rows cannot be of it, and why."""
    field = BY_NAME.get(name)
    if field is not None and field.type in LIMITS:
        return (*_numbers(name, column), f"{name} is not a number it can be")
    texts, bad = _text(name, column)
    reason = f"{name} is not text"
    values = texts.dictionary.to_pylist()
    wrong: list[int] = []
    if field is not None and field.type == "address":
        reason = f"{name} is not an address"
        wrong = [] if addresses.sound(texts.dictionary) else [at for at, v in enumerate(values) if not addresses.one(v)]
    elif name == "log-status":
        reason = "log-status is none of OK, NODATA, SKIPDATA"
        wrong = [at for at, v in enumerate(values) if v not in STATUSES]
    if wrong:
        bad = bad | np.isin(np.asarray(texts.indices), wrong)
    return texts, bad, reason


def _text(name: str, column: pa.Array) -> tuple[pa.DictionaryArray, np.ndarray[Any, Any]]:
    """Read a column as text: nothing there is `-`."""
    kind = column.type
    if isinstance(column, pa.DictionaryArray):
        kind = kind.value_type
        if not pa.types.is_string(kind) or column.dictionary.null_count:
            column = column.dictionary_decode()
    bad = np.zeros(len(column), dtype=bool)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        column, bad = _decoded(column)
    elif pa.types.is_integer(kind):
        # An account's number may have lost the zeros on its left: it has twelve digits.
        text = column.cast(pa.string())
        column = pc.utf8_lpad(text, 12, "0") if name.endswith("account-id") else text
    elif pa.types.is_null(kind):
        column = pa.nulls(len(column), pa.string())
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return pa.array(["-"] * len(column)).dictionary_encode(), np.asarray(column.is_valid())
    if isinstance(column, pa.DictionaryArray) and not column.null_count and "" not in column.dictionary.to_pylist():
        return column.cast(TEXT), bad
    plain = (column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column).cast(pa.string())
    plain = pc.if_else(pc.equal(plain, ""), None, plain).fill_null("-")
    return plain.dictionary_encode(), bad


def _decoded(column: pa.Array) -> tuple[pa.Array, np.ndarray[Any, Any]]:
    """Read bytes as UTF-8, distinct ones once."""
    coded = column.dictionary_encode()
    out: list[str | None] = []
    for value in coded.dictionary.to_pylist():
        try:
            out.append(value.decode("utf-8"))
        except UnicodeDecodeError:
            out.append(None)
    texts = pa.array(out, pa.string()).take(coded.indices)
    return texts, np.asarray(texts.is_null()) & np.asarray(column.is_valid())


def _numbers(name: str, column: pa.Array) -> tuple[pa.Array, np.ndarray[Any, Any]]:
    """Read a column as numbers: `-` is null."""
    limit = LIMITS[BY_NAME[name].type]
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    kind, valid = column.type, np.asarray(column.is_valid())
    if pa.types.is_timestamp(kind) and name in ("start", "end"):
        column = pc.floor_temporal(column, unit="second").cast(pa.timestamp("s")).cast(pa.int64())
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        column, bad = _decoded(column)
        numbers, more = _written(column)
        return _narrow(name, numbers, limit, bad | more)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        numbers, bad = _written(column.cast(pa.string()))
        return _narrow(name, numbers, limit, bad)
    elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
        floats = column.to_numpy(zero_copy_only=False)
        whole = np.isfinite(floats) & (np.floor(floats) == floats) & (floats >= 0) & (floats < 2**53)
        bad = valid & ~whole & ~np.isnan(floats)
        column = pa.array(np.where(whole, floats, 0).astype(np.int64), mask=~whole)
        return _narrow(name, column, limit, bad)
    elif not (pa.types.is_integer(kind) or pa.types.is_null(kind)):
        return pa.nulls(len(column), _of(name)), valid
    return _narrow(name, column, limit, np.zeros(len(column), dtype=bool))


def _written(column: pa.Array) -> tuple[pa.Array, np.ndarray[Any, Any]]:
    """Read numbers that are written as text."""
    empty = pc.or_kleene(pc.equal(column, "-"), pc.equal(column, "")).fill_null(True)  # noqa: FBT003 - null is nothing
    digits = pc.match_substring_regex(column, _DIGITS).fill_null(False)  # noqa: FBT003 - likewise
    numbers = pc.if_else(digits, column, None).cast(pa.uint64())
    return numbers, ~np.asarray(digits) & ~np.asarray(empty)


def _narrow(
    name: str, column: pa.Array, limit: int, bad: np.ndarray[Any, Any]
) -> tuple[pa.Array, np.ndarray[Any, Any]]:
    """Give numbers the type of their field; those out of its range are none."""
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), _of(name)), bad
    most = min(limit, 2 ** (column.type.bit_width - (not pa.types.is_unsigned_integer(column.type))) - 1)
    inside = pc.and_(
        pc.greater_equal(column, pa.scalar(0, column.type)), pc.less_equal(column, pa.scalar(most, column.type))
    )
    outside = ~np.asarray(inside.fill_null(True))  # noqa: FBT003 - null is none
    if outside.any():
        column = pc.if_else(inside, column, None)
    return column.cast(_of(name)), bad | outside


def _of(name: str) -> pa.DataType:
    return {"port": pa.uint16(), "protocol": pa.uint8()}.get(BY_NAME[name].type, INTEGER)
