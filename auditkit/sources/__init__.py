"""Where log objects lie: each source lists them part by part, and fetches one at a time.

What cannot be listed or fetched is said as an `Unread`; nothing becomes an empty listing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Unread
from auditkit.model.records import LogObject

TABLE = "flow_records"
"""The table that log objects fill."""
LOGS = "logs://"
"""Begins the URI of what comes out of CloudWatch Logs."""
Put = Callable[[list[LogObject]], None]
"""Takes objects as they are listed, some at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What asking one unit gave, beside the objects that it put."""

    inside: tuple[str, ...] = ()
    """For a probe: the folders below which there is something."""
    foreign: int = 0
    """Keys or files passed over, because AWS does not name log objects so."""
    requests: int = 0
    """Requests that it took."""
    estimated: int = 0
    """Bytes that its objects may hold beyond the sizes that they say; a guess from above where nothing tells."""
    unread: tuple[Unread, ...] = ()
    """What broke it off; what was put before stands."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of a listing that is asked as one; whole, it need not be asked again."""

    name: str
    """The same for the same part, and no other's."""
    ask: Callable[[Put], Answer]
    """Asks it; may run at the same time as others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was fetched: the bytes as stored, nothing unpacked."""

    sha256: str
    """SHA-256 of the bytes, hexadecimal."""
    size: int
    """Bytes."""
    etag: str = ""
    """ETag, for S3, without quotes."""
    version_id: str = ""
    """Version, where the bucket keeps them."""
    told: int = 0
    """Bytes that came, where the listing did not say how many there would be."""


def group_uri(account_id: str, region: str, name: str) -> str:
    """Return what stands for a log group: nothing else has it."""
    return f"{LOGS}{account_id}/{region}/{quote(name)}"


class Meter:
    """Counts bytes that come without having been announced, against what may be read."""

    def __init__(self, most: int) -> None:
        """Take what may come; a negative number lets nothing come."""
        self._left = most
        self._lock = threading.Lock()

    def spend(self, size: int) -> None:
        """Count bytes that came.

        Raises:
            OverBudget: they are more than is left.
        """
        with self._lock:
            self._left -= size
            if self._left < 0:
                raise OverBudget(
                    "what was read so far is over records.budget, and how much there is nobody could tell before",
                    "Raise records.budget in auditkit.yaml and begin anew with another -o, shorten the period, or set "
                    "records.mode: none. Nothing was judged.",
                )


class OverBudget(AuditkitError):
    """More came than may be read."""


class SourceError(AuditkitError):
    """An object could not be fetched."""

    def __init__(self, unread: Unread, hint: str = "") -> None:
        super().__init__(f"{unread.resource} could not be read: {unread.error}", hint)
        self.unread = unread
        """The row that says which object, and what AWS or the system answered."""


class Source(Protocol):
    """A place where log objects lie. A new one is one file beside this, and its use in the stages."""

    threads: int
    """How many units, or objects, are worth asking at the same time."""
    listing: str
    """service:Operation of the requests that listing takes; empty for none."""

    def probes(self) -> Sequence[Unit]:
        """Return what has to be asked first, to find which units there are; puts no objects."""
        ...

    def units(self, days: Iterable[date], found: Mapping[str, Sequence[str]]) -> Sequence[Unit]:
        """Return the units that together list the log objects whose five minutes begin on one of `days` (UTC).

        Args:
            days: in any order.
            found: name of a probe → the folders inside.
        """
        ...

    def fetch(self, obj: LogObject, to: Path) -> Fetched:
        """Copy an object's bytes to a file, which is there whole or not at all.

        Raises:
            SourceError: it vanished, is refused, has changed since it was listed, or broke off.
        """
        ...
