"""Progress on a terminal; elsewhere one plain line when a step begins."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Give the function that the stages tell of their progress: what, done, total (0 when not known)."""
    if quiet:
        yield lambda _what, _done, _total: None
    elif sys.stderr.isatty():
        yield from _live()
    else:
        yield _plain()


def _plain() -> Callable[[str, int, int], None]:
    seen: set[str] = set()

    def tick(what: str, _done: int, _total: int) -> None:
        if what not in seen:
            seen.add(what)
            click.echo(f"auditkit: {what} …", err=True)

    return tick


def _live() -> Iterator[Callable[[str, int, int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def tick(what: str, done: int, total: int) -> None:
            if what not in tasks:
                for earlier in tasks.values():  # what has no end of its own ends when the next step begins
                    bars.update(earlier, total=1, completed=1, visible=False)
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield tick
