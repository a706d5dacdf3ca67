"""The log objects themselves: fetched in the order of the index, each once, whatever kills the process."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from auditkit.audit.ahead import ahead
from auditkit.audit.index import INDEX
from auditkit.audit.journal import Journal
from auditkit.model.records import LogObject
from auditkit.run import Run
from auditkit.sources import LOGS, Meter, Source, SourceError

_KEPT = ("uri", "key", "etag", "version_id", "sha256", "kept", "status", "error")
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,8}){1,2}$", re.ASCII)
THREADS = 8
"""Objects fetched at once, where waiting is worth it."""


class Fetching:
    """Fetches what was listed, and says of each object what became of it."""

    def __init__(
        self, run: Run, sources: Sequence[Source], shown: Callable[[str], str], meter: Meter | None = None
    ) -> None:
        """Take where to put it.

        Args:
            run: the run.
            sources: where the objects lie.
            shown: URI → as the index shows it.
            meter: is told of what came before this process, and was not announced by the listing.
        """
        self._run = run
        self._sources = sources
        self._shown = shown
        self._names = _Names()
        self._meter = meter

    def listed(self, objects: Iterable[tuple[int, LogObject]]) -> Iterator[dict[str, Any]]:
        """Give the index's rows of objects that are not to be fetched."""
        for _, obj in objects:
            yield self._row(obj)

    def rows(
        self,
        objects: Iterable[tuple[int, LogObject]],
        journal: Journal,
        total: int,
        wanted: Callable[[LogObject], bool] = lambda _: True,
    ) -> Iterator[dict[str, Any]]:
        """Give the index's rows in order, fetching what is wanted and the journal does not know to be there."""
        known = journal.at(total)
        threads = min(THREADS, max((source.threads for source in self._sources), default=1))

        def jobs() -> Iterator[Callable[[], dict[str, Any]]]:
            for at, (source, obj) in enumerate(objects):
                kept = self._names.name(obj, self._shown(obj.uri))
                again = known.get(at) if at < total else None
                row = self._again(obj, kept, again) if wanted(obj) else self._row(obj)
                yield partial(dict, row) if row else partial(self._fetch, self._sources[source], obj, kept, at, journal)

        return ahead(jobs(), threads)

    def _row(self, obj: LogObject, **more: Any) -> dict[str, Any]:
        row = {name: getattr(obj, name, "") for name in INDEX.names}
        return {**row, "uri": self._shown(obj.uri), "status": "listed", **more}

    def _again(self, obj: LogObject, kept: str, entry: dict[str, Any] | None) -> dict[str, Any] | None:
        """The row of an object that was fetched before, if its copy is as it was; what could not be read is asked again."""
        if (
            not entry
            or "told" not in entry
            or (entry["uri"], entry["kept"], entry["status"]) != (self._shown(obj.uri), kept, "read")
        ):
            return None
        try:
            there = (self._run.kept / kept).stat().st_size
        except OSError:
            return None
        if there != entry["size"]:
            return None
        if self._meter is not None:
            self._meter.spend(entry["told"])
        return self._row(obj, size=there, **{name: entry[name] for name in _KEPT})

    def _fetch(self, source: Source, obj: LogObject, kept: str, at: int, journal: Journal) -> dict[str, Any]:
        path = self._run.kept / kept
        try:
            got = source.fetch(obj, path)
        except SourceError as error:
            path.unlink(missing_ok=True)  # from an earlier attempt that the journal does not know
            row, size, told = self._row(obj, status="unread", error=error.unread.error), 0, 0
        else:
            more = {"sha256": got.sha256, "etag": got.etag or obj.etag, "version_id": got.version_id or obj.version_id}
            size, told = got.size, got.told
            row = self._row(obj, status="read", kept=kept, size=size, **more)
        journal.add({"at": at, "size": size, "told": told, **{name: row[name] for name in _KEPT}})
        return row


class _Names:
    """Where copies go: names made of parts that the layout has checked, or of a digest, never of the key as it came.

    Objects come sorted by URI, so those of one folder's day come one after the other: only its names are remembered.
    """

    def __init__(self) -> None:
        self._tops: dict[tuple[str, str], list[str]] = {}
        self._day = ""
        self._taken: dict[str, int] = {}

    def name(self, obj: LogObject, shown: str = "") -> str:
        """Name the copy of the next object, which the index shows as `shown`."""
        if obj.carrier == "lines":
            return f"{obj.account_id}/{obj.region}/{obj.slot:%Y/%m/%d}/{_digest(obj, shown)}"
        top, day = _folders(obj)
        tops = self._tops.setdefault((obj.account_id, obj.region), [])
        if top not in tops:
            tops.append(top)
        if day != self._day or not day:
            self._day, self._taken = day, {}
        again = self._taken[obj.filename] = self._taken.get(obj.filename, 0) + 1
        number = tops.index(top) + 1
        mark = f"{number}.{again}-" if again > 1 else f"{number}-" if number > 1 else ""
        return f"{obj.account_id}/{obj.region}/{obj.slot:%Y/%m/%d}/{mark}{obj.filename}"


def _digest(obj: LogObject, shown: str) -> str:
    """A name that no other object has; how a file is packed, its bytes tell, and its suffix is for people."""
    suffix = ".jsonl.gz" if shown.startswith(LOGS) else (found[0] if (found := _SUFFIX.search(obj.filename)) else "")
    return hashlib.sha256(f"{shown} {obj.version_id}".encode()).hexdigest()[:32] + suffix


def _folders(obj: LogObject) -> tuple[str, str]:
    """What lies above the day in a bucket, and with the day; local files have names of their own."""
    if not obj.uri.startswith("s3://"):
        return "", ""
    for day in (f"{obj.slot:%Y/%m/%d}/", f"year={obj.slot:%Y}/month={obj.slot:%m}/day={obj.slot:%d}/"):
        top, found, _ = obj.uri.rpartition(day)
        if found:
            return top, top + found
    return obj.uri, obj.uri
