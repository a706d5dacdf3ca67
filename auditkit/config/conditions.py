"""Conditions as people write them → the tree of `auditkit.model.condition`.

A mapping is AND, a list is OR; also `all:`, `any:`, `not:`. Every literal is typed by its column,
and a word that the column can never hold is refused: a rule that cannot match would be a false pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from auditkit.config.literals import NETWORKS, Wrong, literal, reserved, shown, size, typed
from auditkit.config.yaml import Loc
from auditkit.model.condition import All, Condition, Not, Some, Test
from auditkit.model.errors import nearest
from auditkit.model.tables import Column

__all__ = ["NETWORKS", "OPERATORS", "Parser", "literal", "reserved", "size"]

OPERATORS: dict[str, tuple[str, ...]] = {
    "text": ("in", "not_in", "like", "exists"),
    "aws": ("in", "not_in", "like", "exists"),
    "tags": ("in", "not_in", "like", "exists"),
    "integer": ("in", "not_in", "gt", "ge", "lt", "le", "between", "exists"),
    "port": ("in", "not_in", "gt", "ge", "lt", "le", "between", "exists"),
    "protocol": ("in", "not_in", "exists"),
    "address": ("in", "not_in", "exists"),
    "boolean": ("in", "not_in"),
    "time": ("gt", "ge", "lt", "le", "between"),
    "list": ("in", "not_in", "exists"),
    "state": ("in", "not_in"),
    "open": ("in", "not_in"),
}
"""Column type → operators that mean something on it."""


@dataclass(frozen=True)
class Parser:
    """Reads conditions over the columns of one table."""

    columns: Mapping[str, Column]
    """The columns that may be named."""
    networks: Collection[str]
    """The networks of auditkit.yaml."""
    complain: Callable[[Loc, str], None]
    """Takes each complaint with its place."""
    negated: bool = False
    """Below an odd number of `not:`."""

    def condition(self, data: Any, loc: Loc) -> Condition:
        """Read a mapping (AND) or a list (OR); complaints leave a tree that must not be used."""
        if isinstance(data, list):
            if not data:
                self.complain(loc, "an empty list matches nothing")
            return Some(tuple(self.condition(item, (*loc, at)) for at, item in enumerate(data)))
        if not isinstance(data, dict):
            self.complain(loc, "a condition is a mapping of columns, or a list of such mappings")
            return All(())
        if not data:
            self.complain(loc, "an empty mapping matches everything")
        return _all([self._entry(key, value, (*loc, key)) for key, value in data.items()])

    def _entry(self, key: str, value: Any, loc: Loc) -> Condition:
        if key == "not":
            return Not(replace(self, negated=not self.negated).condition(value, loc))
        if key in ("all", "any"):
            if not isinstance(value, list) or not value:
                self.complain(loc, f"{key}: takes a list of conditions")
                return All(())
            parts = tuple(self.condition(item, (*loc, at)) for at, item in enumerate(value))
            return All(parts) if key == "all" else Some(parts)
        column = self.columns.get(key)
        if column is None:
            self.complain(loc, f"unknown column {shown(key)}{nearest(key, [*self.columns, 'all', 'any', 'not'])}")
            return All(())
        if column.type == "tags":
            return self._tags(column, value, loc)
        return self._tests(column, None, value, loc)

    def _tags(self, column: Column, value: Any, loc: Loc) -> Condition:
        if not isinstance(value, dict) or not value:
            self.complain(loc, f"{column.name}: takes a mapping of tag key to value")
            return All(())
        return _all([self._tests(column, key, inner, (*loc, key)) for key, inner in value.items()])

    def _tests(self, column: Column, key: str | None, value: Any, loc: Loc) -> Condition:
        if not isinstance(value, dict):
            return self._test(column, key, "in", value if isinstance(value, list) else [value], loc)
        if not value:
            self.complain(loc, "an empty mapping asks nothing")
        return _all([self._test(column, key, op, inner, (*loc, op)) for op, inner in value.items()])

    def _test(self, column: Column, key: str | None, op: str, value: Any, loc: Loc) -> Condition:
        allowed = OPERATORS[column.type]
        if op not in allowed:
            known = op in {o for ops in OPERATORS.values() for o in ops}
            what = (
                f"{column.name} ({column.type}) does not take the operator {op!r}"
                if known
                else f"unknown operator {shown(op)}{nearest(op, allowed)}"
            )
            self.complain(loc, f"{what}; it takes {', '.join(allowed)}")
            return All(())
        items = value if isinstance(value, list) else [value]
        if not items:
            self.complain(loc, "an empty list matches nothing")
        if len(items) != (2 if op == "between" else 1) and op not in ("in", "not_in"):
            self.complain(loc, f"{op}: takes {'two values' if op == 'between' else 'one value'}")
            return All(())
        literals = []
        for at, item in enumerate(items):
            try:
                literals.append(
                    typed(column, op, item, self.networks, empty_is_safe=(op == "not_in") is not self.negated)
                )
            except Wrong as wrong:
                self.complain((*loc, at) if isinstance(value, list) else loc, str(wrong))
        if column.type == "address" and op != "exists":  # a network of IPv6 may be two ranges
            literals = [part for one in literals for part in ([one] if isinstance(one, str) else one)]
        if op == "between" and len(literals) == 2 and literals[0] > literals[1]:
            self.complain(loc, "between: the first value is the larger")
        return Test(
            column.name,
            op,
            tuple(literals),
            key,
            "text" if key is not None else column.type,
            "" if key is not None else column.absence,
            column.values if column.type == "open" else (),
        )


def _all(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else All(tuple(parts))
