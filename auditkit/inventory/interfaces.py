"""Network interfaces by the million: views of them in columns, from one account's listing or several, become rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditkit.model.columnar import ARROW, Rows, array, taken
from auditkit.model.inventory import Call, NetworkInterface
from auditkit.model.tables import columns_of

COLUMNS = tuple(c for c in columns_of(NetworkInterface) if c.name != "seen_from")
"""What one view of an interface holds; who saw it is added when all views are there."""
_NAMES = tuple(c.name for c in COLUMNS)
_FEW = pa.dictionary(pa.int32(), pa.string())
FEW = frozenset(
    (
        *("account_id", "region", "vpc_id", "subnet_id", "service", "service_evidence", "subject_type"),
        *("interface_type", "status", "seen_in", "_by", "_at"),
    )
)
"""Columns whose values come again and again: each is kept once, and the rows hold its number."""
_TYPES = {c.name: c.type for c in COLUMNS} | {"_by": "text", "_at": "text"}
SCHEMA = pa.schema([(name, _FEW if name in FEW else ARROW[type_]) for name, type_ in _TYPES.items()])
"""Views of interfaces: what was seen, `_by` which account, and when (`_at`)."""

_EMPTY = pa.schema([(name, ARROW[type_]) for name, type_ in _TYPES.items()]).empty_table()

Columns = dict[str, pa.Array]
"""Views of interfaces: the name of a column of `SCHEMA` → its values, each for itself."""
Batch = pa.RecordBatch
"""Views of interfaces, in columns."""
View = tuple[Any, ...]
"""One view of an interface: values of `COLUMNS`, the account that saw it, and when."""


def view(one: NetworkInterface, call: Call) -> View:
    """What a call that was read row by row showed of an interface."""
    return (*(getattr(one, name) for name in _NAMES), call.account_id, call.at)


def batch(views: Sequence[View]) -> pa.RecordBatch:
    """Put views into columns."""
    values = list(zip(*views, strict=True)) or [()] * len(_TYPES)
    return gathered([{name: array(type_, one) for (name, type_), one in zip(_TYPES.items(), values, strict=True)}])


def gathered(columns: Iterable[Columns]) -> pa.RecordBatch:
    """Put columns of some views together, sorted by id."""
    table = pa.concat_tables([_EMPTY, *map(pa.table, columns)]).combine_chunks()
    table = table.take(pc.sort_indices(table["interface_id"]))
    several = [
        (one.dictionary_encode() if name in FEW else one) for name, one in zip(_TYPES, table.columns, strict=True)
    ]
    return pa.record_batch([one.combine_chunks() for one in several], schema=SCHEMA)


def merged(batches: Iterable[pa.RecordBatch]) -> Rows[NetworkInterface]:
    """Make one row of all views of an interface, sorted by id and region.

    The owner's own view wins, then the first account by id, then the latest answer, as in `merge.Merged`.
    """
    table = pa.Table.from_batches(batches, SCHEMA).unify_dictionaries().combine_chunks()
    keys = pa.table({"id": table["interface_id"], "region": _ranks(table["region"]), "by": _ranks(table["_by"])})
    order = pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names])
    keys = keys.take(order)
    begins = _differs(keys, "id", "region")
    told = begins | _differs(keys, "by")
    seen_by = _plain(table["_by"]).take(order if told.all() else order.filter(pa.array(told)))
    ends: Any = np.cumsum(told)[[*(np.flatnonzero(begins)[1:] - 1), -1]] if len(table) else []
    seen_from = pa.ListArray.from_arrays(pa.array(np.array([0, *ends], np.int32)), seen_by.combine_chunks())
    best = taken(table.select(_NAMES), order if begins.all() else _best(table, order.to_numpy(), begins))
    columns = {name: _plain(best[name]) for name in _NAMES} | {"seen_from": seen_from}
    return Rows(NetworkInterface, pa.table({c.name: columns[c.name] for c in columns_of(NetworkInterface)}))


def _ranks(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """For each value of a column of few its place among them all, sorted."""
    return pa.chunked_array(
        [pc.rank(one.dictionary, tiebreaker="dense").take(one.indices) for one in column.chunks], pa.uint64()
    )


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _differs(table: pa.Table, *names: str) -> Any:
    """Which rows differ from the row before in one of the columns; the first does."""
    out = np.zeros(len(table), bool)
    out[:1] = True
    for name in names:
        out[1:] |= pc.not_equal(table[name].slice(1), table[name].slice(0, max(len(table) - 1, 0))).to_numpy()
    return out


def _best(table: pa.Table, order: Any, begins: Any) -> pa.Array:
    """The best view of each interface."""
    starts = np.flatnonzero(begins)
    best = order[starts]
    sizes = np.diff(starts, append=len(table))
    several = np.flatnonzero(sizes > 1)
    rows = order[np.concatenate([np.arange(starts[one], starts[one] + sizes[one]) for one in several])]
    some = table.select(["account_id", "_by", "_at"]).take(pa.array(rows))
    views = zip(rows.tolist(), *(some[name].to_pylist() for name in some.column_names), strict=True)
    for one in several.tolist():
        best[one] = _first(table, [next(views) for _ in range(int(sizes[one]))])
    return pa.array(best)


def _first(table: pa.Table, views: list[tuple[int, str, str, str]]) -> int:
    nearest = min((owner != by, by) for _, owner, by, _ in views)
    near = [(row, at) for row, owner, by, at in views if (owner != by, by) == nearest]
    latest = max(at for _, at in near)
    rows = [row for row, at in near if at == latest]
    # What they hold only decides between different answers of one moment.
    return rows[0] if len(rows) == 1 else min(rows, key=lambda row: repr(table.slice(row, 1).to_pylist()))
