"""Records without a header, each matched against the formats of the flow logs that may have written it.

One that fits several distinct formats is refused, one that fits none is damaged: nothing is guessed.
Source: VPC User Guide, "Publish flow logs to CloudWatch Logs": flow logs of one group may share a stream, in any formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditkit.engines.reading import fast
from auditkit.engines.reading.gather import Gathered
from auditkit.engines.reading.held import ObjectRead
from auditkit.engines.reading.layout import Layout, is_header
from auditkit.engines.reading.lines import Wrong, halves, record, table, words
from auditkit.engines.reading.values import Addresses
from auditkit.model.records import BY_NAME

NONE, SEVERAL, NO_FORMAT = "fits no format", "fits several formats", "no flow log's format is known"
_LEAF = 64
_ACCOUNT = r"\d{12}|unknown"
_SHAPES = {
    "account-id": _ACCOUNT,
    "interface-id": r"eni-\S+",
    "action": "ACCEPT|REJECT",
    "vpc-id": r"vpc-\S+",
    "subnet-id": r"subnet-\S+",
    "instance-id": r"i-\S+",
    "type": "IPv4|IPv6|EFA",
    "flow-direction": "ingress|egress",
    "sublocation-type": "wavelength|outpost|localzone",
    "resource-id": r"nat-\S+",
    "resource-type": "TransitGateway",
    "tgw-id": r"tgw-\S+",
    "tgw-attachment-id": r"tgw-attach-\S+",
    "tgw-pair-attachment-id": r"tgw-attach-\S+",
    "tgw-src-vpc-account-id": _ACCOUNT,
    "tgw-dst-vpc-account-id": _ACCOUNT,
    "tgw-src-vpc-id": r"vpc-\S+",
    "tgw-dst-vpc-id": r"vpc-\S+",
    "tgw-src-subnet-id": r"subnet-\S+",
    "tgw-dst-subnet-id": r"subnet-\S+",
    "tgw-src-eni": r"eni-\S+",
    "tgw-dst-eni": r"eni-\S+",
    "next-hop-interface-id": r"eni-\S+",
    "next-hop-subnet-id": r"subnet-\S+",
    "next-hop-vpc-id": r"vpc-\S+",
}
"""What a text field holds, beside `-`: without a header nothing else says that a value is of its field.
Source: VPC User Guide, "Flow log records"; Transit Gateway guide, "Transit Gateway Flow Logs"."""
SHAPES = {name: re.compile(rf"(?:{shape}|-)\Z", re.ASCII) for name, shape in _SHAPES.items()}
LEAST = {"start": 10**9, "end": 10**9}
"""Times of before 2001 are none."""
MOST = {"version": 99}


class Candidates:
    """The distinct formats that the records of an object may have."""

    def __init__(self, formats: Sequence[str], flow_log_ids: Sequence[str], addresses: Addresses) -> None:
        """Read LogFormats; `flow_log_ids` tells of each whose it is."""
        owners: dict[Layout, set[str]] = {}
        for at, one in enumerate(formats):
            layout = Layout.of_log_format(one)
            if layout.names and not layout.twice:
                owners.setdefault(layout, set()).add(flow_log_ids[at] if at < len(flow_log_ids) else "")
        self.owner = {layout: min(of) if len(of) == 1 else "" for layout, of in owners.items()}
        """Layout → the flow log that has it, '' where several have."""
        self.addresses = addresses

    def match(self, read: ObjectRead, text: bytes, numbers: np.ndarray[Any, Any], gathered: Gathered) -> None:
        """Read lines, tidy and none of them blank."""
        for count, lines, some in _by_count(text, numbers):
            layouts = [layout for layout in self.owner if len(layout.names) == count]
            self._halves(read, layouts[0] if len(layouts) == 1 else None, lines, some, gathered)

    def _halves(
        self, read: ObjectRead, layout: Layout | None, text: bytes, numbers: np.ndarray[Any, Any], gathered: Gathered
    ) -> None:
        rows = fast.parse(layout, text, 0, len(numbers), self.addresses) if layout else None
        if layout and rows is not None and _shaped(layout, rows):
            gathered.add(layout.fields, rows, [(read, len(numbers))], numbers, self.owner[layout])
        elif layout is None or len(numbers) <= _LEAF:
            self._slow(read, text, numbers, gathered)
        else:
            for half, some in halves(text, numbers):
                self._halves(read, layout, half, some, gathered)

    def _slow(self, read: ObjectRead, text: bytes, numbers: np.ndarray[Any, Any], gathered: Gathered) -> None:
        rows: dict[tuple[Layout, str], tuple[list[int], list[tuple[Any, ...]]]] = {}
        for number, line in zip(numbers.tolist(), text.split(b"\n"), strict=True):
            try:
                tokens = words(line)
                if is_header(tokens):
                    self._check(read, tokens)
                    continue
                layout, owner, row = self._one(tokens)
            except Wrong as wrong:
                read.hurt(str(wrong), number)
                continue
            at, some = rows.setdefault((layout, owner), ([], []))
            at.append(number)
            some.append(row)
        for (layout, owner), (at, some) in rows.items():
            gathered.add(layout.fields, table(layout, some), [(read, len(some))], np.array(at), owner)

    def _check(self, read: ObjectRead, names: list[str]) -> None:
        """Take an object for broken whose header names other fields: its records fit a format that is not theirs.

        Raises:
            Wrong: it does.
        """
        if self.owner and not any(list(layout.names) == names for layout in self.owner):
            read.broken = True
            raise Wrong("a header names other fields than the format")

    def _one(self, tokens: list[str]) -> tuple[Layout, str, tuple[Any, ...]]:
        """Find the one format that a record fits.

        Raises:
            Wrong: there is none, or there are several that tell different things.
        """
        if not self.owner:
            raise Wrong(NO_FORMAT)
        fits = []
        for layout in self.owner:
            try:
                row = record(layout, tokens, self.addresses)
            except Wrong:
                continue
            if all(_fits(name, token, value) for name, token, value in zip(layout.names, tokens, row, strict=True)):
                fits.append((layout, row))
        if not fits:
            raise Wrong(NONE)
        layout, row = fits[0]
        told = dict(zip(layout.names, row, strict=True))
        if any(dict(zip(other.names, values, strict=True)) != told for other, values in fits[1:]):
            raise Wrong(SEVERAL)
        return layout, self.owner[layout] if len(fits) == 1 else "", row


def _fits(name: str, token: str, value: Any) -> bool:
    if name in SHAPES:
        return SHAPES[name].match(token) is not None
    return not isinstance(value, int) or LEAST.get(name, 0) <= value <= MOST.get(name, value)


def _shaped(layout: Layout, rows: pa.Table) -> bool:
    """Tell whether every value of a table may be of its field."""
    for name in layout.fields:
        column = rows[BY_NAME[name].column]
        if name in SHAPES and not all(SHAPES[name].match(t) for t in column.chunk(0).dictionary.to_pylist()):
            return False
        if name in LEAST and pc.min(column).as_py() < LEAST[name]:
            return False
        if name in MOST and (pc.max(column).as_py() or 0) > MOST[name]:
            return False
    return True


def _by_count(text: bytes, numbers: np.ndarray[Any, Any]) -> Iterator[tuple[int, bytes, np.ndarray[Any, Any]]]:
    """Group tidy lines by their number of words, each group in order."""
    if not len(numbers):
        return
    octets = np.frombuffer(text + b"\n", dtype=np.uint8)
    ends = np.flatnonzero(octets == 10)
    starts = np.concatenate([[0], ends[:-1] + 1])
    counts = np.add.reduceat(octets == 32, starts, dtype=np.int32) + 1
    for count in np.unique(counts).tolist():
        mine = counts == count
        if mine.all():
            yield count, text, numbers
        else:
            yield count, octets[np.repeat(mine, ends - starts + 1)].tobytes()[:-1], numbers[mine]
