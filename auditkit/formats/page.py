"""The Jinja environment that html and pdf share."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from auditkit.data import templates_dir
from auditkit.formats import limits
from auditkit.formats.matrix import KINDS
from auditkit.formats.text import clip, number, plain, plural, short, size, when

FONTS: dict[str, tuple[str, int]] = {
    "Inter-Regular.woff": ("Inter", 400),
    "Inter-SemiBold.woff": ("Inter", 600),
    "JetBrainsMono-Regular.woff": ("JetBrains Mono", 400),
    "DejaVuSans-Fallback.woff": ("Auditkit Fallback", 400),
}
"""File → family and weight; they travel inside the document, so that it looks the same everywhere."""
STATUS = {
    "fail": ("✕", "Fail", "#b3261e"),
    "inconclusive": ("?", "Inconclusive", "#946200"),
    "excepted": ("◐", "Excepted", "#5b3cc4"),
    "pass": ("✓", "Pass", "#0b6b43"),
    "not_applicable": ("–", "Not applicable", "#667085"),
}
"""Status → symbol, word, colour: the same wherever a status is shown."""
STATE = {
    "complete": ("✓", "complete", "#0b6b43"),
    "malformed": ("✕", "malformed", "#e8a09a"),
    "misdirected": ("✕", "misdirected", "#dc7a72"),
    "partial": ("✕", "partial", "#cc5148"),
    "failing": ("✕", "failing", "#b3261e"),
    "none": ("✕", "not logged", "#8a1710"),
    "unknown": ("?", "unknown", "#d9a514"),
}
"""Coverage state → symbol, word, colour."""
STATE_MEANS = {
    "complete": "all the traffic wanted, to an approved destination, with the fields and interval required",
    "malformed": "it arrives at an approved destination, but fields or interval fall short",
    "misdirected": "all traffic is delivered, but not to an approved destination",
    "partial": "only some of the traffic wanted is delivered",
    "failing": "a flow log exists, but delivers nothing",
    "none": "no flow log applies",
    "unknown": "the evidence cannot decide",
}
"""Coverage state → what it means."""
DAY = {
    "whole": ("✓", "whole", "#0b6b43", 1),
    "gap": ("✕", "gap", "#b3261e", 1),
    "idle": ("–", "idle", "#98a2b3", 0.22),
    "expired": ("?", "expired", "#946200", 0.66),
    "pending": ("…", "pending", "#98a2b3", 0.42),
    "unknown": ("?", "unknown", "#d9a514", 0.66),
}
"""Delivery state of a day → symbol, word, colour, height in a strip."""
DAY_MEANS = {
    "whole": "something arrived all through the time for which it was due",
    "gap": "for longer than the aggregation interval allows, nothing arrived",
    "idle": "nothing arrived, and nothing that it records was in use",
    "expired": "older than what the destination keeps",
    "pending": "too young to tell",
    "unknown": "keys or streams could not be read, or do not tell",
}
"""Delivery state of a day → what it means."""
BASIS = {"all": "the whole population was read", "sample": "a sample was read", "none": "nothing was read"}


def environment() -> Environment:
    """Make the environment: everything is escaped, and a name that does not exist is an error."""
    env = Environment(
        loader=FunctionLoader(asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.filters.update(
        clip=clip,
        number=number,
        plain=plain,
        short=short,
        size=size,
        when=when,
        values_sum=_values_sum,
        groupby_order=_groups,
        inline=_inline,
        minutes=_minutes,
    )
    env.globals.update(
        plural=plural,
        STATUS=STATUS,
        STATE=STATE,
        STATE_MEANS=STATE_MEANS,
        DAY=DAY,
        DAY_MEANS=DAY_MEANS,
        KINDS=KINDS,
        BASIS=BASIS,
        limits=limits,
    )
    return env


def _minutes(count: int) -> str:
    """Write a number of minutes: 5 h 20 min."""
    hours, rest = divmod(count, 60)
    return " ".join(text for n, text in ((hours, f"{number(hours)} h"), (rest, f"{rest} min")) if n) or "0 min"


def _inline(condition: str) -> str:
    """Write a condition, a mapping in YAML, in one line."""
    return re.sub(r"\n(?! )", "; ", re.sub(r"\n +", " ", condition.strip()))


def _values_sum(counts: Mapping[str, int]) -> int:
    return sum(counts.values())


def _groups(rows: Sequence[Mapping[str, Any]], key: str) -> list[tuple[Any, list[Mapping[str, Any]]]]:
    """Group neighbours, keeping their order: Jinja's own groupby sorts."""
    return [(value, list(group)) for value, group in groupby(rows, key=lambda row: row[key])]


def asset(name: str) -> str:
    """Read a template, style or script."""
    return str(_find(name).read_text("utf-8"))


def asset_bytes(name: str) -> bytes:
    """Read a font."""
    return bytes(_find(name).read_bytes())


def data_uri(font: str) -> str:
    """Write a font as a data: URI."""
    return "data:font/woff;base64," + b64encode(asset_bytes(f"fonts/{font}")).decode()


def _find(name: str) -> Any:
    found = templates_dir()
    for part in name.split("/"):
        found = found / part
    return found
