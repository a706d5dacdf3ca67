"""Why not everything that arrived of a flow log may be known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from auditkit.coverage.lives import DAY, Life, first_minute
from auditkit.model.delivery import LOCAL, Tally
from auditkit.model.inventory import Inventory, Unread

_FOLDER = re.compile(r"/(?:(\d{4})/(\d\d)/(\d\d)|year=(\d{4})/month=(\d\d)/day=(\d\d))(?:/|$)")
_OBJECT = (".log.gz", ".log.parquet")


def _anywhere(_account_id: str, _region: str) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the run has listed of keys."""

    keys: bool = True
    """The buckets of the flow logs were asked."""
    local: bool = False
    """Local copies were looked through."""
    unlisted: tuple[Unread, ...] = ()
    """Listings that failed; resource is s3://bucket/prefix, or a local path."""
    place: Callable[[str, str], bool] = _anywhere
    """The narrowing: of flow logs elsewhere nothing was listed."""


class Doubts:
    """What was not listed, asked by flow log."""

    def __init__(self, inventory: Inventory, reading: Reading, tallies: Iterable[Tally]) -> None:
        self._reading = reading
        copied = {(t.flow_log_id, t.account_id, t.region) for t in tallies if t.bucket == LOCAL}
        # Copies of one flow log show that the folder that it shares with others of the bucket was copied.
        self._copied = copied | {
            (log.bucket, log.account_id, log.region)
            for log in inventory.flow_logs
            if log.bucket and (log.flow_log_id, log.account_id, log.region) in copied
        }

    def of(self, life: Life) -> dict[int | None, str]:
        """Return day since 1970, or None for all → why not every key of that day is known."""
        log = life.log
        if log is not None and log.log_group:
            return {}
        if log is not None and not log.bucket:
            return {None: "it writes to a delivery stream, whose end is not listed"}
        if log is None and not life.tallies:
            return {None: "nothing tells where it wrote"}
        if not self._listed(life):
            return {None: "its keys were not listed"}
        out: dict[int | None, str] = {}
        for unread in self._reading.unlisted:
            if unread.account_id in ("*", life.account_id) and unread.region in ("*", "global", life.region):
                for day in _days(unread.resource, life):
                    out.setdefault(day, f"its keys could not all be listed: {unread.error}")
        return out

    def _listed(self, life: Life) -> bool:
        if self._reading.keys and life.bucket:
            return True
        mine = {life.flow_log_id, life.bucket} - {""}
        return self._reading.local and any((one, life.account_id, life.region) in self._copied for one in mine)


def _days(resource: str, life: Life) -> tuple[int | None, ...]:
    """The days of a flow log's keys that a failed listing was of; (None,) for all."""
    if resource.endswith(_OBJECT):  # one object, that cannot be read: it has arrived
        return ()
    if not resource.startswith("s3://"):
        return (None,) if any(t.bucket == LOCAL for t in life.tallies) or not life.tallies else ()
    bucket, _, key = resource.removeprefix("s3://").partition("/")
    top = f"{life.log.prefix}/AWSLogs/".lstrip("/") if life.log else "AWSLogs/"
    if bucket != life.bucket or not (life.log is None or key.startswith(top) or top.startswith(key)):
        return ()
    folder = _FOLDER.search(f"/{key}")
    if folder is None:
        return (None,)
    try:
        return (first_minute(date(*(int(one) for one in folder.groups() if one))) // DAY,)
    except ValueError:
        return (None,)
