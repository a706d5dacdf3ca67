"""One control, one table → counts per account and region, groups of rows that break it, and what was not decided.

One path for every table. The verdict on a row is `where AND fail_where`: TRUE breaks the control, FALSE is fine, NULL is undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from auditkit.evaluate.cells import BROKEN, MISSING, Cell, Engine, Group, Outcome, Sampled
from auditkit.evaluate.groups import groups_of
from auditkit.evaluate.having import apply_having, window
from auditkit.evaluate.population import may_break, population, sample
from auditkit.model.addresses import Networks
from auditkit.model.condition import UNDECIDED, All, Condition, Test, tests
from auditkit.model.control import Control
from auditkit.model.schema import TABLES
from auditkit.query import Compiler, name, text

__all__ = ["BROKEN", "MISSING", "Cell", "Group", "Outcome", "Sampled", "evaluate", "may_break", "verdict_sql"]


def verdict_sql(control: Control, networks: Networks, members: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return the SQL of `where` and of the verdict.

    On flow records ports may accuse, never acquit: the initiator that ports suggest counts only where it makes the verdict TRUE.
    """
    known = members or {}
    plain = Compiler(networks, members=known)
    where = plain.sql(control.where)
    both = All((control.where, control.fail_where))
    verdict = plain.sql(both)
    if control.table == "flow_records" and _of_initiator(both):
        by_ports = {"initiator": "initiator_by_ports", "initiator_basis": "'ports'"}
        accused = Compiler(networks, by_ports, members=known).sql(both)
        verdict = f"(CASE WHEN initiator IS NULL AND initiator_by_ports IS NOT NULL AND {accused} THEN TRUE ELSE {verdict} END)"
    return where, verdict


def evaluate(control: Control, engine: Engine, networks: Networks, *, sampled: bool = False) -> Outcome:
    """Judge every row of the control's table.

    The engine must hold the table, and `interface_days` for controls on flow records.

    Args:
        control: the control.
        engine: holds the tables.
        networks: that conditions name.
        sampled: only a sample was read, and the engine has the table `sampled` (interface_id, day, rank, drawn, base, missing).
    """
    members = engine.members(networks) if control.table == "flow_records" else {}
    where, verdict = verdict_sql(control, networks, members)
    flows = control.table == "flow_records"
    drawn = " WHERE observed <> 'sampled_out'" if sampled and control.table == "interface_days" else ""
    cells: dict[tuple[str, str], Cell] = {}
    rows, weight = engine.weighed(control.table, _needed(control, members, control.where))
    for row in engine.again(
        f"SELECT account_id, region, sum({weight})::BIGINT AS n FROM (SELECT * FROM ({rows}){drawn}) WHERE ({where}) IS NOT FALSE GROUP BY ALL ORDER BY ALL"
    ):
        cells[row["account_id"] or "", row["region"] or ""] = Cell(examined=row["n"])
    # Of flows only what judging and telling of groups asks for is looked up: what else a record says, the samples show.
    source = engine.relation(control.table, _kept(control, members, sampled=sampled) if flows else None)
    more = f", {window(control.having)}" if control.having else ""
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE judged AS SELECT *{more} FROM (SELECT *, ({verdict}) AS verdict FROM (SELECT * FROM ({source}){drawn}) "
        f"WHERE {_candidates(control, Compiler(networks, members=members))}) WHERE verdict IS NOT FALSE"
    )
    found = engine.rows("SELECT count(*) AS n FROM judged")[0]["n"] > 0
    if found and control.having is not None:
        apply_having(control, control.having, engine)
    if found:
        _undecided(control, engine, cells)
    if sampled and control.table in ("flow_records", "interface_days"):
        sample(control, engine, networks, cells)
    elif control.table == "flow_records":
        population(control, engine, networks, cells)
    return Outcome(control, cells, tuple(groups_of(control, engine)) if found else ())


def _needed(control: Control, members: Mapping[str, str], condition: Condition) -> tuple[str, ...]:
    """The columns that judging a condition needs."""
    used = [t.column for t in tests(condition)] + ["account_id", "region"]
    if control.table == "flow_records":
        for test in tests(condition):
            if test.type == "address" and test.op != "exists":
                named = [i for i in test.value if isinstance(i, str)]
                used += [f"{test.column}{members[i]}" for i in named if i in members]
                used += [f"{test.column}_ip"] if not set(test.value) <= members.keys() else []
                used += ["vpc_id"] if "vpc" in named else []
    if any(c.name == "at_least" for c in TABLES[control.table].columns):
        used.append("at_least")
    return tuple(dict.fromkeys(used))


def _kept(control: Control, members: Mapping[str, str], *, sampled: bool) -> tuple[str, ...]:
    """The columns that judged flows keep: what judging and grouping them needs, and what groups tell of theirs."""
    used = [*_needed(control, members, All((control.where, control.fail_where))), *control.group_by, *_TOLD]
    if control.having is not None:
        used += ["day"] if control.having.per == "1d" else []
        used += [control.having.column] if control.having.column else []
    used += ["unit", "day"] if sampled else []
    return tuple(dict.fromkeys(used))


_TOLD = (
    "obj", "line", "start", "end", "bytes", "packets", "initiator", "initiator_by_ports", "initiator_basis", "remote_address",
)  # fmt: skip
"""Columns that every judged flow keeps."""


def _candidates(control: Control, compiler: Compiler) -> str:
    """Rows that no part of the condition already clears: an AND is FALSE exactly if one of its parts is.

    Said part by part, so that the engine need not judge the dear parts of rows that a cheap one clears.
    """
    parts = [part for part in _conjuncts(All((control.where, control.fail_where))) if not _of_initiator(part)]
    return " AND ".join(f"({compiler.sql(part)}) IS NOT FALSE" for part in parts) or "TRUE"


def _conjuncts(condition: Condition) -> Iterable[Condition]:
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _conjuncts(part)
    else:
        yield condition


def _of_initiator(condition: Condition) -> bool:
    return any(test.column in ("initiator", "initiator_basis") for test in tests(condition))


def _undecided(control: Control, engine: Engine, cells: dict[tuple[str, str], Cell]) -> None:
    """Say which columns left rows undecided."""
    used = {t.column: _is_open(t) for t in (*tests(control.where), *tests(control.fail_where))}
    if control.having is not None:
        counted = control.having.column or {"flows": ""}.get(control.having.measure, control.having.measure)
        used = {c: f"{name(c)} IS NULL" for c in (*control.group_by, counted) if c} | used
    nulls = ", ".join(f"count(*) FILTER ({sql}) AS {name('n_' + c)}" for c, sql in used.items())
    for row in engine.rows(
        f"SELECT account_id, region, {nulls} FROM judged WHERE verdict IS NULL GROUP BY account_id, region ORDER BY ALL"
    ):
        cell = cells.setdefault((row["account_id"] or "", row["region"] or ""), Cell())
        cell.open.update({c: row["n_" + c] for c in used if row["n_" + c]})


def _is_open(test: Test) -> str:
    column = name(test.column)
    if test.type == "open":
        return f"coalesce({column} IN ({', '.join(map(text, UNDECIDED))}), TRUE)"
    return f"{column} = 'unknown'" if test.type == "state" else f"{column} IS NULL"
