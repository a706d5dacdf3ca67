"""Sampling: how many interface-days, which of them, and what they let one say, against counting by brute force."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit import sampling
from auditkit.sampling import Unit, draw, limit, limit_of_many, needed, rank, tolerable
from tests.oracles.effort import bounded

DAYS = [f"2026-07-{day:02}" for day in range(1, 32)]


def at_most(population: int, deviating: int, sampled: int, seen: int) -> Fraction:
    """The probability that at most `seen` of the sampled deviate, way by way."""
    ways = sum(
        comb(deviating, k) * comb(population - deviating, sampled - k)
        for k in range(seen + 1)
        if k <= deviating and sampled - k <= population - deviating
    )
    return Fraction(ways, comb(population, sampled))


def most(population: int, sampled: int, seen: int, risk: Fraction) -> int:
    """The upper limit, every number of deviations tried."""
    possible = range(seen, population - (sampled - seen) + 1)
    return max(d for d in possible if d == seen or at_most(population, d, sampled, seen) > risk)


def test_the_published_sizes() -> None:
    """No deviation allowed, 95 % and 5 % where nothing else is said."""
    sizes = {52: 33, 100: 39, 250: 51, 1_000: 56, 10_000: 59, None: 59}
    assert {n: needed(n, 0.95, 0.05) for n in sizes} == sizes
    assert [needed(None, *x) for x in ((0.90, 0.05), (0.95, 0.10), (0.95, 0.01))] == [45, 29, 299]


def test_the_published_limits() -> None:
    assert limit(100, 40, 0, 0.95) == 5
    assert limit(1_000, 59, 0, 0.95) == 48
    assert round(limit_of_many(59, 0, 0.95), 4) == 0.0495
    # 0, 1, 2 and 3 deviations allowed: the least samples that still conclude at 5 %
    for n, k in ((59, 0), (93, 1), (124, 2), (153, 3)):
        assert limit_of_many(n, k, 0.95) <= 0.05 < limit_of_many(n - 1, k, 0.95)
    assert limit_of_many(7, 7, 0.95) == 1.0


def test_a_large_population_s_limit_nears_that_of_no_end_of_units() -> None:
    for n, k in ((59, 0), (124, 2), (400, 9)):
        assert limit(10_000_000, n, k, 0.95) / 10_000_000 == pytest.approx(limit_of_many(n, k, 0.95), rel=1e-4)


@pytest.mark.parametrize(("confidence", "rate"), [(0.95, 0.05), (0.9, 0.1), (0.99, 0.01), (0.8, 0.3)])
def test_sizes_are_the_least_that_conclude(confidence: float, rate: float) -> None:
    risk = 1 - Fraction(str(confidence))
    for population in (*range(1, 61), 99, 100, 101, 200):
        deviating = int(Fraction(str(rate)) * population) + 1
        enough = [n for n in range(population + 1) if at_most(population, deviating, n, 0) <= risk]
        n = needed(population, confidence, rate)
        assert n == enough[0]
        assert tolerable(population, limit(population, n, 0, confidence), rate)
        assert not tolerable(population, limit(population, n - 1, 0, confidence), rate)


@bounded(60)
@given(st.data())
def test_limits_are_those_of_brute_force(data: st.DataObject) -> None:
    population = data.draw(st.integers(1, 120))
    sampled = data.draw(st.integers(0, population))
    seen = data.draw(st.integers(0, min(sampled, 6)))
    confidence = data.draw(st.sampled_from((0.8, 0.9, 0.95, 0.99)))
    assert limit(population, sampled, seen, confidence) == most(
        population, sampled, seen, 1 - Fraction(str(confidence))
    )


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_limit_holds_as_often_as_it_says(confidence: float) -> None:
    """Of all the samples of every population, too few deviate at most once in 1 / (1 - confidence)."""
    for population in (1, 2, 7, 20, 33):
        for sampled in range(population + 1):
            limits = [limit(population, sampled, k, confidence) for k in range(sampled + 1)]
            for deviating in range(population + 1):
                wrong = [k for k in range(sampled + 1) if limits[k] < deviating]
                missed = at_most(population, deviating, sampled, max(wrong)) if wrong else Fraction(0)
                assert wrong == list(range(len(wrong)))  # the fewer are seen, the lower the limit
                assert missed <= 1 - Fraction(str(confidence))


def test_limits_of_what_cannot_be() -> None:
    assert limit(0, 0, 0, 0.95) == 0
    assert limit(5, 0, 0, 0.95) == 5  # nothing was looked at
    assert limit(5, 5, 2, 0.95) == 2  # everything was
    for wrong in ((5, 6, 0), (5, 3, 4), (5, 3, -1)):
        with pytest.raises(ValueError, match="in 5"):
            limit(*wrong, 0.95)


def test_close_calls_are_told_in_whole_numbers() -> None:
    """One of twenty deviates, and nineteen are looked at: it is missed once in twenty, which is 5 % and no more."""
    assert needed(20, 0.95, 0.0) == 19
    assert limit(20, 19, 0, 0.95) == 0
    assert limit(20, 18, 0, 0.95) == 1


# -- the draw --------------------------------------------------------------------------------------------------------


def some(n: int, asked: int = 0) -> list[Unit]:
    return [Unit(f"eni-{i:04}", DAYS, asked) for i in range(n)]


def drawn(units: list[Unit], seed: int = 7) -> sampling.Drawn:
    return draw("111122223333", "eu-west-1", units, seed, 0.95, 0.05)


def test_a_rank_is_a_digest_that_anybody_can_make() -> None:
    text = "7/111122223333/eu-west-1/eni-1/2026-07-01"
    assert rank(7, "111122223333", "eu-west-1", "eni-1", "2026-07-01") == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert rank(7, "", "", "\udc80", "2026-07-01")  # a snapshot may hold anything


def test_those_of_lowest_rank_are_drawn() -> None:
    found = drawn(some(20))
    everything = sorted((rank(7, "111122223333", "eu-west-1", u.unit, d), u.unit, d) for u in some(20) for d in DAYS)
    assert found.population == 620
    assert list(found.days) == everything[: needed(620, 0.95, 0.05)]


@bounded(20)
@given(st.integers(1, 12), st.integers(0, 12), st.integers(), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_more_units_take_no_other_s_place(n: int, more: int, seed: int, random) -> None:
    units = some(n)
    shuffled = random.sample(units, len(units))
    assert drawn(shuffled, seed) == drawn(units, seed)
    larger = drawn(some(n + more), seed)
    stayed = [day for day in larger.days if day[1] < f"eni-{n:04}"]
    # Of those that were there before, the same come first: ranks know nothing of who else is there.
    assert stayed == [day for day in drawn(units, seed).days if day in stayed]
    assert set(stayed) <= set(drawn(units, seed).days) or len(stayed) > len(drawn(units, seed).days)


def test_every_interface_day_is_drawn_about_as_often() -> None:
    units = [Unit(f"eni-{i}", DAYS[:4]) for i in range(10)]
    times: dict[str, int] = {}
    for seed in range(400):
        for _, unit, _day in drawn(units, seed).days:
            times[unit] = times.get(unit, 0) + 1
    fair = 400 * needed(40, 0.95, 0.05) / 10
    assert all(abs(n - fair) < 0.12 * fair for n in times.values())
    assert len(times) == 10


def test_a_part_of_a_stratum_gets_as_many_as_it_needs() -> None:
    """Three of twenty are asked about by question 1: what is drawn of the twenty would hold too few of them."""
    units = [Unit(f"eni-{i:04}", DAYS, 0b11 if i < 3 else 0b01) for i in range(20)]
    found = drawn(units)
    assert [(d.questions, d.population, d.sampled) for d in found.draws] == [
        ((), 620, needed(620, 0.95, 0.05)),
        ((1,), 93, needed(93, 0.95, 0.05)),
    ]
    ranks = sorted((rank(7, "111122223333", "eu-west-1", u.unit, d), u.unit, d) for u in units[:3] for d in DAYS)
    assert set(ranks[: needed(93, 0.95, 0.05)]) <= set(found.days)


def test_what_is_not_in_use_is_not_drawn() -> None:
    assert drawn([Unit("eni-1", []), Unit("eni-2", DAYS[:2])]).days == tuple(
        sorted((rank(7, "111122223333", "eu-west-1", "eni-2", d), "eni-2", d) for d in DAYS[:2])
    )
    assert drawn([]).population == 0
    assert drawn([]).days == ()
