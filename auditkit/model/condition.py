"""A condition is a closed tree of tests over one row, judged in three values.

TRUE, FALSE, and None where the evidence cannot decide (Kleene's strong logic, which is SQL's).
`auditkit.query` compiles the same tree to SQL; `truth` here judges one row at a time, where no
SQL engine is at hand: the match of a baseline, a security-group rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditkit.model.addresses import Network, Networks, Range, address

COVERAGE_STATES = ("none", "failing", "partial", "misdirected", "malformed", "complete")
"""From worst to best; `unknown` stands beside them with `at_least`."""


UNDECIDED = ("unknown", "pending", "expired")
"""Words of an open column that say that it could not be decided; `unknown` may also be one of the others."""


@dataclass(frozen=True, slots=True)
class Test:
    """One column (or one tag of a tag column) against a value."""

    __test__ = False  # pytest would collect it

    column: str
    """Name of the column."""
    op: str
    """in, not_in, gt, ge, lt, le, between, like or exists; a scalar is `in` with one item."""
    value: tuple[Any, ...]
    """Items for in and not_in (text, number, (low, high) of numbers, Network name or Range for addresses);
    one item for the others, two for between, a bool for exists."""
    key: str | None = None
    """The tag's key, on tag columns."""
    type: str = "text"
    """The column's type, from the table's contract."""
    absence: Any = "-"
    """What stands in the column where the thing does not apply."""
    values: tuple[str, ...] = ()
    """On open columns, the words that one that could not be decided may stand for."""


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition = Test | All | Some | Not

TRUE: Condition = All(())
"""Holds on every row."""


def tests(condition: Condition) -> Iterator[Test]:
    """Every test of the tree, in order."""
    match condition:
        case Test():
            yield condition
        case Not(part):
            yield from tests(part)
        case All(parts) | Some(parts):
            for one in parts:
                yield from tests(one)


def kleene_and(values: Iterable[bool | None]) -> bool | None:
    """FALSE wins, then None."""
    out: bool | None = True
    for value in values:
        if value is False:
            return False
        if value is None:
            out = None
    return out


def kleene_or(values: Iterable[bool | None]) -> bool | None:
    """TRUE wins, then None."""
    out: bool | None = False
    for value in values:
        if value is True:
            return True
        if value is None:
            out = None
    return out


def kleene_not(value: bool | None) -> bool | None:  # noqa: FBT001 - the three values are what it is about
    """TRUE and FALSE change places; None stays."""
    return None if value is None else not value


def truth(condition: Condition, row: Mapping[str, Any], networks: Networks | None = None) -> bool | None:
    """Judge one row.

    Args:
        condition: the tree.
        row: column → value; a missing column is None (undecided).
        networks: needed where the tree names networks.
    """
    match condition:
        case Test():
            return _truth_of_test(condition, row, networks)
        case Not(part):
            return kleene_not(truth(part, row, networks))
        case All(parts):
            return kleene_and(truth(part, row, networks) for part in parts)
        case Some(parts):
            return kleene_not(kleene_and(kleene_not(truth(part, row, networks)) for part in parts))


def _truth_of_test(test: Test, row: Mapping[str, Any], networks: Networks | None) -> bool | None:
    value = row.get(test.column)
    if value is None:
        return None
    if test.key is not None:
        value = value.get(test.key) or ""
    if test.type == "state":
        return _truth_of_state(test, value, row.get("at_least"))
    if test.type == "open" and value in UNDECIDED:
        return truth_of_undecided(test, value)
    return _judge(test, value, row, networks)


def possible_states(state: str, at_least: str | None) -> tuple[str, ...]:
    """The states that a coverage row may have: itself, or all from `at_least` up."""
    if state != "unknown":
        return (state,)
    return COVERAGE_STATES[COVERAGE_STATES.index(at_least or "none") :]


def _truth_of_state(test: Test, state: str, at_least: str | None) -> bool | None:
    verdicts = {_judge(test, one, {}, None) for one in possible_states(state, at_least)}
    return verdicts.pop() if len(verdicts) == 1 else None


def truth_of_undecided(test: Test, word: str) -> bool | None:
    """Judge a word that could not be decided: by itself where the test names it, else as all that it may stand for agree."""
    if word in test.value:
        return test.op == "in"
    possible = (one for one in test.values if word == "unknown" or one not in UNDECIDED)
    verdicts = {_judge(test, one, {}, None) for one in possible}
    return verdicts.pop() if len(verdicts) == 1 else None


def _judge(test: Test, value: Any, row: Mapping[str, Any], networks: Networks | None) -> bool | None:
    match test.op:
        case "in":
            return _member(test, value, row, networks)
        case "not_in":
            return kleene_not(_member(test, value, row, networks))
        case "exists":
            there = bool(value) if test.type == "list" else value != test.absence
            return there is test.value[0]
        case "like":
            return like(test.value[0]).fullmatch(value) is not None
        case "between":
            return bool(test.value[0] <= value <= test.value[1])
        case _:
            return bool(_COMPARE[test.op](value, test.value[0]))


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


def like(pattern: str) -> re.Pattern[str]:
    """SQL's LIKE: `%` any text, `_` one character, no escape.

    Each part between two `%` is taken where it first fits and never reconsidered, so that no text takes long.
    """
    first, *rest = (re.escape(part).replace("_", ".") for part in re.split("%+", pattern))
    if not rest:
        return re.compile(first, re.DOTALL)
    *middle, last = rest
    return re.compile("".join([first, *(f"(?>.*?{part})" for part in middle), ".*", last]), re.DOTALL)


def _member(test: Test, value: Any, row: Mapping[str, Any], networks: Networks | None) -> bool | None:
    if test.type == "address":
        return _address_member(test, value, row, networks)
    if test.type == "list":
        return any(item in value for item in test.value)
    return any(item[0] <= value <= item[1] if isinstance(item, tuple) else item == value for item in test.value)


def _address_member(test: Test, value: str, row: Mapping[str, Any], networks: Networks | None) -> bool | None:
    number = address(value)
    if number is None:  # "-": does not apply, so it is in no network
        return False
    return kleene_not(kleene_and(kleene_not(resolve(item, row, networks, number)) for item in test.value))


def resolve(item: str | Range, row: Mapping[str, Any], networks: Networks | None, number: int) -> bool | None:
    """Tell whether an address is in a network that a condition names."""
    if isinstance(item, tuple):
        return item[0] <= number <= item[1]
    if networks is None:
        return None
    if item == "vpc":
        ranges = networks.vpcs.get(row.get("vpc_id") or "")
        return None if ranges is None else Network("vpc", ranges).has(number)
    return networks.network(item).has(number)
