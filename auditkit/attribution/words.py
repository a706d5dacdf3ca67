"""What each of the three may say of a flow: its word, and what the word rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CONSISTENT, CONTRADICT, CANNOT_TELL = "consistent", "contradict", "cannot tell"
WORDS = (CONTRADICT, CANNOT_TELL, CONSISTENT)
"""The words, the gravest first: of several parts or flows the gravest counts."""

Shown = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """What one of the three says of one flow."""

    verdict: str
    """consistent, contradict or cannot tell."""
    because: tuple[str, ...] = ()
    """Reasons, in words; none are needed for what is plainly allowed."""
    shown: tuple[Shown, ...] = ()
    """The rules, entries or routes that it rests on."""
    where: str = ""
    """The network ACL or route table."""


def gravest(verdicts: Iterable[str]) -> str:
    """Return the gravest of some words; consistent of none."""
    return min(verdicts, key=WORDS.index, default=CONSISTENT)


def agreed(said: Iterable[Said]) -> Said:
    """Bring together what would hold if one or the other side had begun: where they differ, nobody can tell."""
    several = list(said)
    if len(several) == 1:
        return several[0]
    where = next((one.where for one in several if one.where), "")
    if len({one.verdict for one in several}) > 1:
        doubts = (r for one in several if one.verdict == CANNOT_TELL for r in one.because)
        return Said(CANNOT_TELL, unique(("which side began is not known, and it matters here", *doubts)), where=where)
    return Said(several[0].verdict, unique(r for one in several for r in one.because),
                unique(s for one in several for s in one.shown), where)  # fmt: skip


def unique(values: Iterable[Any]) -> tuple[Any, ...]:
    """Leave out what came before."""
    out: list[Any] = []
    for value in values:
        if value not in out:
            out.append(value)
    return tuple(out)
