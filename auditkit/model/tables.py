"""The column contract: for every table, each column's type, what absence is, when it is NULL, where it comes from.

Absence is a value, so that NULL means one thing only: the evidence cannot decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

NEVER = 2**63 - 1
"""What "never expires" is: the largest integer."""

ABSENCE: dict[str, Any] = {
    "text": "",
    "aws": "-",
    "address": "-",
    "integer": 0,
    "port": 0,
    "protocol": 0,
    "boolean": None,
    "time": None,
    "tags": {},
    "list": [],
    "state": "none",
    "open": "",
}
"""Type → the value that says "does not apply"; `aws` is a text column of a flow log field, where AWS writes `-`."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of one table."""

    name: str
    """AWS's own name in snake_case."""
    type: str
    """text, aws, integer, port, protocol, address, boolean, time, tags, list, state, or open: a word, which may say that it
    could not be decided."""
    doc: str
    """One sentence."""
    source: str = "derived"
    """The call or field that it comes from."""
    null: str = "never"
    """When it is NULL."""
    values: tuple[str, ...] = ()
    """The closed set of values, where there is one: a condition that names another is refused."""

    @property
    def absence(self) -> Any:
        """What stands there when the thing does not apply."""
        return ABSENCE[self.type]


def col(
    type_: str, doc: str, source: str = "derived", null: str = "never", *, values: tuple[str, ...] = (), **default: Any
) -> Any:
    """Declare a dataclass field that is a table's column."""
    return field(metadata={"type": type_, "doc": doc, "source": source, "null": null, "values": values}, **default)


def columns_of(row: type) -> tuple[Column, ...]:
    """Read the columns off a row's dataclass."""
    return tuple(
        Column(f.name, **{k: v for k, v in f.metadata.items() if k != "type"}, type=f.metadata["type"])
        for f in fields(row)
        if f.metadata
    )
