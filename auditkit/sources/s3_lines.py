"""Records without a header in buckets: what Firehose or an export of CloudWatch Logs has written there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from auditkit.model.records import LogObject
from auditkit.sources import Answer, Put, Unit
from auditkit.sources.s3 import FAILURES, LIST, NO_ANSWER, S3, Place
from auditkit.sources.shape import EARLY, LATE, Shape, is_data

_BY_DAY, _LOOSE, _ALL = "by day", "loose", "all"
"""What lies below a prefix: folders YYYY/MM/DD as Firehose makes them, keys beside these, anything."""
_YEAR = re.compile(r"20\d\d/", re.ASCII)


class S3Lines(S3):
    """Files of any name below a prefix, of whose flow logs somebody told."""

    def __init__(self, client_for: Callable[[str], Any], place: Place, shape: Shape) -> None:
        """Take the clients, the place and what is known of the records.

        Args:
            client_for: account id → S3 client that acts there.
            place: where to look; its prefix is a folder.
            shape: of the records.
        """
        super().__init__(client_for, [place])
        self._place = place
        self._shape = shape
        self._top = f"{place.prefix.strip('/')}/".lstrip("/")
        self._days: frozenset[date] = frozenset()

    def probes(self) -> Sequence[Unit]:
        """Return the one that tells whether there are folders by day: then only those of the period are listed."""
        return [Unit(f"{self._place.name} as lines", partial(self._probe, self._place))]

    def units(self, days: Iterable[date], found: Mapping[str, Sequence[str]]) -> Sequence[Unit]:
        """Return one for each folder of a day, and those for what lies beside these."""
        self._days = frozenset(days)
        near = sorted({day + away for day in self._days for away in (-EARLY, EARLY - EARLY, EARLY, LATE)})
        out = []
        for inside in found.get(f"{self._place.name} as lines", ()):
            kind, _, folder = inside.partition(" of ")
            if kind == _BY_DAY:
                out += [self._unit(f"{self._top}{day:%Y/%m/%d}/") for day in near]
            elif kind == _LOOSE:
                out.append(self._unit(self._top, Delimiter="/"))
            else:
                out.append(self._unit(folder))
        return out

    def _unit(self, folder: str, **more: str) -> Unit:
        words = f"s3://{self._place.bucket}/{folder} as lines{' beside folders' if more else ''}"
        return Unit(words, lambda put: self._list(self._place, folder, put, **more))

    def _probe(self, place: Place, _put: Put) -> Answer:
        """Look at one level: by day, and what else; everything where there are no folders of years."""
        try:
            client = self._client(place.reader)
            page = client.list_objects_v2(Bucket=place.bucket, Prefix=self._top, Delimiter="/", **place.expected)
        except FAILURES as error:
            return Answer(unread=(place.failed(self._top, LIST, error),))
        if "Name" not in page:
            return Answer(requests=1, unread=(place.unread(self._top, LIST, NO_ANSWER),))
        self._note_region(place.bucket, page)
        folders = [str(one.get("Prefix", "")) for one in page.get("CommonPrefixes", ())]
        years = [one for one in folders if _YEAR.fullmatch(one.removeprefix(self._top))]
        if not years or page.get("IsTruncated"):
            return Answer(inside=(f"{_ALL} of {self._top}",), requests=1)
        inside = [_BY_DAY, *(f"{_ALL} of {one}" for one in folders if one not in years)]
        return Answer(inside=(*inside, *([_LOOSE] if page.get("Contents") else [])), requests=1)

    def _object(self, place: Place, folder: str, row: dict[str, Any]) -> LogObject | None:
        del folder
        key = row["Key"]
        if not is_data(key.rsplit("/", 1)[-1]):
            return None
        written = row.get("LastModified") or datetime(1970, 1, 1, tzinfo=UTC)
        uri = f"s3://{place.bucket}/{key}"
        obj = self._shape.made(uri, key.removeprefix(self._top), written, self._days)
        etag = row.get("ETag", "").strip('"')
        return obj and replace(obj, size=row["Size"], etag=etag, last_modified=row.get("LastModified"))
