"""auditkit query."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditkit.cli.options import opened, run_argument

if TYPE_CHECKING:
    import pyarrow as pa

    from auditkit.run import Run

_WIDE = 10
"""Columns that stand beside each other; more stand below each other, row by row."""


@click.command(short_help="One read-only SELECT over a run's tables.")
@run_argument
@click.argument("sql", required=False)
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="csv: NULL and empty text are both empty. json: a list of objects, one on each line.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000_000),
    default=1000,
    show_default=True,
    help="Rows at most; it is said when there are more.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(1, 86_400),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Then the statement is ended.",
)
@click.option("--memory", default="4GiB", show_default=True, metavar="SIZE", help="What tables and statement may take.")
def query(run_path: Path, sql: str | None, *, form: str, limit: int, timeout: float, memory: str) -> int:
    """Ask a run's tables a question in SQL; without SQL, the tables are listed. `-` reads the statement from stdin.

    The statement is one SELECT in DuckDB's dialect, and sees in-memory copies of the tables that it names, nothing
    else: it reads and writes no file, opens no connection, and changes nothing. NULL means not known, as everywhere.
    What the tables and columns mean stands in docs/tables.md; flow_records holds the records that broke a control
    (of all flows that were read, `auditkit top` tells).

    \b
    Examples:
      auditkit query reports/q3
      auditkit query reports/q3 'describe coverage'
      auditkit query reports/q3 "select account_id, state, count(*) as n from coverage group by all order by n desc"
      auditkit query reports/q3 "select resource_id, vpc_tags['env'] as env from coverage where state = 'none'" -f csv > gaps.csv
      auditkit query reports/q3 "select * from findings where severity = 'critical'" -f json | jq '.[].resource_id'
      auditkit query reports/q3 - < question.sql
    """
    from auditkit.config.conditions import size
    from auditkit.model.errors import AuditkitError

    try:
        most = size(memory)
    except ValueError as error:
        raise AuditkitError(f"--memory: {error}") from None
    run = opened(run_path)
    tables = _tables(run)
    if sql is None:
        _list(tables)
        return 0
    from auditkit.engines.apart import ask

    text = sys.stdin.read() if sql == "-" else sql
    found = ask(text, tables, limit + 1, timeout, max(most, 64 * 2**20))
    _write(found.slice(0, limit), form)
    if len(found) > limit:
        click.echo(f"auditkit: only the first {limit:,} rows are shown; --limit shows more", err=True)
    return 0


def _tables(run: Run) -> dict[str, Path]:
    from auditkit.model.errors import AuditkitError

    if not run.done("assess"):
        raise AuditkitError(f"{run.path} has not been assessed", f"Run `auditkit assess {run.path}` first.")
    paths = (path for path in sorted(run.tables.glob("*.parquet")) if re.fullmatch(r"[a-z_]+", path.stem))
    return {path.stem: path for path in paths if path.is_file()}


def _list(tables: dict[str, Path]) -> None:
    import pyarrow.parquet as pq

    from auditkit.formats.text import plural

    for name, path in tables.items():
        rows, columns = pq.read_metadata(path).num_rows, len(pq.read_schema(path))
        click.echo(f"{name:30}{plural(rows, 'row'):>16}, {plural(columns, 'column')}")


# -- the answer ----------------------------------------------------------------------------------------------------------


def _write(found: pa.Table, form: str) -> None:
    rows = _rows(found)
    if form == "json":
        _write_json(found.column_names, rows)
    elif form == "csv":
        _write_csv(found.column_names, rows)
    else:
        _write_table(found.column_names, rows)


def _rows(found: pa.Table) -> list[tuple[Any, ...]]:
    columns = []
    for column in found.columns:
        try:
            columns.append([_plain(value) for value in column.to_pylist(maps_as_pydicts="lossy")])
        except (ValueError, OverflowError):  # a time that Python cannot say
            columns.append(column.cast("string").to_pylist())
    return list(zip(*columns, strict=True)) if columns else []


def _plain(value: Any) -> Any:
    """A value as JSON can say it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(_plain(k)): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return [_plain(v) for v in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, date | time):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def _write_json(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    import json

    lines = (json.dumps(dict(zip(names, row, strict=True))) for row in rows)
    click.echo("[" + ",".join(f"\n {line}" for line in lines) + "\n]")


def _write_csv(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    import csv

    from auditkit.formats.text import visible

    # What acts on a screen is shown as an escape; into a file or a pipe the text goes as it stands.
    screen = sys.stdout.isatty()
    out = csv.writer(sys.stdout, lineterminator="\n")
    for row in [tuple(names), *rows]:
        out.writerow([visible(_text(value)) if screen else _text(value) for value in row])


def _text(value: Any) -> str:
    import json

    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _write_table(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from auditkit.formats.text import plural, visible

    console = Console()
    if not console.is_terminal:
        console.width = 160
    shown = [[Text("NULL", "dim") if v is None else Text(visible(_text(v), 400)) for v in row] for row in rows]
    heads = [visible(name, 100) for name in names]
    if len(heads) <= _WIDE:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for at, head in enumerate(heads):
            numbers = any(isinstance(row[at], int | float) for row in rows)
            table.add_column(Text(head), justify="right" if numbers else "left", overflow="fold")
        for cells in shown:
            table.add_row(*cells)
        console.print(table)
    else:
        width = max(map(len, heads))
        for at, cells in enumerate(shown, 1):
            console.print(Text(f"row {at:,}", "bold"))
            for head, cell in zip(heads, cells, strict=True):
                console.print(Text(f"  {head:{width}}  ").append_text(cell), soft_wrap=True)
    console.print(Text(plural(len(rows), "row"), "dim"))
