"""Which log objects there are: listed part by part onto disk, so that neither a kill nor a million keys matter.

Below records/listed, units.jsonl has a line for each part that was listed whole, and each file `<part>-<number>.gz`
some of its objects, sorted; all of it goes when the index is written.
"""

from __future__ import annotations

import gzip
import hashlib
import heapq
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from auditkit.audit.ahead import ahead
from auditkit.audit.journal import Journal
from auditkit.audit.options import Tick
from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Unread
from auditkit.model.records import LogObject
from auditkit.sources import Answer, Source, Unit

HELD = 40_000
"""Objects in memory at most, of all units under way."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = tuple(LogObject.__dataclass_fields__)


class Piece(NamedTuple):
    """Some objects of a unit, sorted, in a file."""

    first: str
    """First URI."""
    last: str
    """Last URI."""
    file: str
    """Name below records/listed."""
    source: int
    """Number of the source."""


@dataclass
class Totals:
    """What was listed so far."""

    objects: int = 0
    """Log objects in scope."""
    bytes: int = 0
    """Their size."""
    estimated: int = 0
    """Bytes that they may hold beyond it, where no listing tells sizes."""
    foreign: int = 0
    """Keys that are no log object's."""
    requests: int = 0
    """Requests of this process."""
    unread: list[Unread] = field(default_factory=list)
    """What could not be listed."""


class Listing:
    """The log objects of some sources and days."""

    def __init__(self, folder: Path) -> None:
        """Take records/listed of the run."""
        self._folder = folder
        self._lock = threading.Lock()
        self._ended: Exception | None = None
        """Why the units under way are to end."""
        self._pieces: list[Piece] = []
        self.totals = Totals()
        """What was listed so far."""

    def run(
        self,
        sources: Sequence[Source],
        days: Sequence[date],
        wanted: Callable[[LogObject], bool],
        check: Callable[[Totals], None],
        tick: Tick,
    ) -> None:
        """List everything, less what was listed whole before.

        Args:
            sources: where.
            days: UTC days.
            wanted: whether an object is in scope.
            check: called with the running totals; raises an AuditkitError to give up.
            tick: progress.
        """
        self._wanted, self._check = wanted, check
        with Journal(self._folder / "units.jsonl") as journal:
            known = {entry["unit"]: entry for entry in journal.entries() if self._there(entry)}
            try:
                for number, source in enumerate(sources):
                    ask = partial(self._ask, number, source.threads, journal, known)
                    found = {unit.name: answer.inside for unit, answer in ask(source.probes())}
                    units = source.units(days, found)
                    tick("folders of log objects listed", 0, len(units))
                    for done, _ in enumerate(ask(units), 1):
                        tick("folders of log objects listed", done, len(units))
            except KeyboardInterrupt:
                self._ended = InterruptedError()
                raise
        self.totals.unread.sort(key=lambda u: (u.account_id, u.region, u.resource, u.call, u.error))

    def objects(self) -> Iterator[tuple[int, LogObject]]:
        """Give every object once, by URI and version, with the number of its source."""
        for group in _groups(sorted(self._pieces)):
            merged = heapq.merge(*(self._read(piece) for piece in group), key=_order)
            for _, same in groupby(merged, key=_order):
                (number, obj), *others = same
                told = (obj.carrier, obj.formats, obj.flow_log_ids)
                if any((other.carrier, other.formats, other.flow_log_ids) != told for _, other in others):
                    raise AuditkitError(
                        f"two entries of records.from name {obj.uri}, and tell different things of it",
                        "Name each file in one entry, with every flow log that may have written it.",
                    )
                yield number, obj

    def forget(self) -> None:
        """Remove the files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _ask(
        self, source: int, threads: int, journal: Journal, known: Mapping[str, dict[str, Any]], units: Sequence[Unit]
    ) -> Iterator[tuple[Unit, Answer]]:
        """Ask what is not known, at the same time; give everything in the order of the units."""
        units = list({unit.name: unit for unit in units}.values())
        most = HELD // threads
        jobs = (partial(self._one, source, unit, most, known.get(unit.name)) for unit in units)
        for unit, (entry, answer) in zip(units, ahead(jobs, threads), strict=True):
            if unit.name in known:
                self._count(entry["objects"], entry["bytes"])
            elif not answer.unread:  # what failed is asked again
                journal.add(entry)
            self.totals.foreign += answer.foreign
            self.totals.requests += answer.requests
            self._count(0, 0, answer.estimated)
            self.totals.unread += answer.unread
            self._pieces += [Piece(first, last, file, source) for first, last, file in entry["pieces"]]
            yield unit, answer

    def _there(self, entry: dict[str, Any]) -> bool:
        """Tell whether a part listed before can be used: what another version has written has other columns."""
        return entry.get("columns") == len(_FIELDS) and all(
            (self._folder / file).exists() for _, _, file in entry["pieces"]
        )

    def _one(self, source: int, unit: Unit, most: int, entry: dict[str, Any] | None) -> tuple[dict[str, Any], Answer]:
        if entry:
            return entry, Answer(inside=tuple(entry["inside"]), foreign=entry["foreign"], estimated=entry["estimated"])
        name = hashlib.sha256(f"{source} {unit.name}".encode()).hexdigest()[:32]
        pile = _Pile(self._folder, name, most)

        def put(objects: Sequence[LogObject]) -> None:
            if self._ended:
                raise self._ended
            some = [obj for obj in objects if self._wanted(obj)]
            self._count(len(some), sum(obj.size for obj in some))
            pile.put(some)

        answer = unit.ask(put)
        pile.write()
        entry = {"unit": unit.name, "columns": len(_FIELDS), "pieces": pile.pieces, "inside": answer.inside}
        counts = {"objects": pile.objects, "bytes": pile.bytes, "foreign": answer.foreign}
        return {**entry, **counts, "estimated": answer.estimated}, answer

    def _count(self, objects: int, size: int, estimated: int = 0) -> None:
        with self._lock:
            self.totals.objects += objects
            self.totals.bytes += size
            self.totals.estimated += estimated
            try:
                self._check(self.totals)
            except AuditkitError as error:
                self._ended = error
                raise

    def _read(self, piece: Piece) -> Iterator[tuple[int, LogObject]]:
        with gzip.open(self._folder / piece.file) as lines:
            for line in lines:
                yield piece.source, _object(json.loads(line))


class _Pile:
    """The objects of one unit on their way to disk."""

    def __init__(self, folder: Path, name: str, most: int) -> None:
        self._folder = folder
        self._name = name
        self._most = most
        self._held: list[LogObject] = []
        self.pieces: list[tuple[str, str, str]] = []
        self.objects = 0
        self.bytes = 0

    def put(self, objects: Sequence[LogObject]) -> None:
        self.objects += len(objects)
        self.bytes += sum(obj.size for obj in objects)
        self._held += objects
        if len(self._held) >= self._most:
            self.write()

    def write(self) -> None:
        if not self._held:
            return
        held = sorted(self._held, key=lambda obj: (obj.uri, obj.version_id))
        self._held = []
        path = self._folder / f"{self._name}-{len(self.pieces)}.gz"
        partial = path.with_name(f"{path.name}.partial")
        text = "".join(json.dumps(_row(obj), separators=(",", ":")) + "\n" for obj in held)
        partial.write_bytes(gzip.compress(text.encode(), 1, mtime=0))
        partial.replace(path)
        self.pieces.append((held[0].uri, held[-1].uri, path.name))


def _order(one: tuple[int, LogObject]) -> tuple[str, str]:
    return one[1].uri, one[1].version_id


def _groups(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Put together the pieces whose URIs overlap: only these have to be merged."""
    group: list[Piece] = []
    last = ""
    for piece in pieces:
        if group and piece.first > last:
            yield group
            group = []
        group.append(piece)
        last = max(last, piece.last) if len(group) > 1 else piece.last
    if group:
        yield group


def _row(obj: LogObject) -> list[Any]:
    values = (getattr(obj, name) for name in _FIELDS)
    return [(value - _EPOCH) // timedelta(microseconds=1) if isinstance(value, datetime) else value for value in values]


def _object(row: list[Any]) -> LogObject:
    fields = dict(zip(_FIELDS, row, strict=True))
    fields |= {name: _moment(fields[name]) for name in ("slot", "last_modified")}
    fields |= {name: tuple(fields[name]) for name in ("formats", "flow_log_ids")}
    return LogObject(**fields)


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)
