"""Progress: on a terminal bars with rate and time left; elsewhere a plain line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

EVERY = 30.0
"""Seconds after which a long step says where it is, if a tenth of it has not passed before."""


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Give the function that the stages tell of their progress: what, done, total (0 when not known)."""
    if quiet:
        yield lambda _what, _done, _total: None
    elif sys.stderr.isatty():
        yield from _live()
    else:
        yield Plain(lambda line: click.echo(f"auditkit: {line}", err=True))


class Plain:
    """Says when a step begins, then at every tenth of it or every half minute, whichever is rarer to tell."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._began: dict[str, float] = {}
        self._told: dict[str, tuple[int, float]] = {}
        """Tenths told, and when."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take a step's progress."""
        now = self._clock()
        tenths = done * 10 // total if total else 0
        if what not in self._began:
            self._began[what] = now
            self._told[what] = (tenths, now)
            self._say(f"{what} …" if not total else f"{what}: {total:,} …")
            return
        before, at = self._told[what]
        long_ago = now - at >= EVERY
        if not long_ago and (tenths <= before or now - at < EVERY / 10):
            return
        self._told[what] = (tenths, now)
        self._say(f"{what}: {_told(done, total, now - self._began[what])}")


def _told(done: int, total: int, seconds: float) -> str:
    """12,000 of 48,000 (25 %), 400/s, 1:30 left."""
    words = f"{done:,} of {total:,} ({done * 100 // total} %)" if total else f"{done:,}"
    if not done or seconds <= 0:
        return words
    words += f", {_rate(done / seconds)}"
    return f"{words}, {_minutes((total - done) * seconds / done)} left" if total > done else words


def _rate(a_second: float) -> str:
    return f"{a_second:,.0f}/s" if a_second >= 10 else f"{a_second:.1f}/s"


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}" if whole >= 3600 else f"{whole // 60}:{whole % 60:02}"
    )


def _live() -> Iterator[Callable[[str, int, int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        Task,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """How many a second, of late."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(_rate(speed) if speed else "", style="progress.data.speed")

    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, speed_estimate_period=60) as bars:
        tasks: dict[str, TaskID] = {}

        def tick(what: str, done: int, total: int) -> None:
            if what not in tasks:
                for earlier, number in tasks.items():  # what has no end of its own ends when the next step begins
                    if not what.endswith(f" of {earlier}"):  # MB of log objects read, beside log objects read
                        bars.update(number, total=1, completed=1, visible=False)
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield tick
