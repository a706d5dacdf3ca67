"""Log objects once more: a reader that goes line by line and knows nothing of speed.

A line is damaged as a whole or not at all; the number of lines that are neither empty nor a header is the sum of the counts.
"""

from __future__ import annotations

import ipaddress
import zlib
from dataclasses import dataclass, field
from typing import Any

NUMBERS = {
    "version": 2**63, "srcport": 65536, "dstport": 65536, "protocol": 256, "packets": 2**63, "bytes": 2**63, "start": 2**63, "end": 2**63,
    "tcp-flags": 2**63, "traffic-path": 2**63, "encryption-status": 2**63, "packets-lost-no-route": 2**63,
}  # fmt: skip
"""Numeric field → the first number too large for it (ports 16 bits, protocol 8, the rest what Parquet's INT_64 holds)."""
ADDRESSES = ("srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr")
OF_A_FLOW = (
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "action",
    "pkt-srcaddr",
    "pkt-dstaddr",
)
UNKNOWN_WHEN_DASH = ("tcp-flags", "encryption-status")
TEXTS = (
    "account-id",
    "interface-id",
    "action",
    "log-status",
    "vpc-id",
    "subnet-id",
    "instance-id",
    "type",
    "region",
    "az-id",
    "flow-direction",
    "resource-id",
    "reject-reason",
    "instance-tag",
)
TAGS = ("instance-tag", "instance-tag-2", "interface-tag", "interface-tag-2", "asg-tag", "asg-tag-2")
OF_TRANSIT_GATEWAYS = ("tgw-id", "tgw-attachment-id", "resource-type")
OF_VPCS = (
    "interface-id", "action", "vpc-id", "subnet-id", "instance-id", "pkt-srcaddr", "pkt-dstaddr", "az-id", "traffic-path", "resource-id", "reject-reason",
    "encryption-status", "instance-tag",
)  # fmt: skip
KNOWN = {*NUMBERS, *ADDRESSES, *TEXTS, *OF_TRANSIT_GATEWAYS}


@dataclass
class Held:
    """What one object holds."""

    ok: dict[int, dict[str, Any]] = field(default_factory=dict)  # line → field → value
    silent: dict[int, tuple[str, Any, Any]] = field(default_factory=dict)  # line → status, start, end
    damaged: int = 0

    @property
    def counts(self) -> tuple[int, int, int, int]:
        status = [s for s, _, _ in self.silent.values()]
        return len(self.ok), status.count("NODATA"), status.count("SKIPDATA"), self.damaged


def read(packed: bytes) -> Held:
    """Read an object; a truncated end counts one damage, and the half line before it is not read."""
    held = Held()
    text, whole = gunzip(packed) if packed[:2] == b"\x1f\x8b" or not packed else (packed, True)
    if not whole or not packed:
        held.damaged += 1
        text = text[: text.rfind(b"\n") + 1]
    header: list[str] | None = None
    for number, raw in enumerate(text.split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            tokens = [token.decode() for token in raw.split()]
        except UnicodeDecodeError:
            tokens = None
        if tokens is not None and names_fields(tokens):
            header = tokens
        elif (
            tokens is None
            or header is None
            or len(tokens) != len(header)
            or len(header) != len(set(header))
            or raw.strip().startswith(b"\xef\xbb\xbf")
        ):
            held.damaged += 1
        else:
            line(held, number, dict(zip(header, tokens, strict=True)))
    return held


def gunzip(packed: bytes) -> tuple[bytes, bool]:
    """Byte by byte, member by member; what came before the damage is kept."""
    out = b""
    while packed:
        member = zlib.decompressobj(31)
        for at in range(len(packed)):
            try:
                out += member.decompress(packed[at : at + 1])
            except zlib.error:
                return out, False
            if member.eof:
                break
        if not member.eof:
            return out, False
        packed = packed[at + 1 :]
        while packed[:1] == b"\0":  # padding
            packed = packed[1:]
    return out, True


def names_fields(tokens: list[str]) -> bool:
    """A header is made of names: more fields that are known than not, and no value."""
    known = [t for t in tokens if t in KNOWN]
    return len(known) * 2 > len(tokens) and not any(t == "-" or t.isdecimal() for t in tokens)


def line(held: Held, number: int, record: dict[str, str]) -> None:  # noqa: C901, PLR0912 - every rule in one place
    values: dict[str, Any] = {}
    for name, token in record.items():
        if name in NUMBERS:
            if token != "-" and (not token.isascii() or not token.isdecimal() or int(token) >= NUMBERS[name]):
                held.damaged += 1
                return
            values[name] = None if token == "-" else int(token)
        elif name in ADDRESSES:
            try:
                ipaddress.ip_address(token.replace("%", "no scopes")) if token != "-" else None
            except ValueError:
                held.damaged += 1
                return
            values[name] = token
        else:
            values[name] = percent(token) if name in TAGS else token
    for name in ("start", "end"):
        if name in values:
            if values[name] is None:
                held.damaged += 1
                return
            values[name] = values[name] // 1000 if values[name] > 10**11 else values[name]
            if values[name] >= 253402300800:  # the year 10000
                held.damaged += 1
                return
    said = [token for name, token in record.items() if name in OF_A_FLOW]
    made_up = "SKIPDATA" if said and set(said) == {"-"} else "OK"  # nobody can tell skipped records from none
    status = values.pop("log-status", made_up)
    backwards = "start" in values and "end" in values and values["end"] < values["start"]
    acted = status != "OK" or record.get("action", "ACCEPT") in ("ACCEPT", "REJECT")
    if status not in ("OK", "NODATA", "SKIPDATA") or backwards or not acted:
        held.damaged += 1
    elif status == "OK":
        held.ok[number] = {n: v for n, v in values.items() if n in KNOWN}
    else:
        held.silent[number] = (status, values.get("start"), values.get("end"))


def percent(token: str) -> str:
    """Decode %41 and the like, as UTF-8; what would become the sign for "no tag" stays."""
    out, at, data = bytearray(), 0, token.encode()
    while at < len(data):
        digits = data[at + 1 : at + 3]
        if data[at : at + 1] == b"%" and len(digits) == 2 and all(d in b"0123456789abcdefABCDEF" for d in digits):
            out.append(int(digits, 16))
            at += 3
        else:
            out.append(data[at])
            at += 1
    plain = out.decode("utf-8", "replace")
    return token if plain == "-" else plain


def stored(record: dict[str, Any], name: str) -> Any:
    """What stands in the column of a field: the value; 0 for a number that does not apply; None for what is not known."""
    if name not in record:
        transit = any(n in record for n in OF_TRANSIT_GATEWAYS)
        if name in (OF_VPCS if transit else (*OF_TRANSIT_GATEWAYS, "packets-lost-no-route")):
            return 0 if name in NUMBERS else "-"  # logs of this kind never have it
        return None
    if record[name] is None and name not in UNKNOWN_WHEN_DASH:
        return 0
    return record[name]
