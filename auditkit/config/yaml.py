"""YAML as text: every scalar stays what was written, every value knows its line.

`4.10` stays 4.10, account ids keep their zeros, NO is a word; the schema types them later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from auditkit.model.errors import InvalidInput, Problem

Loc = tuple[str | int, ...]
_MOST_NODES = 200_000
_DEEPEST = 40
_LARGEST = 16 * 2**20
"""Bytes of a file; all of 200,000 nodes fit in far less."""
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_PLAIN_TAGS = {
    f"tag:yaml.org,2002:{t}"
    for t in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value")
}


@dataclass
class Document:
    """One YAML file: text, lists, mappings and None, and where each stands."""

    file: str
    """Path as given."""
    data: Any
    """The content: str, None, list or dict."""
    lines: dict[Loc, int] = field(default_factory=dict)
    """Path of keys and indexes → line, 1-based."""

    def line(self, loc: Loc) -> int:
        """Return the line of the value at `loc`, or of the nearest thing around it."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def problem(self, loc: Loc, message: str) -> Problem:
        """Make a complaint about the value at `loc`."""
        return Problem(self.file, self.line(loc), message)


def load(path: Path) -> Document:
    """Read one YAML file.

    Raises:
        InvalidInput: it cannot be read, is not YAML, holds duplicate keys, tags or too much.
    """
    try:
        with path.open("rb") as file:
            body = file.read(_LARGEST + 1)
        if len(body) > _LARGEST:
            raise InvalidInput([Problem(str(path), 0, f"is larger than {_LARGEST >> 20} MiB")])
        text = body.decode("utf-8-sig")
    except OSError as error:
        raise InvalidInput([Problem(str(path), 0, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        raise InvalidInput(
            [Problem(str(path), 0, f"is not UTF-8 text: {error.reason} at byte {error.start}")]
        ) from None
    return parse(text, str(path))


def parse(text: str, file: str) -> Document:
    """Parse YAML text. Raises InvalidInput as `load` does."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise InvalidInput([Problem(file, line, f"is not YAML: {error.problem or error.context}")]) from None
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:  # the last two: \U of no character
        raise InvalidInput([Problem(file, 0, f"is not YAML: {str(error).splitlines()[0]}")]) from None
    reader = _Reader(file)
    data = reader.plain(node, (), 0) if node is not None else None
    if reader.problems:
        raise InvalidInput(reader.problems)
    return Document(file, data, reader.lines)


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Loc, int] = {}
        self.problems: list[Problem] = []
        self.count = 0

    def plain(self, node: yaml.Node, loc: Loc, depth: int) -> Any:
        """Turn a node into text, lists and mappings, noting lines and complaints."""
        line = node.start_mark.line + 1
        self.lines.setdefault(loc, line)
        self.count += 1
        if depth > _DEEPEST or self.count > _MOST_NODES:
            raise InvalidInput([Problem(self.file, line, "is nested or repeated beyond reason")])
        if node.tag not in _PLAIN_TAGS:
            self.problems.append(Problem(self.file, line, f"the tag {node.tag!r} is not allowed here"))
            return None
        if isinstance(node, yaml.ScalarNode):
            return None if node.tag.endswith(":null") else self._text(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, (*loc, at), depth + 1) for at, item in enumerate(node.value)]
        return self._mapping(node, loc, depth)

    def _text(self, node: yaml.ScalarNode) -> str:
        value: str = node.value
        if _NO_TEXT.search(value):
            line = node.start_mark.line + 1
            self.problems.append(Problem(self.file, line, "a text holds a NUL or half a surrogate pair"))
        return value

    def _mapping(self, node: yaml.Node, loc: Loc, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(self.file, line, "a key must be a word"))
                continue
            key = self._text(key_node)
            if key in out:
                first = self.lines[*loc, key]
                self.problems.append(Problem(self.file, line, f"duplicate key {key!r} (first at line {first})"))
                continue
            self.lines[*loc, key] = line
            out[key] = self.plain(value_node, (*loc, key), depth + 1)
        return out
