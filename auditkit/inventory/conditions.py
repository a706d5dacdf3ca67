"""Conditions of IAM policies, in three values: what of the request is not known leaves them undecided.

IAM User Guide, "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context keys".
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from auditkit.inventory.patterns import Context, Text, fits, literal, matches, pattern, plain
from auditkit.inventory.statements import Clause
from auditkit.model.condition import kleene_and, kleene_not, kleene_or

_SETS = ("ForAnyValue:", "ForAllValues:")
_ARN_PARTS = 6


def holds(test: Clause, context: Context, *, variables: bool) -> bool | None:
    """Judge one line of a condition.

    Args:
        test: the line.
        context: of the request.
        variables: whether `${…}` in its values is a variable.
    """
    all_or_any = next((name for name in _SETS if test.operator.startswith(name)), "")
    name = test.operator.removeprefix(all_or_any)
    base = name.removesuffix("IfExists")
    if test.key not in context or not test.values:
        return None
    possible = context[test.key]
    if name == "Null":
        return _null(test.values, there=bool(possible)) if not all_or_any else None
    negated = base.startswith(("StringNot", "ArnNot", "NumericNot"))
    judge = _OPERATORS.get(base.replace("Not", "", 1) if negated else base)
    if judge is None:
        return None
    if not possible:
        # An absent key: all of no values fit, none of them does, and it is not equal to anything.
        return base != name or all_or_any == "ForAllValues:" or (negated and not all_or_any)
    verdicts = {
        kleene_or(judge(value, wanted, context if variables else None) for wanted in test.values) for value in possible
    }
    verdict = verdicts.pop() if len(verdicts) == 1 else None
    return kleene_not(verdict) if negated else verdict


def _null(values: tuple[str, ...], *, there: bool) -> bool | None:
    if len(values) != 1 or values[0].lower() not in ("true", "false"):
        return None
    return there is (values[0].lower() == "false")


Judge = Callable[[Text, str, Context | None], bool | None]


def _string(*, wild: bool = False, case: bool = True) -> Judge:
    def judge(value: Text, word: str, context: Context | None) -> bool | None:
        if case:
            return fits(word, value, context, wild=wild)
        wanted = pattern(word, context, wild=wild)
        if wanted is None:
            return None
        return matches([char.lower() for char in wanted], Text(value.known.lower(), value.open))

    return judge


def _arn(value: Text, word: str, context: Context | None) -> bool | None:
    """ARNs are compared part by part: no wildcard reaches over a colon of the first five."""
    parts, told = _parts(word), value.known.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS or len(told) < _ARN_PARTS:
        return False if fits(word, value, context) is False else None
    last = _ARN_PARTS - 1
    # Bucket policies name hundreds of accounts: the parts before the last that are the same need no pattern.
    rest = [(part, Text(text)) for part, text in zip(parts[:last], told[:last], strict=True) if part != text]
    if any(plain(part) for part, _ in rest):
        return False
    return kleene_and(fits(part, text, context) for part, text in (*rest, (parts[last], Text(told[last], value.open))))


@lru_cache(maxsize=4096)
def _parts(word: str) -> Sequence[str]:
    """Split an ARN at its first five colons; those of a variable's name are none."""
    if "${" not in word:
        return word.split(":", _ARN_PARTS - 1)
    whole = re.split(r"(\$\{[^}]*\}|:)", word)
    out = [""]
    for one in whole:
        if one == ":" and len(out) < _ARN_PARTS:
            out.append("")
        else:
            out[-1] += one
    return out


def _boolean(value: Text, word: str, _context: Context | None) -> bool | None:
    wanted = word.lower()
    return matches(literal(wanted), Text(value.known.lower(), value.open)) if wanted in ("true", "false") else None


def _number(compare: Callable[[float, float], bool]) -> Judge:
    def judge(value: Text, word: str, _context: Context | None) -> bool | None:
        if value.open:
            return None
        try:
            pair = float(value.known), float(word)
        except ValueError:
            return None
        return compare(*pair) if all(map(math.isfinite, pair)) else None

    return judge


_OPERATORS: dict[str, Judge] = {
    "StringEquals": _string(),
    "StringEqualsIgnoreCase": _string(case=False),
    "StringLike": _string(wild=True),
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "Bool": _boolean,
    "NumericEquals": _number(operator.eq),
    "NumericLessThan": _number(operator.lt),
    "NumericLessThanEquals": _number(operator.le),
    "NumericGreaterThan": _number(operator.gt),
    "NumericGreaterThanEquals": _number(operator.ge),
}
"""Operators that are judged, without those that negate them; addresses, dates and bytes are of no use here."""
