"""Assets: for each control rows that must break it and rows that must not, judged by the same path as an audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from auditkit.config.conditions import literal
from auditkit.config.yaml import Document, load
from auditkit.engines.duckdb import ARROW, DuckDB, arrow_table
from auditkit.evaluate import evaluate, verdict_sql
from auditkit.model.addresses import Networks, address
from auditkit.model.control import Control
from auditkit.model.errors import InvalidInput, Problem, nearest
from auditkit.model.schema import TABLES, Table

WANTED = {"fail": True, "pass": False, "inconclusive": None}
WORDS = {True: "breaks the control", False: "is fine", None: "is undecided"}


def asset_path(control: Control, folder: Path) -> Path:
    """Where a control's asset lies: assets/<id>.yaml beside the policy file."""
    return folder / "assets" / f"{control.id}.yaml"


def check(control: Control, path: Path) -> list[Problem]:
    """Judge a control's asset.

    Returns:
        one problem for each row that is not judged as it must be; none when all is well.

    Raises:
        InvalidInput: the asset cannot be read, or names columns that do not exist.
    """
    if not path.exists():
        return [Problem(str(path), 0, f"{control.id} has no asset: write rows that must fail and rows that must pass")]
    document = load(path)
    data = document.data if isinstance(document.data, dict) else {}
    table = TABLES[control.table]
    problems = [document.problem((key,), f"unknown key {key!r}{nearest(key, (*WANTED, 'networks', 'vpcs'))}") for key in data if key not in (*WANTED, "networks", "vpcs")]
    problems += [document.problem((), f"{control.id} needs rows under {key}:") for key in ("fail", "pass") if not data.get(key)]
    rows = {key: _rows(document, table, key, problems) for key in WANTED}
    if problems:
        raise InvalidInput(problems)
    networks = Networks.of_run(data.get("networks") or {}, data.get("vpcs") or {})
    judge = _by_group if control.having else _by_row
    return [p for key, given in rows.items() if given for p in judge(control, document, key, given, networks)]


def _rows(document: Document, table: Table, key: str, problems: list[Problem]) -> list[dict[str, Any]]:
    out = []
    data = document.data.get(key) if isinstance(document.data, dict) else None
    for at, raw in enumerate(data or ()):
        row: dict[str, Any] = {}
        if not isinstance(raw, dict):
            problems.append(document.problem((key, at), "a row is a mapping of columns"))
            continue
        for name, value in raw.items():
            column = table.column(name)
            if column is None:
                problems.append(document.problem((key, at, name), f"unknown column {name!r}{nearest(name, [c.name for c in table.columns])}"))
                continue
            try:
                row[name] = literal(column, value)
            except ValueError as error:
                problems.append(document.problem((key, at, name), str(error)))
        out.append(row)
    return out


def _engine(table: Table, rows: Sequence[Mapping[str, Any]]) -> DuckDB:
    engine = DuckDB()
    given = arrow_table(table.columns, rows).append_column("_row", pa.array(range(len(rows)), pa.int32()))
    if table.name == "flow_records":
        given = given.append_column("initiator_by_ports", pa.array([None] * len(rows), pa.string()))
    engine.add("_rows", given)
    numbers = sorted({(r[c.name], address(r[c.name])) for r in rows for c in table.columns if c.type == "address" and r.get(c.name) is not None})
    engine.add("addresses", pa.table({"address": pa.array([t for t, _ in numbers], pa.string()), "ip": pa.array([str(n) if n is not None else None for _, n in numbers], pa.string())}))
    ips = "".join(f', (SELECT ip::UHUGEINT FROM addresses a WHERE a.address = r."{c.name}") AS "{c.name}_ip"' for c in table.columns if c.type == "address")
    engine.execute(f"CREATE TABLE {table.name} AS SELECT r.*{ips} FROM _rows r")
    days = TABLES["interface_days"].columns
    if table.name != "interface_days":
        engine.add("interface_days", pa.table({c.name: pa.array([], ARROW[c.type]) for c in days}))
    return engine


def _by_row(control: Control, document: Document, key: str, rows: Sequence[Mapping[str, Any]], networks: Networks) -> Iterator[Problem]:
    engine = _engine(TABLES[control.table], rows)
    _, verdict = verdict_sql(control, networks)
    for row in engine.rows(f"SELECT _row, ({verdict}) AS verdict FROM {control.table} ORDER BY _row"):
        if row["verdict"] is not WANTED[key]:
            yield document.problem((key, row["_row"]), f"{control.id}: this row {WORDS[row['verdict']]}, but it stands under {key}:")
    engine.close()


def _by_group(control: Control, document: Document, key: str, rows: Sequence[Mapping[str, Any]], networks: Networks) -> Iterator[Problem]:
    """A control with a threshold is about all rows together."""
    engine = _engine(TABLES[control.table], rows)
    groups = evaluate(control, engine, networks).groups
    verdict = None if groups and not any(g.fails for g in groups) else bool(groups)
    if verdict is not WANTED[key]:
        yield document.problem((key,), f"{control.id}: together these rows {WORDS[verdict].replace('is ', 'are ').replace('breaks', 'break')}, but they stand under {key}:")
    engine.close()
