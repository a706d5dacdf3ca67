"""What a sample lets one say of a control, in one account and region and over all of them.

In each account and region the limit is exact. The greatest of these limits is a limit for all of them together: the worst
account and region is one of them, and its own limit holds at the confidence stated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from auditkit.evaluate import Sampled
from auditkit.model.control import Control
from auditkit.sampling import limit, needed, tolerable

Json = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """What a sample has to show."""

    confidence: float
    """Between 0 and 1."""
    tolerable_rate: float
    """Between 0 and 1."""
    strata: frozenset[tuple[str, str]] = frozenset()
    """Accounts and regions that had interface-days to draw from."""
    left: frozenset[tuple[str, str]] = frozenset()
    """Accounts and regions of flow logs of which objects were listed and not read."""


@dataclass(frozen=True)
class Inference:
    """What the sample says of one control in one account and region."""

    facts: Json
    """population, drawn, sampled, deviations, limit, limit_rate, confidence."""
    said: str
    """In words."""
    enough: bool
    """Whether it lets the control pass there."""


def infer(control: Control, sampled: Sampled, rule: Rule) -> Inference:
    """Say what follows from a sample.

    Only those of lowest rank count as the sample: what was drawn for another control beyond them was not drawn at random
    among those that this one is about. Every deviation counts, wherever it was drawn.
    """
    population = sampled.population
    need = needed(population, rule.confidence, rule.tolerable_rate)
    n = population if sampled.drawn == population else need if sampled.first >= need else sampled.base
    deviations = sampled.deviations.total()
    most = limit(population, n, min(deviations, n), rule.confidence)
    facts = _facts(population, sampled.drawn, n, deviations, most, Fraction(most, population), rule)
    clean = not deviations and tolerable(population, most, rule.tolerable_rate)
    return Inference(facts, *_words(control, facts, sampled.deviations, rule, clean=clean))


def _words(control: Control, facts: Json, why: Counter[str], rule: Rule, *, clean: bool) -> tuple[str, bool]:
    said = statement(facts)
    if control.tolerance == "zero":
        return f"{said}; with tolerance: zero, a sample cannot pass the control", False
    if control.having is not None:
        return f"{said}; a threshold (having) is over all records, so that a sample can only fail the control", False
    if clean:
        return said, True
    reasons = "; ".join(f"{text} ({n:,})" for text, n in sorted(why.items(), key=lambda i: (-i[1], i[0])))
    more = f"; tolerable are {_percent(Fraction(str(rule.tolerable_rate)))}"
    return f"{said}{more}{f'. Deviations: {reasons}' if reasons else ''}", False


def together(results: Iterable[Json | None], rule: Rule) -> Json | None:
    """The sample over all accounts and regions; None where nothing was sampled."""
    some = [facts for facts in results if facts is not None]
    if not some:
        return None
    population, drawn, n, deviations = (
        sum(f[key] for f in some) for key in ("population", "drawn", "sampled", "deviations")
    )
    rate = max(Fraction(f["limit"], f["population"]) for f in some)
    return _facts(population, drawn, n, deviations, int(rate * population), rate, rule)


def statement(facts: Json) -> str:
    """Say a sample's numbers in words."""
    n = facts["deviations"]
    found = "no deviation" if not n else f"{n:,} deviation{'' if n == 1 else 's'}"
    rate = _percent(Fraction(str(facts["limit_rate"])))
    return (
        f"{found} in {facts['sampled']:,} of {facts['population']:,} interface-days: "
        f"at most {rate} at {100 * facts['confidence']:g} %, one-sided"
    )


def _facts(population: int, drawn: int, n: int, deviations: int, most: int, rate: Fraction, rule: Rule) -> Json:
    return {
        "population": population,
        "drawn": drawn,
        "sampled": n,
        "deviations": deviations,
        "limit": most,
        "limit_rate": _up(rate, 10**6) / 10**6,
        "confidence": rule.confidence,
    }


def _up(rate: Fraction, parts: int) -> int:
    return -(-rate.numerator * parts // rate.denominator)


def _percent(rate: Fraction) -> str:
    """In hundredths, rounded up: a limit is never told smaller than it is."""
    return f"{_up(rate, 10_000) / 100:g} %"
