"""Where log objects lie: each source lists those of some days, and fetches one at a time.

What cannot be listed or fetched is said as an `Unread`; nothing becomes an empty listing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import Unread
from auditkit.model.records import LogObject

TABLE = "flow_records"
"""The table that log objects fill."""


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


class SourceError(AuditkitError):
    """An object could not be fetched."""

    def __init__(self, unread: Unread, hint: str = "") -> None:
        super().__init__(f"{unread.resource} could not be read: {unread.error}", hint)
        self.unread = unread
        """The row that says which object, and what AWS or the system answered."""


class Source(Protocol):
    """A place where log objects lie. A new one is one file beside this, and its use in the stages."""

    def list(self, days: Iterable[date], unread: Callable[[Unread], None]) -> Iterator[LogObject]:
        """List the log objects whose five minutes begin on one of `days` (UTC), each once.

        Args:
            days: in any order.
            unread: told of everything that could not be listed; the rest goes on.
        """
        ...

    def fetch(self, obj: LogObject, to: Path) -> Fetched:
        """Copy an object's bytes to a file, which is there whole or not at all.

        Raises:
            SourceError: it vanished, is refused, has changed since it was listed, or broke off.
        """
        ...
