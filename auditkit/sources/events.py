"""Log events as JSON Lines, packed as they come."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from auditkit.sources import Meter


class Lines:
    """Events on their way to a file."""

    def __init__(self, meter: Meter) -> None:
        """Take what is told of every byte."""
        self._meter = meter
        self.told = 0
        """Bytes of text that came."""

    def compressed(self, pages: Iterable[list[Any]]) -> Iterator[bytes]:
        """Give the bytes of a gzip file of JSON Lines, without a time in its head."""
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        for page in pages:
            text = "".join(f"{_line(event)}\n" for event in page).encode()
            self.told += len(text)
            self._meter.spend(len(text))
            yield packer.compress(text)
        yield packer.flush()


def _line(event: Any) -> str:
    """An event as a line; whatever is no event stays what it is, and is for the reader to refuse."""
    if isinstance(event, dict):
        event = {name: event[name] for name in ("timestamp", "ingestionTime", "message") if name in event}
    return json.dumps(event, separators=(",", ":"), default=str)
