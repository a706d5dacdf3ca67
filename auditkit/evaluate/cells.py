"""What judging gives: groups of rows, and counts per account and region; and what it needs of an engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from auditkit.model.addresses import Networks
from auditkit.model.control import Control
from auditkit.model.schema import TABLES
from auditkit.query import name


class Engine(Protocol):
    """What evaluation needs of an engine."""

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Run one select."""

    def execute(self, sql: str) -> None:
        """Run one statement."""

    def relation(self, table: str, columns: Collection[str] | None, only: str = "") -> str:
        """Return a select over a table with some of its columns (None: all) and `_id`; `only` selects the `_id`s wanted."""

    def again(self, sql: str) -> list[dict[str, Any]]:
        """Run one select over tables that judging leaves as they are; it is answered once."""

    def members(self, networks: Networks) -> Mapping[str, str]:
        """Return the networks of which a column of flow records says who is in them, each with the ending of its name."""

    def weighed(self, table: str, columns: Collection[str]) -> tuple[str, str]:
        """Return a select with some columns, and the number of rows that each of its rows stands for."""


@dataclass(frozen=True)
class Group:
    """Rows of one group that break a control, or that cannot be decided."""

    key: dict[str, Any]
    """Values of group_by."""
    account_id: str
    """Account."""
    region: str
    """Region."""
    fails: bool
    """True when a row breaks the control; False when all are undecided."""
    facts: dict[str, Any]
    """rows; for flows also first, last, bytes, packets, basis, peers."""
    sample: tuple[dict[str, Any], ...]
    """Up to five rows, whole."""


@dataclass
class Sampled:
    """What was drawn of the interface-days that a control is about, in one account and region."""

    population: int = 0
    """Interface-days that it is about."""
    drawn: int = 0
    """How many of them were drawn, for this control or another."""
    first: int = 0
    """How many of lowest rank were drawn without one left out."""
    base: int = 0
    """How many were drawn because of their rank among all of the account and region."""
    deviations: Counter[str] = field(default_factory=Counter)
    """Reason → interface-days drawn that break the control, or that were not observed for the actions asked about."""
    outside: Counter[str] = field(default_factory=Counter)
    """Reason, or nothing where observed → interface-days that only records tell of: nobody could have drawn them."""

    @property
    def unobserved(self) -> Counter[str]:
        """Reason → interface-days, drawn or not to be drawn, that were not observed, as if there were no sample."""
        lost = self.deviations + self.outside
        return Counter({why: n for why, n in lost.items() if why not in ("", BROKEN, MISSING)})


BROKEN = "it breaks the control"


MISSING = "log objects of it are missing"


@dataclass
class Cell:
    """One account and region."""

    examined: int = 0
    """Rows for which `where` is not FALSE."""
    days: int = 0
    """Interface-days in scope, for flow records."""
    unobserved: Counter[str] = field(default_factory=Counter)
    """Reason → interface-days that were not observed for the actions asked about."""
    open: Counter[str] = field(default_factory=Counter)
    """Column → rows that it leaves undecided."""
    sampled: Sampled | None = None
    """What was drawn, where a sample was read; not summed up."""

    def __add__(self, other: Cell) -> Cell:
        """Sum two cells up."""
        return Cell(
            self.examined + other.examined,
            self.days + other.days,
            self.unobserved + other.unobserved,
            self.open + other.open,
        )

    def reasons(self, table: str) -> list[str]:
        """Say what was not decided."""
        out = []
        if missing := self.unobserved.total():
            why = "; ".join(
                f"{text} ({n:,})" for text, n in sorted(self.unobserved.items(), key=lambda i: (-i[1], i[0]))
            )
            out.append(f"{missing:,} of {self.days:,} interface-days in scope were not observed: {why}")
        for column_name, n in sorted(self.open.items()):
            column = TABLES[table].column(column_name)
            why = "it is unknown" if column is None or column.type == "state" else column.null
            out.append(f"{column_name} leaves {n:,} of the {self.examined:,} rows examined undecided: {why}")
        return out


@dataclass(frozen=True)
class Outcome:
    """What one control found."""

    control: Control
    """The control."""
    cells: dict[tuple[str, str], Cell]
    """(account, region) → counts."""
    groups: tuple[Group, ...]
    """Sorted by key."""


# Columns of a flow record that are known of an interface-day before any record of it is read.
STANDING = (
    "account_id", "region", "vpc_id", "subnet_id", "interface_id", "resource_type", "baseline",
    "service", "subject", "subject_type", "vpc_tags", "subnet_tags", "interface_tags", "account_tags",
)  # fmt: skip


def keys_of(by: tuple[str, ...]) -> str:
    """List columns in SQL."""
    return ", ".join(map(name, by))
