"""One SELECT of somebody's own over in-memory copies of tables: no file, no network, no settings.

Walls, each of which would do alone for most of what is tried: the statement is parsed, and names only tables that there
are and functions that only compute; the database has external access off and its settings locked, and nothing spills
(DuckDB's guide "Securing DuckDB"). What this process itself cannot wall off, `auditkit.engines.apart` does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa

from auditkit.model.errors import AuditkitError, nearest

TOO_MUCH = "the statement needs more memory than it may have"
HINT = "Ask for fewer rows or columns, or give it more with --memory."
_LITTLE = 256 * 2**20
_LONGEST = 100_000
"""Characters of a statement."""
_BUILT = ("EMPTY", "SUBQUERY", "JOIN", "EXPRESSION_LIST", "PIVOT", "SHOW_REF", "BASE_TABLE", "TABLE_FUNCTION")
"""What a FROM may be built of."""
_TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree"})
_REFUSED = frozenset({
    "getenv", "current_setting", "getvariable", "nextval", "currval", "setval", "setseed", "sleep_ms", "pg_sleep", "write_log",
    "query", "query_table", "json_execute_serialized_sql", "json_serialize_plan", "current_query", "stats", "vector_type", "index_key",
    "which_secret", "in_search_path", "get_block_size", "finalize", "combine", "combine_aggr", "to_aggregate_state", "invoke",
    "inet_client_addr", "inet_client_port", "inet_server_addr", "inet_server_port",
})  # fmt: skip
"""Functions that look outside, wait, leave something behind, or take apart what the database itself has made."""
_REFUSED_PREFIXES = (
    "__internal",
    "read_",
    "pragma_",
    "duckdb_",
    "parquet_",
    "sniff_",
    "glob",
    "arrow_scan",
    "pandas_scan",
    "python_",
)
_SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET python_enable_replacements = false",
    "SET python_scan_all_frames = false",
    "SET allow_community_extensions = false",
    "SET max_expression_depth = 250",
    "SET max_temp_directory_size = '0B'",
    "SET enable_external_access = false",
    "SET disabled_filesystems = 'LocalFileSystem'",
    "SET lock_configuration = true",
)


def named(sql: str, tables: Collection[str]) -> set[str]:
    """Check a statement, and return the tables that it names.

    Args:
        sql: one statement; DESCRIBE and SUMMARIZE of a table are SELECTs too.
        tables: names of the tables there are.

    Raises:
        AuditkitError: it is not one SELECT, names what there is not, or does what is not allowed.
    """
    if len(sql) > _LONGEST:
        raise AuditkitError(f"the statement has {len(sql):,} characters", f"{_LONGEST:,} are the most.")
    with _database(_LITTLE, 1) as db:
        return _check(db, sql, tables)


def select(
    sql: str, tables: Mapping[str, pa.Table], limit: int, memory: int, threads: int, ready: Callable[[], None]
) -> pa.Table:
    """Run one SELECT that `named` has checked, over copies of the tables that it names.

    Args:
        sql: the statement.
        tables: by name.
        limit: rows at most.
        memory: bytes that tables and statement may take.
        threads: that work on it.
        ready: called when everything but the statement has been done, once.

    Raises:
        AuditkitError: it fails.
    """
    try:
        with _database(memory, threads, tables) as db:
            _answer(db, "SELECT 1", 1)  # whatever is loaded on first use
            ready()
            return _answer(db, sql, limit)
    except (duckdb.OutOfMemoryException, MemoryError, pa.ArrowMemoryError):
        raise AuditkitError(TOO_MUCH, HINT) from None
    except (duckdb.Error, pa.ArrowException, ValueError, OverflowError) as error:
        raise AuditkitError(_said(error), "DESCRIBE TABLE shows a table's columns.") from None


@contextmanager
def _database(
    memory: int, threads: int, tables: Mapping[str, pa.Table] = MappingProxyType({})
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Make a database of copies, and lock it."""
    config: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    db = duckdb.connect(
        ":memory:", config={**config, "temp_directory": "", "memory_limit": f"{memory}B", "threads": threads}
    )
    try:
        for name, table in tables.items():
            db.register("_incoming", table)
            db.execute(f'CREATE TABLE "{name}" AS SELECT * FROM _incoming')
            db.unregister("_incoming")
        for setting in _SETTINGS:
            db.execute(setting)
        yield db
    finally:
        db.close()


# -- the statement -------------------------------------------------------------------------------------------------------


def _check(db: duckdb.DuckDBPyConnection, sql: str, tables: Collection[str]) -> set[str]:
    """Refuse what is not one plain SELECT, and return the tables that it names."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise AuditkitError(_said(error), "Quote the statement as one argument of the shell.") from None
    if len(statements) != 1:
        raise AuditkitError(f"{len(statements)} statements are given", "One SELECT is taken.")
    if statements[0].type is not duckdb.StatementType.SELECT:
        raise AuditkitError(
            f"a statement of type {statements[0].type.name} is not taken",
            "One SELECT is taken; nothing can be changed.",
        )
    try:
        answer = db.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchone()
        tree = json.loads(answer[0]) if answer else {"error": True}
    except (duckdb.Error, RecursionError):
        raise AuditkitError("the statement cannot be taken apart", "It may be nested too deeply.") from None
    if tree.get("error"):
        raise AuditkitError(
            f"the statement is not a plain SELECT: {tree.get('error_message', '')}", "One SELECT is taken."
        )
    return _named(tree, {name.lower(): name for name in tables})


def _named(tree: Any, tables: dict[str, str]) -> set[str]:
    nodes = list(_nodes(tree))
    own = {str(entry["key"]).lower() for node in nodes for entry in _ctes(node)}
    found = set()
    for node in nodes:
        kind, function = node.get("type"), node.get("function_name")
        if isinstance(function, str):
            _function(function)
        if "table_name" in node and kind == "BASE_TABLE":
            found |= _table(node, own, tables)
        if kind == "TABLE_FUNCTION":
            called = str((node.get("function") or {}).get("function_name", "")).lower()
            if called not in _TABLE_FUNCTIONS:
                raise AuditkitError(
                    f"{called!r} in FROM is not allowed", f"Tables: {', '.join(sorted(tables.values()))}."
                )
        if kind == "SHOW_REF" and node.get("table_name"):
            raise AuditkitError("SHOW is not taken", f"Tables: {', '.join(sorted(tables.values()))}.")
        parts = (node.get("from_table"), *((node.get("left"), node.get("right")) if kind == "JOIN" else ()))
        for part in parts:
            if isinstance(part, dict) and part.get("type") not in _BUILT:
                raise AuditkitError(f"{part.get('type')} in FROM is not allowed", "Tables and sub-queries are.")
    return found


def _table(node: dict[str, Any], own: set[str], tables: dict[str, str]) -> set[str]:
    written = str(node["table_name"])
    name = written.lower()
    path = [str(part) for part in (node.get("qualified_name") or {}).get("path") or ()] or [written]
    plain = not node.get("catalog_name") and str(node.get("schema_name") or "main").lower() == "main" and len(path) <= 2
    if plain and name in tables:
        return {tables[name]}
    if plain and name in own and not node.get("schema_name"):
        return set()
    raise AuditkitError(
        f"there is no table {'.'.join(path)!r}{nearest(name, tables)}", f"Tables: {', '.join(sorted(tables.values()))}."
    )


def _function(name: str) -> None:
    lower = name.lower()
    if lower in _REFUSED or lower.startswith(_REFUSED_PREFIXES):
        raise AuditkitError(f"the function {name!r} is not allowed", "Only the run's tables can be looked at.")


def _ctes(node: dict[str, Any]) -> list[dict[str, Any]]:
    entries = (node.get("cte_map") or {}).get("map") if isinstance(node.get("cte_map"), dict) else None
    return [entry for entry in entries or () if isinstance(entry, dict) and "key" in entry]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


# -- the answer ----------------------------------------------------------------------------------------------------------


def _answer(db: duckdb.DuckDBPyConnection, sql: str, limit: int) -> pa.Table:
    relation = db.sql(sql)
    if any("UHUGEINT" in str(one) for one in relation.types):  # Arrow has no such number
        raise AuditkitError("a column of type UHUGEINT cannot be shown", "Cast it, as in x::HUGEINT or x::VARCHAR.")
    reader: pa.RecordBatchReader = relation.to_arrow_reader(2048)
    batches, rows = [], 0
    for batch in reader:
        batches.append(batch)
        rows += batch.num_rows
        if rows >= limit:
            break
    table = pa.Table.from_batches(batches, reader.schema).slice(0, limit)
    return table.rename_columns(_once(table.column_names))


def _once(names: list[str]) -> list[str]:
    """Give each column a name of its own, as `a`, `a_1`."""
    out: list[str] = []
    taken: set[str] = set()
    for name in names:
        fresh, number = name, 0
        while fresh in taken:
            number += 1
            fresh = f"{name}_{number}"
        taken.add(fresh)
        out.append(fresh)
    return out


def _said(error: BaseException) -> str:
    """The first line of what the database says."""
    with suppress(IndexError):
        return str(error).strip().splitlines()[0]
    return type(error).__name__
