"""The runs that are to be joined: what each one read, and whether they fit together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from auditkit import snapshot
from auditkit.audit.options import Narrowing
from auditkit.inventory.scope import Scope, scope
from auditkit.model.errors import AuditkitError
from auditkit.run import Run, parse_time

EVERY = "*"
"""Stands for the regions of an account whose regions could not be asked."""


@dataclass(frozen=True)
class Part:
    """One of the runs."""

    run: Run
    """Where it lies."""
    state: dict[str, Any]
    """run.json."""
    meta: dict[str, Any]
    """snapshot.json."""
    scope: Scope
    """What snapshot.json says, checked."""
    places: frozenset[tuple[str, str]]
    """Account and region that it read, narrowed as it was; region `*` for an account whose regions are not known."""

    @property
    def accounts(self) -> set[str]:
        """Accounts of its places."""
        return {account_id for account_id, _ in self.places}

    @property
    def as_of(self) -> datetime:
        """When collecting ended."""
        return parse_time(self.state["as_of"])


def part(run: Run) -> Part:
    """Look at a run that is to be joined with others.

    Raises:
        AuditkitError: it was not collected whole, or its files are damaged.
    """
    if not run.state:
        raise AuditkitError(f"{run.path} is not a run", "Name the directories that `auditkit collect -o` wrote.")
    if not run.done("collect"):
        raise AuditkitError(
            f"{run.path} has not been collected whole", f"Run `auditkit collect -o {run.path}` again to go on with it."
        )
    state, meta = run.state, snapshot.read_meta(run.snapshot)
    asked = scope(meta)
    return Part(run, state, meta, asked, frozenset(_places(asked, _narrowing(state))))


def _narrowing(state: dict[str, Any]) -> Narrowing:
    given = state.get("options", {}).get("narrowed", {})
    return Narrowing(tuple(given.get("account", ())), tuple(given.get("region", ())))


def _places(asked: Scope, narrowing: Narrowing) -> Iterator[tuple[str, str]]:
    for account_id in asked.accounts:
        if not narrowing.accounts or account_id in narrowing.accounts:
            if not asked.regions[account_id]:
                yield account_id, EVERY
            for region in asked.regions[account_id]:
                if narrowing.place(account_id, region):
                    yield account_id, region


def check(parts: Sequence[Part]) -> None:
    """Refuse runs that cannot be one.

    Raises:
        AuditkitError: fewer than two, another period, configuration, policies or waivers, or two read the same.
    """
    if len(parts) < 2:
        raise AuditkitError("there is nothing to join: name two runs or more")
    first = parts[0]
    for other in parts[1:]:
        differ = [what for what, one, two in _must_agree(first, other) if one != two]
        if differ:
            raise AuditkitError(
                f"{first.run.path} and {other.run.path} were made with different {' and '.join(differ)}",
                "Collect all parts with the same auditkit.yaml, policies, waivers and --period; narrow them with --account or --region.",
            )
    for at, one in enumerate(parts):
        for two in parts[at + 1 :]:
            if both := sorted(_overlap(one, two)):
                more = f" and {len(both) - 3} more" if len(both) > 3 else ""
                raise AuditkitError(
                    f"{one.run.path} and {two.run.path} both read {', '.join(both[:3])}{more}",
                    "Only disjoint runs can be joined: which of two answers holds, nobody can tell.",
                )


def _must_agree(one: Part, two: Part) -> Iterator[tuple[str, object, object]]:
    yield "periods", one.state.get("period"), two.state.get("period")
    yield "auditkit.yaml", _config(one), _config(two)
    yield "policies", _files(one.run.inputs / "policies"), _files(two.run.inputs / "policies")
    yield "waivers", _digest(one.run.inputs / "waivers.yaml"), _digest(two.run.inputs / "waivers.yaml")
    yield "partitions of AWS", one.scope.partition, two.scope.partition


def _config(one: Part) -> tuple[object, str]:
    return one.state.get("options", {}).get("config_sha256"), _digest(one.run.inputs / "auditkit.yaml")


def _files(folder: Path) -> list[tuple[str, str]]:
    return (
        [(path.name, _digest(path)) for path in sorted(folder.iterdir()) if path.is_file()] if folder.is_dir() else []
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _overlap(one: Part, two: Part) -> set[str]:
    both = {"/".join(place) for place in one.places & two.places}
    for some, others in ((one, two), (two, one)):
        both |= {account_id for account_id, region in some.places if region == EVERY and account_id in others.accounts}
    return both
