"""A word that says that it could not be decided clears nobody, whatever is asked of it."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from auditkit.config.conditions import Parser
from auditkit.engines.duckdb import of_rows
from auditkit.model.addresses import Networks
from auditkit.model.condition import truth
from auditkit.model.delivery import DELIVERY_STATES
from auditkit.model.schema import TABLES
from auditkit.query import Compiler, select

COLUMNS = {name: {c.name: c for c in TABLES[name].columns} for name in ("delivery", "coverage")}


def condition(table: str, data: Any) -> Any:
    """A condition as a policy file gives it."""

    def refuse(loc: Any, message: str) -> None:
        raise AssertionError(f"{loc}: {message}")

    return Parser(COLUMNS[table], (), refuse).condition(data, ())


def verdict(wish: Any, state: str) -> bool | None:
    return truth(condition("delivery", {"state": wish}), {"state": state})


@pytest.mark.parametrize(
    ("wish", "verdicts"),
    [
        ("gap", {"whole": False, "gap": True, "idle": False, "expired": None, "pending": None, "unknown": None}),
        ("expired", {"whole": False, "gap": False, "idle": False, "expired": True, "pending": False, "unknown": None}),
        ({"not_in": ["whole", "idle"]}, {"whole": False, "gap": True, "idle": False, "expired": None, "pending": None, "unknown": None}),
        (["gap", "expired"], {"whole": False, "gap": True, "idle": False, "expired": True, "pending": None, "unknown": None}),
        ({"not_in": ["expired"]}, {"whole": True, "gap": True, "idle": True, "expired": False, "pending": True, "unknown": None}),
        (["whole", "gap", "idle"], {"whole": True, "gap": True, "idle": True, "expired": True, "pending": True, "unknown": None}),
        (list(DELIVERY_STATES[:-1]), dict.fromkeys(DELIVERY_STATES, True)),
    ],
)  # fmt: skip
def test_what_could_not_be_told_is_decided_only_by_agreement_or_by_name(wish, verdicts):
    assert {state: verdict(wish, state) for state in DELIVERY_STATES} == verdicts


def test_unknown_cannot_be_asked_for():
    with pytest.raises(AssertionError, match="'unknown' is never a value of state"):
        condition("delivery", {"state": "unknown"})


@pytest.mark.parametrize(("table", "column"), [("delivery", "state"), ("coverage", "period_state")])
def test_sql_says_the_same_of_every_word_and_every_question(table, column):
    words = COLUMNS[table][column].values
    trees = [
        condition(table, {column: {op: list(some)}})
        for op in ("in", "not_in")
        for n in range(1, len(words) + 1)
        for some in combinations(words, n)
    ]
    rows = [{column: word} for word in (*words, "unknown", None)]
    engine = of_rows(TABLES[table], rows)
    compiler = Compiler(Networks.of_run({}, {}))
    for tree in trees:
        found = [r["v"] for r in engine.rows(select(table, {"_row": "_row", "v": compiler.sql(tree)}, "_row"))]
        assert found == [truth(tree, row) for row in rows], tree
    engine.close()
