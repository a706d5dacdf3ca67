"""Assets: for each control rows that must break it and rows that must not, judged by the same path as an audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from auditkit.config.conditions import literal
from auditkit.config.yaml import Document, load
from auditkit.engines.duckdb import of_rows
from auditkit.evaluate import evaluate, verdict_sql
from auditkit.model.addresses import Networks
from auditkit.model.control import Control
from auditkit.model.errors import InvalidInput, Problem, nearest
from auditkit.model.schema import TABLES, Table
from auditkit.query import select

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
    problems = [
        document.problem((key,), f"unknown key {key!r}{nearest(key, (*WANTED, 'networks', 'vpcs'))}")
        for key in data
        if key not in (*WANTED, "networks", "vpcs")
    ]
    problems += [
        document.problem((), f"{control.id} needs rows under {key}:") for key in ("fail", "pass") if not data.get(key)
    ]
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
                problems.append(
                    document.problem(
                        (key, at, name), f"unknown column {name!r}{nearest(name, [c.name for c in table.columns])}"
                    )
                )
                continue
            try:
                row[name] = literal(column, value)
            except ValueError as error:
                problems.append(document.problem((key, at, name), str(error)))
        out.append(row)
    return out


def _by_row(
    control: Control, document: Document, key: str, rows: Sequence[Mapping[str, Any]], networks: Networks
) -> Iterator[Problem]:
    engine = of_rows(TABLES[control.table], rows)
    _, verdict = verdict_sql(control, networks)
    for row in engine.rows(select(control.table, {"_row": "_row", "verdict": verdict}, "_row")):
        if row["verdict"] is not WANTED[key]:
            yield document.problem(
                (key, row["_row"]), f"{control.id}: this row {WORDS[row['verdict']]}, but it stands under {key}:"
            )
    engine.close()


def _by_group(
    control: Control, document: Document, key: str, rows: Sequence[Mapping[str, Any]], networks: Networks
) -> Iterator[Problem]:
    """A control with a threshold is about all rows together."""
    engine = of_rows(TABLES[control.table], rows)
    groups = evaluate(control, engine, networks).groups
    verdict = None if groups and not any(g.fails for g in groups) else bool(groups)
    if verdict is not WANTED[key]:
        yield document.problem(
            (key,),
            f"{control.id}: together these rows {WORDS[verdict].replace('is ', 'are ').replace('breaks', 'break')}, but they stand under {key}:",
        )
    engine.close()
