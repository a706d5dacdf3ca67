"""The files that answer one question → its calls: pages in order, and an error for whatever cannot be trusted.

Several answers in one file are pages of one listing, or the same answer twice; else nobody can tell which one holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from auditkit.dumps.commands import GROUP, KEYS, ROLE, STREAM, Command
from auditkit.dumps.layout import Dump
from auditkit.dumps.text import Saved
from auditkit.model.inventory import Call

Answer = tuple[Dump, dict[str, Any]]
Wrong = tuple[Dump, str, str]
"""File, code, message."""


def calls(files: list[tuple[Dump, Saved]], stamp: Callable[[Dump], Call], doubt: str = "") -> Iterator[Call]:
    """Make the calls of one question.

    Args:
        files: those that answer it, in order.
        stamp: gives the call of a file, without answer and error.
        doubt: why nothing of it can be trusted, or empty.
    """
    answers: list[Answer] = []
    wrong: list[Wrong] = []
    for dump, saved in files:
        for document in saved.documents:
            if why := _mistaken(dump, document):
                wrong.append((dump, "WrongAnswer", f"{dump.name} {why}"))
            else:
                answers.append((dump, _lean(dump.command, document)))
        if saved.code:
            wrong.append(_stopped(dump, saved))
    if doubt:
        wrong.append((files[0][0], "Contradiction", doubt))
    if files[0][0].command.operation == "GetRolePolicy":
        yield from _of_each_policy(answers, wrong, stamp)
    else:
        yield from _told(answers, wrong, stamp)


def _told(answers: list[Answer], wrong: list[Wrong], stamp: Callable[[Dump], Call]) -> Iterator[Call]:
    if answers and answers[0][0].command.listing:
        answers, more = _chained(answers)
        wrong = wrong + more
    elif len({_canonical(answer) for _, answer in answers}) > 1:
        dump = answers[0][0]
        wrong = [
            *wrong,
            (dump, "Contradiction", f"{dump.name} holds several answers, and nobody can tell which one holds"),
        ]
    # Of a listing, what was read still stands, as a part of it; a single answer is certain or none.
    kept = answers if answers and answers[0][0].command.listing else [] if wrong else answers[:1]
    for page, (dump, answer) in enumerate(kept, 1):
        yield replace(stamp(dump), page=page, answer=answer)
    for dump, code, message in wrong:
        yield replace(stamp(dump), page=len(kept) + 1, error={"code": code, "message": message})


def _of_each_policy(answers: list[Answer], wrong: list[Wrong], stamp: Callable[[Dump], Call]) -> Iterator[Call]:
    """The policies of a role may stand in one file; each is a question of its own."""
    by_name: dict[str, list[Answer]] = {}
    for dump, answer in answers:
        by_name.setdefault(str(answer.get("PolicyName")), []).append((dump, answer))
    for name in sorted(by_name):
        for call in _told(by_name[name], [], stamp):
            yield replace(call, resource=f"{call.resource}/{name}")
    yield from _told([], wrong, stamp)


def _stopped(dump: Dump, saved: Saved) -> Wrong:
    if not saved.operation:
        return dump, saved.code, f"{dump.name} {saved.message}"
    if saved.operation != dump.command.operation:
        return dump, "WrongAnswer", f"{dump.name} holds a refusal of {saved.operation}, not of {dump.command.operation}"
    return dump, saved.code, saved.message


def _mistaken(dump: Dump, document: Any) -> str:
    """Say why a document is no answer to the question, or nothing."""
    command = dump.command
    if not isinstance(document, dict):
        return f"holds {'a list' if isinstance(document, list) else 'a value'}, not an answer of {command.name}: save it without --query"
    others = sorted(KEYS[key] for key in document if KEYS.get(key, command.name) != command.name)
    if others and (not command.key or command.key not in document):
        return f"holds an answer of {others[0]}, not of {command.name}"
    if command.key and command.key not in document:
        return f"holds no {command.key}: that is not an answer of {command.name}"
    if not command.key and (odd := sorted(document.keys() - {*command.may, "ResponseMetadata"})):
        return f"holds {odd[0][:40]!r}, which no answer of {command.name} has"
    for about, named in _names(command, document):
        if named != dump.folder:
            return f"is about {about} {named!r}, not {dump.folder!r}"
    return ""


def _names(command: Command, document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The name of the thing that an answer is about, where it tells."""
    if command.place == ROLE:
        inner = document.get("Role") if command.operation == "GetRole" else document
        if isinstance(inner, dict) and isinstance(name := inner.get("RoleName"), str):
            yield "role", name
    elif command.place == STREAM:
        inner = document.get("DeliveryStreamDescription")
        if isinstance(inner, dict) and isinstance(name := inner.get("DeliveryStreamName"), str):
            yield "delivery stream", name
    elif command.place == GROUP:
        rows = document.get("logStreams")
        for row in rows if isinstance(rows, list) else ():
            parts = row["arn"].split(":") if isinstance(row, dict) and isinstance(row.get("arn"), str) else []
            if len(parts) > 7:
                yield "log group", parts[6]
    elif (
        command.operation == "GetKeyPolicy"
        and isinstance(name := document.get("PolicyName", "default"), str)
        and name != "default"
    ):
        yield "key policy", name


def _lean(command: Command, document: dict[str, Any]) -> dict[str, Any]:
    answer = {key: value for key, value in document.items() if key != "ResponseMetadata"}
    if command.operation == "DescribeLogStreams" and "NextToken" in answer:  # the CLI's own token, for --max-items
        answer["nextToken"] = answer.pop("NextToken")
    return answer


def _chained(answers: list[Answer]) -> tuple[list[Answer], list[Wrong]]:
    """Order a listing's answers as pages: each chain ends with the first that has no token."""
    key = answers[0][0].command.key
    chains: list[list[Answer]] = [[]]
    for one in answers:
        chains[-1].append(one)
        if not _more(one[1]):
            chains.append([])
    torn = chains.pop()
    last = answers[-1][0]
    if torn:
        why = f"{last.name} ends with a NextToken, so the rest was not saved: leave out --max-items and --no-paginate"
        return answers, [(last, "Torn", why)]
    rows = [[_canonical(row) for _, answer in chain for row in _rows(answer, key)] for chain in chains]
    if any(len(set(some)) < len(some) for some in rows):
        return answers, [
            (last, "Contradiction", f"{last.name} holds pages that overlap, so they are not of one listing")
        ]
    if any(sorted(some) != sorted(rows[0]) for some in rows):
        why = (
            f"{last.name} holds {len(chains)} whole answers that differ, and nobody can tell which one holds: keep one"
        )
        return answers, [(last, "Contradiction", why)]
    return chains[0], []


def _more(answer: dict[str, Any]) -> bool:
    return bool(answer.get("NextToken") or answer.get("nextToken"))


def _rows(answer: dict[str, Any], key: str) -> list[Any]:
    rows = answer.get(key)
    return rows if isinstance(rows, list) else [rows]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
