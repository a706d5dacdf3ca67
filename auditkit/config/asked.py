"""A condition asked on the command line or in Python, instead of in a policy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from auditkit.config.conditions import Parser
from auditkit.config.yaml import Loc, parse
from auditkit.model.condition import Condition
from auditkit.model.errors import InvalidInput, Problem
from auditkit.model.tables import Column

_DEEPEST = 40


def asked(given: Any, columns: Iterable[Column], networks: Collection[str], file: str = "where") -> Condition:
    """Read a condition: YAML text, or mappings and lists of Python's own values.

    Args:
        given: as under `where:` of a policy.
        columns: those that may be named.
        networks: the networks of auditkit.yaml.
        file: what complaints call it.

    Raises:
        InvalidInput: every complaint.
    """
    data = parse(given, file).data if isinstance(given, str) else _plain(given, file, 0)
    problems: list[Problem] = []

    def complain(loc: Loc, message: str) -> None:
        place = ".".join(map(str, loc))
        problems.append(Problem(file, 0, f"{place}: {message}" if place else message))

    condition = Parser({c.name: c for c in columns}, networks, complain).condition(data, ())
    if problems:
        raise InvalidInput(problems, "Conditions are written as under where: of a policy, as in direction: egress.")
    return condition


def _plain(value: Any, file: str, depth: int) -> Any:
    """Python's values as YAML's text."""
    if depth > _DEEPEST:
        raise InvalidInput([Problem(file, 0, "is nested too deeply")])
    if isinstance(value, Mapping):
        return {str(k): _plain(v, file, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v, file, depth + 1) for v in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    raise InvalidInput([Problem(file, 0, f"{type(value).__name__} is no value of a condition")])
