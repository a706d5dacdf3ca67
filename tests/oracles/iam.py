"""IAM policies once more: in two values, on a request of which everything is known, by regular expressions."""

from __future__ import annotations

import re
from typing import Any

Request = dict[str, Any]


def glob(pattern: str, text: str) -> bool:
    shape = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(shape, text, re.DOTALL) is not None


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def fill(word: str, context: dict[str, str | None]) -> str | None:
    """Put in the variables; of those that the request does not have, nothing can be said."""
    for name in re.findall(r"\$\{([^}]*)\}", word):
        value = context.get(name.lower())
        if value is None:
            return None
        word = word.replace("${" + name + "}", value)
    return word


def compare(operator: str, wanted: str, value: str) -> bool:
    if operator == "StringEquals":
        return wanted == value
    if operator == "StringEqualsIgnoreCase":
        return wanted.lower() == value.lower()
    if operator == "StringLike":
        return glob(wanted, value)
    if operator in ("ArnLike", "ArnEquals"):
        ours, theirs = wanted.split(":", 5), value.split(":", 5)
        return len(ours) == len(theirs) == 6 and all(map(glob, ours, theirs))
    if operator == "Bool":
        return wanted.lower() == value.lower()
    if operator == "NumericLessThan":
        return float(value) < float(wanted)
    raise AssertionError(operator)


def holds(operator: str, key: str, values: list[str], context: dict[str, str | None]) -> bool:
    value = context[key.lower()]
    if operator == "Null":
        return (value is None) is (values[0] == "true")
    sets, _, rest = operator.rpartition(":")
    plain = rest.removesuffix("IfExists")
    negated = "Not" in plain
    if value is None:
        return rest != plain or sets == "ForAllValues" or (negated and sets == "")
    same = any(compare(plain.replace("Not", ""), word, value) for word in (fill(w, context) for w in values) if word)
    return same is not negated


def names(principal: Any, caller: str) -> bool:
    if principal == "*":
        return True
    return any(
        name == "*" if kind == "AWS" else kind == "Service" and name == caller
        for kind, some in principal.items()
        for name in many(some)
    )


def applies(statement: dict[str, Any], request: Request) -> bool:
    context, yes = request["context"], True
    for key, positive in (("Action", True), ("NotAction", False)):
        if key in statement:
            found = any(glob(word.lower(), request["action"].lower()) for word in many(statement[key]))
            yes &= found is positive
    for key, positive in (("Resource", True), ("NotResource", False)):
        if key in statement:
            found = any(
                glob(word, request["resource"]) for word in (fill(w, context) for w in many(statement[key])) if word
            )
            yes &= found is positive
    for key, positive in (("Principal", True), ("NotPrincipal", False)):
        if key in statement:
            yes &= names(statement[key], request["caller"]) is positive
    for operator, block in statement.get("Condition", {}).items():
        for key, values in block.items():
            yes &= holds(operator, key, many(values), context)
    return yes


def allows(policy: dict[str, Any], request: Request) -> bool:
    """An explicit Deny wins; what nothing allows is refused."""
    about = [one["Effect"] for one in many(policy["Statement"]) if applies(one, request)]
    return "Allow" in about and "Deny" not in about
