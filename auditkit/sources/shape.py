"""What is known beforehand of records without a header, in files that somebody else than AWS has named.

Names of Amazon Data Firehose: its developer guide, "Configure Amazon S3 object name format". Names of exports of
CloudWatch Logs: its user guide, "Export log data to Amazon S3".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from auditkit.model.records import LogObject
from auditkit.sources.layout import parse_name

_SURE = (
    re.compile(r"(?<!\d)(20\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)(?!\d)", re.ASCII),
    re.compile(r"(?:^|/)(20\d\d)/(\d\d)/(\d\d)(?:/(\d\d))?/", re.ASCII),
    re.compile(r"(?:^|/)year=(20\d\d)/month=(\d\d)/day=(\d\d)(?:/hour=(\d\d))?/", re.ASCII),
)
"""When Firehose wrote a file: in its name, or in the folders above it."""
_ANY = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?!\d)", re.ASCII)
"""Any other date: it may be that of the records, or that of whoever copied them."""
EARLY = timedelta(days=1)
LATE = timedelta(days=2)
"""How far from the period a file may have been written and yet be read."""
_TEST = "aws-logs-write-test"
"""What CloudWatch Logs leaves beside an export."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is said of some files."""

    account_id: str
    """Owner of the flow logs."""
    region: str
    """Region of the flow logs."""
    formats: tuple[str, ...]
    """LogFormats that the lines may have."""
    flow_log_ids: tuple[str, ...]
    """The flow log of each format; empty where none was named."""

    def made(self, uri: str, key: str, written: datetime, days: frozenset[date]) -> LogObject | None:
        """Return a file as a log object, its size left out; None for one that was written far from the days.

        Args:
            uri: where it is.
            key: its path below what was named.
            written: when it was written, as its bucket or file system says.
            days: that are asked for.
        """
        sure = _told(key, _SURE)
        if sure and not any(day - EARLY <= sure.date() <= day + LATE for day in days):
            return None
        ids = {*self.flow_log_ids}
        return LogObject(
            uri=uri,
            key=key,
            account_id=self.account_id,
            region=self.region,
            flow_log_id=next(iter(ids)) if len(ids) == 1 else "",
            slot=sure or _told(key, (_ANY,)) or written.astimezone(UTC).replace(microsecond=0),
            size=0,
            carrier="lines",
            formats=self.formats,
            flow_log_ids=self.flow_log_ids,
        )


def is_data(name: str) -> bool:
    """Tell whether the last part of a key can be that of a file with records, and is not one that AWS would name."""
    return bool(name) and name[0] not in "._" and name != _TEST and parse_name(name) is None


def _told(key: str, patterns: tuple[re.Pattern[str], ...]) -> datetime | None:
    for pattern in patterns:
        for found in pattern.finditer(key):
            year, month, day, *clock = [int(one) for one in found.groups() if one]
            hour, minute, second = (*clock, 0, 0, 0)[:3]
            try:
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            except ValueError:
                continue
    return None
