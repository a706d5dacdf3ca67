"""The days of flow logs that a log object may have spoken of: what is lost with it, if it is damaged or was not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from auditkit.audit.index import log_object
from auditkit.config.schema import FromModel
from auditkit.coverage.streams import place
from auditkit.model.delivery import Tally
from auditkit.model.flow_logs import FlowLog
from auditkit.model.records import LogObject
from auditkit.sources import LOGS, group_uri

_INSIDE = timedelta(minutes=15)
"""Of a day, and not of the minutes before it that a slot at midnight also stands for."""
LINES = "lines"
"""The bucket of a tally of records without a header."""


def hurt(obj: LogObject, period: Sequence[datetime]) -> Iterator[tuple[str, datetime]]:
    """Give flow log and slot of what an object may have spoken of.

    A stream's day holds what begins on it, and may end on the next. Nothing tells the days of a file that somebody else
    than AWS has named: its records may be of any.

    Args:
        obj: damaged, or not read.
        period: the days audited.
    """
    if obj.carrier != LINES:
        yield obj.flow_log_id, obj.slot
        return
    day = timedelta(days=1)
    days = (obj.slot, obj.slot + day) if obj.uri.startswith(LOGS) else tuple(period)
    for flow_log_id in dict.fromkeys((*obj.flow_log_ids, *([obj.flow_log_id] if obj.flow_log_id else []))):
        yield from ((flow_log_id, one + _INSIDE) for one in days)


def untold(period: Sequence[datetime]) -> Iterator[tuple[str, datetime]]:
    """Give the days of records of which nothing tells who wrote them: what else that one did is not known either."""
    yield from (("", day + _INSIDE) for day in period)


def unlisted(
    resource: str, logs: Iterable[FlowLog], places: Iterable[FromModel], period: Sequence[datetime]
) -> Iterator[tuple[str, datetime]]:
    """Give flow log and slot of what may lie where not everything could be listed, and has no header.

    Args:
        resource: as the row of what was not read says it: a log group, a place in a bucket, a path.
        logs: all flow logs.
        places: of auditkit.yaml, where files without a header lie.
        period: the days audited.
    """
    if resource.startswith(LOGS):
        found = [
            log.flow_log_id for log in logs if log.log_group and f"{resource}/".startswith(f"{group_uri(*place(log))}/")
        ]
    else:
        bucket = resource.split("/")[2] if resource.startswith("s3://") else ""
        found = [
            one
            for given in places
            if (given.s3.split("/")[2] == bucket if given.s3 else not bucket)
            for one in given.flow_log
        ]
    for flow_log_id in dict.fromkeys(found):
        yield from ((flow_log_id, day + _INSIDE) for day in period)


def spoken(index: Path) -> list[Tally]:
    """Count the objects without a header as keys are counted, each for every flow log that may have written it.

    They tell nothing of delivery, in five minutes or at all, but of whom there is something to read.

    Args:
        index: records/index.parquet, of this version or an earlier one.
    """
    if "carrier" not in pq.read_schema(index).names:
        return []
    found: dict[tuple[str, str, str, date], int] = {}
    for row in pq.read_table(index, filters=[("carrier", "==", LINES)]).to_pylist():
        for whose in _speakers(row):
            found[whose] = found.get(whose, 0) + 1
    return [
        Tally(flow_log_id=log, account_id=account, region=region, bucket=LINES, day=day, objects=n, bytes=0, slots=())
        for (log, account, region, day), n in sorted(found.items())
    ]


def _speakers(row: Mapping[str, Any]) -> Iterator[tuple[str, str, str, date]]:
    obj = log_object(row)
    day = obj.slot.astimezone(UTC).date()
    for flow_log_id in dict.fromkeys(obj.flow_log_ids or (obj.flow_log_id,)):
        yield flow_log_id, obj.account_id, obj.region, day
