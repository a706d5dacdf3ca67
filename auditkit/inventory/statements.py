"""Policy documents → statements, or `Malformed`: a policy that is not as AWS writes it gives no verdict.

IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditkit.inventory.answers import Malformed

_LONGEST = 65_536
"""Characters of a policy: twice what AWS takes for the longest kind, a key's."""
_EFFECTS = {"Allow": True, "Deny": False}
_KEYS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_ANYBODY = {"*": ("*",)}


@dataclass(frozen=True, slots=True)
class Words:
    """One element of a statement."""

    words: tuple[str, ...]
    """As written."""
    but: bool
    """NotAction, NotResource: all but these."""


@dataclass(frozen=True, slots=True)
class Principals:
    """Whom a statement is about."""

    names: Mapping[str, tuple[str, ...]]
    """AWS, Service, Federated, CanonicalUser → names; `*` → `*` for everybody."""
    but: bool
    """NotPrincipal: all but these."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One line of a condition."""

    operator: str
    """StringEquals, ForAnyValue:StringLike, ArnLikeIfExists, …"""
    key: str
    """Condition key, in lower case: case does not count in it."""
    values: tuple[str, ...]
    """Any of them is enough."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement."""

    allows: bool
    """Allow, or Deny."""
    principals: Principals | None
    """None in the policies of a role: it is about the role."""
    actions: Words
    """Actions."""
    resources: Words | None
    """None in the trust policy of a role: it is about the role."""
    tests: tuple[Clause, ...]
    """All have to hold."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy."""

    statements: tuple[Statement, ...]
    """In order."""
    variables: bool
    """Whether `${…}` is a variable: since the version of 2012."""


NOTHING = Policy((), variables=True)
"""No policy: it allows nothing, and denies nothing."""


def read_policy(document: object, *, of_role: bool = False) -> Policy:
    """Read a policy.

    Args:
        document: the JSON text, or what it was parsed to.
        of_role: it says what a role may do; otherwise who may use the thing that it belongs to.

    Raises:
        Malformed: it is not a policy.
    """
    if isinstance(document, str):
        document = _parse(document)
    if not isinstance(document, dict):
        raise Malformed("the policy is not a structure")
    given = document.get("Statement")
    rows = given if isinstance(given, list) else [given]
    size = _Size()
    read = tuple(_statement(row, size, of_role=of_role) for row in rows)
    return Policy(read, variables=document.get("Version") == "2012-10-17")


def _parse(text: str) -> Any:
    if len(text) > _LONGEST:
        raise Malformed("the policy is longer than AWS takes")
    try:
        return json.loads(text, object_pairs_hook=_no_twice)
    except RecursionError:
        raise Malformed("the policy is nested too deep") from None
    except ValueError as error:  # JSONDecodeError, Malformed, and integers with too many digits
        raise Malformed(f"the policy is not JSON: {error}") from None


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise Malformed("a key stands there twice")
    return out


class _Size:
    """Counts the characters of a policy that came parsed."""

    def __init__(self) -> None:
        self._left = _LONGEST

    def take(self, word: str) -> str:
        self._left -= len(word) + 1
        if self._left < 0:
            raise Malformed("the policy is longer than AWS takes")
        return word


def _statement(row: object, size: _Size, *, of_role: bool) -> Statement:
    if not isinstance(row, dict):
        raise Malformed("a statement is not a structure")
    size.take("")
    odd = sorted(str(key) for key in row if key not in _KEYS)
    if odd:
        raise Malformed(f"a statement has {odd[0][:40]!r}")
    effect = row.get("Effect")
    if not isinstance(effect, str) or effect not in _EFFECTS:
        raise Malformed("Effect is neither Allow nor Deny")
    actions = _element(row, "Action", size)
    if actions is None:
        raise Malformed("a statement has no Action")
    resources = _element(row, "Resource", size)
    principals = _principals(row, size)
    if of_role and (principals is not None or resources is None):
        raise Malformed("a policy of a role has a Principal, or no Resource")
    if not of_role and principals is None:
        raise Malformed("a statement has no Principal")
    return Statement(_EFFECTS[effect], principals, actions, resources, tuple(_tests(row.get("Condition"), size)))


def _element(row: Mapping[str, Any], name: str, size: _Size) -> Words | None:
    there = [key for key in (name, f"Not{name}") if key in row]
    if len(there) > 1:
        raise Malformed(f"a statement has both {name} and Not{name}")
    return Words(_words(row[there[0]], there[0], size), but=there[0] != name) if there else None


def _words(value: object, name: str, size: _Size) -> tuple[str, ...]:
    words: list[Any] = value if isinstance(value, list) else [value]
    if not words or not all(isinstance(word, str) for word in words):
        raise Malformed(f"{name} is neither text nor a list of texts")
    return tuple(size.take(word) for word in words)


def _principals(row: Mapping[str, Any], size: _Size) -> Principals | None:
    there = [key for key in ("Principal", "NotPrincipal") if key in row]
    if not there:
        return None
    if len(there) > 1:
        raise Malformed("a statement has both Principal and NotPrincipal")
    value = row[there[0]]
    if value != "*" and not (isinstance(value, dict) and value):
        raise Malformed(f"{there[0]} is neither * nor a structure")
    names = _ANYBODY if value == "*" else {str(kind): _words(some, there[0], size) for kind, some in value.items()}
    return Principals(names, but=there[0] == "NotPrincipal")


def _tests(condition: object, size: _Size) -> list[Clause]:
    if condition is None:
        return []
    if not isinstance(condition, dict):
        raise Malformed("Condition is not a structure")
    out = []
    for operator, block in condition.items():
        if not isinstance(block, dict):
            raise Malformed("an operator of Condition has no structure")
        for key, value in block.items():
            values = value if isinstance(value, list) else [value]
            out.append(Clause(size.take(str(operator)), size.take(str(key)).lower(), _values(values, size)))
    return out


def _values(values: list[Any], size: _Size) -> tuple[str, ...]:
    out = []
    for value in values:
        if isinstance(value, bool):
            out.append("true" if value else "false")
        elif isinstance(value, str | int | float):
            out.append(size.take(str(value)))
        else:
            raise Malformed("a value of Condition is neither text, number nor boolean")
    return tuple(out)
