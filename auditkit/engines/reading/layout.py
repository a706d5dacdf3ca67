"""The fields of a record, in their order: from a header, a LogFormat or Parquet columns; and the types they are read to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from auditkit.model.records import BY_NAME, FIELDS

TEXT = pa.dictionary(pa.int32(), pa.string())
OTHER = pa.map_(pa.string(), pa.string())
INTEGER = pa.uint64()
ARROW = {"port": pa.uint16(), "protocol": pa.uint8(), "integer": INTEGER}
"""Type of a field → type of its column; everything else is text."""
LIMITS = {"port": 65535, "protocol": 255, "integer": 2**63 - 1}
MILLISECONDS = 10**11
"""Times above are milliseconds, which AWS once wrote: as seconds they would lie in the year 5138."""
LATEST = 253402300799
"""The last second of the year 9999: what lies behind is no time of a record, and no day holds it."""
FLOW = (
    "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "action", "pkt_srcaddr", "pkt_dstaddr",
)  # fmt: skip
"""Columns that say something of a flow: a record without traffic has `-` in all of them."""
TAG_FIELDS = frozenset(f.name for f in FIELDS if f.name.removesuffix("-2").endswith("-tag"))
"""Fields that hold a tag's value, percent-encoded. Source: VPC User Guide, "Flow log records"."""
_NAMED = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class Layout:
    """The names of a record's fields, in order."""

    names: tuple[str, ...]
    """As the header has them, hyphenated."""

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Those that this version knows."""
        return tuple(name for name in self.names if name in BY_NAME)

    @cached_property
    def others(self) -> tuple[str, ...]:
        """Those that it does not know."""
        return tuple(name for name in self.names if name not in BY_NAME)

    @cached_property
    def twice(self) -> bool:
        """Whether a name stands there twice: which of the values is meant, nobody can tell."""
        return len(set(self.names)) != len(self.names)

    @cached_property
    def types(self) -> dict[str, pa.DataType]:
        """Name → type of its column."""
        return {name: arrow_type(name) for name in self.names}

    @classmethod
    def of_log_format(cls, log_format: str) -> Layout:
        """Read a LogFormat as DescribeFlowLogs shows it: `${version} ${account-id} …`."""
        return cls(tuple(_NAMED.findall(log_format)) or tuple(log_format.split()))


def arrow_type(name: str) -> pa.DataType:
    """Return the type that a field is read to."""
    return ARROW.get(BY_NAME[name].type, TEXT) if name in BY_NAME else TEXT


def is_header(words: Sequence[str]) -> bool:
    """Tell a header from a record: nothing but words, most of them names of fields."""
    if any(word.isdecimal() or word == "-" for word in words):
        return False
    return sum(word in BY_NAME for word in words) * 2 > len(words)


def known(names: Iterable[str]) -> int:
    """Count the names that this version knows."""
    return sum(name in BY_NAME for name in names)
