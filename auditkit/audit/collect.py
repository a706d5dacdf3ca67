"""Collect: AWS, or a saved snapshot, and log objects → the run. After it nothing needs AWS.

Killed at any moment, the same command goes on: what was answered, listed and fetched is not asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from auditkit import reading, snapshot
from auditkit.audit import saved
from auditkit.audit.earlier import keep_earlier
from auditkit.audit.fetching import Fetching
from auditkit.audit.index import IndexWriter
from auditkit.audit.inputs import Inputs, save_inputs
from auditkit.audit.journal import Journal
from auditkit.audit.listing import Listing, Totals
from auditkit.audit.options import EVERYTHING, Narrowing, Tick, silent
from auditkit.audit.scoping import Days, Scoping
from auditkit.audit.speaking import Wanted, drawn
from auditkit.config.schema import BudgetModel, Config
from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Inventory, Unread
from auditkit.model.records import LogObject
from auditkit.run import Run, iso, parse_time
from auditkit.sources import LOGS, Meter

READ = "log objects read"
_MEGABYTE = 1_000_000
_ASKED = {
    "config_sha256": "auditkit.yaml",
    "period": "period",
    "narrowed": "narrowing (--account, --region, --table, --control)",
}


@dataclass(frozen=True)
class Collector:
    """Everything that collecting needs; the session and the clock are handed in."""

    run: Run
    """Where to."""
    inputs: Inputs
    """Configuration, controls, waivers."""
    narrowing: Narrowing = EVERYTHING
    """Flags."""
    interim: bool = False
    """The period may not have ended yet."""
    session: Callable[[], Any] | None = None
    """Makes the AWS session; not called for a saved snapshot with local logs."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The clock."""
    tick: Tick = silent
    """Progress."""
    made: datetime | None = None
    """When the run was begun, as run.json says it; None: by the clock."""

    @property
    def config(self) -> Config:
        """auditkit.yaml."""
        return self.inputs.config

    @cached_property
    def scoping(self) -> Scoping:
        """What is in scope."""
        return Scoping(self.inputs, self.narrowing, self.now)

    def period(self) -> tuple[datetime, datetime]:
        """Start and exclusive end; without a period in auditkit.yaml, the one begun with, or the last whole UTC day."""
        saved = self.run.state.get("period")
        if self.config.period is None and saved:
            return parse_time(saved["start"]), parse_time(saved["end"])
        return self.scoping.period()

    def collect(self) -> None:
        """Collect, go on with what was begun, or do nothing where it has been collected.

        Policies and waivers decide nothing here: those of today are saved in the run, and it is judged by them.

        Raises:
            AuditkitError: the run belongs to another configuration, or to another process that writes it;
                the period has not ended; AWS knows no caller.
            NothingInScope: nothing is left to audit.
        """
        if not self.run.done("collect"):
            interim = self.interim or bool(self.run.state.get("interim"))
            Days(*self.period()).check(self.scoping.clock, interim=interim)
        with self.run.lock():
            self._check_same()
            if not self.run.done("collect"):
                self._begin()
                meta = self._snapshot()
                estate = self.scoping.estate(meta, reading.calls(self.run.snapshot, meta))
                self._records(estate)
                previous = [self.config.local(path) for path in self.config.model.previous or ()]
                keep_earlier(self.run, previous, estate.as_of)
                self.run.mark("collect")
            save_inputs(self.run, self.inputs)

    def _options(self) -> dict[str, Any]:
        start, end = self.period()
        return {
            "config_sha256": self.config.sha256,
            "narrowed": self.narrowing.as_json(),
            "period": {"start": iso(start), "end": iso(end)},
        }

    def _check_same(self) -> None:
        """Go on only with what was begun."""
        state = self.run.state
        if not state:
            return
        begun, now = state.get("options", {}), self._options()
        other = [f"another {said}" for key, said in _ASKED.items() if begun.get(key) != now[key]]
        if other:
            raise AuditkitError(
                f"{self.run.path} was begun with {' and '.join(other)}",
                "Name another directory with -o, or go back to what it was begun with.",
            )

    def _begin(self) -> None:
        state, options = self.run.state, self._options()
        if state:
            self.run.sweep()
        self.run.note(
            options=options,
            period=options["period"],
            started=state.get("started", iso(self.made or self.now())),
            interim=self.interim or state.get("interim", False),
            done=[],
        )
        save_inputs(self.run, self.inputs)

    def _snapshot(self) -> dict[str, Any]:
        """Fill RUN/snapshot, unless that was finished before; snapshot.json tells the scope."""
        if "as_of" in self.run.state:
            return snapshot.read_meta(self.run.snapshot)
        given = self.config.model.snapshot
        meta = self._scan() if given is None else saved.take(self.config.local(given), self.run.snapshot)
        meta = self.scoping.scoped(meta)
        snapshot.write_meta(self.run.snapshot, meta)
        self.run.note(as_of=meta["as_of"], identity=meta.get("identity", {}))
        return snapshot.read_meta(self.run.snapshot)

    def _scan(self) -> dict[str, Any]:
        """Ask AWS, less the files of the snapshot that were finished before."""
        from auditkit.scan import scan  # noqa: PLC0415 - boto3 is heavy, and a saved snapshot does without

        def keep(calls: list[Any]) -> None:
            if calls:
                snapshot.write_calls(self.run.snapshot / snapshot.path_of(calls[0]), calls)

        have = partial(snapshot.calls_of, self.run.snapshot)
        return scan(self.aws(), self.scoping.wanted(), keep, self.tick, now=self.now, have=have)

    def aws(self) -> Any:
        """Make the AWS session."""
        if self.session is None:
            raise AuditkitError("no AWS session was handed in")
        return self.session()

    def _records(self, estate: Inventory) -> None:
        """List the log objects, fetch them, and write the index, unless that was finished before."""
        records = self.run.index.parent
        listing, path = records / "listed", records / "journal.jsonl"
        if not (self.run.index.exists() and "unlisted" in self.run.state):
            self._list_and_fetch(estate, Listing(listing), path)
        Listing(listing).forget()
        path.unlink(missing_ok=True)

    def _list_and_fetch(self, estate: Inventory, listing: Listing, journal_path: Path) -> None:
        days = Days(*self.period())
        meter = Meter(self.config.model.records.budget.bytes)
        sources = self.scoping.sources(estate, self.aws, days, meter)
        mode = self.config.model.records.mode
        wanted = None
        if mode == "random":
            wanted = _undated_too(drawn(self.run, self.inputs, self.narrowing, estate, self.period()))

        def check(totals: Totals) -> None:
            if mode == "all":
                within(self.config.model.records.budget, totals)

        listing.run(
            sources,
            days.days(estate.as_of),
            lambda obj: days.holds(obj) and self.scoping.holds(obj),
            check,
            self.tick,
        )
        totals = listing.totals
        self.tick("log objects listed", totals.objects, totals.objects)
        read = _of(wanted, listing) if wanted else totals
        if wanted:
            within(self.config.model.records.budget, read)
        if mode != "none":
            meter.spend(read.bytes)
        fetching = Fetching(self.run, sources, self.scoping.shown, meter)
        shown = _Shown(self.tick, totals)
        with Journal(journal_path) as journal, IndexWriter(self.run.index) as index:
            if mode == "none":
                rows = fetching.listed(listing.objects())
            else:
                rows = fetching.rows(listing.objects(), journal, totals.objects, wanted or (lambda _: True))
            for row in rows:
                index.add(row)
                if mode != "none":
                    shown.add(row)
        self.run.note(unlisted=[_unread_json(u) for u in totals.unread], foreign_keys=totals.foreign)


def _undated_too(wanted: Wanted) -> Callable[[LogObject], bool]:
    """Of files that somebody else than AWS has named nothing tells the days: all of them are read."""
    return lambda obj: (obj.carrier == "lines" and not obj.uri.startswith(LOGS)) or wanted(obj)


def _of(wanted: Callable[[LogObject], bool], listing: Listing) -> Totals:
    """What a sample reads of what was listed."""
    sizes = [obj.size for _, obj in listing.objects() if wanted(obj)]
    return Totals(objects=len(sizes), bytes=sum(sizes))


class _Shown:
    """Says how much was read: objects, and megabytes where there are some."""

    def __init__(self, tick: Tick, totals: Totals) -> None:
        self._tick = tick
        self._totals = totals
        self._objects = self._bytes = 0
        # Where a listing tells no sizes, there is no time left to tell either.
        self._known = 0 if totals.estimated else totals.bytes // _MEGABYTE

    def add(self, row: Mapping[str, Any]) -> None:
        """Count an object."""
        self._objects += 1
        self._bytes += row["size"]
        if self._objects % 100 == 0 or self._objects == self._totals.objects:
            self._tick(READ, self._objects, self._totals.objects)
            if self._bytes >= _MEGABYTE:
                self._tick(f"MB of {READ}", self._bytes // _MEGABYTE, self._known)


def within(budget: BudgetModel, totals: Totals) -> None:
    """Refuse what is over the budget.

    Raises:
        AuditkitError: the objects listed so far are.
    """
    size = totals.bytes + totals.estimated
    if totals.objects > budget.objects or size > budget.bytes:
        about = "about " if totals.estimated else ""
        raise AuditkitError(
            f"reading {totals.objects:,} log objects of {about}{size:,} bytes, and those not listed yet, "
            f"is over the budget of {budget.objects:,} objects and {budget.bytes:,} bytes",
            "`auditkit collect --plan` counts all of them. Raise records.budget in auditkit.yaml, shorten the period, "
            "or set records.mode: none. Nothing was read.",
        )


def _unread_json(unread: Unread) -> dict[str, str]:
    return {name: getattr(unread, name) for name in unread.__dataclass_fields__}
