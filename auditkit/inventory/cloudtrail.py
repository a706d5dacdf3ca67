"""Flow logs made and deleted, as CloudTrail's event history tells.

An event is a text of JSON. The query API's parameters were turned from XML into it, so that a list of one is a single
structure, and a text stands beside its position: `{"FlowLogId": {"tag": 1, "content": "fl-…"}}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from auditkit.inventory.answers import Malformed, Row, instant, items, moment, part, required, text
from auditkit.inventory.unread import Listings
from auditkit.model.flow_logs import FlowLogEvent
from auditkit.model.inventory import Call

LOOKUP = "cloudtrail:LookupEvents"
NAMES = ("CreateFlowLogs", "DeleteFlowLogs")
"""The two questions."""

_KEPT = timedelta(days=90)
"""How long the event history goes back, whatever was asked (CloudTrail User Guide, event history)."""
_LATE = timedelta(days=1)
"""Collecting takes its time after the question."""
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_FLOW_LOG = re.compile(r"fl-[0-9a-zA-Z]{1,64}")
_RESOURCE = re.compile(r"[a-z]+(?:-[0-9a-zA-Z]+)+")
_DEEPEST = 6
_LONGEST = 1_000_000
"""Characters; CloudTrail cuts an event at 256 KB."""


class History:
    """The event history of every account and region that was asked."""

    def __init__(self, as_of: datetime, listings: Listings) -> None:
        self._as_of = as_of
        self._listings = listings
        self._events: set[FlowLogEvent] = set()
        self._asked: dict[tuple[str, str], set[datetime | None]] = {}
        self._until: dict[tuple[str, str], datetime] = {}

    def asked(self, call: Call) -> None:
        """Take note of what a page is the answer to."""
        asked, place = call.asked or {}, (call.account_id, call.region)
        self._asked.setdefault(place, set()).add(instant(asked.get("StartTime")))
        until = instant(asked.get("EndTime")) or instant(call.at) or _NEVER
        self._until[place] = min(until, self._until.get(place, until))

    def note(self, row: Row, call: Call) -> None:
        """Take note of one event."""
        if one := event(row, call, self._as_of):
            self._events.add(one)

    def events(self) -> tuple[FlowLogEvent, ...]:
        """Return the events, by time."""
        return tuple(
            sorted(self._events, key=lambda e: (e.at, e.account_id, e.region, e.name, e.flow_log_ids, e.resource_ids))
        )

    def since(self) -> dict[tuple[str, str], datetime]:
        """Return (account, region) → since when both questions were answered whole, up to when collecting ended."""
        told = {}
        for (account_id, region), starts in sorted(self._asked.items()):
            known = [start for start in starts if start is not None]
            whole = all(self._listings.complete(LOOKUP, account_id, region, name) for name in NAMES)
            to_the_end = self._as_of - self._until[account_id, region] <= _LATE
            if whole and to_the_end and len(known) == len(starts):
                told[account_id, region] = max(*known, self._as_of - _KEPT)
        return told


def event(row: Row, call: Call, as_of: datetime) -> FlowLogEvent | None:
    """Read one event; None where nothing was made or deleted.

    Raises:
        Malformed: it cannot be told what happened to which flow log, and when.
    """
    detail = _detail(row)
    name = text(row, "EventName") or text(detail, "eventName")
    if name not in NAMES or name != (call.resource or name):
        raise Malformed(f"EventName is {name[:40]!r}")
    if text(detail, "errorCode"):
        return None
    at = moment(row, "EventTime", as_of) or moment(detail, "eventTime", as_of)
    if at is None:
        raise Malformed("EventTime is not a time of the past")
    request = _inner(detail, "requestParameters", f"{name}Request")
    response = _inner(detail, "responseElements", f"{name}Response")
    failed = set(_ids(_of(response, "unsuccessful"), 0))
    names = _ids(_of(response if name == "CreateFlowLogs" else request, "flowlogid", "flowlogids", "flowlogidset"), 0)
    flow_logs = set(names) or {one for one in _named(row) if _FLOW_LOG.fullmatch(one)}
    if not flow_logs - failed:
        if flow_logs or failed:
            return None
        raise Malformed("it names no flow log")
    return FlowLogEvent(
        account_id=call.account_id,
        region=call.region,
        at=at,
        name=name,
        flow_log_ids=_checked(flow_logs - failed, _FLOW_LOG),
        resource_ids=_checked(set(_made_on(request, name)) - failed, _RESOURCE),
        by=_by(row, detail),
    )


def _detail(row: Row) -> Row:
    told = required(row, "CloudTrailEvent")
    if len(told) > _LONGEST:
        raise Malformed("CloudTrailEvent is longer than any event")
    try:
        detail = json.loads(told)
    except (ValueError, RecursionError):
        raise Malformed("CloudTrailEvent is not JSON") from None
    if not isinstance(detail, dict):
        raise Malformed("CloudTrailEvent is not a structure")
    return detail


def _inner(detail: Row, key: str, inner: str) -> Row:
    """What was asked or answered: in a structure of its own as EC2 writes it, or as it stands."""
    outer = part(detail, key)
    return part(outer, inner) if inner in outer else outer


def _of(row: Row, *keys: str) -> Any:
    """The first value of a key, in whatever case it is written."""
    return next((value for key, value in row.items() if key.lower() in keys and value), None)


def _made_on(request: Row, name: str) -> Iterator[str]:
    if name == "CreateFlowLogs":
        yield from _ids(_of(request, "resourceid", "resourceids"), 0)


def _ids(value: Any, depth: int) -> list[str]:
    """Every id below a value: a text, a list, or a structure that holds it under one of the names XML gave it."""
    if depth > _DEEPEST:
        raise Malformed("a list of ids is nested too deeply")
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [one for inner in value for one in _ids(inner, depth + 1)]
    if isinstance(value, dict):
        return _ids(_of(value, "content", "item", "items", "resourceid"), depth + 1)
    raise Malformed("an id is not text")


def _checked(ids: set[str], shape: re.Pattern[str]) -> tuple[str, ...]:
    for one in ids:
        if not shape.fullmatch(one):
            raise Malformed(f"{one[:40]!r} is no id")
    return tuple(sorted(ids))


def _named(row: Row) -> Iterator[str]:
    return (text(one, "ResourceName") for one in items(row, "Resources"))


def _by(row: Row, detail: Row) -> str:
    who = part(detail, "userIdentity")
    return text(who, "arn") or text(who, "invokedBy") or text(row, "Username")
