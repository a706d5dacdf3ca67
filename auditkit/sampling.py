"""Which interface-days to read, and what a sample of them lets one say (pure).

The unit is an interface-day, the stratum an account and region. Every interface-day has a rank, the beginning of a
SHA-256 over the seed and its name, and those of lowest rank are drawn: whoever knows the seed can draw them again, and
an interface more or less changes nothing for the others. A number of deviations among those drawn limits how many there
can be in all by the hypergeometric distribution, one-sided and exact; for populations without end that is the limit of
Clopper and Pearson (Biometrika 26, 1934).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, comb, exp, floor, lgamma, log, log1p

import numpy as np

METHOD = "SHA-256 rank within account and region, exact one-sided hypergeometric limit"
"""What run.json and the report call it."""
HEX = 16
"""Digits of the SHA-256 that make the rank."""


def rank(seed: int, account_id: str, region: str, unit: str, day: str) -> str:
    """The rank of an interface-day: the first 16 hexadecimal digits of the SHA-256 of its name.

    Args:
        seed: of the sample.
        account_id: of the stratum.
        region: of the stratum.
        unit: interface, attachment or regional NAT gateway.
        day: 2026-07-01.
    """
    name = f"{seed}/{account_id}/{region}/{unit}/{day}"
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:HEX]


# -- how many, and what they say -------------------------------------------------------------------------------------


@lru_cache(maxsize=100_000)
def needed(population: int | None, confidence: float, tolerable_rate: float) -> int:
    """The fewest interface-days of which none may deviate for the rate to be tolerable.

    Args:
        population: how many there are; None for no end of them.
        confidence: between 0 and 1.
        tolerable_rate: between 0 and 1.
    """
    if population is None:
        return ceil(log(float(_risk(confidence))) / log1p(-tolerable_rate))
    deviations = floor(_exact(tolerable_rate) * population) + 1
    if deviations > population:
        return 0
    low, high = 0, population - deviations + 1
    while low < high:
        middle = (low + high) // 2
        if _rare(population, deviations, middle, 0, confidence):
            high = middle
        else:
            low = middle + 1
    return low


@lru_cache(maxsize=100_000)
def limit(population: int, sampled: int, deviations: int, confidence: float) -> int:
    """The most deviations that a population can have, given those among the sampled.

    With more, so few among the sampled would come up with a probability of at most 1 - confidence.

    Args:
        population: how many there are.
        sampled: how many of them were looked at.
        deviations: how many of these deviate.
        confidence: between 0 and 1.

    Raises:
        ValueError: more deviate than were looked at, or more were looked at than there are.
    """
    if not 0 <= deviations <= sampled <= population:
        raise ValueError(f"{deviations} of {sampled} in {population}")
    low, high = deviations, population - (sampled - deviations)
    while low < high:
        middle = (low + high + 1) // 2
        if _rare(population, middle, sampled, deviations, confidence):
            high = middle - 1
        else:
            low = middle
    return low


def tolerable(population: int, deviations: int, tolerable_rate: float) -> bool:
    """Tell whether so many deviations are at most the tolerable rate, without rounding."""
    return deviations <= _exact(tolerable_rate) * population


def limit_of_many(sampled: int, deviations: int, confidence: float) -> float:
    """The upper limit of the rate where there is no end of units: Clopper and Pearson's, one-sided."""
    if deviations >= sampled:
        return 1.0
    risk, low, high = float(_risk(confidence)), 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if _at_most(sampled, deviations, middle) > risk:
            low = middle
        else:
            high = middle
    return high


def _at_most(sampled: int, deviations: int, rate: float) -> float:
    if rate in (0.0, 1.0):
        return 1.0 - rate
    return sum(exp(_choose(sampled, k) + k * log(rate) + (sampled - k) * log1p(-rate)) for k in range(deviations + 1))


def _rare(population: int, deviating: int, sampled: int, seen: int, confidence: float) -> bool:
    """Tell whether at most `seen` of the sampled deviate with a probability of at most 1 - confidence.

    Logarithms tell where it is clear, whole numbers where it is close.
    """
    at_least = max(0, sampled - (population - deviating))
    counts = range(at_least, min(seen, sampled, deviating) + 1)
    if not counts:
        return True
    whole = _choose(population, sampled)
    parts = [_choose(deviating, k) + _choose(population - deviating, sampled - k) - whole for k in counts]
    most = max(parts)
    apart = most + log(sum(exp(p - most) for p in parts)) - log(float(_risk(confidence)))
    if abs(apart) > 1e-9 + 1e-13 * lgamma(population + 2):
        return apart < 0
    ways = sum(comb(deviating, k) * comb(population - deviating, sampled - k) for k in counts)
    return ways <= _risk(confidence) * comb(population, sampled)


def _choose(of: int, some: int) -> float:
    return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)


def _exact(number: float) -> Fraction:
    """The number as it was written: 0.05 is a twentieth."""
    return Fraction(str(number))


def _risk(confidence: float) -> Fraction:
    return 1 - _exact(confidence)


# -- the draw --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unit:
    """An interface, attachment or regional NAT gateway of one stratum."""

    unit: str
    """Its id."""
    days: Sequence[str]
    """The UTC days of the period on which it was in use, in order."""
    asked: int = 0
    """The questions whose answer may depend on it: bit 0 for the first."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Some questions that are about the same interface-days, and how many of these are needed."""

    questions: tuple[int, ...]
    """Numbers of the questions; none: every interface-day of the stratum."""
    population: int
    """Interface-days that they are about."""
    sampled: int
    """How many of them, those of lowest rank, are drawn."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn in one stratum."""

    account_id: str
    """Account."""
    region: str
    """Region."""
    draws: tuple[Draw, ...]
    """The first is about every interface-day of the stratum."""
    days: tuple[tuple[str, str, str], ...]
    """Rank, unit, day of each interface-day drawn, by rank."""

    @property
    def population(self) -> int:
        """Interface-days of the stratum."""
        return self.draws[0].population


def draw(
    account_id: str, region: str, units: Iterable[Unit], seed: int, confidence: float, tolerable_rate: float
) -> Drawn:
    """Draw in one stratum.

    A question about a part of the stratum needs nearly as many interface-days of its own as one about all of it, so each
    part gets its own, always those of lowest rank in it: the same interface-day serves every question that it is about.

    Args:
        account_id: of the stratum.
        region: of the stratum.
        units: of the stratum, each once.
        seed: of the sample.
        confidence: between 0 and 1.
        tolerable_rate: between 0 and 1.
    """
    some = sorted((u for u in units if u.days), key=lambda u: u.unit)
    owner = np.repeat(np.arange(len(some)), [len(u.days) for u in some])
    first = np.cumsum([0, *(len(u.days) for u in some)])
    ranks = [rank(seed, account_id, region, u.unit, day) for u in some for day in u.days]
    order = np.argsort(np.array([int(r, 16) for r in ranks], np.uint64), kind="stable")
    masks = [u.asked for u in some]
    chosen: set[int] = set()
    draws = []
    for questions, member in _parts(masks):
        places = order if member is None else order[np.array(member, bool)[owner[order]]]
        sampled = needed(len(places), confidence, tolerable_rate)
        draws.append(Draw(questions, len(places), sampled))
        chosen.update(places[:sampled].tolist())
    found = []
    for at in chosen:
        unit = some[int(owner[at])]
        found.append((ranks[at], unit.unit, unit.days[at - int(first[owner[at]])]))
    return Drawn(account_id, region, tuple(draws), tuple(sorted(found)))


def _parts(masks: Sequence[int]) -> list[tuple[tuple[int, ...], list[bool] | None]]:
    """The whole stratum, then each part of it that some questions are about: its questions and members."""
    kinds = sorted(set(masks))
    asked = 0
    for mask in kinds:
        asked |= mask
    same: dict[tuple[bool, ...], list[int]] = {}
    for question in range(asked.bit_length()):
        if asked >> question & 1:
            same.setdefault(tuple(bool(mask >> question & 1) for mask in kinds), []).append(question)
    out: list[tuple[tuple[int, ...], list[bool] | None]] = [((), None)]
    for inside, questions in sorted(same.items(), key=lambda kv: kv[1]):
        if not all(inside):
            of_kind = dict(zip(kinds, inside, strict=True))
            out.append((tuple(questions), [of_kind[mask] for mask in masks]))
    return out
