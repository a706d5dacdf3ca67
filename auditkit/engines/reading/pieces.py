"""Text in pieces of whole lines, some megabytes each, whatever its members and however long its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from auditkit.engines.reading.held import ObjectRead
from auditkit.engines.reading.layout import is_header
from auditkit.engines.reading.lines import LONGEST, TOO_LONG
from auditkit.engines.reading.unpacking import Unpacked
from auditkit.model.records import BY_NAME

PIECE = 8 * 2**20
ENVELOPE = 16 * 2**20
"""Bytes that one line may have where lines hold records in envelopes."""
_BACK = 64
"""Members that one line may reach over for its end to be found."""


def pieces(  # noqa: C901 - what may befall a line, in one place
    parts: Unpacked, read: ObjectRead, boundary: Callable[[bytes], int] | None = None
) -> Iterator[tuple[bytes, int]]:
    """Yield whole lines, the last of a whole object with or without its end, and the number of the first of them.

    Half a line before damage is left out; what was wrong with the object is counted at its end.

    Args:
        parts: The text.
        read: The object, for what is damaged.
        boundary: For envelopes: where the last whole one of several on one line ends.
    """
    longest = ENVELOPE if boundary else LONGEST
    held: list[bytes] = []
    size, line, skipping, top, above = 0, 1, False, b"", b""
    for part, begins in parts:
        line, above = line + above.count(b"\n"), b""
        if begins and held and _new_file(held, top, part):
            held.append(b"\n")
        held.append(part)
        size += len(part)
        if size < PIECE:
            continue
        text = b"".join(held)
        cut = text.rfind(b"\n") + 1
        if skipping:
            over = text.find(b"\n") + 1
            text, cut, line, skipping = text[over:] if over else b"", cut - over, line + bool(over), not over
        if not cut and boundary and text:
            cut = boundary(text)
        if not cut and len(text) > longest:
            read.hurt(TOO_LONG, line)
            text, skipping = b"", True
        if cut:
            top = top or _first(text)
            whole = text if cut == len(text) else text[:cut]
            yield whole, line
            above = whole
        rest = text[cut:]
        held, size = [rest] if rest else [], len(rest)
    text = b"".join(held)
    line += above.count(b"\n") if text else 0
    if skipping:
        over = text.find(b"\n") + 1
        text, line = text[over:] if over else b"", line + 1
    if parts.wrong:
        read.hurt(parts.wrong)
        text = text[: text.rfind(b"\n") + 1]
    if text:
        yield text, line


def _first(text: bytes) -> bytes:
    """The first line that says something."""
    return next((line for line in text[:LONGEST].split(b"\n", 16) if line.strip()), b"")


def _new_file(held: list[bytes], top: bytes, part: bytes) -> bool:
    """Tell whether files were put together, the first without an end to its last line.

    Members may also be cut anywhere: only a whole record before a whole header is a border.
    """
    words = part[:LONGEST].partition(b"\n")[0].decode("utf-8", "replace").split()
    if held[-1][-1:].isspace() or part[:1].isspace() or not is_header(words) or words[0] not in BY_NAME:
        return False
    tail: list[bytes] = []
    for before in reversed(held[-_BACK:]):
        tail.append(before[before.rfind(b"\n") + 1 :])
        if b"\n" in before:
            top = top or _first(b"".join(held))
            break
    return bool(top) and len(b"".join(reversed(tail)).split()) == len(top.split())
