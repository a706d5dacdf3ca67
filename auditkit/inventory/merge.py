"""One resource seen from several accounts, or in several answers, becomes one row, whatever came first."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any, NamedTuple

from auditkit.model.inventory import Call


class _Copy(NamedTuple):
    foreign: bool
    account_id: str
    at: str
    row: Any


class Merged:
    """Rows by identity. The owner's own view wins, then the first account by id, then the latest answer."""

    def __init__(self) -> None:
        self._best: dict[Hashable, _Copy] = {}
        self._seen: dict[Hashable, set[str]] = {}

    def add(self, key: Hashable, owner: str, call: Call, row: Any) -> None:
        """Take one view of one resource.

        Args:
            key: sortable; its identity. Short ids (8 digits) were unique within a region only, so it holds the region.
            owner: account that owns it.
            call: the answer that showed it.
            row: its row.
        """
        copy = _Copy(owner != call.account_id, call.account_id, call.at, row)
        old = self._best.setdefault(key, copy)
        if old is copy:
            return
        self._seen.setdefault(key, {old.account_id}).add(call.account_id)
        if _prefer(copy, old):
            self._best[key] = copy

    def rows(self) -> tuple[Any, ...]:
        """Return the rows, sorted by key."""
        return tuple(self._best[key].row for key in sorted(self._best))  # type: ignore[type-var]  # keys of one table are alike

    def rows_with_viewers(self) -> tuple[Any, ...]:
        """Return the rows, sorted by key, each with every account that saw it in `seen_from`."""
        for key, viewers in self._seen.items():
            best = self._best[key]
            self._best[key] = best._replace(row=replace(best.row, seen_from=tuple(sorted(viewers))))
        self._seen.clear()
        return self.rows()


def _prefer(new: _Copy, old: _Copy) -> bool:
    if new[:2] != old[:2]:
        return new[:2] < old[:2]
    if new.at != old.at:
        return new.at > old.at
    return new.row != old.row and repr(new.row) < repr(old.row)
