"""Somebody else's text, and numbers for people."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.formats.text import clean, clip, plain, plural, short, size, visible, when


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        ("plain text", "plain text"),
        ("two\nlines\ttab\r", r"two\nlines\ttab\r"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("invoice\u202egnp.exe", r"invoice\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("half \ud800 pair", r"half \ud800 pair"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("支付 🏦 שער é", "支付 🏦 שער é"),
        ("e\u0301\u0302\u0303\u0304", "e\u0301\u0302\\u0303\\u0304"),
        ("line\u2028break", r"line\u2028break"),
    ],
)
def test_visible_shows_what_would_act(given_: str, shown: str) -> None:
    """Controls, overrides, invisibles, halves, stacks of marks."""
    assert visible(given_) == shown


def test_visible_cuts_and_says_so() -> None:
    """Ten thousand characters do not fill the page."""
    assert visible("x" * 10_000, 10) == "xxxxxxxxxx… (+9,990 characters)"
    assert visible("\n" * 50, 10) == r"\n\n\n\n\n… (+45 characters)"


@given(st.text(st.characters(), max_size=300), st.integers(1, 100))
def test_visible_is_always_safe(text: str, limit: int) -> None:
    """Whatever comes in: one line, printable, encodable, bounded, and stable."""
    shown = visible(text, limit)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
    shown.encode()
    assert len(shown) <= limit + 25
    assert visible(shown, 1000) == shown


def test_clean_reaches_every_text_and_keeps_prose_lines() -> None:
    """Keys too; the lines of a condition as written stay lines."""
    assert clean({"a\n": ["\x07", {"b": "\u202e"}], "where": "x: 1\ny: \x07", "n": 1, "none": None}) == {
        r"a\n": [r"\x07", {"b": r"\u202e"}],
        "where": "x: 1\ny: \\x07",
        "n": 1,
        "none": None,
    }


def test_words_for_people() -> None:
    """Numbers, sizes, times."""
    assert [plain(x) for x in (None, True, 1234567, 2**63 - 1, ["a", 2], {"k": "v"}, 0.05)] == [
        "?",
        "yes",
        "1,234,567",
        "never",
        "a, 2",
        "k: v",
        "0.05",
    ]
    assert [size(x) for x in (0, 1023, 1024, 5 * 1024**3)] == ["0 B", "1023 B", "1.0 KiB", "5.0 GiB"]
    assert [short(x) for x in (7, 999, 1500, 184_311_432)] == ["7", "999", "1.5 k", "184.3 M"]
    assert [when("2026-10-01T04:12:09Z"), when("2026-10-01"), when("soon")] == [
        "2026-10-01 04:12 UTC",
        "2026-10-01",
        "soon",
    ]
    assert [plural(1, "finding"), plural(2, "finding"), plural(0, "reply", "replies")] == [
        "1 finding",
        "2 findings",
        "0 replies",
    ]
    assert clip("abcdef", 4) == "abc…"
