"""Rows kept by column: to whoever looks a sequence of dataclass rows, to whoever asks a typed table.

A million rows are a few hundred megabytes as columns, and several gigabytes as objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from functools import cached_property
from typing import Any, Generic, TypeVar, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditkit.model.tables import columns_of

ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "aws": pa.string(),
    "address": pa.string(),
    "state": pa.string(),
    "open": pa.string(),
    "integer": pa.int64(),
    "port": pa.int32(),
    "protocol": pa.int32(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "tags": pa.map_(pa.string(), pa.string()),
    "list": pa.list_(pa.string()),
}
"""Type of a column → Arrow's."""

_AT_ONCE = 4096
"""Rows made at a time when all are looked at."""

Row = TypeVar("Row")


class Rows(Sequence[Row], Generic[Row]):
    """Rows of one dataclass, kept by column; equal to any sequence of equal rows."""

    __hash__ = None  # type: ignore[assignment]  # as every container that compares by what is in it

    def __init__(self, of: type[Row], table: pa.Table) -> None:
        """Wrap a table that has the dataclass's columns, in its order and types."""
        self.of = of
        self.table = table

    @classmethod
    def made_of(cls, of: type[Row], rows: Iterable[Row]) -> Rows[Row]:
        """Keep rows by column; rows that are kept so already are left as they are."""
        if isinstance(rows, Rows):
            return rows
        given = rows if isinstance(rows, Sequence) else list(rows)
        columns = columns_of(of)
        return cls(of, pa.table({c.name: array(c.type, [getattr(r, c.name) for r in given]) for c in columns}))

    def __len__(self) -> int:
        """Count the rows."""
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, at: int | slice) -> Row | tuple[Row, ...]:
        """Make one row, or some."""
        if isinstance(at, slice):
            return tuple(self._made(self.table.take(pa.array(range(len(self))[at], pa.int64()))))
        return next(self._made(self.table.slice(range(len(self))[at], 1)))

    def __iter__(self) -> Iterator[Row]:
        """Make every row."""
        for at in range(0, len(self), _AT_ONCE):
            yield from self._made(self.table.slice(at, _AT_ONCE))

    def __eq__(self, other: object) -> bool:
        """Tell whether the rows are the same, and in the same order."""
        if isinstance(other, Rows) and self.of is other.of and self.table.equals(other.table):
            return True
        return (
            isinstance(other, Sequence)
            and len(self) == len(other)
            and all(a == b for a, b in zip(self, other, strict=True))
        )

    def __repr__(self) -> str:
        """Say what the rows are, and how many."""
        return f"<{len(self)} rows of {self.of.__name__}>"

    def column(self, name: str) -> list[Any]:
        """Return one column's values, as they stand in the rows."""
        column = next(c for c in columns_of(self.of) if c.name == name)
        return list(map(_VALUE.get(column.type, _same), self.table[name].to_pylist()))

    def by(self, name: str) -> Mapping[str, Row]:
        """Return the rows by a text column, each made when looked up; of several with one text the last."""
        return _Index(self, name)

    def where(self, keep: Callable[..., bool], *names: str) -> Rows[Row]:
        """Return the rows for which `keep` of some text columns is true, asked once for each combination."""
        codes, firsts = combinations(self.table.select(names))
        told = list(zip(*(self.table[name].take(firsts).to_pylist() for name in names), strict=True))
        kept = pa.array([keep(*one) for one in told], pa.bool_())
        return self if all(kept.to_pylist()) else Rows(self.of, self.table.filter(kept.take(codes)))

    def _made(self, table: pa.Table) -> Iterator[Row]:
        columns = columns_of(self.of)
        values = [map(_VALUE.get(c.type, _same), table[c.name].to_pylist()) for c in columns]
        names = [c.name for c in columns]
        return (self.of(**dict(zip(names, one, strict=True))) for one in zip(*values, strict=True))


class _Index(Mapping[str, Row]):
    """Rows by a text; the index is made when first needed."""

    def __init__(self, rows: Rows[Row], name: str) -> None:
        self._rows, self._name = rows, name

    @cached_property
    def _places(self) -> dict[str, int]:
        return {key: at for at, key in enumerate(self._rows.table[self._name].to_pylist())}

    def __getitem__(self, key: str) -> Row:
        return self._rows[self._places[key]]

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def array(type_: str, values: Sequence[Any]) -> pa.Array:
    """Make a typed column; tags are sorted, so that the same tags are the same bytes."""
    if type_ == "tags":
        values = [None if one is None else sorted(one.items()) for one in values]
    try:
        return pa.array(values, ARROW[type_])
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can write and no text can hold
        return pa.array([_sound(one) for one in values], ARROW[type_])


def taken(table: pa.Table, at: pa.Array) -> pa.Table:
    """Take rows of a table, several columns at once: of a million rows each takes a tenth of a second."""
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        columns = pool.map(lambda column: column.take(at), table.columns)
        return pa.table(dict(zip(table.column_names, columns, strict=True)))


def combinations(table: pa.Table) -> tuple[pa.Array, pa.Array]:
    """Number the distinct rows of a table of text columns, in the order in which they come.

    Returns:
        for each row the number of its kind, and for each kind its first row.
    """
    codes = pa.array(np.zeros(table.num_rows, np.int64))
    for column in table.columns:
        one = _codes(column)
        # Numbered anew after each column, so that the product of the sizes stays far below 2^63.
        codes = _codes(pc.add(pc.multiply(codes, (pc.max(one).as_py() or 0) + 1), one))
    numbers = codes.to_numpy()
    firsts = np.empty(int(numbers.max(initial=-1)) + 1, np.int64)
    firsts[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)  # of several writes to one place the last stays
    return codes, pa.array(firsts)


def _codes(column: Any) -> pa.Array:
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    return encoded.indices.cast(pa.int64())


def _sound(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return type(value)(map(_sound, value)) if isinstance(value, list | tuple) else value


def _same(value: Any) -> Any:
    return value


def _tuple(value: Any) -> Any:
    return None if value is None else tuple(value)


def _dict(value: Any) -> Any:
    return None if value is None else dict(value)


def _time(value: Any) -> Any:
    return None if value is None else value.replace(tzinfo=UTC)


_VALUE: dict[str, Callable[[Any], Any]] = {"tags": _dict, "list": _tuple, "time": _time}
"""Type of a column → how its values stand in a row."""
