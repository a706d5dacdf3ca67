"""Progress where there is no terminal: lines now and then, with rate and time left."""

from __future__ import annotations

from auditkit.cli.progress import Plain


def told(ticks: list[tuple[float, int]], total: int = 1000) -> list[str]:
    """Tick at given seconds; return what was said."""
    now = [0.0]
    said: list[str] = []
    plain = Plain(said.append, lambda: now[0])
    for second, done in ticks:
        now[0] = second
        plain("log objects read", done, total)
    return said


def test_a_step_says_that_it_begins() -> None:
    assert told([(0, 0), (1, 10), (2, 20)]) == ["log objects read: 1,000 …"]
    assert told([(0, 0)], total=0) == ["log objects read …"]


def test_every_tenth_says_rate_and_time_left() -> None:
    assert told([(0, 0), (10, 100), (15, 150), (20, 200)]) == [
        "log objects read: 1,000 …",
        "log objects read: 100 of 1,000 (10 %), 10/s, 1:30 left",
        "log objects read: 200 of 1,000 (20 %), 10/s, 1:20 left",
    ]


def test_a_slow_step_speaks_every_half_minute() -> None:
    assert told([(0, 0), (10, 1), (31, 2), (50, 3), (62, 4)])[1:] == [
        "log objects read: 2 of 1,000 (0 %), 0.1/s, 4:17:49 left",
        "log objects read: 4 of 1,000 (0 %), 0.1/s, 4:17:18 left",
    ]


def test_a_quick_step_does_not_flood() -> None:
    assert len(told([(n / 1000, n) for n in range(1001)])) == 1


def test_what_has_no_total_says_how_far_it_is() -> None:
    assert told([(0, 0), (30, 600)], total=0)[1:] == ["log objects read: 600, 20/s"]
