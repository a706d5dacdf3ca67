"""Tables as pandas DataFrames: integers stay integers, NULL stays apart from everything else, and times know their zone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditkit.engines.duckdb import DuckDB
from auditkit.model.addresses import Networks, address
from auditkit.model.columnar import ARROW
from auditkit.model.condition import Condition, tests
from auditkit.model.schema import TABLES, Table
from auditkit.query import Compiler, name


def frame(table: pa.Table) -> pd.DataFrame:
    """Make a DataFrame.

    Returns:
        Int64 for integers, boolean, string for text, datetime64[us, UTC] for times; tags are dicts and lists are lists
        (dtype object). NULL is pd.NA, NaT for times, None for tags and lists.
    """
    return pd.DataFrame({column: _series(table[column]) for column in table.column_names})


def _series(column: pa.ChunkedArray) -> pd.Series[Any]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_map(kind) or pa.types.is_list(kind):
        return pd.Series(column.to_pylist(maps_as_pydicts="lossy"), dtype=object)
    if pa.types.is_integer(kind):
        return pd.Series(pd.arrays.IntegerArray(*_parts(column, 0, "int64")))
    if pa.types.is_boolean(kind):
        return pd.Series(pd.arrays.BooleanArray(*_parts(column, 0, "bool")))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pd.Series(pd.array(column.to_pylist(), dtype="string"))
    series: pd.Series[Any] = column.to_pandas()
    return series


def _parts(column: pa.ChunkedArray, empty: Any, dtype: str) -> tuple[Any, Any]:
    """The values, with something where there is none, and where that is."""
    values = pc.fill_null(column, pa.scalar(empty).cast(column.type)).to_numpy(zero_copy_only=False)
    return values.astype(dtype), column.is_null().to_numpy(zero_copy_only=False).astype("bool")


def those(table: Table, given: pa.Table, condition: Condition, networks: Networks) -> pa.Table:
    """Keep the rows of which a condition is TRUE; NULL is not TRUE. The order stays.

    Args:
        table: the contract of the rows.
        given: the rows, with every column that the condition names.
        condition: read over the table's columns.
        networks: those of the run.
    """
    engine = DuckDB()
    try:
        at = pa.array(range(len(given)), pa.int64())
        engine.add("_given", given.append_column("_row", at))
        asked = {t.column for t in tests(condition)}
        columns = {c.name for c in table.columns if c.type == "address"} & asked
        texts: set[str] = set()
        for column in columns:
            texts.update(one for one in pc.unique(given[column]).to_pylist() if one is not None)
        known = [(text, number) for text in sorted(texts) if (number := address(text)) is not None]
        numbers = {
            "address": pa.array([text for text, _ in known], pa.string()),
            "ip": pa.array([str(number) for _, number in known], pa.string()),
        }
        engine.add("_numbers", pa.table(numbers))
        extra = "".join(
            f", (SELECT n.ip::UHUGEINT FROM _numbers n WHERE n.address = g.{name(c)}) AS {name(f'{c}_ip')}"
            for c in sorted(columns)
        )
        sql = Compiler(networks).sql(condition)
        found = engine.arrow(f"SELECT _row FROM (SELECT g.*{extra} FROM _given g) WHERE {sql} ORDER BY _row")
        return given.take(found["_row"])
    finally:
        engine.close()


def narrowed(given: pa.Table, columns: Sequence[str] | None, limit: int | None) -> pa.Table:
    """Keep some columns, in the order asked for, and the first rows."""
    kept = given if columns is None else given.select(list(columns))
    return kept if limit is None else kept.slice(0, limit)


def picked(
    engine: DuckDB, table: str, columns: Sequence[str], where: str, order: Sequence[str], limit: int | None
) -> pa.Table:
    """Take some columns and rows of a table of an engine.

    Args:
        engine: holds the table.
        table: its name.
        columns: in this order.
        where: SQL of three values.
        order: columns to sort by.
        limit: so many rows at most.
    """
    most = "" if limit is None else f" LIMIT {limit:d}"
    sql = f"SELECT {', '.join(map(name, columns))} FROM {name(table)} WHERE {where} ORDER BY {', '.join(map(name, order))}{most}"
    found = engine.arrow(sql)
    types = {c.name: ARROW[c.type] for c in TABLES[table].columns}
    return found.cast(pa.schema([(one, types[one]) for one in found.column_names]))
