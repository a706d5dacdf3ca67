"""What can go wrong, said to a person: what happened, to which thing, the next step."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass


class AuditkitError(Exception):
    """An error with a next step. `exit_status` is what the command line ends with."""

    exit_status = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        """One sentence: what happened, to which thing."""
        self.hint = hint
        """The next step, or empty."""


class NothingInScope(AuditkitError):
    """The narrowing, the exclusions or the organization leave nothing to audit."""

    exit_status = 3


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One complaint about a file that a person wrote."""

    file: str
    """Path as the person gave it."""
    line: int
    """1-based; 0 when the file as a whole is meant."""
    message: str
    """What is wrong, and the nearest right word where there is one."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class InvalidInput(AuditkitError):
    """All problems of all files, at once."""

    def __init__(self, problems: Iterable[Problem], hint: str = "") -> None:
        self.problems = sorted(set(problems))
        """Sorted by file and line."""
        super().__init__("\n".join(map(str, self.problems)), hint)


def nearest(word: str, words: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest of `words`, or an empty string."""
    close = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


# A signature error quotes the signed request, session token and all; an authorization failure carries a long blob.
_SECRETS = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b|[A-Za-z0-9/+=_-]{100,}")


def discreet(message: str) -> str:
    """Return the first paragraph of somebody else's message, with whatever looks like a key or token cut out."""
    first = message.strip().split("\n\n", 1)[0]
    return _SECRETS.sub("[…]", " ".join(first.split()))[:500]
