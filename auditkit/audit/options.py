"""What a person asks of one run, beside auditkit.yaml."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Tick = Callable[[str, int, int], None]
"""Progress: what, done, total (0 when not known)."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class Narrowing:
    """The flags that narrow a run; empty means everything."""

    accounts: tuple[str, ...] = ()
    """Account ids."""
    regions: tuple[str, ...] = ()
    """Regions."""
    tables: tuple[str, ...] = ()
    """Tables whose controls are judged."""
    controls: tuple[str, ...] = ()
    """Control ids."""

    def place(self, account_id: str, region: str) -> bool:
        """Tell whether an account and region are in it; `*` and global regions always are."""
        return (not self.accounts or account_id in self.accounts) and (
            not self.regions or region in self.regions or region in ("*", "global", "")
        )

    def as_json(self) -> dict[str, list[str]]:
        """For run.json and assessment.json."""
        given = {"account": self.accounts, "region": self.regions, "table": self.tables, "control": self.controls}
        return {key: sorted(values) for key, values in given.items() if values}


EVERYTHING = Narrowing()
"""No narrowing."""
