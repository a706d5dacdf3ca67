"""What `snapshot:` names: a snapshot as `auditkit collect` writes it, or a directory of saved AWS CLI answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from auditkit import dumps, snapshot
from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Call
from auditkit.run import parse_time


def as_of(source: Path) -> datetime:
    """Return when what is saved was asked.

    Raises:
        AuditkitError: the directory is neither.
    """
    if _is_snapshot(source):
        return parse_time(snapshot.read_meta(source)["as_of"])
    return dumps.as_of(source)


def take(source: Path, into: Path) -> dict[str, Any]:
    """Copy a snapshot, or write its calls from saved answers; snapshot.json is the caller's to write, last.

    Args:
        source: what `snapshot:` names.
        into: the run's snapshot.

    Returns:
        what snapshot.json is to say.

    Raises:
        AuditkitError: the directory is neither, or cannot be read.
    """
    inner, outer = into.resolve(), source.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise AuditkitError(f"{source} and the run {into.parent} lie in one another", "Name another run with -o.")
    if _is_snapshot(source):
        snapshot.copy(source, into)
        return snapshot.read_meta(source)

    def keep(calls: list[Call]) -> None:
        by_path: dict[str, list[Call]] = {}
        for call in calls:
            by_path.setdefault(snapshot.path_of(call), []).append(call)
        for name, some in sorted(by_path.items()):
            snapshot.write_calls(into / name, some)

    shutil.rmtree(into, ignore_errors=True)  # of a run that was broken off
    return dumps.read(source, keep)


def look(source: Path) -> tuple[dict[str, Any], Iterable[Call]]:
    """Read what is saved where it lies; nothing is written.

    Raises:
        AuditkitError: the directory is neither, or cannot be read.
    """
    if _is_snapshot(source):
        return snapshot.read_meta(source), snapshot.read_calls(source)
    calls: list[Call] = []
    return dumps.read(source, calls.extend), calls


def _is_snapshot(source: Path) -> bool:
    """A directory that is neither is called a damaged snapshot: that is what `snapshot:` mostly means."""
    return (source / "snapshot.json").exists() or not dumps.looks_like(source)
