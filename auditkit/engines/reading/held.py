"""What reading gives: batches of typed rows, and what each object held."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from auditkit.model.records import LogObject

STATUSES = ("OK", "NODATA", "SKIPDATA")
ACTIONS = ("ACCEPT", "REJECT")
"""What a record that tells of traffic says was done with it."""


@dataclass
class ObjectRead:
    """What one object held."""

    object: LogObject
    """The object."""
    number: int
    """Its number in this run: `obj` in the engine's tables."""
    path: Path
    """Where its bytes lie."""
    header: tuple[str, ...] = ()
    """Field names of its first header, or of its Parquet columns."""
    ok: int = 0
    """Records with log-status OK."""
    nodata: int = 0
    """Records with NODATA."""
    skipdata: int = 0
    """Records with SKIPDATA."""
    damage: Counter[str] = field(default_factory=Counter)
    """Reason → damaged records (or 1 for a damaged end)."""
    first_damage: str = ""
    """Line and reason of the damaged record that stands first."""
    first_at: int = 0
    """That line."""
    broken: bool = False
    """More than single records is damaged: how much was lost is not known."""

    @property
    def damaged(self) -> int:
        """Damaged records."""
        return sum(self.damage.values())

    def hurt(self, reason: str, line: int = 0, count: int = 1) -> None:
        """Count damaged records; without a line, the object itself is broken."""
        self.damage[reason] += count
        self.broken = self.broken or not line
        if not self.first_damage or line < self.first_at:
            self.first_damage, self.first_at = (f"line {line}: {reason}" if line else reason), line


@dataclass
class Batch:
    """Typed rows of one format."""

    fields: tuple[str, ...]
    """Known field names that the format has, hyphenated."""
    table: pa.Table
    """Columns of those fields in AWS's Parquet spelling, `log_status`, `obj` and `line`; `other_fields` and `flow_log_id`
    where there are any. `-` is null in numbers, text else."""
