"""Patterns of IAM policies, against texts of which perhaps only the beginning is known.

IAM User Guide, "IAM JSON policy elements: Resource" and "Policy variables": `*` stands for any characters, `?` for one,
`${name}` for a value of the request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

ANY, ONE = "**", "??"
"""The wildcards among the tokens of a pattern: two characters, so that no literal character is one."""


class Text(NamedTuple):
    """A text of a request: an ARN, a value of the context."""

    known: str
    """What it begins with."""
    open: bool = False
    """Whether more may follow that is not known: the date in a log object's key."""
    without: str = ""
    """Characters that what follows cannot hold."""


Context = Mapping[str, tuple[Text, ...]]
"""Condition key in lower case → the values that it may have, one of them; none: the request does not have the key.

A key that is not in the mapping is not known: it may be there or not.
"""
Pattern = Sequence[str]
"""Characters and wildcards."""
_STARS = 12
"""More stars than this in one word are a trick: they make matching slow. It is then not decided."""
_BEGINS = re.compile(r"[^*?$]*")


def literal(word: str) -> Pattern:
    """Return a pattern without wildcards."""
    return tuple(word)


def pattern(word: str, context: Context | None = None, *, wild: bool = True) -> Pattern | None:
    """Read a word of a policy; None where it holds a variable whose value is not known, or a trick.

    Args:
        word: as written.
        context: of the request, for variables; None where variables mean nothing, as in policies of the version 2008.
        wild: whether `*` and `?` are wildcards there.
    """
    out: list[str] = []
    at = 0
    while at < len(word):
        if context is not None and word.startswith("${", at):
            end = word.find("}", at)
            value = None if end < 0 else _variable(word[at + 2 : end], context)
            if value is None:
                return None
            out += value
            at = end + 1
        else:
            char = word[at]
            out.append({"*": ANY, "?": ONE}.get(char, char) if wild else char)
            at += 1
    return out if out.count(ANY) <= _STARS else None


def _variable(name: str, context: Context) -> str | None:
    if name in ("*", "?", "$"):
        return name
    values = context.get(name.lower(), ())
    return values[0].known if len(values) == 1 and not values[0].open else None


@lru_cache(maxsize=4096)
def _begins(word: str) -> str:
    """What a word begins with, up to the first wildcard or variable."""
    first = _BEGINS.match(word)
    return first[0] if first else ""


def plain(word: str) -> bool:
    """Tell whether a word has neither wildcards nor variables."""
    return _begins(word) == word


def fits(word: str, text: Text, context: Context | None = None, *, wild: bool = True) -> bool | None:
    """Tell whether a word of a policy matches a text; see `pattern` and `matches`.

    Bucket policies name hundreds of accounts: what begins otherwise is told without a look at the rest.
    """
    if wild and word == "*":
        return True
    begins = _begins(word)
    if not (text.known.startswith(begins) or (text.open and begins.startswith(text.known))):
        return False
    if begins == word and not text.open:
        return word == text.known
    if "${" not in word:
        return _fits(word, text, wild=wild)
    wanted = pattern(word, context, wild=wild)
    return None if wanted is None else matches(wanted, text)


@lru_cache(maxsize=16384)
def _fits(word: str, text: Text, *, wild: bool) -> bool | None:
    """Match a word without variables: what a request says of its source is asked of each statement again."""
    wanted = pattern(word, wild=wild)
    return None if wanted is None else matches(wanted, text)


def matches(wanted: Pattern, text: Text) -> bool | None:
    """Tell whether a pattern matches; of an open text, whether it does whatever follows: None where that decides."""
    places = _over_stars(wanted, [0])
    for char in text.known:
        fits = [at for at in places if at < len(wanted) and wanted[at] in (char, ONE, ANY)]
        places = _over_stars(wanted, [at if wanted[at] == ANY else at + 1 for at in fits])
        if not places:
            return False
    through = len(wanted) in places
    if not text.open:
        return through
    if through and wanted and wanted[-1] == ANY:
        return True
    return None if any(set(text.without).isdisjoint(wanted[place:]) for place in places) else False


def _over_stars(wanted: Pattern, places: Iterable[int]) -> set[int]:
    """The places, and those behind the stars that stand there: a star may stand for nothing."""
    out = set()
    for place in places:
        at = place
        while at not in out:
            out.add(at)
            if at < len(wanted) and wanted[at] == ANY:
                at += 1
    return out
