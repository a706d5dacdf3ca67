"""Flow log records in CloudWatch Logs: streams listed group by group, events read by UTC day.

A group has a stream for each network interface, or transit gateway, that all flow logs of the interface share; an
event's timestamp is the start of its record (Amazon VPC User Guide, "Publish flow logs to CloudWatch Logs"). What the
operations answer, and when a listing ends: CloudWatch Logs API Reference, GetLogEvents, LogStream, LogGroup.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from auditkit.model.errors import discreet
from auditkit.model.inventory import Unread
from auditkit.model.records import LogObject
from auditkit.sources import LOGS, TABLE, Answer, Fetched, Meter, Put, SourceError, Unit, group_uri
from auditkit.sources.events import Lines
from auditkit.sources.stream import save

BEFORE = timedelta(minutes=15)
"""What begins so long before the period may end in it: SKIPDATA over midnight is missing on both days."""
_FAILURES = (ClientError, BotoCoreError, ResponseParserError)
_STREAMS = "logs:DescribeLogStreams"
_EVENTS = "logs:GetLogEvents"
_DAY = 86_400_000
_MARGIN = _DAY
"""The times of a stream are eventually consistent: usually within an hour, in rare situations later."""
_EMPTY = 10_000
"""Pages without an event in a row after which an answer is not believed any more."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A flow log that may have written to a stream."""

    flow_log_id: str
    """The flow log."""
    format: str
    """Its LogFormat."""


@dataclass(frozen=True, slots=True)
class Group:
    """A log group that flow logs write to."""

    account_id: str
    """Whose it is."""
    region: str
    """Where."""
    name: str
    """Its name."""
    writers: Callable[[str, datetime], tuple[Writer, ...]]
    """Name of a stream, and end of a day → who may have written to it until then."""
    elsewhere: bool = False
    """Whether it is of another account or region than the flow logs: such a one is not asked, AWS has none."""

    @property
    def uri(self) -> str:
        """What it is, in words that no other group has."""
        return group_uri(self.account_id, self.region, self.name)

    def failed(self, resource: str, call: str, error: Exception) -> Unread:
        """Return the row of a refusal."""
        told = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
        code = str(told.get("Code") or type(error).__name__)
        needs = f" (account {self.account_id} needs {call} on the log group)" if "AccessDenied" in code else ""
        return self.unread(resource, call, f"{code}: {discreet(str(told.get('Message') or error))}{needs}")

    def unread(self, resource: str, call: str, error: str) -> Unread:
        """Return the row that says what could not be read here."""
        return Unread(
            account_id=self.account_id, region=self.region, table=TABLE, resource=resource, call=call, error=error
        )


class CloudWatchLogs:
    """Log streams of log groups; an object is what one stream has of one UTC day."""

    threads = 8
    listing = _STREAMS

    def __init__(
        self,
        client_for: Callable[[str, str], Any],
        groups: Iterable[Group],
        period: tuple[datetime, datetime],
        now: datetime,
        meter: Meter,
    ) -> None:
        """Take the clients and the groups.

        Args:
            client_for: account id, region → client of CloudWatch Logs that acts there.
            groups: where to look.
            period: start and exclusive end, UTC.
            now: the time, for an estimate of how much there is.
            meter: is told of every byte that comes, since no listing says how many there are.
        """
        self._client_for = client_for
        self._groups = {(g.account_id, g.region, g.name): g for g in groups}
        self._period = period
        self._now = now
        self.meter = meter
        """What may come."""
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def probes(self) -> Sequence[Unit]:
        """Return none: the groups are known."""
        return ()

    def units(self, days: Iterable[date], found: Mapping[str, Sequence[str]]) -> Sequence[Unit]:
        """Return one for each group; its streams are listed, and put for each of the days that they may have."""
        del found
        wanted = [(day, window) for day in sorted(set(days)) if (window := self._window(day))]
        return [Unit(group.uri, partial(self._list, group, wanted)) for _, group in sorted(self._groups.items())]

    def fetch(self, obj: LogObject, to: Path) -> Fetched:
        """Read a stream's day, all pages, into gzip-compressed JSON Lines; the same events give the same bytes."""
        group, stream = self._parts(obj)
        window = self._window(obj.slot.date())
        assert window is not None
        read = Lines(self.meter)
        try:
            pages = self._events(group, stream, window, obj.uri)
            sha256, size = save(read.compressed(pages), to)
        except _FAILURES as error:
            raise SourceError(group.failed(obj.uri, _EVENTS, error), _hint(error)) from None
        return Fetched(sha256=sha256, size=size, told=read.told)

    def _window(self, day: date) -> tuple[int, int] | None:
        """Milliseconds: the part of a day in which records of the period begin; None where none can."""
        start, end = (_millis(one) for one in self._period)
        begin = _millis(datetime(day.year, day.month, day.day, tzinfo=UTC))
        low = start - BEFORE // timedelta(milliseconds=1) if begin <= start < begin + _DAY else begin
        high = min(begin + _DAY, end)
        return (low, high) if low < high else None

    def _list(self, group: Group, wanted: Sequence[tuple[date, tuple[int, int]]], put: Put) -> Answer:
        """List a group's streams page by page; after a refusal the objects put before it stand."""
        asked = 0
        if group.elsewhere:
            told = group.unread(group.uri, _STREAMS, "not asked: it is of another account or region than its flow logs")
            return Answer(unread=(told,))
        try:
            client = self._client(group)
            estimated = self._estimate(client, group)
            pages = client.get_paginator("describe_log_streams").paginate(
                logGroupName=group.name, PaginationConfig={"PageSize": 50}
            )
            for page in pages:
                asked += 1
                rows = page.get("logStreams")
                if not isinstance(rows, list) or not all(_named(row) for row in rows):
                    told = group.unread(group.uri, _STREAMS, "MalformedAnswer: not a listing of streams")
                    return Answer(requests=asked, estimated=estimated, unread=(told,))
                put([obj for row in rows for obj in self._objects(group, row, wanted)])
        except _FAILURES as error:
            return Answer(requests=asked, unread=(group.failed(group.uri, _STREAMS, error),))
        return Answer(requests=asked, estimated=estimated)

    def _objects(
        self, group: Group, row: dict[str, Any], wanted: Sequence[tuple[date, tuple[int, int]]]
    ) -> Iterator[LogObject]:
        """The days that a stream may have events of."""
        stream = row["logStreamName"]
        first = _moment(row, "firstEventTimestamp", "creationTime")
        last = max(filter(None, (_moment(row, "lastEventTimestamp"), _moment(row, "lastIngestionTime"))), default=None)
        for day, (low, high) in wanted:
            if (first and high <= first - _MARGIN) or (last and low > last + _MARGIN):
                continue
            slot = datetime(day.year, day.month, day.day, tzinfo=UTC)
            writers = group.writers(stream, slot + timedelta(days=1))
            ids = {one.flow_log_id for one in writers}
            name = f"{quote(stream, safe='')}/{day}"
            yield LogObject(
                uri=f"{group.uri}/{name}",
                key=f"{quote(group.name)}/{name}",
                account_id=group.account_id,
                region=group.region,
                flow_log_id=ids.pop() if len(ids) == 1 else "",
                slot=slot,
                size=0,
                carrier="lines",
                formats=tuple(one.format for one in writers),
                flow_log_ids=tuple(one.flow_log_id for one in writers),
            )

    def _estimate(self, client: Any, group: Group) -> int:
        """How many bytes the period may have: its share of what the group holds; 0 where that is not told."""
        try:
            answer = client.describe_log_groups(logGroupNamePrefix=group.name)
        except _FAILURES:  # the streams are listed all the same, and what comes is counted as it comes
            return 0
        rows = answer.get("logGroups")
        rows = [r for r in rows if isinstance(r, dict)] if isinstance(rows, list) else []
        row: dict[str, Any] = next((r for r in rows if r.get("logGroupName") == group.name), {})
        stored, made, kept = (row.get(name) for name in ("storedBytes", "creationTime", "retentionInDays"))
        if not isinstance(stored, int):
            return 0
        now, start, end = _millis(self._now), *map(_millis, self._period)
        since = max(made if isinstance(made, int) else 0, now - kept * _DAY if isinstance(kept, int) else 0)
        share = (min(end, now) - max(start, since)) / max(now - since, 1)
        return int(stored * min(max(share, 0.0), 1.0))

    def _events(self, group: Group, stream: str, window: tuple[int, int], uri: str) -> Iterator[list[dict[str, Any]]]:
        """Give the pages of events; the last is the one whose token is the one that it was asked with."""
        client = self._client(group)
        given = {"startTime": window[0], "endTime": window[1], "startFromHead": True}
        seen: set[str] = set()
        token, empty = "", 0
        while True:
            more = {"nextToken": token} if token else {}
            page = client.get_log_events(logGroupName=group.name, logStreamName=stream, **given, **more)
            events, following = page.get("events"), page.get("nextForwardToken")
            if not isinstance(events, list) or not following:
                raise SourceError(group.unread(uri, _EVENTS, "MalformedAnswer: not a page of events"))
            yield [event for event in events if _inside(event, window)]
            if following == token:
                return
            empty = 0 if events else empty + 1
            if following in seen or empty > _EMPTY:
                raise SourceError(group.unread(uri, _EVENTS, "MalformedAnswer: the pages of events have no end"))
            seen.add(following)
            token = following

    def _parts(self, obj: LogObject) -> tuple[Group, str]:
        """Group and stream of an object."""
        above, stream, _ = obj.uri.rsplit("/", 2)
        name = above.removeprefix(f"{LOGS}{obj.account_id}/{obj.region}/")
        return self._groups[obj.account_id, obj.region, unquote(name)], unquote(stream)

    def _client(self, group: Group) -> Any:
        place = group.account_id, group.region
        with self._lock:
            if place not in self._clients:
                self._clients[place] = self._client_for(*place)
            return self._clients[place]


def _inside(event: Any, window: tuple[int, int]) -> bool:
    """Tell whether an event is of a window: one at its very end is of the next, whoever answers."""
    at = event.get("timestamp") if isinstance(event, dict) else None
    return not isinstance(at, int) or window[0] <= at < window[1]


def _named(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("logStreamName"), str) and bool(row["logStreamName"])


def _moment(row: dict[str, Any], *names: str) -> int | None:
    """The first of some times that is told, in milliseconds."""
    return next((row[name] for name in names if isinstance(row.get(name), int) and row[name] > 0), None)


def _millis(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _hint(error: Exception) -> str:
    code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else ""
    return {
        "AccessDeniedException": "The role needs logs:GetLogEvents on the log group.",
        "ResourceNotFoundException": "The stream was deleted after it was listed.",
        "ThrottlingException": "Other readers of the account's log groups may be at work: repeat it later.",
    }.get(code or "", "")
