"""Whole bodies into columns at once. This path may reject, never guess: whoever calls it reads line by line what it rejects.

Arrow's CSV reader is generous where a record must not be: it takes 0x10 for 16, trims tabs, and ends lines at a bare carriage return.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from auditkit.engines.reading.held import ACTIONS, STATUSES
from auditkit.engines.reading.layout import INTEGER, LATEST, LIMITS, TAG_FIELDS, TEXT, Layout
from auditkit.engines.reading.values import Addresses, decoded, seconds, status
from auditkit.model.records import BY_NAME

_BOM = b"\xef\xbb\xbf"
"""Arrow swallows it on top, whatever stands behind."""
_LONG = 4096
"""Bytes of a value that are looked at again: a line may hold no more than `lines.LONGEST`."""


def parse(layout: Layout, text: bytes, start: int, rows: int, addresses: Addresses) -> pa.Table | None:
    """Read lines at once; None where any is not exactly what the layout says.

    Args:
        layout: The fields.
        text: Lines, the last with or without an end.
        start: Where the first of them begins; every one from there must be a record.
        rows: How many they are.
        addresses: Those seen so far; new ones are added.
    """
    if layout.twice or not layout.fields or _generous(text, start):
        return None
    body = pa.py_buffer(text).slice(start)
    try:
        table = pacsv.read_csv(
            pa.BufferReader(body),
            read_options=pacsv.ReadOptions(
                column_names=list(layout.names), use_threads=False, block_size=max(body.size + 1, 1024)
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=" ", quote_char=False, escape_char=False, ignore_empty_lines=False
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=layout.types, null_values=["-"], strings_can_be_null=False, include_columns=list(layout.names)
            ),
        )  # fmt: skip
    except pa.ArrowException:
        return None
    if table.num_rows != rows:
        return None
    columns = {name: _whole(table[name]) for name in layout.names}
    if not all(_sound(name, column, addresses) for name, column in columns.items()):
        return None
    if all(c.type == TEXT for c in columns.values()) and _names(columns.values()):
        return None  # a header again, perhaps
    return assemble(layout, columns, rows)


def assemble(layout: Layout, given: dict[str, Any], rows: int) -> pa.Table | None:
    """Make a table of columns by field name; None where a status or a time is none."""
    columns = {BY_NAME[name].column: _final(name, given[name]) for name in layout.fields}
    for name in ("start", "end"):
        if name in columns:
            if columns[name].null_count:
                return None
            columns[name] = seconds(columns[name])
            if (pc.max(columns[name]).as_py() or 0) > LATEST:
                return None
    if {"start", "end"} <= columns.keys() and pc.any(pc.less(columns["end"], columns["start"])).as_py():
        return None
    if "log_status" not in columns:
        columns["log_status"] = status(columns, rows)
    elif not set(columns["log_status"].dictionary.to_pylist()) <= set(STATUSES):
        return None
    if "action" in columns and acted(columns["action"], columns["log_status"]).any():
        return None
    if layout.others:
        columns["other_fields"] = others({name: given[name] for name in layout.others}, rows)
    return pa.table(columns)


def acted(action: pa.DictionaryArray, status: pa.DictionaryArray) -> np.ndarray[Any, Any]:
    """Tell which rows say that something flowed, and not whether it was let through."""
    wrong = [at for at, text in enumerate(action.dictionary.to_pylist()) if text not in ACTIONS]
    if not wrong:
        return np.zeros(len(action), dtype=bool)
    told = [at for at, text in enumerate(status.dictionary.to_pylist()) if text == "OK"]
    return np.isin(np.asarray(action.indices), wrong) & np.isin(np.asarray(status.indices), told)


def _final(name: str, column: Any) -> Any:
    if name in TAG_FIELDS:
        return decoded(column)
    return column.view(pa.int64()) if column.type == INTEGER else column


def others(columns: dict[str, Any], rows: int) -> pa.Array:
    """Put the fields that this version does not know into one column of maps."""
    count = len(columns)
    keys = pa.DictionaryArray.from_arrays(
        pa.array(np.tile(np.arange(count, dtype=np.int32), rows)), pa.array(columns, pa.string())
    ).cast(pa.string())
    texts = pa.concat_arrays([c.cast(pa.string()) for c in columns.values()])
    turned = np.arange(count * rows).reshape(count, rows).T.ravel()
    offsets = pa.array(np.arange(0, count * rows + 1, count, dtype=np.int32))
    return pa.MapArray.from_arrays(offsets, keys, texts.take(pa.array(turned)))


def _generous(text: bytes, start: int) -> bool:
    """Tell whether there is anything that Arrow would read and a line reader would not."""
    if text.startswith(_BOM, start) or text.find(b"\n" + _BOM, start) >= 0:
        return True
    if b"\t" in text or text.startswith((b"0x", b"0X"), start):
        return True
    return any(
        text.find(x, start) >= 0 and (text.find(b" 0" + x, start) >= 0 or text.find(b"\n0" + x, start) >= 0)
        for x in (b"x", b"X")
    )


def _whole(column: pa.ChunkedArray) -> Any:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _sound(name: str, column: Any, addresses: Addresses) -> bool:
    """Check what types cannot."""
    if column.type == INTEGER:
        highest = pc.max(column).as_py()
        return highest is None or highest <= LIMITS["integer"]
    if column.type != TEXT:
        return True
    texts = column.dictionary
    if name in BY_NAME and BY_NAME[name].type == "address":
        return addresses.sound(texts)
    sizes = pc.min_max(pc.binary_length(texts)).as_py()
    if not sizes["min"] or sizes["max"] > _LONG:  # an empty value: two spaces, or one at an end
        return False
    content = texts.buffers()[2].to_pybytes()
    return b"\v" not in content and b"\f" not in content


def _names(columns: Any) -> bool:
    return any(text in BY_NAME for column in columns for text in column.dictionary.to_pylist())
