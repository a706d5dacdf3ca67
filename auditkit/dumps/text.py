"""One file that somebody saved → the JSON documents in it, and why there are not more."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import stat
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditkit.model.errors import discreet

LIMIT = 512 * 1024 * 1024
"""Bytes of text that one file may have."""
DEEPEST = 60
"""Levels that an answer may have; AWS's have about ten."""

_SPACE = " \t\r\n\ufeff"
# As every CLI says it; PowerShell breaks the sentence where its window ends.
_REFUSED = re.compile(
    r"An\s+error\s+occurred\s+\(([^()\s]{1,100})\)\s+when\s+calling\s+the\s+(\w{1,100})\s+operation(?:\s+\([^)]*\))?:\s*(.*)",
    re.DOTALL,
)
_COMPLAINT = re.compile(
    r"^(?:aws: |usage: aws|Unable to locate credentials|Could not connect|Connect timeout|Read timeout|You must specify|"
    r"The config profile|Error when retrieving|SSL validation failed|Error loading SSO|The SSO session|Partial credentials|Unknown options|Invalid choice)",
    re.MULTILINE,
)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(slots=True)
class Saved:
    """What a file holds."""

    documents: list[Any] = field(default_factory=list)
    """In the order of the file."""
    code: str = ""
    """Why there are not more: AWS's error code, or Empty, Damaged, NotJson, TooLarge, TooDeep, CliError, NotAFile."""
    message: str = ""
    """In words; of a refusal, AWS's."""
    operation: str = ""
    """Of a refusal: the operation that was refused."""
    sha256: str = ""
    """Of the file as it lies there."""
    size: int = 0
    """Bytes of the file as it lies there."""


def load(path: Path) -> Saved:
    """Read a file; whatever it holds, nothing is raised."""
    saved = Saved()
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return _stopped(saved, "NotAFile", "not a file")
        with path.open("rb") as file:
            raw = file.read(LIMIT + 1)
    except OSError as error:
        return _stopped(saved, "Unreadable", error.strerror or "it cannot be read")
    saved.sha256, saved.size = hashlib.sha256(raw).hexdigest(), len(raw)
    try:
        text = _text(raw)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        return _stopped(saved, "Damaged", f"cannot be unpacked or decoded: {discreet(str(error))}")
    if text is None:
        return _stopped(saved, "TooLarge", f"has more than {LIMIT:,} bytes: save it in pages")
    return _parsed(saved, text)


def _text(raw: bytes) -> str | None:
    if raw[:2] == b"\x1f\x8b":
        import io  # noqa: PLC0415 - few files are packed

        with gzip.open(io.BytesIO(raw)) as packed:
            raw = packed.read(LIMIT + 1)
    if len(raw) > LIMIT:
        return None
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):  # Windows PowerShell writes what `>` redirects as UTF-16
        return raw.decode("utf-16")
    if raw[1:2] == b"\0":
        return raw.decode("utf-16-le")
    return raw.decode("utf-8-sig")


def _parsed(saved: Saved, text: str) -> Saved:
    at, end = 0, len(text)
    while True:
        while at < end and text[at] in _SPACE:
            at += 1
        if at == end:
            return saved if saved.documents else _stopped(saved, "Empty", "is empty: the command failed or did not end")
        try:
            document, after = _DECODER.raw_decode(text, at)
        except RecursionError:
            return _stopped(saved, "TooDeep", "is nested deeper than any answer of AWS")
        except ValueError as error:
            return _rest(saved, text[at:], str(error))
        if _too_deep(document):
            return _stopped(saved, "TooDeep", "is nested deeper than any answer of AWS")
        if _SURROGATE.search(text, at, after) and not _whole(document):
            return _stopped(saved, "Damaged", "holds half a character")
        saved.documents.append(document)
        at = after


def _rest(saved: Saved, rest: str, error: str) -> Saved:
    """Say what it is that is not JSON."""
    if refusal := _REFUSED.search(rest[:10_000]):
        saved.operation = refusal[2]
        return _stopped(saved, refusal[1], discreet(refusal[3]) or "no message")
    if complaint := _COMPLAINT.search(rest[:10_000]):
        line = rest[complaint.start() :][:500].splitlines()[0]
        return _stopped(saved, "CliError", discreet(line))
    if not saved.documents and rest[0] not in "{[":
        return _stopped(saved, "NotJson", "is not JSON: save it again with --output json")
    return _stopped(saved, "Damaged", f"is not whole: {error}")


def _stopped(saved: Saved, code: str, message: str) -> Saved:
    saved.code, saved.message = code, message
    return saved


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice in one object")
    for key, value in pairs:
        # The first CLI writes times of JSON services as seconds since 1970; CloudWatch Logs counts milliseconds, in camelCase.
        if (
            (type(value) is float or type(value) is int)
            and key.endswith(("Time", "Timestamp", "Date"))
            and key[0].isupper()
        ):
            made[key] = _time(value)
    return made


def _time(seconds: float) -> Any:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return seconds


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)


def _too_deep(document: Any) -> bool:
    level, layer = 0, [document]
    while layer:
        level += 1
        if level > DEEPEST:
            return True
        layer = [
            inner
            for one in layer
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(inner, dict | list)
        ]
    return False


def _whole(document: Any) -> bool:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
