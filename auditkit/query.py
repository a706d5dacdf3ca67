"""Condition tree + dialect → SQL of three values (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from auditkit.model.addresses import Networks, Range, merge
from auditkit.model.condition import (
    COVERAGE_STATES,
    UNDECIDED,
    All,
    Condition,
    Not,
    Some,
    Test,
    possible_states,
    truth,
    truth_of_undecided,
)

_EASY = 2
"""Runs of `%` in a pattern that LIKE may weigh against each other."""
_COMPARE = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


@dataclass(frozen=True)
class Dialect:
    """How one engine spells things; the compiler has no `if` about engines."""

    tag: str = "coalesce({column}[{key}], '')"
    """A tag's value, '' when the resource lacks it; NULL when the column is NULL is added around."""
    overlap: str = "list_has_any({column}, [{items}])"
    """Two lists share a member."""
    filled: str = "len({column}) > 0"
    """A list has members."""
    number: str = "{column}_ip"
    """The 128-bit integer of an address column; NULL where it is `-` or not an address."""
    big: str = "{value}::UHUGEINT"
    """A 128-bit literal."""
    time: str = "TIMESTAMPTZ '{value}'"
    """A point in time."""
    nul: str = "chr(0)"
    """The character that no text literal can hold."""
    like: str = "({column} LIKE {pattern})"
    """SQL's LIKE, without an escape."""
    regex: str = "regexp_full_match({column}, {pattern}, 's')"
    """A whole text against a regular expression, in time that grows with the text alone."""


DUCKDB = Dialect()


def text(value: str) -> str:
    """Quote a text literal: of any characters, none of which ends it."""
    # Half a surrogate pair is no text; the tables hold `?` in its place, too.
    parts = ["'" + part.encode("utf-8", "replace").decode().replace("'", "''") + "'" for part in value.split("\0")]
    return parts[0] if len(parts) == 1 else "(" + f" || {DUCKDB.nul} || ".join(parts) + ")"


def name(value: str) -> str:
    """Quote an identifier."""
    return '"' + value.replace('"', '""') + '"'


def select(table: str, columns: Mapping[str, str], order: str) -> str:
    """Select expressions under names, in the order of a column."""
    return f"SELECT {', '.join(f'({sql}) AS {name(n)}' for n, sql in columns.items())} FROM {name(table)} ORDER BY {name(order)}"


def among(number: str, ranges: Iterable[Range], dialect: Dialect = DUCKDB) -> str:
    """Return whether a 128-bit number is in one of some ranges; of none, false."""
    big = dialect.big.format
    return " OR ".join(f"{number} BETWEEN {big(value=low)} AND {big(value=high)}" for low, high in ranges) or "FALSE"


@dataclass(frozen=True)
class Compiler:
    """Compiles conditions over one table.

    Raises:
        KeyError: a network that `networks` does not have.
    """

    networks: Networks
    """The networks of the run."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column → SQL expression, where it is not the column of that name; `NULL` makes it undecided."""
    dialect: Dialect = DUCKDB
    """The engine's spelling."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Network → ending of the columns that say whether an address is in it: NULL of NULL, false of `-`."""

    def sql(self, condition: Condition) -> str:
        """Return a boolean expression: TRUE, FALSE or NULL, on every row."""
        match condition:
            case Test():
                return self._test(condition)
            case Not(part):
                return f"(NOT {self.sql(part)})"
            case All(parts):
                return "(" + " AND ".join(map(self.sql, parts)) + ")" if parts else "TRUE"
            case Some(parts):
                return "(" + " OR ".join(map(self.sql, parts)) + ")" if parts else "FALSE"

    def column(self, column: str) -> str:
        """Return the SQL of a column."""
        return self.columns.get(column, name(column))

    def _test(self, test: Test) -> str:
        column = self.column(test.column)
        if column == "NULL":
            return "NULL::BOOLEAN"
        if test.key is not None:
            tag = self.dialect.tag.format(column=column, key=text(test.key))
            return f"(CASE WHEN {column} IS NULL THEN NULL ELSE {self._plain(test, tag)} END)"
        if test.type == "state":
            return self._state(test, column)
        if test.type == "open":
            return self._open(test, column)
        if test.type == "address" and test.op != "exists":
            return self._address(test, column)
        return self._plain(test, column)

    def _plain(self, test: Test, column: str) -> str:
        match test.op:
            case "in":
                return self._member(test, column)
            case "not_in":
                return f"(NOT {self._member(test, column)})"
            case "between":
                return f"({column} BETWEEN {self._literal(test.value[0])} AND {self._literal(test.value[1])})"
            case "like":
                return self._like(test.value[0], column)
            case "exists":
                there = (
                    self.dialect.filled.format(column=column)
                    if test.type == "list"
                    else f"{column} <> {self._literal(test.absence)}"
                )
                return f"({there})" if test.value[0] else f"(NOT ({there}))"
            case _:
                return f"({column} {_COMPARE[test.op]} {self._literal(test.value[0])})"

    def _member(self, test: Test, column: str) -> str:
        if test.type == "list":
            return f"({self.dialect.overlap.format(column=column, items=', '.join(map(self._literal, test.value)))})"
        single = [item for item in test.value if not isinstance(item, tuple)]
        parts = [f"{column} BETWEEN {low} AND {high}" for low, high in (i for i in test.value if isinstance(i, tuple))]
        if single:
            parts.append(f"{column} IN ({', '.join(map(self._literal, single))})")
        return "(" + " OR ".join(parts) + ")"

    def _like(self, pattern: str, column: str) -> str:
        """LIKE; where it would try every way to fit several parts with `_` in them, a regular expression."""
        if "_" not in pattern or len(re.findall("%+", pattern)) <= _EASY:
            return self.dialect.like.format(column=column, pattern=text(pattern))
        regex = "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in re.sub("%+", "%", pattern))
        return self.dialect.regex.format(column=column, pattern=text(regex))

    def _state(self, test: Test, column: str) -> str:
        """An unknown state is decided only where every state from `at_least` up gives the same answer."""
        arms = []
        at_least = f"coalesce({self.column('at_least')}, 'none')"
        for state in COVERAGE_STATES:
            verdict = _constant(truth(test, {test.column: state}))
            arms.append(f"WHEN {column} = {text(state)} THEN {verdict}")
        for state in COVERAGE_STATES:
            verdicts = {truth(test, {test.column: one}) for one in possible_states("unknown", state)}
            if len(verdicts) == 1:
                arms.append(
                    f"WHEN {column} = 'unknown' AND {at_least} = {text(state)} THEN {_constant(verdicts.pop())}"
                )
        return f"(CASE {' '.join(arms)} ELSE NULL END)"

    def _open(self, test: Test, column: str) -> str:
        """A word that could not be decided is what all that it may stand for agree on."""
        arms = (f"WHEN {text(word)} THEN {_constant(truth_of_undecided(test, word))}" for word in UNDECIDED)
        return f"(CASE {column} {' '.join(arms)} ELSE {self._plain(test, column)} END)"

    def _address(self, test: Test, column: str) -> str:
        if test.column not in self.columns and all(
            isinstance(item, str) and item in self.members for item in test.value
        ):
            flags = " OR ".join(name(f"{test.column}{self.members[item]}") for item in test.value)
            return f"({flags})" if test.op == "in" else f"(NOT ({flags}))"
        number = self.columns.get(f"{test.column}_ip", self.dialect.number.format(column=test.column))
        ranges: list[Range] = []
        maybe: list[Range] = []
        whole = True
        own = False
        for item in test.value:
            if isinstance(item, tuple):
                ranges.append(item)
            elif item == "vpc":
                own = True
            else:
                network = self.networks.network(item)
                ranges += network.ranges
                maybe += network.maybe
                whole = whole and network.whole
        parts = [self._among(number, merge(ranges))] if ranges else []
        if maybe:
            parts.append(f"(CASE WHEN {self._among(number, merge(maybe))} THEN NULL ELSE FALSE END)")
        if own:
            parts.append(self._vpc(number))
        if not whole:
            parts.append("NULL::BOOLEAN")
        member = " OR ".join(parts) or "FALSE"
        # `-` (does not apply) has no number, and is in no network; NULL is undecided.
        inside = f"(CASE WHEN {column} IS NULL THEN NULL WHEN {number} IS NULL THEN FALSE ELSE ({member}) END)"
        return inside if test.op == "in" else f"(NOT {inside})"

    def _vpc(self, number: str) -> str:
        arms = [
            f"WHEN {text(vpc_id)} THEN ({self._among(number, ranges)})"
            for vpc_id, ranges in sorted(self.networks.vpcs.items())
        ]
        return f"(CASE {self.column('vpc_id')} {' '.join(arms)} ELSE NULL END)" if arms else "NULL::BOOLEAN"

    def _among(self, number: str, ranges: Iterable[Range]) -> str:
        return among(number, ranges, self.dialect)

    def _literal(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(value).upper()
        if isinstance(value, datetime):
            return self.dialect.time.format(value=value.isoformat(sep=" "))
        if isinstance(value, int):
            return str(value)
        return text(str(value))


def _constant(value: bool | None) -> str:  # noqa: FBT001 - the three values are what it is about
    return "NULL" if value is None else str(value).upper()
