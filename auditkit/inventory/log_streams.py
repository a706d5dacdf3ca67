"""The newest streams of the log groups in use: when something last arrived."""

from __future__ import annotations

from datetime import datetime

from auditkit.inventory.answers import Malformed, Row, items, milliseconds, required
from auditkit.inventory.merge import Merged
from auditkit.model.flow_logs import LogStreams
from auditkit.model.inventory import Call

Stream = tuple[str, datetime | None, datetime | None, datetime | None]


class Streams:
    """What DescribeLogStreams answered, its first page: the newest are enough, and a group can have thousands."""

    def __init__(self, as_of: datetime) -> None:
        self._as_of = as_of
        self._groups = Merged()

    def note(self, call: Call) -> set[str]:
        """Take note of an answer, or of the error that says that there is no such group.

        Returns:
            What is wrong with it, in words.

        Raises:
            Malformed: it is no answer at all.
        """
        answer = call.answer or {}
        if call.error is None and answer.get("logStreams") is None:
            raise Malformed("logStreams is missing")
        found, wrongs = [], set()
        for row in items(answer, "logStreams"):
            try:
                found.append(self._stream(row))
            except Malformed as error:
                wrongs.add(f"logStreams[]: {error}")
        one = LogStreams(
            account_id=call.account_id,
            region=call.region,
            log_group=call.resource,
            streams=tuple(sorted(found, key=_newest)),
            whole=call.page == 1 and not answer.get("nextToken") and not wrongs,
        )
        self._groups.add((one.log_group, one.account_id, one.region), one.account_id, call, one)
        return wrongs

    def rows(self) -> tuple[LogStreams, ...]:
        """Return what is known, sorted by group."""
        return self._groups.rows()

    def _stream(self, row: Row) -> Stream:
        return (
            required(row, "logStreamName"),
            milliseconds(row, "firstEventTimestamp", self._as_of),
            milliseconds(row, "lastEventTimestamp", self._as_of),
            milliseconds(row, "lastIngestionTime", self._as_of),
        )


def _newest(stream: Stream) -> tuple[float, str]:
    last = stream[2]
    return -last.timestamp() if last else 0.0, stream[0]
