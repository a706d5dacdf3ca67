"""What the tool concludes, in sentences: never an opinion, which is the assessor's to give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.formats.text import number, plural, when


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The first thing that a reader sees."""

    status: str
    """The worst status of all controls."""
    headline: str
    """One sentence."""
    sentences: tuple[str, ...]
    """What it rests on, and what it does not say."""


def conclude(a: Mapping[str, Any], counts: Mapping[str, int]) -> Conclusion:
    """Say what the statuses of the controls amount to.

    Args:
        a: The assessment as JSON has it.
        counts: Controls by status.
    """
    applied = sum(counts.values()) - counts["not_applicable"]
    status = next((s for s, n in counts.items() if n and s != "not_applicable"), "not_applicable")
    return Conclusion(
        status,
        _headline(counts, applied),
        tuple(filter(None, (_basis(a), _unread(a["unread"]), _excepted(a), _interim(a["period"])))),
    )


def _headline(counts: Mapping[str, int], applied: int) -> str:
    fail, unsure, excepted = counts["fail"], counts["inconclusive"], counts["excepted"]
    if not applied:
        return "No control applied: nothing was concluded."
    if fail:
        rest = f"; {number(unsure)} more could not be concluded" if unsure else ""
        return f"{number(fail)} of {plural(applied, 'control')} {'fails' if fail == 1 else 'fail'}{rest}."
    if unsure:
        return f"No control fails, but {number(unsure)} of {number(applied)} could not be concluded."
    if excepted:
        return f"No control fails; {number(excepted)} of {number(applied)} rest on waivers."
    return f"All {plural(applied, 'control')} that apply pass."


def _basis(a: Mapping[str, Any]) -> str:
    objects = a["population"].get("log_objects") or {}
    seen = f"what AWS answered until {when(a['as_of'])}"
    if not objects.get("in_scope"):
        return f"The conclusion rests on {seen}. No log object was read: nothing is said about traffic that was logged."
    return f"The conclusion rests on {seen}, and on {number(objects.get('read', 0))} of {plural(objects['in_scope'], 'log object')} of the period."


def _unread(unread: Sequence[Any]) -> str:
    return (
        f"{plural(len(unread), 'read')} failed. What depends on them is inconclusive, never passed." if unread else ""
    )


def _excepted(a: Mapping[str, Any]) -> str:
    waived, expired = sum(c["waived"] for c in a["controls"]), len(a["waivers"].get("expired", ()))
    said = (
        f"{plural(waived, 'finding')} {'is' if waived == 1 else 'are'} covered by waivers and {'stays' if waived == 1 else 'stay'} listed, marked."
        if waived
        else ""
    )
    return (
        f"{said} {plural(expired, 'waiver')} {'has' if expired == 1 else 'have'} expired and no longer {'counts' if expired == 1 else 'count'}.".strip()
        if expired
        else said
    )


def _interim(period: Mapping[str, Any]) -> str:
    return "This is an interim report: the period had not ended when collecting ended." if period.get("interim") else ""
