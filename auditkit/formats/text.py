"""Somebody else's text, made safe to look at; and numbers, sizes and times for people.

Log lines, tags and names are an attacker's text. Whatever shows them (documents, terminal) passes them
through `visible`: what would act on the reader's screen instead of standing on it is shown as an escape.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from auditkit.model.tables import NEVER

LIMIT = 2000
"""Characters of one text that a document shows, where nothing says less."""
_PLAIN = re.compile(r"[\x20-\x7e]*\Z")
_MARKS = 2
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_WORDED = {"where", "fail_where", "rationale", "remediation", "undecidable_when"}
"""Keys of a policy author's prose, whose line breaks are meant."""


def visible(text: str, limit: int = LIMIT) -> str:
    r"""Show a text as it is: one line, nothing hidden, nothing that turns the line around.

    Control, format and bidirectional-override characters (Unicode's Cc, Cf, Zl, Zp), half surrogates, private and
    unassigned code points become `\n`, `\x1b`, `\u202e`; so does every combining mark after the second in a row.
    Text over `limit` is cut, and the number of characters cut is said. See Unicode TR 36 and TR 9.
    """
    if len(text) <= limit and _PLAIN.match(text):
        return text
    shown: list[str] = []
    length = marks = taken = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me") else 0
        piece = escape(char) if marks > _MARKS or unicodedata.category(char) in _HIDDEN else char
        length += len(piece)
        if length > limit:
            break
        shown.append(piece)
        taken += 1
    cut = len(text) - taken
    return "".join(shown) + (f"… (+{number(cut)} characters)" if cut else "")


def escape(char: str) -> str:
    r"""Write one character as Python would: `\n`, `\x1b`, `\u202e`, `\U0001f3e6`."""
    code = ord(char)
    if short := {9: r"\t", 10: r"\n", 13: r"\r"}.get(code):
        return short
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean(value: Any, key: str = "") -> Any:
    """Make every text inside a JSON value visible; the lines of a policy author's prose stay lines."""
    if isinstance(value, str):
        return "\n".join(map(visible, value.split("\n")))[: 2 * LIMIT] if key in _WORDED else visible(value)
    if isinstance(value, Mapping):
        return {visible(str(k), 200): clean(v, str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [clean(v, key) for v in value]
    return value


def clip(text: Any, limit: int) -> str:
    """Shorten a text that is visible already, for a place that has little room."""
    shown = plain(text)
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def plain(value: Any) -> str:
    """Write a cell's value for a person: nothing for absence, `?` for NULL."""
    if value is None:
        return "?"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return "never" if value == NEVER else number(value)
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {plain(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    return str(value)


def number(value: float) -> str:
    """Write a number with its thousands: 1,234,567."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")


def short(value: float) -> str:
    """Write a large number in few digits: 184.3 M."""
    for unit in ("", "k", "M", "G"):
        if value < 1000:
            return f"{value:.1f}".rstrip("0").rstrip(".") + (f" {unit}" if unit else "")
        value /= 1000
    return f"{value:,.1f} T"


def size(value: float) -> str:
    """Write a number of bytes in the unit that fits: 1.8 GiB."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} PiB"


def when(value: str | datetime) -> str:
    """Write a moment in UTC to the minute: 2026-10-01 04:12 UTC; text that is no moment stays as it is."""
    text = value.isoformat() if isinstance(value, datetime) else value
    found = re.match(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?)?\Z", text)
    return f"{found[1]} {found[2]} UTC" if found and found[2] else text


def plural(count: int, one: str, many: str = "") -> str:
    """Write a count with its noun: 1 finding, 2 findings."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"
