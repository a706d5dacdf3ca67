"""Assets: for each control rows that must break it and rows that must not, judged by the same path as an audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditkit.config.conditions import NETWORKS, literal
from auditkit.config.literals import CORPORATE
from auditkit.config.yaml import Document, load
from auditkit.engines.duckdb import of_rows
from auditkit.evaluate import evaluate, verdict_sql
from auditkit.model.addresses import Networks, cidr, is_prefix_list
from auditkit.model.condition import All, tests
from auditkit.model.control import Control
from auditkit.model.errors import InvalidInput, Problem, nearest
from auditkit.model.schema import TABLES, Table
from auditkit.query import select

WANTED = {"fail": True, "pass": False, "inconclusive": None}
_THERE = ("networks", "vpcs", "prefix_lists")
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
    if document.data is not None and not isinstance(document.data, dict):
        raise InvalidInput([document.problem((), "an asset is a mapping of fail:, pass: and inconclusive:")])
    problems = [
        document.problem((key,), f"unknown key {key!r}{nearest(key, (*WANTED, *_THERE))}")
        for key in data
        if key not in (*WANTED, *_THERE)
    ]
    problems += [
        document.problem((), f"{control.id} needs rows under {key}:") for key in ("fail", "pass") if not data.get(key)
    ]
    rows = {key: _rows(document, table, key, problems) for key in WANTED}
    there = {key: _cidrs(document, key, problems) for key in _THERE}
    lacking = {n for t in tests(All((control.where, control.fail_where))) if t.type == "address" for n in t.value}
    problems += [
        document.problem((), f"{control.id} names the network {name!r}: say here what it is, under networks:")
        for name in sorted(
            n for n in lacking if isinstance(n, str) and n not in (*NETWORKS, CORPORATE, *there["networks"])
        )
        if not is_prefix_list(name)
    ]
    if problems:
        raise InvalidInput(problems)
    lists = [_Listed(name, name, cidrs) for name, cidrs in there["prefix_lists"].items()]
    known = [{name: cidrs or () for name, cidrs in there[key].items()} for key in ("networks", "vpcs")]
    networks = Networks.of_run(known[0], known[1], lists)
    if not control.having:
        return list(_by_row(control, document, rows, networks))
    return [p for key, given in rows.items() if given for p in _by_group(control, document, key, given, networks)]


@dataclass(frozen=True)
class _Listed:
    """A prefix list of an asset, by the word that the control has for it."""

    prefix_list_id: str
    prefix_list_name: str
    cidrs: tuple[str, ...] | None


def _cidrs(document: Document, key: str, problems: list[Problem]) -> dict[str, tuple[str, ...] | None]:
    """Read name → CIDRs; for a prefix list null says that its entries were not read."""
    given = document.data.get(key) if isinstance(document.data, dict) else None
    if given is not None and not isinstance(given, dict):
        problems.append(document.problem((key,), f"{key}: takes a mapping of name to CIDRs"))
    out: dict[str, tuple[str, ...] | None] = {}
    for name, cidrs in given.items() if isinstance(given, dict) else ():
        out[name] = None
        if key == "prefix_lists" and not is_prefix_list(name):
            problems.append(
                document.problem((key, name), f"{name!r} is neither the id nor AWS's name of a prefix list")
            )
        if cidrs is None and key == "prefix_lists":
            continue
        try:
            for text in cidrs:
                cidr(text)
            out[name] = tuple(cidrs)
        except (TypeError, ValueError):
            problems.append(document.problem((key, name), f"{name}: takes a list of CIDRs such as [10.0.0.0/8]"))
    return out


def _rows(document: Document, table: Table, key: str, problems: list[Problem]) -> list[dict[str, Any]]:
    out = []
    data = document.data.get(key) if isinstance(document.data, dict) else None
    if data and not isinstance(data, list):
        problems.append(document.problem((key,), f"{key}: takes a list of rows"))
        return []
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
    control: Control, document: Document, rows: Mapping[str, Sequence[Mapping[str, Any]]], networks: Networks
) -> Iterator[Problem]:
    """Each row is judged by itself, all of them by one select."""
    places = [(key, at) for key, given in rows.items() for at in range(len(given))]
    engine = of_rows(TABLES[control.table], [rows[key][at] for key, at in places])
    _, verdict = verdict_sql(control, networks)
    judged = engine.rows(select(control.table, {"_row": "_row", "verdict": verdict}, "_row"))
    for (key, at), row in zip(places, judged, strict=True):
        if row["verdict"] is not WANTED[key]:
            yield document.problem(
                (key, at), f"{control.id}: this row {WORDS[row['verdict']]}, but it stands under {key}:"
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
